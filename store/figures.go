package store

import (
	"context"
	"database/sql"
	"errors"

	"trueup/facts"
	"trueup/reconcile"
)

// Figures are counts over the ledger, as it stands, for those who watch from afar. They hold nothing personal.
type Figures struct {
	Plan     string                   // the newest; "" if there is none, then Verdicts, Actions and Tripped are empty
	AsOf     facts.Instant            // of the newest plan
	Verdicts map[string]int64         // rows of the newest plan
	Actions  map[ActionResult]int64   // of the newest plan, by their present state
	Tripped  map[string]int64         // guards of the newest plan: scopes that each tripped in
	Outcomes map[ActionResult]int64   // recorded since the ledger began
	Runs     map[string]reconcile.Run // the last of each kind that ended
	Intents  int64                    // written, without a final outcome
}

// ActionResult is a kind of action and the state it is in, or the outcome it came to.
type ActionResult struct{ Kind, State string }

// Figures counts.
func (d *DB) Figures(ctx context.Context) (Figures, error) {
	var f Figures
	err := d.read(ctx, "count figures", func(t *tx) error {
		f = Figures{AsOf: facts.NoInstant, Verdicts: map[string]int64{}, Actions: map[ActionResult]int64{}, Tripped: map[string]int64{},
			Outcomes: map[ActionResult]int64{}, Runs: map[string]reconcile.Run{}}
		for _, count := range []func(context.Context, *Figures) error{t.newestPlan, t.verdictFigures, t.actionFigures,
			t.guardFigures, t.outcomeFigures, t.runFigures} {
			if err := count(ctx, &f); err != nil {
				return err
			}
		}
		return t.get(ctx, &f.Intents, `SELECT count(*) FROM intents WHERE pending = 1`)
	})
	return f, err
}

func (t *tx) newestPlan(ctx context.Context, f *Figures) error {
	var row struct {
		ID   string `db:"id"`
		AsOf moment `db:"as_of"`
	}
	err := t.get(ctx, &row, `SELECT id, as_of FROM plans ORDER BY as_of DESC, seq DESC LIMIT 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	f.Plan, f.AsOf = row.ID, facts.Instant(row.AsOf)
	return err
}

func (t *tx) verdictFigures(ctx context.Context, f *Figures) error {
	var packed []byte
	err := t.get(ctx, &packed, `SELECT packed FROM plan_verdicts WHERE plan = ?`, f.Plan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	v := decodeVerdicts(packed)
	for _, name := range v.names {
		f.Verdicts[name] = 0
	}
	for _, word := range v.words {
		f.Verdicts[v.names[word]]++
	}
	return nil
}

type resultRow struct {
	Kind  string `db:"kind"`
	State string `db:"state"`
	Rows  int64  `db:"n"`
}

func (t *tx) actionFigures(ctx context.Context, f *Figures) error {
	return t.results(ctx, f.Actions, `SELECT r.kind, coalesce(c.state, r.state) AS state, count(*) AS n
		FROM plan_rows r LEFT JOIN cases c ON c.id = r.action WHERE r.plan = ? AND r.action <> ''
		GROUP BY r.kind, coalesce(c.state, r.state)`, f.Plan)
}

func (t *tx) outcomeFigures(ctx context.Context, f *Figures) error {
	return t.results(ctx, f.Outcomes, `SELECT i.kind, o.state, count(*) AS n FROM outcomes o JOIN intents i ON i.seq = o.intent
		GROUP BY i.kind, o.state`)
}

func (t *tx) results(ctx context.Context, into map[ActionResult]int64, query string, args ...any) error {
	var rows []resultRow
	err := t.list(ctx, &rows, query, args...)
	for _, r := range rows {
		into[ActionResult{r.Kind, r.State}] = r.Rows
	}
	return err
}

func (t *tx) guardFigures(ctx context.Context, f *Figures) error {
	var rows []struct {
		Guard string `db:"guard"`
		Rows  int64  `db:"n"`
	}
	err := t.list(ctx, &rows, `SELECT guard, count(*) AS n FROM guards WHERE plan = ? AND state = ? GROUP BY guard`,
		f.Plan, reconcile.GuardTripped.String())
	for _, r := range rows {
		f.Tripped[r.Guard] = r.Rows
	}
	return err
}

func (t *tx) runFigures(ctx context.Context, f *Figures) error {
	var rows []runRow
	err := t.list(ctx, &rows, `SELECT `+runColumns+` FROM (SELECT `+runColumns+`,
			row_number() OVER (PARTITION BY kind ORDER BY started DESC, id DESC) AS place FROM runs WHERE state <> ?) AS placed
		WHERE place = 1`, string(reconcile.RunRunning))
	for _, r := range rows {
		f.Runs[r.Kind] = r.run()
	}
	return err
}
