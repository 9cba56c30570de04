package table

import (
	"bytes"
	"fmt"
)

// field is one field of a record, as it stands between its quotation marks.
type field struct {
	bytes   []byte
	escaped bool // it has doubled quotation marks or line ends to be undone
}

// text undoes what quoting did, in place: doubled quotation marks become one, and CR LF becomes LF.
func (f field) text() []byte {
	if !f.escaped {
		return f.bytes
	}
	b, n := f.bytes, 0
	for k := 0; k < len(b); k++ {
		if b[k] == '"' || b[k] == '\r' && k+1 < len(b) && b[k+1] == '\n' {
			k++
		}
		b[n] = b[k]
		n++
	}
	return b[:n]
}

// record is one record of a file in the form of RFC 4180, with any delimiter and line ends with or without CR.
type record struct {
	fields []field
	size   int    // bytes, its line end included
	seen   int    // bytes that were looked at to tell; more than size where only the first line is given up
	blank  bool   // an empty line
	fault  string // why it is none, "" if it is; it then ends at a line end
	open   bool   // the text ends inside quotation marks
}

const (
	bareQuote  = "has a quotation mark in a field that does not start with one"
	afterQuote = "has text behind a closing quotation mark"
)

// split reads the record at the start of b, which must not be empty and is not changed. A record with another number of
// fields than width is none. If one that is none spans lines, a stray quotation mark may have swallowed good records: only
// its first line is given up.
func (r *record) split(b []byte, delimiter byte, width int) {
	r.parse(b, delimiter)
	r.seen = r.size
	if r.fault == "" && !r.blank && !r.open && len(r.fields) != width {
		r.fault = fmt.Sprintf("has %d fields, the header has %d", len(r.fields), width)
	}
	if r.fault != "" {
		_, r.size = cutLine(b)
	}
}

// parse reads the record at the start of b as encoding/csv does, into r, whose fields are used again.
func (r *record) parse(b []byte, delimiter byte) {
	*r = record{fields: r.fields[:0]}
	line, size := cutLine(b)
	if r.size = size; len(line) == 0 {
		r.blank = true
		return
	}
	if bytes.IndexByte(line, '"') < 0 {
		r.plain(line, delimiter)
		return
	}
	r.quoted(b, delimiter)
}

// cutLine returns the first line of b without its end, and its length with it. As for encoding/csv, a CR at the end of
// the text ends a line.
func cutLine(b []byte) (line []byte, size int) {
	line, size = b, len(b)
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		line, size = b[:n], n+1
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, size
}

func (r *record) plain(line []byte, delimiter byte) {
	for {
		n := bytes.IndexByte(line, delimiter)
		if n < 0 {
			r.fields = append(r.fields, field{bytes: line})
			return
		}
		r.fields = append(r.fields, field{bytes: line[:n:n]})
		line = line[n+1:]
	}
}

// quoted reads a record that has quotation marks in its first line.
func (r *record) quoted(b []byte, delimiter byte) {
	line, size := cutLine(b)
	stop, next := len(line), size // end of the line that at is on, and start of the one behind it
	at := 0                       // of the field
	for {
		var f field
		var end int // of the field: at a delimiter or a line end
		if at < len(b) && b[at] == '"' {
			f, end = r.inQuotes(b, at+1)
		} else {
			f, end = r.bare(b[:stop], at, delimiter)
		}
		if r.open {
			r.size = len(b)
			return
		}
		if end > stop {
			line, size = cutLine(b[end:])
			stop, next = end+len(line), end+size
		}
		switch {
		case r.fault != "":
		case end == stop:
			r.fields = append(r.fields, f)
		case b[end] == delimiter:
			r.fields = append(r.fields, f)
			at = end + 1
			continue
		default:
			r.fault = afterQuote
		}
		r.size = next
		return
	}
}

// bare reads a field without quotation marks, the last of line unless a delimiter follows, and returns where it ends.
func (r *record) bare(line []byte, at int, delimiter byte) (field, int) {
	text := line[at:]
	if n := bytes.IndexByte(text, delimiter); n >= 0 {
		text = text[:n]
	}
	if bytes.IndexByte(text, '"') >= 0 {
		r.fault = bareQuote
	}
	return field{bytes: text}, at + len(text)
}

// inQuotes reads the rest of a field that started with a quotation mark and returns where it ends, behind the closing one.
func (r *record) inQuotes(b []byte, at int) (field, int) {
	f := field{}
	for k := at; ; k += 2 {
		n := bytes.IndexByte(b[k:], '"')
		if n < 0 {
			r.open = true
			return f, len(b)
		}
		if k += n; k+1 == len(b) || b[k+1] != '"' {
			f.bytes = b[at:k:k]
			f.escaped = f.escaped || bytes.IndexByte(f.bytes, '\r') >= 0
			return f, k + 1
		}
		f.escaped = true
	}
}

// whole returns the length of the whole records at the start of b, which starts with one. It ends at a point behind which
// nothing had to be looked at to read the records before it, so that they read the same without what follows.
func whole(b []byte, delimiter byte, width int) int {
	if bytes.IndexByte(b, '"') < 0 {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	var r record
	end, seen := 0, 0
	for n := 0; n < len(b); {
		r.split(b[n:], delimiter, width)
		seen = max(seen, n+r.seen)
		if r.open || b[n+r.seen-1] != '\n' {
			break
		}
		if n += r.size; n >= seen {
			end = n
		}
	}
	return end
}
