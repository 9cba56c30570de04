package workbook

import (
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"trueup/reconcile"
	"trueup/reports"
)

// The columns of the control table.
const (
	checkOf = 1 + iota
	checkWhat
	checkSheets
	checkPlan
	checkDifference
	checkResult
	checkHow
)

// checksFrom is the row of the control table's header.
const checksFrom = 5

// check is one control total: a formula over the sheets, the value that it has, and what the plan says.
type check struct {
	group, what string
	formula     string // may name the cell of what as %W, the list of people without rows as %P
	is, want    float64
	digits      int
	money       bool
	how         string
}

// control writes the checks: each total is added up again from the rows of this workbook and compared with the total
// that the plan carries.
func (b *book) control() error {
	p, err := b.newPage("Control", green, fmt.Sprintf("$1:$%d", checksFrom), 22, 34, 20, 20, 14, 11, 76)
	if err != nil {
		return err
	}
	s := b.styles
	p.heights[1] = 28
	p.put(1, checkOf, s.title, "Control totals")
	p.put(2, checkOf, s.subtitle, "Each line adds the rows of this workbook up again by a formula and compares the result "+
		"with the total of the plan.")
	for n, title := range []string{"Of", "What", "From the sheets", "From the plan", "Difference", "Result", "How"} {
		style := s.head
		if n+1 >= checkSheets && n+1 <= checkDifference {
			style = s.headRight
		}
		p.put(checksFrom, n+1, style, title)
	}
	p.heights[checksFrom] = 22
	row := checksFrom
	checks := b.checks()
	listed := checksFrom + len(checks) + 3 // where the people without rows begin
	people := at(checkSheets, listed) + ":" + at(checkSheets, listed+max(1, len(b.view.Plan.Unplaced))-1)
	for _, c := range checks {
		row++
		c.formula = strings.ReplaceAll(strings.ReplaceAll(c.formula, "%W", at(checkWhat, row)), "%P", people)
		b.putCheck(p, row, c)
	}
	b.verdictOfAll(p, row)
	if err := b.finishControl(p, row); err != nil {
		return err
	}
	b.digests(p, b.unplaced(p, listed-1))
	if err := p.flush(); err != nil {
		return err
	}
	corner := fmt.Sprintf("A%d:G%d", checksFrom, row)
	stripes := false
	if err := p.stream.AddTable(&excelize.Table{Range: corner, Name: "Control", StyleName: "TableStyleLight1",
		ShowRowStripes: &stripes}); err != nil {
		return err
	}
	return p.stream.Flush()
}

func (b *book) putCheck(p *page, row int, c check) {
	s := b.styles
	number := s.count
	if c.money {
		number = s.money[c.digits]
	}
	p.put(row, checkOf, s.text, c.group)
	p.put(row, checkWhat, s.bold, c.what)
	p.formula(row, checkSheets, number, fmt.Sprintf("ROUND(%s,%d)", c.formula, c.digits), c.is)
	p.put(row, checkPlan, number, c.want)
	p.formula(row, checkDifference, number,
		fmt.Sprintf("ROUND(%s-%s,%d)", at(checkSheets, row), at(checkPlan, row), c.digits), c.is-c.want)
	result, style := "PASS", s.passed
	if c.is != c.want {
		result, style = "FAIL", s.failed
		b.failed++
	}
	p.formula(row, checkResult, style, fmt.Sprintf(`IF(%s=0,"PASS","FAIL")`, at(checkDifference, row)), result)
	p.put(row, checkHow, s.text, c.how)
}

// verdictOfAll puts the one line that a reader looks for first.
func (b *book) verdictOfAll(p *page, last int) {
	results := at(checkResult, checksFrom+1) + ":" + at(checkResult, last)
	total := last - checksFrom
	formula := fmt.Sprintf(`IF(COUNTIF(%s,"PASS")=%d,"All %d checks PASS",COUNTIF(%s,"FAIL")&" of %d checks FAIL")`,
		results, total, total, results, total)
	value, style := fmt.Sprintf("All %d checks PASS", total), b.styles.allPassed
	if b.failed > 0 {
		value, style = fmt.Sprintf("%d of %d checks FAIL", b.failed, total), b.styles.allFailed
	}
	p.formula(3, checkOf, style, formula, value)
}

// finishControl colours results as they are when the sheet is recalculated, and keeps the header in view.
func (b *book) finishControl(p *page, last int) error {
	passed, err := b.file.NewConditionalStyle(&excelize.Style{Font: &excelize.Font{Color: green, Bold: true}})
	if err != nil {
		return err
	}
	failed, err := b.file.NewConditionalStyle(&excelize.Style{Font: &excelize.Font{Color: white, Bold: true},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{red}}})
	if err != nil {
		return err
	}
	area := fmt.Sprintf("F%d:F%d", checksFrom+1, last)
	if err := b.file.SetConditionalFormat("Control", area, []excelize.ConditionalFormatOptions{
		{Type: "cell", Criteria: "==", Value: `"PASS"`, Format: &passed},
		{Type: "cell", Criteria: "==", Value: `"FAIL"`, Format: &failed}}); err != nil {
		return err
	}
	corner := fmt.Sprintf("A%d", checksFrom+1)
	return p.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: checksFrom, TopLeftCell: corner, ActivePane: "bottomLeft",
		Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomLeft"}}})
}

// digests repeats, below the checks, what the whole rests on.
func (b *book) digests(p *page, row int) {
	plan := b.view.Plan
	p.put(row, checkOf, b.styles.heading, "Digests")
	for n, d := range [][2]string{{"Plan", plan.Digest.String()}, {"Decisions", plan.Decisions.String()},
		{"Policy", plan.Policy.String()}, {"Configuration", plan.Config.String()}, {"Products", plan.Products.String()}} {
		p.put(row+1+n, checkOf, b.styles.label, d[0])
		p.put(row+1+n, checkWhat, b.styles.value, d[1])
	}
}

// checks lists the control totals.
func (b *book) checks() []check {
	t, totals := b.tally, &b.view.Plan.Totals
	whole := func(group, what, formula string, is, want int, how string) check {
		return check{group: group, what: what, formula: formula, is: float64(is), want: float64(want), how: how}
	}
	count := func(formula string) string { return over(b.verdicts, formula) }
	list := []check{
		whole("Rows", "all rows", count("COUNTA(%T[Verdict])"), t.rows, totals.Rows, "every row has one verdict"),
		whole("Rows", "licences held", count(`COUNTIF(%T[Held],"yes")`), t.held, totals.Seats, "rows with a licence"),
		whole("Rows", "held + missing + unlicensed use", count(`COUNTIF(%T[Held],"yes")+COUNTIF(%T[Verdict],"missing")+`+
			`COUNTIF(%T[Verdict],"unlicensed-use")`),
			t.held+t.verdicts[reconcile.Missing]+t.verdicts[reconcile.UnlicensedUse], totals.Rows,
			"a row is a licence, a missing one, or use without one: there is no fourth"),
		whole("Rows", "rows to act on or review", over(b.actions, "COUNTA(%T[Action])"), t.actions,
			totals.Rows-totals.Actions[reconcile.Keep], "every row that is not kept stands on the Actions sheet"),
	}
	sum := 0
	for n, v := range reconcile.Verdicts() {
		list = append(list, whole("Verdict", v.String(), count("COUNTIF(%T[Verdict],%W)"), t.verdicts[v], totals.Verdicts[n],
			reports.VerdictPhrase(v)))
		sum += totals.Verdicts[n]
	}
	list = append(list, whole("Rows", "sum over verdicts", fmt.Sprintf("SUMIF($A$%d:$A$%d,\"Verdict\",$C$%d:$C$%d)",
		checksFrom+5, checksFrom+4+len(reconcile.Verdicts()), checksFrom+5, checksFrom+4+len(reconcile.Verdicts())),
		t.rows, sum, "the verdicts above add up to all rows"))
	for n, k := range reconcile.ActionKinds() {
		list = append(list, whole("Action", k.String(), count("COUNTIF(%T[Action],%W)"), t.kinds[k], totals.Actions[n],
			reports.KindMeaning(k)))
	}
	list = append(list, b.stateChecks()...)
	list = append(append(list, b.productChecks()...), b.concurrentChecks()...)
	return append(append(list, b.moneyChecks()...), b.peopleChecks()...)
}

// stateChecks compare with the states of the view, in which outcomes have replaced what the plan began with.
func (b *book) stateChecks() []check {
	want := map[reconcile.State]int{}
	for _, a := range b.view.Actions() {
		want[a.State] += a.Count
	}
	var list []check
	for _, state := range reconcile.States() {
		if want[state] == 0 && b.tally.states[state] == 0 {
			continue
		}
		list = append(list, check{group: "State", what: state.String(), formula: over(b.actions, "COUNTIF(%T[State],%W)"),
			is: float64(b.tally.states[state]), want: float64(want[state]), how: reports.StateMeaning(state)})
	}
	return list
}

// productChecks compare the licences held of each product with its position. Excel compares text without regard to case:
// products that differ in nothing else are left out. The pools of a product come after its position as a whole.
func (b *book) productChecks() []check {
	plan := b.view.Plan
	same := map[string]int{}
	wholes := plan.Wholes()
	for _, whole := range wholes {
		if whole.Assigned != nil {
			same[strings.ToLower(plan.Catalogue.Products[whole.Product].ID)]++
		}
	}
	var list []check
	for _, whole := range wholes {
		id, assigned := plan.Catalogue.Products[whole.Product].ID, whole.Assigned
		if assigned == nil || same[strings.ToLower(id)] > 1 {
			continue
		}
		list = append(list, check{group: "Licences held of", what: b.texts.safe(id), is: float64(b.tally.products[id]),
			formula: over(b.verdicts, `COUNTIFS(%T[Product],%W,%T[Held],"yes")`), want: float64(*assigned),
			how: "assigned, on the sheet Positions"})
	}
	return list
}

// moneyChecks compare each sum in each currency; currencies are never added.
func (b *book) moneyChecks() []check {
	var list []check
	for _, want := range b.view.Plan.Totals.Money {
		is := b.tally.money[want.Currency]
		if is == nil {
			is = &reconcile.MoneyTotal{}
		}
		for _, m := range []struct {
			column, how string
			is, want    int64
		}{{"Exposure", "paid now, per month", is.Exposure, want.Exposure},
			{"Reassignable", "could be given to others, per month", is.Reassignable, want.Reassignable},
			{"Reducible", "could be dropped at the next notice date, per month", is.Reducible, want.Reducible}} {
			list = append(list, check{group: m.column, what: b.texts.safe(want.Currency), how: m.how, money: true,
				formula: over(b.verdicts, "SUMIFS(%T["+m.column+"],%T[Currency],%W)"), digits: reconcile.MinorDigits(want.Currency),
				is: major(m.is, want.Currency), want: major(m.want, want.Currency)})
		}
	}
	return list
}

// peopleChecks account for everybody who was read; %P is the list of people without rows, below the checks.
func (b *book) peopleChecks() []check {
	totals := &b.view.Plan.Totals
	rows := over(b.verdicts, "SUM(%T[First row of person])")
	without := 0
	for _, u := range b.view.Plan.Unplaced {
		without += u.People
	}
	return []check{{group: "People", what: "with rows", formula: rows, is: float64(b.tally.people),
		want: float64(totals.PeopleWithRows), how: "people of the directory with at least one row"},
		{group: "People", what: "all people read", formula: rows + "+SUM(%P)", is: float64(b.tally.people + without),
			want: float64(totals.People), how: "people with rows and people without, listed below, are all who were read"}}
}

// unplaced lists the people without rows from a row on and returns the row after.
func (b *book) unplaced(p *page, row int) int {
	p.put(row, checkOf, b.styles.heading, "People without rows")
	for _, u := range b.view.Plan.Unplaced {
		row++
		p.put(row, checkOf, b.styles.label, "People")
		p.put(row, checkWhat, b.styles.value, b.texts.safe(u.Reason))
		p.put(row, checkSheets, b.styles.count, u.People)
	}
	if len(b.view.Plan.Unplaced) == 0 {
		row++
		p.put(row, checkWhat, b.styles.value, "none")
		p.put(row, checkSheets, b.styles.count, 0)
	}
	return row + 2
}
