package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"trueup/blob"
	"trueup/connectors"
	"trueup/connectors/all"
	"trueup/facts"
	"trueup/pipeline"
	"trueup/reconcile"
	"trueup/store"
)

// session is an opened store with everything wired to it.
type session struct {
	*app
	settings *settings
	db       *store.DB
	line     *pipeline.Line
	meter    *meter
	kept     *store.Archive
}

// open wires the line. Close must be called.
func (a *app) open(ctx context.Context, s *settings) (*session, error) {
	return a.openStore(ctx, s, store.Options{})
}

func (a *app) openStore(ctx context.Context, s *settings, options store.Options) (*session, error) {
	sources, err := a.openSources(s)
	if err != nil {
		return nil, err
	}
	objects, err := a.objects(ctx, s, s.Archive)
	if err != nil {
		return nil, err
	}
	kept := store.NewArchive(objects, s.spool())
	kinds := archive{raw: kept, kept: kept, path: s.resolve}
	if s.ArchiveInputs == "reference" {
		kinds.raw = kept.Referencing()
	}
	db, err := a.openDB(ctx, s, options)
	if err != nil {
		return nil, err
	}
	t := &session{app: a, settings: s, db: db, meter: a.meter(), kept: kept}
	t.line = &pipeline.Line{Organisation: s.Organisation, Calendar: s.calendar, Sources: sources, Catalogue: s.catalogue,
		Policy: s.policy, ProductsYAML: s.products, PolicyYAML: s.rules, Options: s.options, Ledger: db, Archive: kinds,
		Progress: t.meter, Now: a.instant, Workers: max(1, a.workers)}
	return t, nil
}

// objects opens a location of archive or publish.
func (a *app) objects(ctx context.Context, s *settings, location string) (blob.Store, error) {
	return blob.Open(ctx, location, blob.Options{Base: s.dir, S3: s.S3, Now: a.now})
}

// ready looks whether what a run of that kind will write to can be written to, before anything is read or changed.
func (a *app) ready(ctx context.Context, s *settings, kind string) error {
	places := []string{s.Archive}
	if kind == "run" {
		places = append(places, s.Publish...)
	}
	for _, place := range places {
		objects, err := a.objects(ctx, s, place)
		if err != nil {
			return err
		}
		if err := objects.Probe(ctx); err != nil {
			return err
		}
	}
	return nil
}

// openLedger opens what there is, for commands that only look; there must have been a run.
func (a *app) openLedger(ctx context.Context) (*session, error) {
	s, err := a.load()
	if err != nil {
		return nil, err
	}
	t, err := a.openStore(ctx, s, store.Options{Existing: true})
	if errors.Is(err, store.ErrNoLedger) {
		return nil, mistakef("trueup run, or trueup plan, makes the first", "there is no ledger yet at %s", s.Store)
	}
	return t, err
}

// openDB opens the ledger that the configuration names.
func (a *app) openDB(ctx context.Context, s *settings, options store.Options) (*store.DB, error) {
	address, err := a.storeAddress(s)
	if err != nil {
		return nil, err
	}
	options.Dir = s.dir
	return store.Open(ctx, address, options)
}

// storeAddress is where the ledger is. Since the address of a database may hold a password, it may be a reference as a
// whole: env:NAME or file:PATH.
func (a *app) storeAddress(s *settings) (string, error) {
	if scheme, _, _ := strings.Cut(s.Store, ":"); scheme != "env" && scheme != "file" {
		return s.Store, nil
	}
	address, err := a.secret(s)(s.Store)
	if err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	return address, nil
}

// spool is the folder for files in the making: on the volume of the archive, which has room for what it receives; for an
// archive elsewhere the system's folder for temporary files.
func (s *settings) spool() string {
	if dir, ok := strings.CutPrefix(s.Archive, "file:"); ok {
		return filepath.Join(s.resolve(dir), ".spool")
	}
	return os.TempDir()
}

// sweeper is what may hold half-made things of processes that were killed.
type sweeper interface {
	Sweep(ctx context.Context, before time.Time) error
}

// sweep removes what was left half-made more than a day ago. That it cannot is no reason not to run.
func (a *app) sweep(ctx context.Context, place any) {
	if s, ok := place.(sweeper); ok {
		if err := s.Sweep(ctx, a.now().Add(-24*time.Hour)); err != nil {
			a.warn(hint(err), "%v", err)
		}
	}
}

// close ends the session.
func (t *session) close() error {
	t.meter.finish()
	return t.db.Close()
}

// openSources opens every source; all mistakes come together.
func (a *app) openSources(s *settings) ([]pipeline.Source, error) {
	var sources []pipeline.Source
	var faults reconcile.Faults
	for n, section := range s.Sources {
		descriptor, ok := all.Find(section.Kind)
		if !ok {
			faults = append(faults, reconcile.Fault{File: s.path, Key: fmt.Sprintf("sources[%d].kind", n),
				Reason: fmt.Sprintf("%q is no kind of source", section.Kind), Hint: "trueup sources lists the kinds"})
			continue
		}
		if section.Write && len(descriptor.Writes) == 0 {
			faults = append(faults, reconcile.Fault{File: s.path, Key: fmt.Sprintf("sources[%d].write", n),
				Reason: fmt.Sprintf("a source of kind %s cannot be written to", section.Kind),
				Hint:   "leave write out: its actions then become a work list"})
			continue
		}
		driver, err := descriptor.Open(connectors.Section{Name: section.Name, Dir: s.dir, Secret: a.secret(s), Calendar: s.calendar, Now: a.instant,
			Decode: section.decode})
		if more, ok := errors.AsType[reconcile.Faults](err); ok {
			faults = append(faults, more...)
			continue
		}
		if err != nil {
			faults = append(faults, reconcile.Fault{File: s.path, Key: fmt.Sprintf("sources[%d]", n), Reason: err.Error(),
				Hint: connectors.HintOf(err)})
			continue
		}
		sources = append(sources, pipeline.Source{Name: section.Name, Descriptor: descriptor, Driver: driver, Writes: section.Write})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return sources, nil
}

// leaseFor is how long a lease lasts without being renewed: how long a killed run keeps others waiting.
const leaseFor = time.Minute

// hold takes the lease, runs what needs it under a run record, and gives it back. Without an as-of the run is as of its
// start. The run's end is recorded whatever happens.
func (t *session) hold(ctx context.Context, kind string, asOf facts.Instant, do func(ctx context.Context, run *reconcile.Run, epoch int64) error) error {
	if err := t.db.Ready(ctx); err != nil {
		return err
	}
	lease, err := t.db.Acquire(ctx, t.who, facts.At(time.Now()), leaseFor)
	if err != nil {
		return err
	}
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	go t.renew(ctx, lease, lost)
	if _, err := t.db.MarkInterrupted(ctx, facts.At(time.Now())); err != nil {
		return errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	}
	t.sweep(ctx, t.kept)
	run := reconcile.Run{ID: t.runID(), Kind: kind, Started: t.instant(), AsOf: asOf, State: reconcile.RunRunning,
		Who: t.who, Build: t.build}
	if !asOf.Known() {
		run.AsOf = run.Started
	}
	if err := t.db.StartRun(ctx, run); err != nil {
		return errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	}
	if err = t.app.ready(ctx, t.settings, kind); err == nil {
		t.began = run.ID
		err = do(ctx, &run, lease.Epoch)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	run.Finished, run.State, run.Exit = t.instant(), reconcile.RunDone, t.exit
	if err != nil {
		run.State, run.Exit, run.Error = reconcile.RunFailed, classify(ctx, err), err.Error()
		if run.Exit == exitInterrupted {
			run.State = reconcile.RunInterrupted
		}
	}
	calm, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(err, t.db.FinishRun(calm, run), lease.Release(calm))
}

// renew keeps the lease while the run goes on; losing it stops the run.
func (t *session) renew(ctx context.Context, lease *store.Lease, lost context.CancelCauseFunc) {
	ticker := time.NewTicker(leaseFor / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if err := lease.Renew(ctx, facts.At(now)); err != nil && ctx.Err() == nil {
				lost(fmt.Errorf("the lease was lost: %w", err))
				return
			}
		}
	}
}
