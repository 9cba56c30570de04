package store

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/store/storetest"
)

func postgresAt(t testing.TB, dsn string) *DB {
	t.Helper()
	return opening(dsn, "")(t)
}

// Both databases have the same migrations, by name, and come to the same tables and columns, in the same order.
func TestBothDatabasesHaveTheSameTables(t *testing.T) {
	lite, big := sqliteAt(t, t.TempDir()), postgresAt(t, storetest.Postgres(t))
	names := func(d *DB) []string {
		found, err := fs.Glob(d.dialect.migrations, "*")
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		return found
	}
	if diff := cmp.Diff(names(lite), names(big)); diff != "" {
		t.Errorf("migrations (-sqlite +postgres):\n%s", diff)
	}
	columns := func(d *DB, query string) []string {
		var found []string
		if err := d.db.Select(&found, query); err != nil || len(found) < 100 {
			t.Fatal(len(found), err)
		}
		slices.Sort(found)
		return found
	}
	want := columns(lite, `SELECT m.name || '.' || printf('%03d', c.cid) || ' ' || c.name || CASE WHEN c."notnull" OR c.pk THEN '' ELSE ' NULL' END
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`)
	got := columns(big, `SELECT table_name || '.' || to_char(ordinal_position - 1, 'FM000') || ' ' || column_name ||
			CASE WHEN is_nullable = 'YES' THEN ' NULL' ELSE '' END
		FROM information_schema.columns WHERE table_schema = current_schema()`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-sqlite +postgres):\n%s", diff)
	}
}
