package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/fixtures/graph"
	"trueup/store/storetest"
)

// onPostgres moves a site's ledger to PostgreSQL before there is one, by the one line that a user changes.
func onPostgres(t *testing.T, s *site) {
	t.Helper()
	s.store = storetest.Postgres(t)
	s.replace("trueup.yaml", "store: sqlite:var/trueup.db", "store: "+s.store)
}

// TestBothStores does the job twice, once with each database, and compares everything that it says and leaves.
func TestBothStores(t *testing.T) {
	var vendor atomic.Pointer[graph.Server] // at one address for both, since the exports name it
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { vendor.Load().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	lite, big := newFolder(t, monday, server.URL), &site{t: t, dir: t.TempDir(), clock: &clock{base: monday}}
	err := errors.Join(os.CopyFS(big.dir, os.DirFS(lite.dir)), os.Chmod(big.path("keys/licences/signing.key"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	onPostgres(t, big)
	both := [2]*site{lite, big}
	for _, s := range both {
		if s.vendor, err = graph.Load(s.dir, graph.Options{Base: server.URL, Now: s.clock.now}); err != nil {
			t.Fatal(err)
		}
		s.clock.ticks.Store(0)
	}
	for _, step := range []struct {
		code int
		args []string
	}{
		{exitDone, []string{"check"}},
		{exitUsage, []string{"runs"}},
		{exitWithheld, []string{"plan", "--output", "json", "--quiet"}},
		{exitWithheld, []string{"plan", "--output", "csv", "--quiet"}},
		{exitDone, []string{"check", "--output", "json"}},
		{exitDone, []string{"apply", "latest"}},
		{exitUsage, []string{"apply", "latest"}},
		{exitWithheld, []string{"run"}},
		{exitDone, []string{"report", "latest", "--out", "OUT"}},
		{exitDone, []string{"explain", "E0181", "--output", "json"}},
		{exitDone, []string{"explain", "E0181"}},
		{exitDone, []string{"runs"}},
		{exitDone, []string{"runs", "show", "latest", "--output", "json"}},
		{exitWithheld, []string{"run", "--quiet"}},
		{exitDone, []string{"ledger", "verify"}},
	} {
		said := [2]string{}
		for n, s := range both {
			vendor.Store(s.vendor)
			args := append([]string{}, step.args...)
			for k := range args {
				args[k] = strings.ReplaceAll(args[k], "OUT", s.path("report"))
			}
			r := s.trueup(args...)
			if r.code != step.code {
				t.Fatalf("%v exits with %d on %s, want %d\n%s", args, r.code, s.store, step.code, r.err)
			}
			said[n] = s.timeless(r.out + r.err)
		}
		if diff := cmp.Diff(said[0], said[1]); diff != "" {
			t.Errorf("%v (-sqlite +postgres):\n%s", step.args, diff)
		}
	}
	if a, b := len(lite.vendor.Effects()), len(big.vendor.Effects()); a == 0 || a != b {
		t.Errorf("%d effects with SQLite, %d with PostgreSQL", a, b)
	}
	for _, name := range []string{"plan.json", "rows.csv"} {
		a, b := lite.timeless(read(t, lite.path("report/"+name))), big.timeless(read(t, big.path("report/"+name)))
		if a != b {
			t.Errorf("%s differs:\n%.2000s", name, cmp.Diff(a, b))
		}
	}
	if _, err := os.Stat(filepath.Join(big.dir, "var", "trueup.db")); err == nil {
		t.Error("with PostgreSQL there is a SQLite file too")
	}
}

// timeless replaces what differs between two sites whatever their store is: ids with a time or chance in them, and where
// they are. The digest of decisions stays.
func (s *site) timeless(text string) string {
	text = strings.ReplaceAll(text, s.dir, "SITE")
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\u0026`, "&"), s.store, "STORE")
	for _, r := range [][2]string{
		{`\d{8}T\d{6}\.\d{3}Z-\d{5}`, "RUN"}, {`\b[0-9a-f]{16}\b`, "PLAN"}, {`hash is sha256:[0-9a-f]{64}`, "hash is HEAD"},
		{`"digest":\s*"sha256:[0-9a-f]{64}"`, `"digest": "DIGEST"`}, {`127\.0\.0\.1:\d+`, "VENDOR"},
		{`T\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"}, {`\d\d:\d\d:\d\d`, "TIME"}, {`\b\d+(\.\d+)? ?(m?s)\b`, "SPAN"}, {` {2,}`, "  "},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return text
}

// The address of the database may come from outside as a whole; the password in it is said nowhere, right or wrong.
func TestTheStoresAddressIsSecret(t *testing.T) {
	const canary = "canary-77d1c0"
	s := newFolder(t, monday, "http://127.0.0.1:9")
	server := storetest.Shared(t)
	role := "clerk_" + canary[7:]
	server.Exec(t, "postgres", `CREATE ROLE `+role+` LOGIN PASSWORD '`+canary+`'`)
	t.Cleanup(func() { server.Exec(t, "postgres", `DROP OWNED BY `+role, `DROP ROLE `+role) })
	name := server.Database(t)
	server.Exec(t, name, `GRANT CREATE ON SCHEMA public TO `+role)
	t.Cleanup(func() { server.Exec(t, name, `DROP OWNED BY `+role) })
	address := strings.Replace(server.TCP(role, name), role+"@", role+":"+canary+"@", 1)
	t.Setenv("TRUEUP_TEST_STORE", address)
	s.write("store.secret", []byte(address+"\n"))
	s.write("wrong.secret", []byte(strings.Replace(address, canary, canary+"x", 1)))
	s.write("broken.secret", []byte("postgres://clerk:"+canary+"/"+canary+"@db/x"))
	plain := read(t, s.path("trueup.yaml"))
	for _, c := range []struct {
		store string
		code  int
		says  string
	}{
		{"env:TRUEUP_TEST_STORE", exitDone, "will be made by the first run"},
		{"file:store.secret", exitDone, "will be made by the first run"},
		{"file:wrong.secret", exitUnreachable, "the password is wrong"},
		{"file:broken.secret", exitUnreachable, "cannot be read"},
		{"env:TRUEUP_TEST_NONE", exitUnreachable, "is not set"},
		{address, exitUsage, "holds a password"},
		{"postgres://db/x?password=" + canary, exitUsage, "holds a password"},
	} {
		s.write("trueup.yaml", []byte(strings.Replace(plain, "sqlite:var/trueup.db", c.store, 1)))
		for _, command := range [][]string{{"check"}, {"check", "--output", "json"}, {"schedule"}, {"plan", "--verbose"}, {"runs"}} {
			r := s.trueup(command...)
			if command[0] == "check" && (r.code != c.code && c.code != exitDone || !strings.Contains(r.out+r.err, c.says)) {
				t.Errorf("%s with %s exits with %d, want %d and %q\n%s%s", command, c.store, r.code, c.code, c.says, r.out, r.err)
			}
			if command[0] == "schedule" && r.code != c.code {
				t.Errorf("schedule with %s exits with %d, want %d\n%s", c.store, r.code, c.code, r.err)
			}
			if strings.Contains(r.out+r.err, canary) {
				t.Errorf("%v with %s says the password: %s%s", command, c.store, r.out, r.err)
			}
			if command[0] == "plan" && c.code == exitDone {
				break // from here on there is a ledger
			}
		}
		server.Exec(t, name, `DROP OWNED BY `+role, `GRANT CREATE ON SCHEMA public TO `+role)
	}
}
