package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// line makes a row of purchases from cells by name.
func line(in *Intake, cells string) Row {
	row := make(Row, len(in.columns))
	for cell := range strings.SplitSeq(cells, " ") {
		name, value, _ := strings.Cut(cell, "=")
		for n, c := range in.columns {
			if c.Name == name {
				row[n] = []byte(value)
			}
		}
	}
	return row
}

func TestPurchases(t *testing.T) {
	absent := facts.Purchase{Product: "figma", Quantity: 50, Start: facts.NoDay, End: facts.NoDay, Notice: facts.NoDay}
	with := func(change func(*facts.Purchase)) facts.Purchase {
		p := absent
		change(&p)
		return p
	}
	tests := []struct {
		cells string
		want  facts.Purchase
		fault string
	}{
		{cells: "product=figma quantity=50", want: absent},
		{cells: "product=figma quantity=50 unit_price=12.50 price_per=Month currency=eur", want: with(func(p *facts.Purchase) {
			p.Price, p.Priced, p.Per, p.Currency = decimal.MustParse("12.50"), true, facts.PerMonth, "EUR"
		})},
		{cells: "product=figma quantity=50 billing=per-active:28", want: with(func(p *facts.Purchase) {
			p.Billing, p.ActiveDays = facts.PerActive, 28
		})},
		{cells: "product=figma quantity=50 start=2026-04-01 end=2027-03-31 notice=90d auto_renew=yes renew_term=1y commit_floor=10 true_down=TRUE",
			want: with(func(p *facts.Purchase) {
				p.Start, p.End, p.Notice = facts.Date(2026, 4, 1), facts.Date(2027, 3, 31), facts.Date(2026, 12, 31)
				p.AutoRenew, p.RenewMonths, p.CommitFloor, p.TrueDown = true, 12, 10, true
			})},
		{cells: "product=figma quantity=50 end=2027-05-31 notice=3m renew_term=24", want: with(func(p *facts.Purchase) {
			p.End, p.Notice, p.RenewMonths = facts.Date(2027, 5, 31), facts.Date(2027, 2, 28), 24
		})},
		{cells: "product=figma quantity=50 end=2027-02-28 notice=1m", want: with(func(p *facts.Purchase) {
			p.End, p.Notice = facts.Date(2027, 2, 28), facts.Date(2027, 1, 31)
		})},
		{cells: "product=figma quantity=50 end=2027-02-28 notice=2w", want: with(func(p *facts.Purchase) {
			p.End, p.Notice = facts.Date(2027, 2, 28), facts.Date(2027, 2, 14)
		})},
		{cells: "product=figma quantity=50 notice=2026-12-31", want: with(func(p *facts.Purchase) { p.Notice = facts.Date(2026, 12, 31) })},
		{cells: "quantity=50", fault: "product is empty"},
		{cells: "product=figma", fault: "quantity is empty"},
		{cells: "product=figma quantity=50.5", fault: "quantity is no whole number: it looks like 99.9"},
		{cells: "product=figma quantity=1.500",
			fault: `quantity could be thousands or a fraction (it looks like 9.999): say decimal: "," or decimal: "."`},
		{cells: "product=figma quantity=50 unit_price=12.50 currency=EUR", fault: "unit_price needs price_per: month, year or term"},
		{cells: "product=figma quantity=50 unit_price=12.50 price_per=month currency=€", fault: "unit_price needs a currency of three letters"},
		{cells: "product=figma quantity=50 unit_price=-1 price_per=month currency=EUR", fault: "unit_price is negative"},
		{cells: "product=figma quantity=50 billing=per-active", fault: "billing has a count of days exactly if it is per-active, as in per-active:28"},
		{cells: "product=figma quantity=50 billing=flat:3", fault: "billing has a count of days exactly if it is per-active, as in per-active:28"},
		{cells: "product=figma quantity=50 billing=per-active:0", fault: "billing has no count of days, as in per-active:28"},
		{cells: "product=figma quantity=50 billing=rent", fault: `billing "rent" is none of per-assigned, per-active:DAYS, prepaid and flat`},
		{cells: "product=figma quantity=50 start=2027-01-01 end=2026-01-01", fault: "end is before start"},
		{cells: "product=figma quantity=50 notice=90d", fault: "notice is a span before the end, and there is no end"},
		{cells: "product=figma quantity=50 renew_term=30d", fault: "renew_term is no term of months or years, as in 12m or 1y"},
		{cells: "product=figma quantity=50 commit_floor=-1", fault: "commit_floor is negative"},
		{cells: "product=figma quantity=50 true_down=maybe", fault: "true_down is neither true nor false: it looks like aaaaa"},
	}
	for _, test := range tests {
		in := intake(t, facts.FeedPurchases, Writing{})
		fault := in.Add(&exports.File{}, 0, line(in, test.cells))
		if fault != test.fault {
			t.Errorf("%s: %s, want %s", test.cells, fault, test.fault)
			continue
		}
		if fault != "" {
			if len(in.o.Purchases) > 0 {
				t.Errorf("%s: was taken", test.cells)
			}
			continue
		}
		if diff := cmp.Diff(test.want, in.o.Purchases[0]); diff != "" {
			t.Errorf("%s: %s", test.cells, diff)
		}
	}
}
