package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jmoiron/sqlx"

	"trueup/reconcile"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func sqliteAt(t testing.TB, dir string) *DB {
	t.Helper()
	d, err := Open(t.Context(), "sqlite:trueup.db", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestMigrationsRunOnceAndAreChecked(t *testing.T) {
	dir := t.TempDir()
	sqliteAt(t, dir)
	d := sqliteAt(t, dir)
	var ran int
	if err := d.db.Get(&ran, `SELECT count(*) FROM schema_migrations`); err != nil || ran == 0 {
		t.Fatalf("%d migrations, %v", ran, err)
	}
	for reason, tamper := range map[string]string{
		"has changed":           `UPDATE schema_migrations SET checksum = 'sha256:other' WHERE version = 1`,
		"newer than this build": `INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later.sql', '')`,
	} {
		err := d.transact(t.Context(), d.dialect.writing, func(x *tx) error {
			if _, err := x.exec(t.Context(), tamper); err != nil {
				t.Fatal(err)
			}
			known, err := readMigrations(d.dialect.migrations)
			if err != nil {
				t.Fatal(err)
			}
			var ran []migration
			if err := x.list(t.Context(), &ran, `SELECT version, name, checksum FROM schema_migrations ORDER BY version`); err != nil {
				t.Fatal(err)
			}
			return agree(known, ran)
		})
		if fault, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), reason) || fault.Hint == "" {
			t.Errorf("%v; want an error that says %q, with a hint", err, reason)
		}
	}
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	d := sqliteAt(t, t.TempDir())
	base, err := readMigrations(d.dialect.migrations)
	if err != nil {
		t.Fatal(err)
	}
	good, bad := fmt.Sprintf("%04d_two.sql", len(base)+1), fmt.Sprintf("%04d_three.sql", len(base)+2)
	files := fstest.MapFS{good: {Data: []byte(`CREATE TABLE two (n INTEGER)`)}, bad: {Data: []byte(`CREATE NONSENSE`)}}
	for _, m := range base {
		files[m.Name] = &fstest.MapFile{Data: []byte(m.sql)}
	}
	d.dialect.migrations = files
	if err := d.migrate(t.Context()); err == nil || !strings.Contains(err.Error(), bad) {
		t.Fatalf("error %v, want one that names the file", err)
	}
	var tables int
	if err := d.db.Get(&tables, `SELECT count(*) FROM sqlite_master WHERE name = 'two'`); err != nil || tables != 0 {
		t.Errorf("%d tables left behind, %v", tables, err)
	}
}

func TestMigrationNumbersHaveNoGap(t *testing.T) {
	if _, err := readMigrations(fstest.MapFS{"0001_a.sql": {}, "0003_b.sql": {}}); err == nil {
		t.Error("a gap went unnoticed")
	}
}

func TestBindVariablesFollowTheDriver(t *testing.T) {
	d := sqliteAt(t, t.TempDir())
	if got := d.db.Rebind("a = ? AND b = ?"); got != "a = ? AND b = ?" || sqlx.BindType("sqlite") != sqlx.QUESTION {
		t.Errorf("on SQLite: %s", got)
	}
	if got := sqlx.Rebind(sqlx.BindType("postgres"), "a = ? AND b = ?"); got != "a = $1 AND b = $2" {
		t.Errorf("on PostgreSQL: %s", got)
	}
}

func TestTheFileIsForItsOwner(t *testing.T) {
	dir := t.TempDir()
	sqliteAt(t, dir)
	info, err := os.Stat(dir + "/trueup.db")
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v; the ledger holds personal data", info.Mode(), err)
	}
}

// What a person can mend is said with what to do, whichever call meets it first.
func TestFaultsOfTheDatabaseHaveHints(t *testing.T) {
	for want, pragma := range map[string]string{"the disk is full": "max_page_count = 1", "the database is read-only": "query_only = 1"} {
		d := sqliteAt(t, t.TempDir())
		d.db.SetMaxOpenConns(1) // so that the pragma is for the next call too
		if _, err := d.db.Exec("PRAGMA " + pragma); err != nil {
			t.Fatal(err)
		}
		long := reconcile.Run{ID: "r", Kind: "run", Build: strings.Repeat("x", 1<<20)}
		err := d.StartRun(t.Context(), long)
		if fault, ok := errors.AsType[*Error](err); !ok || fault.Reason != want || fault.Hint == "" {
			t.Errorf("%s: %v; want %q with a hint", pragma, err, want)
		}
		err = d.write(t.Context(), "save", func(tx *tx) error {
			_, err := tx.exec(t.Context(), `CREATE TABLE filler AS SELECT zeroblob(1048576)`)
			return &Error{Op: "a part", Err: err}
		})
		if fault, ok := errors.AsType[*Error](err); !ok || fault.Reason != want || fault.Hint == "" {
			t.Errorf("%s in a part: %v; want %q with a hint", pragma, err, want)
		}
	}
}

func TestWaitingForAnotherProcessEnds(t *testing.T) {
	dir := t.TempDir()
	a, b := sqliteAt(t, dir), sqliteAt(t, dir)
	b.db.SetMaxOpenConns(1)
	if _, err := b.db.Exec("PRAGMA busy_timeout = 50"); err != nil {
		t.Fatal(err)
	}
	err := a.write(t.Context(), "hold", func(*tx) error {
		err := b.StartRun(t.Context(), reconcile.Run{ID: "r"})
		if fault, ok := errors.AsType[*Error](err); !ok || !strings.Contains(fault.Reason, "another process") || fault.Hint == "" {
			t.Errorf("%v; want an error that says who is in the way, with a hint", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
