package workbook

import (
	"fmt"
	"slices"

	"github.com/xuri/excelize/v2"

	"trueup/reconcile"
	"trueup/reports"
)

// The columns of the summary's tables; money begins at sumMoney with one column a currency.
const (
	sumWord = 2 + iota
	sumMeaning
	sumRows
	sumShare
	sumMoney
)

// moneyColumns is the least number of columns that are kept for currencies, so that the layout does not change.
const moneyColumns = 3

// summary writes one page that stands alone: figures, money, verdicts, actions, and a chart of the verdicts.
func (b *book) summary() error {
	plan := b.view.Plan
	widths := []float64{2, 18, 36, 11, 12}
	for range max(moneyColumns, len(plan.Totals.Money)) {
		widths = append(widths, 15)
	}
	p, err := b.newPage("Summary", slate, "", append(widths, 3)...)
	if err != nil {
		return err
	}
	s := b.styles
	p.heights[1] = 28
	p.put(1, 2, s.title, "Software licences: "+b.texts.safe(plan.Organisation))
	p.put(2, 2, s.subtitle, fmt.Sprintf("As of %s. Run %s. Money is per month and never added across currencies.",
		plan.Snapshot.Today(), b.view.Run.ID))
	p.row = 3
	if warnings := b.warnings(); len(warnings) > 0 {
		p.put(3, 2, s.warningLine, fmt.Sprintf("%s; the cover says which. What depends on it is not decided or is held back.",
			counted(len(warnings), "warning")))
		p.row = 4
	}
	b.tiles(p)
	b.sumMoney(p)
	from := b.sumVerdicts(p)
	b.sumActions(p)
	if err := p.flush(); err != nil {
		return err
	}
	if err := b.chart(from, len(widths)+1); err != nil {
		return err
	}
	return p.stream.Flush()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// tiles puts the figures that a reader looks for first, each computed from the other sheets.
func (b *book) tiles(p *page) {
	p.row++
	waiting, held, done := 0, 0, 0
	for _, a := range b.view.Actions() {
		switch {
		case a.State == reconcile.Done:
			done += a.Count
		case a.State == reconcile.Withheld || a.State == reconcile.Blocked:
			held += a.Count
		case a.State == reconcile.Notice || a.State == reconcile.Approval || a.State == reconcile.Ready ||
			a.State == reconcile.Manual:
			waiting += a.Count
		}
	}
	states := func(names ...string) string {
		sum := ""
		for n, name := range names {
			if n > 0 {
				sum += "+"
			}
			sum += over(b.actions, `COUNTIF(%T[State],"`+name+`")`)
		}
		return sum
	}
	for n, tile := range []struct {
		label, formula string
		value          int
	}{
		{"Rows decided", over(b.verdicts, "COUNTA(%T[Verdict])"), b.tally.rows},
		{"Licences held", over(b.verdicts, `COUNTIF(%T[Held],"yes")`), b.tally.held},
		{"People", "", b.view.Plan.Totals.People},
		{"To be done", states("notice", "approval", "ready", "manual"), waiting},
		{"Done", states("done"), done},
		{"Held back", states("withheld", "blocked"), held},
		{"Findings", "COUNTA(Findings[Finding])", b.found()},
	} {
		p.put(p.row, sumWord+n, b.styles.tileLabel, tile.label)
		if tile.formula == "" {
			p.put(p.row+1, sumWord+n, b.styles.tileValue, tile.value)
		} else {
			p.formula(p.row+1, sumWord+n, b.styles.tileValue, tile.formula, tile.value)
		}
	}
	p.heights[p.row], p.heights[p.row+1] = 18, 30
	p.row += 2
}

// found counts the rows of the findings sheet.
func (b *book) found() int {
	n := len(b.view.Plan.Findings)
	for k := range b.view.Plan.Snapshot.Inputs {
		n += len(b.view.Plan.Snapshot.Inputs[k].Rejects)
	}
	return n
}

// wide gives the next row one style over the whole width of the tables.
func (b *book) wide(p *page, style int) {
	for column := sumWord; column < sumMoney+max(moneyColumns, len(b.view.Plan.Totals.Money)); column++ {
		p.put(p.row, column, style, nil)
	}
}

// inUseFirst lists the verdicts with the ordinary one in front: it outnumbers the others, and the chart leaves it out.
func inUseFirst() []reconcile.Verdict {
	others := slices.DeleteFunc(reconcile.Verdicts(), func(v reconcile.Verdict) bool { return v == reconcile.InUse })
	return append([]reconcile.Verdict{reconcile.InUse}, others...)
}

func (b *book) sumMoney(p *page) {
	money := b.view.Plan.Totals.Money
	if len(money) == 0 {
		return
	}
	s := b.styles
	p.heading(s.heading, "Money, per month")
	b.wide(p, s.head)
	p.line(s.head, "Figure", "Meaning")
	for n, m := range money {
		p.put(p.row-1, sumMoney+n, s.headRight, b.texts.safe(m.Currency))
	}
	header := p.row - 1
	for _, figure := range []struct {
		column, meaning string
		of              func(*reconcile.MoneyTotal) int64
	}{
		{"Exposure", "paid now", func(m *reconcile.MoneyTotal) int64 { return m.Exposure }},
		{"Reassignable", "could be given to others", func(m *reconcile.MoneyTotal) int64 { return m.Reassignable }},
		{"Reducible", "could be dropped at renewal", func(m *reconcile.MoneyTotal) int64 { return m.Reducible }},
	} {
		b.wide(p, s.text)
		p.line(s.bold, figure.column)
		p.put(p.row-1, sumMeaning, s.text, figure.meaning)
		for n, m := range money {
			is := b.tally.money[m.Currency]
			if is == nil {
				is = &reconcile.MoneyTotal{}
			}
			digits := reconcile.MinorDigits(m.Currency)
			p.formula(p.row-1, sumMoney+n, s.money[digits], fmt.Sprintf("ROUND(%s,%d)", over(b.verdicts,
				"SUMIFS(%T["+figure.column+"],%T[Currency],"+at(sumMoney+n, header)+")"), digits),
				major(figure.of(is), m.Currency))
		}
	}
}

// sumVerdicts writes a line a verdict, all of them, and returns the row of the header.
func (b *book) sumVerdicts(p *page) int {
	s := b.styles
	p.heading(s.heading, "Verdicts")
	b.wide(p, s.head)
	p.line(s.head, "Verdict", "Meaning")
	header := p.row - 1
	p.put(header, sumRows, s.headRight, "Rows")
	p.put(header, sumShare, s.headRight, "Share")
	money := b.view.Plan.Totals.Money
	for n, m := range money {
		p.put(header, sumMoney+n, s.headRight, b.texts.safe(m.Currency))
	}
	last := header + len(reconcile.Verdicts())
	for _, v := range inUseFirst() {
		row := p.row
		b.wide(p, s.text)
		p.put(row, sumWord, s.bold, v.String())
		p.put(row, sumMeaning, s.text, reports.VerdictPhrase(v))
		p.formula(row, sumRows, s.count, over(b.verdicts, "COUNTIF(%T[Verdict],"+at(sumWord, row)+")"), b.tally.verdicts[v])
		share := 0.0
		if b.tally.rows > 0 {
			share = float64(b.tally.verdicts[v]) / float64(b.tally.rows)
		}
		p.formula(row, sumShare, s.percent, fmt.Sprintf("IF(SUM(%[2]s:%[3]s)=0,0,%[1]s/SUM(%[2]s:%[3]s))", at(sumRows, row),
			at(sumRows, header+1), at(sumRows, last)), share)
		for n, m := range money {
			digits := reconcile.MinorDigits(m.Currency)
			p.formula(row, sumMoney+n, s.sparse[digits], fmt.Sprintf("ROUND(%s,%d)", over(b.verdicts,
				"SUMIFS(%T[Exposure],%T[Verdict],"+at(sumWord, row)+",%T[Currency],"+at(sumMoney+n, header)+")"), digits),
				major(b.tally.exposure[v][m.Currency], m.Currency))
		}
		p.row++
	}
	return header
}

// sumActions writes a line for each kind of action and state that occurs.
func (b *book) sumActions(p *page) {
	s := b.styles
	p.heading(s.heading, "Actions")
	b.wide(p, s.headFlat)
	p.line(s.headFlat, "Action", "Meaning", nil, "State", "Meaning of the state")
	p.put(p.row-1, sumRows, s.headRight, "Rows")
	for _, a := range b.view.Actions() {
		row := p.row
		b.wide(p, s.text)
		p.line(s.text, nil, reports.KindMeaning(a.Kind), nil, nil, reports.StateMeaning(a.State))
		p.put(row, sumWord, s.bold, a.Kind.String())
		p.put(row, sumShare, s.bold, a.State.String())
		p.formula(row, sumRows, s.count, over(b.actions, "COUNTIFS(%T[Action],"+at(sumWord, row)+",%T[State],"+
			at(sumShare, row)+")"), b.tally.pairs[[2]uint8{uint8(a.Kind), uint8(a.State)}])
	}
	if len(b.view.Actions()) == 0 {
		p.line(s.text, "Nothing is to be done: every row is kept.")
	}
}

// chart draws the rows of each verdict but in-use beside the table of verdicts.
func (b *book) chart(header, column int) error {
	first, last := header+2, header+len(reconcile.Verdicts())
	cell, err := excelize.CoordinatesToCellName(column, header-1)
	if err != nil {
		return err
	}
	gap, none := uint(45), false
	labels := excelize.Font{Family: font, Size: 8, Color: ink}
	return b.file.AddChart("Summary", cell, &excelize.Chart{Type: excelize.Bar,
		Series: []excelize.ChartSeries{{Name: "Summary!" + at(sumRows, header),
			Categories: fmt.Sprintf("Summary!%s:%s", at(sumWord, first), at(sumWord, last)),
			Values:     fmt.Sprintf("Summary!%s:%s", at(sumRows, first), at(sumRows, last)),
			Fill:       excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{blue}}}},
		Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: "Rows by verdict, without in-use",
			Font: &excelize.Font{Family: font, Size: 11, Bold: true, Color: slate}}}},
		Legend: excelize.ChartLegend{Position: "none"}, VaryColors: &none, GapWidth: &gap,
		PlotArea:  excelize.ChartPlotArea{ShowVal: true},
		XAxis:     excelize.ChartAxis{ReverseOrder: true, Font: labels},
		YAxis:     excelize.ChartAxis{None: true, Font: labels},
		Border:    excelize.LineOptions{Type: excelize.LineNone},
		Dimension: excelize.ChartDimension{Width: 500, Height: 372},
		Format:    excelize.GraphicOptions{Name: "Rows by verdict, without in-use", AltText: b.chartText()}})
}

// chartText says in words what the chart shows.
func (b *book) chartText() string {
	text := "Bar chart of the number of rows by verdict, without in-use:"
	for _, v := range inUseFirst()[1:] {
		if n := b.tally.verdicts[v]; n > 0 {
			text += fmt.Sprintf(" %s %d,", v, n)
		}
	}
	return text[:len(text)-1] + "."
}
