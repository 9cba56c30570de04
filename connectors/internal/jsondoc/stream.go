package jsondoc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"trueup/connectors"
)

// stream reads any other container: a window moves over the stream and is widened only while one document is read.
type stream struct {
	*Options
	ctx    context.Context
	r      io.Reader
	buf    []byte
	pos    int // next byte in buf
	line   int64
	end    bool  // nothing follows buf
	failed error // of the reader, after buf
	each   func(int, Doc) error
}

// readStream reads a stream that begins with head, or that failed after it.
func readStream(ctx context.Context, r io.Reader, head []byte, failed error, o *Options, each func(int, Doc) error) error {
	s := &stream{Options: o, ctx: ctx, r: r, buf: head, line: 1, failed: failed, each: each}
	for {
		c, err := s.peek()
		switch {
		case err != nil || c == 0:
			return err
		case c == '[':
			err = s.array()
		case c == '{' && len(o.Members) > 0:
			err = s.page()
		case c == '{':
			err = s.document()
		default:
			err = s.malformed("want a JSON object or an array of them")
		}
		if err != nil {
			return err
		}
	}
}

// more widens the window, dropping what lies before pos. It fails if ctx is done.
func (s *stream) more() error {
	if s.failed != nil {
		return s.failed
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.pos > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos = 0
	}
	if len(s.buf) > cap(s.buf)/2 {
		s.buf = slices.Grow(s.buf, cap(s.buf))
	}
	s.buf, s.end, s.failed = fill(s.r, s.buf)
	return nil
}

// advance passes n bytes of the window.
func (s *stream) advance(n int) {
	s.line += int64(bytes.Count(s.buf[s.pos:s.pos+n], newline))
	s.pos += n
}

// peek passes white space and returns the byte that follows, 0 at the end of the stream.
func (s *stream) peek() (byte, error) {
	for {
		s.advance(space(s.buf, s.pos) - s.pos)
		if s.pos < len(s.buf) {
			if c := s.buf[s.pos]; c != 0 {
				return c, nil
			}
			return 0, s.malformed("control character")
		}
		if s.end {
			return 0, nil
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

func (s *stream) malformed(reason string) error {
	return &connectors.Error{Class: connectors.Permanent, Line: s.line, Reason: "malformed JSON: " + reason}
}

// array passes the array at pos and hands on its elements.
func (s *stream) array() error {
	s.advance(1)
	c, err := s.within()
	if err == nil && c == ']' {
		s.advance(1)
		return nil
	}
	for err == nil {
		if err = s.document(); err != nil {
			return err
		}
		if c, err = s.within(); err != nil {
			return err
		}
		s.advance(1)
		switch c {
		case ']':
			return nil
		case ',':
			c, err = s.within()
			if c == ']' {
				return s.malformed("a comma and no element after it")
			}
		default:
			return s.malformed("want a comma or ] after an element")
		}
	}
	return err
}

// within is peek inside a container, where the stream must not end.
func (s *stream) within() (byte, error) {
	c, err := s.peek()
	if err == nil && c == 0 {
		err = cutOff(s.line, "ends before its last bracket")
	}
	return c, err
}

// document passes the value at pos and hands it on if it is an object.
func (s *stream) document() error {
	line := s.line
	doc, long, err := s.value()
	if err != nil {
		return err
	}
	if long {
		s.Reject(line, s.tooLong())
		return nil
	}
	if doc[0] != '{' {
		s.Reject(line, string(notObject))
		return nil
	}
	return s.give(Doc{line, doc})
}

// give hands a document on.
func (s *stream) give(d Doc) error {
	why, err := call(s.each, 0, d)
	switch {
	case err != nil:
		return err
	case why != "":
		s.Reject(d.Line, string(why))
	default:
		s.Accept(1)
	}
	return nil
}

// page is an object that may hold the wanted array.
type page struct {
	line  int64
	rest  []byte // the object without the array
	paged bool   // it holds the array
	long  bool   // rest is not whole: it would be too long
}

// page passes the object at pos. If it has a member that is the wanted array, the elements are handed on and the rest of
// it goes to the envelope; else it is a document itself.
func (s *stream) page() error {
	p := page{line: s.line, rest: []byte{'{'}}
	s.advance(1)
	c, err := s.within()
	for err == nil && c != '}' {
		if err = s.member(&p, c); err != nil {
			return err
		}
		if c, err = s.within(); err == nil && c == ',' {
			s.advance(1)
			if c, err = s.within(); c == '}' {
				return s.malformed("a comma and no member after it")
			}
		} else if err == nil && c != '}' {
			return s.malformed("want a comma or } after a member")
		}
	}
	if err != nil {
		return err
	}
	s.advance(1)
	p.rest = append(p.rest, '}')
	switch {
	case p.long || len(p.rest) > s.MaxDocument:
		s.Reject(p.line, s.tooLong())
		return nil
	case p.paged && s.Envelope != nil:
		return s.Envelope(p.line, p.rest)
	case p.paged:
		return nil
	}
	return s.give(Doc{p.line, p.rest})
}

// member passes one member of a page, which begins with c.
func (s *stream) member(p *page, c byte) error {
	if c != '"' {
		return s.malformed("want a quoted key")
	}
	key, err := s.key()
	if err != nil {
		return err
	}
	if c, err = s.within(); err != nil {
		return err
	}
	name, why := unescape(nil, key[1:len(key)-1])
	if c == '[' && why == "" && slices.Contains(s.Members, string(name)) {
		p.paged = true
		return s.array()
	}
	value, long, err := s.value()
	if p.long = p.long || long || len(p.rest) > s.MaxDocument; err != nil || p.long {
		return err
	}
	if len(p.rest) > 1 {
		p.rest = append(p.rest, ',')
	}
	p.rest = append(append(p.rest, key...), ':')
	p.rest = append(p.rest, value...)
	return nil
}

// key passes a quoted key and its colon and returns a copy of the key.
func (s *stream) key() ([]byte, error) {
	key, long, err := s.value()
	if err != nil {
		return nil, err
	}
	if long {
		return nil, s.malformed("a key " + s.tooLong())
	}
	key = bytes.Clone(key)
	c, err := s.within()
	if err == nil && c != ':' {
		err = s.malformed("want a colon after a key")
	}
	if err == nil {
		s.advance(1)
	}
	return key, err
}

// value passes the value at pos and returns its bytes, borrowed until the window moves. A value that is too long is
// passed without being held.
func (s *stream) value() (b []byte, long bool, err error) {
	var p progress
	n := 0
	line := s.line
	for {
		some, done := p.pass(s.buf[s.pos+n:])
		n += some
		if done || s.end && p.depth == 0 && !p.quoted && n > 0 {
			break
		}
		if s.end {
			return nil, false, cutOff(line, "ends within a record")
		}
		if n > s.MaxDocument {
			long = true
			s.advance(n)
			n = 0
		}
		if err := s.more(); err != nil {
			return nil, false, err
		}
	}
	long = long || n > s.MaxDocument
	b = s.buf[s.pos : s.pos+n]
	s.advance(n)
	if n == 0 && !long {
		return nil, false, s.malformed(fmt.Sprintf("want a value, not %q", s.buf[s.pos]))
	}
	return b, long, nil
}

// progress is how far into a value a pass has come.
type progress struct {
	depth   int
	quoted  bool // in a string
	escaped bool // after a backslash
	scalar  bool // in a number or word at depth 0
}

// pass goes over more bytes of a value and returns how many belong to it and whether it has ended. It does not tell one
// sort of bracket from the other; the Scanner does.
func (p *progress) pass(b []byte) (n int, done bool) {
	for i := 0; i < len(b); i++ {
		if p.quoted {
			k := p.inString(b[i:])
			if i += k; i == len(b) {
				return i, false
			}
			p.quoted = false
			if p.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch b[i] {
		case '"':
			if p.scalar {
				return i, true
			}
			p.quoted = true
		case '{', '[':
			if p.scalar {
				return i, true
			}
			p.depth++
		case '}', ']':
			if p.depth == 0 {
				return i, true
			}
			if p.depth--; p.depth == 0 {
				return i + 1, true
			}
		case ',', ':', ' ', '\n', '\r', '\t':
			if p.depth == 0 {
				return i, true
			}
		default:
			p.scalar = p.depth == 0
		}
	}
	return len(b), false
}

// inString returns the position of the quote that ends the string in which b begins, or len(b).
func (p *progress) inString(b []byte) int {
	i := 0
	if p.escaped && len(b) > 0 {
		p.escaped = false
		i = 1
	}
	for from := i; ; from = i { // no escape reaches over from
		end := len(b)
		if k := bytes.IndexByte(b[i:], '"'); k >= 0 {
			end = i + k
		}
		slash := end
		for slash > from && b[slash-1] == '\\' {
			slash--
		}
		if (end-slash)%2 == 0 {
			return end
		}
		if end == len(b) {
			p.escaped = true
			return end
		}
		i = end + 1
	}
}
