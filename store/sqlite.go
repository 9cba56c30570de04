package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

func sqliteDialect(path string) (dialect, error) {
	migrations, err := fs.Sub(sqliteMigrations, "migrations/sqlite")
	return dialect{name: "sqlite:" + path, driver: "sqlite", bind: sqlx.QUESTION, migrations: migrations,
		reading: mode{options: &sql.TxOptions{ReadOnly: true}},
		exists:  `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`,
		greet:   func(context.Context, *tx) error { return nil },
		ready:   func(context.Context, *tx, bool) error { return nil }, // the file could be opened for writing
		commit:  func(_ context.Context, _ *DB, t *tx) error { return t.Commit() },
		fate:    func(error) fate { return final }, // a writer has the lock from its beginning
		explain: explainSQLite}, err
}

// openSQLite opens the file at path, which it creates, readable by its owner only, if need be. Commits are durable when
// they return (WAL, synchronous FULL). A transaction that writes takes the write lock when it begins, so that it never
// fails half-way because another one was faster.
func openSQLite(name string, options Options) (*DB, error) {
	dialect, err := sqliteDialect(name)
	if err != nil {
		return nil, err
	}
	path, err := options.file(name)
	if err != nil {
		return nil, &Error{Op: "open store sqlite:" + name, Err: err}
	}
	if _, err := os.Stat(path); options.Existing && errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Op: "open store sqlite:" + name, Err: ErrNoLedger, Hint: "the first run, or the first plan, makes it"}
	}
	if err := create(path); err != nil {
		return nil, &Error{Op: "open store", Err: err, Hint: "name a file in a folder that may be written to"}
	}
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(15000)", "journal_mode(WAL)",
		"synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)",
		"cache_size(-65536)", "temp_store(MEMORY)", "temp_store(memory)"}}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: settings.Encode()}
	sqlx.BindDriver(dialect.driver, dialect.bind)
	db, err := sqlx.Open(dialect.driver, dsn.String())
	if err != nil {
		return nil, err
	}
	return newDB(db, dialect, options), nil
}

// file is the file of a SQLite store.
func (o Options) file(name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(o.Dir, name)
	}
	return filepath.Abs(name)
}

// noFile tells whether the store is a file that is not there yet; opening it would make it.
func noFile(dsn string, options Options) (State, bool, error) {
	name, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok || name == "" {
		return State{}, false, nil
	}
	path, err := options.file(name)
	if err != nil {
		return State{}, false, &Error{Op: "check store " + dsn, Err: err}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return State{}, false, nil
	}
	dialect, err := sqliteDialect(name)
	if err != nil {
		return State{}, false, err
	}
	known, err := readMigrations(dialect.migrations)
	return State{Known: len(known)}, true, err
}

// create makes sure that the file exists and can be written to.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// explainSQLite knows the primary result codes that a person can do something about, see
// https://www.sqlite.org/rescode.html.
func explainSQLite(err error) (reason, hint string) {
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return "", ""
	}
	switch fault.Code() & 0xff {
	case lib.SQLITE_NOTADB:
		return "the file is not a database", "name another file, or move this one away; trueup then starts a new ledger"
	case lib.SQLITE_CORRUPT:
		return "the database is damaged", "keep the file, and restore the last backup beside it"
	case lib.SQLITE_FULL:
		return "the disk is full", "free some space on the volume; nothing was half-written"
	case lib.SQLITE_READONLY:
		return "the database is read-only", "give the user that runs trueup write access to the file and its folder"
	case lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return "the database cannot be opened", "give the user that runs trueup write access to the file and its folder"
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return "another process is writing to the database", "try again once it is done"
	case lib.SQLITE_IOERR:
		return "the disk cannot be read or written", "check the volume; keep the ledger on a local disk, not on a network share"
	}
	return "", ""
}
