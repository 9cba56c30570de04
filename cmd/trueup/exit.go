package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"trueup/blob"
	"trueup/connectors"
	"trueup/pipeline"
	"trueup/reconcile"
	"trueup/store"
)

// The exit codes, as README and each command's help list them.
const (
	exitDone         = 0
	exitOther        = 1
	exitAwaiting     = 2 // with --detailed-exitcode only
	exitWithheld     = 3
	exitUsage        = 4
	exitUnreachable  = 5
	exitHeld         = 6
	exitVerification = 7
	exitInterrupted  = 130
)

// precedence orders codes: where several hold the first of these is given.
var precedence = [...]int{exitInterrupted, exitHeld, exitUsage, exitVerification, exitUnreachable, exitOther, exitWithheld, exitAwaiting}

// worse returns the code that goes before the other.
func worse(a, b int) int {
	for _, code := range precedence {
		if a == code || b == code {
			return code
		}
	}
	return exitDone
}

var exitMeanings = map[int]string{
	exitDone:         "done",
	exitOther:        "anything else went wrong",
	exitAwaiting:     "done, and actions await a person (with --detailed-exitcode only)",
	exitWithheld:     "done, but a guard withheld something or a source was incomplete",
	exitUsage:        "bad configuration, policy or usage",
	exitUnreachable:  "a source or target failed",
	exitHeld:         "another run holds the lease",
	exitVerification: "verification failed",
	exitInterrupted:  "interrupted",
}

// codesHelp is the section of a command's help that lists what it can return.
func codesHelp(codes ...int) string {
	var b strings.Builder
	b.WriteString("\nExit codes:\n")
	for _, code := range codes {
		fmt.Fprintf(&b, "  %3d  %s\n", code, exitMeanings[code])
	}
	return b.String()
}

// mistake is wrong usage or configuration, for people.
type mistake struct {
	text, hint string
}

func (m *mistake) Error() string { return m.text }

func mistakef(hint, format string, args ...any) error {
	return &mistake{text: fmt.Sprintf(format, args...), hint: hint}
}

// coded gives an error a code other than the one its kind would get.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// classify returns the exit code of an error.
func classify(ctx context.Context, err error) int {
	if c, ok := errors.AsType[*coded](err); ok {
		return c.code
	}
	if errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return exitInterrupted
	}
	if _, ok := errors.AsType[*store.HeldError](err); ok {
		return exitHeld
	}
	if _, ok := errors.AsType[*mistake](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[reconcile.Faults](err); ok {
		return exitUsage
	}
	if errors.Is(err, pipeline.ErrDiffers) || damaged(err) {
		return exitVerification
	}
	if _, ok := errors.AsType[*store.AmbiguousError](err); ok || errors.Is(err, store.ErrNotFound) {
		return exitUsage // an id that was given
	}
	if _, ok := errors.AsType[*connectors.Error](err); ok {
		return exitUnreachable
	}
	if _, ok := errors.AsType[*store.Error](err); ok {
		return exitUnreachable
	}
	if targetFailed(err) {
		return exitUnreachable
	}
	return exitOther
}

// targetFailed reports whether a folder or bucket could not be used, or holds another object than the one to be put there.
func targetFailed(err error) bool {
	_, place := errors.AsType[*blob.Error](err)
	_, object := errors.AsType[*blob.ExistsError](err)
	return place || object
}

// damaged reports whether ledger or archive do not hold what was written to them.
func damaged(err error) bool {
	_, chain := errors.AsType[*store.ChainError](err)
	_, object := errors.AsType[*store.CorruptError](err)
	return chain || object
}

// hint returns what to do about an error; "" if there is nothing to say.
func hint(err error) string {
	if m, ok := errors.AsType[*mistake](err); ok && m.hint != "" {
		return m.hint
	}
	if h := connectors.HintOf(err); h != "" {
		return h
	}
	if e, ok := errors.AsType[*store.Error](err); ok && e.Hint != "" {
		return e.Hint
	}
	if e, ok := errors.AsType[*blob.Error](err); ok && e.Hint != "" {
		return e.Hint
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "the next run continues from here"
	case errors.Is(err, fs.ErrPermission):
		return "check the permissions of the path for the user that runs trueup"
	case errors.Is(err, syscall.ENOSPC):
		return "free some space; nothing half-written is kept"
	case errors.Is(err, pipeline.ErrDiffers):
		return "make a new plan; with the build that made the old one it can still be looked at"
	}
	return ""
}

// report tells people what went wrong and returns the exit code.
func (a *app) report(ctx context.Context, err error) int {
	code := classify(ctx, err)
	if code == exitInterrupted {
		err = fmt.Errorf("interrupted: %w", context.Canceled)
	}
	a.log(entry{Level: "error", Text: strings.TrimRight(err.Error(), "\n"), Hint: hint(err), Exit: code})
	return code
}

// unreadable makes a mistake of a file of the configuration that cannot be read.
func unreadable(what, path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return mistakef("trueup init writes a commented configuration to start from", "%s %s does not exist", what, path)
	}
	return mistakef("", "%s: %v", what, err)
}
