package storetest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/lib/pq" // the driver that talks to the servers
)

// shared is the one server of a test binary, and the number of databases and schemas made on it. It is package state because a
// server takes a second to make and a test binary has no other place that outlives its tests.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	made   atomic.Int64
}

// Postgres makes an empty schema on the test binary's server, which it starts if need be, and returns the address that
// leads there. A schema takes a tenth of the time that a database takes. The test is skipped where PostgreSQL's server is
// not installed. What is written there does not reach the disk; a test that ends the server takes [Own].
func Postgres(t testing.TB) string {
	t.Helper()
	s := Shared(t)
	name := fmt.Sprintf("test%d", shared.made.Add(1))
	s.Exec(t, "postgres", "CREATE SCHEMA "+name)
	t.Cleanup(func() { s.Exec(t, "postgres", "DROP SCHEMA "+name+" CASCADE") })
	return s.DSN(Superuser, "postgres") + "&search_path=" + name
}

// Shared is the test binary's server.
func Shared(t testing.TB) *Server {
	t.Helper()
	programs := find(t)
	shared.once.Do(func() {
		shared.server, shared.err = newServer(programs, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
		if shared.err == nil {
			shared.err = shared.server.start(programs)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Own starts a server for one test, with settings as "name=value"; what is committed there is on the disk.
func Own(t testing.TB, settings ...string) *Server {
	t.Helper()
	programs := find(t)
	s, err := newServer(programs, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.end(false); err != nil && !strings.Contains(err.Error(), "exit status") {
			t.Error(err)
		}
	})
	if err := s.start(programs); err != nil {
		t.Fatal(err)
	}
	return s
}

// Database makes an empty database and returns its name. It goes when the test ends, or with its server.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", shared.made.Add(1))
	s.Exec(t, "postgres", "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if s == shared.server {
			s.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	return name
}

// Give lets the server's user have a folder of a test.
func (s *Server) Give(t testing.TB, dir string) {
	t.Helper()
	if s.as == nil {
		return
	}
	if err := os.Chown(dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
		t.Fatal(err)
	}
	for dir != "/" { // and let it come there
		info, err := os.Stat(dir)
		if err == nil && strings.HasPrefix(dir, os.TempDir()+"/") {
			err = os.Chmod(dir, info.Mode().Perm()|0o011)
		}
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Dir(dir)
	}
}

// Exec carries out statements in a database as the superuser.
func (s *Server) Exec(t testing.TB, database string, statements ...string) {
	t.Helper()
	db, err := sql.Open("postgres", s.DSN(Superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
