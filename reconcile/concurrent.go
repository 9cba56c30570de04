package reconcile

import "trueup/facts"

// peakWindow is over how many days the use of a concurrent product is looked at: long enough for what is done once a
// quarter.
const peakWindow = 90

// mostUnseen is how many minutes a day's longest part without a look may have for the day to be seen: somebody who samples
// every quarter of an hour may miss a few.
const mostUnseen = 60

// Concurrency is what the use of a concurrent product came to, day by day.
type Concurrency struct {
	Product ProductID
	From    facts.Day // of the window
	To      facts.Day // its last day, so long ago that all of it must be known
	Days    []ConcurrentUse
	Missing []Gap // days of the window of which too little is known, closures apart; none: the window is whole
	Limits  bool  // the sources tell how many licences stood
	Denials bool  // the sources tell who was refused
}

// ConcurrentUse is one day of a concurrent product, summed over its items.
type ConcurrentUse struct {
	Day      facts.Day
	Peak     int64 // the sum of the items' peaks, which need not coincide: if anything it is too high
	Limit    int64 // [facts.NotTold] where an item does not tell
	Reserved int64 // [facts.NotTold] where no item tells
	Denied   int64 // [facts.NotTold] where no item tells
	Full     bool  // an item had all its licences out
	Seen     bool  // all items were looked at all day
}

// Whole reports whether enough is known of the whole window to conclude something from what did not happen in it.
func (c *Concurrency) Whole() bool { return len(c.Missing) == 0 && len(c.Days) > 0 }

// Observed returns how many days of the window are known well enough.
func (c *Concurrency) Observed() int {
	n := int(c.To-c.From) + 1
	for _, gap := range c.Missing {
		n -= int(gap.To-gap.From) + 1
	}
	return n
}

// sku is a vendor's item at one source, case-folded.
type sku struct{ source, item string }

// skus says which items are which product.
func (c *Catalogue) skus() map[sku]ProductID {
	of := map[sku]ProductID{}
	for p := range c.Products {
		for source, items := range c.Products[p].SeatsFrom {
			for _, item := range items {
				of[sku{source, foldItem(item)}] = ProductID(p)
			}
		}
	}
	return of
}

func foldItem(item string) string { return string(foldText([]byte(item))) }

// concurrencies reads the days of all concurrent products, by place in the catalogue; nil where nothing is known.
func concurrencies(s *facts.Snapshot, c *Catalogue, closures []Closure) []*Concurrency {
	of := c.skus()
	days := make([]map[sku]map[facts.Day]facts.ConcurrentDay, len(c.Products))
	for n := range s.Concurrent.Len() {
		d := s.Concurrent.At(n, s.Strings)
		item := sku{s.Sources[s.Concurrent.Source[n]].Name, foldItem(d.Product)}
		p, known := of[item]
		if !known || c.Products[p].Metric != Concurrent {
			continue
		}
		if days[p] == nil {
			days[p] = map[sku]map[facts.Day]facts.ConcurrentDay{}
		}
		if days[p][item] == nil {
			days[p][item] = map[facts.Day]facts.ConcurrentDay{}
		}
		if other, twice := days[p][item][d.Day]; twice {
			d = larger(d, other)
		}
		days[p][item][d.Day] = d
	}
	all := make([]*Concurrency, len(c.Products))
	for p := range days {
		if len(days[p]) > 0 {
			all[p] = concurrencyOf(s, c, ProductID(p), days[p], closures)
		}
	}
	return all
}

// larger joins two reports of one day.
func larger(a, b facts.ConcurrentDay) facts.ConcurrentDay {
	if b.Peak > a.Peak {
		a.Peak, a.Limit = b.Peak, b.Limit
	}
	a.Reserved, a.Denied = max(a.Reserved, b.Reserved), max(a.Denied, b.Denied)
	a.Samples, a.Unseen = max(a.Samples, b.Samples), min(a.Unseen, b.Unseen)
	return a
}

func concurrencyOf(s *facts.Snapshot, c *Catalogue, p ProductID, days map[sku]map[facts.Day]facts.ConcurrentDay, closures []Closure) *Concurrency {
	to, whole := lastWhole(s, &c.Products[p])
	x := &Concurrency{Product: p, From: to - peakWindow + 1, To: to}
	items := 0
	for _, of := range c.Products[p].SeatsFrom {
		items += len(of)
	}
	for day := x.From; day <= s.Today(); day++ {
		use, known := useOn(day, days)
		use.Seen = use.Seen && known == items && whole
		if known > 0 {
			x.Days = append(x.Days, use)
			x.Limits, x.Denials = x.Limits || use.Limit != facts.NotTold, x.Denials || use.Denied != facts.NotTold
		}
		if use.Seen || day > to || closed(closures, day) {
			continue
		}
		if n := len(x.Missing); n > 0 && x.Missing[n-1].To == day-1 {
			x.Missing[n-1].To = day
		} else {
			x.Missing = append(x.Missing, Gap{From: day, To: day})
		}
	}
	return x
}

// lastWhole returns the last day that the sources of a product, each as late as it may be, must know all of; and whether
// they were read whole.
func lastWhole(s *facts.Snapshot, p *Product) (last facts.Day, whole bool) {
	last, whole = s.Today()-1, true
	for source := range p.SeatsFrom {
		id, known := s.SourceNamed(source)
		input, read := s.Input(id, facts.FeedCounters)
		if !known || !read {
			whole = false
			continue
		}
		whole = whole && input.Complete
		lag := input.Lag
		if lag == 0 {
			lag = defaultLag
		}
		last = min(last, s.Calendar().Day(s.AsOf.Add(-lag))-1)
	}
	return last, whole
}

// useOn adds up what the items came to on a day, and says of how many anything is known.
func useOn(day facts.Day, days map[sku]map[facts.Day]facts.ConcurrentDay) (use ConcurrentUse, known int) {
	use = ConcurrentUse{Day: day, Reserved: facts.NotTold, Denied: facts.NotTold, Seen: true}
	for _, of := range days {
		d, is := of[day]
		if !is {
			continue
		}
		known++
		use.Peak += d.Peak
		if d.Limit == facts.NotTold || use.Limit == facts.NotTold {
			use.Limit = facts.NotTold
		} else {
			use.Limit += d.Limit
		}
		if d.Reserved != facts.NotTold {
			use.Reserved = max(use.Reserved, 0) + d.Reserved
		}
		if d.Denied != facts.NotTold {
			use.Denied = max(use.Denied, 0) + d.Denied
		}
		use.Full = use.Full || d.Limit > 0 && d.Peak >= d.Limit
		use.Seen = use.Seen && d.Unseen <= mostUnseen
	}
	return use, known
}

// size fills in what a concurrent product came to, and how many licences it needs: its peak and the buffer. What did not
// happen counts only over a window that is wholly known, so that ignorance never trues down; what happened counts always.
func (a *assembly) size(x *Position, use *Concurrency, c *contract, buffer int64) {
	peak, reserved, denied, full := int64(0), facts.NotTold, facts.NotTold, int64(0)
	for n := range use.Days {
		d := &use.Days[n]
		peak, reserved = max(peak, d.Peak), max(reserved, d.Reserved)
		if d.Denied != facts.NotTold {
			denied = max(denied, 0) + d.Denied
		}
		if d.Full {
			full++
		}
	}
	if len(use.Days) == 0 { // nothing is known of the window
		return
	}
	x.Peak, x.Reserved, x.Denied = &peak, told(reserved), told(denied)
	if use.Limits {
		x.DaysAtLimit = &full
	}
	if !use.Whole() {
		return
	}
	needed := peak + buffer
	x.Needed = &needed
	if x.Purchased == nil {
		return
	}
	spare, less := *x.Purchased-peak, int64(0)
	if c.reducible && denied <= 0 {
		less = max(0, *x.Purchased-max(needed, c.floor))
	}
	x.Spare, x.Reducible = &spare, &less
}

// told returns a figure; nil if it is not told.
func told(n int64) *int64 {
	if n == facts.NotTold {
		return nil
	}
	return &n
}

// findConcurrent names concurrent products that refused somebody, of whose use too little is known, or that name items
// which nobody counts.
func (a *assembly) findConcurrent() {
	s := a.plan.Snapshot
	for _, x := range a.plan.Wholes() {
		product := &a.plan.Catalogue.Products[x.Product]
		use := a.concurrent[x.Product]
		if product.Metric != Concurrent || use == nil {
			continue
		}
		if x.Denied != nil && *x.Denied > 0 {
			a.finding("denied", product.ID, "%d requests between %s and %s were refused for want of a licence", *x.Denied, use.From, s.Today())
		}
		if len(use.Missing) > 0 {
			gap := use.Missing[0]
			a.finding("use-not-covered", product.ID, "too little is known of %d of the %d days from %s to %s, the first gap from %s to %s: nothing is proposed to be dropped",
				int(use.To-use.From)+1-use.Observed(), int(use.To-use.From)+1, use.From, use.To, gap.From, gap.To)
		}
	}
	counted := map[sku]bool{}
	for n := range s.Concurrent.Len() {
		counted[sku{s.Sources[s.Concurrent.Source[n]].Name, foldItem(s.Strings.Text(s.Concurrent.Product[n]))}] = true
	}
	for _, c := range s.Counters {
		counted[sku{c.Source, foldItem(c.Product)}] = true
	}
	for n := range a.plan.Catalogue.Products {
		p := &a.plan.Catalogue.Products[n]
		if p.Metric != Concurrent {
			continue
		}
		for source, items := range p.SeatsFrom {
			id, _ := s.SourceNamed(source)
			if _, read := s.Input(id, facts.FeedCounters); !read {
				continue
			}
			for _, item := range items {
				if !counted[sku{source, foldItem(item)}] {
					a.finding("configured-unused", p.ID, "%s never counted item %s", source, item)
				}
			}
		}
	}
}
