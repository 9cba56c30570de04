package reconcile

import (
	"cmp"
	"slices"

	"github.com/govalues/decimal"

	"trueup/facts"
)

// MinorDigits returns how many decimal places a currency has by ISO 4217; two for one that is not known to differ.
func MinorDigits(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
		"XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

// terms are the price and the conditions of a product's contract rows in one currency.
type terms struct {
	currency   facts.Sym
	code       string
	unit       decimal.Decimal // of one seat and month, not rounded
	minor      int64           // the same in minor units, rounded half to even
	billing    facts.Billing
	activeDays int
	centres    []string
	ends       facts.Day // up to here the present quantity is paid for; NoDay where that is not known
	reducible  bool      // after it the quantity can be lower
}

// termsOf groups rows in force by currency, in byte order.
func termsOf(s *facts.Snapshot, force []*facts.Purchase) []terms {
	priced := slices.DeleteFunc(slices.Clone(force), func(row *facts.Purchase) bool {
		_, ok := monthlyPrice(row)
		return !ok
	})
	slices.SortStableFunc(priced, func(a, b *facts.Purchase) int { return cmp.Compare(a.Currency, b.Currency) })
	var list []terms
	for from := 0; from < len(priced); {
		to := from
		for to < len(priced) && priced[to].Currency == priced[from].Currency {
			to++
		}
		if t, ok := termsIn(s, priced[from:to]); ok {
			list = append(list, t)
		}
		from = to
	}
	return list
}

// termsIn joins rows of one currency. Rows of different price blend by their quantities, which is what a seat costs on
// average; rows of different billing have no billing in common.
func termsIn(s *facts.Snapshot, rows []*facts.Purchase) (terms, bool) {
	t := terms{code: rows[0].Currency, billing: rows[0].Billing, activeDays: rows[0].ActiveDays, ends: facts.NoDay,
		reducible: true}
	t.currency, _ = s.Strings.LookupString(t.code)
	for _, row := range rows {
		if row.Billing != t.billing || row.ActiveDays != t.activeDays {
			t.billing = facts.BillingUnknown
		}
		ends, reducible := commitment(row, s.Today())
		t.ends, t.reducible = max(t.ends, ends), t.reducible && reducible
		t.centres = append(t.centres, row.CostCentre)
	}
	unit, ok := blend(rows)
	if !ok {
		return t, false
	}
	t.unit = unit
	t.minor, ok = minorUnits(unit, t.code)
	return t, ok
}

// commitment returns up to when a row's quantity is paid for, and whether it can be lower afterwards: a row that does not
// renew itself ends anyway, one that does can be reduced only where the contract says so. What is charged by assigned
// seat is charged to the end of the month.
func commitment(row *facts.Purchase, today facts.Day) (facts.Day, bool) {
	if row.Billing == facts.PerAssigned {
		year, month, _ := today.Civil()
		return facts.Date(year, month+1, 1) - 1, true
	}
	_, ends := nextCut(row, today)
	return ends, ends.Known() && (!row.AutoRenew || row.TrueDown)
}

// blend returns the average monthly price of one seat, weighted by quantity.
func blend(rows []*facts.Purchase) (decimal.Decimal, bool) {
	first, ok := monthlyPrice(rows[0])
	same, sum, quantity := true, decimal.Zero, int64(0)
	for _, row := range rows {
		monthly, fine := monthlyPrice(row)
		weight, err := decimal.New(row.Quantity, 0)
		if err != nil || !fine {
			return first, false
		}
		if sum, err = sum.AddMul(monthly, weight); err != nil {
			return first, false
		}
		quantity += row.Quantity
		same = same && monthly.Equal(first)
	}
	if same || quantity <= 0 {
		return first, ok && same
	}
	total, err := decimal.New(quantity, 0)
	if err != nil {
		return first, false
	}
	unit, err := sum.Quo(total)
	return unit, err == nil
}

// monthlyPrice returns what one seat costs a month: a twelfth of a yearly price, the term's share of a price for a term.
func monthlyPrice(row *facts.Purchase) (decimal.Decimal, bool) {
	if !row.Priced || row.Currency == "" {
		return decimal.Zero, false
	}
	months := decimal.MustNew(12, 0)
	switch row.Per {
	case facts.PerMonth:
		return row.Price, true
	case facts.PerYear:
	case facts.PerTerm:
		var ok bool
		if months, ok = termMonths(row); !ok {
			return decimal.Zero, false
		}
	default:
		return decimal.Zero, false
	}
	monthly, err := row.Price.Quo(months)
	return monthly, err == nil
}

// termMonths returns how long a term is: whole months where it is that long to the day, else its days at twelve months
// to 365 days.
func termMonths(row *facts.Purchase) (decimal.Decimal, bool) {
	if !row.Start.Known() || !row.End.Known() || row.End < row.Start {
		return decimal.Zero, false
	}
	days := int64(row.End-row.Start) + 1
	for n := days / 31; n <= days/28; n++ {
		if addMonths(row.Start, int(n)) == row.End+1 {
			return decimal.MustNew(n, 0), true
		}
	}
	months, err := decimal.MustNew(days*12, 0).Quo(decimal.MustNew(365, 0))
	return months, err == nil
}

// minorUnits rounds an amount half to even to the currency's smallest unit; false if there are too many of them to count.
func minorUnits(amount decimal.Decimal, currency string) (int64, bool) {
	power, digits := int64(1), MinorDigits(currency)
	for range digits {
		power *= 10
	}
	units, err := amount.Round(digits).Mul(decimal.MustNew(power, 0))
	if err != nil {
		return 0, false
	}
	whole, _, ok := units.Int64(0)
	return whole, ok
}

// termsFor chooses the terms of one seat: the only ones there are, or those of its cost centre where only one currency
// has it. Otherwise there is no figure.
func (c *contract) termsFor(centre string) *terms {
	if len(c.terms) == 1 {
		return &c.terms[0]
	}
	var found *terms
	for n := range c.terms {
		if centre != "" && slices.Contains(c.terms[n].centres, centre) {
			if found != nil {
				return nil
			}
			found = &c.terms[n]
		}
	}
	return found
}

// purse works out what rows are worth. It hands out a product's reducible seats in the order of rows, since a contract
// lets only so many go.
type purse struct {
	plan      *Plan
	contracts []contract
	assembly  *assembly
}

func newPurse(a *assembly) *purse {
	p := &purse{plan: a.plan, contracts: a.contracts, assembly: a}
	for product := range a.lots {
		for n := range a.lots[product] {
			l := &a.lots[product][n]
			l.left = l.lessBy(a.lotBuffer(ProductID(product), l))
		}
	}
	return p
}

// lessBy returns by how many seats reclaiming lets what was purchased shrink beyond what it could anyway: unassigned seats
// go first, and never below the commit floor. Seats that somebody waits for and the buffer are not given up. Where nothing
// is purchased in advance, each seat counts that is not given to somebody else.
func (l *lot) lessBy(buffer int64) int64 {
	if l.purchased == nil {
		return max(0, min(l.reclaimable-l.wanted, l.assigned-l.floor))
	}
	most := max(0, *l.purchased-l.floor)
	spare := *l.purchased - l.assigned - l.wanted - buffer
	return max(0, min(most, spare+l.reclaimable)) - max(0, min(most, spare))
}

// of returns what row n is worth. Nothing is paid for a row without a seat.
func (p *purse) of(n int, kind ActionKind, to ProductID) Money {
	row := &p.plan.Rows[n]
	money := Money{Effective: facts.NoDay}
	if !row.Held {
		return money
	}
	t := p.terms(n, row.Product)
	if t == nil {
		return money
	}
	switch t.billing {
	case facts.Flat: // one seat more or less costs nothing
		money.Currency = t.currency
		return money
	case facts.PerActive:
		return p.perActive(row, t)
	}
	money.Currency, money.Exposure = t.currency, t.minor
	if kind != Revoke && kind != Downgrade {
		return money
	}
	money.Reassignable, money.Effective = t.minor, t.ends
	if l := p.assembly.lotOf(n, row.Product); t.billing != facts.BillingUnknown && t.reducible && l.left > 0 {
		l.left--
		money.Reducible = max(0, t.minor-p.instead(n, to, t))
	}
	return money
}

// terms chooses a product's terms for row n. Whose cost it is matters only where there are several.
func (p *purse) terms(n int, product ProductID) *terms {
	c := &p.contracts[product]
	if len(c.terms) == 1 {
		return &c.terms[0]
	}
	return c.termsFor(p.plan.CostCentre(n))
}

// instead returns what the target of a downgrade costs; the whole price where that is not known in the same currency.
func (p *purse) instead(n int, to ProductID, t *terms) int64 {
	if to == NoProductID {
		return 0
	}
	target := p.terms(n, to)
	if target == nil || target.code != t.code {
		return t.minor
	}
	return target.minor
}

// perActive is the money of a seat that is charged only while it is used: an idle one costs nothing now. Where use is not
// known neither is the cost.
func (p *purse) perActive(row *Row, t *terms) Money {
	s := p.plan.Snapshot
	recent := row.LastUse.Known() && s.Today()-s.Calendar().Day(row.LastUse) <= facts.Day(t.activeDays)
	switch {
	case recent:
		return Money{Currency: t.currency, Exposure: t.minor, Effective: facts.NoDay}
	case row.Verdict == Idle || row.Verdict == NeverUsed:
		return Money{Currency: t.currency, Effective: facts.NoDay}
	}
	return Money{Effective: facts.NoDay}
}
