package reconcile

import (
	"sort"

	"trueup/facts"
)

// renewalNotice is how many days before a notice date a position is flagged.
const renewalNotice = 90

// tally counts a product's rows.
type tally struct {
	assigned, active, idle, reclaimable int64
}

// position counts rows and makes the positions, by product id.
func (a *assembly) position() {
	plan := a.plan
	a.lots, plan.pooling = lotsOf(a.contracts, plan.Snapshot, plan.Catalogue)
	a.claimants = make([][]int32, len(a.lots))
	products := rowsByProduct(plan)
	inParallel(len(products), each(func(k int) { a.tally(products[k]) }))
	a.want()
	counters := a.counters()
	a.concurrent = concurrencies(plan.Snapshot, plan.Catalogue, a.options.Closures)
	for _, use := range a.concurrent {
		if use != nil {
			plan.Concurrent = append(plan.Concurrent, *use)
		}
	}
	plan.centres = make([]string, len(a.contracts))
	for _, p := range byID(plan.Catalogue) {
		plan.centres[p] = a.contracts[p].centre
		plan.Positions = append(plan.Positions, a.positionOf(p, counters[p]))
		whole := plan.Positions[len(plan.Positions)-1]
		a.poolPositions(p, &whole)
	}
}

// tally counts the rows of one product.
func (a *assembly) tally(rows span) {
	for n := rows.from; n < rows.to; n++ {
		row := &a.plan.Rows[n]
		if row.Kind == Issue || row.Kind == Upgrade {
			a.claimants[row.Product] = append(a.claimants[row.Product], int32(n))
		}
		if !row.Held {
			continue
		}
		t := a.lotOf(n, row.Product)
		t.assigned++
		if row.Active {
			t.active++
		}
		if row.Verdict == Idle || row.Verdict == NeverUsed {
			t.idle++
		}
		if row.Kind == Revoke || row.Kind == Downgrade {
			t.reclaimable++
		}
	}
}

// reclaimRule returns the reclaim rule that a row names; nil if it names none.
func (a *assembly) reclaimRule(row *Row) *ReclaimRule {
	if row.Rule < 0 {
		return nil
	}
	return a.reclaim[row.Rule]
}

// counter is the vendor's own figure for a product, summed over its items.
type counter struct{ purchased, consumed *int64 }

func (a *assembly) counters() []counter {
	products := a.plan.Catalogue.skus()
	counters := make([]counter, len(a.contracts))
	for _, c := range a.plan.Snapshot.Counters {
		p, known := products[sku{c.Source, foldItem(c.Product)}]
		if !known {
			continue
		}
		counters[p].purchased = plus(counters[p].purchased, c.Purchased)
		if c.Consumed != facts.NotTold {
			counters[p].consumed = plus(counters[p].consumed, c.Consumed)
		}
	}
	return counters
}

// positionOf makes the position of a product as a whole.
func (a *assembly) positionOf(p ProductID, vendor counter) Position {
	c, t, product := &a.contracts[p], a.whole(p), &a.plan.Catalogue.Products[p]
	x := Position{Product: p, Purchased: c.purchased, CounterPurchased: vendor.purchased, CounterConsumed: vendor.consumed,
		Notice: c.notice, Ends: c.ends}
	if len(c.terms) == 1 && c.terms[0].billing != facts.Flat {
		x.Currency, x.UnitPrice = c.terms[0].code, c.terms[0].unit.Round(MinorDigits(c.terms[0].code)).String()
	}
	if a.question.items.whole[p] && product.Metric.PerHolder() {
		x.Assigned, x.Reclaimable, x.Idle = &t.assigned, &t.reclaimable, &t.idle
		if slots := a.question.meter.counted[p]; slots.from < slots.to {
			x.Active = &t.active
		}
		if x.Purchased != nil {
			spare := *x.Purchased - *x.Assigned
			x.Spare = &spare
		}
	}
	buffer := a.buffer(p, c.purchased)
	if use := a.concurrent[p]; use != nil {
		a.size(&x, use, c, buffer)
	}
	a.flag(&x, c, buffer)
	return x
}

// buffer returns how many licences of a product should be free.
func (a *assembly) buffer(p ProductID, purchased *int64) int64 {
	b, ok := a.policy.Buffer(p)
	switch {
	case !ok:
		return 0
	case purchased == nil:
		return b.Spare
	}
	return max(b.Spare, ceilPercent(*purchased, b.Percent))
}

// flag sets the position's flags, in the order of [PositionFlags]. A pool of concurrent licences cannot be given out more
// than once, so that it is never over-allocated; its peak shows a shortage whether or not the window is wholly known, and
// nothing is too much where somebody was refused.
func (a *assembly) flag(x *Position, c *contract, buffer int64) {
	short := x.Spare != nil && *x.Spare < buffer || x.Peak != nil && x.Purchased != nil && *x.Purchased-*x.Peak < buffer
	refused := x.Denied != nil && *x.Denied > 0
	differ := func(a, b *int64) bool { return a != nil && b != nil && *a != *b }
	today := a.question.today
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"over-allocated", x.Spare != nil && *x.Spare < 0 && x.Peak == nil},
		{"surplus", x.Spare != nil && *x.Spare > buffer && !refused},
		{"shortage", short},
		{"counter-mismatch", differ(x.Purchased, x.CounterPurchased) || differ(x.Assigned, x.CounterConsumed)},
		{"renewal-due", x.Notice.Known() && x.Notice >= today && x.Notice-today <= renewalNotice},
		{"renewal-unconfirmed", c.unconfirmed},
		{"contract-ended", c.ended},
	} {
		if f.on {
			x.Flags = append(x.Flags, f.name)
		}
	}
}

// ceilPercent returns a percentage of n, rounded up to whole seats.
func ceilPercent(n int64, percent float64) int64 {
	const scale = 1_000_000 // a percentage is taken to six decimal places
	share := int64(percent*scale + 0.5)
	return (n*share + 100*scale - 1) / (100 * scale)
}

// price says what every row is worth, product by product: no row's worth depends on those of another product.
func (a *assembly) price() {
	p := newPurse(a)
	products := rowsByProduct(a.plan)
	worths := make([]worths, len(products))
	inParallel(len(products), each(func(k int) {
		worths[k] = newWorths()
		for n := products[k].from; n < products[k].to; n++ {
			row := &a.plan.Rows[n]
			row.Worth = worths[k].number(p.of(n, row.Kind, row.To))
		}
	}))
	all := newWorths()
	for k := range worths {
		worths[k].join(&all)
	}
	a.plan.Worths = all.list
	inParallel(len(products), each(func(k int) {
		for n := products[k].from; n < products[k].to; n++ {
			row := &a.plan.Rows[n]
			row.Worth = worths[k].to[row.Worth]
		}
	}))
}

// worths numbers distinct figures.
type worths struct {
	list    []Money
	numbers map[Money]uint32
	to      []uint32 // by number: that in another list
}

// newWorths returns a list that holds no figure only.
func newWorths() worths {
	none := Money{Effective: facts.NoDay}
	return worths{list: []Money{none}, numbers: map[Money]uint32{none: 0}}
}

func (w *worths) number(m Money) uint32 {
	n, known := w.numbers[m]
	if !known {
		n = uint32(len(w.list))
		w.list, w.numbers[m] = append(w.list, m), n
	}
	return n
}

func (w *worths) join(other *worths) {
	for _, m := range w.list {
		w.to = append(w.to, other.number(m))
	}
}

// rowsByProduct returns the spans of rows of one product each.
func rowsByProduct(p *Plan) []span {
	var spans []span
	for from := 0; from < len(p.Rows); {
		product := p.Rows[from].Product
		to := from + sort.Search(len(p.Rows)-from, func(n int) bool { return p.Rows[from+n].Product != product })
		spans = append(spans, span{from, to})
		from = to
	}
	return spans
}
