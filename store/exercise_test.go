package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
	"trueup/reconcile"
)

// opener opens the database of a test once more each time it is called.
type opener func(testing.TB) *DB

// Every behaviour of the store is exercised on every database. fresh makes a database of its own for a test.
func exercise(t *testing.T, fresh func(testing.TB) opener) {
	for name, test := range map[string]func(*testing.T, opener){
		"runs":                     exerciseRuns,
		"interrupted runs":         exerciseInterrupted,
		"pulls":                    exercisePulls,
		"plans":                    exercisePlans,
		"rows":                     exerciseRows,
		"links":                    exerciseLinks,
		"cases":                    exerciseCases,
		"notice":                   exerciseNotice,
		"looking back":             exerciseLookingBack,
		"incomplete":               exerciseIncomplete,
		"claim and record":         exerciseClaim,
		"outcomes":                 exerciseOutcomes,
		"prior":                    exercisePrior,
		"lease":                    exerciseLease,
		"lease of two":             exerciseRacingForTheLease,
		"cancelled":                exerciseCancelled,
		"nothing personal chained": exercisePrivacy,
		"tampering":                exerciseTampering,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func TestSQLite(t *testing.T) {
	exercise(t, func(t testing.TB) opener {
		dir := t.TempDir()
		return func(t testing.TB) *DB {
			t.Helper()
			d, err := Open(t.Context(), "sqlite:var/trueup.db", Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			return d
		}
	})
}

func verify(t *testing.T, d *DB) Head {
	t.Helper()
	head, err := d.VerifyLedger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func exerciseRuns(t *testing.T, open opener) {
	d := open(t)
	for _, id := range []string{"20261122T020000Z-aaaaaa", "20261123T020000Z-bbbbbb", "20261123T020000Z-bbcccc"} {
		start(t, d, id, night(int(id[7]-'2')))
	}
	want := reconcile.Run{ID: "20261122T020000Z-aaaaaa", Kind: "run", Started: night(0), Finished: night(0).Add(time.Hour),
		AsOf: night(0), State: reconcile.RunFailed, Plan: "p", Exit: 5, Error: "okta: 503", Who: "ops@host", Build: "test",
		Workbook: "file:out/book.xlsx"}
	if err := d.FinishRun(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{want.ID, "20261122", "20261122T020000Z-a"} {
		if got, err := d.Run(t.Context(), which); err != nil || !cmp.Equal(got, want) {
			t.Errorf("run %q: %v\n%s", which, err, cmp.Diff(want, got))
		}
	}
	if got, err := d.Run(t.Context(), "latest"); err != nil || got.ID != "20261123T020000Z-bbcccc" || got.State != reconcile.RunRunning {
		t.Errorf("latest: %+v, %v", got, err)
	}
	_, err := d.Run(t.Context(), "20261123")
	if a, ok := errors.AsType[*AmbiguousError](err); !ok || !slices.Equal(a.Candidates, []string{"20261123T020000Z-bbcccc", "20261123T020000Z-bbbbbb"}) {
		t.Errorf("ambiguous prefix: %v", err)
	}
	for _, which := range []string{"", "x", "%", "2026112_"} {
		if _, err := d.Run(t.Context(), which); !errors.Is(err, ErrNotFound) {
			t.Errorf("run %q: %v, want not found", which, err)
		}
	}
	runs, err := d.Runs(t.Context(), 2)
	if err != nil || len(runs) != 2 || runs[0].ID != "20261123T020000Z-bbcccc" {
		t.Errorf("runs: %v, %v", runs, err)
	}
	if err := d.FinishRun(t.Context(), want); err == nil {
		t.Error("a run ended twice")
	}
	if head := verify(t, d); head.Seq != 4 {
		t.Errorf("%d entries, want 4", head.Seq)
	}
}

func exerciseInterrupted(t *testing.T, open opener) {
	d := open(t)
	start(t, d, "old", night(0))
	if _, err := d.Acquire(t.Context(), "me", night(1), time.Hour); err != nil {
		t.Fatal(err)
	}
	start(t, d, "mine", night(1).Add(time.Minute))
	for n, want := range [][]string{{"old"}, nil} {
		if got, err := d.MarkInterrupted(t.Context(), night(1).Add(2*time.Minute)); err != nil || !slices.Equal(got, want) {
			t.Errorf("time %d: interrupted %v, %v; want %v", n, got, err, want)
		}
	}
	if got, err := d.MarkInterrupted(t.Context(), night(2)); err != nil || !slices.Equal(got, []string{"mine"}) {
		t.Errorf("after the lease expired: %v, %v; want mine", got, err)
	}
	run, err := d.Run(t.Context(), "old")
	if err != nil || run.State != reconcile.RunInterrupted {
		t.Errorf("old is %s, %v", run.State, err)
	}
	verify(t, d)
}

func exercisePulls(t *testing.T, open opener) {
	d := open(t)
	start(t, d, "r", night(0))
	pull := func(source string, n int, failure string) reconcile.PulledInput {
		return reconcile.PulledInput{Run: "r", Source: source, Kind: "csv", Feed: facts.FeedPeople, Observed: night(n),
			Complete: failure == "", Failure: failure, Rows: int64(n), Rejected: 1,
			Files: []facts.File{{Name: "b.csv", SHA256: sum("b"), Bytes: 3, Rows: 2, Product: "figma-pro"}, {Name: "a.csv"}}}
	}
	all := []reconcile.PulledInput{pull("hr", 1, ""), pull("hr", 3, ""), pull("hr", 4, "connection lost"), pull("down", 2, "no such file")}
	if err := d.SavePull(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for asOf, want := range map[int][]reconcile.PulledInput{
		0: {all[3], all[0]}, 1: {all[3], all[0]}, 2: {all[3], all[0]}, 3: {all[3], all[1]}, 9: {all[3], all[1]},
	} {
		if got, err := d.Pulls(t.Context(), night(asOf)); err != nil || !cmp.Equal(got, want) {
			t.Errorf("as of night %d: %v\n%s", asOf, err, cmp.Diff(want, got))
		}
	}
	orphan := pull("hr", 5, "")
	orphan.Run = "no such run"
	if err := d.SavePull(t.Context(), []reconcile.PulledInput{pull("hr", 6, ""), orphan}); !errors.Is(err, ErrNotFound) {
		t.Errorf("pull of an unknown run: %v", err)
	}
	if got, _ := d.Pulls(t.Context(), night(9)); got[1].Observed != night(3) {
		t.Error("half of what could not be saved whole was saved")
	}
	verify(t, d)
}

func exercisePlans(t *testing.T, open opener) {
	d := open(t)
	if id, err := d.NewestPlan(t.Context()); id != "" || err != nil {
		t.Errorf("newest of none: %q, %v", id, err)
	}
	p := save(t, d, 1, idle("ana", reconcile.Ready))
	want := record("run-1", "plan-1", p)
	head := verify(t, d)
	if err := d.SavePlan(t.Context(), want, p); err != nil || verify(t, d) != head {
		t.Errorf("the same plan again: %v, and the ledger must not move", err)
	}
	other := want
	other.Digest = sum("other")
	if err := d.SavePlan(t.Context(), other, p); err == nil {
		t.Error("another plan of the same id was taken")
	}
	save(t, d, 2, idle("ana", reconcile.Ready))
	if got, err := d.Plan(t.Context(), "plan-1"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("plan: %v\n%s", err, cmp.Diff(want, got))
	}
	if id, err := d.NewestPlan(t.Context()); id != "plan-2" || err != nil {
		t.Errorf("newest: %q, %v", id, err)
	}
	if plans, err := d.Plans(t.Context(), 9); err != nil || len(plans) != 2 || plans[0].ID != "plan-2" {
		t.Errorf("plans: %v, %v", plans, err)
	}
	for range 2 {
		if err := d.MarkApplied(t.Context(), "plan-1", "run-1", night(1)); err != nil {
			t.Error(err)
		}
	}
	err := d.MarkApplied(t.Context(), "plan-1", "run-2", night(2))
	if applied, ok := errors.AsType[*AppliedError](err); !ok || applied.Run != "run-1" {
		t.Errorf("applied by another run: %v", err)
	}
	if err := d.MarkApplied(t.Context(), "plan-9", "run-2", night(2)); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown plan: %v", err)
	}
}

func exerciseRows(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 1, used("ana"), used("ben"), idle("cem", reconcile.Ready))
	fresh := seat{holder: "ben", verdict: reconcile.New}
	save(t, d, 2, used("ana"), fresh, used("cem"), used("dan"))
	type row struct {
		Holder  string `db:"holder"`
		Verdict string `db:"verdict"`
		Was     string `db:"was"`
		Kind    string `db:"kind"`
	}
	for plan, want := range map[string][]row{
		"plan-1": {{"cem", "idle", "", "revoke"}},
		"plan-2": {{"ben", "new", "in-use", "keep"}, {"cem", "in-use", "idle", "keep"}},
	} {
		var got []row
		if err := d.db.Select(&got, d.db.Rebind(`SELECT holder, verdict, was, kind FROM plan_rows WHERE plan = ? ORDER BY n`), plan); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, want) {
			t.Errorf("%s: %s", plan, cmp.Diff(want, got))
		}
	}
	actions, err := d.Actions(t.Context(), "plan-1")
	want := []StoredAction{{ID: idle("cem", 0).id(), Plan: "plan-1", Row: 2, Kind: reconcile.Revoke, State: reconcile.Cancelled,
		Planned: reconcile.Ready, Verdict: reconcile.Idle, Product: "figma-pro", Holder: "cem", Department: "Design",
		Source: "figma", Account: "cem", Login: "cem@example.com", Item: "sku-1", Due: facts.NoDay, Role: "manager",
		Exposure: 1250, Effective: facts.NoDay}}
	if err != nil || !cmp.Equal(actions, want) {
		t.Errorf("actions: %v\n%s", err, cmp.Diff(want, actions))
	}
}

// A person who is gone is remembered as long as the account is there, and while a source was not read whole.
func exerciseLinks(t *testing.T, open opener) {
	d := open(t)
	link := func(who string) facts.Link { return facts.Link{Source: "figma", Account: who, Person: who} }
	for n, c := range []struct {
		change func(*reconcile.Plan)
		want   []facts.Link
	}{
		{func(*reconcile.Plan) {}, []facts.Link{link("ana"), link("ben")}},
		{func(p *reconcile.Plan) { p.Accounts[0].Person = reconcile.NoPersonID }, []facts.Link{link("ana"), link("ben")}},
		{func(p *reconcile.Plan) { p.Accounts, p.Rows, p.Complete = p.Accounts[:1], p.Rows[:1], false },
			[]facts.Link{link("ana"), link("ben")}},
		{func(p *reconcile.Plan) { p.Accounts, p.Rows = p.Accounts[:1], p.Rows[:1] }, []facts.Link{link("ana")}},
	} {
		p := planned(t, n, used("ana"), used("ben"))
		c.change(p)
		run := fmt.Sprintf("run-%d", n)
		start(t, d, run, night(n))
		if err := d.SavePlan(t.Context(), record(run, fmt.Sprintf("plan-%d", n), p), p); err != nil {
			t.Fatal(err)
		}
		if prior, err := d.Prior(t.Context(), night(n)); err != nil || !cmp.Equal(prior.Linked, c.want) {
			t.Errorf("night %d: %v\n%s", n, err, cmp.Diff(c.want, prior.Linked))
		}
	}
}

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

func exerciseLease(t *testing.T, open opener) {
	a, b := open(t), open(t)
	first, err := a.Acquire(t.Context(), "ana on a", night(0), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Acquire(t.Context(), "ben on b", night(0).Add(30*time.Second), time.Minute)
	if held, ok := errors.AsType[*HeldError](err); !ok || !errors.Is(err, ErrHeld) || held.Who != "ana on a" || held.Since != night(0) {
		t.Errorf("second holder: %v", err)
	}
	if err := first.Renew(t.Context(), night(0).Add(50*time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Acquire(t.Context(), "ben on b", night(0).Add(100*time.Second), time.Minute); !errors.Is(err, ErrHeld) {
		t.Errorf("renewed, yet taken: %v", err)
	}
	second, err := b.Acquire(t.Context(), "ben on b", night(0).Add(110*time.Second), time.Minute)
	if err != nil || second.Epoch <= first.Epoch {
		t.Fatalf("expired, yet not taken: %v, %v", second, err)
	}
	if err := first.Renew(t.Context(), night(0).Add(111*time.Second)); !errors.Is(err, ErrFenced) {
		t.Errorf("renewed by its former holder: %v", err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Renew(t.Context(), night(0).Add(112*time.Second)); err != nil {
		t.Errorf("released by its former holder: %v", err)
	}
	if err := second.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	third, err := a.Acquire(t.Context(), "ana on a", night(0).Add(113*time.Second), time.Minute)
	if err != nil || third.Epoch <= second.Epoch {
		t.Errorf("released, yet not taken: %v, %v", third, err)
	}
}

// Several processes try again and again; never are two inside, and every epoch is given once.
func exerciseRacingForTheLease(t *testing.T, open opener) {
	var inside, taken atomic.Int32
	var epochs sync.Map
	var all sync.WaitGroup
	for n := range 4 {
		d := open(t)
		all.Go(func() {
			for range 15 {
				lease, err := d.Acquire(t.Context(), fmt.Sprint("process ", n), night(0), time.Hour)
				if errors.Is(err, ErrHeld) {
					time.Sleep(time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lease")
				}
				if _, twice := epochs.LoadOrStore(lease.Epoch, n); twice {
					t.Errorf("epoch %d was given twice", lease.Epoch)
				}
				taken.Add(1)
				inside.Add(-1)
				if err := lease.Release(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() == 0 {
		t.Error("nobody ever got it")
	}
}

// Wherever saving a plan stops, nothing of it is there, and the chain holds.
func exerciseCancelled(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 1, idle("ana", reconcile.Ready))
	var seats []seat
	for n := range 100 {
		seats = append(seats, idle(fmt.Sprint("person ", n), reconcile.Ready))
	}
	start(t, d, "run-2", night(2))
	head := verify(t, d)
	p := planned(t, 2, seats...)
	for _, after := range []int{1, 3, 6, 8} {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := &planWriter{plan: p, record: record("run-2", "plan-2", p)}
		err := d.write(ctx, "save plan", func(x *tx) error {
			w.tx = x
			for _, step := range w.steps()[:after] {
				if err := step(ctx); err != nil {
					return err
				}
			}
			cancel(errors.New("stopped"))
			return nil
		})
		if err == nil {
			t.Fatalf("stopped after %d steps, yet saved", after)
		}
		if got := verify(t, d); got != head {
			t.Errorf("stopped after %d steps: the ledger moved from %v to %v", after, head, got)
		}
		var rows int
		if err := d.db.Get(&rows, `SELECT (SELECT count(*) FROM plan_rows) + (SELECT count(*) FROM cases) + (SELECT count(*) FROM plans)`); err != nil || rows != 3 {
			t.Errorf("stopped after %d steps: %d rows, %v; want the first plan's 3", after, rows, err)
		}
	}
	if err := d.SavePlan(t.Context(), record("run-2", "plan-2", p), p); err != nil {
		t.Error(err)
	}
}

// What is personal is in the projections, where it can be overwritten, and not in the chain.
func exercisePrivacy(t *testing.T, open opener) {
	d := open(t)
	save(t, d, 1, idle("zoltan-k", reconcile.Ready))
	lease, _ := d.Acquire(t.Context(), "me", night(1), time.Hour)
	actions, _ := d.Actions(t.Context(), "plan-1")
	intent := intentOf(actions[0], "run-1", lease.Epoch)
	if ok, err := d.Claim(t.Context(), intent); !ok || err != nil {
		t.Fatal(ok, err)
	}
	err := errors.Join(
		d.Record(t.Context(), reconcile.Outcome{Action: intent.Action, Run: "run-1", Attempt: 1, State: reconcile.Done, Detail: "took it from zoltan-k"}),
		d.SavePull(t.Context(), []reconcile.PulledInput{{Run: "run-1", Source: "figma", Failure: "row of zoltan-k"}}),
		d.FinishRun(t.Context(), reconcile.Run{ID: "run-1", State: reconcile.RunDone, Error: "zoltan-k was odd"}))
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	if err := d.db.Select(&bodies, `SELECT body FROM ledger ORDER BY seq`); err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		if strings.Contains(body, "zoltan") || strings.Contains(body, intent.Action.String()) {
			t.Errorf("the chain knows who it was: %s", body)
		}
	}
	var c caseState
	if err := d.db.Get(&c, `SELECT salt, commitment FROM cases`); err != nil {
		t.Fatal(err)
	}
	if want := commitment(c.Salt, intent.Action.String(), "zoltan-k", "figma", "zoltan-k", "zoltan-k@example.com"); c.Commitment != want {
		t.Error("the commitment does not open to what the projection holds")
	}
	if !slices.ContainsFunc(bodies, func(b string) bool { return strings.Contains(b, c.Commitment) }) {
		t.Error("the chain does not know the case by its commitment")
	}
	verify(t, d)
}

var errUntouched = errors.New("not to be kept")

func exerciseTampering(t *testing.T, open opener) {
	d := open(t)
	for n := range 3 {
		save(t, d, n, idle("ana", reconcile.Ready)) // entries 1 to 7; the case is opened in 3
	}
	lease, err := d.Acquire(t.Context(), "me", night(1), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	actions, _ := d.Actions(t.Context(), "plan-2")
	ok, err := d.Claim(t.Context(), intentOf(actions[0], "run-2", lease.Epoch)) // 8
	if err := errors.Join(err,
		d.Record(t.Context(), reconcile.Outcome{Action: actions[0].ID, Run: "run-2", Attempt: 1, State: reconcile.Failed, Detail: "no"}),           // 9
		d.SavePull(t.Context(), []reconcile.PulledInput{{Run: "run-2", Source: "hr", Files: []facts.File{{Name: "hr.csv"}}}})); !ok || err != nil { // 10
		t.Fatal(ok, err)
	}
	head := verify(t, d)
	for _, statement := range []string{`UPDATE ledger SET body = '{}'`, `DELETE FROM ledger`} {
		if _, err := d.db.Exec(statement); err == nil {
			t.Errorf("%s was carried out", statement)
		}
	}
	for name, c := range map[string]struct {
		statements []string
		seq        int64
	}{
		"changed":          {[]string{`UPDATE ledger SET body = replace(body, 'run', 'ran') WHERE seq = 2`}, 2},
		"other time":       {[]string{`UPDATE ledger SET at = at + 1 WHERE seq = 2`}, 2},
		"missing":          {[]string{`DELETE FROM ledger WHERE seq = 4`}, 4},
		"first missing":    {[]string{`DELETE FROM ledger WHERE seq = 1`}, 1},
		"cut off":          {[]string{`DELETE FROM ledger WHERE seq = 10`}, 10},
		"run":              {[]string{`UPDATE runs SET who = 'somebody' WHERE id = 'run-1'`}, 4},
		"pull":             {[]string{`UPDATE pulls SET row_count = 7`}, 10},
		"file of a pull":   {[]string{`UPDATE pull_files SET name = 'other.csv'`}, 10},
		"plan":             {[]string{`UPDATE plans SET snapshot = policy WHERE id = 'plan-0'`}, 2},
		"intent":           {[]string{`UPDATE intents SET account = 'ben'`}, 8},
		"what stood there": {[]string{`UPDATE intents SET before = '[]'`}, 8},
		"outcome":          {[]string{`UPDATE outcomes SET detail = 'yes'`}, 9},
		"outcome removed":  {[]string{`DELETE FROM outcomes`}, 10},
		"state of a case":  {[]string{`UPDATE cases SET state = 'done'`}, 9},
		"holder of a case": {[]string{`UPDATE cases SET holder = 'ben'`}, 9},
		"reordered": {[]string{`UPDATE ledger SET seq = 99 WHERE seq = 2`, `UPDATE ledger SET seq = 2 WHERE seq = 3`,
			`UPDATE ledger SET seq = 3 WHERE seq = 99`}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			err := d.transact(t.Context(), nil, func(x *tx) error {
				statements := append([]string{`PRAGMA defer_foreign_keys = 1`, `DROP TRIGGER ledger_no_update`, `DROP TRIGGER ledger_no_delete`}, c.statements...)
				for _, s := range statements {
					if _, err := x.exec(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				}
				end, told, err := x.walk(t.Context())
				if err == nil {
					err = x.tie(t.Context(), end, told)
				}
				return errors.Join(err, errUntouched) // what was tampered with is rolled back
			})
			if fault, ok := errors.AsType[*ChainError](err); !ok || fault.Seq != c.seq {
				t.Errorf("%v; want an error of entry %d", err, c.seq)
			}
		})
	}
	if verify(t, d) != head {
		t.Error("the ledger itself was changed")
	}
}

func TestOpenExplainsItself(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "text.db"), strings.Repeat("this is no database ", 100))
	for dsn, want := range map[string]string{
		"postgres://me@host/db": "PostgreSQL", "sqlite:": "not a store", "trueup.db": "not a store", "sqlite:text.db": "not a database",
		"sqlite:.": "directory", "sqlite:text.db/x.db": "directory",
	} {
		_, err := Open(t.Context(), dsn, Options{Dir: dir})
		if fault, ok := errors.AsType[*Error](err); !ok || fault.Hint == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("open %s: %v; want an error about %q, with a hint", dsn, err, want)
		}
	}
}
