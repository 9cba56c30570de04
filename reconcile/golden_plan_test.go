package reconcile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"trueup/facts"
)

// TestGoldenPlan decides about the small organisation of testdata/plan, written in the words of [organisation], and
// compares everything that the plan says, digests included.
func TestGoldenPlan(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("testdata/plan/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	o := newOrganisation(t, read("organisation.txt"))
	o.products, o.policy = read("products.yaml"), read("policy.yaml")
	p := o.decide()
	golden(t, "testdata/plan/plan.golden", printed(t, p))
}

// printed writes a plan for the eye.
func printed(t *testing.T, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "as of %s, decisions %s\ndigest %s, complete %t, %s\n", p.AsOf, p.Decisions, p.Digest, p.Complete, p.Mode)
	for n := range p.Rows {
		row := &p.Rows[n]
		fmt.Fprintf(&b, "\n%s | %s | %s %s %v\n", p.ProductOf(n).ID, p.Holder(n), p.AccountName(n), row.Situation, p.RowPaths(n))
		rule := "no rule"
		if row.Rule >= 0 {
			rule = p.Rules[row.Rule]
		}
		fmt.Fprintf(&b, "  %s: %s (%s)", row.Verdict, row.Reasons, rule)
		if row.Covering != NoProductID {
			fmt.Fprintf(&b, ", covered by %s", p.Catalogue.Products[row.Covering].ID)
		}
		fmt.Fprintf(&b, "\n  last use %s, clock %s, idle %d days\n", row.LastUse, row.Clock, row.IdleDays)
		for _, s := range p.RowSignals(n) {
			source, covers := "none", InputState{From: facts.NoInstant, To: facts.NoInstant}
			if s.Input >= 0 {
				covers = p.Inputs[s.Input]
				source = p.Snapshot.Sources[p.Snapshot.Inputs[s.Input].Source].Name
			}
			fmt.Fprintf(&b, "  signal %s: last %s, from %s to %s, whole %t\n", source, s.Last, covers.From, covers.To, s.Complete)
		}
		if row.Action >= 0 {
			x := &p.Actions[row.Action]
			fmt.Fprintf(&b, "  action %s: %s %s until %q, role %q, by %q, item %q to %q at %s; %s\n", x.ID.String()[:15], x.Kind, x.State, x.Due, x.Role,
				x.By, x.Item, x.ToItem, p.Snapshot.Sources[x.Source].Name, x.Detail)
		}
		if m := p.Money(n); m.Currency != 0 {
			fmt.Fprintf(&b, "  money %s %d, reassignable %d, reducible %d after %q, cost centre %q\n", p.Snapshot.Strings.Text(m.Currency), m.Exposure,
				m.Reassignable, m.Reducible, m.Effective, p.CostCentre(n))
		}
	}
	for _, part := range []struct {
		name string
		of   any
	}{{"positions", p.Positions}, {"guards", p.Guards}, {"inputs", p.Inputs}, {"findings", p.Findings}, {"unplaced", p.Unplaced}, {"totals", p.Totals}} {
		text, err := json.MarshalIndent(part.of, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n%s %s\n", part.name, text)
	}
	return b.String()
}
