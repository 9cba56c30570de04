package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
	"trueup/reconcile"
)

func exerciseCases(t *testing.T, open opener) {
	d := open(t)
	type kase struct {
		Holder string `db:"holder"`
		Opened date   `db:"opened"`
		State  string `db:"state"`
		Ended  date   `db:"ended"`
		Cause  string `db:"cause"`
	}
	day := func(n int) date { return date(facts.NewCalendar(time.UTC).Day(night(n))) }
	never := date(facts.NoDay)
	again := idle("dan", reconcile.Notice)
	again.clock = 1
	never45 := idle("ana", reconcile.Notice)
	never45.verdict = reconcile.NeverUsed
	inherited := idle("ben", reconcile.Notice)
	inherited.path = "group:design"
	for n, step := range []struct {
		seats []seat
		want  []kase
	}{
		{[]seat{idle("ana", reconcile.Notice), idle("ben", reconcile.Notice), idle("cem", reconcile.Ready), idle("dan", reconcile.Notice)},
			[]kase{{"ana", day(0), "notice", never, ""}, {"ben", day(0), "notice", never, ""},
				{"cem", day(0), "ready", never, ""}, {"dan", day(0), "notice", never, ""}}},
		// ana's notice has run out, ben works again, cem's seat is gone, dan's clock has started anew
		{[]seat{idle("ana", reconcile.Ready), used("ben"), again},
			[]kase{{"ana", day(0), "ready", never, ""}, {"ben", day(0), "cancelled", day(1), "verdict in-use"},
				{"cem", day(0), "cancelled", day(1), "gone"}, {"dan", day(0), "cancelled", day(1), "superseded"},
				{"dan", day(1), "notice", never, ""}}},
		// ben's comes back as it was: the case is opened again, with a new day
		{[]seat{idle("ana", reconcile.Withheld), idle("ben", reconcile.Notice), again},
			[]kase{{"ana", day(0), "withheld", never, ""}, {"ben", day(2), "notice", never, ""},
				{"cem", day(0), "cancelled", day(1), "gone"}, {"dan", day(0), "cancelled", day(1), "superseded"},
				{"dan", day(1), "notice", never, ""}}},
		// ana's verdict and ben's path have changed, so their cases begin anew
		{[]seat{never45, inherited, again},
			[]kase{{"ana", day(3), "notice", never, ""}, {"ben", day(3), "notice", never, ""},
				{"cem", day(0), "cancelled", day(1), "gone"}, {"dan", day(0), "cancelled", day(1), "superseded"},
				{"dan", day(1), "notice", never, ""}}},
	} {
		save(t, d, n, step.seats...)
		var got []kase
		if err := d.db.Select(&got, `SELECT holder, opened, state, ended, cause FROM cases ORDER BY holder, opened`); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, step.want, cmp.AllowUnexported()) {
			t.Errorf("night %d: %s", n, cmp.Diff(step.want, got))
		}
	}
	verify(t, d)
}

// A notice that was given is not forgotten while the case waits for something else: it would begin again.
func exerciseNotice(t *testing.T, open opener) {
	d := open(t)
	due := facts.Date(2026, time.December, 6)
	for n, state := range []reconcile.State{reconcile.Notice, reconcile.Withheld, reconcile.Notice, reconcile.Approval, reconcile.Approval} {
		p := planned(t, n, idle("ana", state))
		if state == reconcile.Notice {
			p.Actions[0].Due = due
		}
		run := fmt.Sprintf("run-%d", n)
		start(t, d, run, night(n))
		if err := d.SavePlan(t.Context(), record(run, fmt.Sprintf("plan-%d", n), p), p); err != nil {
			t.Fatal(err)
		}
		want := facts.Case{ID: idle("ana", 0).id(), State: state.String(), Opened: facts.Date(2026, time.November, 22), Due: due,
			Verdict: "idle", Paths: "direct"}
		if prior, err := d.Prior(t.Context(), night(n)); err != nil || !cmp.Equal(prior.Cases, []facts.Case{want}) {
			t.Errorf("night %d: %v\n%s", n, err, cmp.Diff([]facts.Case{want}, prior.Cases))
		}
	}
}

// An approval is a person's answer and is known to the next plans; that the plan itself says ready is none.
func exerciseApproval(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 0, idle("ana", reconcile.Approval), idle("ben", reconcile.Ready))
	if err := d.Record(t.Context(), reconcile.Outcome{Action: idle("ana", 0).id(), Run: "run-0", At: night(0).Add(time.Hour),
		State: reconcile.Ready}); err != nil {
		t.Fatal(err)
	}
	prior, err := d.Prior(t.Context(), night(1))
	if err != nil {
		t.Fatal(err)
	}
	approved := map[facts.Digest]bool{}
	for _, c := range prior.Cases {
		approved[c.ID] = c.Approved
	}
	if want := map[facts.Digest]bool{idle("ana", 0).id(): true, idle("ben", 0).id(): false}; !cmp.Equal(approved, want) {
		t.Error(cmp.Diff(want, approved))
	}
}

// A plan of an earlier as-of is a look back and moves no case.
func exerciseLookingBack(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 5, idle("ana", reconcile.Ready))
	save(t, d, 3, used("ana"), idle("ben", reconcile.Ready))
	prior, err := d.Prior(t.Context(), night(5))
	if err != nil || len(prior.Cases) != 1 || prior.Cases[0].ID != idle("ana", 0).id() {
		t.Errorf("open cases %v, %v; want ana's", prior.Cases, err)
	}
	if id, _ := d.NewestPlan(t.Context()); id != "plan-5" {
		t.Errorf("newest plan is %s", id)
	}
	if p, _ := d.Plan(t.Context(), "latest"); p.ID != "plan-3" {
		t.Errorf("latest plan is %s", p.ID)
	}
	if got := states(t, d, "plan-3")["ben"]; got != reconcile.Ready {
		t.Errorf("ben is %s in the look back", got)
	}
	if _, err := d.Claim(t.Context(), reconcile.Intent{Action: idle("ben", 0).id(), Plan: "plan-3", Run: "run-3"}); err == nil {
		t.Error("an action of a look back was claimed")
	}
}

// What a plan did not see because a source was not read whole goes on.
func exerciseIncomplete(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 1, idle("ana", reconcile.Notice))
	p := planned(t, 2)
	for n := range p.Snapshot.Inputs {
		p.Snapshot.Inputs[n].Complete = false
	}
	start(t, d, "run-2", night(2))
	if err := d.SavePlan(t.Context(), record("run-2", "plan-2", p), p); err != nil {
		t.Fatal(err)
	}
	prior, err := d.Prior(t.Context(), night(2))
	if err != nil || len(prior.Cases) != 1 || prior.Cases[0].State != "notice" {
		t.Errorf("open cases %v, %v; want ana's, still in notice", prior.Cases, err)
	}
}

func intentOf(a StoredAction, run string, epoch int64) reconcile.Intent {
	return reconcile.Intent{Action: a.ID, Plan: a.Plan, Run: run, Epoch: epoch, Attempt: a.Attempts + 1, At: night(1),
		Kind: a.Kind, Source: a.Source, Account: a.Account, Login: a.Login, Item: a.Item, ToItem: a.ToItem,
		Before: []string{"sku-1", "sku-2"}, Holder: a.Holder, Product: a.Product, Verdict: a.Verdict.String(), Department: a.Department}
}

func exerciseClaim(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 1, idle("ana", reconcile.Ready), idle("ben", reconcile.Notice))
	lease, err := d.Acquire(t.Context(), "me", night(1), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	actions, err := d.Actions(t.Context(), "plan-1")
	if err != nil {
		t.Fatal(err)
	}
	intent := intentOf(actions[0], "run-1", lease.Epoch)
	fenced := intent
	fenced.Epoch--
	if ok, err := d.Claim(t.Context(), fenced); ok || !errors.Is(err, ErrFenced) {
		t.Errorf("claim with an old epoch: %v, %v", ok, err)
	}
	for n, want := range []bool{true, false} {
		if ok, err := d.Claim(t.Context(), intent); ok != want || err != nil {
			t.Errorf("claim %d: %v, %v; want %v", n, ok, err, want)
		}
	}
	if ok, err := d.Claim(t.Context(), intentOf(actions[1], "run-1", lease.Epoch)); ok || err != nil {
		t.Errorf("claim of what is in notice: %v, %v", ok, err)
	}
	if intents, err := d.OpenIntents(t.Context()); err != nil || !cmp.Equal(intents, []reconcile.Intent{intent}) {
		t.Errorf("open intents: %v\n%s", err, cmp.Diff([]reconcile.Intent{intent}, intents))
	}
	if attempts, err := d.Attempts(t.Context(), "plan-1"); err != nil || !cmp.Equal(attempts, map[facts.Digest]int{intent.Action: 1}) {
		t.Errorf("attempts: %v, %v; want one of ana's", attempts, err)
	}
	outcome := reconcile.Outcome{Action: intent.Action, Run: "run-1", Attempt: 1, At: night(1), State: reconcile.Sent, Detail: "no answer"}
	steps := []struct {
		state reconcile.State
		open  int
	}{{reconcile.Sent, 1}, {reconcile.Done, 0}, {reconcile.Done, 0}}
	for _, s := range steps {
		outcome.State = s.state
		if err := d.Record(t.Context(), outcome); err != nil {
			t.Fatal(err)
		}
		if intents, _ := d.OpenIntents(t.Context()); len(intents) != s.open || states(t, d, "plan-1")["ana"] != s.state {
			t.Errorf("after %s: %d open, ana is %s", s.state, len(intents), states(t, d, "plan-1")["ana"])
		}
	}
	if got, err := d.Outcomes(t.Context(), "run-1"); err != nil || len(got) != 2 || !cmp.Equal(got[1], outcome) {
		t.Errorf("outcomes: %v, %v", got, err)
	}
	if ok, err := d.Claim(t.Context(), intent); ok || err != nil {
		t.Errorf("claim of what is done: %v, %v", ok, err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(t.Context(), intent); !errors.Is(err, ErrFenced) {
		t.Errorf("claim without a lease: %v", err)
	}
	verify(t, d)
}

func exerciseOutcomes(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 1, idle("ana", reconcile.Approval), idle("ben", reconcile.Notice))
	answer := func(s seat, state reconcile.State) error {
		return d.Record(t.Context(), reconcile.Outcome{Action: s.id(), Run: "run-1", At: night(1), State: state, Detail: "says so"})
	}
	ana, ben := idle("ana", 0), idle("ben", 0)
	if err := errors.Join(answer(ana, reconcile.Ready), answer(ben, reconcile.Kept)); err != nil {
		t.Fatal(err)
	}
	err := answer(ana, reconcile.Done)
	if fault, ok := errors.AsType[*TransitionError](err); !ok || fault.From != reconcile.Ready || fault.To != reconcile.Done {
		t.Errorf("done without an intent: %v", err)
	}
	if err := answer(seat{holder: "nobody"}, reconcile.Kept); !errors.Is(err, ErrNotFound) {
		t.Errorf("answer on no action: %v", err)
	}
	if err := answer(ana, reconcile.Rejected); err != nil {
		t.Fatal(err)
	}
	// The next plan proposes both again: what was rejected stays so, what was kept for a time may be proposed anew.
	save(t, d, 2, idle("ana", reconcile.Approval), idle("ben", reconcile.Notice))
	want := map[string]reconcile.State{"ana": reconcile.Rejected, "ben": reconcile.Notice}
	if got := states(t, d, "plan-2"); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	verify(t, d)
}

func exercisePrior(t *testing.T, open opener) {
	d := open(t)
	seats := []seat{idle("ana", reconcile.Ready), idle("ben", reconcile.Ready), idle("cem", reconcile.Ready)}
	for n := range 8 {
		p := planned(t, n, seats...)
		switch n {
		case 3:
			p.Guards = []reconcile.Guard{{Name: "shrink", Scope: "figma/seats", State: reconcile.GuardTripped}}
		case 4:
			p.Guards = []reconcile.Guard{{Name: "shrink", Scope: "figma/seats", State: reconcile.GuardRaised}}
		case 5:
			p.Snapshot.Inputs[1].Complete = false
		}
		run := fmt.Sprintf("run-%d", n)
		start(t, d, run, night(n))
		if err := d.SavePlan(t.Context(), record(run, fmt.Sprintf("plan-%d", n), p), p); err != nil {
			t.Fatal(err)
		}
	}
	lease, err := d.Acquire(t.Context(), "me", night(1), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	actions, _ := d.Actions(t.Context(), "plan-7")
	for n, state := range []reconcile.State{reconcile.Done, reconcile.Sent, reconcile.Failed} {
		intent := intentOf(actions[n], "run-7", lease.Epoch)
		ok, err := d.Claim(t.Context(), intent)
		if err := errors.Join(err, d.Record(t.Context(), reconcile.Outcome{Action: intent.Action, Run: "run-7", Attempt: 1, At: night(1),
			State: state})); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	prior, err := d.Prior(t.Context(), night(6))
	if err != nil {
		t.Fatal(err)
	}
	var observed []facts.Instant
	for _, in := range prior.Inputs {
		if in.Feed == facts.FeedSeats {
			observed = append(observed, in.Observed)
			if in.Source != "figma" || in.Rows != 3 {
				t.Errorf("input %+v", in)
			}
		}
	}
	if want := []facts.Instant{night(6), night(4), night(2), night(1), night(0)}; !cmp.Equal(observed, want) {
		t.Errorf("good readings: %v, want %v", observed, want)
	}
	want := []facts.Loss{{At: night(1), Holder: "ana", Product: "figma-pro", Verdict: "idle", Department: "Design"},
		{At: night(1), Holder: "ben", Product: "figma-pro", Verdict: "idle", Department: "Design"}}
	if !cmp.Equal(prior.Losses, want) {
		t.Error(cmp.Diff(want, prior.Losses))
	}
	if len(prior.Cases) != 3 {
		t.Errorf("open cases: %v", prior.Cases)
	}
	if prior, _ := d.Prior(t.Context(), night(40)); len(prior.Losses) != 0 {
		t.Errorf("losses of 39 days ago: %v", prior.Losses)
	}
}
