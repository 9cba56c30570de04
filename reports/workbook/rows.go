package workbook

import (
	"math"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
)

// tally counts what was written, row by row: the values that the formulas over these rows have.
type tally struct {
	rows, held, people, actions int
	verdicts                    map[reconcile.Verdict]int
	products                    map[string]int // licences held, by product
	kinds                       map[reconcile.ActionKind]int
	states                      map[reconcile.State]int
	pairs                       map[[2]uint8]int // kind and state
	money                       map[string]*reconcile.MoneyTotal
	exposure                    map[reconcile.Verdict]map[string]int64
}

func newTally() *tally {
	return &tally{verdicts: map[reconcile.Verdict]int{}, products: map[string]int{}, kinds: map[reconcile.ActionKind]int{},
		states: map[reconcile.State]int{}, pairs: map[[2]uint8]int{}, money: map[string]*reconcile.MoneyTotal{},
		exposure: map[reconcile.Verdict]map[string]int64{}}
}

func (t *tally) add(r *reports.Row) {
	t.rows++
	t.verdicts[r.Verdict]++
	t.kinds[r.Action.Kind]++
	if r.Held {
		t.held++
		t.products[r.Product.ID]++
	}
	if r.FirstOfPerson {
		t.people++
	}
	if r.Action.Kind != reconcile.Keep {
		t.actions++
		t.states[r.Action.State]++
		t.pairs[[2]uint8{uint8(r.Action.Kind), uint8(r.Action.State)}]++
	}
	if r.Money.Currency == "" {
		return
	}
	sum := t.money[r.Money.Currency]
	if sum == nil {
		sum = &reconcile.MoneyTotal{Currency: r.Money.Currency}
		t.money[r.Money.Currency] = sum
	}
	sum.Exposure += r.Money.Exposure
	sum.Reassignable += r.Money.Reassignable
	sum.Reducible += r.Money.Reducible
	if t.exposure[r.Verdict] == nil {
		t.exposure[r.Verdict] = map[string]int64{}
	}
	t.exposure[r.Verdict][r.Money.Currency] += r.Money.Exposure
}

// major is an amount of minor units as the number that a cell holds.
func major(minor int64, currency string) float64 {
	return float64(minor) / math.Pow10(reconcile.MinorDigits(currency))
}

func (b *book) verdictColumns() []column {
	s := b.styles
	return []column{{"Holder", 14, s.text, false}, {"Name", 22, s.text, false}, {"Department", 16, s.text, false},
		{"Cost centre", 12, s.text, false}, {"Product", 17, s.text, false}, {"Verdict", 16, s.bold, false},
		{"Action", 12, s.bold, false}, {"State", 12, s.text, false}, {"Due", 12, s.date, true}, {"To", 14, s.text, false},
		{"Currency", 10, s.text, false}, {"Exposure", 13, s.money[2], true}, {"Reassignable", 14, s.money[2], true},
		{"Reducible", 13, s.money[2], true}, {"Effective", 12, s.date, true}, {"Reasons", 32, s.text, false},
		{"Rule", 16, s.text, false}, {"Last activity", 12, s.date, true}, {"Idle days", 9, s.count, true},
		{"Signal", 12, s.text, false}, {"Covered from", 12, s.date, true}, {"Covered to", 12, s.date, true},
		{"Coverage", 13, s.text, false}, {"Account", 28, s.text, false}, {"Source", 12, s.text, false},
		{"Product name", 26, s.text, false}, {"Paths", 24, s.text, false}, {"Held", 8, s.text, false},
		{"First row of person", 10, s.count, true}}
}

// The columns of verdictColumns that hold the currency, the first and last amount, and the effective date.
const (
	currencyAt = 10
	moneyFrom  = 11
	moneyTo    = 13
)

func (b *book) actionColumns() []column {
	s := b.styles
	return []column{{"Holder", 14, s.text, false}, {"Name", 22, s.text, false}, {"Action", 12, s.bold, false},
		{"State", 12, s.bold, false}, {"Department", 16, s.text, false}, {"Account", 26, s.text, false},
		{"Source", 11, s.text, false}, {"Product", 16, s.text, false}, {"Verdict", 15, s.text, false},
		{"To", 14, s.text, false}, {"Due", 12, s.date, true}, {"Approver", 14, s.text, false},
		{"Held back by", 22, s.text, false}, {"Detail", 44, s.text, false}, {"Vendor request", 16, s.text, false},
		{"Answered", 12, s.date, true}, {"Currency", 9, s.text, false}, {"Exposure", 12, s.money[2], true},
		{"Case", 70, s.text, false}}
}

// exposureAt is the column of actionColumns that holds money.
const exposureAt = 17

// rows writes verdicts and actions in one pass over the view.
func (b *book) rows(verdictSheets, actionSheets []string) error {
	for _, sheet := range verdictSheets {
		t, err := b.newTable(sheet, blue, 2, b.verdictColumns())
		if err != nil {
			return err
		}
		b.verdicts = append(b.verdicts, t)
	}
	for _, sheet := range actionSheets {
		t, err := b.newTable(sheet, blue, 2, b.actionColumns())
		if err != nil {
			return err
		}
		b.actions = append(b.actions, t)
	}
	for r := range b.view.Rows() {
		if err := b.verdict(b.verdicts[b.tally.rows/b.perSheet], r); err != nil {
			return err
		}
		if r.Action.Kind != reconcile.Keep {
			if err := b.action(b.actions[b.tally.actions/b.perSheet], r); err != nil {
				return err
			}
		}
		b.tally.add(r)
	}
	for _, t := range append(b.verdicts, b.actions...) {
		if err := t.finish(); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) verdict(t *table, r *reports.Row) error {
	text := b.texts.safe
	signal, coverage := decisive(r)
	values := []any{text(r.Holder), text(r.Name), text(r.Department), text(r.CostCentre), text(r.Product.ID),
		r.Verdict.String(), r.Action.Kind.String(), r.Action.State.String(), serial(due(r)), text(r.Action.To), nil, nil, nil,
		nil, nil, r.JoinReasons(), text(r.Rule), b.local(r.LastUse), number(r.IdleDays), text(signal.Source),
		b.local(signal.From), b.local(signal.To), coverage, text(r.Account), text(r.Source), text(r.Product.Name),
		text(r.JoinPaths()), yes(r.Held), first(r)}
	if m := &r.Money; m.Currency != "" {
		copy(values[currencyAt:], []any{text(m.Currency), major(m.Exposure, m.Currency), major(m.Reassignable, m.Currency),
			major(m.Reducible, m.Currency), serial(m.Effective)})
		t.scale(moneyFrom, moneyTo, b.styles.money[reconcile.MinorDigits(m.Currency)])
	}
	return t.add(values...)
}

func (b *book) action(t *table, r *reports.Row) error {
	text := b.texts.safe
	a := &r.Action
	var currency, exposure any
	if r.Money.Currency != "" {
		currency, exposure = text(r.Money.Currency), major(r.Money.Exposure, r.Money.Currency)
		t.scale(exposureAt, exposureAt, b.styles.money[reconcile.MinorDigits(r.Money.Currency)])
	}
	return t.add(text(r.Holder), text(r.Name), a.Kind.String(), a.State.String(), text(r.Department), text(r.Account),
		text(a.Source), text(r.Product.ID), r.Verdict.String(), text(a.To), serial(due(r)), text(a.Role), text(a.By),
		text(a.Detail), text(a.Request), b.local(a.At), currency, exposure, a.ID.String())
}

// decisive returns the signal with the newest use, else the first, and whether all signals of the row cover its time.
func decisive(r *reports.Row) (signal reports.Signal, coverage string) {
	signal = reports.Signal{Last: facts.NoInstant, From: facts.NoInstant, To: facts.NoInstant}
	for n, s := range r.Signals {
		if n == 0 || s.Last > signal.Last {
			signal = s
		}
		if !s.Complete {
			coverage = "incomplete"
		} else if coverage == "" {
			coverage = "whole"
		}
	}
	return signal, coverage
}

// due is the date that a person should know: the end of the action's notice, else the row's own.
func due(r *reports.Row) facts.Day {
	if r.Action.Due.Known() {
		return r.Action.Due
	}
	return r.Due
}

func number(n int) any {
	if n < 0 {
		return nil
	}
	return n
}

// first is 1 on the first row of a person, so that a sum over it counts people.
func first(r *reports.Row) int {
	if r.FirstOfPerson {
		return 1
	}
	return 0
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
