package reconcile

import (
	"cmp"
	"slices"

	"trueup/facts"
)

// findDuplicates marks the holder's seats that another of their seats makes needless. Device seats belong to devices and
// are never duplicates of one another.
func (d *decider) findDuplicates() {
	for n := range d.seats {
		s := &d.seats[n]
		if d.catalogue.Products[s.product].Metric == DeviceSeat {
			continue
		}
		s.covering, s.reason = d.coveringOf(s.product)
	}
	for from := 0; from < len(d.seats); {
		to := from + 1
		for to < len(d.seats) && d.seats[to].product == d.seats[from].product {
			to++
		}
		if to-from > 1 && d.seats[from].covering == NoProductID && d.catalogue.Products[d.seats[from].product].Metric != DeviceSeat {
			d.compareEquals(d.seats[from:to])
		}
		from = to
	}
}

// coveringOf returns what covers a product among the holder's seats; of several the one that is not itself covered. A
// product whose contract has ended covers nothing.
func (d *decider) coveringOf(p ProductID) (ProductID, Reason) {
	covering := NoProductID
	for n := range d.seats {
		q := d.seats[n].product
		if q == covering || len(d.includes[q]) == 0 || !d.catalogue.Covers(q, p) || d.contracts[q].ended {
			continue
		}
		if covering == NoProductID || d.catalogue.Covers(q, covering) {
			covering = q
		}
	}
	if covering == NoProductID {
		return covering, 0
	}
	if f := d.catalogue.Products[p].Family; f != "" && f == d.catalogue.Products[covering].Family {
		return covering, CoveredByTier
	}
	return covering, CoveredBySuite
}

// compareEquals marks all but one of several seats of one product at one source: the one with the newest use stays, then
// the one that was assigned first, then the first by name. A seat without a date is as old as the hire. Seats of one
// product at different sources may be one seat seen twice, and are left alone.
func (d *decider) compareEquals(equal []seat) {
	uses := make([]facts.Instant, len(equal))
	order := make([]int, len(equal))
	for n := range equal {
		uses[n], order[n] = d.usedBy(equal[n].account, equal[n].product), n
	}
	assigned := func(n int) facts.Instant {
		switch {
		case equal[n].assigned.Known():
			return equal[n].assigned
		case d.standing.starts.Known():
			return d.days.start(d.standing.starts)
		}
		return never
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(uses[b], uses[a]), cmp.Compare(assigned(a), assigned(b)),
			d.compareAccounts(equal[a].account, equal[b].account))
	})
	stays := map[facts.SourceID]bool{}
	for _, n := range order {
		source := d.roster.accounts[equal[n].account].Source
		if stays[source] {
			equal[n].covering, equal[n].reason = equal[n].product, SecondAccount
		}
		stays[source] = true
	}
}

// usedBy returns the newest use of what a seat allows by one account: by that account, or by one of the same name at
// another source, since the log often is another system's.
func (d *decider) usedBy(a AccountID, p ProductID) facts.Instant {
	fold, newest := d.directory.fold, facts.NoInstant
	called := fold.of(d.roster.accounts[a].Login)
	allowed := map[int32]bool{}
	for x := d.meter.counted[p].from; x < d.meter.counted[p].to; x++ {
		allowed[int32(x)] = true
	}
	d.eachThrough(p, func(x int) { allowed[int32(x)] = true })
	for n := d.uses.from; n < d.uses.to; n++ {
		u, last := d.useRows[n], d.lasts[n]
		if other := d.meter.account(d.roster, u.row()); other != a && fold.of(d.roster.accounts[other].Login) != called {
			continue
		}
		for _, x := range d.meter.combos[u.tag()].slots {
			if allowed[x] {
				newest = max(newest, last)
			}
		}
	}
	return newest
}
