package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"trueup/reconcile"
	"trueup/reports"
	"trueup/store"
)

func (a *app) runsCommand() *cobra.Command {
	codes := codesHelp(exitDone, exitUsage, exitUnreachable, exitInterrupted)
	cmd := &cobra.Command{
		Use:     "runs",
		Short:   "List earlier runs, or show one",
		Long:    "runs lists what was run, newest first.\n" + codes,
		Example: "  trueup runs\n  trueup runs show latest",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runsList(cmd.Context(), 20) },
	}
	var limit int
	list := &cobra.Command{Use: "list", Short: "List earlier runs, newest first", Args: noArgs,
		Long: "list lists what was run, newest first.\n" + codes, Example: "  trueup runs list --limit 5\n  trueup runs list --output json",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runsList(cmd.Context(), limit) }}
	list.Flags().IntVar(&limit, "limit", 20, "how many")
	show := &cobra.Command{Use: "show RUN", Short: "Show a run with its plan's actions", Args: between(1, 1, "RUN"),
		Long:    "show shows a run and the actions of its plan. RUN is an id, a unique prefix or latest.\n" + codes,
		Example: "  trueup runs show latest\n  trueup runs show 20261122T0200 --output json",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runsShow(cmd.Context(), args[0]) }}
	cmd.AddCommand(list, show)
	return cmd
}

func (a *app) runsList(ctx context.Context, limit int) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	if limit < 1 {
		return mistakef("1 or more", "--limit %d lists nothing", limit)
	}
	t, err := a.openLedger(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	runs, err := t.db.Runs(ctx, limit)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"runs": orEmpty(runs)})
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no runs yet")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tKIND\tSTARTED\tTOOK\tSTATE\tEXIT\tPLAN")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.ID, r.Kind, a.local(r.Started.Time(), t), took(r), r.State, r.Exit, dash(r.Plan))
	}
	return w.Flush()
}

func (a *app) runsShow(ctx context.Context, id string) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	t, err := a.openLedger(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	run, err := t.db.Run(ctx, id)
	if err != nil {
		return err
	}
	var actions []store.StoredAction
	if run.Plan != "" {
		if actions, err = t.db.Actions(ctx, run.Plan); err != nil {
			return err
		}
	}
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"run": run, "actions": shown(actions)})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{{"run", run.ID}, {"kind", run.Kind}, {"by", run.Who}, {"build", run.Build},
		{"started", a.local(run.Started.Time(), t)}, {"took", took(run)}, {"as of", a.local(run.AsOf.Time(), t)},
		{"state", string(run.State)}, {"exit", fmt.Sprint(run.Exit)}, {"error", run.Error}, {"plan", run.Plan}, {"workbook", run.Workbook}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	if len(actions) > 0 {
		fmt.Fprintln(w, "\nACTION\tHOLDER\tPRODUCT\tVERDICT\tSTATE\tDETAIL")
		for _, action := range actions {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", action.Kind, action.Holder, action.Product, action.Verdict, action.State, dash(action.Detail))
		}
	}
	return w.Flush()
}

// shownAction is an action in the JSON output, with the names that the plan's rows have.
type shownAction struct {
	ID         string      `json:"id"`
	Kind       string      `json:"kind"`
	To         string      `json:"to,omitempty"`
	State      string      `json:"state"`   // now
	Planned    string      `json:"planned"` // as the plan had it
	Due        string      `json:"due,omitempty"`
	Role       string      `json:"role,omitempty"`
	By         string      `json:"by,omitempty"`
	Detail     string      `json:"detail,omitempty"`
	Attempts   int         `json:"attempts"`
	Verdict    string      `json:"verdict"`
	Holder     string      `json:"holder"`
	Department string      `json:"department,omitempty"`
	Product    string      `json:"product"`
	Source     string      `json:"source"`
	Account    string      `json:"account"`
	Money      *shownMoney `json:"money,omitempty"`
}

// shownMoney is per month.
type shownMoney struct {
	Currency     string `json:"currency"`
	Exposure     string `json:"exposure"`
	Reassignable string `json:"reassignable"`
	Reducible    string `json:"reducible"`
	Effective    string `json:"effective"`
}

func shown(actions []store.StoredAction) []shownAction {
	all := make([]shownAction, len(actions))
	for n, a := range actions {
		all[n] = shownAction{ID: a.ID.String(), Kind: a.Kind.String(), To: a.To, State: a.State.String(), Planned: a.Planned.String(),
			Due: a.Due.String(), Role: a.Role, By: a.By, Detail: a.Detail, Attempts: a.Attempts, Verdict: a.Verdict.String(),
			Holder: a.Holder, Department: a.Department, Product: a.Product, Source: a.Source, Account: cmp.Or(a.Login, a.Account)}
		if a.Currency != "" {
			all[n].Money = &shownMoney{a.Currency, reports.Amount(a.Exposure, a.Currency), reports.Amount(a.Reassignable, a.Currency),
				reports.Amount(a.Reducible, a.Currency), a.Effective.String()}
		}
	}
	return all
}

// local writes an instant in the organisation's zone.
func (a *app) local(t time.Time, s *session) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(s.settings.calendar.Zone()).Format("2006-01-02 15:04:05 MST")
}

func took(r reconcile.Run) string {
	if !r.Finished.Known() {
		return "-"
	}
	return r.Finished.Time().Sub(r.Started.Time()).Round(10 * time.Millisecond).String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
