package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

const putOff = `reclaim:
  - {product: "*", idle_after: 90d, never_used_after: 45d, notice: 14d, action: revoke, timing: before-notice`

// beforeNotice asks for unused seats to be left until shortly before the notice date; more are further keys.
func beforeNotice(more string) func(*organisation) {
	return policyFor("reclaim:\n  - {product: \"*\", idle_after: 90d, never_used_after: 45d, notice: 14d, action: revoke", putOff+more)
}

// TestPutOff: what saves nothing before the notice date waits for it, as long as nobody needs the seat.
func TestPutOff(t *testing.T) {
	const later = "contract figma 5 price=10 notice=2027-03-31 end=2027-06-30"
	at := beforeNotice("")
	both := func(change ...func(*organisation)) func(*organisation) {
		return func(o *organisation) {
			for _, c := range change {
				c(o)
			}
		}
	}
	runActions(t, []actionCase{
		{says: "to thirty days before the notice date", org: anasSeat + later, change: at, want: "E1 figma: never-used, revoke notice until 2027-03-01"},
		{says: "or as many as the rule says", org: anasSeat + later, change: beforeNotice(", lead: 60d"), want: "E1 figma: never-used, revoke notice until 2027-01-30"},
		{says: "without a notice date to before the end", org: anasSeat + "contract figma 5 end=2027-06-30", change: at,
			want: "E1 figma: never-used, revoke notice until 2027-05-31"},
		{says: "idle seats too", org: anasSeat + "use okta ana@x.com Figma 2026-03-01\n" + later, change: at, want: "E1 figma: idle, revoke notice until 2027-03-01"},
		{says: "not unless the rule asks for it", org: anasSeat + later, want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "never to before the notice is over", org: anasSeat + "contract figma 5 notice=2027-01-02 end=2027-06-30", change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "a day more than that is", org: anasSeat + "contract figma 5 notice=2027-01-06 end=2027-06-30", change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-07"},
		{says: "the first date of several contracts counts", org: anasSeat + later + " order=A\ncontract figma 1 order=B notice=2027-02-28 end=2027-12-31", change: at,
			want: "E1 figma: never-used, revoke notice until 2027-01-29"},
		{says: "an end without a notice date counts as one", org: anasSeat + later + " order=A\ncontract figma 1 order=B end=2027-02-28", change: at,
			want: "E1 figma: never-used, revoke notice until 2027-01-29"},
		{says: "a date that is past rolls on with the renewal", org: anasSeat + "contract figma 5 notice=2026-11-01 end=2026-12-31 auto_renew=yes", change: at,
			want: "E1 figma: never-used, revoke notice until 2027-10-02"},
		{says: "not where seats are charged as assigned", org: anasSeat + "contract figma 5 price=10 billing=per-assigned notice=2027-03-31 end=2027-06-30", change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor where part of them is", org: anasSeat + later + " order=A\ncontract figma 1 order=B billing=per-assigned end=2027-06-30", change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor without an end", org: anasSeat + "contract figma 5 end=", change: at, want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor without a contract", org: anasSeat, change: at, want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor while contracts were not read whole", org: anasSeat + later + "\nfeed contracts purchases incomplete", change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor while the product is over-allocated", org: anasSeat + strings.Replace(later, "figma 5", "figma 1", 1), change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor while the buffer is not full", org: anasSeat + strings.Replace(later, "figma 5", "figma 3", 1),
			change: both(at, policyWith("buffers: {figma: {spare: 2}}\n")), want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "a full one does not matter", org: anasSeat + strings.Replace(later, "figma 5", "figma 4", 1),
			change: both(at, policyWith("buffers: {figma: {spare: 2}}\n")), want: "E1 figma: never-used, revoke notice until 2027-03-01"},
		{says: "nor while the vendor counts more", org: anasSeat + later + "\ncounter figma pro 5 6", change: at,
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{says: "nor while somebody waits for a seat", org: anasSeat + someLeaving(0, 1) + strings.Replace(later, "figma 5", "figma 2", 1), change: both(at, unattendedIssues),
			want: "E1 figma: never-used, revoke notice until 2026-12-06\nM0 figma: missing, issue withheld (no spare seat of figma)"},
		{says: "who finds a spare one does not wait", org: anasSeat + someLeaving(0, 1) + later, change: both(at, unattendedIssues),
			want: "E1 figma: never-used, revoke notice until 2027-03-01\nM0 figma: missing, issue ready"},
		{says: "leavers are never put off", org: gone + later, change: at, want: "E1 figma: leaver, revoke ready"},
		{says: "nor are those who are not entitled", org: anasSeat + later, change: both(at, nobodyIsEligible), want: "E1 figma: not-entitled, revoke approval (app-owner)"},
		{says: "who waits in another pool does not matter", org: strings.Replace(anasSeat, "email=ana@x.com", "email=ana@x.com cost_centre=1", 1) + someLeaving(0, 1) +
			"contract figma 0 pool=north price=10 end=2027-06-30\ncontract figma 2 pool=south notice=2027-03-31 end=2027-06-30\ncontract figma 1 end=2027-06-30",
			change: both(at, divided, unattendedIssues), want: "E1 figma: never-used, revoke notice until 2027-03-01\nM0 figma: missing, issue withheld (no spare seat of figma)"},
	})
}

// TestPutOffMovesUp: a seat that was put off and is needed after all has its notice from then on, not from the past.
func TestPutOffMovesUp(t *testing.T) {
	const later = "contract figma %s price=10 notice=2027-03-31 end=2027-06-30"
	spare, none := strings.Replace(later, "%s", "5", 1), strings.Replace(later, "%s", "1", 1)
	first := newOrganisation(t, anasSeat+spare)
	beforeNotice("")(first)
	plan := first.keeper().decide()
	if len(plan.Actions) != 1 || !strings.Contains(plan.Actions[0].Detail, "put off to 30d before the contract's notice date, 2027-03-31") {
		t.Fatalf("actions %+v", plan.Actions)
	}
	for _, c := range []struct{ says, contract, state, due, want string }{
		{"what was put off stays so", spare, "notice", "2027-03-01", "notice until 2027-03-01"},
		{"and is put off by a later date", strings.Replace(spare, "03-31", "04-30", 1), "notice", "2027-03-01", "notice until 2027-03-31"},
		{"needed after all it has its notice from today", none, "notice", "2027-03-01", "notice until 2026-12-06"},
		{"and keeps that day", none, "notice", "2026-12-01", "notice until 2026-12-01"},
		{"until it is over", none, "notice", "2026-11-21", "approval (operator)"},
		{"a notice that runs is put off too", spare, "notice", "2026-12-01", "notice until 2027-03-01"},
		{"what was approved is done", spare, "ready", "", "ready"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, anasSeat+c.contract)
			beforeNotice("")(o)
			due := facts.NoDay
			if c.due != "" {
				due = o.dayOf(c.due)
			}
			o.prior.Cases = []facts.Case{{ID: plan.Actions[0].ID, State: c.state, Opened: o.dayOf("2026-11-01"), Due: due, Approved: c.state == "ready"}}
			if diff := cmp.Diff("E1 figma: never-used, revoke "+c.want, actions(o.keeper().decide())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTimingIsChecked(t *testing.T) {
	c, err := ParseCatalogue("products.yaml", []byte(orgProducts))
	if err != nil {
		t.Fatal(err)
	}
	for more, want := range map[string]string{
		"action: revoke, timing: before-notice, lead: 14d": "",
		"action: revoke, timing: asap":                     "",
		"action: keep, timing: before-notice":              "reclaim[0].timing: means nothing with action keep",
		"action: revoke, lead: 14d":                        "reclaim[0].lead: means nothing without timing: before-notice",
		"action: revoke, timing: before-notices":           `"before-notices" is no timing`,
	} {
		p, err := ParsePolicy("policy.yaml", []byte("version: 1\nreclaim: [{product: figma, idle_after: 90d, "+more+"}]\n"), c)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", more, err)
		case want == "" && p.Reclaim[0].Timing == BeforeNotice && p.Reclaim[0].Lead != 14:
			t.Errorf("%s: lead %s", more, p.Reclaim[0].Lead)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %s", more, err, want)
		}
	}
}
