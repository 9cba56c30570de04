package jsondoc

import "bytes"

// Kind is what sort of JSON value was found.
type Kind uint8

// The kinds of value. Absent is the zero value: the document does not have the path.
const (
	Absent Kind = iota
	Null
	String
	Number
	Bool
	Object
	Array
)

// Value is one wanted value. Its bytes are borrowed from the document or the Scanner.
type Value struct {
	Kind  Kind
	Bytes []byte // a string's contents without escapes; the text of anything else
}

// Text returns a string's contents; nil for anything else.
func (v Value) Text() []byte {
	if v.Kind != String {
		return nil
	}
	return v.Bytes
}

// Scanner finds the values of some paths in one document after the other. It is for one goroutine.
type Scanner struct {
	paths  *Paths
	values []Value
	text   []byte // strings of the document at hand that had escapes
	slash  int    // where the document at hand has its next backslash, behind what has been read
	why    Malformed
}

// NewScanner returns a Scanner for paths.
func NewScanner(paths *Paths) *Scanner {
	return &Scanner{paths: paths, values: make([]Value, paths.slots)}
}

// Value returns the value of path n; it is valid until the next Scan and as long as the document is.
func (s *Scanner) Value(n int) Value { return s.values[n] }

// Text returns the contents of the string at path n; nil if there is no string.
func (s *Scanner) Text(n int) []byte { return s.values[n].Text() }

// Scan finds the paths' values in doc, which must hold one JSON object and nothing else but white space. Where a key
// stands several times in one object the last holds, as with encoding/json. An error is [Malformed], and no value may
// be used then.
func (s *Scanner) Scan(doc []byte) error {
	clear(s.values)
	s.text = s.text[:0]
	s.slash = backslash(doc, 0)
	i := space(doc, 0)
	if i == len(doc) || doc[i] != '{' {
		return notObject
	}
	i = s.object(doc, i, s.paths.root, 1)
	if i < 0 {
		return s.why
	}
	if space(doc, i) != len(doc) {
		return trailing
	}
	return nil
}

// fail notes why the document is refused. Its result stands for a position that there is not.
func (s *Scanner) fail(why Malformed) int {
	s.why = why
	return -1
}

// next passes white space and returns the position of what comes, or -1 at the end of the document.
func (s *Scanner) next(doc []byte, i int) int {
	if i < len(doc) && doc[i] > ' ' {
		return i
	}
	if i = space(doc, i); i == len(doc) {
		return s.fail(Truncated)
	}
	return i
}

// object reads the object that starts at i and returns the position after it, or -1.
func (s *Scanner) object(doc []byte, i int, n *node, depth int) int {
	if depth > maxDepth {
		return s.fail(tooDeep)
	}
	if i = s.next(doc, i+1); i < 0 || doc[i] == '}' {
		return after(i)
	}
	for {
		end := s.key(doc, i)
		if end < 0 {
			return end
		}
		to := n.child(doc[i+1 : end])
		if to == nil && s.slash < end {
			to = s.escapedChild(n, doc, i+1, end)
		}
		if i = s.colon(doc, end+1); i < 0 {
			return i
		}
		if to != nil {
			i = s.wanted(doc, i, to, depth)
		} else {
			i = s.skip(doc, i, depth)
		}
		if i < 0 {
			return i
		}
		if i = s.next(doc, i); i < 0 || doc[i] == '}' {
			return after(i)
		}
		if doc[i] != ',' {
			return s.fail(badComma)
		}
		if i = s.next(doc, i+1); i < 0 {
			return i
		}
	}
}

// after returns the position after i, or -1 if there is no i.
func after(i int) int {
	if i < 0 {
		return i
	}
	return i + 1
}

// key returns the position of the quote that closes the key at i.
func (s *Scanner) key(doc []byte, i int) int {
	if doc[i] != '"' {
		return s.fail(badKey)
	}
	end := quote(doc, i+1)
	if end < 0 {
		return s.fail(Truncated)
	}
	return end
}

// colon passes the colon after a key and returns the position of the value.
func (s *Scanner) colon(doc []byte, i int) int {
	if i+1 < len(doc) && doc[i] == ':' && doc[i+1] > ' ' {
		return i + 1
	}
	if i = s.next(doc, i); i < 0 {
		return i
	}
	if doc[i] != ':' {
		return s.fail(badColon)
	}
	return s.next(doc, i+1)
}

// escapedChild is [node.child] for a key that may be written with escapes.
func (s *Scanner) escapedChild(n *node, doc []byte, start, end int) *node {
	if s.slash < start {
		s.slash = backslash(doc, start)
	}
	if s.slash >= end {
		return nil
	}
	from := len(s.text)
	text, why := unescape(s.text, doc[start:end])
	if why != "" {
		return nil
	}
	s.text = text[:from]
	return n.child(text[from:])
}

// backslash returns where the first backslash at or after i is, or the length of doc.
func backslash(doc []byte, i int) int {
	if n := bytes.IndexByte(doc[i:], '\\'); n >= 0 {
		return i + n
	}
	return len(doc)
}

// wanted reads the value at i, which a path ends at or leads through.
func (s *Scanner) wanted(doc []byte, i int, n *node, depth int) int {
	s.forget(n.below) // of an earlier equal key
	start := i
	kind := kinds[doc[i]]
	switch {
	case kind == Object && len(n.edges) > 0:
		i = s.object(doc, i, n, depth+1)
	case kind == Array && n.elements != nil:
		i = s.elements(doc, i, n, depth+1)
	case kind == String && n.slot >= 0:
		return s.keep(doc, i, n.slot)
	default:
		i = s.skip(doc, i, depth)
	}
	if i >= 0 && n.slot >= 0 {
		s.values[n.slot] = Value{Kind: kind, Bytes: doc[start:i]}
	}
	return i
}

// forget clears values, which most often are clear.
func (s *Scanner) forget(slots []int) {
	for _, slot := range slots {
		if s.values[slot].Kind != Absent {
			s.values[slot] = Value{}
		}
	}
}

// keep stores the string at i.
func (s *Scanner) keep(doc []byte, i, slot int) int {
	end := quote(doc, i+1)
	if end < 0 {
		return s.fail(Truncated)
	}
	text := doc[i+1 : end]
	if !plain(text) {
		from := len(s.text)
		all, why := unescape(s.text, text)
		if why != "" {
			return s.fail(why)
		}
		s.text = all
		text = all[from:]
	}
	s.values[slot] = Value{Kind: String, Bytes: text}
	return end + 1
}

// elements reads the array at i and takes from its elements what n's choices want.
func (s *Scanner) elements(doc []byte, i int, n *node, depth int) int {
	if depth > maxDepth {
		return s.fail(tooDeep)
	}
	var taken uint64
	if i = s.next(doc, i+1); i < 0 || doc[i] == ']' {
		return after(i)
	}
	for {
		if doc[i] == '{' {
			s.forget(n.elements.below)
			if i = s.object(doc, i, n.elements, depth+1); i >= 0 {
				taken = s.take(n, taken)
			}
		} else {
			i = s.skip(doc, i, depth)
		}
		if i < 0 {
			return i
		}
		if i = s.next(doc, i); i < 0 || doc[i] == ']' {
			return after(i)
		}
		if doc[i] != ',' {
			return s.fail(badComma)
		}
		if i = s.next(doc, i+1); i < 0 {
			return i
		}
	}
}

// take moves the values of the element just read to where the choices that fit want them, and returns which choices
// have been served.
func (s *Scanner) take(n *node, taken uint64) uint64 {
	for k := range n.choices {
		c := &n.choices[k]
		if taken>>k&1 == 1 || s.values[c.test].Kind != String || string(s.values[c.test].Bytes) != c.value {
			continue
		}
		for _, move := range c.moves {
			s.values[move[1]] = s.values[move[0]]
		}
		taken |= 1 << k
	}
	return taken
}

// skip passes the value at i, which nobody wants, and returns the position after it, or -1.
func (s *Scanner) skip(doc []byte, i, depth int) int {
	switch doc[i] {
	case '"':
		end := quote(doc, i+1)
		if end < 0 {
			return s.fail(Truncated)
		}
		return end + 1
	case '{':
		return s.skipObject(doc, i, depth+1)
	case '[':
		return s.skipArray(doc, i, depth+1)
	case 't':
		return s.word(doc, i, "true")
	case 'f':
		return s.word(doc, i, "false")
	case 'n':
		return s.word(doc, i, "null")
	}
	return s.number(doc, i)
}

func (s *Scanner) skipObject(doc []byte, i, depth int) int {
	if depth > maxDepth {
		return s.fail(tooDeep)
	}
	if i = s.next(doc, i+1); i < 0 || doc[i] == '}' {
		return after(i)
	}
	for {
		end := s.key(doc, i)
		if end < 0 {
			return end
		}
		if i = s.colon(doc, end+1); i < 0 {
			return i
		}
		if i = s.skip(doc, i, depth); i < 0 {
			return i
		}
		if i = s.next(doc, i); i < 0 || doc[i] == '}' {
			return after(i)
		}
		if doc[i] != ',' {
			return s.fail(badComma)
		}
		if i = s.next(doc, i+1); i < 0 {
			return i
		}
	}
}

func (s *Scanner) skipArray(doc []byte, i, depth int) int {
	if depth > maxDepth {
		return s.fail(tooDeep)
	}
	if i = s.next(doc, i+1); i < 0 || doc[i] == ']' {
		return after(i)
	}
	for {
		if i = s.skip(doc, i, depth); i < 0 {
			return i
		}
		if i = s.next(doc, i); i < 0 || doc[i] == ']' {
			return after(i)
		}
		if doc[i] != ',' {
			return s.fail(badComma)
		}
		if i = s.next(doc, i+1); i < 0 {
			return i
		}
	}
}

// Elements calls each for every element of an array that a Scanner found, as it stands in the document, until each
// returns an error.
func Elements(array []byte, each func(element []byte) error) error {
	var s Scanner // of no paths: it only passes values
	for i := s.next(array, 1); i >= 0 && array[i] != ']'; i = s.next(array, i) {
		if array[i] == ',' {
			i++
			continue
		}
		end := s.skip(array, i, 1)
		if end < 0 {
			return s.why
		}
		if err := each(array[i:end]); err != nil {
			return err
		}
		i = end
	}
	return nil
}
