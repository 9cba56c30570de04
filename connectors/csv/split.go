package csv

import "bytes"

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
	blank  bool   // an empty line
	fault  string // why it is none, "" if it is; it then ends where its last line ends
	open   bool   // the text ends inside quotation marks
}

const (
	bareQuote  = "has a quotation mark in a field that does not start with one"
	afterQuote = "has text behind a closing quotation mark"
)

// split reads the record at the start of b, which must not be empty, into r, whose fields are used again. It changes
// nothing in b.
func (r *record) split(b []byte, delimiter byte) {
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
	at := 0 // of the field
	for {
		var f field
		var end int // of the field: at a delimiter or a line end
		if at < len(b) && b[at] == '"' {
			f, end = r.inQuotes(b, at+1)
		} else {
			f, end = r.bare(b, at, delimiter)
		}
		if r.open {
			r.size = len(b)
			return
		}
		rest := b[end:]
		line, size := cutLine(rest)
		switch {
		case r.fault != "":
		case len(line) == 0:
			r.fields = append(r.fields, f)
		case rest[0] == delimiter:
			r.fields = append(r.fields, f)
			at = end + 1
			continue
		default:
			r.fault = afterQuote
		}
		r.size = end + size
		return
	}
}

// bare reads a field without quotation marks and returns where it ends.
func (r *record) bare(b []byte, at int, delimiter byte) (field, int) {
	line, _ := cutLine(b[at:])
	if n := bytes.IndexByte(line, delimiter); n >= 0 {
		line = line[:n]
	}
	if bytes.IndexByte(line, '"') >= 0 {
		r.fault = bareQuote
	}
	return field{bytes: line}, at + len(line)
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

// whole returns the length of the whole records at the start of b, which starts with one.
func whole(b []byte, delimiter byte) int {
	if bytes.IndexByte(b, '"') < 0 {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	var r record
	n := 0
	for n < len(b) {
		r.split(b[n:], delimiter)
		if r.open || b[n+r.size-1] != '\n' {
			break
		}
		n += r.size
	}
	return n
}

// first returns the length of the first whole record in b that is not an empty line, with the empty lines before it.
func first(b []byte, delimiter byte) int {
	var r record
	n := 0
	for n < len(b) {
		r.split(b[n:], delimiter)
		if r.open || b[n+r.size-1] != '\n' {
			break
		}
		if n += r.size; !r.blank {
			return n
		}
	}
	return 0
}
