package reconcile

import (
	"slices"

	"trueup/facts"
)

// allotment is where what is decided about one stretch of holders goes in the plan.
type allotment struct {
	products   []spot         // by product
	holders    int            // with rows
	partitions []facts.Digest // of their rows
}

// spot is where the next row of a product goes, its signals and its seat paths; at first how many there are.
type spot struct{ row, signal, path uint32 }

// arrange sorts what belongs to the holders of a stretch, each one's seats by product, account and path, and counts what
// deciding about them will give.
func (d *decider) arrange(k int) allotment {
	seats, uses := d.holders.seats.of(k), d.holders.uses.of(k)
	d.spare = slices.Grow(d.spare[:0], max(len(seats), len(uses)))
	sortMembers(seats, d.spare[:len(seats)])
	sortMembers(uses, d.spare[:len(uses)])
	d.sortPaths(seats)
	d.open(k)
	for n, h := range d.holders.in(k) {
		if int(h) < len(d.directory.people) {
			d.standings[k*stretch+n] = d.directory.standingOf(PersonID(h), d.grace)
		}
	}
	count := allotment{products: make([]spot, len(d.catalogue.Products))}
	for n := range d.holders.in(k) {
		d.begin(k, n)
		d.countSeats(&count)
		d.findUnheld()
		for _, u := range d.unheld {
			count.add(u.product, d.meter.counted[u.product])
		}
		if d.own.some() || len(d.unheld) > 0 {
			count.holders++
		}
	}
	return count
}

// countSeats counts what the present holder's seats will give.
func (d *decider) countSeats(count *allotment) {
	rows := d.seatRows[d.own.from:d.own.to]
	for _, m := range rows {
		d.hold(ProductID(m.tag()))
	}
	for n, m := range rows {
		p := ProductID(m.tag())
		count.products[p].path++
		if n > 0 && rows[n-1].tag() == m.tag() && d.roster.seats[rows[n-1].row()] == d.roster.seats[m.row()] {
			continue // another path of the same seat
		}
		at := count.add(p, d.meter.counted[p])
		d.eachSignalThrough(p, func(int) { at.signal++ })
	}
}

// add counts a row with the signals that every row of its product has.
func (p *allotment) add(product ProductID, signals span) *spot {
	to := &p.products[product]
	to.row++
	to.signal += uint32(signals.to - signals.from)
	return to
}

// sortPaths puts the seat paths of one holder and product, as a rule one, in order.
func (d *decider) sortPaths(rows []member) {
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to]>>32 == rows[from]>>32 {
			to++
		}
		if to-from > 1 {
			slices.SortFunc(rows[from:to], func(a, b member) int { return d.comparePaths(a.row(), b.row()) })
		}
		from = to
	}
}

// allot makes room for all rows in the plan, and turns counts into places: product by product, in the order of their
// ids, and within a product stretch by stretch.
func (q *question) allot(places []allotment) {
	var next spot
	for _, p := range byID(q.catalogue) {
		for k := range places {
			at := &places[k].products[p]
			*at, next = next, spot{next.row + at.row, next.signal + at.signal, next.path + at.path}
		}
	}
	holders := 0
	for k := range places {
		holders += places[k].holders
	}
	q.partitions = make([]facts.Digest, holders)
	rest := q.partitions
	for k := range places {
		places[k].partitions, rest = rest[:places[k].holders], rest[places[k].holders:]
	}
	q.plan.Rows, q.plan.Signals, q.plan.SeatPaths = make([]Row, next.row), make([]Signal, next.signal), make([]int32, next.path)
}

// decideAll decides about everybody: first how many rows there are and where they go, then what they say.
func (q *question) decideAll() {
	q.standings = make([]standing, len(q.holders.order))
	places := make([]allotment, q.holders.stretches())
	inParallel(len(places), func() func(int) {
		d := newDecider(q)
		return func(k int) { places[k] = d.arrange(k) }
	})
	q.allot(places)
	var deciders []*decider
	inParallel(len(places), func() func(int) {
		d := newDecider(q)
		deciders = append(deciders, d)
		return func(k int) {
			d.next = places[k]
			d.decide(k)
		}
	})
	q.found = newFigures()
	for _, d := range deciders {
		q.found.add(&d.found)
	}
}

func newFigures() figures {
	return figures{evalFault: map[string]int{}, held: holdings{departments: map[facts.Sym]int{}}}
}

// countHeld takes down that the present holder holds something.
func (d *decider) countHeld() {
	if len(d.seats) == 0 {
		return
	}
	d.found.held.holders++
	if d.person != NoPersonID {
		d.found.held.departments[d.snapshot.People.Department[d.directory.people[d.person].Row]] += len(d.seats)
	}
}

func (f *figures) add(other *figures) {
	f.people += other.people
	f.held.holders += other.held.holders
	for department, n := range other.held.departments {
		f.held.departments[department] += n
	}
	for why, n := range other.unplaced {
		f.unplaced[why] += n
	}
	for text, n := range other.evalFault {
		f.evalFault[text] += n
	}
}
