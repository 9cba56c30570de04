package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/jmoiron/sqlx"
)

// mode is how a transaction of one kind begins.
type mode struct {
	options *sql.TxOptions
	first   string // the statement that lets no other writer in, before anything is looked at; "" if beginning does so
}

// fate is what a fault means for the transaction that it ended.
type fate uint8

const (
	final   fate = iota // trying again would end alike
	clashed             // it was rolled back because of what others did at the same time
	severed             // the connection is gone, or there is none to be had right now
)

// How often, and how long after the connection was lost for the first time, a transaction is tried again.
const (
	tries    = 8
	patience = 30 * time.Second
)

// tx is a transaction with queries written with "?" for values.
type tx struct {
	*sqlx.Tx
	conn   *sqlx.Conn // the transaction's own
	random io.Reader
	copies bool  // rows in bulk go by COPY
	head   *Head // end of the ledger once it has been read
	bulked *bulk // the one whose rows are under way
}

// write runs fn in a transaction and names op in its error. Nothing is kept unless fn and the commit succeed. fn may run
// more than once, each time on what is there then: whatever it leaves outside it must set anew.
func (d *DB) write(ctx context.Context, op string, fn func(*tx) error) error {
	select {
	case d.writing <- struct{}{}:
		defer func() { <-d.writing }()
	case <-ctx.Done():
		return d.fault(op, context.Cause(ctx))
	}
	return d.fault(op, d.persist(ctx, d.dialect.writing, fn))
}

// read runs fn on one consistent view of the database. fn may run more than once, as for write.
func (d *DB) read(ctx context.Context, op string, fn func(*tx) error) error {
	return d.fault(op, d.persist(ctx, d.dialect.reading, fn))
}

// persist runs a transaction, again if it was rolled back for a reason that may have passed.
func (d *DB) persist(ctx context.Context, m mode, fn func(*tx) error) error {
	waiting := ctx
	for n := 1; ; n++ {
		err := d.transact(ctx, m, fn)
		if err == nil {
			return nil
		}
		if _, told := errors.AsType[*Error](err); ctx.Err() != nil && !told {
			return context.Cause(ctx)
		}
		switch d.dialect.fate(err) {
		case clashed:
			if n == tries {
				return err
			}
		case severed:
			if d.patience == 0 {
				return err
			}
			if waiting == ctx {
				var cancel context.CancelFunc
				waiting, cancel = context.WithTimeout(ctx, d.patience)
				defer cancel()
			}
		default:
			return err
		}
		if !d.pause(waiting, n) {
			return err
		}
	}
}

// pause waits a little, longer with every try, and reports whether to try again. Processes that clashed do not wait for
// the same time.
func (d *DB) pause(ctx context.Context, n int) bool {
	var b [2]byte
	if _, err := io.ReadFull(d.random, b[:]); err != nil {
		return false
	}
	longest := 10 * time.Millisecond << min(n, 6)
	select {
	case <-time.After(longest/2 + longest/2*time.Duration(binary.BigEndian.Uint16(b[:]))/(1<<16)):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// transact runs fn in one transaction. The transaction itself does not end with ctx, so that it is never rolled back
// while a statement is under way; statements and the way to the commit do.
func (d *DB) transact(ctx context.Context, m mode, fn func(*tx) error) error {
	conn, err := d.db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	inner, err := conn.BeginTxx(context.WithoutCancel(ctx), m.options)
	if err != nil {
		return err
	}
	t := &tx{Tx: inner, conn: conn, random: d.random, copies: d.dialect.copies}
	defer t.abandon()
	if m.first != "" {
		if _, err := t.ExecContext(ctx, m.first); err != nil {
			return err
		}
	}
	if err := fn(t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.options != nil && m.options.ReadOnly {
		return t.Rollback()
	}
	return d.dialect.commit(ctx, d, t)
}

// abandon rolls back what was not committed; after the commit it does nothing.
func (t *tx) abandon() {
	if t.bulked != nil {
		_ = t.bulked.close(false) // nothing else can be said on the connection before
	}
	_ = t.Rollback()
}

// raw runs fn on the driver's connection. What fn returns is not told to database/sql, which would close a connection that
// is lost: the transaction does so when it is rolled back.
func (t *tx) raw(fn func(driver.ConnPrepareContext) error) (err error) {
	if lost := t.conn.Raw(func(conn any) error {
		prepares, ok := conn.(driver.ConnPrepareContext)
		if !ok {
			return errors.ErrUnsupported
		}
		err = fn(prepares)
		return nil
	}); lost != nil {
		return lost
	}
	return err
}

func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.ExecContext(ctx, t.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t *tx) get(ctx context.Context, into any, query string, args ...any) error {
	return t.GetContext(ctx, into, t.Rebind(query), args...)
}

func (t *tx) list(ctx context.Context, into any, query string, args ...any) error {
	return t.SelectContext(ctx, into, t.Rebind(query), args...)
}

func (t *tx) salt() ([]byte, error) {
	salt := make([]byte, 16)
	_, err := io.ReadFull(t.random, salt)
	return salt, err
}
