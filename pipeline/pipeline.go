// Package pipeline is the straight line, step by step: pull the sources, freeze a snapshot, decide, store the plan, carry
// out what is ready, report, publish. Every step takes and leaves values that can be stored and looked at; the package
// adds no rule of its own.
//
// It reaches databases, archives and vendors through the interfaces below, which package store and the drivers satisfy
// and cmd wires together.
package pipeline

import (
	"context"
	"io"

	"trueup/connectors"
	"trueup/facts"
	"trueup/reconcile"
	"trueup/reconcile/apply"
)

// Source is a configured source, opened.
type Source struct {
	Name       string
	Descriptor connectors.Descriptor
	Driver     connectors.Source
	Writes     bool // the configuration allows writing to it
}

// Ledger is what the line remembers from run to run.
type Ledger interface {
	apply.Ledger
	// OpenIntents lists intents without a final outcome, oldest first.
	OpenIntents(ctx context.Context) ([]reconcile.Intent, error)
	// Attempts returns how many intents have been written for each action of a plan that has any.
	Attempts(ctx context.Context, plan string) (map[facts.Digest]int, error)
	// SavePull records what was read, so that it can be read again.
	SavePull(ctx context.Context, pulls []reconcile.PulledInput) error
	// Pulls returns, for each feed, the last pull observed at or before asOf; where there is none, the earliest later.
	Pulls(ctx context.Context, asOf facts.Instant) ([]reconcile.PulledInput, error)
	// Prior returns the ledger's part in decisions as of asOf.
	Prior(ctx context.Context, asOf facts.Instant) (facts.Prior, error)
	SavePlan(ctx context.Context, record reconcile.PlanRecord, plan *reconcile.Plan) error
}

// Archive keeps bytes by their SHA-256.
type Archive interface {
	connectors.Raw
	// Keep begins an object that is kept also where inputs are only referred to.
	Keep(ctx context.Context, name string) (connectors.RawWriter, error)
	// Open returns the original bytes of what was kept, checked against their hash when they end.
	Open(ctx context.Context, file facts.File) (io.ReadCloser, error)
}

// Progress is told how far the line is. Calls may come from several goroutines.
type Progress interface {
	// Step begins a step; it ends when the returned function is called.
	Step(name string) (done func())
	// Bytes adds to what was read and to what there is to read.
	Bytes(read, total int64)
}

// Line is the job, wired. Its fields are set once and not changed while a step runs.
type Line struct {
	Organisation string
	Calendar     *facts.Calendar
	Sources      []Source
	Catalogue    *reconcile.Catalogue
	Policy       *reconcile.Policy
	ProductsYAML []byte // as read, kept with the plan
	PolicyYAML   []byte
	Options      reconcile.Options
	Ledger       Ledger
	Archive      Archive
	Progress     Progress
	Now          func() facts.Instant
	Workers      int
}

// Fault is a feed that could not be read, or not whole.
type Fault struct {
	Source string
	Feed   facts.Feed
	Err    error
}

// Failed reports whether the feed could not be read at all, as opposed to not whole.
func (f Fault) Failed() bool { return connectors.ClassOf(f.Err) != connectors.Incomplete }
