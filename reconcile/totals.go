package reconcile

import (
	"cmp"
	"fmt"
	"slices"
)

// total adds the rows up.
func (a *assembly) total() {
	plan := a.plan
	products := rowsByProduct(plan)
	sums := make([]Totals, len(products))
	inParallel(len(products), each(func(k int) { sums[k] = sumOf(plan, products[k]) }))
	t := Totals{People: len(plan.People), PeopleWithRows: a.question.found.people, Rows: len(plan.Rows)}
	for n := range sums {
		t.add(&sums[n])
	}
	slices.SortFunc(t.Money, func(x, y MoneyTotal) int { return cmp.Compare(x.Currency, y.Currency) })
	plan.Totals = t
}

// sumOf adds the rows of one product up.
func sumOf(plan *Plan, rows span) (t Totals) {
	worths := make([]int64, len(plan.Worths)) // how many rows of each
	for n := rows.from; n < rows.to; n++ {
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
		worths[row.Worth]++
	}
	for worth, times := range worths {
		if m := &plan.Worths[worth]; m.Currency != 0 && times > 0 {
			t.addMoney(MoneyTotal{plan.Snapshot.Strings.Text(m.Currency), times * m.Exposure, times * m.Reassignable, times * m.Reducible})
		}
	}
	return t
}

// add adds the sums of further rows.
func (t *Totals) add(other *Totals) {
	t.Seats, t.Missing, t.UnlicensedUse = t.Seats+other.Seats, t.Missing+other.Missing, t.UnlicensedUse+other.UnlicensedUse
	for v, n := range other.Verdicts {
		t.Verdicts[v] += n
	}
	for kind, n := range other.Actions {
		t.Actions[kind] += n
	}
	for _, m := range other.Money {
		t.addMoney(m)
	}
}

func (t *Totals) addMoney(m MoneyTotal) {
	k := slices.IndexFunc(t.Money, func(have MoneyTotal) bool { return have.Currency == m.Currency })
	if k < 0 {
		t.Money = append(t.Money, m)
		return
	}
	t.Money[k].Exposure += m.Exposure
	t.Money[k].Reassignable += m.Reassignable
	t.Money[k].Reducible += m.Reducible
}

// tie adds the actions up and checks the equalities that must hold in every plan.
func (a *assembly) tie() error {
	t := &a.plan.Totals
	for n := range a.plan.Actions {
		t.States[a.plan.Actions[n].State]++
	}
	seats, unplaced := 0, 0
	for p := range a.lots {
		seats += int(a.whole(ProductID(p)).assigned)
	}
	for _, u := range a.plan.Unplaced {
		unplaced += u.People
	}
	pooled, divided := a.pooledSeats()
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
		{"seats of divided products = sum over pools", divided, pooled},
		{"seat paths = seat paths of rows", len(a.question.holders.seats.rows), len(a.plan.SeatPaths)},
		{"people = people with rows + people without", t.People, t.PeopleWithRows + unplaced},
	} {
		if equal.a != equal.b {
			return fmt.Errorf("totals do not tie: %s: %d is not %d", equal.what, equal.a, equal.b)
		}
	}
	return nil
}

// pooledSeats adds up the seats of all pools that have a figure, and those of the products that are divided into them.
func (a *assembly) pooledSeats() (pooled, whole int) {
	for _, of := range a.plan.Wholes() {
		if len(a.lots[of.Product]) > 1 && of.Assigned != nil {
			whole += int(*of.Assigned)
		}
	}
	for n := range a.plan.Positions {
		x := &a.plan.Positions[n]
		if n > 0 && x.Product == a.plan.Positions[n-1].Product && x.Assigned != nil {
			pooled += int(*x.Assigned)
		}
	}
	return pooled, whole
}
