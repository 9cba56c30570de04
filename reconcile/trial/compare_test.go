package trial_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"trueup/reconcile"
	"trueup/reconcile/trial"
)

// anyPolicy draws a policy for the test's products.
func anyPolicy(t *rapid.T, name string) string {
	var b strings.Builder
	b.WriteString("version: 1\nmode: act\neligibility:\n")
	for _, department := range []string{"Design", "Law"} {
		if rapid.Bool().Draw(t, name+" right of "+department) {
			fmt.Fprintf(&b, "  - {product: figma, when: 'person.department == %q'}\n", department)
		}
	}
	fmt.Fprintf(&b, "reclaim:\n  - {product: \"*\", idle_after: %dd, never_used_after: %dd, action: %s}\n", rapid.IntRange(1, 300).Draw(t, name+" idle"),
		rapid.IntRange(1, 300).Draw(t, name+" never used"), rapid.SampledFrom([]string{"revoke", "review", "keep"}).Draw(t, name+" action"))
	if rapid.Bool().Draw(t, name+" downgrade") {
		b.WriteString("  - {product: e5, idle_after: 60d, action: downgrade, to: e3}\n")
	}
	if rapid.Bool().Draw(t, name+" guard") {
		b.WriteString("guards: {actions: {run: 1}}\n")
	}
	b.WriteString("approval: {unattended: [idle, never-used]}\n")
	return b.String()
}

// anyCase draws the facts of one holder.
func anyCase(t *rapid.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nas_of: 2026-06-30\ncases:\n  - name: c\n    expect: {verdict: none}\n    given:\n      person: {department: %s",
		rapid.SampledFrom([]string{"Design", "Law", "Sales"}).Draw(t, "department"))
	if rapid.Bool().Draw(t, "leaver") {
		fmt.Fprintf(&b, ", left: %dd", rapid.IntRange(1, 9).Draw(t, "left"))
	}
	b.WriteString("}\n")
	seats, uses := "", ""
	for _, product := range []string{"figma", "e5", "pbi"} {
		if rapid.Bool().Draw(t, "seat of "+product) {
			seats += fmt.Sprintf("        - {product: %s, assigned: %dd}\n", product, rapid.IntRange(1, 400).Draw(t, "assigned "+product))
		}
		if rapid.Bool().Draw(t, "use of "+product) {
			uses += fmt.Sprintf("        - {product: %s, last: %dd}\n", product, rapid.IntRange(0, 400).Draw(t, "last "+product))
		}
	}
	if seats != "" {
		b.WriteString("      seats:\n" + seats)
	}
	if uses != "" {
		b.WriteString("      sign_ins:\n" + uses)
	}
	b.WriteString("      contracts:\n        - {product: figma, price: 9, quantity: 5}\n        - {product: e5, price: 50, currency: USD}\n        - {product: pbi, price: 3}\n")
	return b.String()
}

// TestCompareLaws: a policy differs from itself in nothing; the way back undoes the way there; what the moves and the
// money add up to is the difference of the plans' totals.
func TestCompareLaws(t *testing.T) {
	b := bench(t, string(read(t, "policy.yaml")))
	rapid.Check(t, func(rt *rapid.T) {
		s, err := trial.ParseSuite("c.yaml", []byte(anyCase(rt)), b.Catalogue)
		if err != nil {
			rt.Fatal(err)
		}
		var plans [2]*reconcile.Plan
		for n := range plans {
			policy, err := reconcile.ParsePolicy("policy.yaml", []byte(anyPolicy(rt, fmt.Sprint(n))), b.Catalogue)
			if err != nil {
				rt.Fatal(err)
			}
			r, err := (&trial.Bench{Catalogue: b.Catalogue, Policy: policy, Calendar: b.Calendar}).Verify(&s.Cases[0])
			if err != nil {
				rt.Fatal(err)
			}
			plans[n] = r.Plan
		}
		if same := trial.Compare(plans[0], plans[0]); len(same.Changes) != 0 || len(same.Verdicts) != 0 || len(same.Actions) != 0 {
			rt.Fatalf("a policy differs from itself: %+v", same.Changes)
		}
		there, back := trial.Compare(plans[0], plans[1]), trial.Compare(plans[1], plans[0])
		if diff := cmp.Diff(mirrored(there.Verdicts), moves(back.Verdicts)); diff != "" {
			rt.Fatalf("verdicts there and back (-there +back)\n%s", diff)
		}
		if diff := cmp.Diff(mirrored(there.Actions), moves(back.Actions)); diff != "" {
			rt.Fatalf("actions there and back (-there +back)\n%s", diff)
		}
		tieVerdicts(rt, there)
		for _, m := range there.Money {
			before, after := totalOf(plans[0], m.Currency), totalOf(plans[1], m.Currency)
			if m.Reassignable != after.Reassignable-before.Reassignable || m.Reducible != after.Reducible-before.Reducible {
				rt.Fatalf("%+v is not the difference of %+v and %+v", m, before, after)
			}
		}
	})
}

// tieVerdicts: rows with a verdict before, plus those that come to it, less those that leave it, are rows with it now.
func tieVerdicts(t *rapid.T, d *trial.Difference) {
	for _, v := range reconcile.Verdicts() {
		n := d.Old.Totals.Verdicts[v]
		for _, m := range d.Verdicts {
			if m.To == v.String() {
				n += m.Rows
			}
			if m.From == v.String() {
				n -= m.Rows
			}
		}
		if n != d.New.Totals.Verdicts[v] {
			t.Fatalf("%s: the moves come to %d rows, the plan has %d", v, n, d.New.Totals.Verdicts[v])
		}
	}
}

func totalOf(p *reconcile.Plan, currency string) reconcile.MoneyTotal {
	for _, m := range p.Totals.Money {
		if m.Currency == currency {
			return m
		}
	}
	return reconcile.MoneyTotal{Currency: currency}
}

func moves(list []trial.Move) map[string]int {
	all := map[string]int{}
	for _, m := range list {
		all[m.From+" to "+m.To] = 1000*m.Rows + m.People
	}
	return all
}

func mirrored(list []trial.Move) map[string]int {
	all := map[string]int{}
	for _, m := range list {
		all[m.To+" to "+m.From] = 1000*m.Rows + m.People
	}
	return all
}

// TestCompareTimings: putting seats off changes no row's class and no money, only what waits and what the guards count.
func TestCompareTimings(t *testing.T) {
	b := bench(t, string(read(t, "policy.yaml")))
	s, err := trial.ParseSuite("c.yaml", []byte(`version: 1
as_of: 2026-06-30
cases:
  - name: idle
    given:
      person: {department: Design}
      seats: [{product: figma}]
      sign_ins: [{product: figma, last: 200d}]
      contracts: [{product: figma, price: 9, quantity: 5, billing: prepaid, start: 2026-01-01, end: 2026-12-31, notice: 2026-11-30}]
    expect: {verdict: idle}
`), b.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	decide := func(timing string) *reconcile.Plan {
		policy, err := reconcile.ParsePolicy("policy.yaml", []byte("version: 1\nmode: act\nreclaim: [{product: figma, idle_after: 90d, action: revoke"+
			timing+"}]\napproval: {unattended: [idle]}\nguards: {actions: {run: 1}}\n"), b.Catalogue)
		if err != nil {
			t.Fatal(err)
		}
		r, err := (&trial.Bench{Catalogue: b.Catalogue, Policy: policy, Calendar: b.Calendar}).Verify(&s.Cases[0])
		if err != nil {
			t.Fatal(err)
		}
		return r.Plan
	}
	d := trial.Compare(decide(""), decide(", timing: before-notice, lead: 31d"))
	if len(d.Changes) != 0 || len(d.Money) != 1 || d.Money[0].Reducible != 0 || d.Money[0].Exposure != 900 {
		t.Errorf("changes %+v, money %+v; want none", d.Changes, d.Money)
	}
	want := []trial.Count{{State: reconcile.Notice, Now: 1}, {State: reconcile.Ready, Before: 1}}
	if diff := cmp.Diff(want, d.States); diff != "" {
		t.Errorf("states (-want +got)\n%s", diff)
	}
	if due := d.New.Actions[0].Due.String(); due != "2026-10-30" {
		t.Errorf("put off to %s, want 2026-10-30", due)
	}
	n := slices.IndexFunc(d.Guards, func(g trial.Headroom) bool { return g.Guard == "run" })
	if n < 0 || *d.Guards[n].Before.Value != 1 || *d.Guards[n].Now.Value != 0 {
		t.Errorf("guards %+v: want one person losing access before, none now", d.Guards)
	}
}
