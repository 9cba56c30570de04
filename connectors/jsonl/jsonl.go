// Package jsonl reads JSON objects (RFC 8259) in text files, for every feed: the kind for exports whose keys the operator
// names. Objects may stand one a line, one after the other, in one array, or in pages that hold an array as a member.
// Keys may be paths, joined by dots: profile.login.
package jsonl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/connectors/internal/mapping"
	"trueup/facts"
)

// Config is a source's section.
type Config struct {
	connectors.Exports `yaml:",inline"`
	mapping.Settings   `yaml:",inline"`
	JSONL              Dialect `yaml:"jsonl"`
}

// Dialect says how the file is written. Numbers are those of JSON, with a decimal point.
type Dialect struct {
	// Dates is how dates are written where they are not ISO; see [mapping.Writing].
	Dates string `yaml:"dates"`
	// Array is the member under which a page keeps its records; "value" by default.
	Array string `yaml:"array"`
}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: "jsonl", Title: "JSON files", Exports: facts.Feeds(), Open: open}
}

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	for name, path := range c.Columns {
		if strings.Contains("."+path+".", "..") || strings.ContainsAny(path, "[]") {
			return nil, fmt.Errorf("%s: %w", section.Name, &connectors.Error{Place: "columns." + name,
				Reason: fmt.Sprintf("%q is no path", path), Hint: "write keys joined by dots, as in profile.login"})
		}
	}
	r := &reader{array: "value"}
	if c.JSONL.Array != "" {
		r.array = c.JSONL.Array
	}
	source, err := mapping.Open(section, &c.Exports, c.Settings, mapping.Writing{Decimal: ".", Dates: c.JSONL.Dates}, r.read)
	if err != nil {
		return nil, err // not source, which would be a nil pointer in an interface
	}
	return source, nil
}

// reader reads files of one dialect.
type reader struct {
	array string
}

// document is what one goroutine knows of one file.
type document struct {
	file *exports.File
	in   *mapping.Intake
	lane int
	scan *jsondoc.Scanner
	slot []int // of each column of the feed among the scanned paths
	row  mapping.Row
	have []int64 // accepted records that have each column
	took int64
	keys []string // of the first record, for the message that a column is missing
}

func (r *reader) read(ctx context.Context, f *exports.File, in *mapping.Intake) error {
	paths, slot := wanted(in.Columns())
	documents := make([]*document, f.Workers)
	for n := range documents {
		documents[n] = &document{file: f, in: in, lane: f.Lane + n, scan: jsondoc.NewScanner(paths), slot: slot,
			row: make(mapping.Row, len(slot)), have: make([]int64, len(slot))}
	}
	o := jsondoc.Options{Members: []string{r.array}, Workers: 1, MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
	if in.Parallel() {
		o.Workers = f.Workers
	}
	err := jsondoc.Each(ctx, f, o, func(worker int, doc jsondoc.Doc) error { return documents[worker].take(doc.Bytes) })
	if missing := present(documents); err == nil {
		err = missing
	}
	return err
}

// wanted names the paths of the columns, each once, and the number of each column's path.
func wanted(columns []mapping.Column) (*jsondoc.Paths, []int) {
	var paths []string
	at := map[string]int{}
	slot := make([]int, len(columns))
	for n, c := range columns {
		k, known := at[c.Title]
		if !known {
			k = len(paths)
			at[c.Title] = k
			paths = append(paths, c.Title)
		}
		slot[n] = k
	}
	return jsondoc.NewPaths(paths...), slot
}

// present adds up which columns the file has. Sign-ins have an outcome only if all of them do.
func present(documents []*document) error {
	first := documents[0]
	took, have := int64(0), make([]int64, len(first.slot))
	var keys []string
	for _, d := range documents {
		took += d.took
		for n := range have {
			have[n] += d.have[n]
		}
		if keys == nil {
			keys = d.keys
		}
	}
	if took == 0 {
		return nil
	}
	found := make([]bool, len(have))
	for n, c := range first.in.Columns() {
		found[n] = have[n] > 0 && (c.Name != "outcome" || have[n] == took)
	}
	return first.in.Present(first.file, found, keys)
}

// take adds one record; an error of type [jsondoc.Malformed] rejects it.
func (d *document) take(doc []byte) error {
	if !utf8.Valid(doc) {
		return jsondoc.Malformed("is not valid UTF-8")
	}
	if err := d.scan.Scan(doc); err != nil {
		return err
	}
	if d.took++; d.keys == nil {
		d.keys = keys(doc)
	}
	for n, slot := range d.slot {
		c := &d.in.Columns()[n]
		cell, err := cell(d.scan.Value(slot), c.List)
		if err != nil {
			return jsondoc.Malformed(c.Name + " " + err.Error())
		}
		if d.row[n] = cell; cell != nil {
			d.have[n]++
		}
	}
	if reason := d.in.Add(d.file, d.lane, d.row); reason != "" {
		return jsondoc.Malformed(reason)
	}
	return nil
}

var (
	errNUL    = errors.New("holds a NUL")
	errObject = errors.New("is an object; name a key inside it, as in profile.login")
	errList   = errors.New("is a list")
	errMixed  = errors.New("is a list of other things than text and numbers")
)

// cell returns the text of a value, nil for null and for what is not there. Elements of an array are each ended by a NUL.
func cell(v jsondoc.Value, list bool) ([]byte, error) {
	switch {
	case v.Kind == jsondoc.Absent, v.Kind == jsondoc.Null:
		return nil, nil
	case v.Kind == jsondoc.Object:
		return nil, errObject
	case v.Kind == jsondoc.Array && !list:
		return nil, errList
	case v.Kind == jsondoc.Array:
		return elements(v.Bytes)
	}
	for _, c := range v.Bytes {
		if c == 0 {
			return nil, errNUL
		}
	}
	if v.Bytes == nil {
		return []byte{}, nil
	}
	return v.Bytes, nil
}

func elements(array []byte) ([]byte, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(array, &all); err != nil {
		return nil, errMixed
	}
	text := []byte{}
	for _, raw := range all {
		var s string
		switch {
		case raw[0] == '"':
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, errMixed
			}
		case raw[0] == '{' || raw[0] == '[':
			return nil, errMixed
		case string(raw) == "null":
			continue
		default:
			s = string(raw)
		}
		if strings.IndexByte(s, 0) >= 0 {
			return nil, errNUL
		}
		text = append(append(text, s...), 0)
	}
	return text, nil
}

// keys lists the keys of an object, those of objects inside it as paths.
func keys(doc []byte) []string {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(doc, &object); err != nil {
		return []string{}
	}
	return appendKeys([]string{}, "", object)
}

func appendKeys(all []string, prefix string, object map[string]json.RawMessage) []string {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		var inside map[string]json.RawMessage
		if err := json.Unmarshal(object[key], &inside); err == nil && inside != nil && len(prefix) < 100 {
			all = appendKeys(all, prefix+key+".", inside)
		} else {
			all = append(all, prefix+key)
		}
	}
	return all
}
