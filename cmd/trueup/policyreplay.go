package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reconcile/trial"
	"trueup/reports"
)

// policyReplay is what policy replay was asked for.
type policyReplay struct {
	run, product, back, regret string
	thresholds                 []string
}

func (a *app) policyReplayCommand() *cobra.Command {
	var ask policyReplay
	cmd := &cobra.Command{
		Use:   "replay --product P",
		Short: "Say whom an idle threshold would have cut on past days, and how many of them came back",
		Long: "replay decides each past day by each threshold on the sign-ins that the archive holds: how many licences it would have\n" +
			"taken, after how many of those their holders came back within the days of regret, and what would have been saved.\n" +
			"A licence counts as taken once until it is used again. Days for which the logs do not reach back far enough, or have\n" +
			"a gap, are not decided and said to be so. Policy, products and holders are those of the run, rolled back by their own\n" +
			"dates: people who had left and licences that were taken back before it are not seen. Nothing is stored or changed.\n" +
			codesHelp(exitDone, exitWithheld, exitUsage, exitUnreachable, exitVerification, exitInterrupted),
		Example: `  trueup policy replay --product figma
  trueup policy replay --product m365-e5 --thresholds 30d,60d --back 90d --regret 14d --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyReplay(cmd.Context(), ask) },
	}
	cmd.Flags().StringVar(&ask.product, "product", "", "the product whose threshold is tried (required)")
	cmd.Flags().StringSliceVar(&ask.thresholds, "thresholds", []string{"30d", "45d", "60d", "90d"}, "values of idle_after to try")
	cmd.Flags().StringVar(&ask.back, "back", "180d", "how many days before the run are decided")
	cmd.Flags().StringVar(&ask.regret, "regret", "30d", "use so soon afterwards means that the licence should have stayed")
	cmd.Flags().StringVar(&ask.run, "run", "latest", "the run whose facts are decided: an id, a unique prefix or latest")
	return cmd
}

func (a *app) policyReplay(ctx context.Context, ask policyReplay) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	question, err := ask.question()
	if err != nil {
		return err
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
	stored, err := t.line.Stored(ctx, record)
	if err != nil {
		return err
	}
	if question.Product, err = replayed(stored.Catalogue, ask.product); err != nil {
		return err
	}
	history, err := t.history(ctx, record)
	if err != nil {
		return err
	}
	past := trial.NewPast(history, stored.Catalogue, stored.Policy, stored.Options, question)
	regrets, err := t.replayDays(ctx, past)
	if err != nil {
		return err
	}
	t.meter.finish()
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(replayDocument(record, ask.product, question, past, regrets))
	}
	return a.printReplay(stored.Catalogue, question, past, regrets)
}

// question reads the flags.
func (ask *policyReplay) question() (q trial.Question, err error) {
	read := func(flag, text string) (days reconcile.Days) {
		if fault := days.UnmarshalText([]byte(strings.TrimSpace(text))); fault != nil && err == nil {
			err = mistakef("calendar days, as 90d", "--%s: %v", flag, fault)
		}
		return days
	}
	for _, text := range ask.thresholds {
		q.Thresholds = append(q.Thresholds, read("thresholds", text))
	}
	slices.Sort(q.Thresholds)
	q.Thresholds = slices.Compact(q.Thresholds)
	q.Back, q.Regret = read("back", ask.back), read("regret", ask.regret)
	const most = 3660
	if err == nil && q.Back > most {
		err = mistakef(fmt.Sprintf("at most %dd", most), "--back %s is too long", q.Back)
	}
	if err == nil && len(q.Thresholds) == 0 {
		err = mistakef("--thresholds 30d,60d", "there is no threshold to try")
	}
	return q, err
}

// replayed finds the product that is asked about.
func replayed(c *reconcile.Catalogue, id string) (reconcile.ProductID, error) {
	var ids []string
	for n := range c.Products {
		ids = append(ids, c.Products[n].ID)
	}
	slices.Sort(ids)
	product, known := c.Lookup(id)
	switch {
	case id == "":
		return product, mistakef("products are "+strings.Join(ids, ", "), "--product is missing")
	case !known:
		return product, mistakef(reconcile.DidYouMean(id, ids), "no product %q in that run", id)
	case !c.Products[product].Metric.PerHolder():
		return product, mistakef("", "%s is counted as %s; nobody holds a seat of it", id, c.Products[product].Metric)
	}
	return product, nil
}

// history reads a run's inputs again, with the sign-ins of each day kept apart.
func (t *session) history(ctx context.Context, record reconcile.PlanRecord) (*facts.Snapshot, error) {
	observations, faults, err := t.line.History(ctx, record.AsOf)
	if err != nil {
		return nil, err
	}
	t.tellFaults(faults)
	for _, f := range faults {
		t.exit = worse(t.exit, faultExit(f))
	}
	return t.line.Freeze(ctx, record.AsOf, observations)
}

// replayDays decides the days side by side.
func (t *session) replayDays(ctx context.Context, past *trial.Past) ([]trial.Regret, error) {
	defer t.meter.Step("replay")()
	dates := past.Days()
	days := make([]trial.Day, len(dates))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(max(1, t.workers))
	for n, date := range dates {
		group.Go(func() (err error) {
			if err := context.Cause(inner); err != nil {
				return err
			}
			days[n], err = past.Day(date)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return past.Sum(days)
}

func (a *app) printReplay(c *reconcile.Catalogue, q trial.Question, past *trial.Past, regrets []trial.Regret) error {
	var out bytes.Buffer
	dates := past.Days()
	fmt.Fprintf(&out, "%s (%s), %s to %s\n", plainText(c.Products[q.Product].Name), c.Products[q.Product].ID, dates[0], dates[len(dates)-1])
	s := sheet{head: []string{"idle after", "days", "taken", "people", "came back in " + q.Regret.String(), "regret", "not known", "free on average", "to give to others", "to drop at renewal"}}
	gaps := 0
	for _, r := range regrets {
		s.add(r.Threshold.String(), strconv.Itoa(r.Days), strconv.Itoa(r.Cuts), strconv.Itoa(r.People), strconv.Itoa(r.Back), regretText(r),
			strconv.Itoa(r.Open), strconv.FormatFloat(freeSeats(r), 'f', 1, 64), moneyText(r.Saved, reassignableOf, false), moneyText(r.Saved, reducibleOf, false))
		gaps = max(gaps, r.Undecidable)
	}
	if err := s.writeText(&out); err != nil {
		return err
	}
	fmt.Fprint(&out, "\nMoney is per month, on average over the days that could be decided. Regret is of the cuts of which it is known.\n")
	if gaps > 0 {
		fmt.Fprintf(&out, "On days for which the sign-in logs do not cover the threshold nothing is cut: up to %d of %d are left out.\n", gaps, len(dates))
	}
	_, err := a.stdout.Write(out.Bytes())
	return err
}

func freeSeats(r trial.Regret) float64 {
	if r.Days == 0 {
		return 0
	}
	return float64(r.SeatDays) / float64(r.Days)
}

// regretText is the share of the cuts that were regretted, of those of which that is known.
func regretText(r trial.Regret) string {
	if r.Back+r.Stayed == 0 {
		return ""
	}
	return strconv.FormatFloat(100*float64(r.Back)/float64(r.Back+r.Stayed), 'f', 1, 64) + " %"
}

// The JSON output of policy replay.
type (
	replaySaved struct {
		Reassignable string `json:"reassignable"`
		Reducible    string `json:"reducible"`
	}
	replayThreshold struct {
		IdleAfter     string                 `json:"idle_after"`
		Days          int                    `json:"days"`        // that could be decided
		Undecidable   int                    `json:"undecidable"` // days for which the logs do not cover the threshold
		Cuts          int                    `json:"cuts"`
		People        int                    `json:"people"`
		CameBack      int                    `json:"came_back"`
		CameBackUsers int                    `json:"came_back_people"`
		StayedAway    int                    `json:"stayed_away"`
		NotKnown      int                    `json:"not_known"`
		Regret        *float64               `json:"regret"` // of cuts of which it is known; null without any
		SeatDays      int                    `json:"seat_days"`
		Saved         map[string]replaySaved `json:"saved"` // per month, by currency
	}
	replayReport struct {
		Plan       string            `json:"plan"`
		Run        string            `json:"run"`
		Product    string            `json:"product"`
		From       string            `json:"from"`
		To         string            `json:"to"`
		Regret     string            `json:"regret"`
		Thresholds []replayThreshold `json:"thresholds"`
	}
)

func replayDocument(record reconcile.PlanRecord, product string, q trial.Question, past *trial.Past, regrets []trial.Regret) replayReport {
	dates := past.Days()
	r := replayReport{Plan: record.ID, Run: record.Run, Product: product, From: dates[0].String(), To: dates[len(dates)-1].String(), Regret: q.Regret.String()}
	for _, x := range regrets {
		row := replayThreshold{x.Threshold.String(), x.Days, x.Undecidable, x.Cuts, x.People, x.Back, x.BackPeople, x.Stayed, x.Open, nil, x.SeatDays,
			map[string]replaySaved{}}
		if judged := x.Back + x.Stayed; judged > 0 {
			share := float64(x.Back) / float64(judged)
			row.Regret = &share
		}
		for _, m := range x.Saved {
			row.Saved[m.Currency] = replaySaved{reports.Amount(m.Reassignable, m.Currency), reports.Amount(m.Reducible, m.Currency)}
		}
		r.Thresholds = append(r.Thresholds, row)
	}
	return r
}
