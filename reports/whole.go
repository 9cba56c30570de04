package reports

import (
	"errors"
	"fmt"

	"trueup/facts"
	"trueup/reconcile"
)

// whole reports the first reference of a plan that leads nowhere, so that rendering need not look again.
func whole(plan *reconcile.Plan) error {
	if plan.Snapshot == nil || plan.Snapshot.Strings == nil || plan.Snapshot.Calendar() == nil {
		return errors.New("it has no snapshot")
	}
	if plan.Catalogue == nil {
		return errors.New("it has no catalogue")
	}
	if len(plan.Inputs) != len(plan.Snapshot.Inputs) {
		return fmt.Errorf("%d states for %d inputs", len(plan.Inputs), len(plan.Snapshot.Inputs))
	}
	signal, path := 0, 0
	for n := range plan.Rows {
		if err := wholeRow(plan, &plan.Rows[n], signal, path); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		signal, path = int(plan.Rows[n].Signal), int(plan.Rows[n].Path)+1-held(&plan.Rows[n])
	}
	for n := range plan.Actions {
		if err := wholeAction(plan, &plan.Actions[n]); err != nil {
			return fmt.Errorf("action %d: %w", n, err)
		}
	}
	for n := range plan.Signals {
		if err := within("input", int(plan.Signals[n].Input), -1, len(plan.Inputs)); err != nil {
			return fmt.Errorf("signal %d: %w", n, err)
		}
	}
	for n := range plan.Positions {
		if err := within("product", int(plan.Positions[n].Product), 0, len(plan.Catalogue.Products)); err != nil {
			return fmt.Errorf("position %d: %w", n, err)
		}
	}
	return wholeTables(plan)
}

func wholeTables(plan *reconcile.Plan) error {
	for n := range plan.Worths {
		if err := wholeSym(plan, plan.Worths[n].Currency); err != nil {
			return fmt.Errorf("worth %d: %w", n, err)
		}
	}
	for n := range plan.SeatPaths {
		if err := within("seat", int(plan.SeatPaths[n]), 0, plan.Snapshot.Seats.Len()); err != nil {
			return fmt.Errorf("seat path %d: %w", n, err)
		}
	}
	for n := range plan.People {
		if err := within("directory row", int(plan.People[n].Row), 0, plan.Snapshot.People.Len()); err != nil {
			return fmt.Errorf("person %d: %w", n, err)
		}
	}
	for n := range plan.Accounts {
		account := &plan.Accounts[n]
		if err := errors.Join(within("source", int(account.Source), 0, len(plan.Snapshot.Sources)),
			within("directory row", int(account.Row), -1, plan.Snapshot.People.Len()),
			wholeSym(plan, account.Login), wholeSym(plan, account.Key), wholeSym(plan, account.Holder)); err != nil {
			return fmt.Errorf("account %d: %w", n, err)
		}
	}
	for n := range plan.Inputs {
		if err := within("source", int(plan.Snapshot.Inputs[n].Source), 0, len(plan.Snapshot.Sources)); err != nil {
			return fmt.Errorf("input %d: %w", n, err)
		}
	}
	return nil
}

// wholeRow checks one row; signal is where the signals of the row before begin.
func wholeRow(plan *reconcile.Plan, row *reconcile.Row, signal, path int) error {
	products := len(plan.Catalogue.Products)
	return errors.Join(
		within("person", int(row.Person), -1, len(plan.People)),
		within("account", int(row.Account), -1, len(plan.Accounts)),
		within("product", int(row.Product), 0, products),
		within("covering product", int(row.Covering), -1, products),
		within("rule", int(row.Rule), -1, len(plan.Rules)),
		within("signal", int(row.Signal), signal, len(plan.Signals)+1),
		within("path", int(row.Path), path, len(plan.SeatPaths)+held(row)),
		within("action", int(row.Action), -1, len(plan.Actions)),
		within("verdict", int(row.Verdict), 0, len(reconcile.Verdicts())),
		within("situation", int(row.Situation), 0, len(reconcile.Situations())),
		within("worth", int(row.Worth), 0, len(plan.Worths)))
}

// held is 0 for a row with a seat, which has a path; 1 for another, behind which the next one's path may be the same.
func held(row *reconcile.Row) int {
	if row.Held {
		return 0
	}
	return 1
}

func wholeAction(plan *reconcile.Plan, action *reconcile.Action) error {
	return errors.Join(
		within("row", int(action.Row), 0, len(plan.Rows)),
		within("target", int(action.To), -1, len(plan.Catalogue.Products)),
		within("kind", int(action.Kind), 0, len(reconcile.ActionKinds())),
		within("state", int(action.State), 0, len(reconcile.States())),
		within("source", int(action.Source), 0, len(plan.Snapshot.Sources)))
}

func wholeSym(plan *reconcile.Plan, sym facts.Sym) error {
	return within("string", int(sym), 0, plan.Snapshot.Strings.Len())
}

func within(what string, n, from, to int) error {
	if n < from || n >= to {
		return fmt.Errorf("%s %d is not one of %d", what, n, to)
	}
	return nil
}
