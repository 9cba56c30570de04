package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// TestWhatDependsOnAFeed: a feed that cannot be trusted holds back what hangs on it, and nothing else.
func TestWhatDependsOnAFeed(t *testing.T) {
	shrunk := limits("{shrink_percent: 10}")
	leaver := "person E1 email=ana@x.com status=leaver left=2026-10-31\nseat figma f1 pro login=ana@x.com\nseat entra e1 PBI login=ana@x.com\nseat entra k0 PBI login=k0@x.com\nuse okta k0@x.com PowerBI 2026-11-20\n"
	overTier := ana + "seat entra a1 E5 login=ana@x.com assigned=2025-12-01\ncontract e3 5\nuse okta ana@x.com Office 2026-11-20\n"
	apart := func(from, to string) func(*organisation) {
		return func(o *organisation) {
			o.products = strings.Replace(orgProducts, from, to, 1)
			shrunk(o)
		}
	}
	needsOfMail := apart("needs: {okta: [Defender]}", "needs: {mail: [Defender]}")
	withMail := "log mail 2025-11-01 2026-11-22\nuse mail k0@x.com Defender 2026-11-20\n"
	second := ana + "seat entra a1 E5 login=ana@x.com assigned=2025-12-01\nseat entra a2 E5 login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Office 2026-11-20\nuse okta ana@x.com Defender 2026-11-20\n"
	need := ana + "person f1 source=figma email=ana@x.com\ncontract figma 9\n"
	runActions(t, []actionCase{
		{says: "accounts of one source, the seats there", org: leaver + "person f1 source=figma email=ana@x.com\nprior rows figma people 9", change: shrunk,
			want: "E1 figma: leaver, revoke withheld (guard shrink of figma/people)\nE1 pbi: leaver, revoke ready"},
		{says: "seats of one source, what is kept there", org: leaver + "prior rows figma seats 9", change: shrunk,
			want: "E1 figma: leaver, revoke withheld (guard shrink of figma/seats)\nE1 pbi: leaver, revoke ready"},
		{says: "counters, issues of what they count", org: need + "counter figma pro 9 2\nprior rows figma counters 9", change: func(o *organisation) { designersAreEligible(o); shrunk(o) },
			want: "E1 figma: missing, issue withheld (guard shrink of figma/counters)"},
		{says: "counters of another source, nothing", org: need + "counter entra E5 9 2\nprior rows entra counters 9", change: func(o *organisation) { designersAreEligible(o); shrunk(o) },
			want: "E1 figma: missing, issue approval (operator)"},
		{says: "counters, no revocation", org: leaver + "counter figma pro 9 2\nprior rows figma counters 9", change: shrunk, want: "E1 figma: leaver, revoke ready\nE1 pbi: leaver, revoke ready"},
		{says: "a log in which the need of a tier would stand", org: overTier + withMail + "prior rows mail sign-ins 999999", change: needsOfMail,
			want: "E1 e5: over-tier, downgrade to e3 withheld (guard shrink of mail/sign-ins)"},
		{says: "a log in which its use stands", org: overTier + withMail + "prior rows okta sign-ins 999999", change: needsOfMail,
			want: "E1 e5: over-tier, downgrade to e3 withheld (guard shrink of okta/sign-ins)"},
		{says: "a log in which neither stands", org: overTier + withMail + "prior rows mail sign-ins 999999", change: shrunk, want: "E1 e5: over-tier, downgrade to e3 notice until 2026-12-06"},
		{says: "which of two seats is used less, a log of what they cover", org: second + withMail + "prior rows mail sign-ins 999999", change: apart("activity: {okta: [PowerBI]}", "activity: {mail: [PowerBI]}"),
			want: "E1 e5: in-use, keep\nE1 e5: duplicate, revoke withheld (guard shrink of mail/sign-ins)"},
		{says: "which of two seats is used less, a log of what they do not", org: second + withMail + "prior rows mail sign-ins 999999", change: shrunk,
			want: "E1 e5: in-use, keep\nE1 e5: duplicate, revoke ready"},
		{says: "contracts, what they say has ended", org: anasSeat + "contract figma 5 end=2026-06-30\nprior rows contracts purchases 9",
			change: func(o *organisation) {
				shrunk(o)
				policyFor("leaver: {", "expired: {action: revoke}\nleaver: {")(o)
			}, want: "E1 figma: expired, revoke withheld (guard shrink of contracts/purchases)"},
		{says: "contracts, what is idle and may have ended", org: anasSeat + "use okta ana@x.com Figma 2026-03-01\nprior rows contracts purchases 9\ncontract pbi 1", change: shrunk,
			want: "E1 figma: idle, revoke withheld (guard shrink of contracts/purchases)"},
		{says: "contracts, not what is idle and in force", org: anasSeat + "use okta ana@x.com Figma 2026-03-01\nprior rows contracts purchases 9\ncontract figma 5", change: shrunk,
			want: "E1 figma: idle, revoke notice until 2026-12-06"},
		{says: "contracts, who needs a seat of them", org: overTier + "contract e5 5\nprior rows contracts purchases 9", change: shrunk,
			want: "E1 e5: over-tier, downgrade to e3 withheld (guard shrink of contracts/purchases)"},
	})
}

// TestRaisedByName: a guard is raised by its name, for its scope or for all.
func TestRaisedByName(t *testing.T) {
	for _, c := range []struct {
		says  string
		raise Raise
		want  string
	}{
		{"for its scope", Raise{Guard: "shrink", Scope: "hr/people", By: "kim"}, "raised"},
		{"for all scopes", Raise{Guard: "shrink", By: "kim"}, "raised"},
		{"for another scope", Raise{Guard: "shrink", Scope: "figma/seats", By: "kim"}, "tripped"},
		{"another guard for its scope", Raise{Guard: "growth", Scope: "hr/people", By: "kim"}, "tripped"},
		{"another guard for all", Raise{Guard: "growth", By: "kim"}, "tripped"},
	} {
		o := newOrganisation(t, gone+"prior rows hr people 9")
		limits("{shrink_percent: 10}")(o)
		o.raised = []Raise{c.raise}
		if got := guardOf(o.keeper().decide(), "shrink", "hr/people").State.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.says, got, c.want)
		}
	}
}

// guardOf returns a guard by name and scope.
func guardOf(p *Plan, name, scope string) Guard {
	for _, g := range p.Guards {
		if g.Name == name && g.Scope == scope {
			return g
		}
	}
	return Guard{}
}

// TestGuardsAtTheLimit: what is exactly at a limit holds, the next step trips it.
func TestGuardsAtTheLimit(t *testing.T) {
	half := func(o *organisation) {
		limits("{shrink_percent: 50, growth_percent: 50, rejected_percent: 50, match_rate: 0.5}")(o)
	}
	newest := func(later facts.Instant) func(*organisation) {
		return func(o *organisation) {
			limits("{watermark_age: 30h}")(o)
			o.feeds["okta/sign-ins"].Daily.Last = o.asOf.Add(-30*time.Hour) + later
		}
	}
	for _, c := range []struct {
		says, guard, scope, org, want string
		change                        func(*organisation)
	}{
		{says: "half of the people", guard: "shrink", scope: "hr/people", org: gone + "prior rows hr people 4", want: "held", change: half},
		{says: "less than half", guard: "shrink", scope: "hr/people", org: gone + "prior rows hr people 5", want: "tripped", change: half},
		{says: "half as many again", guard: "growth", scope: "hr/people", org: gone + "person E2\nprior rows hr people 2", want: "held", change: half},
		{says: "twice as many", guard: "growth", scope: "hr/people", org: gone + "prior rows hr people 1", want: "tripped", change: half},
		{says: "more than none", guard: "growth", scope: "hr/people", org: gone + "prior rows hr people 0", want: "not-evaluated", change: half},
		{says: "half of the records refused", guard: "rejected", scope: "hr/people", org: gone + "feed hr people rejected=2", want: "held", change: half},
		{says: "more than half", guard: "rejected", scope: "hr/people", org: gone + "feed hr people rejected=3", want: "tripped", change: half},
		{says: "half of the accounts known", guard: "match_rate", scope: "figma/seats", org: "seat figma z9 pro", want: "held", change: half},
		{says: "fewer than half", guard: "match_rate", scope: "figma/seats", org: "seat figma z8 pro\nseat figma z9 pro", want: "tripped", change: half},
		{says: "none known", guard: "match_rate", scope: "aaa/seats", org: "seat aaa z9 SKU", want: "tripped", change: half},
		{says: "a log as old as it may be", guard: "watermark", scope: "okta/sign-ins", org: anasSeat + "log okta 2025-11-01 2026-11-20", want: "held", change: newest(0)},
		{says: "a log older than that", guard: "watermark", scope: "okta/sign-ins", org: anasSeat + "log okta 2025-11-01 2026-11-20", want: "tripped", change: newest(-1)},
		{says: "five in a hundred seats", guard: "run_percent", scope: "run", org: crowd(5, 94), want: "held", change: limits("{actions: {run_percent: 5}}")},
		{says: "six in a hundred", guard: "run_percent", scope: "run", org: crowd(6, 93), want: "tripped", change: limits("{actions: {run_percent: 5}}")},
		{says: "ninety-nine seats", guard: "run_percent", scope: "run", org: crowd(6, 92), want: "not-evaluated", change: limits("{actions: {run_percent: 5}}")},
		{says: "as many in a week as may", guard: "days_7", scope: "run", org: crowd(1, 0) + "prior loss X1 2026-11-20", want: "held", change: limits("{actions: {days_7: 2}}")},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			c.change(o)
			if diff := cmp.Diff(c.want, guardOf(o.keeper().decide(), c.guard, c.scope).State.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSevenDaysAgo: who lost access seven days ago to the minute does not count with those of now, who lost it after does.
func TestSevenDaysAgo(t *testing.T) {
	for later, want := range map[facts.Instant]float64{0: 1, 1: 2} {
		o := newOrganisation(t, crowd(1, 0))
		limits("{actions: {days_7: 9}}")(o)
		o.prior.Losses = []facts.Loss{{Holder: "X1", At: o.asOf - 7*24*3600*1000 + later}}
		if got := guardOf(o.keeper().decide(), "days_7", "run").Value; got == nil || *got != want {
			t.Errorf("%d ms later: %v, want %g", later, got, want)
		}
	}
}

// TestWhyIncomplete: a guard says why a feed counts as incomplete.
func TestWhyIncomplete(t *testing.T) {
	for _, c := range []struct{ says, org, scope, failure, want string }{
		{says: "it failed", org: gone, scope: "figma/seats", failure: "figma: 503", want: "figma: 503"},
		{says: "it broke off", org: gone + "feed figma seats incomplete", scope: "figma/seats", want: "it was not read whole"},
		{says: "refused records of a log", org: gone + "log okta 2026-11-22 2026-11-22\nfeed okta sign-ins rejected=2", scope: "okta/sign-ins", want: "2 of its 102 records were refused"},
		{says: "empty", org: gone + "feed figma people", scope: "figma/people", want: "it holds no record"},
		{says: "whole", org: gone, scope: "figma/seats", want: ""},
	} {
		o := newOrganisation(t, c.org).keeper()
		o.feeds[c.scope].Failure = c.failure
		if diff := cmp.Diff(c.want, guardOf(o.decide(), "incomplete", c.scope).Why); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.says, diff)
		}
	}
}
