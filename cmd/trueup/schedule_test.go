package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trueup/reconcile"
)

// TestSchedule shows schedules without any server, and without a ledger.
func TestSchedule(t *testing.T) {
	o := newOffice(t)
	if r := o.trueup("schedule"); r.code != exitDone || r.out != "" || !strings.Contains(r.err, "nothing is scheduled") {
		t.Errorf("without a schedule: exit %d, %q, %q", r.code, r.out, r.err)
	}
	o.write("trueup.yaml", officeConfig+`schedule: {run: "30 2 * * *", pull: {okta: "*/30 * * * *", hr: "@daily"}}`+"\n")
	var shown struct {
		Timezone  string      `json:"timezone"`
		Schedules []scheduled `json:"schedules"`
	}
	r := o.trueup("schedule", "--output", "json", "--limit", "2")
	if err := json.Unmarshal([]byte(r.out), &shown); err != nil || r.code != exitDone {
		t.Fatalf("exit %d, %v\n%s%s", r.code, err, r.out, r.err)
	}
	var got []string
	for _, s := range shown.Schedules {
		line := s.Schedule + " " + s.Spec
		for _, at := range s.Next {
			line += " " + at.Format(time.RFC3339)
		}
		got = append(got, line)
		if s.Slots == nil || len(s.Slots) > 0 {
			t.Errorf("%s has slots %v", s.Schedule, s.Slots)
		}
	}
	want := "run 30 2 * * * 2026-07-01T02:30:00+02:00 2026-07-02T02:30:00+02:00\n" +
		"pull hr @daily 2026-07-02T00:00:00+02:00 2026-07-03T00:00:00+02:00\n" +
		"pull okta */30 * * * * 2026-07-01T00:30:00+02:00 2026-07-01T01:00:00+02:00"
	if strings.Join(got, "\n") != want || shown.Timezone != "Europe/Berlin" {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if _, err := os.Stat(filepath.Join(o.dir, "var")); !os.IsNotExist(err) {
		t.Errorf("looking made a ledger: %v", err)
	}
	if r := o.trueup("check"); r.code != exitDone || !strings.Contains(r.out, "pull okta") || !strings.Contains(r.out, "30 2 * * *, next Wed 2026-07-01 02:30 CEST") || strings.Contains(r.err, "no effect") {
		t.Errorf("check: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := o.trueup("schedule", "--limit", "0"); r.code != exitUsage {
		t.Errorf("--limit 0: exit %d", r.code)
	}
}

// TestFaultsOnOneLine keeps the reason of a failed slot on one line, hints and all.
func TestFaultsOnOneLine(t *testing.T) {
	faults := reconcile.Faults{{File: "trueup.yaml", Key: "schedule.run", Reason: "never due", Hint: "check the date"}, {File: "trueup.yaml", Key: "serve", Reason: "wrong"}}
	if got := oneLine(faults); strings.ContainsAny(got, "\n\t") || strings.Contains(got, "  ") || !strings.Contains(got, "never due; hint: check the date; trueup.yaml") {
		t.Errorf("%q", got)
	}
}
