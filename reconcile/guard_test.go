package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// looked writes the guards of one name: scope, state, value and limit, how many actions it withholds.
func looked(p *Plan, name string) string {
	var lines []string
	for _, g := range p.Guards {
		if g.Name != name {
			continue
		}
		value := "-"
		if g.Value != nil {
			value = fmt.Sprintf("%.3g", *g.Value)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s/%.3g %d", g.Scope, g.State, value, g.Limit, g.Withholds))
	}
	return strings.Join(lines, "\n")
}

// crowd is n people who have left, each with a figma seat, and m who use theirs.
func crowd(n, m int) string {
	var b strings.Builder
	for k := range n {
		fmt.Fprintf(&b, "person L%03d email=l%d@x.com status=leaver left=2026-10-01 department=D%d\nseat figma l%d pro login=l%d@x.com\n", k, k, k%2, k, k)
	}
	for k := range m {
		fmt.Fprintf(&b, "person U%03d email=u%d@x.com department=D0\nseat figma u%d pro login=u%d@x.com\nuse okta u%d@x.com Figma 2026-11-20\n", k, k, k, k, k)
	}
	return b.String()
}

func limits(text string) func(*organisation) { return policyWith("guards: " + text + "\n") }

func TestGuards(t *testing.T) {
	for _, c := range []struct {
		says, guard, org, want string
		withheld               int
		change                 func(*organisation)
	}{
		{says: "a feed that shrank withholds what depends on it", guard: "shrink", org: gone + "prior rows hr people 4", withheld: 1,
			change: limits("{shrink_percent: 10}"),
			want: "contracts/purchases not-evaluated -/0.1 0\nentra/seats not-evaluated -/0.1 0\nfigma/seats not-evaluated -/0.1 0\n" +
				"hr/people tripped 0.5/0.1 1\nokta/sign-ins not-evaluated -/0.1 0"},
		{says: "the median of the last good runs is the base", guard: "growth", org: gone + "prior rows hr people 1\nprior rows hr people 2\nprior rows hr people 900",
			change: limits("{growth_percent: 50}"),
			want: "contracts/purchases not-evaluated -/0.5 0\nentra/seats not-evaluated -/0.5 0\nfigma/seats not-evaluated -/0.5 0\n" +
				"hr/people held 0/0.5 0\nokta/sign-ins not-evaluated -/0.5 0"},
		{says: "too many rejected records", guard: "rejected", org: gone + "feed hr people rejected=2", withheld: 1, change: limits("{rejected_percent: 5}"),
			want: "contracts/purchases held 0/0.05 0\nentra/seats held 0/0.05 0\nfigma/seats held 0/0.05 0\nhr/people tripped 0.5/0.05 1\nokta/sign-ins held 0/0.05 0"},
		{says: "too few accounts that match", guard: "match_rate", org: gone + "seat figma zz pro login=zz@q.com\nseat figma zy pro login=zy@q.com", withheld: 1,
			change: limits("{match_rate: 0.9}"), want: "entra/seats held 1/0.9 0\nfigma/seats tripped 0.5/0.9 1\nokta/sign-ins held 1/0.9 0"},
		{says: "a log whose newest event is old", guard: "watermark", org: anasSeat + "log okta 2025-11-01 2026-11-20", withheld: 1,
			change: limits("{watermark_age: 24h}"), want: "okta/sign-ins tripped 30/24 1"},
		{says: "a log does not bear on leavers", guard: "watermark", org: gone + "log okta 2025-11-01 2026-11-20",
			change: limits("{watermark_age: 24h}"), want: "okta/sign-ins tripped 30/24 0"},
		{says: "more people than a run may take access from", guard: "run", org: crowd(3, 0), withheld: 3, change: limits("{actions: {run: 2}}"),
			want: "run tripped 3/2 3"},
		{says: "as many as it may", guard: "run", org: crowd(2, 0), change: limits("{actions: {run: 2}}"), want: "run held 2/2 0"},
		{says: "raised by name for this run", guard: "run", org: crowd(3, 0),
			change: func(o *organisation) {
				limits("{actions: {run: 2}}")(o)
				o.raised = []Raise{{Guard: "run", Scope: "run", By: "kim"}}
			}, want: "run raised 3/2 0"},
		{says: "a share of people, above a hundred seats", guard: "run_percent", org: crowd(11, 99), withheld: 11, change: limits("{actions: {run_percent: 5}}"),
			want: "run tripped 0.0991/0.05 11"},
		{says: "below a hundred seats only counts", guard: "run_percent", org: crowd(11, 9), change: limits("{actions: {run_percent: 5}}"),
			want: "run not-evaluated -/0.05 0"},
		{says: "a share of a product's seats", guard: "product_percent", org: crowd(11, 99), withheld: 11, change: limits("{actions: {product_percent: 5}}"),
			want: "figma tripped 0.0991/0.05 11"},
		{says: "a share of a department's", guard: "department_percent", org: crowd(20, 99), withheld: 10, change: limits("{actions: {department_percent: 5}}"),
			want: "D0 tripped 0.0917/0.05 10\nD1 not-evaluated -/0.05 0"},
		{says: "a share by one verdict", guard: "verdict_percent", org: crowd(11, 99), withheld: 11, change: limits("{actions: {verdict_percent: 5}}"),
			want: "leaver tripped 0.0991/0.05 11"},
		{says: "those of the last seven days count with", guard: "days_7", org: crowd(2, 0) + "prior loss L000 2026-11-20\nprior loss X1 2026-11-20\nprior loss X2 2026-11-10",
			withheld: 2, change: limits("{actions: {days_7: 2}}"), want: "run tripped 3/2 2"},
		{says: "and those after the as-of, up to the run", guard: "days_7", org: crowd(2, 0) + "prior loss X1 2026-11-23",
			withheld: 2, change: limits("{actions: {days_7: 2}}"), want: "run tripped 3/2 2"},
		{says: "and those of the last thirty", guard: "days_30", org: crowd(2, 0) + "prior loss X1 2026-11-01\nprior loss X2 2026-10-01",
			withheld: 2, change: limits("{actions: {days_30: 2}}"), want: "run tripped 3/2 2"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			o.add("contract pbi 1")
			c.change(o)
			p := o.keeper().decide()
			if diff := cmp.Diff(c.want, looked(p, c.guard)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if p.Totals.States[Withheld] != c.withheld {
				t.Errorf("%d actions withheld, want %d", p.Totals.States[Withheld], c.withheld)
			}
		})
	}
}

// TestIncompleteInputs shows what each feed takes with it when it was not read whole.
func TestIncompleteInputs(t *testing.T) {
	dup := `person E1 email=ana@x.com
		seat entra a1 E5 login=ana@x.com assigned=2025-12-01
		seat entra a1 PBI login=ana@x.com assigned=2025-12-01
		use okta ana@x.com Office 2026-11-20
		use okta ana@x.com Defender 2026-11-20
		`
	second := `person E1 email=ana@x.com aliases=anna@x.com
		seat entra a1 PBI login=ana@x.com assigned=2025-12-01
		seat entra a2 PBI login=anna@x.com assigned=2025-12-01
		use okta ana@x.com PowerBI 2026-11-20
		`
	runActions(t, []actionCase{
		{says: "the directory takes all with it", org: dup + "feed hr people incomplete",
			want: "E1 e5: in-use, keep\nE1 pbi: duplicate, revoke withheld (guard incomplete of hr/people)"},
		{says: "so does one that was not read at all", org: dup, change: func(o *organisation) { o.identity.Authoritative = Names{"hr", "staff"} },
			want: "E1 e5: in-use, keep\nE1 pbi: duplicate, revoke withheld (guard incomplete of staff/people)"},
		{says: "seats take what is done at their source", org: dup + "feed entra seats incomplete",
			want: "E1 e5: in-use, keep\nE1 pbi: duplicate, revoke withheld (guard incomplete of entra/seats)"},
		{says: "other seats do not", org: dup + "feed figma seats incomplete", want: "E1 e5: in-use, keep\nE1 pbi: duplicate, revoke ready"},
		{says: "a log does not change what stands before use", org: dup + "feed okta sign-ins incomplete",
			want: "E1 e5: in-use, keep\nE1 pbi: duplicate, revoke ready"},
		{says: "but which of two equal seats is used less it would", org: second + "feed okta sign-ins incomplete",
			want: "E1 pbi: in-use, keep\nE1 pbi: duplicate, revoke withheld (guard incomplete of okta/sign-ins)"},
		{says: "whole, the one used less goes", org: second, want: "E1 pbi: in-use, keep\nE1 pbi: duplicate, revoke ready"},
		{says: "contracts take the ended ones with them", org: anasSeat + "contract figma 5 end=2026-06-30\nfeed contracts purchases incomplete",
			want: "E1 figma: never-used, revoke withheld (guard incomplete of contracts/purchases)"},
		{says: "no contracts at all is not incomplete", org: gone + "feed contracts purchases", want: "E1 figma: leaver, revoke ready"},
		{says: "an accounts' directory that is incomplete proves no absence", org: anasSeat + "person f1 source=okta email=q@q.com\nfeed okta people incomplete",
			want: "E1 figma: unknown, keep"},
	})
}
