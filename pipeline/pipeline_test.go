package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/connectors"
	"trueup/facts"
	"trueup/reconcile"
)

var night = facts.At(time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC))

// driver is a source with one feed of text lines "id", one person each.
type driver struct {
	name  string
	text  string
	err   error // after what was read
	dead  bool  // nothing is read at all
	begun chan struct{}
}

func (d *driver) Feeds() []facts.Feed { return []facts.Feed{facts.FeedPeople} }

func (d *driver) Pull(ctx context.Context, p connectors.Pull) (*facts.Observation, error) {
	if d.begun != nil {
		close(d.begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if d.dead {
		return nil, d.err
	}
	text := d.text
	if p.Archived != nil {
		r, err := p.Archived[0].Open(ctx)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	w, err := p.Raw.Create(ctx, d.name+".txt")
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	sum, size, err := w.Commit()
	if err != nil {
		return nil, err
	}
	o := facts.NewObservation(d.name, p.Feed, p.Observed)
	for _, id := range strings.Fields(text) {
		o.AddPerson(&facts.Person{ID: id, Kind: facts.Employee, Status: facts.Active, Hired: facts.NoDay, Left: facts.NoDay,
			LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant})
		o.Rows++
	}
	o.Files = []facts.File{{Name: d.name + ".txt", SHA256: sum, Bytes: size, Rows: o.Rows}}
	return o, d.err
}

// memory is a ledger of pulls and an archive.
type memory struct {
	Ledger
	mu      sync.Mutex
	pulls   []reconcile.PulledInput
	objects map[facts.Digest][]byte

	attempts map[facts.Digest]int // earlier ones, by action
	claimed  []reconcile.Intent
	outcomes []reconcile.Outcome
}

func (m *memory) OpenIntents(context.Context) ([]reconcile.Intent, error) { return nil, nil }

func (m *memory) Attempts(context.Context, string) (map[facts.Digest]int, error) {
	return m.attempts, nil
}

func (m *memory) Claim(_ context.Context, in reconcile.Intent) (bool, error) {
	m.claimed = append(m.claimed, in)
	return true, nil
}

func (m *memory) Record(_ context.Context, out reconcile.Outcome) error {
	m.outcomes = append(m.outcomes, out)
	return nil
}

func (m *memory) SavePull(_ context.Context, pulls []reconcile.PulledInput) error {
	m.pulls = append(m.pulls, pulls...)
	return nil
}

func (m *memory) Pulls(context.Context, facts.Instant) ([]reconcile.PulledInput, error) {
	return m.pulls, nil
}

func (m *memory) Prior(context.Context, facts.Instant) (facts.Prior, error) {
	return facts.Prior{}, nil
}

func (m *memory) Create(context.Context, string) (connectors.RawWriter, error) {
	return &object{memory: m}, nil
}

func (m *memory) Keep(ctx context.Context, name string) (connectors.RawWriter, error) {
	return m.Create(ctx, name)
}

func (m *memory) Open(_ context.Context, f facts.File) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[f.SHA256]
	if !ok {
		return nil, fmt.Errorf("%s is not in the archive", f.Name)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

type object struct {
	memory *memory
	bytes.Buffer
}

func (o *object) Commit() (facts.Digest, int64, error) {
	sum := facts.Digest(sha256.Sum256(o.Bytes()))
	o.memory.mu.Lock()
	defer o.memory.mu.Unlock()
	o.memory.objects[sum] = bytes.Clone(o.Bytes())
	return sum, int64(o.Len()), nil
}

func (o *object) Abort() {}

type silence struct{}

func (silence) Step(string) func() { return func() {} }
func (silence) Bytes(int64, int64) {}

func lineOf(drivers ...*driver) (*Line, *memory) {
	m := &memory{objects: map[facts.Digest][]byte{}}
	l := &Line{Organisation: "Test", Calendar: facts.NewCalendar(time.UTC), Ledger: m, Archive: m, Progress: silence{},
		Now: func() facts.Instant { return night }, Workers: 2}
	for _, d := range drivers {
		l.Sources = append(l.Sources, Source{Name: d.name, Driver: d, Descriptor: connectors.Descriptor{Kind: "test"}})
	}
	return l, m
}

func TestOneFailingFeedLeavesTheOthers(t *testing.T) {
	torn := &connectors.Error{Class: connectors.Incomplete, Reason: "ends in the middle of a row"}
	gone := &connectors.Error{Class: connectors.Permanent, Reason: "no such file"}
	l, m := lineOf(&driver{name: "good", text: "E1 E2"}, &driver{name: "torn", text: "E3", err: torn}, &driver{name: "gone", err: gone, dead: true})
	observations, faults, err := l.Pull(t.Context(), "run-1", night, night)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		complete bool
		rows     int64
	}{"good": {true, 2}, "torn": {false, 1}, "gone": {false, 0}}
	for _, o := range observations {
		if w := want[o.Source]; o.Complete != w.complete || o.Rows != w.rows || o.Complete == (o.Failure != "") {
			t.Errorf("%s: complete %v, %d rows, failure %q; want %v, %d", o.Source, o.Complete, o.Rows, o.Failure, w.complete, w.rows)
		}
	}
	if len(faults) != 2 || faults[0].Source != "gone" || !faults[0].Failed() || faults[1].Failed() {
		t.Errorf("faults %v; want gone, which failed, and torn, which did not", faults)
	}
	if len(m.pulls) != 3 {
		t.Errorf("%d pulls recorded, want 3", len(m.pulls))
	}
}

func TestPullOfNamedSourcesOnly(t *testing.T) {
	l, _ := lineOf(&driver{name: "a", text: "E1"}, &driver{name: "b", text: "E2"})
	observations, _, err := l.Pull(t.Context(), "run-1", night, night, "b")
	if err != nil || len(observations) != 1 || observations[0].Source != "b" {
		t.Errorf("%d observations, error %v; want that of b", len(observations), err)
	}
}

func TestReplayReadsTheArchiveAndForgetsNothing(t *testing.T) {
	torn := &driver{name: "torn", text: "E3", err: &connectors.Error{Class: connectors.Incomplete, Reason: "torn"}}
	good := &driver{name: "good", text: "E1 E2"}
	l, _ := lineOf(good, torn)
	if _, _, err := l.Pull(t.Context(), "run-1", night, night); err != nil {
		t.Fatal(err)
	}
	good.text, torn.err = "someone else", nil // the sources have moved on
	later := &driver{name: "later", text: "E9"}
	l.Sources = append(l.Sources, Source{Name: "later", Driver: later})
	observations, faults, err := l.Replay(t.Context(), night)
	if err != nil {
		t.Fatal(err)
	}
	bySource := map[string]*facts.Observation{}
	for _, o := range observations {
		bySource[o.Source] = o
	}
	if o := bySource["good"]; !o.Complete || o.Rows != 2 || o.Strings.Text(o.People.ID[0]) != "E1" {
		t.Errorf("good: complete %v, %d rows; want what was archived", o.Complete, o.Rows)
	}
	if o := bySource["torn"]; o.Complete || o.Failure == "" {
		t.Errorf("torn reads as complete the second time: what was missing then is still missing")
	}
	if o := bySource["later"]; o.Complete || len(faults) != 1 || faults[0].Source != "later" {
		t.Errorf("a feed that was never pulled: complete %v, faults %v", o.Complete, faults)
	}
}

func TestReplayOfAMissingObjectIsAFault(t *testing.T) {
	l, m := lineOf(&driver{name: "good", text: "E1"})
	if _, _, err := l.Pull(t.Context(), "run-1", night, night); err != nil {
		t.Fatal(err)
	}
	clear(m.objects)
	observations, faults, err := l.Replay(t.Context(), night)
	if err != nil || len(faults) != 1 || observations[0].Complete {
		t.Errorf("faults %v, error %v; want one fault and nothing complete", faults, err)
	}
}

func TestInterruptedPullEndsSoon(t *testing.T) {
	slow := &driver{name: "slow", begun: make(chan struct{})}
	l, m := lineOf(slow, &driver{name: "good", text: "E1"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-slow.begun; cancel() }()
	if _, _, err := l.Pull(ctx, "run-1", night, night); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
	if len(m.pulls) != 0 {
		t.Errorf("%d pulls recorded of an interrupted run, want none", len(m.pulls))
	}
}

// planned is a plan with one action for ana at entra for each of kinds, which all wait in the given states.
func planned(kinds []reconcile.ActionKind, states []reconcile.State) *reconcile.Plan {
	strings := facts.NewStrings()
	plan := &reconcile.Plan{ID: "p", Snapshot: &facts.Snapshot{Strings: strings, Sources: []facts.Source{{Name: "entra"}}},
		Catalogue: &reconcile.Catalogue{Products: []reconcile.Product{{ID: "e3"}}}}
	for n, kind := range kinds {
		plan.Rows = append(plan.Rows, reconcile.Row{Person: reconcile.NoPersonID, Account: 0, Action: int32(n)})
		plan.Actions = append(plan.Actions, reconcile.Action{Row: int32(n), ID: facts.Digest{byte(n)}, Kind: kind, State: states[n], Item: "sku"})
	}
	login := strings.InternString("ana@example.com")
	plan.Accounts = []reconcile.Account{{Key: login, Login: login, Person: reconcile.NoPersonID, Holder: login}}
	return plan
}

func TestWhatFreesASeatGoesFirst(t *testing.T) {
	plan := planned([]reconcile.ActionKind{reconcile.Issue, reconcile.Revoke, reconcile.Review, reconcile.Revoke, reconcile.Upgrade, reconcile.Downgrade},
		[]reconcile.State{reconcile.Ready, reconcile.Ready, reconcile.Proposed, reconcile.Withheld, reconcile.Ready, reconcile.Ready})
	var kinds []reconcile.ActionKind
	for _, in := range Intents(plan, "run-1", 7) {
		kinds = append(kinds, in.Kind)
		if in.Epoch != 7 || in.Run != "run-1" || in.Login != "ana@example.com" {
			t.Errorf("intent %+v", in)
		}
	}
	want := fmt.Sprint([]reconcile.ActionKind{reconcile.Revoke, reconcile.Downgrade, reconcile.Issue, reconcile.Upgrade})
	if fmt.Sprint(kinds) != want {
		t.Errorf("order %v, want %s: only what is ready, and first what frees a seat", kinds, want)
	}
}

// TestWhatWaitsForASeatGoesLast: in the order in which it is served, each with the product and pool of its seat.
func TestWhatWaitsForASeatGoesLast(t *testing.T) {
	ready := reconcile.Ready
	plan := planned([]reconcile.ActionKind{reconcile.Issue, reconcile.Issue, reconcile.Downgrade, reconcile.Revoke, reconcile.Issue},
		[]reconcile.State{ready, ready, ready, ready, ready})
	plan.Catalogue.Products = append(plan.Catalogue.Products, reconcile.Product{ID: "e5"})
	for n := range plan.Rows {
		plan.Rows[n].Kind, plan.Rows[n].To = plan.Actions[n].Kind, reconcile.NoProductID
	}
	plan.Rows[2].Product, plan.Rows[2].To = 1, 0
	plan.Actions[0].After, plan.Actions[1].After, plan.Actions[2].After = 3, 2, 1
	var got []string
	for _, in := range Intents(plan, "run-1", 7) {
		got = append(got, fmt.Sprintf("%d %s frees %q takes %q after %d", in.Action[0], in.Kind, in.Frees, in.Takes, in.After))
	}
	want := []string{`3 revoke frees "e3 " takes "" after 0`, `4 issue frees "" takes "e3 " after 0`, `2 downgrade frees "e5 " takes "e3 " after 1`,
		`1 issue frees "" takes "e3 " after 2`, `0 issue frees "" takes "e3 " after 3`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAttemptsAreNumberedByTheLedger carries out an action that was tried twice before.
func TestAttemptsAreNumberedByTheLedger(t *testing.T) {
	l, m := lineOf()
	l.Sources = []Source{{Name: "entra", Driver: &vendor{held: []connectors.Seat{{Product: "sku"}}}, Writes: true}}
	m.attempts = map[facts.Digest]int{{0}: 2}
	outcomes, err := l.Carry(t.Context(), planned([]reconcile.ActionKind{reconcile.Revoke}, []reconcile.State{reconcile.Ready}), "run-3", 7, false)
	if err != nil || len(outcomes) != 1 || outcomes[0].State != reconcile.Done {
		t.Fatalf("outcomes %v, error %v; want one, done", outcomes, err)
	}
	if m.claimed[0].Attempt != 3 || m.outcomes[0].Attempt != 3 {
		t.Errorf("attempt %d claimed, %d recorded; want the third", m.claimed[0].Attempt, m.outcomes[0].Attempt)
	}
}

// vendor is a source whose one account can lose its seats.
type vendor struct {
	driver
	held []connectors.Seat
}

func (v *vendor) Probe(context.Context, string, string) ([]connectors.Seat, error) {
	return v.held, nil
}

func (v *vendor) Revoke(context.Context, connectors.Seat, string) (connectors.Receipt, error) {
	v.held = nil
	return connectors.Receipt{Request: "r-1"}, nil
}
