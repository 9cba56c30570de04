package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"trueup/facts"
)

// crowded makes a plan of random rows and actions, by hand and with no regard to how they could come about: up to 30
// people, or 200 seats where percentages are to be looked at.
func crowded(random *rand.Rand) *assembly {
	s := &facts.Snapshot{AsOf: facts.At(time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)), Strings: facts.NewStrings()}
	people, seats := 1+random.IntN(30), random.IntN(60)
	if random.IntN(2) == 0 {
		people, seats = 20+random.IntN(100), 100+random.IntN(100)
	}
	plan := &Plan{AsOf: s.AsOf, Snapshot: s, Catalogue: &Catalogue{Products: []Product{{ID: "a"}, {ID: "b"}, {ID: "c"}}}}
	for n := range people {
		plan.People = append(plan.People, Person{ID: s.Strings.InternString(fmt.Sprintf("E%03d", n)), Row: int32(n)})
		s.People.Department = append(s.People.Department, s.Strings.InternString([]string{"", "A", "B"}[random.IntN(3)]))
	}
	states := []State{Ready, Approval, Ready, Approval, Notice, Manual, Blocked, Withheld, Kept, Done}
	kinds := []ActionKind{Keep, Keep, Revoke, Revoke, Revoke, Downgrade, Issue, Review}
	losing := random.IntN(3) == 0 // nearly everybody
	for range seats {
		row := Row{Person: PersonID(random.IntN(people)), Account: NoAccountID, Product: ProductID(max(0, random.IntN(6)-3)), Held: true, Action: -1,
			Verdict: []Verdict{Leaver, Idle, NeverUsed, Duplicate}[random.IntN(4)], Kind: kinds[random.IntN(len(kinds))]}
		if losing && random.IntN(4) > 0 {
			row.Kind = Revoke
		}
		if row.Kind == Issue {
			row.Held, row.Verdict = false, Missing
		}
		if row.Kind != Keep {
			row.Action = int32(len(plan.Actions))
			x := Action{Row: int32(len(plan.Rows)), Kind: row.Kind, State: states[random.IntN(len(states))]}
			if row.Kind == Review {
				x.State = Proposed
			}
			plan.Actions = append(plan.Actions, x)
		}
		plan.Rows = append(plan.Rows, row)
	}
	for range random.IntN(8) {
		days := random.IntN(40) - 1
		s.Prior.Losses = append(s.Prior.Losses, facts.Loss{Holder: fmt.Sprintf("E%03d", random.IntN(2*people)), At: s.AsOf.Add(-time.Duration(days) * 24 * time.Hour)})
	}
	some := func(n int) int { return []int{0, 0, 1 + random.IntN(n)}[random.IntN(3)] }
	limits := GuardLimits{Run: some(10), Days7: some(12), Days30: some(15), RunPercent: float64(some(30)), ProductPercent: float64(some(30)),
		DepartmentPercent: float64(some(30)), VerdictPercent: float64(some(30))}
	a := &assembly{plan: plan, policy: &Policy{Guards: limits}, options: &Options{}, lots: make([][]lot, len(plan.Catalogue.Products)),
		held: holdings{departments: map[facts.Sym]int{}}}
	for p := range a.lots {
		a.lots[p] = make([]lot, 1)
	}
	holders := map[PersonID]bool{}
	for n := range plan.Rows {
		if row := &plan.Rows[n]; row.Held {
			holders[row.Person] = true
			plan.Totals.Seats++
			a.lots[row.Product][0].assigned++
			a.held.departments[plan.department(row)]++
		}
	}
	a.held.holders = len(holders)
	if random.IntN(8) == 0 {
		a.options.Raised = []Raise{{Guard: "run", By: "kim"}}
	}
	return a
}

// lost counts, over the seats of some rows, those that may go without anybody having to do more than approve, the people
// who lose them, and all seats and people with one.
func (a *assembly) lost(of func(n int) bool) (seats, people, allSeats, allPeople int) {
	losers, holders := map[PersonID]bool{}, map[PersonID]bool{}
	for n := range a.plan.Rows {
		row := &a.plan.Rows[n]
		if !row.Held || !of(n) {
			continue
		}
		allSeats++
		holders[row.Person] = true
		if row.Action < 0 || row.Kind != Revoke {
			continue
		}
		if state := a.plan.Actions[row.Action].State; state == Ready || state == Approval {
			seats++
			losers[row.Person] = true
		}
	}
	return seats, len(losers), allSeats, len(holders)
}

// TestCapsHold: of 10,000 random plans none lets more pass than the limits say; a cap that trips holds back all of its
// scope, never a part; and what already waited for something else is as it was.
func TestCapsHold(t *testing.T) {
	plans := 10_000
	if testing.Short() {
		plans = 1_000
	}
	tripped := map[string]int{}
	for seed := range plans {
		a := crowded(rand.New(rand.NewPCG(uint64(seed), 22)))
		before := slices.Clone(a.plan.Actions)
		a.guardPlan()
		if fault := a.beyondCaps(); fault != "" {
			t.Fatalf("seed %d: %s", seed, fault)
		}
		for n := range before {
			was, is := before[n].State, a.plan.Actions[n].State
			if is != was && (is != Withheld || was.waitsForNothing() || a.plan.Actions[n].By == "") {
				t.Fatalf("seed %d: action %d was %s and is %s", seed, n, was, is)
			}
		}
		for _, g := range a.plan.Guards {
			if g.State != GuardTripped {
				continue
			}
			tripped[g.Name]++
			for n := range a.plan.Actions {
				if x := &a.plan.Actions[n]; x.Kind.Effective() && a.inScope(g, n) && (x.State == Ready || x.State == Approval) {
					t.Fatalf("seed %d: %s of %s tripped, and action %d is %s", seed, g.Name, g.Scope, n, x.State)
				}
			}
		}
	}
	for _, name := range []string{"run", "run_percent", "days_7", "days_30", "product_percent", "department_percent", "verdict_percent"} {
		if tripped[name] == 0 && !testing.Short() {
			t.Errorf("no plan tripped %s", name)
		}
	}
}

// inScope reports whether an action belongs to what a guard looks at.
func (a *assembly) inScope(g Guard, n int) bool {
	row := int(a.plan.Actions[n].Row)
	switch g.Name {
	case "product_percent":
		return a.plan.ProductOf(row).ID == g.Scope
	case "department_percent":
		return a.plan.Department(row) == g.Scope
	case "verdict_percent":
		return a.plan.Rows[row].Verdict.String() == g.Scope
	}
	return true
}

// beyondCaps names a limit that a guarded plan is beyond; "" if there is none.
func (a *assembly) beyondCaps() string {
	limits, raised := &a.policy.Guards, len(a.options.Raised) > 0
	seats, people, allSeats, allPeople := a.lost(func(int) bool { return true })
	if seats == 0 {
		return ""
	}
	if limits.Run > 0 && people > limits.Run && !raised {
		return fmt.Sprintf("%d people, and %d are the most", people, limits.Run)
	}
	beyond := func(part, whole, seats int, percent float64) bool {
		return percent > 0 && seats >= 100 && float64(part)*100 > percent*float64(whole)*1.000001
	}
	if beyond(people, allPeople, allSeats, limits.RunPercent) {
		return fmt.Sprintf("%d of %d people, and %g %% are the most", people, allPeople, limits.RunPercent)
	}
	for _, window := range []struct{ days, limit int }{{7, limits.Days7}, {30, limits.Days30}} {
		set := map[string]bool{}
		for n := range a.plan.Actions {
			if x := &a.plan.Actions[n]; x.Kind == Revoke && (x.State == Ready || x.State == Approval) {
				set[a.plan.Holder(int(x.Row))] = true
			}
		}
		for _, loss := range a.plan.Snapshot.Prior.Losses {
			if loss.At > a.plan.AsOf.Add(-time.Duration(window.days)*24*time.Hour) {
				set[loss.Holder] = true
			}
		}
		if window.limit > 0 && len(set) > window.limit {
			return fmt.Sprintf("%d people in %d days, and %d are the most", len(set), window.days, window.limit)
		}
	}
	for n := range a.plan.Catalogue.Products {
		part, _, whole, _ := a.lost(func(row int) bool { return a.plan.Rows[row].Product == ProductID(n) })
		if beyond(part, whole, whole, limits.ProductPercent) {
			return fmt.Sprintf("%d of %d seats of a product", part, whole)
		}
	}
	for _, department := range []string{"A", "B"} {
		part, _, whole, _ := a.lost(func(row int) bool { return a.plan.Department(row) == department })
		if beyond(part, whole, whole, limits.DepartmentPercent) {
			return fmt.Sprintf("%d of %d seats of a department", part, whole)
		}
	}
	for _, v := range Verdicts() {
		part, _, _, _ := a.lost(func(row int) bool { return a.plan.Rows[row].Verdict == v })
		if beyond(part, allSeats, allSeats, limits.VerdictPercent) {
			return fmt.Sprintf("%d of %d seats are %s", part, allSeats, v)
		}
	}
	return ""
}
