package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/reconcile"
)

func exerciseFigures(t *testing.T, open opener) {
	d := open(t)
	empty, err := d.Figures(t.Context())
	if err != nil || empty.Plan != "" || empty.AsOf.Known() || len(empty.Verdicts)+len(empty.Actions)+len(empty.Runs) != 0 {
		t.Errorf("figures of nothing: %+v, %v", empty, err)
	}
	save(t, d, 1, idle("ana", reconcile.Ready), used("ben"))
	if err := d.FinishRun(t.Context(), reconcile.Run{ID: "run-1", State: reconcile.RunDone, Exit: 3, Finished: night(1).Add(time.Hour),
		AsOf: night(1)}); err != nil {
		t.Fatal(err)
	}
	start(t, d, "run-2", night(2))
	p := planned(t, 2, idle("ana", reconcile.Ready), idle("cem", reconcile.Notice), used("ben"), used("dan"))
	p.Guards = []reconcile.Guard{{Name: "shrink", Scope: "figma/seats", State: reconcile.GuardTripped},
		{Name: "shrink", Scope: "figma/people", State: reconcile.GuardTripped}, {Name: "match_rate", State: reconcile.GuardRaised}}
	if err := d.SavePlan(t.Context(), record("run-2", "plan-2", p), p); err != nil {
		t.Fatal(err)
	}
	lease, err := d.Acquire(t.Context(), "me", night(2), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	actions, err := d.Actions(t.Context(), "plan-2")
	if err != nil {
		t.Fatal(err)
	}
	intent := intentOf(actions[0], "run-2", lease.Epoch)
	if ok, err := d.Claim(t.Context(), intent); !ok || err != nil {
		t.Fatal(ok, err)
	}
	count := func(wantSent, wantDone, wantOpen int64) {
		t.Helper()
		f, err := d.Figures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f.Plan != "plan-2" || f.AsOf != night(2) || f.Verdicts["idle"] != 2 || f.Verdicts["in-use"] != 2 || f.Verdicts["leaver"] != 0 {
			t.Errorf("plan %s as of %s: %v", f.Plan, f.AsOf, f.Verdicts)
		}
		if want := map[string]int64{"shrink": 2}; !cmp.Equal(f.Tripped, want) {
			t.Error(cmp.Diff(want, f.Tripped))
		}
		if f.Actions[ActionResult{"revoke", "sent"}] != wantSent || f.Actions[ActionResult{"revoke", "done"}] != wantDone ||
			f.Actions[ActionResult{"revoke", "notice"}] != 1 || f.Outcomes[ActionResult{"revoke", "done"}] != wantDone || f.Intents != wantOpen {
			t.Errorf("%+v, outcomes %v, %d open", f.Actions, f.Outcomes, f.Intents)
		}
		if run := f.Runs["run"]; run.ID != "run-1" || run.Exit != 3 || run.Finished != night(1).Add(time.Hour) {
			t.Errorf("last run that ended: %+v", run)
		}
	}
	count(1, 0, 1)
	if err := d.Record(t.Context(), reconcile.Outcome{Action: intent.Action, Run: "run-2", Attempt: 1, At: night(2), State: reconcile.Done}); err != nil {
		t.Fatal(err)
	}
	count(0, 1, 0)
}
