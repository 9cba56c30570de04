package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"trueup/facts"
	"trueup/fixtures/graph"
	"trueup/reconcile"
	"trueup/store"
)

// process is the program in a process of its own, with the clock of the machine.
type process struct {
	*exec.Cmd
	t        *testing.T
	out, err bytes.Buffer
	ended    chan error
}

// start runs the program on the site's organisation. The site must be as of now.
func (s *site) start(args ...string) *process {
	s.t.Helper()
	p := &process{Cmd: exec.Command("trueup", append(args, "--config", s.path("trueup.yaml"))...), t: s.t, ended: make(chan error, 1)}
	p.Stdout, p.Stderr = &p.out, &p.err
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	s.t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// exit waits for the program to end and returns its exit code; -1 if a signal ended it.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			return e.ExitCode()
		} else if err != nil {
			p.t.Fatal(err)
		}
		return 0
	case <-time.After(time.Minute):
		p.t.Fatalf("%v does not end\n%s", p.Args, p.err.String())
		return 0
	}
}

// send signals the program once something has come about, which must happen before it ends.
func (p *process) send(signal os.Signal, once func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !once(); time.Sleep(2 * time.Millisecond) {
		select {
		case err := <-p.ended:
			p.ended <- err
			p.t.Fatalf("%v ended (%v) before it could be stopped\n%s", p.Args, err, p.err.String())
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%v: nothing to stop it at\n%s", p.Args, p.err.String())
		}
	}
	if err := p.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// slow makes the vendor take its time over every change.
func (s *site) slow(after time.Duration) {
	s.vendor.Inject(graph.Fault{Kind: graph.Slow, Times: 10_000, After: after, Match: func(r *http.Request) bool {
		return r.Method == "POST" &&
			strings.HasSuffix(r.URL.Path, "/assignLicense")
	}})
}

// effects tells whether the vendor has been changed n times.
func (s *site) effects(n int) func() bool {
	return func() bool { return len(s.vendor.Effects()) >= n }
}

func (s *site) ledger() *store.DB {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), s.store, store.Options{Dir: s.dir})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

// lastRun returns the newest run of the ledger.
func (s *site) lastRun() reconcile.Run {
	s.t.Helper()
	run, err := s.ledger().Run(s.t.Context(), "latest")
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}

// running tells whether the ledger has a run that goes on.
func (s *site) running() func() bool {
	var db *store.DB
	return func() bool {
		if _, err := os.Stat(s.path("var/trueup.db")); err != nil && strings.HasPrefix(s.store, "sqlite:") {
			return false
		}
		if db == nil {
			db = s.ledger()
		}
		run, err := db.Run(s.t.Context(), "latest")
		return err == nil && run.State == reconcile.RunRunning
	}
}

// lapse ends the lease of a process that is gone, as a minute of waiting would.
func (s *site) lapse() {
	s.t.Helper()
	driver, address, _ := strings.Cut(s.store, ":")
	if address = s.path(address); driver == "postgres" {
		address = s.store
	}
	db, err := sqlx.Open(driver, address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE lease SET until = since`); err != nil {
		s.t.Fatal(err)
	}
}

// onlyOnce fails if the vendor was told anything twice, or the ledger has something open.
func (s *site) onlyOnce() {
	s.t.Helper()
	seen := map[string]bool{}
	for _, e := range s.vendor.Effects() {
		if seen[describe(e)] {
			s.t.Errorf("done twice: %s", describe(e))
		}
		seen[describe(e)] = true
	}
	verifies(s.t, s.ledger())
}

// complete runs the job to its end and checks that everything that was ready on the first day is done.
func (s *site) complete(ready int) {
	s.t.Helper()
	p := s.start("run", "--quiet")
	if code := p.exit(); code != exitWithheld {
		s.t.Fatalf("the last run exits with %d\n%s", code, p.err.String())
	}
	s.onlyOnce()
	if n := len(s.vendor.Effects()); n != ready {
		s.t.Errorf("%d effects, want %d", n, ready)
	}
}

// readyAtVendor counts what a run is going to change at the vendor.
func (s *site) readyAtVendor() int {
	s.t.Helper()
	n := 0
	for _, r := range s.plan([]int{exitWithheld}).Rows {
		if r.Action.State == "ready" && (r.Source == "entra" || r.Action.Kind == "issue" && strings.HasPrefix(r.Product, "m365")) {
			n++
		}
	}
	if n < 10 {
		s.t.Fatalf("only %d actions are ready", n)
	}
	return n
}

// today returns a site as of now, for processes with the clock of the machine.
func today(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	s := newSite(t, now)
	s.clock.base = now.Add(-time.Second) // before every process
	return s
}

// onBothStores runs a test on a site with SQLite and on one with PostgreSQL.
func onBothStores(t *testing.T, test func(*testing.T, *site)) {
	t.Run("sqlite", func(t *testing.T) { test(t, today(t)) })
	t.Run("postgres", func(t *testing.T) {
		s := today(t)
		onPostgres(t, s)
		test(t, s)
	})
}

func TestInterruptedPull(t *testing.T) {
	s := today(t)
	var log strings.Builder // large enough to be stopped at
	for n := range 700_000 {
		fmt.Fprintf(&log, `{"eventType":"user.session.start","uuid":"%d","published":"2020-01-01T00:00:00.000Z","actor":{"alternateId":"nobody@example.com"},"outcome":{"result":"FAILURE"}}`+"\n", n*n)
	}
	s.write("okta/system-log-98.jsonl.gz", zipped(t, log.String()))
	p := s.start("run")
	p.send(os.Interrupt, s.running())
	if code := p.exit(); code != exitInterrupted || !strings.Contains(p.err.String(), "interrupted") ||
		!strings.Contains(p.err.String(), "hint: the next run continues") {
		t.Errorf("an interrupted pull exits with %d\n%s", code, p.err.String())
	}
	if run := s.lastRun(); run.State != reconcile.RunInterrupted || run.Exit != exitInterrupted || run.Plan != "" {
		t.Errorf("the ledger has %+v", run)
	}
	if p.out.Len() > 0 || len(s.vendor.Effects()) > 0 {
		t.Errorf("an interrupted pull had %d effects and printed %q", len(s.vendor.Effects()), p.out.String())
	}
	if err := os.Remove(s.path("okta/system-log-98.jsonl.gz")); err != nil {
		t.Fatal(err)
	}
	s.complete(s.readyAtVendor())
}

func TestInterruptedApply(t *testing.T) {
	s := today(t)
	ready := s.readyAtVendor()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		s.slow(100 * time.Millisecond)
		before := len(s.vendor.Effects())
		p := s.start("run", "--output", "json")
		p.send(signal, s.effects(before+3))
		if code := p.exit(); code != exitInterrupted || p.out.Len() > 0 {
			t.Errorf("%v: an interrupted run exits with %d and prints %.100q\n%s", signal, code, p.out.String(), p.err.String())
		}
		if run := s.lastRun(); run.State != reconcile.RunInterrupted || run.Exit != exitInterrupted {
			t.Errorf("%v: the ledger has %+v", signal, run)
		}
		if n := len(s.vendor.Effects()) - before; n >= ready {
			t.Errorf("%v: all %d actions were carried out", signal, n)
		}
		s.onlyOnce()
	}
	s.complete(ready)
}

// TestKilledApply kills the program in the midst of changing the vendor, again and again.
func TestKilledApply(t *testing.T) { onBothStores(t, killedApply) }

func killedApply(t *testing.T, s *site) {
	ready := s.readyAtVendor()
	s.slow(20 * time.Millisecond)
	for n := range 5 {
		before := len(s.vendor.Effects())
		p := s.start("run", "--quiet")
		p.send(os.Kill, s.effects(before+1+n%2))
		if code := p.exit(); code != -1 {
			t.Fatalf("a killed run exits with %d", code)
		}
		if n == 0 { // whoever comes too early is told so
			second := s.start("run")
			if code := second.exit(); code != exitHeld || !strings.Contains(second.err.String(), "hint: ") {
				t.Errorf("a run beside a lease exits with %d\n%s", code, second.err.String())
			}
		}
		s.lapse()
	}
	s.complete(ready)
	runs, err := s.ledger().Runs(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	interrupted := 0
	for _, run := range runs {
		if run.State == reconcile.RunInterrupted {
			interrupted++
		}
	}
	if interrupted != 5 {
		t.Errorf("%d runs are interrupted, want 5", interrupted)
	}
}

// TestKilledAnywhere kills the program at one moment after another of its run, whatever it is doing then.
func TestKilledAnywhere(t *testing.T) {
	s := today(t)
	ready := s.readyAtVendor()
	for n := range 6 {
		p := s.start("run", "--quiet")
		time.Sleep(time.Duration(60+90*n) * time.Millisecond)
		if err := p.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		p.exit()
		s.lapse()
	}
	s.complete(ready)
	manifests, err := filepath.Glob(s.path("out/run=*/manifest.json"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("published: %v, %v", manifests, err)
	}
	for _, manifest := range manifests { // it comes last: what has one is whole
		hashesHold(t, filepath.Dir(manifest))
	}
}

// TestTwoRuns starts a second run beside one that works.
func TestTwoRuns(t *testing.T) { onBothStores(t, twoRuns) }

func twoRuns(t *testing.T, s *site) {
	db := s.ledger()
	lease, err := db.Acquire(t.Context(), "night-shift@ops-7", facts.At(time.Now()), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "plan", "pull"} {
		p := s.start(command)
		if code := p.exit(); code != exitHeld || !strings.Contains(p.err.String(), "night-shift@ops-7") || !strings.Contains(p.err.String(), "hint: ") {
			t.Errorf("%s beside a run exits with %d\n%s", command, code, p.err.String())
		}
	}
	for _, command := range [][]string{{"check"}, {"runs"}} { // looking is allowed
		if p := s.start(command...); p.exit() != exitDone {
			t.Errorf("%v beside a run: %s", command, p.err.String())
		}
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := s.start("pull"); p.exit() != exitDone {
		t.Errorf("once the lease is given back: %s", p.err.String())
	}
}
