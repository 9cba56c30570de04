package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestPolicyOnTheDemo tries the demo's policy on the cases beside it, compares it with a stricter one and replays a
// product, all on the facts of one run.
func TestPolicyOnTheDemo(t *testing.T) {
	s := newSite(t, monday)
	// The exemption of break-glass accounts never decides, since their kind protects them; that of the trade fair is over.
	if r := s.must(exitDone, "policy", "test", s.path("policy_test.yaml")); !strings.Contains(r.out, "hit; no case hits break-glass of *, fair-team of figma\n") {
		t.Errorf("the demo's cases:\n%s", r.out)
	}
	s.trueup("plan", "--quiet")
	now, err := os.ReadFile(s.path("policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("next.yaml", []byte(strings.NewReplacer("idle_after: 90d", "idle_after: 45d", "run_percent: 30", "run_percent: 1").Replace(string(now))))
	var diff diffReport
	decode(t, s.must(exitWithheld, "policy", "diff", s.path("policy.yaml"), s.path("next.yaml"), "--output", "json").out, &diff)
	rows, idle := 0, 0
	for _, m := range diff.Verdicts {
		rows += m.Rows
		if m.To == "idle" {
			idle += m.Rows
		}
	}
	if !diff.Tripped || idle == 0 || rows > len(diff.Changes) {
		t.Errorf("tripped %v, %d rows become idle, %d move, %d change", diff.Tripped, idle, rows, len(diff.Changes))
	}
	var same diffReport
	decode(t, s.must(exitWithheld, "policy", "diff", s.path("policy.yaml"), "--output", "json").out, &same)
	if len(same.Changes) != 0 || same.Old != same.New {
		t.Errorf("the run's own policy changes %d rows", len(same.Changes))
	}
	var past replayReport
	decode(t, s.must(exitDone, "policy", "replay", "--product", "figma", "--thresholds", "30d,60d", "--back", "20d", "--output", "json").out, &past)
	if len(past.Thresholds) != 2 || past.From != "2026-06-09" || past.To != "2026-06-29" {
		t.Fatalf("%+v", past)
	}
	for _, x := range past.Thresholds {
		if x.Days+x.Undecidable != 21 || x.Cuts != x.CameBack+x.StayedAway+x.NotKnown || x.People > x.Cuts || x.CameBackUsers > x.CameBack {
			t.Errorf("%+v does not add up", x)
		}
	}
	if short, long := past.Thresholds[0], past.Thresholds[1]; short.SeatDays < long.SeatDays || short.Cuts == 0 {
		t.Errorf("a shorter threshold takes less: %+v, %+v", short, long)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}
