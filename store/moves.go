package store

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// move is what a plan makes of a case that is there already.
type move struct {
	id             digest
	opened, due    date
	state          reconcile.State
	verdict, paths string
	ended          date
	cause          string
}

// move writes the moves of cases, all by one statement: with one each, 400,000 cases that go on take minutes.
func (w *planWriter) move(ctx context.Context, moves []move) error {
	if len(moves) == 0 {
		return nil
	}
	return w.staged(ctx, "case_moves", `id TEXT, opened BIGINT, due BIGINT, state TEXT, verdict TEXT, paths TEXT, ended BIGINT, cause TEXT`,
		func(b *bulk) error {
			for _, m := range moves {
				if err := b.add(ctx, m.id, m.opened, m.due, m.state.String(), m.verdict, m.paths, m.ended, m.cause); err != nil {
					return err
				}
			}
			return nil
		}, func() error {
			_, err := w.exec(ctx, `UPDATE cases SET opened = m.opened, due = m.due, state = m.state, verdict = m.verdict, paths = m.paths,
				plan = ?, ended = m.ended, cause = m.cause FROM case_moves m WHERE cases.id = m.id`, w.record.ID)
			return err
		})
}

// ended returns the names in the ledger of those actions that have a case which ended.
func (w *planWriter) ended(ctx context.Context, actions []*reconcile.Action) (map[facts.Digest]string, error) {
	names := map[facts.Digest]string{}
	var any bool
	if err := w.get(ctx, &any, `SELECT EXISTS (SELECT 1 FROM cases WHERE ended IS NOT NULL)`); err != nil || !any || len(actions) == 0 {
		return names, err
	}
	return names, w.staged(ctx, "case_ids", `id TEXT`, func(b *bulk) error {
		for _, a := range actions {
			if err := b.add(ctx, digest(a.ID)); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		var rows []openCase
		if err := w.list(ctx, &rows, `SELECT c.id, c.commitment FROM cases c JOIN case_ids i ON i.id = c.id`); err != nil {
			return err
		}
		for _, r := range rows {
			names[facts.Digest(r.ID)] = r.Commitment
		}
		return nil
	})
}

// staged puts rows into a table that only this transaction sees, uses it, and takes it away. columns are as in CREATE TABLE.
func (t *tx) staged(ctx context.Context, table, columns string, fill func(*bulk) error, use func() error) error {
	if _, err := t.exec(ctx, `CREATE TEMPORARY TABLE `+table+` (`+columns+`)`); err != nil {
		return err
	}
	var names []string
	for column := range strings.SplitSeq(columns, ", ") {
		name, _, _ := strings.Cut(column, " ")
		names = append(names, name)
	}
	b := t.bulk(table, names...)
	if err := fill(b); err != nil {
		return err
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	if err := use(); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DROP TABLE `+table)
	return err
}

// byID sorts the places of actions by their ids: an index that grows at its end grows ten times faster than one that grows
// everywhere.
func byID(actions []*reconcile.Action) []int {
	order := make([]int, len(actions))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(actions[a].ID[:], actions[b].ID[:]) })
	return order
}
