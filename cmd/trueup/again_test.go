package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"trueup/fixtures/graph"
)

// TestSecondRun runs the job twice: what was done stays done and is not done again.
func TestSecondRun(t *testing.T) {
	s := newSite(t, monday)
	s.must(exitWithheld, "run", "--quiet")
	first := len(s.vendor.Effects())
	if first == 0 {
		t.Fatal("the first run did nothing")
	}
	done := map[string]bool{}
	for _, e := range s.vendor.Effects() {
		done[describe(e)] = true
	}
	// The vendor's export is still the old one: every seat is looked at before it is touched.
	s.clock.base = s.clock.base.Add(time.Minute)
	s.must(exitWithheld, "run", "--quiet")
	if n := len(s.vendor.Effects()); n != first {
		t.Errorf("%d effects more for an export that is behind", n-first)
	}
	if err := s.vendor.Export(s.dir); err != nil {
		t.Fatal(err)
	}
	s.clock.base = s.clock.base.Add(time.Minute)
	s.must(exitWithheld, "run", "--quiet")
	for _, e := range s.vendor.Effects()[first:] {
		if done[describe(e)] {
			t.Errorf("done twice: %s", describe(e))
		}
	}
	for _, e := range s.vendor.Effects() {
		if len(e.Added) > 1 || len(e.Removed) > 1 {
			t.Errorf("more than one seat at once: %s", describe(e))
		}
	}
	ledgerVerifies(t, s.dir)

	r := s.must(exitUsage, "apply", "latest")
	if !strings.Contains(r.err, "is used up: run") || !strings.Contains(r.err, "hint: trueup plan makes a new one") {
		t.Errorf("a used plan is refused with %q", r.err)
	}
}

func describe(e graph.Effect) string {
	return fmt.Sprintf("%s +%v -%v", e.UserPrincipalName, e.Added, e.Removed)
}

// TestApply makes a plan and carries it out by hand, and tries everything that must be refused.
func TestApply(t *testing.T) {
	s := newSite(t, monday)
	ready := 0
	plan := s.plan([]int{exitWithheld})
	for _, r := range plan.Rows {
		if r.Action.State == "ready" && (r.Source == "entra" || r.Verdict == "missing" && strings.HasPrefix(r.Product, "m365")) {
			ready++
		}
	}
	if ready == 0 || len(s.vendor.Effects()) > 0 {
		t.Fatalf("%d ready actions; plan alone had %d effects", ready, len(s.vendor.Effects()))
	}
	t.Run("dry run", func(t *testing.T) {
		r := s.must(exitDone, "apply", "latest", "--dry-run")
		if !strings.Contains(r.err, "nothing was changed") {
			t.Errorf("a dry run says %q", r.err)
		}
		if n := len(s.vendor.Effects()); n > 0 {
			t.Errorf("a dry run had %d effects", n)
		}
	})
	t.Run("changed policy", func(t *testing.T) {
		s.replace("policy.yaml", "grace: 48h", "grace: 72h")
		refused(t, s, "apply", plan.Plan, "the policy has changed")
		s.replace("policy.yaml", "grace: 72h", "grace: 48h")
	})
	t.Run("changed configuration", func(t *testing.T) {
		s.replace("trueup.yaml", "Europe/Berlin", "Europe/Paris")
		refused(t, s, "apply", plan.Plan, "the configuration has changed")
		s.replace("trueup.yaml", "Europe/Paris", "Europe/Berlin")
	})
	t.Run("changed products", func(t *testing.T) {
		s.replace("products.yaml", "tier: 3", "tier: 4")
		refused(t, s, "apply", plan.Plan, "the product list has changed")
		s.replace("products.yaml", "tier: 4", "tier: 3")
	})
	t.Run("too old", func(t *testing.T) {
		base := s.clock.base
		s.clock.base = base.Add(25 * time.Hour)
		refused(t, s, "apply", plan.Plan, "is stale: its as-of is")
		s.clock.base = base
	})
	t.Run("superseded", func(t *testing.T) {
		s.clock.base = s.clock.base.Add(time.Minute)
		s.plan([]int{exitWithheld})
		refused(t, s, "apply", plan.Plan, "is superseded by plan")
	})
	t.Run("of a time to come", func(t *testing.T) {
		ahead := monday.AddDate(0, 2, 0).Format(time.RFC3339)
		for _, command := range []string{"plan", "run"} {
			if r := s.must(exitUsage, command, "--as-of", ahead); !strings.Contains(r.err, "lies ahead") || !strings.Contains(r.err, "hint: ") {
				t.Errorf("%s of a time to come says %q", command, r.err)
			}
		}
	})
	t.Run("of a past day", func(t *testing.T) {
		s.plan([]int{exitDone}, "--as-of", "2026-05-04")
		refused(t, s, "apply", "latest", "is stale: its as-of is")
	})
	t.Run("observe only", func(t *testing.T) {
		s.replace("policy.yaml", "mode: act", "mode: observe")
		s.clock.base = s.clock.base.Add(time.Minute)
		s.plan([]int{exitWithheld})
		refused(t, s, "apply", "latest", "the policy only observes")
		if r := s.must(exitWithheld, "run"); !strings.Contains(r.err, "nothing is carried out") || len(s.vendor.Effects()) > 0 {
			t.Errorf("observing had %d effects and said %q", len(s.vendor.Effects()), r.err)
		}
		s.replace("policy.yaml", "mode: observe", "mode: act")
	})
	t.Run("carried out", func(t *testing.T) {
		s.clock.base = s.clock.base.Add(time.Minute)
		s.plan([]int{exitWithheld})
		s.must(exitDone, "apply", "latest")
		if n := len(s.vendor.Effects()); n != ready {
			t.Errorf("%d effects of %d ready actions", n, ready)
		}
		refused(t, s, "apply", "latest", "is used up")
	})
	ledgerVerifies(t, s.dir)
}

// refused runs what must exit with 4, name the reason and change nothing.
func refused(t *testing.T, s *site, command, plan, reason string) {
	t.Helper()
	before := len(s.vendor.Effects())
	r := s.must(exitUsage, command, plan)
	if !strings.Contains(r.err, reason) || !strings.Contains(r.err, "hint: ") {
		t.Errorf("refused with %q, want %q and a hint", r.err, reason)
	}
	if n := len(s.vendor.Effects()); n != before {
		t.Errorf("a refused plan had %d effects", n-before)
	}
}
