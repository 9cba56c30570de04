package storetest

import (
	"database/sql"
	"os"
	"syscall"
	"testing"
	"time"
)

func query(t *testing.T, dsn, statement string) string {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got string
	if err := db.QueryRow(statement).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEachTestHasASchemaOfItsOwn(t *testing.T) {
	a, b := Postgres(t), Postgres(t)
	query(t, a, `CREATE TABLE x AS SELECT 1; SELECT 'made'`)
	if got := query(t, b, `SELECT count(*)::text FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'x'`); got != "0" {
		t.Errorf("a table of one schema stands in another: %s", got)
	}
}

func TestWhatIsCommittedOutlivesACrash(t *testing.T) {
	s := Own(t)
	name := s.Database(t)
	s.Exec(t, name, `CREATE TABLE x AS SELECT 'kept'::text AS word`)
	s.Signal(t, syscall.SIGKILL)
	s.Restart(t)
	if got := query(t, s.DSN(Superuser, name), `SELECT word FROM x`); got != "kept" {
		t.Errorf("found %q", got)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	var s *Server
	t.Run("test", func(t *testing.T) { s = Own(t) })
	for deadline := time.Now().Add(10 * time.Second); s.alive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server still works")
		}
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("its folder: %v", err)
	}
}
