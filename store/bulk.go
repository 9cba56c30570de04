package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// bulkRows is how many rows are handed to the driver at a time.
const bulkRows = 256

// bulk puts many rows into one table, by COPY or by one INSERT each. It talks to the driver itself: what database/sql does
// around a statement, and the watch that SQLite's driver keeps on a context that can end, take longer than storing the
// row. Several rows a statement are slower still, since that driver looks for each value among all of them. Between the
// first row and flush nothing else may be done in the transaction.
type bulk struct {
	tx      *tx
	table   string
	columns []string
	values  []driver.NamedValue // of the rows that wait, one row after the other
	row     []driver.Value      // the one on its way by COPY
	insert  driver.Stmt         // prepared when the first rows are handed over
}

func (t *tx) bulk(table string, columns ...string) *bulk {
	return &bulk{tx: t, table: table, columns: columns}
}

// add takes one row, its values in the order of the columns.
func (b *bulk) add(ctx context.Context, values ...any) error {
	for n, value := range values {
		plain, err := driver.DefaultParameterConverter.ConvertValue(value)
		if err != nil {
			return err
		}
		b.values = append(b.values, driver.NamedValue{Ordinal: n + 1, Value: plain})
	}
	if len(b.values) < bulkRows*len(b.columns) {
		return nil
	}
	return b.hand(ctx)
}

// hand hands the rows that wait to the driver.
func (b *bulk) hand(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return b.tx.raw(func(conn driver.ConnPrepareContext) (err error) {
		if b.insert == nil {
			if b.insert, err = conn.PrepareContext(ctx, b.statement()); err != nil {
				return err
			}
			b.tx.bulked = b
		}
		unwatched := context.WithoutCancel(ctx) // a row takes microseconds
		for rest, width := b.values, len(b.columns); len(rest) > 0 && err == nil; rest = rest[width:] {
			err = b.put(unwatched, rest[:width])
		}
		b.values = b.values[:0]
		return err
	})
}

// put puts one row in.
func (b *bulk) put(ctx context.Context, row []driver.NamedValue) error {
	if insert, ok := b.insert.(driver.StmtExecContext); ok {
		_, err := insert.ExecContext(ctx, row)
		return err
	}
	b.row = b.row[:0]
	for _, value := range row {
		b.row = append(b.row, value.Value)
	}
	return b.copy(b.row)
}

// copy executes the COPY. The driver, lib/pq, takes each row as an execution of it, and one without values as its end.
func (b *bulk) copy(row []driver.Value) error {
	//lint:ignore SA1019 it is the only way that the driver has
	_, err := b.insert.Exec(row) //nolint:staticcheck // the only way that the driver has
	return err
}

// flush puts in what is left.
func (b *bulk) flush(ctx context.Context) error {
	if len(b.values) > 0 {
		if err := b.hand(ctx); err != nil {
			return err
		}
	}
	return b.close(b.tx.copies)
}

// close ends the insertion; what was handed over by COPY counts only if it is ended whole.
func (b *bulk) close(whole bool) error {
	if b.insert == nil {
		return nil
	}
	return b.tx.raw(func(driver.ConnPrepareContext) (err error) {
		if whole {
			err = b.copy(nil)
		}
		b.tx.bulked = nil
		return errors.Join(err, b.insert.Close())
	})
}

func (b *bulk) statement() string {
	columns := b.table + " (" + strings.Join(b.columns, ", ") + ")"
	if b.tx.copies {
		return "COPY " + columns + " FROM STDIN"
	}
	return "INSERT INTO " + columns + " VALUES (?" + strings.Repeat(", ?", len(b.columns)-1) + ")"
}
