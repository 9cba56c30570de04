package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testPolicy = `version: 1
eligibility:
  - {product: "*", when: person.known}
  - {product: m365, when: 'person.kind == "employee"'}
  - {product: m365-e5, when: 'person.groups[1] == "g3"'}
  - {product: m365-e5, when: 'person.role == "lead"'}
reclaim:
  - {product: "*", idle_after: 90d, action: revoke}
  - {product: "*", idle_after: 91d, action: revoke}
  - {product: m365, idle_after: 60d, action: review, when: '100 / usage.idle_days > 1'}
  - {product: m365-e5, idle_after: 30d, action: keep, when: 'person.kind == "guest"'}
  - {product: m365-e5, idle_after: 31d, action: downgrade, to: m365-e3, when: 'usage.ever'}
  - {product: github-copilot, idle_after: 14d, action: revoke, when: 'false'}
exempt:
  - {name: over, until: 2026-11-21, reason: r, author: a}
  - {name: today, until: 2026-11-22, reason: r, author: a, when: 'person.role == "lead"'}
  - {name: failing, until: 2027-01-01, reason: r, author: a, when: '100 / usage.idle_days > 1', from: [idle]}
  - {name: held, until: 2027-01-01, reason: r, author: a, product: matlab, legal_hold: true, from: [idle]}
  - {name: bi, until: 2027-01-01, reason: r, author: a, product: power-bi-pro, when: seat.inherited, from: [idle]}
buffers: {"*": {spare: 2%}, m365: {spare: 10}, m365-e5: {spare: 0}}
`

func testRuleBook(t *testing.T) (*Policy, *testWorld, map[string]ProductID) {
	t.Helper()
	w := newTestWorld(t, 40)
	p, err := ParsePolicy("policy.yaml", []byte(testPolicy), w.catalogue)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]ProductID{}
	for n, product := range w.catalogue.Products {
		ids[product.ID] = ProductID(n)
	}
	return p, w, ids
}

func TestReclaimRule(t *testing.T) {
	p, w, ids := testRuleBook(t)
	ev := w.evaluator()
	tests := []struct {
		name    string
		product string
		person  PersonID
		idle    int32
		ever    bool
		want    string
		fails   bool
	}{
		{"a product before its family", "m365-e5", 3, 1, false, "reclaim[3]", false},
		{"the second of a product", "m365-e5", 1, 1, true, "reclaim[4]", false},
		{"a family where no rule of the product holds", "m365-e5", 1, 1, false, "reclaim[2]", false},
		{"everything where none of the family holds", "m365-e5", 1, 200, false, "reclaim[0]", false},
		{"a rule that fails lets no less specific one decide", "m365-e5", 1, 0, false, "", true},
		{"everything", "matlab", 1, 0, false, "reclaim[0]", false},
		{"a rule that never holds", "github-copilot", 1, 0, false, "reclaim[0]", false},
	}
	for _, test := range tests {
		rule, err := p.ReclaimRule(ev, Subject{Person: test.person, Account: NoAccountID, Product: ids[test.product], IdleDays: test.idle, Ever: test.ever})
		got := ""
		if rule != nil {
			got = rule.Name
		}
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestEligible(t *testing.T) {
	p, w, ids := testRuleBook(t)
	ev := w.evaluator()
	tests := []struct {
		name    string
		product string
		person  PersonID
		want    string
		ruled   bool
		fails   bool
	}{
		{"everything", "matlab", 2, "eligibility[0]", true, false},
		{"a family", "m365-e3", 1, "eligibility[1]", true, false},
		{"a family's rules shut those of everything out", "m365-e3", 2, "", true, false},
		{"a product's second rule, the first one failing", "m365-e5", 1, "eligibility[3]", true, false},
		{"a rule fails and none holds", "m365-e5", 5, "", true, true},
	}
	for _, test := range tests {
		rule, ruled, err := p.Eligible(ev, Subject{Person: test.person, Account: NoAccountID, Product: ids[test.product]})
		got := ""
		if rule != nil {
			got = rule.Name
		}
		if got != test.want || ruled != test.ruled || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v, %v; want %q, %v", test.name, got, ruled, err, test.want, test.ruled)
		}
	}
	var names []string
	for _, rule := range p.EligibilityRules(ids["m365-e5"]) {
		names = append(names, rule.Name)
	}
	if diff := cmp.Diff([]string{"eligibility[2]", "eligibility[3]"}, names); diff != "" {
		t.Errorf("rules of m365-e5 (-want +got):\n%s", diff)
	}
	bare, err := ParsePolicy("policy.yaml", []byte("version: 1\neligibility:\n"), w.catalogue)
	if err != nil {
		t.Fatal(err)
	}
	if rule, ruled, err := bare.Eligible(ev, Subject{Person: 1, Product: 0}); rule != nil || ruled || err != nil || bare.EligibilityRules(0) != nil {
		t.Errorf("a policy without rules: %v, %v, %v", rule, ruled, err)
	}
}

func TestExemption(t *testing.T) {
	p, w, ids := testRuleBook(t)
	ev := w.evaluator()
	tests := []struct {
		name    string
		subject Subject
		verdict Verdict
		want    string
		fails   bool
	}{
		{"in force on its last day", Subject{Person: 1, Product: ids["m365-e3"], IdleDays: 5}, NeverUsed, "today", false},
		{"does not name the verdict", Subject{Person: 1, Product: ids["m365-e3"], IdleDays: 5}, Orphan, "", false},
		{"a leaver", Subject{Person: 1, Product: ids["m365-e3"], IdleDays: 5}, Leaver, "", false},
		{"a leaver under legal hold", Subject{Person: 1, Product: ids["matlab"], IdleDays: 5}, Leaver, "held", false},
		{"the most specific", Subject{Person: 1, Product: ids["power-bi-pro"], Inherited: true, IdleDays: 5}, Idle, "bi", false},
		{"no person", Subject{Person: NoPersonID, Product: ids["matlab"], IdleDays: 5}, Idle, "held", false},
		{"cannot be evaluated", Subject{Person: 2, Product: ids["m365-e3"]}, Idle, "", true},
		{"another holds", Subject{Person: 1, Product: ids["m365-e3"]}, Idle, "today", false},
		{"none holds", Subject{Person: 2, Product: ids["m365-e3"], IdleDays: 200}, Idle, "", false},
	}
	for _, test := range tests {
		test.subject.Account = NoAccountID
		e, err := p.Exemption(ev, test.subject, test.verdict)
		got := ""
		if e != nil {
			got = e.Name
		}
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
		if err != nil && !strings.Contains(err.Error(), "usage.idle_days") {
			t.Errorf("%s: %v does not name the rule", test.name, err)
		}
	}
}

func TestBuffer(t *testing.T) {
	p, _, ids := testRuleBook(t)
	for id, want := range map[string]Buffer{"m365-e5": {}, "m365-e3": {Spare: 10}, "matlab": {Percent: 2}} {
		if got, ok := p.Buffer(ids[id]); !ok || got != want {
			t.Errorf("%s: %+v, %v; want %+v", id, got, ok, want)
		}
	}
	if _, ok := new(Policy).Buffer(NoProductID); ok {
		t.Error("a policy without buffers has one")
	}
}
