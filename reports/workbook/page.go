package workbook

import (
	"cmp"
	"maps"
	"slices"

	"github.com/xuri/excelize/v2"
)

// page is a sheet that is laid out freely and small enough to be held until it is written.
type page struct {
	stream  *excelize.StreamWriter
	rows    map[int]map[int]excelize.Cell
	heights map[int]float64
	row     int // where the next line goes
}

// newPage begins a page whose columns have these widths, from A on.
func (b *book) newPage(sheet, tab, titles string, widths ...float64) (*page, error) {
	if err := b.dress(sheet, setup{tab: tab, wide: 1, titles: titles}); err != nil {
		return nil, err
	}
	stream, err := b.file.NewStreamWriter(sheet)
	if err != nil {
		return nil, err
	}
	for n, width := range widths {
		if err := stream.SetColWidth(n+1, n+1, width); err != nil {
			return nil, err
		}
	}
	return &page{stream: stream, rows: map[int]map[int]excelize.Cell{}, heights: map[int]float64{}, row: 1}, nil
}

// put sets a cell; columns count from 1.
func (p *page) put(row, column, style int, value any) {
	p.cell(row, column, excelize.Cell{StyleID: style, Value: value})
}

// formula sets a cell that is computed, with the value that it has now.
func (p *page) formula(row, column, style int, formula string, value any) {
	p.cell(row, column, excelize.Cell{StyleID: style, Formula: formula, Value: value})
}

func (p *page) cell(row, column int, c excelize.Cell) {
	if p.rows[row] == nil {
		p.rows[row] = map[int]excelize.Cell{}
	}
	p.rows[row][column] = c
}

// line puts values side by side in the next row, from column 2 on, all in one style.
func (p *page) line(style int, values ...any) {
	for n, v := range values {
		p.put(p.row, 2+n, style, v)
	}
	p.row++
}

// heading leaves a row free and puts a heading.
func (p *page) heading(style int, title string) {
	p.row++
	p.heights[p.row] = 20
	p.put(p.row, 2, style, title)
	p.row++
}

// lineHeight is the height of a line of text in points.
const lineHeight = 13.5

// rowHeight is the height of a row of one line; it is said everywhere, so that all programs lay a page out alike.
const rowHeight = 15

// flush writes the rows; the sheet is finished by the stream's Flush.
func (p *page) flush() error {
	for _, row := range slices.Sorted(maps.Keys(p.rows)) {
		cells := p.rows[row]
		values := make([]any, slices.Max(slices.Collect(maps.Keys(cells))))
		for column, c := range cells {
			values[column-1] = c
		}
		name, err := excelize.CoordinatesToCellName(1, row)
		if err != nil {
			return err
		}
		if err := p.stream.SetRow(name, values, excelize.RowOpts{Height: cmp.Or(p.heights[row], rowHeight)}); err != nil {
			return err
		}
	}
	return nil
}

// at names a cell, "$B$7".
func at(column, row int) string {
	name, _ := excelize.CoordinatesToCellName(column, row, true)
	return name
}
