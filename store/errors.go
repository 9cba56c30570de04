package store

import (
	"errors"
	"fmt"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// Error is a fault of the database or the archive, with what to do about it.
type Error struct {
	Op     string // what was being done: "save plan 01ab…"
	Reason string // what is wrong, lower case, no full stop
	Hint   string // what to do; "" if there is nothing to say
	Err    error  // cause, may be nil
}

func (e *Error) Error() string {
	text := e.Op
	for _, part := range []string{e.Reason, reason(e.Err)} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Errors that callers tell apart with [errors.Is].
var (
	// ErrHeld says that another process holds the lease; the error in the chain is a [*HeldError].
	ErrHeld = errors.New("another run holds the lease")
	// ErrFenced says that the lease was lost: what depends on it must stop.
	ErrFenced = errors.New("the lease was lost to another run")
	// ErrNoLedger says that there is no ledger yet where one is to be read.
	ErrNoLedger = errors.New("there is no ledger yet")
	// ErrNotFound says that there is no such run, plan or action.
	ErrNotFound = errors.New("not found")
)

// HeldError says who holds the lease.
type HeldError struct {
	Who          string
	Since, Until facts.Instant // Until: when it expires unless renewed
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("another run holds the lease: %s, since %s, until %s unless renewed", e.Who, e.Since, e.Until)
}

// Is reports whether target is [ErrHeld].
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// AmbiguousError says that a prefix fits several ids.
type AmbiguousError struct {
	What       string // "run" or "plan"
	Prefix     string
	Candidates []string // newest first, at most ten
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s %q is ambiguous: %s", e.What, e.Prefix, strings.Join(e.Candidates, ", "))
}

// TransitionError says that an action cannot go from one state to another; docs/states.md has those that are allowed.
type TransitionError struct {
	Action   facts.Digest
	From, To reconcile.State
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("action %s is %s and cannot become %s", e.Action, e.From, e.To)
}

// AppliedError says that a plan was used up by an earlier run.
type AppliedError struct{ Plan, Run string }

func (e *AppliedError) Error() string {
	return fmt.Sprintf("plan %s was applied by run %s", e.Plan, e.Run)
}

// ChainError names the first entry of the ledger that is not what was written.
type ChainError struct {
	Seq    int64
	Reason string
}

func (e *ChainError) Error() string { return fmt.Sprintf("ledger entry %d: %s", e.Seq, e.Reason) }
