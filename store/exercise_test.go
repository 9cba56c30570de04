package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/store/storetest"
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
		"approval":                 exerciseApproval,
		"looking back":             exerciseLookingBack,
		"incomplete":               exerciseIncomplete,
		"claim and record":         exerciseClaim,
		"outcomes":                 exerciseOutcomes,
		"prior":                    exercisePrior,
		"lease":                    exerciseLease,
		"lease of two":             exerciseRacingForTheLease,
		"slots":                    exerciseSlots,
		"slots of the gone":        exerciseSlotsOfTheGone,
		"slots of five":            exerciseRacingForSlots,
		"figures":                  exerciseFigures,
		"holder":                   exerciseHolder,
		"cancelled":                exerciseCancelled,
		"nothing personal chained": exercisePrivacy,
		"tampering":                exerciseTampering,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func TestSQLite(t *testing.T) {
	exercise(t, func(t testing.TB) opener { return opening("sqlite:var/trueup.db", t.TempDir()) })
}

func TestPostgres(t *testing.T) {
	exercise(t, func(t testing.TB) opener { return opening(storetest.Postgres(t), "") })
}

// opening opens one store once more each time.
func opening(dsn, dir string) opener {
	return func(t testing.TB) *DB {
		t.Helper()
		d, err := Open(t.Context(), dsn, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
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

func TestOpenExplainsItself(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "text.db"), strings.Repeat("this is no database ", 100))
	for dsn, want := range map[string]string{
		"sqlite:": "neither", "trueup.db": "neither", "mysql://me@host/db": "neither", "sqlite:text.db": "not a database",
		"sqlite:.": "directory", "sqlite:text.db/x.db": "directory",
	} {
		_, err := Open(t.Context(), dsn, Options{Dir: dir})
		if fault, ok := errors.AsType[*Error](err); !ok || fault.Hint == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("open %s: %v; want an error about %q, with a hint", dsn, err, want)
		}
	}
}
