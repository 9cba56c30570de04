package reconcile

import (
	"cmp"
	"slices"
	"time"

	"trueup/facts"
)

// contract is what is in force for one product on the as-of.
type contract struct {
	known       bool // there are contract rows at all, and the feed was read whole
	lasting     bool // a row is in force
	ended       bool // there were rows in force, none is any more
	unconfirmed bool // a row is in force only because it renewed itself
	purchased   *int64
	floor       int64
	pools       []pool
	terms       []terms // one for each currency
	centre      string  // the cost centre that the rows agree on
	notice      facts.Day
	ends        facts.Day
	cut         cut
	reducible   bool // the contract lets the quantity be lower after the next cut
	overlap     bool // rows of one contract and pool add up though no order tells them apart
}

// billing is how all rows in force are charged; unknown where they differ or have no price.
func (c *contract) billing() facts.Billing {
	found := facts.BillingUnknown
	for n := range c.terms {
		if n > 0 && c.terms[n].billing != found {
			return facts.BillingUnknown
		}
		found = c.terms[n].billing
	}
	return found
}

// pool is a named part of what was purchased.
type pool struct {
	name      string
	purchased *int64
	floor     int64
	notice    facts.Day
	ends      facts.Day
	cut       cut
}

// cut says when a quantity can next be changed: before the first notice date, else end, of the rows in force.
type cut struct {
	by   facts.Day
	open bool // a row is charged by use, or ends on no day: it has no such date
}

func (c *cut) add(row *facts.Purchase, notice, ends facts.Day) {
	if row.Billing != facts.Prepaid || !ends.Known() && !notice.Known() {
		c.open = true
		return
	}
	if notice.Known() {
		ends = notice
	}
	c.by = earlier(c.by, ends)
}

// contractsOf reads the contract rows of each product.
func contractsOf(s *facts.Snapshot, c *Catalogue) []contract {
	rows, items := make([][]*facts.Purchase, len(c.Products)), c.skus()
	for n := range s.Purchases {
		if p := c.bought(&s.Purchases[n], items); p != NoProductID {
			rows[p] = append(rows[p], &s.Purchases[n])
		}
	}
	whole := true
	for n := range s.Inputs {
		if s.Inputs[n].Feed == facts.FeedPurchases {
			whole = whole && s.Inputs[n].Complete && s.Inputs[n].Rejected == 0
		}
	}
	contracts := make([]contract, len(c.Products))
	for n := range contracts {
		slices.SortFunc(rows[n], comparePurchases)
		contracts[n] = contractOf(s, rows[n], whole)
	}
	return contracts
}

// bought returns the product of a contract row: that of its id, or else of the item of the row's own source.
func (c *Catalogue) bought(row *facts.Purchase, items map[sku]ProductID) ProductID {
	if p, known := c.Lookup(row.Product); known {
		return p
	}
	if p, known := items[sku{row.Source, foldItem(row.Product)}]; known {
		return p
	}
	return NoProductID
}

func comparePurchases(a, b *facts.Purchase) int {
	return cmp.Or(cmp.Compare(a.Contract, b.Contract), cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Order, b.Order),
		cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Currency, b.Currency),
		cmp.Compare(a.Quantity, b.Quantity), a.Price.Cmp(b.Price), cmp.Compare(a.Source, b.Source))
}

func contractOf(s *facts.Snapshot, rows []*facts.Purchase, whole bool) contract {
	c := contract{known: len(rows) > 0 && whole, notice: facts.NoDay, ends: facts.NoDay, cut: cut{by: facts.NoDay}}
	today, begun := s.Today(), false
	var force []*facts.Purchase
	for n, row := range rows {
		begun = begun || row.Start <= today
		if !inForce(rows, n, today) {
			continue
		}
		if k := len(force) - 1; k >= 0 && sameLine(force[k], row) && row.Order == "" { // rows without an order come first
			c.overlap = true
		}
		force = append(force, row)
		c.unconfirmed = c.unconfirmed || row.End.Known() && row.End < today
	}
	c.lasting = len(force) > 0
	c.ended = c.known && begun && len(force) == 0
	if c.ended {
		c.purchased = new(int64)
	}
	c.reducible = len(force) > 0
	for _, row := range force {
		c.add(row, today, whole)
		_, less := commitment(row, today)
		c.reducible = c.reducible && less && row.Billing != facts.Flat
	}
	c.terms = termsOf(s, force)
	c.centre = agreed(force)
	return c
}

func sameLine(a, b *facts.Purchase) bool { return a.Contract == b.Contract && a.Pool == b.Pool }

// inForce reports whether a row counts today. It begins with its start and lasts to its end, or beyond where it renews
// itself until a row that starts after its end says otherwise. A later row of the same order replaces it.
func inForce(rows []*facts.Purchase, n int, today facts.Day) bool {
	row := rows[n]
	if row.Start > today || row.End.Known() && row.End < today && !row.AutoRenew {
		return false
	}
	for _, other := range rows {
		if other == row || other.Start > today || other.Contract != row.Contract || other.Pool != row.Pool {
			continue
		}
		if row.Order != "" && other.Order == row.Order && other.Start > row.Start {
			return false
		}
		if row.End.Known() && other.Start > row.End {
			return false
		}
	}
	return true
}

func agreed(rows []*facts.Purchase) string {
	for _, row := range rows {
		if row.CostCentre != rows[0].CostCentre {
			return ""
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return rows[0].CostCentre
}

// add takes a row in force into account.
func (c *contract) add(row *facts.Purchase, today facts.Day, whole bool) {
	notice, ends := nextCut(row, today)
	c.notice, c.ends = earlier(c.notice, notice), earlier(c.ends, ends)
	c.floor += row.CommitFloor
	name := row.Pool
	if name == CommonPool {
		name = ""
	}
	k := slices.IndexFunc(c.pools, func(p pool) bool { return p.name == name })
	if k < 0 {
		k = len(c.pools)
		c.pools = append(c.pools, pool{name: name, notice: facts.NoDay, ends: facts.NoDay, cut: cut{by: facts.NoDay}})
	}
	at := &c.pools[k]
	at.floor += row.CommitFloor
	c.cut.add(row, notice, ends)
	at.cut.add(row, notice, ends)
	at.notice, at.ends = earlier(at.notice, notice), earlier(at.ends, ends)
	if whole && (row.Quantity > 0 || row.Billing == facts.Prepaid) {
		c.purchased = plus(c.purchased, row.Quantity)
		at.purchased = plus(at.purchased, row.Quantity)
	}
}

func earlier(a, b facts.Day) facts.Day {
	if !a.Known() || b.Known() && b < a {
		return b
	}
	return a
}

func plus(sum *int64, n int64) *int64 {
	if sum != nil {
		n += *sum
	}
	return &n
}

// nextCut returns the next notice date and the end of the term it belongs to, rolled on over renewals that can no longer
// be stopped.
func nextCut(row *facts.Purchase, today facts.Day) (notice, ends facts.Day) {
	notice, ends = row.Notice, row.End
	if !ends.Known() || !row.AutoRenew {
		return notice, ends
	}
	months := row.RenewMonths
	if months <= 0 {
		months = 12
	}
	for n := 1; n < 1000 && (notice.Known() && notice < today || ends < today); n++ {
		ends = addMonths(row.End, n*months)
		if notice.Known() {
			notice = addMonths(row.Notice, n*months)
		}
	}
	return notice, ends
}

// addMonths moves a day by months; a day that the month does not have becomes its last, and the last day of a month
// stays a last day.
func addMonths(d facts.Day, months int) facts.Day {
	year, month, day := d.Civil()
	first := facts.Date(year, month+time.Month(months), 1)
	last := facts.Date(year, month+time.Month(months)+1, 1) - 1
	if d == facts.Date(year, month+1, 1)-1 {
		return last
	}
	return min(first+facts.Day(day-1), last)
}
