package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trueup/facts"
)

// lines draws an organisation: people of every kind and status, seats, sign-ins, contracts, incomplete feeds.
func lines(t *rapid.T) []string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	var list []string
	people := rapid.IntRange(1, 8).Draw(t, "people")
	for n := range people {
		line := fmt.Sprintf("person E%d email=p%d@x.com", n, rapid.IntRange(0, people).Draw(t, "mail"))
		line += pick("kind", "", "", " kind=shared", " kind=unknown", " kind=contractor")
		line += pick("status", "", "", "", " status=leaver left=2026-10-01", " status=leaver left=2026-11-21", " status=leaver", " left=2026-10-01",
			" status=suspended", " status=on-leave", " status=future hired=2026-12-01", " status=unknown", " leave_from=2026-01-01 leave_to=2026-08-31")
		line += pick("department", " department=A", " department=B", "")
		line += pick("alias", "", "", fmt.Sprintf(" aliases=p%d@y.com", n))
		list = append(list, line)
	}
	for range rapid.IntRange(0, 20).Draw(t, "seats") {
		vendor := pick("item", "figma %s pro", "figma %s view", "figma %s silent", "figma %s tablet", "entra %s E3", "entra %s E5", "entra %s PBI")
		who := rapid.IntRange(0, people+1).Draw(t, "holder")
		line := "seat " + fmt.Sprintf(vendor, fmt.Sprintf("a%d", who)) + fmt.Sprintf(" login=%s%d@x.com", pick("case", "p", "P"), who)
		line += pick("assigned", "", " assigned=2025-12-01", " assigned=2026-11-01", " assigned=2026-06-15")
		line += pick("path", "", "", " path=group:G")
		list = append(list, line)
	}
	for range rapid.IntRange(0, 20).Draw(t, "uses") {
		list = append(list, fmt.Sprintf("use okta p%d@x.com %s %s", rapid.IntRange(0, people+1).Draw(t, "user"),
			pick("application", "Figma", "Office", "Defender", "PowerBI", "Tablet", "Else"),
			pick("day", "2026-11-20", "2026-09-01", "2026-03-01", "2025-12-24")))
	}
	for _, product := range []string{"figma", "figma-view", "e3", "e5", "pbi"} {
		list = append(list, pick("contract", "", "", "contract "+product+" 3 price=10.00", "contract "+product+" 1 price=7.77 floor=1 currency=USD",
			"contract "+product+" 3 end=2026-06-30", "contract "+product+" 0 price=5.00 billing=per-assigned"))
	}
	list = append(list, pick("log", "", "log okta 2026-10-01 2026-11-22", "log okta 2025-11-01 2026-11-22 silent=2026-10-13", "feed okta sign-ins untold"))
	return list
}

const lawPolicy = `eligibility:
  - {product: figma, when: 'person.department == "A" || person.id == "K0"'}
  - {product: e5, when: 'person.department == "B"'}
exempt:
  - {name: lab, when: 'person.id == "E1"', reason: r, author: a, until: 2026-12-31}
guards: {actions: {run: 3}}
`

func drawn(t testing.TB, list []string) *organisation {
	o := newOrganisation(t, strings.Join(list, "\n"))
	o.policy += lawPolicy
	return o.keeper()
}

// TestEveryRowOneVerdict: whatever the organisation, the plan ties out, every seat is a row, and every row has a reason
// and what it calls for.
func TestEveryRowOneVerdict(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := drawn(t, lines(r)).decide() // decide fails if the totals do not tie
		type seat struct {
			account AccountID
			product ProductID
		}
		seen := map[seat]bool{}
		for n := range p.Rows {
			row := &p.Rows[n]
			if row.Reasons == 0 {
				r.Errorf("%s %s: %s without a reason", p.Holder(n), p.ProductOf(n).ID, row.Verdict)
			}
			if (row.Kind == Keep) != (row.Action < 0) {
				r.Errorf("row %d is %s with action %d", n, row.Kind, row.Action)
			}
			if !row.Held {
				continue
			}
			if seen[seat{row.Account, row.Product}] {
				r.Errorf("%s %s is two rows", p.Holder(n), p.ProductOf(n).ID)
			}
			seen[seat{row.Account, row.Product}] = true
		}
		paths := slices.Clone(p.SeatPaths)
		slices.Sort(paths)
		if len(slices.Compact(paths)) != len(p.SeatPaths) {
			r.Error("a seat path stands in two rows")
		}
		if !slices.IsSortedFunc(seq(len(p.Rows)), func(a, b int) int {
			return strings.Compare(p.ProductOf(a).ID+"\x00"+p.Holder(a)+"\x00"+p.AccountName(a), p.ProductOf(b).ID+"\x00"+p.Holder(b)+"\x00"+p.AccountName(b))
		}) {
			r.Error("rows are not sorted by product, holder, account")
		}
	})
}

func seq(n int) []int {
	list := make([]int, n)
	for k := range list {
		list[k] = k
	}
	return list
}

// TestOrderOfLinesDoesNotMatter: any order of records, any split of files and of roll-ups gives the same decisions.
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := lines(r)
		a, b := drawn(t, list), drawn(t, rapid.Permutation(list).Draw(r, "order"))
		before := a.decide()
		for _, f := range b.feeds {
			half := f.Rows / 2
			f.Files = []facts.File{{Name: "a", Rows: half}, {Name: "b", Rows: f.Rows - half}}
		}
		after := b.decide()
		if before.Decisions != after.Decisions {
			r.Errorf("decisions differ:\n%s\n\n%s\n\n%v\n%v", actions(before), actions(after), before.Totals, after.Totals)
		}
		if actions(before) != actions(after) {
			r.Errorf("states differ:\n%s\n\n%s", actions(before), actions(after))
		}
	})
}

// TestIncompleteNeverDestroys: making a feed incomplete never lets an action pass that would not have passed before, and
// an incomplete directory lets none pass.
func TestIncompleteNeverDestroys(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := lines(r)
		feed := rapid.SampledFrom([]string{"hr people", "figma seats", "entra seats", "okta sign-ins", "contracts purchases"}).Draw(r, "feed")
		before := passing(drawn(t, list).decide())
		after := passing(drawn(t, append(slices.Clone(list), "feed "+feed+" incomplete")).decide())
		for seat, covered := range after {
			// What covers a duplicate may stay for want of proof that it is unused; then the duplicate may go.
			if _, passed := before[seat]; !passed && !covered {
				r.Errorf("%s incomplete lets pass: %s", feed, seat)
			}
			if feed == "hr people" {
				r.Errorf("an incomplete directory lets pass: %s", seat)
			}
		}
	})
}

// passing lists the seats that would be taken, now or after a notice or an approval, and whether another product covers
// them.
func passing(p *Plan) map[string]bool {
	set := map[string]bool{}
	for n := range p.Actions {
		x := &p.Actions[n]
		if (x.Kind == Revoke || x.Kind == Downgrade) && (x.State == Ready || x.State == Approval || x.State == Notice || x.State == Manual) {
			set[fmt.Sprintf("%s %s %s", p.Holder(int(x.Row)), p.AccountName(int(x.Row)), p.ProductOf(int(x.Row)).ID)] = p.Rows[x.Row].Covering != NoProductID && p.Rows[x.Row].Covering != p.Rows[x.Row].Product
		}
	}
	return set
}

// TestExemptIsNeverRevoked: nobody of a protected kind, on leave or exempt from it loses a seat.
func TestExemptIsNeverRevoked(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := drawn(t, lines(r)).decide()
		for n := range p.Actions {
			row := &p.Rows[p.Actions[n].Row]
			if !p.Actions[n].Kind.Effective() || row.Person == NoPersonID || !row.Held {
				continue
			}
			at := p.People[row.Person].Row
			people := &p.Snapshot.People
			if people.Kind[at] == facts.Shared || people.Status[at] == facts.OnLeave {
				r.Errorf("%s: %s", p.Holder(int(p.Actions[n].Row)), row.Verdict)
			}
			if p.Holder(int(p.Actions[n].Row)) == "E1" && row.Verdict != Leaver && row.Verdict != UnderTier {
				r.Errorf("exempt, and yet %s", row.Verdict)
			}
		}
	})
}

// TestLongerThresholdRevokesNoMore: with a longer threshold no seat is unused that was not with the shorter one.
func TestLongerThresholdRevokesNoMore(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := lines(r)
		short := rapid.IntRange(10, 200).Draw(r, "short")
		long := short + rapid.IntRange(1, 200).Draw(r, "more")
		unused := func(after int) map[string]bool {
			o := drawn(t, list)
			o.policy = strings.Replace(o.policy, "idle_after: 90d, never_used_after: 45d", fmt.Sprintf("idle_after: %dd, never_used_after: %dd", after, after), 1)
			set := map[string]bool{}
			p := o.decide()
			for n := range p.Rows {
				if p.Rows[n].Verdict == Idle || p.Rows[n].Verdict == NeverUsed {
					set[p.Holder(n)+" "+p.AccountName(n)+" "+p.ProductOf(n).ID] = true
				}
			}
			return set
		}
		before := unused(short)
		for seat := range unused(long) {
			if !before[seat] {
				r.Errorf("%s is unused after %d days and not after %d", seat, long, short)
			}
		}
	})
}

// TestComponentsDecideAlone: a person and their accounts, taken out of an organisation, get the same verdicts alone.
func TestComponentsDecideAlone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := lines(r)
		apart := []string{"person Z9 email=zz@z.com department=A", "seat figma zz pro login=zz@z.com assigned=2025-12-01", "seat entra zz E5 login=zz@z.com assigned=2025-12-01",
			"use okta zz@z.com Figma " + rapid.SampledFrom([]string{"2026-11-20", "2026-03-01"}).Draw(r, "use")}
		shared := slices.DeleteFunc(slices.Clone(list), func(line string) bool {
			return strings.HasPrefix(line, "person") || strings.HasPrefix(line, "seat") || strings.HasPrefix(line, "use")
		})
		of := func(list []string) string {
			var own []string
			for _, line := range strings.Split(verdicts(drawn(t, list).decide()), "\n") {
				if strings.HasPrefix(line, "Z9 ") {
					own = append(own, line)
				}
			}
			return strings.Join(own, "\n")
		}
		if together, alone := of(append(list, apart...)), of(append(shared, apart...)); together != alone {
			r.Errorf("together:\n%s\nalone:\n%s", together, alone)
		}
	})
}
