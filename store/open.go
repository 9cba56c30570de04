package store

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// DB is the ledger and its projections. It is safe for concurrent use; within a process writers queue up, between
// processes the database makes them wait.
type DB struct {
	db       *sqlx.DB
	dialect  dialect
	random   io.Reader
	patience time.Duration // how long a connection that was lost is sought again
	writing  chan struct{} // holds the one token of the writer
}

// Options are what opening a store depends on besides its name.
type Options struct {
	Dir      string    // a relative path is relative to it
	Random   io.Reader // salts come from here; crypto/rand if nil
	Existing bool      // fail with [ErrNoLedger] instead of making a new ledger
}

// dialect is what differs between databases.
type dialect struct {
	name       string // of the store, without secrets
	driver     string // name under which the driver is registered
	bind       int    // how sqlx writes bind variables
	copies     bool   // rows in bulk go by COPY
	migrations fs.FS
	writing    mode
	reading    mode
	migrating  mode
	exists     string // counts the tables of a name that is bound to it
	// greet looks whether the database is one that a ledger can be kept in.
	greet func(context.Context, *tx) error
	// ready fails unless the rights are there that a run needs, with migrations to run or without.
	ready func(ctx context.Context, t *tx, migrating bool) error
	room  string // statements that fail unless there is room for a night; "" where the first write tells
	// commit commits, and finds out whether it did where the answer is lost.
	commit func(context.Context, *DB, *tx) error
	// fate tells what an error means for the transaction.
	fate func(error) fate
	// explain gives a fault of the database a reason and a hint; both "" if there is nothing to add.
	explain func(error) (reason, hint string)
}

// Open opens the store and brings its schema up to date. dsn is "sqlite:PATH", or an address of PostgreSQL as
// "postgres://USER@HOST/DATABASE", see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS.
// Errors are [*Error] with a hint; no password is in them.
func Open(ctx context.Context, dsn string, options Options) (*DB, error) {
	d, err := open(dsn, options)
	if err != nil {
		return nil, err
	}
	if err := d.arrive(ctx, options); err != nil {
		return nil, d.fault("open store "+d.dialect.name, errors.Join(err, d.db.Close()))
	}
	return d, nil
}

// arrive makes sure that the ledger is there and up to date.
func (d *DB) arrive(ctx context.Context, options Options) error {
	state, err := d.state(ctx)
	d.patience = patience // from here on it is known that there is somebody to wait for
	switch {
	case err != nil:
		return err
	case state.Schema == 0 && options.Existing:
		return &Error{Op: "ledger", Err: ErrNoLedger, Hint: "the first run, or the first plan, makes it"}
	case state.Schema < state.Known:
		return d.migrate(ctx)
	}
	return nil
}

// open finds the dialect; it does not connect yet.
func open(dsn string, options Options) (*DB, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(dsn, options)
	case scheme == "sqlite" && rest != "":
		return openSQLite(rest, options)
	}
	return nil, &Error{Op: "open store", Reason: "the address is neither of SQLite nor of PostgreSQL",
		Hint: "use sqlite:PATH or postgres://USER@HOST/DATABASE"}
}

func newDB(db *sqlx.DB, dialect dialect, options Options) *DB {
	d := &DB{db: db, dialect: dialect, random: options.Random, writing: make(chan struct{}, 1)}
	if d.random == nil {
		d.random = rand.Reader
	}
	return d
}

// Close closes the store.
func (d *DB) Close() error { return d.fault("close store", d.db.Close()) }

// fault names op, and adds a reason and a hint where the database's error is one that a person can mend.
func (d *DB) fault(op string, err error) error {
	if err == nil {
		return nil
	}
	fault := &Error{Op: op, Err: err}
	if inner, ok := errors.AsType[*Error](err); ok && (inner.Reason != "" || inner.Hint != "") {
		fault.Hint = inner.Hint
		return fault
	}
	fault.Reason, fault.Hint = d.dialect.explain(err)
	return fault
}
