package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"trueup/facts"
	"trueup/fixtures/graph"
	"trueup/reconcile"
	"trueup/store"
)

// nightly gives the site a schedule that was due half an hour ago and is due again in half an hour, and returns when.
func (s *site) nightly() time.Time {
	s.t.Helper()
	due := time.Now().UTC().Add(-30 * time.Minute).Truncate(time.Minute)
	appendSchedule(s.t, s.ledger(), s.path("trueup.yaml"), fmt.Sprintf(`{run: "%d * * * *"}`, due.Minute()), due.Add(-time.Minute))
	return due
}

// daemon is trueup serve in a process of its own.
type daemon struct {
	*process
	said *speech
}

func (s *site) daemon() *daemon {
	s.t.Helper()
	said := &speech{}
	p := &process{Cmd: exec.Command("trueup", "serve", "--log-format", "json", "--config", s.path("trueup.yaml")), t: s.t, ended: make(chan error, 1)}
	p.Stdout, p.Stderr = io.Discard, said
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	s.t.Cleanup(func() { _ = p.Process.Kill() })
	return &daemon{p, said}
}

// slot waits until the newest slot of the nightly run has ended, and returns all.
func (s *site) slot(d *daemon, db *store.DB) []store.Slot {
	s.t.Helper()
	var slots []store.Slot
	await(s.t, "the nightly run", d.said, func() bool {
		slots = slotsOf(s.t, db, "run")
		return len(slots) > 0 && slots[0].State != store.SlotRunning
	})
	return slots
}

// TestServeStops stops a server in the midst of changing the vendor: it ends between two actions, nothing is left open,
// and the next server takes the slot up.
func TestServeStops(t *testing.T) {
	s := today(t)
	due, ready, db := s.nightly(), s.readyAtVendor(), s.ledger()
	s.slow(40 * time.Millisecond)
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		before := len(s.vendor.Effects())
		d := s.daemon()
		d.send(signal, s.effects(before+3))
		if code := d.exit(); code != exitDone {
			t.Errorf("%v: it exits with %d\n%s", signal, code, d.said)
		}
		if n := len(s.vendor.Effects()) - before; n >= ready {
			t.Errorf("%v: all %d actions were carried out", signal, n)
		}
		if open, err := db.OpenIntents(t.Context()); err != nil || len(open) > 0 {
			t.Errorf("%v: %d actions are left open, %v", signal, len(open), err)
		}
		if run := s.lastRun(); run.State != reconcile.RunInterrupted || run.Exit != exitInterrupted {
			t.Errorf("%v: the ledger has %+v", signal, run)
		}
		if slots := slotsOf(t, db, "run"); len(slots) != 0 {
			t.Errorf("%v: the slot was not given back: %+v", signal, slots)
		}
		if !strings.Contains(d.said.String(), `"given back"`) || !strings.Contains(d.said.String(), `"msg":"stopped"`) {
			t.Errorf("%v: it says\n%s", signal, d.said)
		}
		s.onlyOnce()
	}
	d := s.daemon()
	slots := s.slot(d, db)
	if len(slots) != 1 || slots[0].State != store.SlotDone || slots[0].Exit != exitWithheld || slots[0].At != facts.At(due) {
		t.Errorf("taken up: %+v\n%s", slots, d.said)
	}
	s.onlyOnce()
	if n := len(s.vendor.Effects()); n != ready {
		t.Errorf("%d effects, want %d", n, ready)
	}
	d.send(syscall.SIGTERM, func() bool { return true })
	if code := d.exit(); code != exitDone {
		t.Errorf("at rest it exits with %d", code)
	}
}

// TestServeSecondSignal ends a server at once that is about to stop, and has the next run settle what it left.
func TestServeSecondSignal(t *testing.T) {
	s := today(t)
	s.nightly()
	ready := s.readyAtVendor()
	changed := false // the first change is made at once; reading it back takes longer than anybody waits
	s.vendor.Inject(graph.Fault{Kind: graph.Slow, After: 20 * time.Second, Match: func(r *http.Request) bool {
		changed = changed || strings.HasSuffix(r.URL.Path, "/assignLicense")
		return changed && r.Method == http.MethodGet
	}})
	d := s.daemon()
	d.send(syscall.SIGTERM, func() bool {
		open, err := s.ledger().OpenIntents(t.Context())
		return err == nil && len(open) > 0
	})
	d.send(syscall.SIGTERM, func() bool { return strings.Contains(d.said.String(), "stopping") })
	begun := time.Now()
	if code := d.exit(); code != -1 || time.Since(begun) > 10*time.Second {
		t.Errorf("after a second signal it exits with %d, after %s\n%s", code, time.Since(begun), d.said)
	}
	s.lapse()
	s.complete(ready)
}

// TestTwoServers lets two servers find the same slot: one makes the run, both answer.
func TestTwoServers(t *testing.T) {
	for name, move := range map[string]func(*testing.T, *site){"SQLite": func(*testing.T, *site) {}, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			s := today(t)
			move(t, s)
			oneRunByTwo(t, s)
		})
	}
}

func oneRunByTwo(t *testing.T, s *site) {
	s.nightly()
	db := s.ledger()
	servers := []*daemon{s.daemon(), s.daemon()}
	if slots := s.slot(servers[0], db); len(slots) != 1 || slots[0].State != store.SlotDone {
		t.Errorf("%+v", slots)
	}
	for n, d := range servers {
		var url string
		await(t, "the server", d.said, func() bool {
			m := listening.FindStringSubmatch(d.said.String())
			if m != nil {
				url = "http://" + m[1]
			}
			return m != nil
		})
		r, err := http.Get(url + "/readyz")
		if err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("server %d: %v, %v", n, r, err)
		}
		d.send(syscall.SIGTERM, func() bool { return true })
		if code := d.exit(); code != exitDone {
			t.Errorf("server %d exits with %d\n%s", n, code, d.said)
		}
	}
	runs, err := db.Runs(t.Context(), 9)
	if err != nil || len(runs) != 1 {
		t.Errorf("runs %+v, %v; want one", runs, err)
	}
	begun := strings.Count(servers[0].said.String()+servers[1].said.String(), `"msg":"begun"`)
	if begun != 1 {
		t.Errorf("the slot was begun %d times", begun)
	}
	for _, d := range servers {
		if strings.Contains(d.said.String(), s.secret()) {
			t.Errorf("the client secret is in the log:\n%s", d.said)
		}
	}
}

// secret is the vendor's client secret, which must stay where it is.
func (s *site) secret() string {
	s.t.Helper()
	text, err := os.ReadFile(s.path("keys/entra.secret"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
