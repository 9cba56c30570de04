package reconcile

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"trueup/facts"
)

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func testCatalogue(t testing.TB) *Catalogue {
	t.Helper()
	c, err := ParseCatalogue("products.yaml", testFile(t, "catalogue/products.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParsePolicy(t *testing.T) {
	got, err := ParsePolicy("policy.yaml", testFile(t, "policy/contract.yaml"), testCatalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	until, err := facts.ParseDay("2027-06-30")
	if err != nil {
		t.Fatal(err)
	}
	want := &Policy{
		Version: 1,
		Mode:    Act,
		Eligibility: []EligibilityRule{{Name: "eligibility[0]", Product: "github-copilot",
			When: &Expression{Source: `person.department == "Engineering" && person.kind in ["employee","contractor"]`}}},
		Reclaim: []ReclaimRule{
			{Name: "reclaim[0]", Product: "*", IdleAfter: 90, NeverUsedAfter: 45, Notice: 14, Action: Revoke},
			{Name: "reclaim[1]", Product: "m365-e5", IdleAfter: 60, Action: Downgrade, To: "m365-e3"}},
		Exempt: []Exemption{{Name: "break-glass", When: &Expression{Source: `person.kind == "break-glass"`},
			Reason: "emergency access", Author: "secops@example.com", Until: until, From: []Verdict{Idle, NeverUsed}}},
		Leaver:   LeaverRule{Grace: DefaultLeaverGrace, Action: Revoke},
		Expired:  ExpiredRule{Action: Review},
		Approval: ApprovalRule{Unattended: []Verdict{Leaver, Duplicate}, Roles: map[Verdict]string{Idle: "manager", NotEntitled: "app-owner"}},
		Buffers:  map[string]Buffer{"*": {Percent: 2}},
		Guards:   GuardLimits{Run: 200, RunPercent: 5, Days7: 400, ProductPercent: 10, ShrinkPercent: 10, MatchRate: 0.95, Canary: 5},
		SHA256:   got.SHA256,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Policy{}, Expression{})); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

// Sections whose items are all commented out are empty, and everything has its default.
func TestPolicyDefaults(t *testing.T) {
	const text = "version: 1\nmode: observe\neligibility:\nreclaim:\nexempt:\nleaver:\nexpired:\napproval:\nbuffers:\nguards:\n  actions:\n"
	for _, text := range []string{"version: 1", text, text + "# end\n"} {
		got, err := ParsePolicy("policy.yaml", []byte(text), testCatalogue(t))
		if err != nil {
			t.Fatal(err)
		}
		want := &Policy{Version: 1, Mode: Observe, Leaver: LeaverRule{Grace: 24 * time.Hour, Action: Revoke},
			Expired: ExpiredRule{Action: Review}, Guards: GuardLimits{ShrinkPercent: 10}, SHA256: got.SHA256}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Policy{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestExemptionDefaults(t *testing.T) {
	const text = `version: 1
exempt:
  - {reason: r, author: a, until: 2027-01-01}
  - {reason: r, author: a, until: 2027-01-01, legal_hold: true}
`
	p, err := ParsePolicy("policy.yaml", []byte(text), testCatalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	if e := p.Exempt[0]; e.Name != "exempt[0]" || !cmp.Equal(e.From, DefaultExemptFrom()) {
		t.Errorf("%+v is not the default", e)
	}
	if e := p.Exempt[1]; !cmp.Equal(e.From, append(DefaultExemptFrom(), Leaver)) {
		t.Errorf("%+v does not hold leavers", e)
	}
}
