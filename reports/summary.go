package reports

import (
	"cmp"
	"slices"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// Summary is what a person wants to know first, as plain data.
type Summary struct {
	Organisation string
	Run, Plan    string
	AsOf         facts.Instant
	Day          facts.Day // of AsOf, in the organisation's zone
	Mode         reconcile.Mode
	Complete     bool
	People       int
	Seats, Rows  int

	Inputs    []InputLine
	Verdicts  []VerdictLine // those that occur, in the order of the list
	Money     []reconcile.MoneyTotal
	Actions   []ActionCount
	HeldBack  []HeldBack
	Positions []PositionLine // those with a flag
	Findings  []reconcile.Finding
}

// InputLine says what was read from one feed of one source.
type InputLine struct {
	Source         string
	Feed           facts.Feed
	Files          int
	Rows, Rejected int64
	From, To       facts.Instant // what a log covers; NoInstant where that is not asked
	Problem        string        // why it cannot be relied on; "" if it can
}

// VerdictLine says how many rows have one verdict and what they are worth, by currency.
type VerdictLine struct {
	Verdict reconcile.Verdict
	Rows    int
	Money   []reconcile.MoneyTotal
}

// HeldBack says how many actions are withheld or blocked by the same cause.
type HeldBack struct {
	State   reconcile.State
	By      string // a guard with its scope, an input, a path
	Why     string
	Actions int
}

// PositionLine is a position by the product's name.
type PositionLine struct {
	Name string
	reconcile.Position
}

// Summary sums the view up in one pass over its rows.
func (v *View) Summary() *Summary {
	p := v.Plan
	return &Summary{Organisation: p.Organisation, Run: v.Run.ID, Plan: p.ID, AsOf: p.AsOf, Day: p.Snapshot.Today(),
		Mode: p.Mode, Complete: p.Complete, People: p.Totals.People, Seats: p.Totals.Seats, Rows: p.Totals.Rows,
		Inputs: v.Inputs(), Verdicts: v.verdictLines(), Money: p.Totals.Money, Actions: v.states, HeldBack: v.heldBack(),
		Positions: v.flagged(), Findings: p.Findings}
}

// Inputs says what was read, in the order of the snapshot.
func (v *View) Inputs() []InputLine {
	lines := make([]InputLine, len(v.Plan.Inputs))
	for n := range lines {
		in, state := &v.Plan.Snapshot.Inputs[n], &v.Plan.Inputs[n]
		lines[n] = InputLine{Source: v.Plan.Snapshot.Sources[in.Source].Name, Feed: in.Feed, Files: len(in.Files),
			Rows: in.Rows, Rejected: in.Rejected, From: state.From, To: state.To, Problem: problem(in, state)}
	}
	return lines
}

func problem(in *facts.Input, state *reconcile.InputState) string {
	var parts []string
	switch {
	case in.Failure != "":
		parts = append(parts, "not read: "+in.Failure)
	case !in.Complete:
		parts = append(parts, "not read whole")
	case !state.Complete && len(state.Gaps) == 0:
		parts = append(parts, "not complete")
	}
	if len(state.Gaps) > 0 {
		parts = append(parts, "gap "+GapText(state.Gaps))
	}
	return strings.Join(parts, "; ")
}

// GapText writes gaps as days, "2026-09-03 to 2026-09-04", at most three of them.
func GapText(gaps []reconcile.Gap) string {
	var words []string
	for n, g := range gaps {
		if n == 3 {
			words = append(words, "and more")
			break
		}
		if g.From == g.To {
			words = append(words, g.From.String())
		} else {
			words = append(words, g.From.String()+" to "+g.To.String())
		}
	}
	return strings.Join(words, ", ")
}

func (v *View) verdictLines() []VerdictLine {
	type key struct {
		verdict  reconcile.Verdict
		currency facts.Sym
	}
	rows := make([]int, len(reconcile.Verdicts()))
	sums := map[key]*reconcile.MoneyTotal{}
	for n := range v.Plan.Rows {
		row := &v.Plan.Rows[n]
		rows[row.Verdict]++
		m := v.Plan.Money(n)
		if m.Currency == 0 {
			continue
		}
		k := key{row.Verdict, m.Currency}
		if sums[k] == nil {
			sums[k] = &reconcile.MoneyTotal{Currency: v.Plan.Snapshot.Strings.Text(k.currency)}
		}
		sums[k].Exposure += m.Exposure
		sums[k].Reassignable += m.Reassignable
		sums[k].Reducible += m.Reducible
	}
	var lines []VerdictLine
	for _, verdict := range reconcile.Verdicts() {
		if rows[verdict] == 0 {
			continue
		}
		line := VerdictLine{Verdict: verdict, Rows: rows[verdict]}
		for k, sum := range sums {
			if k.verdict == verdict {
				line.Money = append(line.Money, *sum)
			}
		}
		slices.SortFunc(line.Money, func(a, b reconcile.MoneyTotal) int { return cmp.Compare(a.Currency, b.Currency) })
		lines = append(lines, line)
	}
	return lines
}

// heldBack groups what is withheld or blocked by cause, the largest group first.
func (v *View) heldBack() []HeldBack {
	why := map[string]string{}
	for n := range v.Plan.Guards {
		g := &v.Plan.Guards[n]
		why["guard "+g.Name+" of "+g.Scope] = cmp.Or(g.Why, GuardMeaning(g.Name))
	}
	type cause struct {
		state reconcile.State
		by    string
	}
	counts := map[cause]int{}
	for n := range v.Plan.Actions {
		if state := v.State(int32(n)); state == reconcile.Withheld || state == reconcile.Blocked {
			counts[cause{state, v.Plan.Actions[n].By}]++
		}
	}
	list := make([]HeldBack, 0, len(counts))
	for c, n := range counts {
		list = append(list, HeldBack{State: c.state, By: c.by, Why: why[c.by], Actions: n})
	}
	slices.SortFunc(list, func(a, b HeldBack) int {
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(b.Actions, a.Actions), cmp.Compare(a.By, b.By))
	})
	return list
}

func (v *View) flagged() []PositionLine {
	var list []PositionLine
	for n := range v.Plan.Positions {
		if p := &v.Plan.Positions[n]; len(p.Flags) > 0 {
			list = append(list, PositionLine{Name: v.ProductName(p.Product), Position: *p})
		}
	}
	return list
}

// ProductName returns the name of a product; its id where it has none.
func (v *View) ProductName(id reconcile.ProductID) string {
	p := &v.Plan.Catalogue.Products[id]
	return cmp.Or(p.Name, p.ID)
}
