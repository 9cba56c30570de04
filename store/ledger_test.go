package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trueup/facts"
	"trueup/reconcile"
)

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

// tamper is what lets somebody with every right change what is protected.
var tamper = map[string][]string{
	"sqlite":   {`PRAGMA defer_foreign_keys = 1`, `DROP TRIGGER ledger_no_update`, `DROP TRIGGER ledger_no_delete`},
	"postgres": {`SET LOCAL session_replication_role = replica`},
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
			err := d.transact(t.Context(), d.dialect.writing, func(x *tx) error {
				for _, s := range append(tamper[d.dialect.driver], c.statements...) {
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
