package store

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"trueup/facts"
	"trueup/reconcile"
)

// night is the instant of the n-th night of the tests.
func night(n int) facts.Instant {
	return facts.At(time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)).Add(time.Duration(n) * 24 * time.Hour)
}

func sum(text string) facts.Digest { return sha256.Sum256([]byte(text)) }

// seat is one row of a test's plan.
type seat struct {
	holder  string
	verdict reconcile.Verdict
	kind    reconcile.ActionKind
	state   reconcile.State
	path    string // "" is direct
	clock   int    // start of the clock: another one makes another case
}

func (s seat) id() facts.Digest { return sum(fmt.Sprint(s.holder, s.kind, s.clock)) }

// idle is a seat that waits to be revoked.
func idle(holder string, state reconcile.State) seat {
	return seat{holder: holder, verdict: reconcile.Idle, kind: reconcile.Revoke, state: state}
}

// used is a seat that is kept.
func used(holder string) seat { return seat{holder: holder, verdict: reconcile.InUse} }

// planned makes a plan with these rows; each holder has an account of the same name at figma.
func planned(t testing.TB, n int, seats ...seat) *reconcile.Plan {
	t.Helper()
	people := facts.NewObservation("figma", facts.FeedPeople, night(n))
	observed := facts.NewObservation("figma", facts.FeedSeats, night(n))
	observed.Rows = int64(len(seats))
	for _, s := range seats {
		people.AddPerson(&facts.Person{ID: s.holder, Email: s.holder + "@example.com", Department: "Design"})
		observed.AddSeat(facts.Seat{Account: []byte(s.holder), Product: []byte("sku-1"), Path: []byte(s.path)})
	}
	snapshot, err := facts.Freeze(facts.Frame{Organisation: "Example", Calendar: facts.NewCalendar(time.UTC), AsOf: night(n),
		Sources: []facts.Source{{Name: "figma", Kind: "csv", Writes: true}}}, []*facts.Observation{people, observed})
	if err != nil {
		t.Fatal(err)
	}
	p := &reconcile.Plan{AsOf: night(n), Complete: true, Mode: reconcile.Act, Snapshot: snapshot, Rules: []string{"reclaim[0]"}, Worths: []reconcile.Money{{Exposure: 1250, Effective: facts.NoDay}},
		Catalogue: &reconcile.Catalogue{Products: []reconcile.Product{{ID: "figma-pro"}, {ID: "figma-view"}}}}
	for k, s := range seats {
		sym := snapshot.People.ID[k]
		p.People = append(p.People, reconcile.Person{ID: sym, Row: int32(k)})
		p.Accounts = append(p.Accounts, reconcile.Account{Key: sym, Login: snapshot.People.Email[k], Person: reconcile.PersonID(k),
			Holder: sym})
		p.SeatPaths = append(p.SeatPaths, int32(k))
		row := reconcile.Row{Person: reconcile.PersonID(k), Account: reconcile.AccountID(k), Verdict: s.verdict, Rule: 0,
			Path: uint32(k), Held: true,
			Reasons: reconcile.ReasonSet(0).With(reconcile.RecentUse), IdleDays: 12, LastUse: night(n - 12), Action: -1,
			Due: facts.NoDay, Covering: reconcile.NoProductID}
		if s.kind != reconcile.Keep {
			row.Action = int32(len(p.Actions))
			p.Actions = append(p.Actions, reconcile.Action{Row: int32(k), ID: s.id(), Kind: s.kind, State: s.state,
				To: reconcile.NoProductID, Due: facts.NoDay, Role: "manager", Item: "sku-1"})
		}
		p.Rows = append(p.Rows, row)
	}
	p.Totals.Rows, p.Totals.Seats, p.Totals.People = len(seats), len(seats), len(seats)
	return p
}

// record is the record of a plan made by run.
func record(run, id string, p *reconcile.Plan) reconcile.PlanRecord {
	p.ID, p.Digest = id, sum(id)
	return reconcile.PlanRecord{ID: id, Run: run, AsOf: p.AsOf, Made: p.AsOf.Add(time.Minute), Digest: p.Digest,
		Decisions: sum("decisions " + id), Snapshot: sum("snapshot"), Policy: sum("policy"), Products: sum("products"),
		Options: sum("options"), Config: sum("config"), Rows: sum("rows"), Mode: reconcile.Act, Build: "test"}
}

// start starts a run of that name.
func start(t testing.TB, d *DB, id string, at facts.Instant) {
	t.Helper()
	if err := d.StartRun(t.Context(), reconcile.Run{ID: id, Kind: "run", Started: at, AsOf: at, Who: "ops@host", Build: "test"}); err != nil {
		t.Fatal(err)
	}
}

// save starts a run for the n-th night and stores a plan "plan-n" in it.
func save(t testing.TB, d *DB, n int, seats ...seat) *reconcile.Plan {
	t.Helper()
	run, p := fmt.Sprintf("run-%d", n), planned(t, n, seats...)
	start(t, d, run, night(n))
	if err := d.SavePlan(t.Context(), record(run, fmt.Sprintf("plan-%d", n), p), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// states returns the present state of each holder's action in a plan.
func states(t testing.TB, d *DB, plan string) map[string]reconcile.State {
	t.Helper()
	actions, err := d.Actions(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]reconcile.State{}
	for _, a := range actions {
		found[a.Holder] = a.State
	}
	return found
}

// What is not known of a position stays unknown, which zero is not.
func TestPositionsAreStored(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			dsn, dir := store(t)
			d := opening(dsn, dir)(t)
			start(t, d, "run", night(0))
			p := planned(t, 0, used("ana"))
			peak, full, needed, less := int64(40), int64(0), int64(44), int64(6)
			p.Positions = []reconcile.Position{{Pool: "floating", Peak: &peak, DaysAtLimit: &full, Needed: &needed, Reducible: &less,
				Notice: facts.NoDay, Ends: facts.NoDay}, {Pool: "named", Notice: facts.NoDay, Ends: facts.NoDay}}
			if err := d.SavePlan(t.Context(), record("run", "plan", p), p); err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := d.db.Select(&got, `SELECT pool || coalesce(' ' || peak || ' ' || days_at_limit || ' ' || needed || ' ' || reducible, '')
				FROM positions WHERE plan = 'plan' ORDER BY n`); err != nil {
				t.Fatal(err)
			}
			if want := []string{"floating 40 0 44 6", "named"}; !slices.Equal(got, want) {
				t.Errorf("stored %q, want %q", got, want)
			}
		})
	}
}
