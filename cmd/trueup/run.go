package main

import (
	"context"

	"github.com/spf13/cobra"

	"trueup/reconcile"
	"trueup/reports"
)

func (a *app) runCommand() *cobra.Command {
	var asOf string
	var offline, detailed bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "The nightly job: pull, plan, apply what the policy lets run unattended, report, publish",
		Long: "run does the whole job once. What the policy lists under approval.unattended is carried out; everything else is\n" +
			"planned and reported. With mode: observe in the policy nothing is carried out.\n" +
			codesHelp(exitDone, exitAwaiting, exitWithheld, exitUsage, exitUnreachable, exitHeld, exitInterrupted),
		Example: "  trueup run\n  trueup run --config /etc/trueup/trueup.yaml --quiet",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.load()
			if err != nil {
				return err
			}
			view, err := a.nightly(cmd.Context(), s, planRequest{asOf: asOf, offline: offline}, detailed)
			if err != nil {
				return err
			}
			return a.print(view)
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "decide as of a date or an RFC 3339 time; a past one is reported on, never applied")
	cmd.Flags().BoolVar(&offline, "offline", false, "pull nothing: use what earlier pulls brought into the archive")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 if actions await a person")
	return cmd
}

// nightly is the whole job, start to end.
func (a *app) nightly(ctx context.Context, s *settings, request planRequest, detailed bool) (*reports.View, error) {
	asOf, err := a.parseAsOf(s, request.asOf)
	if err != nil {
		return nil, err
	}
	t, err := a.open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer t.close()
	var view *reports.View
	err = t.hold(ctx, "run", asOf, func(ctx context.Context, run *reconcile.Run, epoch int64) error {
		if err := t.line.Settle(ctx, run.ID); err != nil {
			return err
		}
		plan, record, faults, err := t.decide(ctx, run, request.offline)
		if err != nil {
			return err
		}
		a.tellFaults(faults)
		a.exit = planExit(plan, faults, detailed)
		var outcomes []reconcile.Outcome
		if refusal := a.refuse(ctx, t, record, plan); refusal == nil {
			if outcomes, err = t.line.Carry(ctx, plan, run.ID, epoch, false); err != nil {
				return err
			}
			if err := t.db.MarkApplied(ctx, record.ID, run.ID, a.instant()); err != nil {
				return err
			}
			a.exit = worse(a.exit, outcomesExit(outcomes))
			a.tellLeft(plan, outcomes)
		} else {
			a.say("nothing is carried out: %v", refusal)
		}
		view, err = t.publish(ctx, run, plan, outcomes)
		return err
	})
	return view, err
}

// outcomesExit is the exit code of what was carried out.
func outcomesExit(outcomes []reconcile.Outcome) int {
	for _, o := range outcomes {
		if o.State == reconcile.Failed || o.State == reconcile.Sent {
			return exitUnreachable
		}
	}
	return exitDone
}
