package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// contractCase is an organisation in which Ana has a figma seat she uses, and what is asked of its contract.
type contractCase struct{ says, contracts, want string }

func runContracts(t *testing.T, ask func(p *Plan) string, cases []contractCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			p := newOrganisation(t, anasSeat+"use okta ana@x.com Figma 2026-11-20\n"+c.contracts).keeper().decide()
			if diff := cmp.Diff(c.want, ask(p)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestContractDates: the day by which notice must be given, and the last day of the term it ends. It is 2026-11-22.
func TestContractDates(t *testing.T) {
	dates := func(p *Plan) string {
		for n := range p.Positions {
			if x := &p.Positions[n]; p.Catalogue.Products[x.Product].ID == "figma" {
				written := func(d facts.Day) string {
					if !d.Known() {
						return "none"
					}
					return d.String()
				}
				return written(x.Notice) + " for " + written(x.Ends)
			}
		}
		return ""
	}
	runContracts(t, dates, []contractCase{
		{"as they are written", "contract figma 2 notice=2026-12-01", "2026-12-01 for 2026-12-31"},
		{"a contract without a notice date", "contract figma 2", "none for 2026-12-31"},
		{"an open one", "contract figma 2 end=", "none for none"},
		{"an open one has no term to renew", "contract figma 2 end= auto_renew=yes", "none for none"},
		{"the earliest of several, it standing last", "contract figma 2 contract=A end=2027-06-30 notice=2027-03-01\ncontract figma 2 contract=B notice=2026-12-01", "2026-12-01 for 2026-12-31"},
		{"the earliest of several, it standing first", "contract figma 2 contract=A notice=2026-12-01\ncontract figma 2 contract=B end=2027-06-30 notice=2027-03-01", "2026-12-01 for 2026-12-31"},
		{"what is open is not earlier, standing last", "contract figma 2 contract=A notice=2026-12-01\ncontract figma 2 contract=B end=", "2026-12-01 for 2026-12-31"},
		{"what is open is not earlier, standing first", "contract figma 2 contract=A end=\ncontract figma 2 contract=B notice=2026-12-01", "2026-12-01 for 2026-12-31"},
		{"what does not renew itself ends, the notice date being past", "contract figma 2 notice=2026-11-01", "2026-11-01 for 2026-12-31"},
		{"what does runs another year", "contract figma 2 notice=2026-11-01 auto_renew=yes", "2027-11-01 for 2027-12-31"},
		{"or as many months as it says", "contract figma 2 notice=2026-11-01 auto_renew=yes renew=1", "2026-12-01 for 2027-01-31"},
		{"notice can be given on its day", "contract figma 2 notice=2026-11-22 auto_renew=yes", "2026-11-22 for 2026-12-31"},
		{"a term lasts through its last day", "contract figma 2 end=2026-11-22 auto_renew=yes", "none for 2026-11-22"},
		{"and has renewed itself on the day after", "contract figma 2 end=2026-11-21 auto_renew=yes", "none for 2027-11-21"},
	})
}

// TestContractRowsThatAddUp: rows of one contract and pool add up, which is said where no order tells an addition from an
// amendment.
func TestContractRowsThatAddUp(t *testing.T) {
	overlap := func(p *Plan) string {
		said := ""
		for _, f := range p.Findings {
			if f.Code == "contract-overlap" && f.Subject == "figma" {
				said = ", said to overlap"
			}
		}
		return strings.Split(position(p, "figma"), " ")[0] + said
	}
	runContracts(t, overlap, []contractCase{
		{"one row", "contract figma 2", "2"},
		{"two rows of one contract", "contract figma 2\ncontract figma 5", "7, said to overlap"},
		{"of two contracts", "contract figma 2\ncontract figma 5 contract=C2", "7"},
		{"of two pools", "contract figma 2 pool=north\ncontract figma 5 pool=south", "7"},
		{"of two orders", "contract figma 2 order=A\ncontract figma 5 order=B", "7"},
		{"of which one has no order", "contract figma 2 order=A\ncontract figma 5", "7"},
		{"two lines of one order", "contract figma 2 order=A\ncontract figma 5 order=A", "7"},
		{"an amendment of today replaces what it amends", "contract figma 2 order=A\ncontract figma 5 order=A start=2026-11-22", "5"},
		{"one of tomorrow does not yet", "contract figma 2 order=A\ncontract figma 5 order=A start=2026-11-23", "2"},
	})
	pools := func(p *Plan) string { return position(p, "figma") }
	runContracts(t, pools, []contractCase{
		{"within a pool too", "contract figma 2 pool=north order=A\ncontract figma 3 pool=north order=B\ncontract figma 5 pool=south",
			"10 - - 2 2 0 8 0 surplus\nnorth: 5 - - - - - - -\nsouth: 5 - - - - - - -"},
	})
}

// TestCostCentreOfAContract: a row whose seat and person name no cost centre has that of its contract, where its rows agree.
func TestCostCentreOfAContract(t *testing.T) {
	centre := func(p *Plan) string { return rowLines(p, p.CostCentre) }
	runContracts(t, centre, []contractCase{
		{"one row", "contract figma 2 cost_centre=DE", "E1 figma: DE"},
		{"rows that agree", "contract figma 2 cost_centre=DE\ncontract figma 2 cost_centre=DE contract=C2", "E1 figma: DE"},
		{"rows that do not", "contract figma 2 cost_centre=DE\ncontract figma 2 cost_centre=US contract=C2", "E1 figma:"},
	})
}

// TestBillingOfAContract: a rule that asks how a product is billed hears it only where all its currencies say the same.
func TestBillingOfAContract(t *testing.T) {
	asks := policyFor("reclaim:\n", `reclaim:
  - {product: figma, idle_after: 60d, action: keep, when: 'contract.billing == "prepaid"'}
`)
	runActions(t, []actionCase{
		{says: "two currencies billed alike", org: anasSeat + "contract figma 2 price=10\ncontract figma 2 price=11 currency=USD contract=C2", change: asks,
			want: "E1 figma: never-used, keep"},
		{says: "and otherwise", org: anasSeat + "contract figma 2 price=10\ncontract figma 2 price=11 currency=USD contract=C2 billing=per-assigned", change: asks,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
	})
}

// TestIncompleteContracts: what stands before expired in the table does not hang on contracts.
func TestIncompleteContracts(t *testing.T) {
	const incomplete = "feed contracts purchases incomplete\n"
	runActions(t, []actionCase{
		{says: "a leaver goes though the contract may have ended", org: gone + "contract figma 5 end=2026-06-30\n" + incomplete, want: "E1 figma: leaver, revoke ready"},
		{says: "and though none was read", org: gone + incomplete, want: "E1 figma: leaver, revoke ready"},
		{says: "what is unused waits", org: anasSeat + incomplete, want: "E1 figma: never-used, revoke withheld (guard incomplete of contracts/purchases)"},
	})
}
