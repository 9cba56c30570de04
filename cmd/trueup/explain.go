package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"trueup/reconcile"
	"trueup/reports"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain HOLDER [PRODUCT]",
		Short: "Why this verdict: identity match, signals and coverage, rules, exemptions, guards, next date",
		Long: "explain shows every row of the newest plan that belongs to a holder: a person's id, address or employee number, or an\n" +
			"account. Of a concurrent product, which nobody holds, it shows the position and the days that it rests on. It decides the\n" +
			"plan again from the archive, so what it shows is what was decided.\n" +
			codesHelp(exitDone, exitUsage, exitUnreachable, exitVerification, exitInterrupted),
		Example: "  trueup explain ana.lindner@example.com\n  trueup explain E1042 m365-e5 --output json",
		Args:    between(1, 2, "HOLDER and at most one PRODUCT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			product := ""
			if len(args) == 2 {
				product = args[1]
			}
			return a.explain(cmd.Context(), args[0], product)
		},
	}
}

func (a *app) explain(ctx context.Context, holder, product string) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	t, err := a.openLedger(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	record, err := t.db.Plan(ctx, "latest")
	if err != nil {
		return err
	}
	view, err := t.viewOf(ctx, record.Run)
	if err != nil {
		return err
	}
	t.meter.finish()
	all := reports.Explain(view, holder, product)
	if use := reports.ExplainUse(view, holder); len(all) == 0 && product == "" && use != nil {
		return a.explainUse(record, use)
	}
	if len(all) == 0 {
		return mistakef("give a person's id, address or employee number, or an account as the vendor writes it",
			"plan %s has no row of %q%s", record.ID, holder, ofProduct(product))
	}
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"plan": record.ID, "as_of": record.AsOf, "rows": all})
	}
	return reports.WriteExplanations(a.stdout, all, a.wantColour())
}

// explainUse shows how the position of a concurrent product came about.
func (a *app) explainUse(record reconcile.PlanRecord, use *reports.ExplainedUse) error {
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"plan": record.ID, "as_of": record.AsOf, "position": use})
	}
	return reports.WriteUse(a.stdout, use, a.wantColour())
}

func ofProduct(product string) string {
	if product == "" {
		return ""
	}
	return " for " + product
}
