package licensegen

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// orderColumns are the columns of an order file. All but the last must be there; they may stand in any order.
var orderColumns = []string{"order", "line", "customer", "customer_name", "product", "quantity", "model", "start", "end",
	"host", "status", "amended", "zone"}

// maxOrderRow is the longest row of an order file, in bytes.
const maxOrderRow = 64 << 10

// Orders collects order lines from any number of files. Where a line stands several times, the row with the latest
// amended date holds; rows of equal date must agree. The result does not depend on the order of files and rows.
type Orders struct {
	reader lineReader
	rows   map[LineID][]orderRow
}

type orderRow struct {
	file string
	at   int64
	line *OrderLine
}

// NewOrders starts a collection. zone is the IANA name that holds where a row names none.
func NewOrders(c *Catalogue, zone string) *Orders {
	return &Orders{reader: lineReader{catalogue: c, zones: zones{}, zone: zone}, rows: map[LineID][]orderRow{}}
}

// ReadCSV reads one order file: UTF-8, comma-separated, a header, one row a line. It returns how many rows there are
// and calls reject for each that is refused; the others go through. The error says why the file as a whole cannot be
// read; rows before it are kept.
func (o *Orders) ReadCSV(r io.Reader, file string, reject func(*OrderError)) (rows int64, err error) {
	in := bufio.NewReaderSize(r, maxOrderRow)
	var columns []string
	for at := int64(1); ; at++ {
		text, tooLong, err := readRow(in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rows, fmt.Errorf("%s:%d: %w", file, at, err)
		}
		if len(text) == 0 && !tooLong {
			continue
		}
		if columns == nil {
			if columns, err = orderHeader(text, tooLong); err != nil {
				return rows, &OrderError{File: file, Line: at, Err: err, Hint: "the header is " + strings.Join(orderColumns, ",")}
			}
			continue
		}
		rows++
		if e := o.add(file, at, columns, text, tooLong); e != nil {
			reject(e)
		}
	}
	if columns == nil {
		return 0, &OrderError{File: file, Line: 1, Err: fmt.Errorf("%w: the file is empty", ErrColumns),
			Hint: "the header is " + strings.Join(orderColumns, ",")}
	}
	return rows, nil
}

// readRow returns the next line without its end. The slice is valid until the next call. Of a line that is too long it
// returns the beginning.
func readRow(in *bufio.Reader) (text []byte, tooLong bool, err error) {
	text, err = in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		text, tooLong = bytes.Clone(text[:80]), true
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
	}
	if errors.Is(err, io.EOF) && len(text) > 0 {
		err = nil
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")), tooLong, err
}

func orderHeader(text []byte, tooLong bool) ([]string, error) {
	if tooLong {
		return nil, fmt.Errorf("%w: the header has more than %d bytes", ErrColumns, maxOrderRow)
	}
	columns, err := splitRow(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrColumns, err)
	}
	for n, column := range columns {
		switch {
		case !slices.Contains(orderColumns, column):
			return nil, fmt.Errorf("%w: %q is not one", ErrColumns, column)
		case slices.Contains(columns[:n], column):
			return nil, fmt.Errorf("%w: %q stands twice", ErrColumns, column)
		}
	}
	for _, column := range orderColumns[:len(orderColumns)-1] {
		if !slices.Contains(columns, column) {
			return nil, fmt.Errorf("%w: %q is missing", ErrColumns, column)
		}
	}
	return columns, nil
}

// splitRow splits one line by RFC 4180. A quoted cell that does not end on its line costs that line only, not the rest
// of the file.
func splitRow(text []byte) ([]string, error) {
	cells, err := csv.NewReader(bytes.NewReader(text)).Read()
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, e.Err
	}
	return cells, err
}

func (o *Orders) add(file string, at int64, columns []string, text []byte, tooLong bool) *OrderError {
	refuse := func(id LineID, err error, hint string) *OrderError {
		return &OrderError{File: file, Line: at, ID: id, Err: err, Hint: hint}
	}
	switch {
	case tooLong:
		return refuse(LineID{}, fmt.Errorf("%w: the row has more than %d bytes", ErrColumns, maxOrderRow), "one row is one line")
	case !utf8.Valid(text):
		return refuse(LineID{}, fmt.Errorf("%w: the row is not UTF-8", ErrText), "export the file as UTF-8")
	}
	cells, err := splitRow(text)
	if err != nil {
		return refuse(LineID{}, fmt.Errorf("%w: %w", ErrColumns, err), "quote cells that contain commas or quotes")
	}
	if len(cells) != len(columns) {
		return refuse(LineID{}, fmt.Errorf("%w: %d cells instead of %d", ErrColumns, len(cells), len(columns)),
			"quote cells that contain commas")
	}
	line, f := o.reader.read(func(column string) string {
		if n := slices.Index(columns, column); n >= 0 {
			return strings.TrimSpace(cells[n])
		}
		return ""
	})
	if f != nil {
		if checkText(line.ID.Order) != nil || checkText(line.ID.Line) != nil {
			line.ID = LineID{}
		}
		return refuse(line.ID, f.err, f.hint)
	}
	o.rows[line.ID] = append(o.rows[line.ID], orderRow{file, at, line})
	return nil
}

// Lines returns the order lines that hold, by order and line, and refuses those whose latest rows contradict each other:
// every such row gets an error, and the line is left out.
func (o *Orders) Lines() (lines []*OrderLine, conflicts []*OrderError) {
	for id, rows := range o.rows {
		latest := slices.MaxFunc(rows, func(a, b orderRow) int { return compareDates(a.line.Amended, b.line.Amended) })
		var agree []orderRow
		conflict := false
		for _, row := range rows {
			if row.line.Amended == latest.line.Amended {
				agree = append(agree, row)
				conflict = conflict || *row.line != *latest.line
			}
		}
		if !conflict {
			lines = append(lines, latest.line)
			continue
		}
		for _, row := range agree {
			conflicts = append(conflicts, &OrderError{File: row.file, Line: row.at, ID: id, Err: ErrConflict,
				Hint: "keep one row, or give the newer one a later amended date"})
		}
	}
	slices.SortFunc(lines, func(a, b *OrderLine) int {
		return cmp.Or(cmp.Compare(a.ID.Order, b.ID.Order), cmp.Compare(a.ID.Line, b.ID.Line))
	})
	slices.SortFunc(conflicts, func(a, b *OrderError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return lines, conflicts
}

func compareDates(a, b Date) int { return a.midnight().Compare(b.midnight()) }
