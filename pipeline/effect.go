package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"trueup/connectors"
	"trueup/reconcile"
	"trueup/reconcile/apply"
)

// Intents lists what is ready in a plan, in the order in which it is to be carried out: what frees a seat before what
// needs one, so that a downgrade's or revoke's seat is there for an issue; last what waits for such a seat, in its order.
func Intents(plan *reconcile.Plan, run string, epoch int64) []reconcile.Intent {
	var freeing, needing, waiting []reconcile.Intent
	for n := range plan.Actions {
		action := &plan.Actions[n]
		if action.State != reconcile.Ready || !action.Kind.Effective() {
			continue
		}
		intent := intentOf(plan, action, run, epoch)
		switch {
		case action.After > 0:
			waiting = append(waiting, intent)
		case action.Kind == reconcile.Issue || action.Kind == reconcile.Upgrade:
			needing = append(needing, intent)
		default:
			freeing = append(freeing, intent)
		}
	}
	slices.SortStableFunc(waiting, func(a, b reconcile.Intent) int { return cmp.Compare(a.After, b.After) })
	return slices.Concat(freeing, needing, waiting)
}

func intentOf(plan *reconcile.Plan, action *reconcile.Action, run string, epoch int64) reconcile.Intent {
	row := &plan.Rows[action.Row]
	text := plan.Snapshot.Strings.Text
	intent := reconcile.Intent{Action: action.ID, Plan: plan.ID, Run: run, Epoch: epoch, Attempt: 1, Kind: action.Kind,
		Source: plan.Snapshot.Sources[action.Source].Name, Item: action.Item, ToItem: action.ToItem,
		Holder: plan.Holder(int(action.Row)), Product: plan.ProductOf(int(action.Row)).ID, Verdict: row.Verdict.String(),
		After: int(action.After)}
	lot := func(p reconcile.ProductID) string {
		return plan.Catalogue.Products[p].ID + " " + plan.Pool(int(action.Row), p)
	}
	if action.Kind != reconcile.Issue {
		intent.Frees = lot(row.Product)
	}
	if target := row.Claims(); target != reconcile.NoProductID {
		intent.Takes = lot(target)
	}
	if row.Account != reconcile.NoAccountID {
		account := &plan.Accounts[row.Account]
		intent.Account, intent.Login = text(account.Key), text(account.Login)
	}
	if row.Person != reconcile.NoPersonID {
		intent.Department = text(plan.Snapshot.People.Department[plan.People[row.Person].Row])
	}
	return intent
}

// Settle finds out at the vendors what became of the actions that an interrupted run left open, and records it, so that
// a plan made afterwards takes up what was not done.
func (l *Line) Settle(ctx context.Context, run string) error {
	open, err := l.Ledger.OpenIntents(ctx)
	if err != nil {
		return fmt.Errorf("find open intents: %w", err)
	}
	if len(open) == 0 {
		return nil
	}
	defer l.Progress.Step("settle")()
	if _, err := l.applier().Recover(ctx, run, open); err != nil {
		return fmt.Errorf("settle open intents: %w", err)
	}
	return nil
}

func (l *Line) applier() *apply.Applier {
	return &apply.Applier{Ledger: l.Ledger, Effector: l.effector(), Now: l.Now, Wait: wait}
}

// Carry carries out the ready actions of a stored plan. Before anything else it settles what an interrupted run left
// open. With rehearse the vendors are only read.
func (l *Line) Carry(ctx context.Context, plan *reconcile.Plan, run string, epoch int64, rehearse bool) ([]reconcile.Outcome, error) {
	defer l.Progress.Step("apply")()
	applier := l.applier()
	if rehearse {
		applier.Ledger, applier.Effector = apply.Notebook{}, apply.Rehearsal(l.effector())
	} else if err := l.Settle(ctx, run); err != nil {
		return nil, err
	}
	attempts, err := l.Ledger.Attempts(ctx, plan.ID)
	if err != nil {
		return nil, fmt.Errorf("count earlier attempts: %w", err)
	}
	intents := Intents(plan, run, epoch)
	for n := range intents {
		intents[n].Attempt = attempts[intents[n].Action] + 1
	}
	return applier.Run(ctx, intents)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// vendors reaches the sources' write verbs.
type vendors map[string]connectors.Source

func (l *Line) effector() apply.Effector {
	v := vendors{}
	for _, s := range l.Sources {
		if s.Writes {
			v[s.Name] = s.Driver
		}
	}
	return v
}

var errNotWritable = fmt.Errorf("the source is not written to: %w", apply.ErrRefused)

func (v vendors) Items(ctx context.Context, intent reconcile.Intent) ([]string, error) {
	prober, ok := v[intent.Source].(connectors.Prober)
	if !ok {
		return nil, errNotWritable
	}
	seats, err := prober.Probe(ctx, intent.Account, intent.Login)
	if err != nil {
		return nil, err
	}
	items := make([]string, len(seats))
	for n, seat := range seats {
		items[n] = seat.Product
	}
	return items, nil
}

func (v vendors) Do(ctx context.Context, intent reconcile.Intent) (apply.Receipt, error) {
	receipt, err := v.do(ctx, intent)
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Answered {
		err = fmt.Errorf("%w (%w)", err, apply.ErrRefused)
	}
	return apply.Receipt{Already: receipt.Already, Request: receipt.Request, Detail: receipt.Detail}, err
}

func (v vendors) do(ctx context.Context, intent reconcile.Intent) (connectors.Receipt, error) {
	source := v[intent.Source]
	seat := connectors.Seat{Account: intent.Account, Login: intent.Login, Product: intent.Item, Path: "direct"}
	key := intent.Action.String()
	switch intent.Kind {
	case reconcile.Revoke:
		if w, ok := source.(connectors.Revoker); ok {
			return w.Revoke(ctx, seat, key)
		}
	case reconcile.Downgrade, reconcile.Upgrade:
		if w, ok := source.(connectors.Swapper); ok {
			return w.Swap(ctx, seat, intent.ToItem, key)
		}
	case reconcile.Issue:
		if w, ok := source.(connectors.Assigner); ok {
			seat.Product = intent.ToItem
			return w.Assign(ctx, seat, key)
		}
	}
	return connectors.Receipt{}, errNotWritable
}
