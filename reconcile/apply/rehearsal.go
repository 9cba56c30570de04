package apply

import (
	"context"

	"trueup/reconcile"
)

// Rehearsal wraps an effector so that reading is real and nothing is changed: the account is read, the call is only
// described. Use it with a [Notebook] in place of the ledger.
func Rehearsal(real Effector) Effector { return &rehearsal{real: real, done: map[string]bool{}} }

type rehearsal struct {
	real Effector
	done map[string]bool // by action: what the rehearsal pretends to have done
}

func (r *rehearsal) Items(ctx context.Context, intent reconcile.Intent) ([]string, error) {
	items, err := r.real.Items(ctx, intent)
	if err != nil || !r.done[intent.Action.String()] {
		return items, err
	}
	var after []string
	for _, item := range items {
		if item != intent.Item || intent.Kind == reconcile.Issue {
			after = append(after, item)
		}
	}
	if intent.ToItem != "" {
		after = append(after, intent.ToItem)
	}
	return after, nil
}

func (r *rehearsal) Do(_ context.Context, intent reconcile.Intent) (Receipt, error) {
	r.done[intent.Action.String()] = true
	return Receipt{Detail: "rehearsed: nothing was changed"}, nil
}

// Notebook is a ledger that forgets: rehearsals leave no trace.
type Notebook struct{}

// Claim always agrees.
func (Notebook) Claim(context.Context, reconcile.Intent) (bool, error) { return true, nil }

// Record does nothing.
func (Notebook) Record(context.Context, reconcile.Outcome) error { return nil }
