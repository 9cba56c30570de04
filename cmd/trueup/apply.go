package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"trueup/reconcile"
	"trueup/reports"
)

func (a *app) applyCommand() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "apply PLAN",
		Short: "Do what is ready in a plan, and only that",
		Long: "apply carries out the ready actions of a stored plan. PLAN is an id, a unique prefix or latest. Each seat is read\n" +
			"again just before, and read back after. A plan that is superseded, used, older than 24 hours or made under another\n" +
			"policy, product list or configuration is refused.\n" +
			codesHelp(exitDone, exitUsage, exitUnreachable, exitHeld, exitVerification, exitInterrupted),
		Example: "  trueup apply latest --dry-run\n  trueup apply 3f9a2c",
		Args:    between(1, 1, "PLAN"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.apply(cmd.Context(), args[0], dry) },
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "read every seat and say what would be done; change nothing")
	return cmd
}

func (a *app) apply(ctx context.Context, id string, dry bool) error {
	s, err := a.load()
	if err != nil {
		return err
	}
	t, err := a.open(ctx, s)
	if err != nil {
		return err
	}
	defer t.close()
	record, err := t.db.Plan(ctx, id)
	if err != nil {
		return err
	}
	var view *reports.View
	err = t.hold(ctx, "apply", record.AsOf, func(ctx context.Context, run *reconcile.Run, epoch int64) error {
		plan, policy, err := t.line.Load(ctx, record)
		if err != nil {
			return err
		}
		if err := a.refuse(ctx, t, record, plan); err != nil {
			return err
		}
		run.Plan = plan.ID
		outcomes, err := t.line.Carry(ctx, plan, run.ID, epoch, dry)
		if err != nil {
			return err
		}
		if !dry {
			if err := t.db.MarkApplied(ctx, record.ID, run.ID, a.instant()); err != nil {
				return err
			}
		}
		t.meter.finish()
		a.exit = outcomesExit(outcomes)
		a.tellLeft(plan, outcomes)
		view, err = reports.Build(plan, *run, outcomes, policy)
		return err
	})
	if err != nil {
		return err
	}
	if dry {
		a.say("dry run: every seat was read, nothing was changed")
	}
	return a.print(view)
}

// tellLeft says how many ready actions were not begun, and why.
func (a *app) tellLeft(plan *reconcile.Plan, outcomes []reconcile.Outcome) {
	if left := plan.Totals.States[reconcile.Ready] - len(outcomes); left > 0 {
		a.say("%d ready actions were left alone: by the ledger they are done, under way or answered already, or they wait for a seat that was not freed", left)
	}
}

// maxPlanAge is how old a plan's as-of may be when it is applied.
const maxPlanAge = 24 * time.Hour

// refuse returns why a plan must not be applied; nil if it may be.
func (a *app) refuse(ctx context.Context, t *session, record reconcile.PlanRecord, plan *reconcile.Plan) error {
	again := "trueup plan makes a new one"
	age := a.now().Sub(record.AsOf.Time())
	newest, err := t.db.NewestPlan(ctx)
	switch {
	case err != nil:
		return err
	case plan.Organisation != t.settings.Organisation:
		return mistakef("", "plan %s is of another organisation, %s", plan.ID, plan.Organisation)
	case record.AppliedBy != "":
		return mistakef(again, "plan %s is used up: run %s applied it", plan.ID, record.AppliedBy)
	case plan.Mode != reconcile.Act:
		return mistakef("set mode: act in "+t.settings.config.Policy, "the policy only observes")
	case age > maxPlanAge:
		return mistakef(again, "plan %s is stale: its as-of is %s ago, the limit is %s", plan.ID, age.Round(time.Minute), maxPlanAge)
	case newest != record.ID:
		return mistakef("trueup apply "+newest+", or trueup plan for a new one", "plan %s is superseded by plan %s", plan.ID, newest)
	case plan.Policy != t.settings.policy.SHA256:
		return mistakef(again, "plan %s is stale: the policy has changed since", plan.ID)
	case plan.Products != t.settings.catalogue.SHA256:
		return mistakef(again, "plan %s is stale: the product list has changed since", plan.ID)
	case plan.Config != t.settings.options.Config:
		return mistakef(again, "plan %s is stale: the configuration has changed since", plan.ID)
	}
	return nil
}
