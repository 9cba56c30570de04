package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"trueup/facts"
	"trueup/pipeline"
	"trueup/reconcile"
	"trueup/reports"
)

func (a *app) planCommand() *cobra.Command {
	var asOf, out string
	var offline, detailed bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Pull, reconcile, store and print the plan; change nothing at any vendor",
		Long: "plan brings all sources up to date, decides a verdict for every seat, and stores and prints what should be done." +
			"\nNothing is changed at any vendor; trueup apply does that, with this plan and no other.\n" +
			codesHelp(exitDone, exitAwaiting, exitWithheld, exitUsage, exitUnreachable, exitHeld, exitInterrupted),
		Example: `  trueup plan
  trueup plan --output json > plan.json
  trueup plan --offline --as-of 2026-06-30      the position of a past day, from the archive`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.plan(cmd.Context(), planRequest{asOf: asOf, offline: offline}, out, detailed)
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "decide as of a past date (its end, in the organisation's zone) or an RFC 3339 time; default now")
	cmd.Flags().BoolVar(&offline, "offline", false, "pull nothing: use what earlier pulls brought into the archive")
	cmd.Flags().StringVar(&out, "out", "", "also write the plan as JSON to a file")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 if actions await a person")
	return cmd
}

// planRequest is what a plan is asked for.
type planRequest struct {
	asOf    string // as on the command line; "" is now
	offline bool
}

func (a *app) plan(ctx context.Context, request planRequest, out string, detailed bool) error {
	s, err := a.load()
	if err != nil {
		return err
	}
	asOf, err := a.parseAsOf(s, request.asOf)
	if err != nil {
		return err
	}
	t, err := a.open(ctx, s)
	if err != nil {
		return err
	}
	defer t.close()
	var view *reports.View
	err = t.hold(ctx, "plan", asOf, func(ctx context.Context, run *reconcile.Run, _ int64) error {
		plan, _, faults, err := t.decide(ctx, run, request.offline)
		if err != nil {
			return err
		}
		t.meter.finish()
		a.tellFaults(faults)
		a.exit = planExit(plan, faults, detailed)
		view, err = reports.Build(plan, *run, nil, t.line.Policy)
		return err
	})
	if err != nil {
		return err
	}
	if out != "" {
		if err := writeFile(out, func(w io.Writer) error { return reports.WriteJSON(w, view) }); err != nil {
			return err
		}
	}
	return a.print(view) // once the lease is given back: whoever reads the output may take their time
}

// print writes a view in the form that was asked for.
func (a *app) print(view *reports.View) error {
	switch a.output {
	case "json":
		return reports.WriteJSON(a.stdout, view)
	case "csv":
		return reports.WriteCSV(a.stdout, view)
	}
	return reports.WriteText(a.stdout, view, a.width, a.wantColour())
}

// decide pulls (or reads from the archive), freezes, decides and stores.
func (t *session) decide(ctx context.Context, run *reconcile.Run, offline bool) (*reconcile.Plan, reconcile.PlanRecord, []pipeline.Fault, error) {
	fail := func(err error) (*reconcile.Plan, reconcile.PlanRecord, []pipeline.Fault, error) {
		return nil, reconcile.PlanRecord{}, nil, err
	}
	observations, faults, err := t.observe(ctx, run, offline)
	if err != nil {
		return fail(err)
	}
	snapshot, err := t.line.Freeze(ctx, run.AsOf, observations)
	if err != nil {
		return fail(err)
	}
	plan, err := t.line.Decide(ctx, snapshot)
	if err != nil {
		return fail(err)
	}
	run.Plan = plan.ID
	record, err := t.line.Keep(ctx, *run, plan)
	if err != nil {
		return fail(err)
	}
	return plan, record, faults, nil
}

// observe gets the facts: by a pull, and for a past as-of then from the archive, where an older state may be.
func (t *session) observe(ctx context.Context, run *reconcile.Run, offline bool) ([]*facts.Observation, []pipeline.Fault, error) {
	if offline {
		return t.line.Replay(ctx, run.AsOf)
	}
	// The sources are looked at for the run's start: what is decided now is decided of what is seen now.
	observations, faults, err := t.line.Pull(ctx, run.ID, run.AsOf, run.Started)
	if err != nil || run.AsOf >= run.Started {
		return observations, faults, err
	}
	return t.line.Replay(ctx, run.AsOf)
}

// parseAsOf reads --as-of; absent, or a day that is not over, it is when the run starts. What lies ahead has not been
// observed, and a plan of it would stand in the way of every later one.
func (a *app) parseAsOf(s *settings, text string) (facts.Instant, error) {
	if text == "" {
		return facts.NoInstant, nil
	}
	now := a.instant()
	var at facts.Instant
	if day, err := facts.ParseDay(text); err == nil {
		if day == s.calendar.Day(now) {
			return facts.NoInstant, nil
		}
		at = s.calendar.End(day)
	} else if t, err := time.Parse(time.RFC3339, text); err == nil {
		at = facts.At(t)
	} else {
		return facts.NoInstant, mistakef("2026-06-30 or 2026-06-30T12:00:00Z", "--as-of %q is neither a date nor a time", text)
	}
	if at > now {
		return facts.NoInstant, mistakef("a plan is of what was observed; leave --as-of out for now", "--as-of %s lies ahead", text)
	}
	return at, nil
}

// planExit is the exit code of a plan that came about.
func planExit(plan *reconcile.Plan, faults []pipeline.Fault, detailed bool) int {
	code := exitDone
	for _, f := range faults {
		code = worse(code, faultExit(f))
	}
	if !plan.Complete || plan.Totals.States[reconcile.Withheld] > 0 {
		code = worse(code, exitWithheld)
	}
	for _, g := range plan.Guards {
		if g.State == reconcile.GuardTripped {
			code = worse(code, exitWithheld)
		}
	}
	if detailed && awaiting(plan) > 0 {
		code = worse(code, exitAwaiting)
	}
	return code
}

// faultExit is the exit code of a feed that could not be read, or not whole.
func faultExit(f pipeline.Fault) int {
	switch {
	case damaged(f.Err):
		return exitVerification
	case f.Failed():
		return exitUnreachable
	}
	return exitWithheld
}

// awaiting counts actions that wait for a person.
func awaiting(plan *reconcile.Plan) int {
	n := 0
	for _, state := range []reconcile.State{reconcile.Notice, reconcile.Approval, reconcile.Manual, reconcile.Blocked} {
		n += plan.Totals.States[state]
	}
	return n
}

// tellFaults says which feeds could not be read.
func (a *app) tellFaults(faults []pipeline.Fault) {
	a.faults = faults
	for _, f := range faults {
		a.warn(hint(f.Err), "%s %s: %v", f.Source, f.Feed, f.Err)
	}
	if len(faults) > 0 {
		a.say("what depends on these feeds is reported only; nothing is taken away because of them")
	}
}

// writeFile writes a file whole or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".trueup-*")
	if err != nil {
		return mistakef("", "write %s: %v", path, err)
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
