package mapping

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"trueup/facts"
)

// Positions of the columns of purchases.
const (
	purchaseContract = iota
	purchaseProduct
	purchaseQuantity
	purchasePrice
	purchasePer
	purchaseCurrency
	purchaseBilling
	purchaseStart
	purchaseEnd
	purchaseNotice
	purchaseRenew
	purchaseRenewTerm
	purchaseFloor
	purchaseTrueDown
	purchasePool
	purchaseCostCentre
	purchaseOrder
)

func (in *Intake) addPurchase(row Row) string {
	if reason := in.empty(row, purchaseProduct, purchaseQuantity); reason != "" {
		return reason
	}
	p := facts.Purchase{Contract: string(row[purchaseContract]), Product: string(row[purchaseProduct]), Pool: string(row[purchasePool]),
		CostCentre: string(row[purchaseCostCentre]), Order: string(row[purchaseOrder])}
	for _, part := range []struct {
		at   int
		read func(p *facts.Purchase, row Row, cell []byte) string
	}{
		{purchaseQuantity, func(p *facts.Purchase, _ Row, cell []byte) (fault string) {
			p.Quantity, fault = in.integer(cell)
			return fault
		}},
		{purchasePrice, in.price},
		{purchaseBilling, billing},
		{purchaseStart, func(p *facts.Purchase, _ Row, cell []byte) (fault string) {
			p.Start, fault = in.date(cell)
			return fault
		}},
		{purchaseEnd, in.end},
		{purchaseNotice, in.notice},
		{purchaseRenew, func(p *facts.Purchase, _ Row, cell []byte) (fault string) {
			p.AutoRenew, fault = flag(cell)
			return fault
		}},
		{purchaseRenewTerm, renewTerm},
		{purchaseFloor, in.floor},
		{purchaseTrueDown, func(p *facts.Purchase, _ Row, cell []byte) (fault string) {
			p.TrueDown, fault = flag(cell)
			return fault
		}},
	} {
		if fault := part.read(&p, row, row[part.at]); fault != "" {
			return in.columns[part.at].Name + " " + fault
		}
	}
	in.o.AddPurchase(p)
	return ""
}

// price reads the price with what it cannot be understood without.
func (in *Intake) price(p *facts.Purchase, row Row, cell []byte) (fault string) {
	if len(cell) == 0 {
		return ""
	}
	if p.Price, fault = in.amount(cell); fault != "" {
		return fault
	}
	if p.Price.IsNeg() {
		return "is negative"
	}
	var ok bool
	if p.Per, ok = facts.ParsePeriod(string(bytes.ToLower(row[purchasePer]))); !ok {
		return "needs price_per: month, year or term"
	}
	p.Currency = strings.ToUpper(string(row[purchaseCurrency]))
	if len(p.Currency) != 3 || strings.Trim(p.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "needs a currency of three letters"
	}
	p.Priced = true
	return ""
}

// billing reads per-assigned, per-active:DAYS, prepaid or flat.
func billing(p *facts.Purchase, _ Row, cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	word, days, counted := strings.Cut(string(bytes.ToLower(cell)), ":")
	model, ok := facts.ParseBilling(word)
	if !ok {
		return quote(word) + " is none of per-assigned, per-active:DAYS, prepaid and flat"
	}
	if counted != (model == facts.PerActive) {
		return "has a count of days exactly if it is per-active, as in per-active:28"
	}
	if counted {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 3660 {
			return "has no count of days, as in per-active:28"
		}
		p.ActiveDays = n
	}
	p.Billing = model
	return ""
}

func (in *Intake) end(p *facts.Purchase, _ Row, cell []byte) (fault string) {
	p.End, fault = in.date(cell)
	if fault == "" && p.End.Known() && p.Start.Known() && p.End < p.Start {
		return "is before start"
	}
	return fault
}

// notice reads a date, or a span before the end: 90d, 6w, 3m, 1y.
func (in *Intake) notice(p *facts.Purchase, _ Row, cell []byte) (fault string) {
	n, unit, ok := span(cell)
	if !ok {
		p.Notice, fault = in.date(cell)
		return fault
	}
	if !p.End.Known() {
		return "is a span before the end, and there is no end"
	}
	p.Notice = p.End
	switch unit {
	case 'd':
		p.Notice -= facts.Day(n)
	case 'w':
		p.Notice -= facts.Day(7 * n)
	case 'm':
		p.Notice = monthsBefore(p.End, n)
	case 'y':
		p.Notice = monthsBefore(p.End, 12*n)
	}
	return ""
}

// monthsBefore returns the same day n months earlier, or the last day of that month if it is shorter. The last day of a
// month stays the last day.
func monthsBefore(d facts.Day, n int) facts.Day {
	year, month, day := d.Civil()
	_, tomorrow, _ := (d + 1).Civil()
	first := time.Date(year, month-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := monthDays(first.Year(), int(first.Month()))
	if day > last || tomorrow != month {
		day = last
	}
	return facts.Date(first.Year(), first.Month(), day)
}

// renewTerm reads 12m or 1y; a bare number is months.
func renewTerm(p *facts.Purchase, _ Row, cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	if n, err := strconv.Atoi(string(cell)); err == nil && n >= 0 && n < 1000 {
		p.RenewMonths = n
		return ""
	}
	n, unit, ok := span(cell)
	switch {
	case ok && unit == 'm':
		p.RenewMonths = n
	case ok && unit == 'y':
		p.RenewMonths = 12 * n
	default:
		return "is no term of months or years, as in 12m or 1y"
	}
	return ""
}

func (in *Intake) floor(p *facts.Purchase, _ Row, cell []byte) (fault string) {
	if len(cell) == 0 {
		return ""
	}
	if p.CommitFloor, fault = in.integer(cell); fault == "" && p.CommitFloor < 0 {
		return "is negative"
	}
	return fault
}

// span reads a number of at most four digits and d, w, m or y.
func span(cell []byte) (n int, unit byte, ok bool) {
	if len(cell) < 2 || len(cell) > 5 {
		return 0, 0, false
	}
	unit = cell[len(cell)-1] | 0x20
	n, ok = digits(cell, len(cell)-1)
	return n, unit, ok && strings.IndexByte("dwmy", unit) >= 0
}

func flag(cell []byte) (bool, string) {
	value, ok := yes(cell)
	if !ok && len(cell) > 0 {
		return false, "is neither true nor false: it looks like " + shape(cell)
	}
	return value, ""
}
