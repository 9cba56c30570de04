package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"trueup/facts"
)

// migration is one numbered file of SQL, "0001_ledger.sql".
type migration struct {
	Version  int    `db:"version"`
	Name     string `db:"name"`
	Checksum string `db:"checksum"`
	sql      string
}

// migrate brings the schema up to date in one transaction, so that of two processes that start together one migrates and
// the other finds it done. A file that was changed after it ran, and a schema made by a newer build, are errors.
func (d *DB) migrate(ctx context.Context) error {
	known, err := readMigrations(d.dialect.migrations)
	if err != nil {
		return err
	}
	return d.persist(ctx, d.dialect.migrating, func(t *tx) error {
		if _, err := t.exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations
			(version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)`); err != nil {
			return err
		}
		ran, err := t.ran(ctx)
		if err == nil {
			err = agree(known, ran)
		}
		if err != nil {
			return err
		}
		for _, m := range known[len(ran):] {
			if _, err := t.ExecContext(ctx, m.sql); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			if _, err := t.exec(ctx, `INSERT INTO schema_migrations (version, name, checksum) VALUES (?, ?, ?)`,
				m.Version, m.Name, m.Checksum); err != nil {
				return err
			}
		}
		return nil
	})
}

// ran returns the migrations that ran, in order.
func (t *tx) ran(ctx context.Context) ([]migration, error) {
	var ran []migration
	err := t.list(ctx, &ran, `SELECT version, name, checksum FROM schema_migrations ORDER BY version`)
	return ran, err
}

// agree checks that what ran is the beginning of what is known.
func agree(known, ran []migration) error {
	for n, m := range ran {
		switch {
		case n >= len(known):
			return &Error{Op: m.Name, Reason: "the schema is newer than this build",
				Hint: "use the build that wrote it, or a newer one"}
		case m.Version != known[n].Version || m.Checksum != known[n].Checksum:
			return &Error{Op: m.Name, Reason: "the schema was made by another build: the file has changed since it ran",
				Hint: "use the build that made the database"}
		}
	}
	return nil
}

// readMigrations reads the files in order; their numbers must run from 1 without a gap.
func readMigrations(from fs.FS) ([]migration, error) {
	names, err := fs.Glob(from, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	migrations := make([]migration, 0, len(names))
	for n, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if version, err := strconv.Atoi(number); err != nil || version != n+1 {
			return nil, fmt.Errorf("migration %s: its number should be %04d", name, n+1)
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		checksum := facts.Digest(sha256.Sum256(text)).String()
		migrations = append(migrations, migration{Version: n + 1, Name: name, Checksum: checksum, sql: string(text)})
	}
	return migrations, nil
}
