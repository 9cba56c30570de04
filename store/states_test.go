package store

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/reconcile"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// The table in docs/states.md is the one that the store enforces.
func TestStatesAreDocumented(t *testing.T) {
	const path, begin, end = "../docs/states.md", "<!-- table -->\n", "<!-- end -->\n"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table between %q and %q", path, begin, end)
	}
	var want bytes.Buffer
	if err := WriteStates(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, path, before+begin+want.String()+end+after)
	} else if have != want.String() {
		t.Errorf("%s is out of date; run this test with -update:\n%s", path, want.String())
	}
}

func TestTransitionLaws(t *testing.T) {
	ended := []reconcile.State{reconcile.Done, reconcile.Rejected, reconcile.Undone}
	for _, from := range reconcile.States() {
		for _, to := range reconcile.States() {
			if Allowed(ByClaim, from, to) && (from != reconcile.Ready || to != reconcile.Sent) {
				t.Errorf("a claim moves %s to %s", from, to)
			}
			for cause := ByPlan; cause <= ByEnd; cause++ {
				if to == reconcile.Sent && cause != ByClaim && Allowed(cause, from, to) {
					t.Errorf("%s sends what is %s without an intent", cause, from)
				}
			}
			if Allowed(ByPlan, from, to) && (from == reconcile.Sent || slices.Contains(ended, from)) {
				t.Errorf("a plan moves %s to %s", from, to)
			}
			if to == reconcile.Done && Allowed(ByOutcome, from, to) && from != reconcile.Sent && from != reconcile.Manual {
				t.Errorf("%s becomes done", from)
			}
		}
	}
}

// model is what one holder's case should be.
type model struct {
	state    reconcile.State
	attempt  int
	claimed  bool
	proposed bool
	exists   bool
	last     reconcile.Outcome
}

// Whatever plans, claims and outcomes come in whatever order, the store's states are the model's: only allowed moves
// happen, nothing is claimed twice, and the ledger verifies.
func TestCasesFollowTheTable(t *testing.T) {
	dir := t.TempDir()
	databases := 0
	rapid.Check(t, func(r *rapid.T) {
		databases++
		d, err := Open(t.Context(), fmt.Sprintf("sqlite:%d.db", databases), Options{Dir: dir})
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = d.Close() }()
		lease, err := d.Acquire(t.Context(), "me", night(0), 1000*time.Hour)
		if err != nil {
			r.Fatal(err)
		}
		people := map[string]*model{"ana": {}, "ben": {}}
		holder, state := rapid.SampledFrom([]string{"ana", "ben"}), rapid.SampledFrom(reconcile.States())
		n := 0
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "step") {
			case 0, 1:
				n++
				planStep(t, r, d, n, people)
			case 2:
				who := holder.Draw(r, "holder")
				claimStep(t, r, d, n, lease, who, people[who])
			case 3:
				who := holder.Draw(r, "holder")
				recordStep(t, r, d, n, who, people[who], state.Draw(r, "state"))
			}
			check(t, r, d, people)
		}
	})
}

func planStep(t *testing.T, r *rapid.T, d *DB, n int, people map[string]*model) {
	var seats []seat
	for _, who := range []string{"ana", "ben"} {
		m := people[who]
		if proposes := rapid.Bool().Draw(r, who+" is proposed"); !proposes {
			if m.proposed && m.state != reconcile.Sent {
				m.proposed = false
				if slices.Contains(waiting, m.state) {
					m.state = reconcile.Cancelled
				}
			}
			seats = append(seats, used(who))
			continue
		}
		to := rapid.SampledFrom(waiting).Draw(r, who+" becomes")
		if !m.proposed || Allowed(ByPlan, m.state, to) {
			m.state = to
		}
		m.proposed, m.exists = true, true
		seats = append(seats, idle(who, to))
	}
	save(t, d, n, seats...)
}

func claimStep(t *testing.T, r *rapid.T, d *DB, n int, lease *Lease, who string, m *model) {
	in := reconcile.Intent{Action: idle(who, 0).id(), Plan: fmt.Sprintf("plan-%d", n), Run: fmt.Sprintf("run-%d", n),
		Epoch: lease.Epoch, Attempt: m.attempt + 1, Kind: reconcile.Revoke}
	ok, err := d.Claim(t.Context(), in)
	want := m.proposed && m.state == reconcile.Ready
	if ok != want || (err == nil) != m.exists {
		r.Fatalf("claim of %s, who is %s: %v, %v; want %v", who, m.state, ok, err, want)
	}
	if ok {
		m.state, m.claimed = reconcile.Sent, true
		m.attempt++
	}
}

func recordStep(t *testing.T, r *rapid.T, d *DB, n int, who string, m *model, to reconcile.State) {
	o := reconcile.Outcome{Action: idle(who, 0).id(), Run: fmt.Sprintf("run-%d", n), Attempt: m.attempt, State: to}
	err := d.Record(t.Context(), o)
	still := m.claimed && to == reconcile.Sent
	allowed := m.exists && (still || Allowed(ByOutcome, m.state, to))
	again := m.exists && m.last.State == to && m.last.Attempt == m.attempt && m.last.Run != "" // the same outcome twice
	if (err == nil) != (allowed || again) {
		r.Fatalf("%s from %s to %s: %v; allowed %v, again %v", who, m.state, to, err, allowed, again)
	}
	if allowed {
		m.last = o
		if !still {
			m.state, m.claimed = to, false
		}
	}
}

func check(t *testing.T, r *rapid.T, d *DB, people map[string]*model) {
	var rows []struct {
		Holder string `db:"holder"`
		State  string `db:"state"`
		Open   bool   `db:"open"`
		Sent   int    `db:"sent"`
	}
	if err := d.db.Select(&rows, `SELECT holder, state, ended IS NULL AS open,
		(SELECT count(*) FROM intents i WHERE i.action = cases.id AND pending = 1) AS sent FROM cases`); err != nil {
		r.Fatal(err)
	}
	for _, row := range rows {
		m := people[row.Holder]
		if row.State != m.state.String() || row.Open != m.proposed || (row.Sent == 1) != m.claimed {
			r.Fatalf("%s is %s, open %v, %d intents; want %s, %v, %v", row.Holder, row.State, row.Open, row.Sent, m.state,
				m.proposed, m.claimed)
		}
	}
	if _, err := d.VerifyLedger(t.Context()); err != nil {
		r.Fatal(err)
	}
}
