package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// TestWhoTakesASpareSeat: every action that will take a seat, whatever it waits for, takes it from those behind it; one that
// will not be carried out takes none.
func TestWhoTakesASpareSeat(t *testing.T) {
	eligible := func(rules string) func(*organisation) { return policyWith("eligibility: [" + rules + "]\n") }
	e3ForE2 := eligible(`{product: e3, when: 'person.id == "E2"'}`)
	downgrade := ana + "seat entra a1 E5 login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Office 2026-11-20\n"
	missing := "person E2 email=bob@x.com\nperson e2 source=entra email=bob@x.com\n"
	figma := func(n string) string {
		return "person " + n + " email=" + n + "@x.com\nperson f" + n + " source=figma email=" + n + "@x.com\n"
	}
	runActions(t, []actionCase{
		{says: "a downgrade under notice", org: downgrade + missing + "contract e3 1", change: e3ForE2,
			want: "E2 e3: missing, issue withheld (no spare seat of e3)\nE1 e5: over-tier, downgrade to e3 notice until 2026-12-06"},
		{says: "an upgrade on a work list", org: ana + "seat entra a1 E3 login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Defender 2026-11-20\nuse okta ana@x.com Office 2026-11-20\nreader entra\n" + missing + "contract e5 1",
			change: eligible(`{product: e5, when: 'person.id == "E2"'}`),
			want:   "E1 e3: under-tier, upgrade to e5 manual\nE2 e5: missing, issue withheld (no spare seat of e5)"},
		{says: "what is ready", org: figma("E1") + figma("E2") + "contract figma 2", change: func(o *organisation) {
			eligible(`{product: figma, when: 'true'}`)(o)
			policyFor("unattended: [leaver, duplicate]", "unattended: [missing]")(o)
		}, want: "E1 figma: missing, issue ready\nE2 figma: missing, issue withheld (no spare seat of figma)"},
		{says: "not what is withheld", org: figma("E1") + figma("E2") + "person E3 email=E1@x.com\nseat figma fE1 view\ncontract figma 2", change: eligible(`{product: figma, when: 'true'}`),
			want: "E1 figma: missing, issue withheld (a disputed account may be theirs)\nE2 figma: missing, issue approval (operator)\nE3 figma: missing, issue withheld (a disputed account may be theirs)\nE1@x.com figma-view: disputed, review proposed"},
		{says: "by id, whichever product they come from", org: figma("E1") + "person E2 email=bob@x.com\nseat figma f2 pro login=bob@x.com assigned=2025-12-01\nuse okta bob@x.com Figma 2026-03-01\ncontract figma-view 1",
			change: func(o *organisation) {
				eligible(`{product: figma-view, when: 'person.id == "E1"'}`)(o)
				policyFor("reclaim:\n", "reclaim:\n  - {product: figma, idle_after: 60d, action: downgrade, to: figma-view}\n")(o)
			}, want: "E2 figma: idle, downgrade to figma-view withheld (no spare seat of figma-view)\nE1 figma-view: missing, issue approval (operator)"},
	})
}

// TestWhatIsSpare: what was purchased less what is assigned, or what the vendor's counters leave, the lower of the two.
func TestWhatIsSpare(t *testing.T) {
	const need = ana + "person f1 source=figma email=ana@x.com\n" // the keeper has a seat of his own
	change := func(o *organisation) {
		designersAreEligible(o)
		policyFor("unattended: [leaver, duplicate]", "unattended: [missing]")(o)
	}
	const ready, none, unknown = "E1 figma: missing, issue ready", "E1 figma: missing, issue withheld (no spare seat of figma)", "E1 figma: missing, issue approval (operator)"
	runActions(t, []actionCase{
		{says: "by contract, the vendor counting more", org: need + "contract figma 1\ncounter figma pro 9 2", change: change, want: none},
		{says: "by the vendor's counters, the contract saying more", org: need + "contract figma 9\ncounter figma pro 2 2", change: change, want: none},
		{says: "by both", org: need + "contract figma 9\ncounter figma pro 9 2", change: change, want: ready},
		{says: "by the vendor's counters alone", org: need + "counter figma pro 3 2", change: change, want: ready},
		{says: "none by the vendor's counters alone", org: need + "counter figma pro 2 2", change: change, want: none},
		{says: "a vendor that does not count what is consumed says nothing", org: need + "counter figma pro 9 -1", change: change, want: unknown},
	})
}

// TestRivals: of seats that replace one another one is issued, of others each.
func TestRivals(t *testing.T) {
	const need = ana + "person f1 source=figma email=ana@x.com\nperson e1 source=entra email=ana@x.com\ncontract figma 9\ncontract figma-view 9\ncontract e5 9\ncontract pbi 9\ncontract silent 9\n"
	both := func(p, q string) func(*organisation) {
		return policyWith("eligibility: [{product: " + p + ", when: 'person.id == \"E1\"'}, {product: " + q + ", when: 'person.id == \"E1\"'}]\n")
	}
	issued := func(id string) string { return "E1 " + id + ": missing, issue approval (operator)" }
	rival := func(id, by string) string {
		return "E1 " + id + ": missing, issue withheld (another seat is proposed: " + by + ")"
	}
	runActions(t, []actionCase{
		{says: "no family", org: need, change: both("pbi", "silent"), want: issued("pbi") + "\n" + issued("silent")},
		{says: "two families", org: need, change: both("e5", "figma"), want: issued("e5") + "\n" + issued("figma")},
		{says: "one family, one rule for both", org: need, change: policyWith("eligibility: [{product: design, when: 'person.id == \"E1\"'}]\n"), want: issued("figma") + "\n" + rival("figma-view", "figma")},
		{says: "one covers the other and stands first", org: need, change: both("e5", "pbi"), want: issued("e5") + "\n" + rival("pbi", "e5")},
		{says: "one covers the other and stands last", org: need, change: both("pbi", "e5"), want: rival("e5", "pbi") + "\n" + issued("pbi")},
	})
}

// TestWorkListNamesGroups: what a person has to do by hand names the groups by which a seat comes, if any.
func TestWorkListNamesGroups(t *testing.T) {
	for _, c := range []struct{ says, org, want string }{
		{"by a group", gone + "seat figma f1 pro path=group:Designers\nreader figma", "manual: figma is not written to: carry it out there; the seat comes by group:Designers"},
		{"by itself", strings.Replace(gone, "assigned", "path=direct assigned", 1) + "reader figma", "manual: figma is not written to: carry it out there"},
		{"a group at a source that is written to", gone + "seat figma f1 pro path=group:Designers", "blocked: change the group: a seat inherited from it cannot be taken from the account alone"},
		{"nothing to say", gone, "ready: "},
	} {
		p := newOrganisation(t, c.org).keeper().decide()
		for n := range p.Actions {
			if p.Rows[p.Actions[n].Row].Verdict != Leaver {
				continue
			}
			if diff := cmp.Diff(c.want, p.Actions[n].State.String()+": "+p.Actions[n].Detail); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.says, diff)
			}
		}
	}
}

// TestNotSoldThere: what a source does not sell nobody can be given there by the program.
func TestNotSoldThere(t *testing.T) {
	runActions(t, []actionCase{
		{says: "a downgrade to what another vendor sells", org: anasSeat + "use okta ana@x.com Figma 2026-03-01\nseat aaa k0 view login=k0@x.com\ncontract figma-view 9",
			change: func(o *organisation) {
				o.products = strings.Replace(orgProducts, "{figma: [view]}", "{aaa: [view]}", 1)
				policyFor("reclaim:\n", "reclaim:\n  - {product: figma, idle_after: 60d, action: downgrade, to: figma-view}\n")(o)
			}, want: "E1 figma: idle, downgrade to figma-view manual"},
	})
}

// TestKeptThroughItsLastDay: a wish to keep holds through the day it names.
func TestKeptThroughItsLastDay(t *testing.T) {
	first := newOrganisation(t, anasSeat+"use okta ana@x.com Figma 2026-03-01").keeper().decide()
	for until, want := range map[string]string{"2026-11-22": "kept", "2026-11-21": "notice"} {
		o := newOrganisation(t, anasSeat+"use okta ana@x.com Figma 2026-03-01")
		for n := range first.Actions {
			o.prior.Cases = append(o.prior.Cases, facts.Case{ID: first.Actions[n].ID, State: "kept", Due: o.dayOf(until)})
		}
		p := o.keeper().decide()
		for n := range p.Actions {
			if got := p.Actions[n].State.String(); got != want {
				t.Errorf("kept until %s is %s, want %s", until, got, want)
			}
		}
	}
}

// TestGivenAtTheAsOf: of seats observed after the as-of those count that were given up to it.
func TestGivenAtTheAsOf(t *testing.T) {
	for later, want := range map[facts.Instant]string{0: "E1 figma: in-use ", 1: "E1 figma: unlicensed-use "} {
		o := newOrganisation(t, anasSeat+"use okta ana@x.com Figma 2026-11-20\nfeed figma seats later")
		o.feeds["figma/seats"].Seats.Assigned[0] = o.asOf + later
		if got := verdicts(o.keeper().decide()); !strings.HasPrefix(got, want) {
			t.Errorf("%d ms later: %s, want %s…", later, got, want)
		}
	}
}

// TestProductsWithoutSeats: of a product that no source has seats of nothing is counted.
func TestProductsWithoutSeats(t *testing.T) {
	o := newOrganisation(t, ana+"contract saas 5")
	o.products += "  - {id: saas, activity: {okta: [Saas]}}\n"
	if got := position(o.keeper().decide(), "saas"); got != "5 - - - - - - -" {
		t.Errorf("%s: nothing but what was purchased is known", got)
	}
}
