package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"trueup/pipeline"
	"trueup/reconcile"
	"trueup/reconcile/trial"
	"trueup/reports"
)

// policyDiff is what policy diff was asked for.
type policyDiff struct {
	run      string
	limit    int
	all      bool
	markdown bool
}

func (a *app) policyDiffCommand() *cobra.Command {
	var ask policyDiff
	cmd := &cobra.Command{
		Use:   "diff [OLD] NEW",
		Short: "Say what a policy would decide otherwise than another, on the facts of a run",
		Long: "diff decides the facts of an archived run by two policies and says whose licences come out otherwise, what that is\n" +
			"worth, and how far each guard is from its limit. Without OLD it is the policy of that run. Products, identity and\n" +
			"everything else are the run's; nothing is stored and nothing is changed. It exits with 3 if a guard would trip.\n" +
			codesHelp(exitDone, exitWithheld, exitUsage, exitUnreachable, exitVerification, exitInterrupted),
		Example: `  trueup policy diff next.yaml
  trueup policy diff policy.yaml next.yaml --run 20261122T0200 --all
  trueup policy diff policy.yaml next.yaml --markdown > comment.md      for a pull request`,
		Args: between(1, 2, "NEW, or OLD and NEW"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyDiff(cmd.Context(), ask, args) },
	}
	cmd.Flags().StringVar(&ask.run, "run", "latest", "the run whose facts are decided: an id, a unique prefix or latest")
	cmd.Flags().IntVar(&ask.limit, "limit", 20, "list at most so many holders")
	cmd.Flags().BoolVar(&ask.all, "all", false, "list all holders")
	cmd.Flags().BoolVar(&ask.markdown, "markdown", false, "write Markdown")
	return cmd
}

func (a *app) policyDiff(ctx context.Context, ask policyDiff, args []string) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	if ask.limit < 0 || ask.markdown && a.output == "json" {
		return mistakef("a number of holders; --markdown or --output json", "these flags do not go together")
	}
	t, err := a.openLedger(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	record, err := t.planOf(ctx, ask.run)
	if err != nil {
		return err
	}
	d, err := t.difference(ctx, record, args)
	if err != nil {
		return err
	}
	t.meter.finish()
	if d.Tripped() {
		a.exit = exitWithheld
	}
	limit := len(d.Changes)
	if !ask.all && a.output != "json" {
		limit = min(limit, ask.limit)
	}
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(diffDocument(record, d))
	}
	var out bytes.Buffer
	write := (*sheet).writeText
	if ask.markdown {
		write = (*sheet).writeMarkdown
		fmt.Fprintf(&out, "## Policy change\n\n")
	}
	fmt.Fprintf(&out, "On the facts of %s, %d of %s come out otherwise.\n", record.AsOf, len(d.Changes), count(d.Rows, "row"))
	for _, s := range diffSheets(d, limit) {
		if err := write(&s, &out); err != nil {
			return err
		}
	}
	_, err = a.stdout.Write(out.Bytes())
	return err
}

// planOf finds the plan of a run; the newest plan for latest, since the newest run may have made none.
func (t *session) planOf(ctx context.Context, run string) (reconcile.PlanRecord, error) {
	if run == "latest" {
		return t.db.Plan(ctx, run)
	}
	found, err := t.db.Run(ctx, run)
	if err != nil {
		return reconcile.PlanRecord{}, err
	}
	if found.Plan == "" {
		return reconcile.PlanRecord{}, mistakef("trueup runs lists them", "run %s made no plan", found.ID)
	}
	return t.db.Plan(ctx, found.Plan)
}

// difference decides a plan's facts by one policy or two.
func (t *session) difference(ctx context.Context, record reconcile.PlanRecord, files []string) (*trial.Difference, error) {
	stored, err := t.line.Stored(ctx, record)
	if err != nil {
		return nil, err
	}
	stored.Options.Raised = nil // guards as they stand
	policies := []*reconcile.Policy{stored.Policy}
	var faults reconcile.Faults
	for n, file := range files {
		data, err := readFile("policy", file)
		if err != nil {
			return nil, err
		}
		policy, err := reconcile.ParsePolicy(file, data, stored.Catalogue)
		if err := gather(&faults, err); err != nil {
			return nil, err
		}
		if len(files) == 2 && n == 0 {
			policies = nil
		}
		policies = append(policies, policy)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	var plans [2]*reconcile.Plan
	for n, policy := range policies {
		if plans[n], err = decideAgain(ctx, stored, policy); err != nil {
			return nil, err
		}
	}
	return trial.Compare(plans[0], plans[1]), nil
}

func decideAgain(ctx context.Context, stored *pipeline.Stored, policy *reconcile.Policy) (*reconcile.Plan, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return reconcile.Decide(stored.Snapshot, stored.Catalogue, policy, stored.Options)
}

// diffSheets are the tables of a difference, for people.
func diffSheets(d *trial.Difference, limit int) []sheet {
	var sheets []sheet
	for _, part := range []struct {
		title string
		moves []trial.Move
	}{{"Verdicts", d.Verdicts}, {"Actions", d.Actions}} {
		s := sheet{title: part.title, head: []string{"from", "to", "rows", "people", "they cost", "more to give to others", "more to drop at renewal"}}
		for _, m := range part.moves {
			s.add(m.From, m.To, strconv.Itoa(m.Rows), strconv.Itoa(m.People), moneyText(m.Money, exposureOf, false),
				moneyText(m.Money, reassignableOf, true), moneyText(m.Money, reducibleOf, true))
		}
		if len(s.rows) > 0 {
			sheets = append(sheets, s)
		}
	}
	states := sheet{title: "Actions by state", head: []string{"state", "before", "now", "change"}}
	for _, c := range d.States {
		states.add(c.State.String(), strconv.Itoa(c.Before), strconv.Itoa(c.Now), signed(int64(c.Now-c.Before)))
	}
	if len(states.rows) > 0 {
		sheets = append(sheets, states)
	}
	sheets = append(sheets, guardSheet(d))
	if len(d.Changes) > 0 {
		sheets = append(sheets, holderSheet(d, limit))
	}
	return sheets
}

// guardSheet lists the guards that stand otherwise or would trip, and counts the rest.
func guardSheet(d *trial.Difference) sheet {
	s := sheet{title: "Guards", head: []string{"guard", "scope", "before", "now", "state"}}
	same := 0
	for n := range d.Guards {
		h := &d.Guards[n]
		if !h.Changed() && h.Now.State != reconcile.GuardTripped {
			same++
			continue
		}
		state := "not checked any more"
		if h.Now != nil {
			state = h.Now.State.String()
			if h.Now.Withholds > 0 {
				state += ", withholds " + strconv.Itoa(h.Now.Withholds)
			}
		}
		s.add(h.Guard, h.Scope, headroom(h.Before), headroom(h.Now), state)
	}
	s.note = count(same, "guard") + " within the limit, as before."
	if len(s.rows) > 0 {
		s.note = "The other " + count(same, "guard") + " as before."
	}
	return s
}

// headroom writes a guard's value and limit.
func headroom(g *reconcile.Guard) string {
	if g == nil {
		return "-"
	}
	figure := func(v float64) string {
		switch {
		case strings.HasSuffix(g.Name, "_percent"), g.Name == "shrink", g.Name == "growth", g.Name == "rejected", g.Name == "match_rate":
			return strconv.FormatFloat(100*v, 'f', 1, 64) + " %"
		case g.Name == "watermark":
			return strconv.FormatFloat(v, 'f', 1, 64) + " h"
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if g.Value == nil {
		return "not evaluated, limit " + figure(g.Limit)
	}
	return figure(*g.Value) + " of " + figure(g.Limit)
}

func holderSheet(d *trial.Difference, limit int) sheet {
	s := sheet{title: "Holders", head: []string{"holder", "account", "product", "from", "to", "rule before", "rule now"}}
	for n := range d.Changes[:limit] {
		x := &d.Changes[n]
		p, row := d.Where(x)
		s.add(p.Holder(row), p.AccountName(row), p.ProductOf(row).ID, sideText(x.From), sideText(x.To), x.From.Rule, x.To.Rule)
	}
	if more := len(d.Changes) - limit; more > 0 {
		s.note = fmt.Sprintf("%d more; --all lists them.", more)
	}
	return s
}

func sideText(s trial.Side) string {
	text := s.Verdict
	if s.Action != "none" {
		text += ", " + s.Action
	}
	if s.Target != "" {
		text += " to " + s.Target
	}
	return text
}

func exposureOf(m trial.Money) int64     { return m.Exposure }
func reassignableOf(m trial.Money) int64 { return m.Reassignable }
func reducibleOf(m trial.Money) int64    { return m.Reducible }

// moneyText writes one figure of each currency; never a sum over currencies.
func moneyText(list []trial.Money, of func(trial.Money) int64, sign bool) string {
	var parts []string
	for _, m := range list {
		text := reports.Amount(of(m), m.Currency)
		if sign && of(m) > 0 {
			text = "+" + text
		}
		parts = append(parts, text+" "+m.Currency)
	}
	return strings.Join(parts, ", ")
}

func signed(n int64) string {
	if n > 0 {
		return "+" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// The JSON output of policy diff.
type (
	diffMoney struct {
		Exposure     string `json:"exposure"`
		Reassignable string `json:"reassignable"` // new less old
		Reducible    string `json:"reducible"`    // new less old
	}
	diffMove struct {
		From   string               `json:"from"`
		To     string               `json:"to"`
		Rows   int                  `json:"rows"`
		People int                  `json:"people"`
		Money  map[string]diffMoney `json:"money"` // by currency
	}
	diffState struct {
		State  string `json:"state"`
		Before int    `json:"before"`
		Now    int    `json:"now"`
	}
	diffGuard struct {
		Guard  string           `json:"guard"`
		Scope  string           `json:"scope"`
		Before *reconcile.Guard `json:"before"`
		Now    *reconcile.Guard `json:"now"`
	}
	diffSide struct {
		Verdict string `json:"verdict"`
		Action  string `json:"action"`
		To      string `json:"to,omitempty"`
		Rule    string `json:"rule,omitempty"`
	}
	diffChange struct {
		Holder  string               `json:"holder"`
		Account string               `json:"account"`
		Product string               `json:"product"`
		From    diffSide             `json:"from"`
		To      diffSide             `json:"to"`
		Money   map[string]diffMoney `json:"money"`
	}
	diffReport struct {
		Plan     string               `json:"plan"`
		Run      string               `json:"run"`
		AsOf     string               `json:"as_of"`
		Old      string               `json:"old"` // SHA-256 of the policy's bytes
		New      string               `json:"new"`
		Rows     int                  `json:"rows"`
		Tripped  bool                 `json:"tripped"`
		Verdicts []diffMove           `json:"verdicts"`
		Actions  []diffMove           `json:"actions"`
		States   []diffState          `json:"states"`
		Guards   []diffGuard          `json:"guards"`
		Money    map[string]diffMoney `json:"money"`
		Changes  []diffChange         `json:"changes"`
	}
)

func diffDocument(record reconcile.PlanRecord, d *trial.Difference) diffReport {
	r := diffReport{Plan: record.ID, Run: record.Run, AsOf: record.AsOf.String(), Old: d.Old.Policy.String(), New: d.New.Policy.String(),
		Rows: d.Rows, Tripped: d.Tripped(), Verdicts: diffMoves(d.Verdicts), Actions: diffMoves(d.Actions), States: []diffState{},
		Guards: []diffGuard{}, Money: moneyByCurrency(d.Money...), Changes: []diffChange{}}
	for _, c := range d.States {
		r.States = append(r.States, diffState{c.State.String(), c.Before, c.Now})
	}
	for _, h := range d.Guards {
		r.Guards = append(r.Guards, diffGuard(h))
	}
	for n := range d.Changes {
		x := &d.Changes[n]
		p, row := d.Where(x)
		r.Changes = append(r.Changes, diffChange{p.Holder(row), p.AccountName(row), p.ProductOf(row).ID, sideDocument(x.From), sideDocument(x.To),
			moneyByCurrency(x.Money)})
	}
	return r
}

func sideDocument(s trial.Side) diffSide { return diffSide{s.Verdict, s.Action, s.Target, s.Rule} }

func diffMoves(moves []trial.Move) []diffMove {
	list := []diffMove{}
	for _, m := range moves {
		list = append(list, diffMove{m.From, m.To, m.Rows, m.People, moneyByCurrency(m.Money...)})
	}
	return list
}

func moneyByCurrency(list ...trial.Money) map[string]diffMoney {
	all := map[string]diffMoney{}
	for _, m := range list {
		if m.Currency != "" {
			all[m.Currency] = diffMoney{reports.Amount(m.Exposure, m.Currency), reports.Amount(m.Reassignable, m.Currency),
				reports.Amount(m.Reducible, m.Currency)}
		}
	}
	return all
}
