package store

import (
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

func sqliteDialect() (dialect, error) {
	migrations, err := fs.Sub(sqliteMigrations, "migrations/sqlite")
	return dialect{driver: "sqlite", bind: sqlx.QUESTION, migrations: migrations, explain: explainSQLite}, err
}

// openSQLite opens the file at path, which it creates, readable by its owner only, if need be. Commits are durable when
// they return (WAL, synchronous FULL). A transaction that writes takes the write lock when it begins, so that it never
// fails half-way because another one was faster.
func openSQLite(path string, options Options) (*DB, error) {
	dialect, err := sqliteDialect()
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(options.Dir, path)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, &Error{Op: "open store " + path, Err: err}
	}
	if err := create(path); err != nil {
		return nil, &Error{Op: "open store", Err: err, Hint: "name a file in a folder that may be written to"}
	}
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(15000)", "journal_mode(WAL)",
		"synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)"}}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: settings.Encode()}
	return connect(dialect, dsn.String(), options)
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
