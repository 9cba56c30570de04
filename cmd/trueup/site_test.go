package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trueup/fixtures"
	"trueup/fixtures/graph"
)

// site is the demo organisation in a folder of its own, its vendor in this process, and a clock that stands where the
// test puts it.
type site struct {
	t        *testing.T
	dir      string
	store    string // as trueup.yaml names it
	vendor   *graph.Server
	manifest *fixtures.Manifest
	clock    *clock
}

// clock moves on by a millisecond whenever somebody looks at it, so that no two runs start at the same time.
type clock struct {
	base  time.Time
	ticks atomic.Int64
}

func (c *clock) now() time.Time {
	return c.base.Add(time.Duration(c.ticks.Add(1)) * time.Millisecond)
}

// monday is when the tests' organisations live.
var monday = time.Date(2026, 6, 29, 2, 0, 0, 0, time.UTC)

// newSite writes the smallest demo organisation as of an instant and serves its vendor.
func newSite(t *testing.T, asOf time.Time) *site {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s := newFolder(t, asOf, "http://"+server.Listener.Addr().String())
	var err error
	if s.vendor, err = graph.Load(s.dir, graph.Options{Base: "http://" + server.Listener.Addr().String(), Now: s.clock.now}); err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.vendor
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// newFolder writes the smallest demo organisation, whose vendor is said to be at a URL; "" is where nobody answers.
func newFolder(t *testing.T, asOf time.Time, vendor string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), store: "sqlite:var/trueup.db", clock: &clock{base: asOf}}
	var err error
	if s.manifest, err = fixtures.Generate(s.dir, fixtures.Options{AsOf: asOf, People: fixtures.MinPeople, Vendor: vendor}); err != nil {
		t.Fatal(err)
	}
	a := &app{environment: environment{now: s.clock.now, stderr: io.Discard}}
	if err := a.demoLicenses(t.Context(), s.dir, s.manifest); err != nil {
		t.Fatal(err)
	}
	return s
}

// result is what one invocation of the program left.
type result struct {
	code     int
	out, err string
}

// trueup runs the program in this process, as a user would in the site's folder.
func (s *site) trueup(args ...string) result {
	s.t.Helper()
	return invoke(s.t.Context(), s.clock.now, append(args, "--config", s.path("trueup.yaml"))...)
}

// must runs the program and fails the test unless it exits with code.
func (s *site) must(code int, args ...string) result {
	s.t.Helper()
	r := s.trueup(args...)
	if r.code != code {
		s.t.Fatalf("trueup %s exited with %d, want %d\n%s", strings.Join(args, " "), r.code, code, r.err)
	}
	return r
}

func (s *site) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// invoke runs the program in this process with a clock.
func invoke(ctx context.Context, now func() time.Time, args ...string) result {
	var out, err bytes.Buffer
	code := execute(ctx, environment{args: args, stdout: &out, stderr: &err, getenv: os.Getenv, now: now, who: "tester@here",
		build: "test", workers: 2})
	return result{code, out.String(), err.String()}
}

// replace changes text that must be in a file.
func (s *site) replace(name, old, new string) {
	s.t.Helper()
	replaceIn(s.t, s.path(name), old, new)
}

func replaceIn(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(new)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// published returns the folder of the only run that was published.
func published(t *testing.T, dir string) string {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(dir, "out", "run=*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("published runs are %v, %v; want one", runs, err)
	}
	return runs[0]
}

// document is the plan as JSON, as far as the tests read it.
type planDocument struct {
	Plan      string      `json:"plan"`
	Decisions string      `json:"decisions"`
	Complete  bool        `json:"complete"`
	Inputs    []planInput `json:"inputs"`
	Rows      []planRow   `json:"rows"`
	Positions []struct {
		Product     string   `json:"product"`
		Purchased   *int64   `json:"purchased"`
		Peak        *int64   `json:"peak"`
		Reserved    *int64   `json:"reserved"`
		Denied      *int64   `json:"denied"`
		DaysAtLimit *int64   `json:"days_at_limit"`
		Spare       *int64   `json:"spare"`
		Needed      *int64   `json:"needed"`
		Reducible   *int64   `json:"reducible"`
		Flags       []string `json:"flags"`
	} `json:"positions"`
	Totals struct {
		People  int `json:"people"`
		With    int `json:"people_with_rows"`
		Without []struct {
			People int `json:"people"`
		} `json:"people_without"`
		Seats         int            `json:"seats"`
		Rows          int            `json:"rows"`
		Missing       int            `json:"missing"`
		UnlicensedUse int            `json:"unlicensed_use"`
		Verdicts      map[string]int `json:"verdicts"`
		Actions       map[string]int `json:"actions"`
		States        map[string]int `json:"states"`
		Money         map[string]map[string]string
	} `json:"totals"`
}

type planInput struct {
	Source   string `json:"source"`
	Feed     string `json:"feed"`
	Rows     int    `json:"rows"`
	Rejected int    `json:"rejected"`
	Failure  string `json:"failure"`
}

type planRow struct {
	Holder       string   `json:"holder"`
	Name         string   `json:"name"`
	Account      string   `json:"account"`
	Source       string   `json:"source"`
	Product      string   `json:"product"`
	Paths        []string `json:"paths"`
	Verdict      string   `json:"verdict"`
	Reasons      []string `json:"reasons"`
	LastActivity string   `json:"last_activity"`
	IdleDays     *int     `json:"idle_days"`
	Action       struct {
		ID     string `json:"id"`
		Kind   string `json:"kind"`
		To     string `json:"to"`
		State  string `json:"state"`
		Detail string `json:"detail"`
	} `json:"action"`
	Money *struct {
		Currency     string `json:"currency"`
		Exposure     string `json:"exposure"`
		Reassignable string `json:"reassignable"`
		Reducible    string `json:"reducible"`
	} `json:"money"`
}

func parsePlan(t *testing.T, text string) *planDocument {
	t.Helper()
	var p planDocument
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("the plan is no JSON: %v\n%.400s", err, text)
	}
	return &p
}

// plan makes a plan and returns it; the exit code may be any of codes.
func (s *site) plan(codes []int, args ...string) *planDocument {
	s.t.Helper()
	r := s.trueup(append([]string{"plan", "--output", "json", "--quiet"}, args...)...)
	if !slices.Contains(codes, r.code) {
		s.t.Fatalf("plan %v exited with %d, want one of %v\n%s", args, r.code, codes, r.err)
	}
	return parsePlan(s.t, r.out)
}

// find returns the row of a holder's product on an account; "" is any account.
func (p *planDocument) find(holder, account, product string) *planRow {
	for n := range p.Rows {
		r := &p.Rows[n]
		if r.Holder == holder && r.Product == product && (account == "" || strings.EqualFold(r.Account, account)) {
			return r
		}
	}
	return nil
}
