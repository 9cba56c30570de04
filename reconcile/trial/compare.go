package trial

import (
	"cmp"
	"slices"

	"trueup/facts"
	"trueup/reconcile"
)

// Difference is what a policy would decide otherwise than another on the same facts.
type Difference struct {
	Old, New *reconcile.Plan
	Rows     int // of either plan
	Changes  []Change
	Verdicts []Move // by verdict
	Actions  []Move // by kind of action
	States   []Count
	Guards   []Headroom
	Money    []Money // of all rows, by currency
}

// Change is one row that comes out otherwise: another verdict, another kind of action, or another target.
type Change struct {
	Old, New int  // rows of the plans; -1 where there is none
	From, To Side // what it was, what it becomes
	Money    Money
}

// Side is what one policy makes of a row. Verdict and Action are words; both are "none" where there is no row.
type Side struct {
	Verdict, Action string
	Target          string // of a downgrade or upgrade
	Rule            string
}

// Move counts the rows that go from one class to another.
type Move struct {
	From, To string
	Rows     int
	People   int // distinct holders
	Money    []Money
}

// Money sums rows of one currency, per month and in its minor units: what the seats cost, and by how much the new policy
// changes what could be given to others or dropped.
type Money struct {
	Currency                string
	Exposure                int64
	Reassignable, Reducible int64 // new less old
}

// Count is how many actions are in a state.
type Count struct {
	State       reconcile.State
	Before, Now int
}

// Headroom is a guard under both policies; nil where one has none of the name and scope.
type Headroom struct {
	Guard, Scope string
	Before, Now  *reconcile.Guard
}

// Changed reports whether the policies differ on the guard.
func (h *Headroom) Changed() bool {
	if h.Before == nil || h.Now == nil {
		return true
	}
	a, b := h.Before, h.Now
	return a.State != b.State || a.Limit != b.Limit || a.Withholds != b.Withholds || (a.Value == nil) != (b.Value == nil) ||
		a.Value != nil && *a.Value != *b.Value
}

// Tripped reports whether any guard would trip under the new policy.
func (d *Difference) Tripped() bool {
	return slices.ContainsFunc(d.New.Guards, func(g reconcile.Guard) bool { return g.State == reconcile.GuardTripped })
}

// Compare says what changes from one plan to another. Both must have been decided from the same snapshot and catalogue
// with the same identity options.
func Compare(before, after *reconcile.Plan) *Difference {
	d := &Difference{Old: before, New: after}
	c := comparison{d, newTallies(), newTallies(), map[string]*Money{}}
	seats := make([]int32, before.Snapshot.Seats.Len()) // rows of after, from 1
	unheld := map[unheldKey]int{}
	for n := range after.Rows {
		if row := &after.Rows[n]; row.Held {
			seats[after.Seat(n)] = int32(n) + 1
		} else {
			unheld[keyOf(after, row)] = n
		}
	}
	for n := range before.Rows {
		row, other := &before.Rows[n], -1
		if row.Held {
			other = int(seats[before.Seat(n)]) - 1
		} else if k, known := unheld[keyOf(before, row)]; known {
			other = k
			delete(unheld, keyOf(before, row))
		}
		c.add(n, other)
	}
	for n := range after.Rows {
		if row := &after.Rows[n]; !row.Held {
			if _, only := unheld[keyOf(after, row)]; only {
				c.add(-1, n)
			}
		}
	}
	c.finish()
	return d
}

// unheldKey names a row without a seat: there is at most one of a product and holder.
type unheldKey struct {
	product reconcile.ProductID
	person  reconcile.PersonID
	holder  facts.Sym // where no person is linked
}

func keyOf(p *reconcile.Plan, row *reconcile.Row) unheldKey {
	k := unheldKey{product: row.Product, person: row.Person}
	if row.Person == reconcile.NoPersonID {
		k.holder = p.Accounts[row.Account].Holder
	}
	return k
}

type comparison struct {
	*Difference
	verdicts, actions tallies
	money             map[string]*Money
}

// add compares one row of each plan; -1 is none.
func (c *comparison) add(before, after int) {
	c.Rows++
	x := Change{Old: before, New: after, From: sideOf(c.Old, before), To: sideOf(c.New, after), Money: c.moneyOf(before, after)}
	addMoney(c.money, x.Money)
	if x.From.Verdict == x.To.Verdict && x.From.Action == x.To.Action && x.From.Target == x.To.Target {
		return
	}
	c.Changes = append(c.Changes, x)
	holder := c.holderOf(&x)
	c.verdicts.add(x.From.Verdict, x.To.Verdict, holder, x.Money)
	c.actions.add(x.From.Action, x.To.Action, holder, x.Money)
}

func sideOf(p *reconcile.Plan, n int) Side {
	if n < 0 {
		return Side{Verdict: "none", Action: "none"}
	}
	row := &p.Rows[n]
	s := Side{Verdict: row.Verdict.String(), Action: row.Kind.String()}
	if row.To != reconcile.NoProductID {
		s.Target = p.Catalogue.Products[row.To].ID
	}
	if row.Rule >= 0 {
		s.Rule = p.Rules[row.Rule]
	}
	return s
}

// moneyOf is what a row costs and how its figures change. Both plans price a seat alike.
func (c *comparison) moneyOf(before, after int) (m Money) {
	if after >= 0 {
		if x := c.New.Money(after); x.Currency != 0 {
			m = Money{c.New.Snapshot.Strings.Text(x.Currency), x.Exposure, x.Reassignable, x.Reducible}
		}
	}
	if before >= 0 {
		if x := c.Old.Money(before); x.Currency != 0 {
			m.Currency, m.Exposure = c.Old.Snapshot.Strings.Text(x.Currency), x.Exposure
			m.Reassignable, m.Reducible = m.Reassignable-x.Reassignable, m.Reducible-x.Reducible
		}
	}
	return m
}

// Where returns the plan in which a change's row stands, and its number there: the new plan if it has one.
func (d *Difference) Where(x *Change) (*reconcile.Plan, int) {
	if x.New >= 0 {
		return d.New, x.New
	}
	return d.Old, x.Old
}

func (d *Difference) holderOf(x *Change) string {
	p, n := d.Where(x)
	return p.Holder(n)
}

func addMoney(sums map[string]*Money, m Money) {
	if m.Currency == "" {
		return
	}
	sum := sums[m.Currency]
	if sum == nil {
		sum = &Money{Currency: m.Currency}
		sums[m.Currency] = sum
	}
	sum.Exposure += m.Exposure
	sum.Reassignable += m.Reassignable
	sum.Reducible += m.Reducible
}

func sorted(sums map[string]*Money) []Money {
	list := make([]Money, 0, len(sums))
	for _, m := range sums {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return list
}

// finish turns counts into lists, each in an order that depends on the plans alone.
func (c *comparison) finish() {
	c.Verdicts, c.Actions, c.Difference.Money = c.verdicts.list(), c.actions.list(), sorted(c.money)
	slices.SortStableFunc(c.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(c.productOf(&a), c.productOf(&b)), cmp.Compare(c.holderOf(&a), c.holderOf(&b)))
	})
	for _, s := range reconcile.States() {
		if n := (Count{s, c.Old.Totals.States[s], c.New.Totals.States[s]}); n.Before != 0 || n.Now != 0 {
			c.States = append(c.States, n)
		}
	}
	type key struct{ name, scope string }
	earlier := map[key]*reconcile.Guard{}
	for n := range c.Old.Guards {
		g := &c.Old.Guards[n]
		earlier[key{g.Name, g.Scope}] = g
	}
	for n := range c.New.Guards {
		g := &c.New.Guards[n]
		c.Guards = append(c.Guards, Headroom{g.Name, g.Scope, earlier[key{g.Name, g.Scope}], g})
		delete(earlier, key{g.Name, g.Scope})
	}
	for n := range c.Old.Guards {
		if g := &c.Old.Guards[n]; earlier[key{g.Name, g.Scope}] != nil {
			c.Guards = append(c.Guards, Headroom{g.Name, g.Scope, g, nil})
		}
	}
}

func (d *Difference) productOf(x *Change) string {
	p, n := d.Where(x)
	return p.ProductOf(n).ID
}

// tallies counts moves by where they go from and to.
type tallies map[[2]string]*tally

type tally struct {
	rows   int
	people map[string]bool
	money  map[string]*Money
}

func newTallies() tallies { return tallies{} }

func (t tallies) add(from, to, holder string, m Money) {
	if from == to {
		return
	}
	x := t[[2]string{from, to}]
	if x == nil {
		x = &tally{people: map[string]bool{}, money: map[string]*Money{}}
		t[[2]string{from, to}] = x
	}
	x.rows++
	x.people[holder] = true
	addMoney(x.money, m)
}

// list puts the moves with most rows first.
func (t tallies) list() []Move {
	list := make([]Move, 0, len(t))
	for key, x := range t {
		list = append(list, Move{key[0], key[1], x.rows, len(x.people), sorted(x.money)})
	}
	slices.SortFunc(list, func(a, b Move) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return list
}
