package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a document, so that a small file cannot become a large one.
const (
	maxDocument = 8 << 20 // bytes
	maxVisits   = 1 << 18 // values, each use of an alias counted again
	maxDepth    = 64      // of nesting
	maxOpen     = 4096    // brackets open at a time before parsing
)

// Document is a decoded YAML file that still knows where each key stands.
type Document struct {
	name    string
	lines   []string
	places  map[string]place // of keys' values, by path
	anchors map[string]ast.Node
	visits  int
	faults  Faults
	blamed  map[string]bool // keys that have a fault
}

type place struct{ line, column int }

// DecodeStrict decodes one YAML document into the struct that into points to. It knows the keys that the struct's yaml
// tags name and refuses any other, refuses a key that stands twice, a value of another type, a second document, tags and
// merge keys. A key without a value is refused, except where a list or a section is expected: that is then empty.
//
// Fields may be bools, integers, floats, strings, [time.Duration] (24h, or 1d for 24 hours), structs, pointers, slices
// and maps of these, empty interfaces, structs whose keys stand among the others (`yaml:",inline"`), and types with UnmarshalText (given the text of a scalar) or UnmarshalYAML(func(any) error) error.
// A type with the method Check([Report]) is checked once it is decoded. Fields already set keep their value where the
// document does not name them.
//
// The error is nil or [Faults] with everything that is wrong, in the order of the file. The document is returned in both
// cases, so that what can only be checked against something else can be reported at its place too; see [Document.Fault].
func DecodeStrict(name string, data []byte, into any) (*Document, error) {
	d := &Document{name: name, places: map[string]place{}, anchors: map[string]ast.Node{}, blamed: map[string]bool{}}
	if body, ok := d.parse(data); ok {
		d.decode(body, reflect.ValueOf(into).Elem(), "", 0)
	}
	return d, d.Err()
}

// Err returns everything that is wrong with the document so far, sorted by place: nil or [Faults].
func (d *Document) Err() error {
	d.faults.sort()
	return d.faults.Err()
}

// Has reports whether the document names a key, by its path.
func (d *Document) Has(key string) bool {
	_, ok := d.places[key]
	return ok
}

// Line returns the line, from 1, on which the value of a key begins; 0 if the document does not name the key.
func (d *Document) Line(key string) int { return d.places[key].line }

// Fault adds a fault of a key, given by its path ("sources[2].kind"), at the place of its value, or at that of the
// section around it where the key is missing. Only the first fault of a key counts, and none of what is inside a value
// that could not be read at all.
func (d *Document) Fault(key, reason, hint string) {
	at, found := d.places[key]
	for around := key; around != ""; {
		around = around[:max(0, strings.LastIndexAny(around, ".["))]
		if d.blamed[around] {
			return
		}
		if !found {
			at, found = d.places[around]
		}
	}
	d.fault(at, key, reason, hint)
}

func (d *Document) fault(at place, key, reason, hint string) {
	if d.blamed[key] {
		return
	}
	d.blamed[key] = true
	d.faults = append(d.faults, Fault{File: d.name, Line: at.line, Column: at.column, Key: key, Reason: reason, Hint: hint})
}

// parse returns the document's only value; nil, true if it is empty.
func (d *Document) parse(data []byte) (ast.Node, bool) {
	if len(data) > maxDocument {
		d.fault(place{}, "", fmt.Sprintf("is %d bytes; %d are the most", len(data), maxDocument), "")
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	d.lines = strings.Split(string(data), "\n")
	for n, line := range d.lines {
		if !utf8.ValidString(line) {
			d.fault(place{n + 1, 1}, "", "is not UTF-8", "save the file as UTF-8")
			return nil, false
		}
	}
	if n, deep := tooDeep(d.lines); deep {
		d.fault(place{n, 1}, "", fmt.Sprintf("opens more than %d brackets", maxOpen), "")
		return nil, false
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil, false
	}
	return d.only(file)
}

// tooDeep finds a line on which more brackets are open, or more dashes stand in a row, than any document needs. It does
// not know quotes, and need not: it only keeps the recursive parser from running out of stack.
func tooDeep(lines []string) (line int, deep bool) {
	open := 0
	for n, text := range lines {
		open = max(0, open+strings.Count(text, "[")+strings.Count(text, "{")-strings.Count(text, "]")-strings.Count(text, "}"))
		dashes := len(text) - len(strings.TrimLeft(text, "-? \t"))
		dashes = strings.Count(text[:dashes], "-") + strings.Count(text[:dashes], "?")
		if open > maxOpen || dashes > maxOpen || strings.Count(text, "[")+strings.Count(text, "{") > maxOpen {
			return n + 1, true
		}
	}
	return 0, false
}

func (d *Document) syntax(err error) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		d.fault(tokenPlace(syntax.Token), "", syntax.Message, "")
		return
	}
	d.fault(place{}, "", err.Error(), "")
}

func (d *Document) only(file *ast.File) (ast.Node, bool) {
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if body != nil {
			d.fault(placeOf(doc.Body), "", "a second document begins here", "keep one document a file; remove the line ---")
			return nil, false
		}
		body = doc.Body
	}
	if body != nil {
		ast.Walk(anchors(d.anchors), body)
	}
	return body, true
}

// anchors collects anchored values by name.
type anchors map[string]ast.Node

func (a anchors) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok && anchor.Name != nil {
		a[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

// resolve follows anchors and aliases to a value; false if that cannot be done.
func (d *Document) resolve(n ast.Node, key string) (ast.Node, bool) {
	for range maxDepth {
		switch node := n.(type) {
		case *ast.AnchorNode:
			n = node.Value
		case *ast.AliasNode:
			name := node.Value.GetToken().Value
			value, ok := d.anchors[name]
			if !ok {
				d.fault(placeOf(node), key, fmt.Sprintf("alias *%s has no anchor &%s", name, name), "")
				return nil, false
			}
			n = value
		case *ast.TagNode:
			d.fault(placeOf(node), key, fmt.Sprintf("tag %s is not supported", node.Start.Value), "remove the tag; quote the value if it is a text")
			return nil, false
		default:
			return n, true
		}
	}
	d.fault(place{}, key, "aliases that lead back to themselves", "")
	return nil, false
}

// hinted is an error with a word on what to do.
type hinted struct{ reason, hint string }

func (h *hinted) Error() string { return h.reason }

func hintOf(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// faultInside reports what is wrong inside a text. Where the text stands in the file as it is, the place is exact; where
// it is escaped or folded, it is the start of the text, and the reason counts the characters.
func (d *Document) faultInside(at place, key, text string, inside *expressionError) {
	for _, e := range inside.list {
		p, exact := d.inside(at, text, e.line, e.column)
		reason := e.reason
		if !exact {
			reason = fmt.Sprintf("at %d:%d of the expression: %s", e.line, e.column+1, reason)
		}
		d.faults = append(d.faults, Fault{File: d.name, Line: p.line, Column: p.column, Key: key, Reason: reason, Hint: e.hint})
	}
	d.blamed[key] = d.blamed[key] || len(inside.list) > 0
}

// inside finds line (from 1) and column (from 0) of a text whose scalar starts at p.
func (d *Document) inside(p place, text string, line, column int) (place, bool) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if line < 1 || line > len(lines) || p.line < 1 || p.line > len(d.lines) {
		return p, false
	}
	first := []rune(d.lines[p.line-1])
	rest := string(first[min(max(p.column-1, 0), len(first)):])
	switch {
	case len(lines) == 1 && strings.HasPrefix(rest, text):
		return place{p.line, p.column + column}, true
	case len(lines) == 1 && len(rest) > 0 && (rest[0] == '\'' || rest[0] == '"') && strings.HasPrefix(rest[1:], text):
		return place{p.line, p.column + 1 + column}, true
	case len(rest) > 0 && rest[0] == '|' && p.line+line <= len(d.lines):
		raw := strings.TrimRight(d.lines[p.line+line-1], "\r")
		if indent := strings.TrimSuffix(raw, lines[line-1]); len(indent)+len(lines[line-1]) == len(raw) {
			return place{p.line + line, len([]rune(indent)) + 1 + column}, true
		}
	}
	return p, false
}
