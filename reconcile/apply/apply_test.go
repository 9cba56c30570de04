package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/facts"
	"trueup/reconcile"
)

// vendor is a stateful fake: accounts hold items, every effect is counted, and calls may go wrong in the ways that real
// ones do.
type vendor struct {
	items   map[string][]string
	effects int
	// faults are used up one a call to Do.
	faults []fault
	blind  int // so many reads fail first
}

type fault int

const (
	fine       fault = iota
	lostCall         // the request never arrives
	lostReply        // the effect happens, the reply is lost
	refused          // the vendor says no
	emptyWords       // the vendor says yes and does nothing
)

var errLost = errors.New("connection lost")

func (v *vendor) Items(_ context.Context, in reconcile.Intent) ([]string, error) {
	if v.blind > 0 {
		v.blind--
		return nil, errLost
	}
	return slices.Clone(v.items[in.Account]), nil
}

func (v *vendor) Do(_ context.Context, in reconcile.Intent) (Receipt, error) {
	f := fine
	if len(v.faults) > 0 {
		f, v.faults = v.faults[0], v.faults[1:]
	}
	switch f {
	case lostCall:
		return Receipt{}, errLost
	case refused:
		return Receipt{}, fmt.Errorf("inherited from a group: %w", ErrRefused)
	case emptyWords:
		return Receipt{Request: "r-0"}, nil
	}
	v.effects++
	items := v.items[in.Account]
	if in.Kind != reconcile.Issue {
		items = slices.DeleteFunc(slices.Clone(items), func(s string) bool { return s == in.Item })
	}
	if in.ToItem != "" {
		items = append(items, in.ToItem)
	}
	v.items[in.Account] = items
	if f == lostReply {
		return Receipt{}, errLost
	}
	return Receipt{Request: "r-1"}, nil
}

// ledger keeps intents and outcomes in memory and can break on demand.
type ledger struct {
	intents  map[facts.Digest]reconcile.Intent
	outcomes map[facts.Digest]reconcile.Outcome
	crash    bool // Record fails, as if the process died before it
}

func newLedger() *ledger {
	return &ledger{intents: map[facts.Digest]reconcile.Intent{}, outcomes: map[facts.Digest]reconcile.Outcome{}}
}

var errCrash = errors.New("power cut")

func (l *ledger) Claim(_ context.Context, in reconcile.Intent) (bool, error) {
	if _, open := l.intents[in.Action]; open {
		return false, nil
	}
	l.intents[in.Action] = in
	return true, nil
}

func (l *ledger) Record(_ context.Context, out reconcile.Outcome) error {
	if l.crash {
		return errCrash
	}
	l.outcomes[out.Action] = out
	if out.State != reconcile.Sent {
		delete(l.intents, out.Action)
	}
	return nil
}

func (l *ledger) open() []reconcile.Intent {
	var open []reconcile.Intent
	for _, in := range l.intents {
		open = append(open, in)
	}
	return open
}

func applier(l Ledger, e Effector) *Applier {
	now := facts.At(time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC))
	return &Applier{Ledger: l, Effector: e, Now: func() facts.Instant { return now },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func intent(kind reconcile.ActionKind, item, to string) reconcile.Intent {
	return reconcile.Intent{Action: facts.Digest{byte(kind)}, Kind: kind, Account: "ana", Item: item, ToItem: to}
}

func TestOneAction(t *testing.T) {
	for _, c := range []struct {
		name    string
		intent  reconcile.Intent
		holds   []string
		faults  []fault
		want    reconcile.State
		already bool
		effects int
		after   []string
	}{
		{"revoke", intent(reconcile.Revoke, "e5", ""), []string{"e5", "visio"}, nil, reconcile.Done, false, 1, []string{"visio"}},
		{"revoke what is gone", intent(reconcile.Revoke, "e5", ""), []string{"visio"}, nil, reconcile.Done, true, 0, []string{"visio"}},
		{"downgrade is one swap", intent(reconcile.Downgrade, "e5", "e3"), []string{"e5"}, nil, reconcile.Done, false, 1, []string{"e3"}},
		{"downgrade of what is gone", intent(reconcile.Downgrade, "e5", "e3"), nil, nil, reconcile.Cancelled, false, 0, nil},
		{"issue", intent(reconcile.Issue, "", "e3"), nil, nil, reconcile.Done, false, 1, []string{"e3"}},
		{"issue what is held", intent(reconcile.Issue, "", "e3"), []string{"e3"}, nil, reconcile.Done, true, 0, []string{"e3"}},
		{"lost call", intent(reconcile.Revoke, "e5", ""), []string{"e5"}, []fault{lostCall}, reconcile.Failed, false, 0, []string{"e5"}},
		{"lost reply", intent(reconcile.Issue, "", "e3"), nil, []fault{lostReply}, reconcile.Done, false, 1, []string{"e3"}},
		{"refused", intent(reconcile.Revoke, "e5", ""), []string{"e5"}, []fault{refused}, reconcile.Failed, false, 0, []string{"e5"}},
		{"success without effect", intent(reconcile.Revoke, "e5", ""), []string{"e5"}, []fault{emptyWords}, reconcile.Failed, false, 0, []string{"e5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &vendor{items: map[string][]string{"ana": c.holds}, faults: c.faults}
			l := newLedger()
			outcomes, err := applier(l, v).Run(t.Context(), []reconcile.Intent{c.intent})
			if err != nil {
				t.Fatal(err)
			}
			got := outcomes[0]
			if got.State != c.want || got.Already != c.already {
				t.Errorf("outcome %s, already %v (%s); want %s, %v", got.State, got.Already, got.Detail, c.want, c.already)
			}
			if v.effects != c.effects || !slices.Equal(v.items["ana"], c.after) {
				t.Errorf("%d effects, holds %v; want %d, %v", v.effects, v.items["ana"], c.effects, c.after)
			}
			if len(l.intents) != 0 {
				t.Errorf("open intents: %v", l.intents)
			}
		})
	}
}

// TestIssuesWaitForFreedSeats: what takes a seat that others give back is begun only after enough of them were read back.
func TestIssuesWaitForFreedSeats(t *testing.T) {
	revoke := func(n byte) reconcile.Intent {
		return reconcile.Intent{Action: facts.Digest{n}, Kind: reconcile.Revoke, Account: fmt.Sprint("leaver", n), Item: "e5", Frees: "e5 north"}
	}
	issue := func(n byte, lot string, after int) reconcile.Intent {
		return reconcile.Intent{Action: facts.Digest{n}, Kind: reconcile.Issue, Account: fmt.Sprint("starter", n), ToItem: "e5", Takes: lot, After: after}
	}
	for _, c := range []struct {
		name   string
		faults []fault
		gone   bool // the first leaver's seat, before
		last   reconcile.Intent
		want   string
	}{
		{"both are freed", nil, false, issue(3, "e5 north", 2), "done done done"},
		{"the first is refused", []fault{refused}, false, issue(3, "e5 north", 2), "failed done"},
		{"one is enough", []fault{refused}, false, issue(3, "e5 north", 1), "failed done done"},
		{"the answer to one is not true", []fault{fine, emptyWords}, false, issue(3, "e5 north", 2), "done failed"},
		{"a lost reply is read back", []fault{fine, lostReply}, false, issue(3, "e5 north", 2), "done done done"},
		{"one was gone before: who has it now is not known", nil, true, issue(3, "e5 north", 2), "done done"},
		{"of another pool", nil, false, issue(3, "e5 south", 1), "done done"},
		{"what waits for none is begun", []fault{refused, refused}, false, issue(3, "e5 north", 0), "failed failed done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &vendor{items: map[string][]string{"leaver1": {"e5"}, "leaver2": {"e5"}}, faults: c.faults}
			if c.gone {
				v.items["leaver1"] = nil
			}
			l := newLedger()
			outcomes, err := applier(l, v).Run(t.Context(), []reconcile.Intent{revoke(1), revoke(2), c.last})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range outcomes {
				got = append(got, o.State.String())
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("outcomes %v, want %s", got, c.want)
			}
			if _, recorded := l.outcomes[c.last.Action]; recorded != (len(got) == 3) {
				t.Error("what was not begun has an outcome, or the other way round")
			}
		})
	}
}

func TestNothingIsCalledAfterCancel(t *testing.T) {
	v := &vendor{items: map[string][]string{"ana": {"e5"}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes, err := applier(newLedger(), v).Run(ctx, []reconcile.Intent{intent(reconcile.Revoke, "e5", "")})
	if !errors.Is(err, context.Canceled) || len(outcomes) != 0 || v.effects != 0 {
		t.Errorf("outcomes %v, error %v, %d effects; want none, canceled, 0", outcomes, err, v.effects)
	}
}

func TestCancelDuringTheCallStillRecords(t *testing.T) {
	v := &vendor{items: map[string][]string{"ana": {"e5"}}}
	ctx, cancel := context.WithCancel(t.Context())
	l := newLedger()
	a := applier(l, cancelling{v, cancel})
	first, second := intent(reconcile.Revoke, "e5", ""), intent(reconcile.Issue, "", "e3")
	outcomes, err := a.Run(ctx, []reconcile.Intent{first, second})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	if len(outcomes) != 1 || l.outcomes[first.Action].State != reconcile.Done {
		t.Errorf("outcomes %v; want the first done and the second not begun", outcomes)
	}
}

// cancelling tells the run to stop while a call is under way.
type cancelling struct {
	*vendor
	cancel context.CancelFunc
}

func (c cancelling) Do(ctx context.Context, in reconcile.Intent) (Receipt, error) {
	c.cancel()
	if ctx.Err() != nil {
		return Receipt{}, ctx.Err()
	}
	return c.vendor.Do(ctx, in)
}

func TestUnreadableAccountIsNeverCalled(t *testing.T) {
	v := &vendor{items: map[string][]string{"ana": {"e5"}}, blind: 1}
	outcomes, err := applier(newLedger(), v).Run(t.Context(), []reconcile.Intent{intent(reconcile.Revoke, "e5", "")})
	if err != nil || outcomes[0].State != reconcile.Failed || v.effects != 0 {
		t.Errorf("outcomes %v, error %v, %d effects; want failed, none, 0", outcomes, err, v.effects)
	}
}

func TestRehearsalChangesNothing(t *testing.T) {
	v := &vendor{items: map[string][]string{"ana": {"e5"}}}
	outcomes, err := applier(Notebook{}, Rehearsal(v)).Run(t.Context(), []reconcile.Intent{intent(reconcile.Downgrade, "e5", "e3")})
	if err != nil || outcomes[0].State != reconcile.Done || v.effects != 0 {
		t.Errorf("outcomes %v, error %v, %d effects; want done, none, 0", outcomes, err, v.effects)
	}
}

// However calls are lost and wherever the process dies, after recovery no action has had two effects, no intent is open,
// and what is recorded as done is done.
func TestCrashesNeitherRepeatNorLose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const accounts = 4
		v := &vendor{items: map[string][]string{}}
		l := newLedger()
		a := applier(l, v)
		var intents []reconcile.Intent
		for n := range accounts {
			in := intent(reconcile.Issue, "", "e3")
			in.Action, in.Account = facts.Digest{byte(n)}, fmt.Sprint("person", n)
			intents = append(intents, in)
		}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			v.faults = rapid.SliceOfN(rapid.SampledFrom([]fault{fine, lostCall, lostReply, refused}), 0, accounts).Draw(t, "faults")
			l.crash = rapid.Bool().Draw(t, "crash")
			if _, err := a.Run(context.Background(), intents); err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			l.crash = false
			if _, err := a.Recover(context.Background(), "next", l.open()); err != nil {
				t.Fatal(err)
			}
			if len(l.intents) != 0 {
				t.Fatalf("open after recovery: %v", l.intents)
			}
		}
		for _, in := range intents {
			if held := len(v.items[in.Account]); held > 1 {
				t.Fatalf("%s was given %d seats", in.Account, held)
			}
			if l.outcomes[in.Action].State == reconcile.Done && len(v.items[in.Account]) != 1 {
				t.Fatalf("%s recorded as done, holds %v", in.Account, v.items[in.Account])
			}
		}
	})
}
