package store

import (
	"fmt"
	"io"
	"slices"

	"trueup/reconcile"
)

// Cause is who may move an action from one state to another.
type Cause uint8

// The causes.
const (
	ByPlan    Cause = iota // a newer plan that proposes the same
	ByClaim                // an intent, just before the vendor is called
	ByOutcome              // what the vendor or a person answered
	ByEnd                  // a newer plan that no longer proposes it
)

var causeNames = [...]string{"plan", "claim", "outcome", "end"}

func (c Cause) String() string { return causeNames[c] }

// waiting are the states in which nothing has been done yet; a plan moves freely among them.
var waiting = []reconcile.State{reconcile.Proposed, reconcile.Notice, reconcile.Approval, reconcile.Ready, reconcile.Manual,
	reconcile.Blocked, reconcile.Withheld}

// Allowed reports whether cause may move an action from one state to another. docs/states.md is written from it.
//
// A plan proposes again what failed, lapsed, was cancelled or kept for a time, never what is done, undone, rejected or
// under way. An answer of a person ends what waits. What was sent is settled by reading the vendor back. Whatever waits
// when a newer plan no longer proposes it is cancelled.
func Allowed(cause Cause, from, to reconcile.State) bool {
	fromWaiting, toWaiting := slices.Contains(waiting, from), slices.Contains(waiting, to)
	switch cause {
	case ByPlan:
		again := []reconcile.State{reconcile.Failed, reconcile.Kept, reconcile.Cancelled, reconcile.Lapsed}
		return toWaiting && (fromWaiting || slices.Contains(again, from))
	case ByClaim:
		return from == reconcile.Ready && to == reconcile.Sent
	case ByOutcome:
		return answered(from, to, fromWaiting)
	case ByEnd:
		return fromWaiting && to == reconcile.Cancelled
	}
	return false
}

// answered is [Allowed] by an outcome.
func answered(from, to reconcile.State, fromWaiting bool) bool {
	switch {
	case fromWaiting && slices.Contains([]reconcile.State{reconcile.Kept, reconcile.Rejected, reconcile.Cancelled, reconcile.Lapsed}, to):
		return true
	case from == reconcile.Approval: // granted
		return to == reconcile.Notice || to == reconcile.Ready || to == reconcile.Manual
	case from == reconcile.Manual: // a person says that it was carried out
		return to == reconcile.Done
	case from == reconcile.Sent:
		return slices.Contains([]reconcile.State{reconcile.Done, reconcile.Failed, reconcile.Cancelled, reconcile.Ready,
			reconcile.Manual, reconcile.Blocked}, to)
	case from == reconcile.Done:
		return to == reconcile.Undone
	}
	return false
}

// WriteStates writes the table of allowed transitions as Markdown: a row for each state, a column for each cause.
func WriteStates(w io.Writer) error {
	if _, err := fmt.Fprint(w, "| from | plan | claim | outcome | end |\n|---|---|---|---|---|\n"); err != nil {
		return err
	}
	for _, from := range reconcile.States() {
		line := "| `" + from.String() + "` |"
		for cause := ByPlan; cause <= ByEnd; cause++ {
			cell := ""
			for _, to := range reconcile.States() {
				if Allowed(cause, from, to) && from != to {
					cell += " `" + to.String() + "`"
				}
			}
			line += cell + " |"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
