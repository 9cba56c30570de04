package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/jmoiron/sqlx"
)

// DB is the ledger and its projections. It is safe for concurrent use; within a process writers queue up, between
// processes the database makes them wait.
type DB struct {
	db      *sqlx.DB
	dialect dialect
	random  io.Reader
	writing chan struct{} // holds the one token of the writer
}

// Options are what opening a store depends on besides its name.
type Options struct {
	Dir    string    // a relative path is relative to it
	Random io.Reader // salts come from here; crypto/rand if nil
}

// dialect is what differs between databases.
type dialect struct {
	driver     string // name under which the driver is registered
	bind       int    // how sqlx writes bind variables
	migrations fs.FS
	// explain gives a fault of the database a reason and a hint; both "" if there is nothing to add.
	explain func(error) (reason, hint string)
}

// Open opens the store and brings its schema up to date. dsn is "sqlite:PATH". Errors are [*Error] with a hint.
func Open(ctx context.Context, dsn string, options Options) (*DB, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		return nil, &Error{Op: "open store", Reason: "is on PostgreSQL", Err: errors.ErrUnsupported,
			Hint: "this build keeps its ledger in SQLite; use sqlite:PATH"}
	case scheme != "sqlite" || rest == "":
		return nil, &Error{Op: "open store " + dsn, Reason: "is not a store", Hint: "use sqlite:PATH"}
	}
	d, err := openSQLite(rest, options)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(d.fault("open store "+dsn, err), d.db.Close())
	}
	return d, nil
}

func connect(dialect dialect, dsn string, options Options) (*DB, error) {
	sqlx.BindDriver(dialect.driver, dialect.bind)
	db, err := sqlx.Open(dialect.driver, dsn)
	if err != nil {
		return nil, err
	}
	d := &DB{db: db, dialect: dialect, random: options.Random, writing: make(chan struct{}, 1)}
	if d.random == nil {
		d.random = rand.Reader
	}
	return d, nil
}

// Close closes the store.
func (d *DB) Close() error { return d.fault("close store", d.db.Close()) }

// tx is a transaction with queries written with "?" for values.
type tx struct {
	*sqlx.Tx
	random io.Reader
	head   *Head // end of the ledger once it has been read
}

// write runs fn in a transaction and names op in its error. Nothing is kept unless fn and the commit succeed.
func (d *DB) write(ctx context.Context, op string, fn func(*tx) error) error {
	select {
	case d.writing <- struct{}{}:
		defer func() { <-d.writing }()
	case <-ctx.Done():
		return d.fault(op, context.Cause(ctx))
	}
	return d.fault(op, d.transact(ctx, nil, fn))
}

// read runs fn on one consistent view of the database.
func (d *DB) read(ctx context.Context, op string, fn func(*tx) error) error {
	return d.fault(op, d.transact(ctx, &sql.TxOptions{ReadOnly: true}, fn))
}

func (d *DB) transact(ctx context.Context, options *sql.TxOptions, fn func(*tx) error) error {
	t, err := d.db.BeginTxx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // of no effect after the commit
	if err := fn(&tx{Tx: t, random: d.random}); err != nil {
		return err
	}
	return t.Commit()
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

// fault names op, and adds a reason and a hint where the database's error is one that a person can mend.
func (d *DB) fault(op string, err error) error {
	if err == nil {
		return nil
	}
	fault := &Error{Op: op, Err: err}
	if inner, ok := errors.AsType[*Error](err); ok {
		fault.Hint = inner.Hint
		return fault
	}
	fault.Reason, fault.Hint = d.dialect.explain(err)
	return fault
}
