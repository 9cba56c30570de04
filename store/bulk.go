package store

import (
	"context"
	"strings"

	"github.com/jmoiron/sqlx"
)

// bulkValues is about how many values one statement takes. The SQLite driver looks for each value from the first one
// on, so the work grows with the square of it: rows of 33 columns are stored in half the time with 6 rows a
// statement instead of 20.
const bulkValues = 200

// bulk inserts many rows into one table: by COPY, or several a statement. Between the first row and flush nothing else
// may be done in the transaction.
type bulk struct {
	tx      *tx
	table   string
	columns []string
	batch   int // rows a statement
	args    []any
	full    *sqlx.Stmt // of a whole batch, or the COPY, once there was one
}

func (t *tx) bulk(table string, columns ...string) *bulk {
	return &bulk{tx: t, table: table, columns: columns, batch: max(1, bulkValues/len(columns))}
}

// add takes one row, its values in the order of the columns.
func (b *bulk) add(ctx context.Context, values ...any) error {
	if b.tx.copies {
		return b.copy(ctx, values)
	}
	b.args = append(b.args, values...)
	if len(b.args) < b.batch*len(b.columns) {
		return nil
	}
	if b.full == nil {
		var err error
		if b.full, err = b.tx.PreparexContext(ctx, b.statement(b.batch)); err != nil {
			return err
		}
	}
	_, err := b.full.ExecContext(ctx, b.args...)
	b.args = b.args[:0]
	return err
}

// copy takes one row on its way by COPY. The driver, lib/pq, takes rows as executions of the prepared COPY and ends it with
// one without values.
func (b *bulk) copy(ctx context.Context, values []any) error {
	if b.full == nil {
		var err error
		statement := "COPY " + b.table + " (" + strings.Join(b.columns, ", ") + ") FROM STDIN"
		if b.full, err = b.tx.PreparexContext(ctx, statement); err != nil {
			return err
		}
		b.tx.bulked = b
	}
	_, err := b.full.ExecContext(ctx, values...)
	return err
}

// flush inserts what is left.
func (b *bulk) flush(ctx context.Context) error {
	switch {
	case b.tx.copies && b.full != nil:
		if _, err := b.full.ExecContext(ctx); err != nil {
			return err
		}
		b.tx.bulked = nil
	case len(b.args) > 0:
		if _, err := b.tx.ExecContext(ctx, b.statement(len(b.args)/len(b.columns)), b.args...); err != nil {
			return err
		}
		b.args = b.args[:0]
	}
	if b.full == nil {
		return nil
	}
	return b.full.Close()
}

func (b *bulk) statement(rows int) string {
	row := "(?" + strings.Repeat(", ?", len(b.columns)-1) + ")"
	return b.tx.Rebind("INSERT INTO " + b.table + " (" + strings.Join(b.columns, ", ") + ") VALUES " + row +
		strings.Repeat(", "+row, rows-1))
}
