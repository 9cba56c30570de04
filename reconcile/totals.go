package reconcile

import (
	"cmp"
	"fmt"
	"slices"

	"trueup/facts"
)

// total adds everything up and checks that it ties.
func (a *assembly) total() error {
	plan, t := a.plan, &a.plan.Totals
	*t = Totals{People: len(plan.People), Rows: len(plan.Rows)}
	placed := make([]bool, len(plan.People))
	money := map[facts.Sym]*MoneyTotal{}
	for n := range plan.Rows {
		row := &plan.Rows[n]
		t.Verdicts[row.Verdict]++
		t.Actions[row.Kind]++
		switch {
		case row.Held:
			t.Seats++
		case row.Verdict == Missing:
			t.Missing++
		case row.Verdict == UnlicensedUse:
			t.UnlicensedUse++
		}
		if row.Person != NoPersonID && !placed[row.Person] {
			placed[row.Person] = true
			t.PeopleWithRows++
		}
		if row.Money.Currency != 0 {
			m := money[row.Money.Currency]
			if m == nil {
				m = &MoneyTotal{Currency: plan.Snapshot.Strings.Text(row.Money.Currency)}
				money[row.Money.Currency] = m
			}
			m.Exposure += row.Money.Exposure
			m.Reassignable += row.Money.Reassignable
			m.Reducible += row.Money.Reducible
		}
	}
	for n := range plan.Actions {
		t.States[plan.Actions[n].State]++
	}
	for _, m := range money {
		t.Money = append(t.Money, *m)
	}
	slices.SortFunc(t.Money, func(x, y MoneyTotal) int { return cmp.Compare(x.Currency, y.Currency) })
	return a.tie()
}

// tie checks the equalities that must hold in every plan.
func (a *assembly) tie() error {
	t := &a.plan.Totals
	seats, unplaced := 0, 0
	for n := range a.tallies {
		seats += int(a.tallies[n].assigned)
	}
	for _, u := range a.plan.Unplaced {
		unplaced += u.People
	}
	sum := func(counts []int) (total int) {
		for _, n := range counts {
			total += n
		}
		return total
	}
	for _, equal := range []struct {
		what string
		a, b int
	}{
		{"rows = seats + missing + unlicensed use", t.Rows, t.Seats + t.Missing + t.UnlicensedUse},
		{"rows = sum over verdicts", t.Rows, sum(t.Verdicts[:])},
		{"rows = sum over actions", t.Rows, sum(t.Actions[:])},
		{"rows = keep + sum over states", t.Rows, t.Actions[Keep] + sum(t.States[:])},
		{"missing rows = verdict missing", t.Missing, t.Verdicts[Missing]},
		{"unlicensed rows = verdict unlicensed-use", t.UnlicensedUse, t.Verdicts[UnlicensedUse]},
		{"seats = sum over products", t.Seats, seats},
		{"seat paths = seat paths of rows", len(a.question.holders.seats.rows), len(a.plan.SeatPaths)},
		{"people = people with rows + people without", t.People, t.PeopleWithRows + unplaced},
	} {
		if equal.a != equal.b {
			return fmt.Errorf("totals do not tie: %s: %d is not %d", equal.what, equal.a, equal.b)
		}
	}
	return nil
}
