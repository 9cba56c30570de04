// Package table reads tables in text files, as in RFC 4180, with a header, any delimiter and any columns, and gives the
// wanted cells of each record to whoever makes facts of them. Records that are too short or too long, or whose quotation
// marks do not pair, are rejected with their line.
package table

import (
	"bytes"
	"context"
	"unicode/utf8"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
)

// Reader reads files of one dialect.
type Reader struct {
	Delimiter byte // 0: the one of comma, semicolon, tab and bar that gives a header with the wanted columns
}

// Intake makes facts of records.
type Intake interface {
	// Bind finds the wanted columns in a header: the position of each in a record, -1 for one that the file lacks. It may be
	// called several times for a file, with what different delimiters give, and fails if what it must have is not there.
	Bind(f *exports.File, header [][]byte) (at []int, err error)
	// Present is told once for each file which columns it has. By which names is nil: a header has its own.
	Present(f *exports.File, present []bool, found []string) error
	// Parallel reports whether Add may be called from several goroutines.
	Parallel() bool
	// Add takes the wanted cells of one record, nil where the file lacks the column, and returns why the record is rejected,
	// "" if it is not. The cells are borrowed, and Add may change them.
	Add(f *exports.File, lane int, row [][]byte) (reason string)
}

// table is one file with its header understood.
type table struct {
	file      *exports.File
	in        Intake
	delimiter byte
	header    [][]byte
	at        []int // position of each column of the feed in a record; -1 where the file has none
}

// Read reads a whole file.
func (r Reader) Read(ctx context.Context, f *exports.File, in Intake) error {
	t, err := r.head(ctx, f, in)
	if err != nil {
		return err
	}
	workers := make([]worker, f.Workers)
	for n := range workers {
		workers[n] = worker{table: t, lane: f.Lane + n, row: make([][]byte, len(t.at))}
	}
	side := 1
	if in.Parallel() {
		side = f.Workers
	}
	return f.Blocks(ctx, side, func(b []byte) int { return whole(b, t.delimiter, len(t.header)) }, func(n int, b exports.Block) error {
		return workers[n].block(b)
	})
}

// head reads the header.
func (r Reader) head(ctx context.Context, f *exports.File, in Intake) (*table, error) {
	block, err := f.First(ctx, headerEnd)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimLeft(block.Bytes, "\r\n")
	if len(text) == 0 {
		return nil, f.Fault(connectors.Incomplete, 0, "has no header", "export it again; the first line names the columns")
	}
	delimiters := []byte{r.Delimiter}
	if r.Delimiter == 0 {
		delimiters = candidates(text)
	}
	var found []*table
	var fault error
	for _, delimiter := range delimiters {
		t, err := bind(f, in, text, delimiter)
		switch {
		case err == nil:
			found = append(found, t)
		case fault == nil:
			fault = err
		}
	}
	switch len(found) {
	case 0:
		return nil, fault
	case 1:
		return found[0], in.Present(f, found[0].present(), nil)
	}
	return nil, f.Fault(connectors.Permanent, 1, "the header can be read with several delimiters", `name it: csv: {delimiter: ";"}`)
}

// candidates lists the delimiters that stand in a header, the most frequent first so that its error is the one shown; a
// header without any is a single column.
func candidates(header []byte) []byte {
	var all []byte
	for _, c := range []byte(",;\t|") {
		if bytes.IndexByte(header, c) < 0 {
			continue
		}
		n := len(all)
		for n > 0 && bytes.Count(header, all[n-1:n]) < bytes.Count(header, []byte{c}) {
			n--
		}
		all = append(all[:n], append([]byte{c}, all[n:]...)...)
	}
	if all == nil {
		return []byte{','}
	}
	return all
}

// headerEnd returns the length of the header in b, 0 if it is not whole: up to the first line end outside quotation
// marks, as long as the delimiter is not known. Empty lines before it belong to it.
func headerEnd(b []byte) int {
	for n := 0; n < len(b); {
		_, size := cutLine(b[n:])
		n += size
		head := b[:n]
		if b[n-1] == '\n' && bytes.Count(head, []byte{'"'})%2 == 0 && len(bytes.TrimLeft(head, "\r\n")) > 0 {
			return n
		}
	}
	return 0
}

// bind finds the columns under one delimiter.
func bind(f *exports.File, in Intake, header []byte, delimiter byte) (*table, error) {
	var r record
	r.parse(bytes.Clone(header), delimiter)
	switch {
	case r.open:
		return nil, f.Fault(connectors.Incomplete, 1, "the header ends inside quotation marks", "export the file again")
	case r.fault != "":
		return nil, f.Fault(connectors.Permanent, 1, "the header "+r.fault, "quote the field, and double the marks inside it")
	}
	t := &table{file: f, in: in, delimiter: delimiter}
	for _, field := range r.fields {
		title := field.text()
		if !utf8.Valid(title) || bytes.IndexByte(title, 0) >= 0 {
			return nil, f.Fault(connectors.Permanent, 1, "the header is not valid UTF-8 text", "export the file as UTF-8")
		}
		t.header = append(t.header, title)
	}
	var err error
	t.at, err = in.Bind(f, t.header)
	return t, err
}

func (t *table) present() []bool {
	all := make([]bool, len(t.at))
	for n, at := range t.at {
		all[n] = at >= 0
	}
	return all
}

// worker reads blocks of one table.
type worker struct {
	*table
	lane   int
	record record
	row    [][]byte
}

// block reads whole records; only at the end of the file can one be open.
func (w *worker) block(b exports.Block) error {
	clean := utf8.Valid(b.Bytes) && bytes.IndexByte(b.Bytes, 0) < 0
	accepted, line := int64(0), b.Line
	defer func() { w.file.AddRows(accepted) }()
	for rest := b.Bytes; len(rest) > 0; {
		w.record.split(rest, w.delimiter, len(w.header))
		if w.record.open {
			return w.file.Fault(connectors.Incomplete, line, "the file ends inside quotation marks that open here",
				"transfer or export the file again, or mend the quotation mark")
		}
		text := rest[:w.record.size]
		rest = rest[w.record.size:]
		if w.record.blank {
			line++
			continue
		}
		lines := int64(bytes.Count(text, []byte{'\n'})) // before fields are unescaped in place
		if reason := w.take(text, clean); reason != "" {
			w.file.Reject(line, reason)
		} else {
			accepted++
		}
		line += lines
	}
	return nil
}

// take adds one record, or says why not.
func (w *worker) take(text []byte, clean bool) string {
	switch {
	case w.record.fault != "":
		return w.record.fault
	case !clean && bytes.IndexByte(text, 0) >= 0:
		return "holds a NUL"
	case !clean && !utf8.Valid(text):
		return "is not valid UTF-8"
	}
	w.pick()
	if w.repeatsHeader() {
		return "repeats the header"
	}
	return w.in.Add(w.file, w.lane, w.row)
}

// pick fills the row from the record's fields. Two columns may share a field, which is unescaped only once.
func (w *worker) pick() {
	for n, at := range w.at {
		if at < 0 {
			w.row[n] = nil
			continue
		}
		f := &w.record.fields[at]
		if f.escaped {
			*f = field{bytes: f.text()}
		}
		w.row[n] = f.bytes
	}
}

func (w *worker) repeatsHeader() bool {
	same := 0
	for n, at := range w.at {
		if at < 0 {
			continue
		}
		if !bytes.Equal(w.row[n], w.header[at]) {
			return false
		}
		same++
	}
	return same > 0
}
