package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"trueup/connectors"
	"trueup/facts"
	"trueup/schedule"
	"trueup/store"
)

// serveSection says where the server listens.
type serveSection struct {
	Listen string `yaml:"listen"`
}

// checkListen looks whether the address can be one to listen at.
func (s *settings) checkListen() {
	host, port, err := net.SplitHostPort(s.Serve.Listen)
	if _, ip := netip.ParseAddr(host); err == nil && ip != nil && host != "" && host != "localhost" {
		err = ip
	}
	if _, number := strconv.ParseUint(port, 10, 16); err == nil {
		err = number
	}
	if err != nil {
		s.document.Fault("serve.listen", fmt.Sprintf("%q is no address to listen at", s.Serve.Listen),
			"IP:PORT, as 127.0.0.1:8080, or :8080 for every address of this machine")
	}
}

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run what the configuration schedules, and answer health checks and metrics, until told to stop",
		Long: "serve runs the pulls and the nightly run that schedule: in the configuration names, one at a time, and answers\n" +
			"/healthz, /readyz and /metrics at serve.listen. Of several servers on one store one takes each due time. A due time\n" +
			"that was missed is made up for once. The configuration is read again for every run.\n\n" +
			"SIGTERM or SIGINT stops it between two actions; a run that is cut short is taken up by the next server. Stopped in\n" +
			"this way it exits with 0. A second signal ends it at once.\n" +
			codesHelp(exitDone, exitUsage, exitUnreachable, exitInterrupted, exitOther),
		Example: "  trueup serve\n  trueup serve --config /etc/trueup/trueup.yaml --log-format json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

// service is a running server.
type service struct {
	*app
	db       *store.DB
	book     book
	settings *settings // as it was started with
	metrics  *metrics

	mu       sync.Mutex
	entries  []schedule.Entry // of the last configuration that was valid
	fault    error            // of the configuration as it is now
	draining bool
	working  map[schedule.Slot]bool
}

// How long a server waits for what.
const (
	slotPatience  = 5 * time.Minute // until the slot of a process that does not say it is there counts as failed
	leasePatience = time.Hour       // of the nightly run, for whoever holds the lease
	leasePause    = 2 * time.Second // between two looks at it
	lastAnswers   = 5 * time.Second // for requests under way at the end
)

func (a *app) serve(ctx context.Context) error {
	s, err := a.load()
	if err != nil {
		return err
	}
	if _, err := a.openSources(s); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Serve.Listen)
	if err != nil {
		return mistakef("another server may listen there already; serve.listen names the address", "listen at %s: %v", s.Serve.Listen, errors.Unwrap(err))
	}
	defer func() { _ = listener.Close() }() // of no effect once the server has done so
	db, err := a.openDB(ctx, s, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := errors.Join(db.Ready(ctx), a.ready(ctx, s, "run")); err != nil { // now, while somebody looks, and not at two in the night
		return err
	}
	a.logger = a.newLogger()
	by := fmt.Sprintf("%s, process %d since %s", a.who, os.Getpid(), a.now().UTC().Format("2006-01-02T15:04:05.000Z"))
	v := &service{app: a, db: db, book: book{db, by}, settings: s, metrics: newMetrics(a.build), entries: s.schedules,
		working: map[schedule.Slot]bool{}}
	return v.run(ctx, listener)
}

// newLogger writes to standard error in the form that was asked for.
func (a *app) newLogger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch {
	case a.quiet:
		options.Level = slog.LevelError
	case a.verbose:
		options.Level = slog.LevelDebug
	}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.stderr, options))
}

// run serves until ctx is done, then lets what is under way come to a stop.
func (v *service) run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: v.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(v.logger.Handler(), slog.LevelWarn)}
	keeping, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve at %s: %w", listener.Addr(), err))
		}
	}()
	v.logger.Info("serving", "listen", listener.Addr().String(), "schedules", len(v.entries), "timezone", v.settings.Timezone, "build", v.build)
	if len(v.entries) == 0 {
		v.logger.Warn("nothing is scheduled", "hint", `schedule: {run: "0 2 * * *"} is every night at two`)
	}
	context.AfterFunc(keeping, v.drain)
	keeper := &schedule.Keeper{Book: v.book, Entries: v.lookAround, Do: v.work, Zone: v.settings.calendar.Zone(), Now: v.now,
		Log: v.logger, Tick: v.tick}
	keeper.Run(keeping)
	calm, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswers)
	defer cancel()
	err := server.Shutdown(calm)
	if ctx.Err() == nil {
		return context.Cause(keeping) // the listener broke
	}
	v.logger.Info("stopped")
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // somebody holds a connection open: no reason to fail
	}
	return err
}

// drain says that the server is about to end.
func (v *service) drain() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draining = true
	v.logger.Info("stopping: what is under way ends between two actions")
}

// lookAround says what this process is working on, reads the configuration again and returns what is scheduled: while it
// is faulty, what was scheduled before.
func (v *service) lookAround(ctx context.Context) []schedule.Entry {
	if n, err := v.db.KeepSlots(ctx, v.atWork(), v.instant(), slotPatience); err != nil && ctx.Err() == nil {
		v.logger.Error("the ledger cannot be written to", "error", err)
	} else if n > 0 {
		v.logger.Warn("slots of processes that are gone have failed", "slots", n)
	}
	s, err := v.reload()
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err == nil && v.fault != nil:
		v.logger.Info("the configuration is valid again")
	case err != nil && (v.fault == nil || v.fault.Error() != err.Error()):
		v.logger.Error("the configuration is not valid any more: "+oneLine(err), "hint", hint(err))
	}
	if v.fault = err; err == nil {
		v.entries = s.schedules
	}
	return v.entries
}

// reload reads the configuration as it is now. What a server cannot change while it runs is an error.
func (v *service) reload() (*settings, error) {
	s, err := v.load()
	if err != nil {
		return nil, err
	}
	if _, err := v.openSources(s); err != nil {
		return nil, err
	}
	if s.Store != v.settings.Store || s.Serve != v.settings.Serve {
		return nil, mistakef("restart trueup serve", "%s: store or serve has changed since the server was started", s.path)
	}
	return s, nil
}

// atWork lists the slots that are being worked.
func (v *service) atWork() []store.Slot {
	v.mu.Lock()
	defer v.mu.Unlock()
	var slots []store.Slot
	for s := range v.working {
		slots = append(slots, v.book.slot(s, v.now()))
	}
	return slots
}

// mark begins or ends the work on a slot.
func (v *service) mark(slot schedule.Slot, working bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if delete(v.working, slot); working {
		v.working[slot] = true
	}
}

// work does what a slot is for.
func (v *service) work(ctx context.Context, slot schedule.Slot) schedule.Outcome {
	v.mark(slot, true)
	defer v.mark(slot, false)
	job := *v.app
	job.terminal, job.logger = false, v.logger.With("schedule", slot.Schedule)
	err := v.do(connectors.WithTrace(ctx, v.metrics.trace()), &job, slot)
	return job.outcome(ctx, err)
}

// do makes the run. The nightly one waits for whoever holds the lease, a pull does not: the next one comes soon.
func (v *service) do(ctx context.Context, job *app, slot schedule.Slot) error {
	for begun, told := v.now(), false; ; {
		s, err := v.reload()
		if err != nil {
			return err
		}
		if source, ok := strings.CutPrefix(slot.Schedule, pullPrefix); ok {
			_, err := job.pullOnce(ctx, s, []string{source})
			return err
		}
		_, err = job.nightly(ctx, s, planRequest{}, false)
		held, isHeld := errors.AsType[*store.HeldError](err)
		if !isHeld || v.now().Sub(begun) > leasePatience {
			return err
		}
		if !told {
			job.logger.Info("waits for the lease", "holder", held.Who)
			told = true
		}
		select {
		case <-time.After(leasePause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// maxSlotText bounds what is kept of why a slot ended as it did.
const maxSlotText = 2000

// outcome is what became of a slot, from how its run ended. One that was cut short by the server's end is given back.
func (a *app) outcome(ctx context.Context, err error) schedule.Outcome {
	o := schedule.Outcome{State: schedule.Failed, Run: a.began}
	switch held, isHeld := errors.AsType[*store.HeldError](err); {
	case err != nil && ctx.Err() != nil:
		return schedule.Outcome{State: schedule.Open, Run: a.began}
	case isHeld:
		o.State, o.Exit, o.Text = schedule.Skipped, exitHeld, held.Error()
	case err != nil:
		o.Exit, o.Text = classify(ctx, err), oneLine(err)
		if advice := hint(err); advice != "" {
			o.Text += "; hint: " + advice
		}
	default:
		if o.Exit = a.exit; o.Exit != exitDone {
			o.Text = exitMeanings[o.Exit]
		}
		if len(a.faults) > 0 {
			o.Text += fmt.Sprintf(": %s %s: %s", a.faults[0].Source, a.faults[0].Feed, oneLine(a.faults[0].Err))
		}
		if o.Exit == exitDone || o.Exit == exitWithheld {
			o.State = schedule.Done
		}
	}
	if len(o.Text) > maxSlotText {
		o.Text = strings.ToValidUTF8(o.Text[:maxSlotText], "") + "…"
	}
	return o
}

// oneLine is an error's text on one line.
func oneLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	for n := range lines {
		lines[n] = strings.TrimSpace(lines[n])
	}
	return strings.Join(lines, "; ")
}

// holder returns who holds the lease; "" if nobody does.
func (v *service) holder(ctx context.Context) (string, error) {
	held, err := v.db.Holder(ctx, facts.At(time.Now())) // a lease is kept by the machine's clock
	if err != nil || held == nil {
		return "", err
	}
	return held.Who, nil
}
