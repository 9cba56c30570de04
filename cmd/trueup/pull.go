package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"trueup/facts"
	"trueup/reconcile"
)

func (a *app) pullCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pull [SOURCE...]",
		Short: "Bring sources up to date into archive and ledger",
		Long: "pull reads the named sources, or all, keeps what was received in the archive and records it in the ledger, so that\n" +
			"trueup plan --offline can decide from it. Nothing is decided and nothing changed at any vendor.\n" +
			codesHelp(exitDone, exitWithheld, exitUsage, exitUnreachable, exitHeld, exitInterrupted),
		Example: "  trueup pull\n  trueup pull okta entra",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.pull(cmd.Context(), args) },
	}
}

func (a *app) pull(ctx context.Context, names []string) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	s, err := a.load()
	if err != nil {
		return err
	}
	observations, err := a.pullOnce(ctx, s, names)
	if err != nil {
		return err
	}
	return a.printPulls(observations)
}

// pullOnce pulls the named sources, or all, as a run of its own.
func (a *app) pullOnce(ctx context.Context, s *settings, names []string) ([]*facts.Observation, error) {
	for _, name := range names {
		if !slices.Contains(s.sourceNames(), name) {
			return nil, mistakef("sources are "+strings.Join(s.sourceNames(), ", "), "%q is no source", name)
		}
	}
	t, err := a.open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer t.close()
	var observations []*facts.Observation
	err = t.hold(ctx, "pull", facts.NoInstant, func(ctx context.Context, run *reconcile.Run, _ int64) error {
		pulled, faults, err := t.line.Pull(ctx, run.ID, run.AsOf, run.Started, names...)
		if err != nil {
			return err
		}
		t.meter.finish()
		a.tellFaults(faults)
		for _, f := range faults {
			a.exit = worse(a.exit, faultExit(f))
		}
		observations = pulled
		return nil
	})
	return observations, err
}

// pulled is one feed in the JSON output of trueup pull.
type pulled struct {
	Source   string            `json:"source"`
	Feed     facts.Feed        `json:"feed"`
	Rows     int64             `json:"rows"`
	Rejected int64             `json:"rejected"`
	Complete bool              `json:"complete"`
	Failure  string            `json:"failure,omitempty"`
	Notes    []string          `json:"notes,omitempty"`
	Files    []facts.File      `json:"files"`
	Rejects  []facts.Rejection `json:"rejects,omitempty"`
}

func (a *app) printPulls(observations []*facts.Observation) error {
	all := make([]pulled, len(observations))
	for n, o := range observations {
		all[n] = pulled{Source: o.Source, Feed: o.Feed, Rows: o.Rows, Rejected: o.Rejected, Complete: o.Complete,
			Failure: o.Failure, Notes: o.Notes, Files: o.Files, Rejects: o.Rejects}
	}
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"pulled": all})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tFEED\tFILES\tROWS\tREJECTED\tCOMPLETE")
	for _, p := range all {
		complete := "yes"
		if !p.Complete {
			complete = "no: " + p.Failure
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", p.Source, p.Feed, len(p.Files), p.Rows, p.Rejected, complete)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range all {
		for k, r := range p.Rejects {
			if k == 5 && !a.verbose {
				fmt.Fprintf(a.stdout, "%s %s: and %d more; --verbose lists them\n", p.Source, p.Feed, p.Rejected-5)
				break
			}
			fmt.Fprintf(a.stdout, "%s:%d: rejected: %s\n", r.File, r.Line, r.Reason)
		}
	}
	return nil
}
