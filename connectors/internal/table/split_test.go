package table

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"slices"
	"testing"
)

// ours reads all records; a faulty one is nil. With a width of 0 it reads as encoding/csv does.
func ours(b []byte, delimiter byte, width int) (all [][]string, open bool) {
	var r record
	for len(b) > 0 {
		if width == 0 {
			r.parse(b, delimiter)
		} else {
			r.split(b, delimiter, width)
		}
		switch {
		case r.open:
			return all, true
		case r.fault != "":
			all = append(all, nil)
		case !r.blank:
			row := []string{}
			for _, f := range r.fields {
				row = append(row, string(f.text()))
			}
			all = append(all, row)
		}
		b = b[r.size:]
	}
	return all, false
}

// theirs reads all records with encoding/csv.
func theirs(b []byte, delimiter byte) (all [][]string, open bool) {
	r := stdcsv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord = rune(delimiter), -1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, false
		}
		if e, ok := errors.AsType[*stdcsv.ParseError](err); ok {
			if errors.Is(e.Err, stdcsv.ErrQuote) && r.InputOffset() == int64(len(b)) && unclosed(b, delimiter) {
				return all, true
			}
			row = nil
		}
		all = append(all, row)
	}
}

// unclosed reports whether the text ends inside quotation marks, by counting them in the last field that has any: the
// standard reader gives the same error for text behind a closing mark.
func unclosed(b []byte, delimiter byte) bool {
	closed := stdcsv.NewReader(bytes.NewReader(append(slices.Clone(b), '"')))
	closed.Comma, closed.FieldsPerRecord = rune(delimiter), -1
	var err error
	for !errors.Is(err, io.EOF) {
		if _, err = closed.Read(); err != nil && closed.InputOffset() == int64(len(b)+1) {
			break
		}
	}
	return errors.Is(err, io.EOF)
}

func FuzzSplitAgreesWithStandard(f *testing.F) {
	for _, seed := range []string{
		"a,b\nc,d", "a,b\r\nc,d\r\n", "\"a,b\",c\n", "\"a\nb\",c\n", "\"a\r\nb\",c\n", "\"a\"\"b\",\"\"\n", "a\"b,c\nd,e\n", "\"a\"b,c\nd\n",
		"\n\n\r\n", "\"a", "a,\"b\nc\n", ",\n,,\n", "a\r", "\"a\"\r", "a\rb,\"c\rd\"\n", "\"\r\n\"", "\"\"\"\"", "a,\"b\"\"\nc\",d\n\"x\" ,y\n",
		"\"a\nb\"c,d\ne,f\n", "x,\"", "\"\"\n\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, delimiter := range []byte{',', ';'} {
			want, wantOpen := theirs(b, delimiter)
			got, open := ours(slices.Clone(b), delimiter, 0)
			if open != wantOpen || !slices.EqualFunc(got, want, slices.Equal[[]string]) {
				t.Fatalf("%q: %q, open %t; encoding/csv reads %q, open %t", b, got, open, want, wantOpen)
			}
		}
	})
}

// FuzzWhole checks that text cut at any record end that whole finds gives the same records as the text in one piece.
func FuzzWhole(f *testing.F) {
	f.Add([]byte("a,b\n\"c\nd\",e\nf,g"), 9, 2)
	f.Add([]byte("a\n\"b\"x\n\"c\n\n\"\nd\n"), 11, 1)
	f.Add([]byte("a,b\n\"c,d\ne,f\n\"g\"\"\nh\",i\nk,\"l\"\n"), 26, 2)
	f.Fuzz(func(t *testing.T, b []byte, at, width int) {
		if at < 0 || at > len(b) || width < 1 {
			return
		}
		want, wantOpen := ours(slices.Clone(b), ',', width)
		n := whole(b[:at], ',', width)
		head, open := ours(slices.Clone(b[:n]), ',', width)
		if open {
			t.Fatalf("%q: the whole records %q end inside quotation marks", b, b[:n])
		}
		tail, open := ours(slices.Clone(b[n:]), ',', width)
		if got := slices.Concat(head, tail); open != wantOpen || !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("%q cut at %d: %q, want %q", b, n, got, want)
		}
	})
}

func TestStrayQuotationMark(t *testing.T) {
	tests := []struct {
		text string
		want [][]string
		open bool
	}{
		{"a,b\n\"c,d\ne,f\n\"g\",h\ni,j\n", [][]string{{"a", "b"}, nil, {"e", "f"}, {"g", "h"}, {"i", "j"}}, false},
		{"a,b\nc,\"d\ne,f\ng,\"h\"\n", [][]string{{"a", "b"}, nil, {"e", "f"}, {"g", "h"}}, false},
		{"a,b\n\"c\nd\"\ne,f\n", [][]string{{"a", "b"}, nil, nil, {"e", "f"}}, false},
		{"a,b\nc,\"d\ne,f\n", [][]string{{"a", "b"}}, true},
	}
	for _, test := range tests {
		got, open := ours([]byte(test.text), ',', 2)
		if open != test.open || !slices.EqualFunc(got, test.want, slices.Equal[[]string]) {
			t.Errorf("%q: %q, open %t", test.text, got, open)
		}
	}
}
