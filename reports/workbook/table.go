package workbook

import (
	"strings"

	"github.com/xuri/excelize/v2"
)

// table is one sheet that holds one Excel table from its first row on, streamed.
type table struct {
	book    *book
	name    string // of the table, as formulas name it
	columns []column
	stream  *excelize.StreamWriter
	row     int // last row written
	cells   []excelize.Cell
	values  []any // pointers to cells
}

type column struct {
	title string
	width float64
	style int
	right bool // align the title with numbers
}

// newTable begins a table on a sheet; keep is how many columns stay in view when the sheet is scrolled.
func (b *book) newTable(sheet, tab string, keep int, columns []column) (*table, error) {
	if err := b.dress(sheet, printing(tab, keep, columns)); err != nil {
		return nil, err
	}
	stream, err := b.file.NewStreamWriter(sheet)
	if err != nil {
		return nil, err
	}
	t := &table{book: b, name: strings.ReplaceAll(sheet, " ", "_"), columns: columns, stream: stream,
		cells: make([]excelize.Cell, len(columns)), values: make([]any, len(columns))}
	head := make([]any, len(columns))
	for n, c := range columns {
		if err := stream.SetColWidth(n+1, n+1, c.width); err != nil {
			return nil, err
		}
		style := b.styles.head
		if c.right {
			style = b.styles.headRight
		}
		head[n] = excelize.Cell{StyleID: style, Value: c.title}
		t.values[n] = &t.cells[n]
	}
	corner, _ := excelize.CoordinatesToCellName(keep+1, 2)
	if err := stream.SetPanes(&excelize.Panes{Freeze: true, XSplit: keep, YSplit: 1, TopLeftCell: corner,
		ActivePane: "bottomRight", Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomRight"}},
	}); err != nil {
		return nil, err
	}
	t.row = 1
	return t, stream.SetRow("A1", head, excelize.RowOpts{Height: 30})
}

// printedWidth is how wide a table may be, in characters, before its print goes over several pages side by side.
const printedWidth = 260

func printing(tab string, keep int, columns []column) setup {
	width := 0.0
	for _, c := range columns {
		width += c.width
	}
	s := setup{tab: tab, wide: 1 + int(width)/printedWidth, titles: "$1:$1"}
	if s.wide > 1 && keep > 0 {
		last, _ := excelize.ColumnNumberToName(keep)
		s.titles = "$A:$" + last + ",$1:$1"
	}
	return s
}

// add writes a row: a value a column, nil for an empty cell.
func (t *table) add(values ...any) error {
	t.row++
	for n := range t.cells {
		t.cells[n] = excelize.Cell{StyleID: t.columns[n].style, Value: values[n]}
	}
	cell, err := excelize.CoordinatesToCellName(1, t.row)
	if err != nil {
		return err
	}
	return t.stream.SetRow(cell, t.values)
}

// scale sets the style of the money columns from, …, to for the rows that follow.
func (t *table) scale(from, to, style int) {
	for n := from; n <= to; n++ {
		t.columns[n].style = style
	}
}

// finish makes the rows a table. A table has at least one row below its header, so an empty one gets an empty row.
func (t *table) finish() error {
	corner, err := excelize.CoordinatesToCellName(len(t.columns), max(t.row, 2))
	if err != nil {
		return err
	}
	stripes := false
	if err := t.stream.AddTable(&excelize.Table{Range: "A1:" + corner, Name: t.name, StyleName: "TableStyleLight1",
		ShowRowStripes: &stripes}); err != nil {
		return err
	}
	return t.stream.Flush()
}

// over writes a formula that adds up what each of the tables gives; %T stands for the table's name.
func over(tables []*table, formula string) string {
	parts := make([]string, len(tables))
	for n, t := range tables {
		parts[n] = strings.ReplaceAll(formula, "%T", t.name)
	}
	return strings.Join(parts, "+")
}
