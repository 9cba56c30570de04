package store

import (
	"context"
	"time"

	"trueup/facts"
	"trueup/reconcile"
)

// baselines is how many good readings of a feed are kept to compare the next one with.
const baselines = 5

// lossWindow is how far back accesses taken are counted.
const lossWindow = 30 * 24 * time.Hour

// Prior returns the ledger's part in a decision as of asOf, to be frozen into the snapshot:
//
// The last five good readings of each feed, newest first. Good is what a stored plan was made from, whole, and what no
// guard of that plan tripped over; one that was raised by name counts as good. Reading a shrunken feed night after night
// therefore never makes it the measure.
//
// The open cases. They are those of now, whatever asOf: a decision about the past does not move them.
//
// The accesses taken in the 30 days before asOf, and any after it, so that none escapes a rolling limit: by a revoke or
// downgrade that is done, or sent with an outcome that is not known.
//
// To whom each account was linked last: of accounts that the newest plan did not link, the person they had before.
func (d *DB) Prior(ctx context.Context, asOf facts.Instant) (facts.Prior, error) {
	var prior facts.Prior
	err := d.read(ctx, "read prior state", func(t *tx) (err error) {
		if prior.Inputs, err = t.priorInputs(ctx, asOf); err != nil {
			return err
		}
		if prior.Cases, err = t.priorCases(ctx); err != nil {
			return err
		}
		if prior.Losses, err = t.losses(ctx, asOf.Add(-lossWindow)); err != nil {
			return err
		}
		prior.Linked, err = t.lastLinks(ctx)
		return err
	})
	return prior, err
}

func (t *tx) priorInputs(ctx context.Context, asOf facts.Instant) ([]facts.PriorInput, error) {
	var rows []struct {
		Source   string                        `db:"source"`
		Feed     word[facts.Feed, *facts.Feed] `db:"feed"`
		Observed moment                        `db:"observed"`
		Accepted int64                         `db:"accepted"`
	}
	err := t.list(ctx, &rows, `SELECT source, feed, observed, accepted FROM (
			SELECT source, feed, observed, accepted, row_number() OVER (PARTITION BY source, feed ORDER BY observed DESC) AS place
			FROM (SELECT DISTINCT i.source, i.feed, i.observed, i.row_count - i.rejected AS accepted FROM plan_inputs i
				WHERE i.complete = 1 AND i.observed <= ? AND NOT EXISTS (SELECT 1 FROM plan_inputs j
					JOIN guards g ON g.plan = j.plan AND g.scope = j.source || '/' || j.feed AND g.state = ?
					WHERE j.source = i.source AND j.feed = i.feed AND j.observed = i.observed)) AS good) AS placed
		WHERE place <= ? ORDER BY source, feed, observed DESC`, int64(asOf), reconcile.GuardTripped.String(), baselines)
	inputs := make([]facts.PriorInput, 0, len(rows))
	for _, r := range rows {
		inputs = append(inputs, facts.PriorInput{Source: r.Source, Feed: r.Feed.it, Observed: facts.Instant(r.Observed),
			Rows: r.Accepted})
	}
	return inputs, err
}

func (t *tx) priorCases(ctx context.Context) ([]facts.Case, error) {
	var rows []struct {
		ID     digest `db:"id"`
		State  string `db:"state"`
		Opened date   `db:"opened"`
		Due    date   `db:"due"`

		Verdict string `db:"verdict"`
		Paths   string `db:"paths"`

		Approved bool `db:"approved"`
	}
	// An answer of a person has no intent. Of an earlier time, before the case was opened anew, it counts no more.
	err := t.list(ctx, &rows, `SELECT id, state, opened, due, verdict, paths, EXISTS (SELECT 1 FROM outcomes a
			WHERE a.action = cases.id AND a.intent IS NULL AND a.state = ? AND a.at / 86400000 >= cases.opened) AS approved
		FROM cases WHERE ended IS NULL ORDER BY id`, reconcile.Ready.String())
	cases := make([]facts.Case, 0, len(rows))
	for _, r := range rows {
		cases = append(cases, facts.Case{ID: facts.Digest(r.ID), State: r.State, Opened: facts.Day(r.Opened), Due: facts.Day(r.Due),
			Verdict: r.Verdict, Paths: r.Paths, Approved: r.Approved})
	}
	return cases, err
}

func (t *tx) losses(ctx context.Context, since facts.Instant) ([]facts.Loss, error) {
	var rows []struct {
		At         moment `db:"at"`
		Holder     string `db:"holder"`
		Product    string `db:"product"`
		Verdict    string `db:"verdict"`
		Department string `db:"department"`
	}
	err := t.list(ctx, &rows, `SELECT i.at, i.holder, i.product, i.verdict, i.department FROM intents i
		WHERE i.at > ? AND i.kind IN (?, ?) AND (i.pending = 1 OR EXISTS (SELECT 1 FROM outcomes o
			WHERE o.intent = i.seq AND o.state = ? AND o.already = 0))
			AND NOT EXISTS (SELECT 1 FROM outcomes u WHERE u.action = i.action AND u.seq > i.seq AND u.state = ?)
		ORDER BY i.seq`, int64(since), reconcile.Revoke.String(), reconcile.Downgrade.String(), reconcile.Done.String(),
		reconcile.Undone.String())
	losses := make([]facts.Loss, 0, len(rows))
	for _, r := range rows {
		losses = append(losses, facts.Loss{At: facts.Instant(r.At), Holder: r.Holder, Product: r.Product, Verdict: r.Verdict,
			Department: r.Department})
	}
	return losses, err
}
