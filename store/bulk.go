package store

import (
	"context"
	"database/sql/driver"
	"strings"
)

// bulkRows is how many rows are handed over at a time.
const bulkRows = 256

// bulk puts many rows into one table, by COPY or by one INSERT each, while the next ones are being made. Between the first
// row and flush nothing else may be done in the transaction.
//
// It talks to the driver itself: what database/sql does around a statement, and the watch that SQLite's driver keeps on a
// context that can end, take longer than storing the row. Several rows a statement are slower still, since that driver
// looks for each value among all of them.
type bulk struct {
	tx      *tx
	table   string
	columns []string
	values  []driver.NamedValue      // of the rows that wait, one row after the other
	handed  chan []driver.NamedValue // to store; nil until there are any
	emptied chan []driver.NamedValue // back from there, to be filled again
	stored  chan error               // one, when all that was handed over is stored, or some of it could not be
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

// hand hands over the rows that wait, once those before them are on their way.
func (b *bulk) hand(ctx context.Context) error {
	if b.handed == nil {
		b.handed, b.emptied, b.stored = make(chan []driver.NamedValue), make(chan []driver.NamedValue, 1), make(chan error, 1)
		b.emptied <- nil
		b.tx.bulked = b
		go func() { b.stored <- b.tx.raw(func(conn driver.ConnPrepareContext) error { return b.store(ctx, conn) }) }()
	}
	select {
	case b.handed <- b.values:
		b.values = <-b.emptied
		return nil
	case err := <-b.stored: // it stopped half-way
		b.tx.bulked = nil
		return err
	}
}

// flush hands over what is left and waits until all of it is stored.
func (b *bulk) flush(ctx context.Context) error {
	if len(b.values) > 0 {
		if err := b.hand(ctx); err != nil {
			return err
		}
	}
	return b.wait()
}

// wait lets what was handed over be stored, and nothing more.
func (b *bulk) wait() error {
	if b.handed == nil {
		return nil
	}
	close(b.handed)
	b.tx.bulked = nil
	return <-b.stored
}

// store stores rows as they are handed over.
func (b *bulk) store(ctx context.Context, conn driver.ConnPrepareContext) (err error) {
	insert, err := conn.PrepareContext(ctx, b.statement())
	if err != nil {
		return err
	}
	defer func() {
		if closed := insert.Close(); err == nil {
			err = closed
		}
	}()
	put := putter(context.WithoutCancel(ctx), insert)
	for values := range b.handed {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for row := values; len(row) > 0; row = row[len(b.columns):] {
			if err := put(row[:len(b.columns)]); err != nil {
				return err
			}
		}
		b.emptied <- values[:0]
	}
	if b.tx.copies {
		return put(nil)
	}
	return nil
}

// putter returns what executes a statement for one row. A COPY is executed by the driver, lib/pq, for each of its rows, and
// without values for its end. ctx must not end: a row takes microseconds.
func putter(ctx context.Context, insert driver.Stmt) func([]driver.NamedValue) error {
	if insert, ok := insert.(driver.StmtExecContext); ok {
		return func(row []driver.NamedValue) error {
			_, err := insert.ExecContext(ctx, row)
			return err
		}
	}
	var plain []driver.Value
	return func(row []driver.NamedValue) error {
		plain = plain[:0]
		for _, value := range row {
			plain = append(plain, value.Value)
		}
		_, err := insert.Exec(plain) //nolint:staticcheck // a COPY has no other
		return err
	}
}

func (b *bulk) statement() string {
	columns := b.table + " (" + strings.Join(b.columns, ", ") + ")"
	if b.tx.copies {
		return "COPY " + columns + " FROM STDIN"
	}
	return "INSERT INTO " + columns + " VALUES (?" + strings.Repeat(", ?", len(b.columns)-1) + ")"
}
