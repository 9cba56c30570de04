package workbook

import "github.com/xuri/excelize/v2"

// The palette: dark slate for structure, one blue for data, red only together with words.
const (
	ink    = "1F2A37"
	muted  = "66727F"
	slate  = "24405A"
	blue   = "4A78A0"
	pale   = "EEF2F6"
	hair   = "D5DCE4"
	red    = "A52A21"
	green  = "2F6B45"
	white  = "FFFFFF"
	font   = "Arial"
	mono   = "Courier New"
	amount = "#,##0.00;[Red]-#,##0.00"
)

// styles are the numbers of the workbook's cell styles.
type styles struct {
	title, subtitle, heading, head, headRight, price int
	text, wrap, date, count, percent, decimal, bold  int
	money                                            [5]int // by number of decimal places
	label, value, note, warning, warningLine, strong int
	tileLabel, tileValue                             int
	passed, failed, allPassed, allFailed, headFlat   int
	sparse                                           [5]int // money where most cells are nothing: a dash for zero
}

type look struct {
	size                float64
	bold, italic, wrap  bool
	color, fill, family string
	number              string
	right, left, middle bool
	below               string // colour of the line below
	indent              int
}

func (l look) style() *excelize.Style {
	s := &excelize.Style{Font: &excelize.Font{Family: font, Size: 10, Color: ink, Bold: l.bold, Italic: l.italic},
		Alignment: &excelize.Alignment{Vertical: "top", WrapText: l.wrap, Indent: l.indent}}
	if l.size > 0 {
		s.Font.Size = l.size
	}
	if l.family != "" {
		s.Font.Family = l.family
	}
	if l.color != "" {
		s.Font.Color = l.color
	}
	if l.fill != "" {
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{l.fill}}
	}
	if l.number != "" {
		s.CustomNumFmt = &l.number
	}
	if l.right {
		s.Alignment.Horizontal = "right"
	}
	if l.left || l.indent > 0 {
		s.Alignment.Horizontal = "left"
	}
	if l.middle {
		s.Alignment.Vertical = "center"
	}
	if l.below != "" {
		s.Border = []excelize.Border{{Type: "bottom", Color: l.below, Style: 1}}
	}
	return s
}

func newStyles(f *excelize.File) (*styles, error) {
	var err error
	add := func(l look) int {
		id, e := f.NewStyle(l.style())
		if e != nil && err == nil {
			err = e
		}
		return id
	}
	s := &styles{
		title: add(look{size: 18, bold: true, color: slate}), subtitle: add(look{size: 11, color: muted}),
		heading:   add(look{size: 12, bold: true, color: slate}),
		head:      add(look{bold: true, color: white, fill: slate, middle: true, wrap: true, indent: 1}),
		headFlat:  add(look{bold: true, color: white, fill: slate, middle: true, indent: 1}),
		headRight: add(look{bold: true, color: white, fill: slate, middle: true, wrap: true, right: true}),
		text:      add(look{below: hair, indent: 1}),
		wrap:      add(look{below: hair, wrap: true, indent: 1}),
		bold:      add(look{below: hair, bold: true, indent: 1}),
		date:      add(look{below: hair, number: "yyyy-mm-dd", right: true}), count: add(look{below: hair, number: "#,##0"}),
		percent: add(look{below: hair, number: "0.0%"}), decimal: add(look{below: hair, number: "#,##0.####"}),
		price: add(look{below: hair, number: "#,##0.00##"}),
		label: add(look{color: muted}), value: add(look{}), note: add(look{color: muted, italic: true}),
		warning:     add(look{bold: true, color: red, wrap: true, below: hair, indent: 1}),
		warningLine: add(look{bold: true, color: red}), strong: add(look{bold: true}),
		tileLabel: add(look{size: 9, color: muted, fill: pale, indent: 1, middle: true}),
		tileValue: add(look{size: 18, bold: true, color: slate, fill: pale, number: "#,##0", indent: 1, middle: true, left: true}),
		passed:    add(look{below: hair, bold: true, color: green, indent: 1}),
		failed:    add(look{below: hair, bold: true, color: red, indent: 1}),
		allPassed: add(look{bold: true, color: green, size: 12}), allFailed: add(look{bold: true, color: red, size: 12}),
	}
	for digits, format := range []string{"#,##0;[Red]-#,##0", "#,##0.0;[Red]-#,##0.0", amount,
		"#,##0.000;[Red]-#,##0.000", "#,##0.0000;[Red]-#,##0.0000"} {
		s.money[digits] = add(look{below: hair, number: format})
		s.sparse[digits] = add(look{below: hair, number: format + `;"–"`})
	}
	return s, err
}
