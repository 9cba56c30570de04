package reconcile

import (
	"strings"
	"testing"
)

// TestDoubtsSettled are readings that the oracle and the engine once disagreed about; docs/decisions/0001-verdicts.md says
// which of them holds.
func TestDoubtsSettled(t *testing.T) {
	products := func(from, to string) func(*organisation) {
		return func(o *organisation) { o.products = strings.Replace(orgProducts, from, to, 1) }
	}
	const e7 = "  - {id: e7, family: m365, tier: 4, seats_from: {entra: [E7]}, activity: {okta: [Office]}, needs: {okta: [Copilot]}}\n  - {id: pbi,"
	runVerdicts(t, []verdictCase{
		{says: "of two equal seats one without a date is as old as the hire", org: `person E1 email=ana@x.com aliases=anna@x.com
			seat figma f1 pro login=ana@x.com
			seat figma f2 pro login=anna@x.com assigned=2025-12-01`,
			want: "E1 figma: idle idle-past-threshold\nE1 figma: duplicate second-account"},
		{says: "use that needs the tier decides which of two equal seats stays", org: `person E1 email=ana@x.com aliases=anna@x.com
			seat entra f1 E5 login=ana@x.com assigned=2025-12-01
			seat entra f2 E5 login=anna@x.com assigned=2026-06-01
			use okta ana@x.com Office 2026-10-01
			use okta anna@x.com Defender 2026-11-20`,
			want: "E1 e5: duplicate second-account\nE1 e5: in-use recent-use"},
		{says: "use that needs a covered tier is use of what covers it", org: ana + `seat entra ana E7 login=ana@x.com assigned=2024-12-01
			use okta ana@x.com Defender 2026-11-20`, change: products("  - {id: pbi,", e7),
			want: "E1 e7: over-tier tier-unneeded recent-use"},
		{says: "no tier is taken for a lower one that does not allow what needs a tier between", org: ana + `seat entra ana E7 login=ana@x.com assigned=2024-12-01
			use okta ana@x.com Defender 2026-11-20`, change: func(o *organisation) {
			products("  - {id: pbi,", e7)(o)
			o.policy = strings.Replace(o.policy, "reclaim:\n", "reclaim:\n  - {product: e7, idle_after: 90d, action: downgrade, to: e3}\n", 1)
		}, want: "E1 e7: in-use recent-use"},
		{says: "a value that may be old proves no tier unneeded before its time", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			log okta 2025-11-01 2026-11-22 stale=336h
			use okta ana@x.com Office 2026-11-20
			use okta ana@x.com Defender 2026-08-20`, want: "E1 e5: in-use recent-use"},
		{says: "a deletion record that is not due protects like any unmapped status", org: `person E1 email=ana@x.com status=unknown deleted=yes left=2026-12-31
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: unknown status-unmapped"},
		{says: "deleted without a last day names the record alone", org: `person E1 email=ana@x.com deleted=yes
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: leaver deletion-record"},
		{says: "a leaver hired after the last day is a contradiction", org: `person E1 email=ana@x.com status=leaver left=2026-03-31 hired=2026-06-01
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: unknown status-contradiction"},
		{says: "a grace that is not over stands before an incomplete directory", org: `person E1 email=ana@x.com status=leaver left=2026-11-21
			feed hr people incomplete
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: unknown leaver-grace"},
		{says: "in a directory that keeps employee ids the ids are not employee ids", org: `person 4711 email=bob@x.com
			person E1 email=eve@x.com employee_id=17
			person f1 source=figma employee_id=4711 email=ana@x.com
			seat figma f1 pro assigned=2025-12-01`, want: "ana@x.com figma: orphan no-person"},
		{says: "a former address of one that is the address of another is disputed", org: `person E1 email=ana.new@x.com aliases=ana@x.com
			person E2 email=ana@x.com hired=2026-09-01
			seat figma f1 pro login=ana@x.com assigned=2025-12-01`, want: "ana@x.com figma: disputed key-contradiction"},
		{says: "whichever row says so, a shared mailbox is protected", org: `person E1 email=ana@x.com kind=shared
			person c1 source=contractors email=ana@x.com kind=contractor status=active hired=2026-05-01
			seat figma f1 pro login=ana@x.com assigned=2025-12-01`,
			change: func(o *organisation) { o.identity.Authoritative = Names{"hr", "contractors"} }, want: "c1 figma: protected kind-protected"},
		{says: "no seat is missing as long as what covers it was not read whole", org: ana + "feed entra seats incomplete",
			change: func(o *organisation) {
				o.products = strings.Replace(orgProducts, "covers: [pbi]", "covers: [pbi, figma]", 1)
				designersAreEligible(o)
			}, want: ""},
		{says: "nor is its use unlicensed", org: ana + "feed entra seats incomplete\nuse okta ana@x.com Figma 2026-11-20",
			change: products("covers: [pbi]", "covers: [pbi, figma]"), want: ""},
	})
}

// TestNothingSucceeded: a log in which every sign-in failed, say because the word for success is not the one that was
// configured, proves nobody's silence.
func TestNothingSucceeded(t *testing.T) {
	o := newOrganisation(t, anasSeat+`log okta 2025-11-01 2026-11-22
		use okta ana@x.com Figma 2026-11-20 outcome=failure
		use okta k0@x.com Figma 2026-11-20 outcome=failure
		seat figma k0 pro login=k0@x.com assigned=2024-01-01
		person K0 email=k0@x.com`)
	if got, want := verdicts(o.decide()), "E1 figma: unknown coverage-gap"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
