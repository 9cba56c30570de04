package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"trueup/reconcile"
	"trueup/store/storetest"
)

// canary is the password of the tests; it must be in nothing that is said.
const canary = "canary#5e/7d@1"

// with puts user and password into an address.
func with(t testing.TB, dsn, role, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// explains fails unless err is a fault that says reason, with a hint and without the password.
func explains(t *testing.T, err error, reason string) {
	t.Helper()
	fault, ok := errors.AsType[*Error](err)
	if !ok || fault.Hint == "" || !strings.Contains(err.Error(), reason) {
		t.Errorf("%v; want an error that says %q, with a hint", err, reason)
		return
	}
	if said := fmt.Sprintf("%v %+v %q", err, fault, fault.Hint); strings.Contains(said, "canary") || strings.Contains(said, "5e/7d") {
		t.Errorf("a password was said: %s", said)
	}
}

// What keeps a run from working with PostgreSQL is found by a check and when it is opened.
func TestPostgresExplainsItself(t *testing.T) {
	server := storetest.Shared(t)
	name := server.Database(t)
	server.Exec(t, "postgres", `CREATE ROLE clerk LOGIN PASSWORD '`+canary+`'`, `CREATE ROLE single LOGIN PASSWORD '`+canary+`' CONNECTION LIMIT 0`,
		`CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`)
	t.Cleanup(func() {
		server.Exec(t, "postgres", `DROP DATABASE ascii`, `DROP ROLE single`)
		server.Exec(t, name, `DROP OWNED BY clerk`)
		server.Exec(t, "postgres", `DROP ROLE clerk`)
	})
	server.Exec(t, name, `CREATE SCHEMA closed`, `GRANT USAGE ON SCHEMA closed TO clerk`)
	tcp := server.TCP("clerk", name)
	here := with(t, tcp, "clerk", canary)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	_ = listener.Close()
	for _, c := range []struct{ name, dsn, reason string }{
		{"slash in the password", "postgres://clerk:" + canary + "@127.0.0.1/db", "cannot be read"},
		{"no port", "postgres://clerk:canary@127.0.0.1:five/db", "cannot be read"},
		{"no mode of TLS", strings.Replace(here, "disable", "perhaps", 1), "sslmode"},
		{"no setting", here + "&nonsense=1", "does not know a setting"},
		{"refused", "postgres://clerk:canary@" + nobody + "/db", "no server answers there"},
		{"no socket", "postgres:///db?host=/nowhere&user=clerk&password=canary", "no server listens there"},
		{"no password", tcp, "password is wrong"},
		{"wrong password", with(t, tcp, "clerk", "canary"), "password is wrong"},
		{"no role", with(t, tcp, "stranger", canary), "password is wrong"},
		{"no database", with(t, server.TCP("clerk", "nowhere"), "clerk", canary), "no such database"},
		{"no TLS", strings.Replace(here, "disable", "require", 1), "does not offer TLS"},
		{"no schema", here + "&search_path=nowhere", "schema nowhere: does not exist"},
		{"no right to create", here + "&search_path=closed", "clerk may not create tables"},
		{"too many connections", with(t, server.TCP("single", name), "single", canary), "no connection free"},
		{"encoding", server.DSN(storetest.Superuser, "ascii"), "SQL_ASCII"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Check(t.Context(), c.dsn, Options{})
			explains(t, err, c.reason)
			d, err := Open(t.Context(), c.dsn, Options{})
			if err == nil {
				d.Close()
			}
			if c.name == "no right to create" {
				c.reason = "a right is missing"
			}
			explains(t, err, c.reason)
		})
	}
}

func TestHostsThatCannotBeReached(t *testing.T) {
	for reason, err := range map[string]error{
		"there is no such host":               &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "db", IsNotFound: true}},
		"the host's name cannot be looked up": &net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", Name: "db"}},
		"the server cannot be reached":        &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)},
		"the server does not answer":          &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
	} {
		if got, hint := explainPostgres(err); got != reason || hint == "" {
			t.Errorf("%v: %q, hint %q; want %q", err, got, hint, reason)
		}
	}
}

// A check changes nothing; it tells what the next run will do.
func TestCheckOfTheSchema(t *testing.T) {
	dir := t.TempDir()
	for name, dsn := range map[string]string{"sqlite": "sqlite:trueup.db", "postgres": storetest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			options := Options{Dir: dir}
			state, err := Check(t.Context(), dsn, options)
			if err != nil || state.Schema != 0 || state.Known < 2 {
				t.Errorf("of nothing: %+v, %v", state, err)
			}
			if _, err := Open(t.Context(), dsn, Options{Dir: dir, Existing: true}); !errors.Is(err, ErrNoLedger) {
				t.Errorf("opened what is not there: %v", err)
			}
			old, err := open(dsn, options)
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			base, err := readMigrations(old.dialect.migrations)
			if err != nil {
				t.Fatal(err)
			}
			old.dialect.migrations = fstest.MapFS{base[0].Name: {Data: []byte(base[0].sql)}}
			if err := old.arrive(t.Context(), options); err != nil {
				t.Fatal(err)
			}
			if state, err := Check(t.Context(), dsn, options); err != nil || state.Schema != 1 || state.Known != len(base) {
				t.Errorf("of an old one: %+v, %v", state, err)
			}
			start(t, old, "of old", night(0))
			d := opening(dsn, dir)(t)
			if _, err := d.Run(t.Context(), "of old"); err != nil {
				t.Errorf("after the migration: %v", err)
			}
			if state, err := Check(t.Context(), dsn, options); err != nil || state.Schema != len(base) {
				t.Errorf("of a new one: %+v, %v", state, err)
			}
			if _, err := d.db.Exec(`INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later.sql', '')`); err != nil {
				t.Fatal(err)
			}
			_, err = Check(t.Context(), dsn, options)
			explains(t, err, "newer than this build")
			_, err = Open(t.Context(), dsn, options)
			explains(t, err, "newer than this build")
		})
	}
}

func TestServerTooOld(t *testing.T) {
	d, err := open(storetest.Postgres(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.dialect.greet = greetPostgres(990000)
	_, err = d.state(t.Context())
	explains(t, err, "too old")
}

// A role that has what readyPostgres asks for, and nothing more, can do everything.
func TestPostgresWithTheLeastRights(t *testing.T) {
	server := storetest.Shared(t)
	server.Exec(t, "postgres", `CREATE ROLE trueup LOGIN`)
	t.Cleanup(func() { server.Exec(t, "postgres", `DROP OWNED BY trueup`, `DROP ROLE trueup`) })
	exercise(t, func(t testing.TB) opener {
		dsn := storetest.Postgres(t)
		owner := postgresAt(t, dsn)
		for _, statement := range grants(schemaOf(t, dsn), "trueup") {
			if _, err := owner.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		asTrueup := strings.Replace(dsn, "user=postgres", "user=trueup", 1)
		return func(t testing.TB) *DB {
			if _, err := Check(t.Context(), asTrueup, Options{}); err != nil {
				t.Error(err)
			}
			d := postgresAt(t, asTrueup)
			if t.Name() == "TestPostgresWithTheLeastRights/tampering" {
				return owner // who tampers has more
			}
			return d
		}
	})
}

func schemaOf(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("search_path")
}

// grants are the statements by which the owner of the tables lets a role work with them.
func grants(schema, role string) []string {
	statements := []string{"GRANT USAGE ON SCHEMA " + schema + " TO " + role}
	for table, wanted := range rights {
		statements = append(statements, "GRANT "+strings.Join(wanted, ", ")+" ON "+schema+"."+table+" TO "+role)
	}
	return statements
}

// Every table has its rights listed, and a missing one is named by the check and at the start of a run.
func TestMissingRights(t *testing.T) {
	server := storetest.Shared(t)
	dsn := storetest.Postgres(t)
	d, schema := postgresAt(t, dsn), schemaOf(t, dsn)
	var tables []string
	if err := d.db.Select(&tables, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if rights[table] == nil {
			t.Errorf("table %s has no rights listed", table)
		}
	}
	if len(tables) != len(rights) {
		t.Errorf("%d tables, %d with rights listed", len(tables), len(rights))
	}
	server.Exec(t, "postgres", `CREATE ROLE trueup LOGIN`)
	t.Cleanup(func() { server.Exec(t, "postgres", `DROP OWNED BY trueup`, `DROP ROLE trueup`) })
	server.Exec(t, "postgres", grants(schema, "trueup")...)
	server.Exec(t, "postgres", "REVOKE INSERT ON "+schema+".cases, "+schema+".outcomes FROM trueup")
	asTrueup := strings.Replace(dsn, "user=postgres", "user=trueup", 1)
	_, err := Check(t.Context(), asTrueup, Options{})
	explains(t, err, "role trueup lacks INSERT on cases, INSERT on outcomes")
	reader := postgresAt(t, asTrueup) // reading is allowed
	if _, err := reader.Runs(t.Context(), 1); err != nil {
		t.Error(err)
	}
	explains(t, reader.Ready(t.Context()), "lacks INSERT on cases")
}

// A database that is read-only, by its settings or because it is a standby, is found before a run begins.
func TestReadOnlyPostgres(t *testing.T) {
	server := storetest.Own(t)
	name := server.Database(t)
	dsn := server.DSN(storetest.Superuser, name)
	d := postgresAt(t, dsn)
	save(t, d, 1, idle("ana", reconcile.Ready))
	server.Exec(t, name, "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	_, err := Check(t.Context(), dsn, Options{})
	explains(t, err, "database: it is read-only")
	explains(t, postgresAt(t, dsn).Ready(t.Context()), "database: it is read-only")
	server.Exec(t, "postgres", "ALTER DATABASE "+name+" RESET default_transaction_read_only")

	server.Signal(t, syscall.SIGINT)
	if err := os.WriteFile(filepath.Join(server.Dir, "data", "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	server.Restart(t)
	_, err = Check(t.Context(), dsn, Options{})
	explains(t, err, "it is a standby")
	standby := postgresAt(t, dsn)
	explains(t, standby.Ready(t.Context()), "it is a standby")
	verify(t, standby) // reading is what it is for
	if err := os.Remove(filepath.Join(server.Dir, "data", "standby.signal")); err != nil {
		t.Fatal(err)
	}
}
