// Package apply carries out the ready actions of a stored plan, and only those.
//
// Each action goes through the same five steps: read the account as it is now; write the intent to the ledger; call the
// vendor; read the account back; write the outcome. An intent without an outcome, after a crash or a lost reply, is
// never answered by calling again blindly: [Recover] reads the vendor first.
//
// The package knows neither vendors nor databases: it works through [Ledger] and [Effector], which others implement. A
// rehearsal is another pair of them, never a condition in here.
package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"trueup/facts"
	"trueup/reconcile"
)

// Ledger is what must be remembered across a crash. Both calls are durable when they return.
type Ledger interface {
	// Claim writes the intent. It returns false if the action already has an open intent or has ended, and an error if
	// the fencing epoch is no longer the current one.
	Claim(ctx context.Context, intent reconcile.Intent) (bool, error)
	// Record writes how the action ended, or that it is still not known ([reconcile.Sent]).
	Record(ctx context.Context, outcome reconcile.Outcome) error
}

// Effector reaches the vendors.
type Effector interface {
	// Items lists the vendor's SKUs that the intent's account holds now, by whatever path.
	Items(ctx context.Context, intent reconcile.Intent) ([]string, error)
	// Do makes the one call. An error that wraps [ErrRefused] says that nothing was changed and nothing will be; any
	// other error leaves it open whether the call took effect.
	Do(ctx context.Context, intent reconcile.Intent) (Receipt, error)
}

// ErrRefused marks an error of [Effector.Do] after which the vendor's state is known to be unchanged.
var ErrRefused = errors.New("refused")

// Receipt is what the vendor said.
type Receipt struct {
	Already bool   // the account was in the wanted state before
	Request string // the vendor's request id
	Detail  string // for people
}

// Settle is how long a call may still land after its connection was lost; reading back before that proves nothing.
const Settle = 2 * time.Second

// recording is how long an outcome may take to be written, also once the run has been told to stop: longer than a ledger
// that went away is looked for.
const recording = 40 * time.Second

// Applier carries out actions one after another.
type Applier struct {
	Ledger   Ledger
	Effector Effector
	Now      func() facts.Instant
	Wait     func(context.Context, time.Duration) error // sleeps; replaced in tests
	// Each is told every outcome as it is recorded; may be nil.
	Each func(reconcile.Intent, reconcile.Outcome)
}

// Run carries out the intents in order and returns the outcome of each that was started. One that takes a seat which
// others before it should have given back is not started unless that many were, as read back: it stays ready for the next
// plan. A seat that was gone already is not counted, since somebody else may have it. When ctx is done no vendor is
// called any more: the action under way still gets its outcome, the others stay ready, and ctx's error is returned.
func (a *Applier) Run(ctx context.Context, intents []reconcile.Intent) ([]reconcile.Outcome, error) {
	outcomes := make([]reconcile.Outcome, 0, len(intents))
	freed := map[string]int{}
	for _, intent := range intents {
		if err := ctx.Err(); err != nil {
			return outcomes, context.Cause(ctx)
		}
		if freed[intent.Takes] < intent.After {
			continue
		}
		outcome, started, err := a.one(ctx, intent)
		if started {
			outcomes = append(outcomes, outcome)
			if outcome.State == reconcile.Done && !outcome.Already {
				freed[intent.Frees]++
			}
		}
		if err != nil {
			return outcomes, fmt.Errorf("apply %s of %s for %s: %w", intent.Kind, intent.Product, intent.Holder, err)
		}
	}
	return outcomes, nil
}

func (a *Applier) one(ctx context.Context, intent reconcile.Intent) (outcome reconcile.Outcome, started bool, err error) {
	intent.At = a.Now()
	outcome = reconcile.Outcome{Action: intent.Action, Run: intent.Run, Attempt: intent.Attempt}
	items, probeErr := a.Effector.Items(ctx, intent)
	if ctx.Err() != nil {
		return outcome, false, context.Cause(ctx)
	}
	intent.Before = items
	claimed, err := a.Ledger.Claim(ctx, intent)
	if err != nil || !claimed {
		return outcome, false, err
	}
	// From here on the action must get an outcome, also when the run is told to stop.
	calm, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	switch {
	case probeErr != nil:
		outcome.State, outcome.Detail = reconcile.Failed, "not attempted, since the account could not be read: "+probeErr.Error()
	case reached(intent, items):
		outcome.State, outcome.Already, outcome.Detail = reconcile.Done, true, "was so already"
	case !begun(intent, items):
		outcome.State, outcome.Detail = reconcile.Cancelled, fmt.Sprintf("the account no longer holds %s", intent.Item)
	default:
		outcome = a.call(calm, intent, outcome)
	}
	err = a.record(calm, intent, &outcome)
	return outcome, true, err
}

// call makes the call and finds out what became of it.
func (a *Applier) call(ctx context.Context, intent reconcile.Intent, outcome reconcile.Outcome) reconcile.Outcome {
	receipt, err := a.Effector.Do(ctx, intent)
	outcome.Request, outcome.Already, outcome.Detail = receipt.Request, receipt.Already, receipt.Detail
	if errors.Is(err, ErrRefused) {
		outcome.State, outcome.Detail = reconcile.Failed, err.Error()
		return outcome
	}
	if err != nil {
		outcome.Detail = err.Error()
		if a.Wait(ctx, Settle) != nil {
			outcome.State = reconcile.Sent
			return outcome
		}
	}
	items, probeErr := a.Effector.Items(ctx, intent)
	switch {
	case probeErr != nil:
		outcome.State = reconcile.Sent
		outcome.Detail = join(outcome.Detail, "read back: "+probeErr.Error())
	case reached(intent, items):
		outcome.State = reconcile.Done
	case err != nil:
		outcome.State = reconcile.Failed
		outcome.Detail = join(outcome.Detail, "read back: nothing changed")
	default:
		outcome.State = reconcile.Failed
		outcome.Detail = join(outcome.Detail, "the vendor answered success, yet reading back shows no change")
	}
	return outcome
}

func (a *Applier) record(ctx context.Context, intent reconcile.Intent, outcome *reconcile.Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recording)
	defer cancel()
	outcome.At = a.Now()
	if err := a.Ledger.Record(ctx, *outcome); err != nil {
		return fmt.Errorf("record outcome: %w", err)
	}
	if a.Each != nil {
		a.Each(intent, *outcome)
	}
	return nil
}

// Recover settles intents that were left without an outcome: it waits until a late call must have landed, reads the
// account back, and records done if the wanted state is there. Otherwise nothing has happened, and the action is
// recorded as failed, so that the next plan may propose it again.
func (a *Applier) Recover(ctx context.Context, run string, open []reconcile.Intent) ([]reconcile.Outcome, error) {
	outcomes := make([]reconcile.Outcome, 0, len(open))
	for _, intent := range open {
		if wait := Settle - a.Now().Time().Sub(intent.At.Time()); wait > 0 {
			if err := a.Wait(ctx, wait); err != nil {
				return outcomes, err
			}
		}
		outcome := reconcile.Outcome{Action: intent.Action, Run: run, Attempt: intent.Attempt}
		items, err := a.Effector.Items(ctx, intent)
		switch {
		case ctx.Err() != nil:
			return outcomes, context.Cause(ctx)
		case err != nil:
			outcome.State, outcome.Detail = reconcile.Sent, "still not known: "+err.Error()
		case reached(intent, items):
			outcome.State, outcome.Detail = reconcile.Done, "found done when read back after an interruption"
		default:
			outcome.State, outcome.Detail = reconcile.Failed, "an interrupted run left it undone; the next plan decides again"
		}
		if err := a.record(ctx, intent, &outcome); err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// reached reports whether items are what the intent wants.
func reached(intent reconcile.Intent, items []string) bool {
	switch intent.Kind {
	case reconcile.Revoke:
		return !slices.Contains(items, intent.Item)
	case reconcile.Downgrade, reconcile.Upgrade:
		return !slices.Contains(items, intent.Item) && slices.Contains(items, intent.ToItem)
	case reconcile.Issue:
		return slices.Contains(items, intent.ToItem)
	}
	return false
}

// begun reports whether the account is still in the state that the plan saw, so that the call makes sense.
func begun(intent reconcile.Intent, items []string) bool {
	return intent.Kind == reconcile.Issue || slices.Contains(items, intent.Item)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
