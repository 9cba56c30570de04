package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// queued writes of each row that takes a seat how its action stands, after how many freed seats, and what is said of it.
func queued(p *Plan) string {
	return rowLines(p, func(n int) string {
		row := &p.Rows[n]
		if row.Action < 0 || row.Claims() == NoProductID {
			return row.Kind.String()
		}
		x := &p.Actions[row.Action]
		text := fmt.Sprintf("%s %s after %d", x.Kind, x.State, x.After)
		for _, more := range []string{x.By, x.Detail} {
			if more != "" {
				text += " (" + more + ")"
			}
		}
		return text
	})
}

// someLeaving are people who left and still have a figma seat, and people who are missing one.
func someLeaving(left, missing int) string {
	var b strings.Builder
	for n := range left {
		fmt.Fprintf(&b, "person L%d email=l%d@x.com status=leaver left=2026-10-01 cost_centre=%d\nseat figma l%d pro login=l%d@x.com\n", n, n, n%2, n, n)
	}
	for n := range missing {
		fmt.Fprintf(&b, "person M%d email=m%d@x.com cost_centre=%d\nperson fm%d source=figma email=m%d@x.com\n", n, n, n%2, n, n)
	}
	return b.String()
}

func unattendedIssues(o *organisation) {
	o.policy += "eligibility: [{product: figma, when: 'true'}]\n"
	policyFor("unattended: [leaver, duplicate]", "unattended: [leaver, missing]")(o)
}

// TestQueue: what is spare is given out first, then what the plan takes back, in the order of need.
func TestQueue(t *testing.T) {
	for _, c := range []struct {
		says, org, want string
		change          func(*organisation)
	}{
		{says: "a freed seat goes to the first who waits", org: someLeaving(1, 2) + "contract figma 2",
			want: "L0 figma: revoke\nM0 figma: issue ready after 1\nM1 figma: issue withheld after 0 (no spare seat of figma)"},
		{says: "proven need comes first", org: someLeaving(1, 2) + "contract figma 2\nuse okta m1@x.com Figma 2026-11-20",
			want: "L0 figma: revoke\nM0 figma: issue withheld after 0 (no spare seat of figma)\nM1 figma: issue ready after 1\nM1 figma-view: review"},
		{says: "a spare seat first", org: someLeaving(1, 2) + "contract figma 3",
			want: "L0 figma: revoke\nM0 figma: issue ready after 0\nM1 figma: issue ready after 1"},
		{says: "each waits for one more", org: someLeaving(2, 2) + "contract figma 3",
			want: "L0 figma: revoke\nL1 figma: revoke\nM0 figma: issue ready after 1\nM1 figma: issue ready after 2"},
		{says: "what is over-allocated is made good first", org: someLeaving(2, 2) + "contract figma 2",
			want: "L0 figma: revoke\nL1 figma: revoke\nM0 figma: issue ready after 2\nM1 figma: issue withheld after 0 (no spare seat of figma)"},
		{says: "also by the vendor's count", org: someLeaving(2, 1) + "contract figma 3\ncounter figma pro 3 4",
			want: "L0 figma: revoke\nL1 figma: revoke\nM0 figma: issue ready after 2"},
		{says: "a seat whose notice runs is for the next, later", org: anasSeat + someLeaving(0, 2) + "contract figma 2",
			want: "E1 figma: revoke\nM0 figma: issue withheld after 0 (no spare seat of figma) (the next seat of figma that is taken back is for it)\n" +
				"M1 figma: issue withheld after 0 (no spare seat of figma)"},
		{says: "what a guard holds back frees nothing", org: someLeaving(2, 1) + "contract figma 3",
			change: policyWith("guards: {actions: {run: 1}}\n"),
			want:   "L0 figma: revoke\nL1 figma: revoke\nM0 figma: issue withheld after 0 (guard run of run)"},
		{says: "nor what is withheld in one product", org: someLeaving(2, 1) + "contract figma 3\nfeed figma seats incomplete", want: "L0 figma: revoke\nL1 figma: revoke"},
		{says: "an upgrade takes a seat back that a leaver had", org: ana + `seat entra a1 E3 login=ana@x.com assigned=2025-12-01
			person E9 email=zoe@x.com status=leaver left=2026-10-01
			seat entra z9 E5 login=zoe@x.com
			contract e5 1
			use okta ana@x.com Office 2026-11-20
			use okta ana@x.com Defender 2026-11-20`,
			want: "E9 e5: revoke\nE1 figma: issue manual after 0 (there is no account at figma: create it first)\n" +
				"E1 e3: upgrade approval after 1"},
		{says: "a downgrade that finds a seat frees one", org: ana + `seat figma f1 pro login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Figma 2026-03-01
			contract figma-view 5` + "\n" + someLeaving(0, 1) + "contract figma 2", change: func(o *organisation) {
			policyFor("reclaim:\n", "reclaim:\n  - {product: figma, idle_after: 60d, action: downgrade, to: figma-view}\n")(o)
			policyFor("unattended: [leaver, duplicate], roles: {idle: manager, ", "unattended: [idle, missing], roles: {")(o)
		}, want: "E1 figma: downgrade ready after 0\nM0 figma: issue ready after 1"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			unattendedIssues(o)
			got := strings.Split(queued(o.keeper().decide()), "\n")
			want := strings.Split(c.want, "\n")
			if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestFreedSeatsAreReissuedBeforeTheQuantityIsReduced: a seat that somebody waits for reduces nothing.
func TestFreedSeatsAreReissuedBeforeTheQuantityIsReduced(t *testing.T) {
	for _, c := range []struct {
		says, org, buffer string
		want              int64
	}{
		{says: "nobody waits: both", org: someLeaving(2, 0) + "contract figma 3 price=10", want: 2000},
		{says: "one waits: one", org: someLeaving(2, 1) + "contract figma 3 price=10", want: 1000},
		{says: "two wait: none", org: someLeaving(2, 2) + "contract figma 3 price=10", want: 0},
		{says: "who waits has the spare seats first", org: someLeaving(2, 1) + "contract figma 4 price=10", want: 2000},
		{says: "more wait than that", org: someLeaving(2, 2) + "contract figma 4 price=10", want: 1000},
		{says: "the buffer stays too", org: someLeaving(2, 0) + "contract figma 3 price=10", buffer: "1", want: 1000},
		{says: "a buffer that spare seats fill costs nothing", org: someLeaving(2, 0) + "contract figma 4 price=10", buffer: "1", want: 2000},
		{says: "charged as assigned, a seat given to somebody else is charged on", org: someLeaving(2, 1) + "contract figma 0 price=10 billing=per-assigned", want: 1000},
		{says: "who is on a work list waits as well", org: someLeaving(2, 1) + "contract figma 3 price=10\nreader figma", want: 1000},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			unattendedIssues(o)
			if c.buffer != "" {
				o.policy += "buffers: {figma: {spare: " + c.buffer + "}}\n"
			}
			if got := o.keeper().decide().Totals.Money[0].Reducible; got != c.want {
				t.Errorf("reducible %d, want %d", got, c.want)
			}
		})
	}
}

// TestNoSeatIsGivenTwice: whichever of the ready actions succeed, no product and no pool ends with more seats than are
// purchased, or than it had before.
func TestNoSeatIsGivenTwice(t *testing.T) {
	given := 0
	rapid.Check(t, func(r *rapid.T) {
		org := someLeaving(rapid.IntRange(0, 6).Draw(r, "left"), rapid.IntRange(0, 6).Draw(r, "missing"))
		org += fmt.Sprintf("contract figma %d pool=north\ncontract figma %d pool=south\n", rapid.IntRange(0, 5).Draw(r, "north"), rapid.IntRange(0, 5).Draw(r, "south"))
		if rapid.Bool().Draw(r, "counted") {
			org += fmt.Sprintf("counter figma pro %d %d\n", rapid.IntRange(0, 10).Draw(r, "bought"), rapid.IntRange(0, 10).Draw(r, "consumed"))
		}
		o := newOrganisation(t, org)
		unattendedIssues(o)
		if rapid.Bool().Draw(r, "divided") {
			o.products += twoPools
		}
		if rapid.Bool().Draw(r, "guarded") {
			o.policy += "guards: {actions: {run: 3}}\n"
		}
		p := o.keeper().decide()
		figma, _ := p.Catalogue.Lookup("figma")
		freed, net, total := map[string]int64{}, map[string]int64{}, int64(0)
		for n := range p.Actions {
			if x := &p.Actions[n]; x.State == Ready && x.Kind == Revoke && rapid.Bool().Draw(r, "succeeds") {
				pool := p.Pool(int(x.Row), figma)
				freed[pool]++
				net[pool]--
				total--
			}
		}
		for n := range p.Actions {
			if x := &p.Actions[n]; x.State == Ready && x.Kind == Issue {
				if pool := p.Pool(int(x.Row), figma); freed[pool] >= int64(x.After) {
					net[pool]++
					total++
					given++
				}
			}
		}
		for n := range p.Positions {
			x := &p.Positions[n]
			change := total
			if x.Pool != "" {
				change = net[x.Pool]
			}
			if x.Product != figma || x.Assigned == nil || change <= 0 {
				continue
			}
			if *x.Assigned+change > *x.Purchased {
				r.Fatalf("%s: %d assigned, %d more, %d purchased\n%s\n%s", x.Pool, *x.Assigned, change, *x.Purchased, org, queued(p))
			}
			if x.CounterConsumed != nil && *x.CounterConsumed+change > *x.CounterPurchased {
				r.Fatalf("by the vendor %d consumed, %d more, %d purchased", *x.CounterConsumed, change, *x.CounterPurchased)
			}
		}
	})
	if given == 0 {
		t.Error("no seat was given")
	}
}
