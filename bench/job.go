package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"trueup/blob"
	"trueup/connectors"
	"trueup/connectors/all"
	"trueup/facts"
	"trueup/pipeline"
	"trueup/reconcile"
	"trueup/reports"
	"trueup/store"
)

// result is what a run of either side prints: how many rows got which verdict, and what each step took.
type result struct {
	Verdicts map[string]int `json:"verdicts"`
	Steps    []step         `json:"steps,omitempty"`
}

type step struct {
	Name    string  `json:"step"`
	Seconds float64 `json:"seconds"`
	HeapMB  float64 `json:"heap_mb"`
}

// job does the main job in this process, from export files to verdicts and positions as CSV.
func (s size) job(ctx context.Context) error {
	if s.profile != "" {
		f, err := os.Create(s.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	begin := time.Now()
	steps := &stopwatch{}
	line, err := s.line(ctx, steps)
	if err != nil {
		return err
	}
	at := facts.At(asOf)
	observations, faults, err := line.Pull(ctx, "bench", at, at)
	if err != nil {
		return err
	}
	for _, f := range faults {
		return fmt.Errorf("%s %s: %w", f.Source, f.Feed, f.Err)
	}
	snapshot, err := line.Freeze(ctx, at, observations)
	if err != nil {
		return err
	}
	plan, err := line.Decide(ctx, snapshot)
	if err != nil {
		return err
	}
	if s.ledger {
		if _, err := line.Keep(ctx, reconcile.Run{ID: "bench"}, plan); err != nil {
			return err
		}
	}
	done := steps.Step("write verdicts and positions")
	if err := s.write(plan, line.Policy); err != nil {
		return err
	}
	done()
	r := result{Verdicts: map[string]int{}, Steps: append(steps.steps, step{Name: "all", Seconds: time.Since(begin).Seconds(), HeapMB: heap()})}
	for _, v := range reconcile.Verdicts() {
		if n := plan.Totals.Verdicts[v]; n > 0 {
			r.Verdicts[v.String()] = n
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// line wires the straight line over the benchmark's files.
func (s size) line(ctx context.Context, progress pipeline.Progress) (*pipeline.Line, error) {
	products, err := os.ReadFile(filepath.Join(s.dir, "products.yaml"))
	if err != nil {
		return nil, err
	}
	rules, err := os.ReadFile(filepath.Join(s.dir, "policy.yaml"))
	if err != nil {
		return nil, err
	}
	catalogue, err := reconcile.ParseCatalogue("products.yaml", products)
	if err != nil {
		return nil, err
	}
	policy, err := reconcile.ParsePolicy("policy.yaml", rules, catalogue)
	if err != nil {
		return nil, err
	}
	l := &pipeline.Line{Organisation: "Bench", Calendar: facts.NewCalendar(time.UTC), Catalogue: catalogue, Policy: policy,
		PolicyYAML: rules, ProductsYAML: products, Options: reconcile.Options{Identity: reconcile.Identity{Authoritative: []string{"okta"}}},
		Ledger: nothing{}, Progress: progress, Now: func() facts.Instant { return facts.At(asOf) }, Workers: runtime.GOMAXPROCS(0)}
	if l.Archive, err = s.archive(ctx); err != nil {
		return nil, err
	}
	if s.ledger {
		if l.Ledger, err = s.openLedger(ctx); err != nil {
			return nil, err
		}
	}
	return l, s.openSources(l)
}

// openLedger makes a new ledger with the benchmark's run in it.
func (s size) openLedger(ctx context.Context) (*store.DB, error) {
	path := filepath.Join(s.dir, "bench.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	db, err := store.Open(ctx, "sqlite:"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	return db, db.StartRun(ctx, reconcile.Run{ID: "bench", Kind: "plan", Started: facts.At(asOf), AsOf: facts.At(asOf), State: reconcile.RunRunning})
}

func (s size) openSources(l *pipeline.Line) error {
	for _, section := range []struct{ kind, text string }{
		{"okta", "name: okta\nkind: okta\nfiles: {people: users.jsonl, sign-ins: events.jsonl}\n"},
		{"csv", "name: vpn\nkind: csv\nfeed: sign-ins\nfiles: events.csv\n"},
		{"csv", "name: seats\nkind: csv\nfeed: seats\nfiles: seats.csv\n"},
		{"csv", "name: contracts\nkind: csv\nfeed: purchases\nfiles: contracts.csv\n"},
	} {
		descriptor, ok := all.Find(section.kind)
		if !ok {
			return fmt.Errorf("no kind %s", section.kind)
		}
		var name struct {
			Name string `yaml:"name"`
		}
		_, _ = fmt.Sscanf(section.text, "name: %s", &name.Name)
		driver, err := descriptor.Open(connectors.Section{Name: name.Name, Dir: s.dir, Calendar: l.Calendar,
			Decode: func(into any) error {
				_, err := reconcile.DecodeStrict("bench", []byte(section.text), into)
				return err
			}})
		if err != nil {
			return err
		}
		l.Sources = append(l.Sources, pipeline.Source{Name: name.Name, Descriptor: descriptor, Driver: driver})
	}
	return nil
}

// archive keeps, hashes, or does neither.
func (s size) archive(ctx context.Context) (pipeline.Archive, error) {
	if !s.keep && !s.hash && !s.ledger {
		return archive{store.Discard()}, nil
	}
	dir := filepath.Join(s.dir, "archive")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	objects, err := blob.Open(ctx, "file:archive", blob.Options{Base: s.dir})
	if err != nil {
		return nil, err
	}
	kept := store.NewArchive(objects, "")
	if !s.keep {
		return archive{kept.Referencing()}, nil
	}
	return archive{kept}, nil
}

type archive struct{ *store.Archive }

func (a archive) Create(ctx context.Context, name string) (connectors.RawWriter, error) {
	return a.Archive.Create(ctx, name)
}

func (a archive) Keep(ctx context.Context, name string) (connectors.RawWriter, error) {
	return a.Archive.Create(ctx, name)
}

func (a archive) Open(ctx context.Context, file facts.File) (io.ReadCloser, error) {
	return a.Archive.Open(ctx, file.SHA256)
}

// write writes the same two files as the peer.
func (s size) write(plan *reconcile.Plan, policy *reconcile.Policy) (err error) {
	view, err := reports.Build(plan, reconcile.Run{}, nil, policy)
	if err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{
		"verdicts.csv":  func(w io.Writer) error { return writeVerdicts(w, view) },
		"positions.csv": func(w io.Writer) error { return writePositions(w, plan) },
	} {
		f, err := os.Create(filepath.Join(s.dir, "ours-"+name))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		if err := errors.Join(write(w), w.Flush(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func writeVerdicts(w io.Writer, view *reports.View) error {
	fmt.Fprintln(w, "holder,account,product,verdict,last,idle_days")
	var line []byte
	for r := range view.Rows() {
		line = append(append(append(append(line[:0], r.Holder...), ','), r.Account...), ',')
		line = append(append(append(append(line, r.Product.ID...), ','), r.Verdict.String()...), ',')
		line = append(append(line, r.LastUse.String()...), ',')
		line = fmt.Appendf(line, "%d\n", r.IdleDays)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func writePositions(w io.Writer, plan *reconcile.Plan) error {
	fmt.Fprintln(w, "product,purchased,assigned,active,idle,spare")
	figure := func(n *int64) string {
		if n == nil {
			return ""
		}
		return fmt.Sprint(*n)
	}
	for _, p := range plan.Positions {
		if _, err := fmt.Fprintf(w, "%s,%s,%s,%s,%s,%s\n", plan.Catalogue.Products[p.Product].ID, figure(p.Purchased), figure(p.Assigned),
			figure(p.Active), figure(p.Idle), figure(p.Spare)); err != nil {
			return err
		}
	}
	return nil
}

// stopwatch takes down what each step took.
type stopwatch struct {
	mu    sync.Mutex
	steps []step
}

func (w *stopwatch) Step(name string) func() {
	begin := time.Now()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.steps = append(w.steps, step{Name: name, Seconds: time.Since(begin).Seconds(), HeapMB: heap()})
	}
}

func (*stopwatch) Bytes(int64, int64) {}

func heap() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse) / 1e6
}

// nothing is a ledger that remembers nothing.
type nothing struct{ pipeline.Ledger }

func (nothing) SavePull(context.Context, []reconcile.PulledInput) error { return nil }

func (nothing) Prior(context.Context, facts.Instant) (facts.Prior, error) { return facts.Prior{}, nil }
