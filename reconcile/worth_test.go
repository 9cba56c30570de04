package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"trueup/facts"
)

// worth writes a row's money: exposure, reassignable, reducible, and the last day that is paid.
func worth(p *Plan) string {
	return rowLines(p, func(n int) string {
		m := p.Money(n)
		if m.Currency == 0 {
			return "no figure"
		}
		text := fmt.Sprintf("%s %d/%d/%d", p.Snapshot.Strings.Text(m.Currency), m.Exposure, m.Reassignable, m.Reducible)
		if m.Effective.Known() {
			text += " " + m.Effective.String()
		}
		return text
	})
}

func TestMoney(t *testing.T) {
	idle := anasSeat
	used := anasSeat + "use okta ana@x.com Figma 2026-11-20\n"
	downgrade := policyFor("reclaim:\n", "reclaim:\n  - {product: figma, idle_after: 60d, action: downgrade, to: figma-view}\n")
	wasUsed := anasSeat + "use okta ana@x.com Figma 2026-03-01\n"
	for _, c := range []struct {
		says, org, want string
		change          func(*organisation)
	}{
		{says: "no price, no figure", org: idle + "contract figma 2", want: "E1 figma: no figure"},
		{says: "no contract, no figure", org: idle, want: "E1 figma: no figure"},
		{says: "a seat in use is only paid for", org: used + "contract figma 2 price=12.50", want: "E1 figma: EUR 1250/0/0"},
		{says: "a month is a twelfth of a year", org: used + "contract figma 2 price=100.00 per=year", want: "E1 figma: EUR 833/0/0"},
		{says: "half a cent is rounded to even", org: used + "contract figma 2 price=0.30 per=year", want: "E1 figma: EUR 2/0/0"},
		{says: "another half a cent too", org: used + "contract figma 2 price=0.42 per=year", want: "E1 figma: EUR 4/0/0"},
		{says: "a price for a term is spread over its months", org: used + "contract figma 2 price=300.00 per=term start=2026-01-01 end=2027-12-31",
			want: "E1 figma: EUR 1250/0/0"},
		{says: "yen have no smaller unit", org: used + "contract figma 2 price=1250 currency=JPY", want: "E1 figma: JPY 1250/0/0"},
		{says: "dinars have three", org: used + "contract figma 2 price=1.2345 currency=KWD", want: "E1 figma: KWD 1234/0/0"},
		{says: "prepaid that ends can be reduced at its end", org: idle + "contract figma 2 price=12.50", want: "E1 figma: EUR 1250/1250/1250 2026-12-31"},
		{says: "one that renews itself cannot, without a true-down right", org: idle + "contract figma 2 price=12.50 auto_renew=yes notice=2026-12-01",
			want: "E1 figma: EUR 1250/1250/0 2026-12-31"},
		{says: "with it, it can", org: idle + "contract figma 2 price=12.50 auto_renew=yes true_down=yes notice=2026-12-01",
			want: "E1 figma: EUR 1250/1250/1250 2026-12-31"},
		{says: "after the notice date only at the end of the next term", org: idle + "contract figma 2 price=12.50 auto_renew=yes true_down=yes notice=2026-11-01 renew=6",
			want: "E1 figma: EUR 1250/1250/1250 2027-06-30"},
		{says: "the commit floor is not reduced", org: idle + "contract figma 2 price=12.50 floor=2", want: "E1 figma: EUR 1250/1250/0 2026-12-31"},
		{says: "unassigned seats go first", org: idle + "contract figma 4 price=12.50 floor=2", want: "E1 figma: EUR 1250/1250/0 2026-12-31"},
		{says: "an over-allocated seat frees nothing that was bought", org: idle + "contract figma 1 price=12.50", want: "E1 figma: EUR 1250/1250/0 2026-12-31"},
		{says: "billed by assigned seat it can go at the end of the month", org: idle + "contract figma 0 price=12.50 billing=per-assigned",
			want: "E1 figma: EUR 1250/1250/1250 2026-11-30"},
		{says: "billed by active seat an idle one costs nothing", org: idle + "contract figma 0 price=12.50 billing=per-active:28", want: "E1 figma: EUR 0/0/0"},
		{says: "and an active one its price", org: used + "contract figma 0 price=12.50 billing=per-active:28", want: "E1 figma: EUR 1250/0/0"},
		{says: "a flat price is no seat's", org: idle + "contract figma 9 price=900.00 billing=flat", want: "E1 figma: EUR 0/0/0"},
		{says: "prices of one currency blend by quantity", org: used + "contract figma 3 price=10.00 order=A\ncontract figma 1 price=20.00 order=B",
			want: "E1 figma: EUR 1250/0/0"},
		{says: "of several currencies the cost centre's counts", org: `person E1 email=ana@x.com cost_centre=US
			seat figma ana pro login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Figma 2026-11-20
			contract figma 3 price=10.00 cost_centre=DE
			contract figma 3 price=11.00 currency=USD cost_centre=US order=2`, want: "E1 figma: USD 1100/0/0"},
		{says: "without one there is no figure", org: used + "contract figma 3 price=10.00 cost_centre=DE\ncontract figma 3 price=11.00 currency=USD cost_centre=US order=2",
			want: "E1 figma: no figure"},
		{says: "a term over a leap day has whole months", org: used + "contract figma 2 price=4800.00 per=term start=2024-02-29 end=2028-02-28",
			want: "E1 figma: EUR 10000/0/0"},
		{says: "a term of days is its share of a year", org: used + "contract figma 2 price=10.00 per=term start=2026-11-15 end=2026-11-24", // 10 / (10*12/365)
			want: "E1 figma: EUR 3042/0/0"},
		{says: "of terms that end apart the last one is paid longest", org: idle + "contract figma 1 price=12.50 order=A\ncontract figma 1 price=12.50 order=B end=2027-06-30",
			want: "E1 figma: EUR 1250/1250/1250 2027-06-30"},
		{says: "if one of them cannot be reduced nothing is promised", org: idle + "contract figma 1 price=12.50 order=A\ncontract figma 1 price=12.50 order=B end=2027-06-30 auto_renew=yes",
			want: "E1 figma: EUR 1250/1250/0 2027-06-30"},
		{says: "a downgrade saves the difference", org: wasUsed + "contract figma 2 price=12.50\ncontract figma-view 9 price=5.00", change: downgrade,
			want: "E1 figma: EUR 1250/1250/750 2026-12-31"},
		{says: "to a target without a price nothing that can be said", org: wasUsed + "contract figma 2 price=12.50\ncontract figma-view 9", change: downgrade,
			want: "E1 figma: EUR 1250/1250/0 2026-12-31"},
		{says: "protection has its cost shown", org: `person E1 email=ana@x.com kind=shared
			seat figma ana pro login=ana@x.com
			contract figma 2 price=12.50`, want: "E1 figma: EUR 1250/0/0"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			if diff := cmp.Diff(c.want, worth(o.keeper().decide())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTotalsAreSumsOfRoundedRows(t *testing.T) {
	var org strings.Builder
	for n := range 30 {
		fmt.Fprintf(&org, "person E%d email=p%d@x.com\nseat figma p%d pro login=p%d@x.com assigned=2025-12-01\n", n, n, n, n)
	}
	org.WriteString("contract figma 40 price=0.10 per=year\ncontract pbi 1 price=9.00 currency=USD\n")
	p := newOrganisation(t, org.String()).keeper().decide()
	want := []MoneyTotal{{Currency: "EUR", Exposure: 31, Reassignable: 30, Reducible: 30}} // 0.0083 a month is a cent
	if diff := cmp.Diff(want, p.Totals.Money); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTermMonths(t *testing.T) {
	day := func(s string) facts.Day {
		d, err := facts.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct{ start, end, months string }{
		{"2026-01-01", "2026-12-31", "12"}, {"2026-01-15", "2026-02-14", "1"}, {"2024-02-29", "2025-02-27", "12"}, {"2026-01-01", "2026-02-10", "1.347945205479452055"},
		{"2026-01-31", "2026-02-27", "1"}, {"2026-01-01", "2028-12-31", "36"}, {"2026-01-01", "2026-01-10", "0.3287671232876712329"},
	} {
		months, ok := termMonths(&facts.Purchase{Start: day(c.start), End: day(c.end)})
		if want := decimal.MustParse(c.months); !ok || !months.Equal(want) {
			t.Errorf("%s to %s: %s months, want %s", c.start, c.end, months, c.months)
		}
	}
}

// position writes the figures of one product: purchased, vendor's purchased and consumed, assigned, active, idle, spare,
// reclaimable, flags.
func position(p *Plan, id string) string {
	var lines []string
	for n := range p.Positions {
		x := &p.Positions[n]
		if p.Catalogue.Products[x.Product].ID != id {
			continue
		}
		line := ""
		if x.Pool != "" {
			line = x.Pool + ": "
		}
		for _, f := range []*int64{x.Purchased, x.CounterPurchased, x.CounterConsumed, x.Assigned, x.Active, x.Idle, x.Spare, x.Reclaimable} {
			if f == nil {
				line += "- "
			} else {
				line += fmt.Sprint(*f) + " "
			}
		}
		lines = append(lines, strings.TrimSpace(line+strings.Join(x.Flags, " ")))
	}
	return strings.Join(lines, "\n")
}

func TestPositions(t *testing.T) {
	for _, c := range []struct {
		says, product, org, want string
		change                   func(*organisation)
	}{
		{says: "figures of a product", product: "figma", org: anasSeat + "contract figma 10\ncounter figma pro 10 2", want: "10 10 2 2 1 1 8 1 surplus"},
		{says: "over-allocated", product: "figma", org: anasSeat + "contract figma 1", want: "1 - - 2 1 1 -1 1 over-allocated shortage"},
		{says: "no contract, nothing purchased is known", product: "figma", org: anasSeat, want: "- - - 2 1 1 - 1"},
		{says: "no complete seats feed, null and not zero", product: "figma", org: anasSeat + "contract figma 10\nfeed figma seats incomplete",
			want: "10 - - - - - - -"},
		{says: "an incomplete contracts feed says nothing of what was purchased", product: "figma", org: anasSeat + "contract figma 10\nfeed contracts purchases incomplete",
			want: "- - - 2 1 1 - 1"},
		{says: "the buffer makes a shortage", product: "figma", org: anasSeat + "contract figma 4", change: policyWith("buffers: {\"*\": {spare: 3}}\n"),
			want: "4 - - 2 1 1 2 1 shortage"},
		{says: "a percentage of what is purchased is rounded up", product: "figma", org: anasSeat + "contract figma 3",
			change: policyWith("buffers: {design: {spare: 34%}}\n"), want: "3 - - 2 1 1 1 1 shortage"},
		{says: "the vendor counts otherwise", product: "figma", org: anasSeat + "contract figma 2\ncounter figma pro 3 2", want: "2 3 2 2 1 1 0 1 counter-mismatch"},
		{says: "a notice date draws near", product: "figma", org: anasSeat + "contract figma 2 notice=2026-12-01", want: "2 - - 2 1 1 0 1 renewal-due"},
		{says: "renewed by itself", product: "figma", org: anasSeat + "contract figma 2 end=2026-06-30 auto_renew=yes", want: "2 - - 2 1 1 0 1 renewal-unconfirmed"},
		{says: "ended", product: "figma", org: anasSeat + "contract figma 2 end=2026-06-30", want: "0 - - 2 1 0 -2 0 over-allocated shortage contract-ended"},
		{says: "amendments of one order replace one another", product: "figma", org: anasSeat + "contract figma 2 order=A\ncontract figma 5 order=A start=2026-06-01",
			want: "5 - - 2 1 1 3 1 surplus"},
		{says: "rows without an order add up", product: "figma", org: anasSeat + "contract figma 2\ncontract figma 5 start=2026-06-01", want: "7 - - 2 1 1 5 1 surplus"},
		{says: "what has not begun does not count", product: "figma", org: anasSeat + "contract figma 2\ncontract figma 5 start=2027-01-01 order=B end=2027-12-31", want: "2 - - 2 1 1 0 1"},
		{says: "pools", product: "figma", org: anasSeat + "contract figma 2 pool=north\ncontract figma 5 pool=south",
			want: "7 - - 2 1 1 5 1 surplus\nnorth: 2 - - - - - - -\nsouth: 5 - - - - - - -"},
		{says: "active by the product's own threshold, whatever decides the row", product: "figma",
			org:    "person E1 email=ana@x.com status=leaver left=2026-10-31\nseat figma ana pro login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Figma 2026-10-01",
			change: policyFor("reclaim:\n", "reclaim:\n  - {product: figma, idle_after: 30d, action: revoke}\n"), want: "- - - 2 1 0 - 1"},
		{says: "the vendor's items in another case", product: "e3", org: anasSeat + "contract e3 5\ncounter entra E3 5 0\nseat entra K0 e3 login=k0@x.com assigned=2024-01-01",
			want: "5 5 0 1 0 1 4 1 surplus counter-mismatch"},
		{says: "a concurrent product has no seats", product: "pool", org: anasSeat + "contract pool 5\ncounter figma pool 5 4", want: "5 5 4 - - - - -"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			if diff := cmp.Diff(c.want, position(o.keeper().decide(), c.product)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestCountedProducts: a product that is counted has no seats to read, so nothing is missing where only its counters are.
func TestCountedProducts(t *testing.T) {
	for _, c := range []struct{ says, org, want string }{
		{says: "its counters are enough", org: "counter meters pool 5 4"},
		{says: "without anything it is not known", want: "meters/counters"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, anasSeat+c.org)
			o.products = strings.Replace(o.products, "{figma: [pool]}", "{meters: [pool]}", 1)
			p := o.keeper().decide()
			var missing []string
			for _, f := range p.Findings {
				if f.Code == "feed-missing" {
					missing = append(missing, f.Subject)
				}
			}
			if got := strings.Join(missing, " "); got != c.want || p.Complete != (c.want == "") {
				t.Errorf("missing %q, complete %v; want %q", got, p.Complete, c.want)
			}
		})
	}
}
