package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
)

// TestMinorUnits: amounts in the smallest unit of their currency, up to the most that can be counted.
func TestMinorUnits(t *testing.T) {
	for _, c := range []struct {
		amount, currency string
		want             int64
		ok               bool
	}{
		{"12.50", "EUR", 1250, true}, {"0.125", "EUR", 12, true}, {"0.135", "EUR", 14, true}, {"12.5", "JPY", 12, true}, {"1.2345", "KWD", 1234, true},
		{"-12.50", "EUR", -1250, true}, {"92233720368547758.07", "EUR", 9223372036854775807, true}, {"92233720368547758.08", "EUR", 0, false},
	} {
		got, ok := minorUnits(decimal.MustParse(c.amount), c.currency)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s %s: %d, %v; want %d, %v", c.amount, c.currency, got, ok, c.want, c.ok)
		}
	}
}

// TestWhatHasNoPrice: where terms contradict one another or do not say enough, less is said, or nothing.
func TestWhatHasNoPrice(t *testing.T) {
	used := anasSeat + "use okta ana@x.com Figma 2026-11-20\n"
	for _, c := range []struct{ says, org, want string }{
		{"billed in two ways nothing is known to be reducible", anasSeat + "contract figma 1 price=10 order=A\ncontract figma 1 price=10 order=B billing=per-assigned", "E1 figma: EUR 1000/1000/0 2026-12-31"},
		{"by use in 28 days and in 14", anasSeat + "contract figma 0 price=10 order=A billing=per-active:28\ncontract figma 0 price=10 order=B billing=per-active:14", "E1 figma: EUR 1000/1000/0 2026-12-31"},
		{"two prices and no quantities to weigh them by", used + "contract figma 0 price=10 order=A billing=per-assigned\ncontract figma 0 price=20 order=B billing=per-assigned", "E1 figma: no figure"},
		{"one price and no quantities", used + "contract figma 0 price=10 order=A billing=per-assigned\ncontract figma 0 price=10 order=B billing=per-assigned", "E1 figma: EUR 1000/0/0"},
		{"a price for a term that has no end", used + "contract figma 2 price=300 per=term end=", "E1 figma: no figure"},
		{"a price for a term that has no beginning", used + "contract figma 2 price=300 per=term start=", "E1 figma: no figure"},
		{"a price for a term of one day", used + "contract figma 2 price=12 per=term start=2026-11-22 end=2026-11-22", "E1 figma: EUR 36500/0/0"},
		{"billed by use, used 28 days ago", anasSeat + "use okta ana@x.com Figma 2026-10-25\ncontract figma 0 price=10 billing=per-active:28", "E1 figma: EUR 1000/0/0"},
		{"billed by use, used 29 days ago", anasSeat + "use okta ana@x.com Figma 2026-10-24\ncontract figma 0 price=10 billing=per-active:28", "E1 figma: no figure"},
		{"billed by use, idle", anasSeat + "use okta ana@x.com Figma 2026-03-01\ncontract figma 0 price=10 billing=per-active:28", "E1 figma: EUR 0/0/0"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			if diff := cmp.Diff(c.want, worth(newOrganisation(t, c.org).keeper().decide())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestRenewalDue: a notice date draws near from ninety days before it to the day itself.
func TestRenewalDue(t *testing.T) {
	due := func(p *Plan) string {
		if strings.Contains(position(p, "figma"), "renewal-due") {
			return "due"
		}
		return "not due"
	}
	runContracts(t, due, []contractCase{
		{"today", "contract figma 2 notice=2026-11-22", "due"},
		{"yesterday", "contract figma 2 notice=2026-11-21", "not due"},
		{"in ninety days", "contract figma 2 notice=2027-02-20 end=2027-06-30", "due"},
		{"in ninety-one", "contract figma 2 notice=2027-02-21 end=2027-06-30", "not due"},
		{"never", "contract figma 2", "not due"},
	})
}

// TestOverTierByRule: a seat above its need comes down, unless the rule that decides it leaves that to a person.
func TestOverTierByRule(t *testing.T) {
	org := ana + "seat entra a1 E5 login=ana@x.com assigned=2025-12-01\ncontract e3 5\nuse okta ana@x.com Office 2026-11-20"
	rule := func(action string) func(*organisation) {
		return policyFor("reclaim:\n", "reclaim:\n  - {product: e5, idle_after: 90d, action: "+action+"}\n")
	}
	runActions(t, []actionCase{
		{says: "a rule that keeps", org: org, change: rule("keep"), want: "E1 e5: over-tier, review proposed"},
		{says: "a rule that reviews", org: org, change: rule("review"), want: "E1 e5: over-tier, review proposed"},
		{says: "a rule that revokes", org: org, change: rule("revoke"), want: "E1 e5: over-tier, downgrade to e3 approval (operator)"},
		{says: "no rule", org: org, change: policyFor("{product: \"*\",", "{product: figma,"), want: "E1 e5: over-tier, downgrade to e3 approval (operator)"},
	})
	runVerdicts(t, []verdictCase{
		{says: "the need of a higher tier counts for as long as use does", org: ana + "seat entra a1 E3 login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Office 2026-11-20\nuse okta ana@x.com Defender 2026-08-24",
			want: "E1 e3: under-tier tier-needed recent-use"},
		{says: "and a day later no more", org: ana + "seat entra a1 E3 login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Office 2026-11-20\nuse okta ana@x.com Defender 2026-08-23", want: "E1 e3: in-use recent-use"},
	})
	runContracts(t, func(p *Plan) string { return position(p, "pbi") }, []contractCase{
		{"a seat used on the last day of the threshold is active", "seat entra a1 PBI login=ana@x.com\nuse okta ana@x.com PowerBI 2026-08-24", "- - - 1 1 0 - 0"},
		{"a day earlier it is not", "seat entra a1 PBI login=ana@x.com\nuse okta ana@x.com PowerBI 2026-08-23", "- - - 1 0 1 - 1"},
	})
}
