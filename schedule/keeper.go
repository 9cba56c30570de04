package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// Entry is one schedule by its name.
type Entry struct {
	Name string
	Spec *Spec
}

// Slot is one due time of a schedule, to be worked once.
type Slot struct {
	Schedule string
	At       time.Time
}

// State is what became of a slot.
type State string

// The states of a slot.
const (
	Running State = "running" // claimed, not ended
	Done    State = "done"
	Failed  State = "failed"
	Skipped State = "skipped" // not begun, since something else was at work
	Past    State = "missed"  // nobody was there
	Open    State = ""        // given back: whoever looks next may claim it
)

// Outcome is how the work on a slot ended.
type Outcome struct {
	State State
	Run   string // id of the run it made; "" if none
	Exit  int    // what the run exits with
	Text  string // why, for people; "" if there is nothing to say
}

// Book remembers slots across restarts and for every process that shares it.
type Book interface {
	// Since returns the time up to which the slots of a schedule are dealt with: that of its newest slot not after now,
	// or when it was first seen with this spec, which is now if it never was.
	Since(ctx context.Context, entry Entry, now time.Time) (time.Time, error)
	// Claim takes a slot, and records those that were missed before it. It returns false if the slot is taken.
	Claim(ctx context.Context, slot Slot, missed Missed, now time.Time) (bool, error)
	// Finish records what became of a slot that this process claimed.
	Finish(ctx context.Context, slot Slot, outcome Outcome, now time.Time) error
	// Skip records count slots of a schedule, the newest of them at the slot's time, as not begun.
	Skip(ctx context.Context, slot Slot, count int, why string, now time.Time) error
}

// Keeper works the slots of its entries. A slot that is found late, after a restart, a suspended machine or a clock that
// was put forward, is worked once; of several the newest, the others are recorded as missed. Slots that come due while
// the same schedule is still at work are skipped.
type Keeper struct {
	Book Book
	// Entries are asked for when the keeper starts and on every tick, so that they may change.
	Entries func(ctx context.Context) []Entry
	// Do works a slot. It returns soon after ctx is done, with an outcome whose state is Open if the slot is given back.
	Do   func(ctx context.Context, slot Slot) Outcome
	Zone *time.Location
	Now  func() time.Time
	Log  *slog.Logger
	// Tick is how often it is looked for slots besides waiting for them: it bounds how late one is noticed whose alarm was
	// lost to a suspended machine or a clock that was set.
	Tick time.Duration
}

// recording is how long it may take to write down what became of a slot once the keeper has been told to stop.
const recording = 30 * time.Second

// Run keeps the schedules until ctx is done, then waits for what is being worked.
func (k *Keeper) Run(ctx context.Context) {
	logger := bridge{k.Log}
	// SkipIfStillRunning goes first: the other way round a panic would leave its token taken, and nothing would run again.
	alarm := cron.New(cron.WithLocation(k.Zone), cron.WithLogger(logger),
		cron.WithChain(cron.SkipIfStillRunning(logger), cron.Recover(logger)))
	alarm.Start()
	defer func() { <-alarm.Stop().Done() }()
	var working sync.WaitGroup
	defer working.Wait()
	ticker := time.NewTicker(k.Tick)
	defer ticker.Stop()
	set := map[string]alarmed{}
	for {
		k.set(ctx, alarm, set)
		for _, entry := range alarm.Entries() {
			working.Go(entry.WrappedJob.Run)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// alarmed is an entry that the alarm clock has.
type alarmed struct {
	id   cron.EntryID
	spec string
}

// set makes the alarm clock's entries those that are wanted now.
func (k *Keeper) set(ctx context.Context, alarm *cron.Cron, set map[string]alarmed) {
	wanted := map[string]bool{}
	for _, entry := range k.Entries(ctx) {
		wanted[entry.Name] = true
		if was, ok := set[entry.Name]; ok && was.spec == entry.Spec.String() {
			continue
		} else if ok {
			alarm.Remove(was.id)
		}
		id := alarm.Schedule(entry.Spec, cron.FuncJob(func() { k.look(ctx, entry) }))
		set[entry.Name] = alarmed{id, entry.Spec.String()}
		k.Log.Info("schedule set", "schedule", entry.Name, "spec", entry.Spec.String(), "next", entry.Spec.Next(k.Now()))
	}
	for name, was := range set {
		if !wanted[name] {
			alarm.Remove(was.id)
			delete(set, name)
			k.Log.Info("schedule ended", "schedule", name)
		}
	}
}

// look works the newest slot of an entry that is due, if there is one and nobody else has it.
func (k *Keeper) look(ctx context.Context, entry Entry) {
	if ctx.Err() != nil {
		return
	}
	now := k.Now()
	since, err := k.Book.Since(ctx, entry, now)
	if err != nil {
		k.Log.Error("the last slot cannot be read", "schedule", entry.Name, "error", err)
		return
	}
	newest, missed := entry.Spec.Due(since, now)
	if newest.IsZero() {
		return
	}
	slot := Slot{entry.Name, newest}
	claimed, err := k.Book.Claim(ctx, slot, missed, now)
	switch {
	case err != nil:
		k.Log.Error("the slot cannot be claimed", "schedule", entry.Name, "slot", newest, "error", err)
	case claimed:
		k.work(ctx, entry, slot, missed)
	}
}

// work does what a claimed slot is for and records the outcome, also if it panics.
func (k *Keeper) work(ctx context.Context, entry Entry, slot Slot, missed Missed) {
	log := k.Log.With("schedule", slot.Schedule, "slot", slot.At)
	if missed.Count > 0 {
		log.Warn("slots were missed", "slots", missed.Count, "oldest", missed.Oldest)
	}
	log.Info("begun", "late", k.Now().Sub(slot.At).Round(time.Second).String())
	outcome := Outcome{State: Failed, Text: "panicked; the log has the stack"}
	defer func() {
		calm, cancel := context.WithTimeout(context.WithoutCancel(ctx), recording)
		defer cancel()
		if err := k.Book.Finish(calm, slot, outcome, k.Now()); err != nil {
			log.Error("the outcome cannot be recorded", "error", err)
		}
		k.skip(calm, entry, slot, outcome)
	}()
	outcome = k.Do(ctx, slot)
	level := slog.LevelInfo
	if outcome.State == Failed || outcome.State == Skipped {
		level = slog.LevelWarn
	}
	state := outcome.State
	if state == Open {
		state = "given back"
	}
	log.Log(ctx, level, "ended", "state", state, "run", outcome.Run, "exit", outcome.Exit, "text", outcome.Text)
}

// skip records the slots that came due while this one was worked.
func (k *Keeper) skip(ctx context.Context, entry Entry, slot Slot, outcome Outcome) {
	now := k.Now()
	newest, earlier := entry.Spec.Due(slot.At, now)
	if newest.IsZero() || outcome.State == Open {
		return
	}
	why := fmt.Sprintf("the slot of %s was still at work", slot.At.Format(time.RFC3339))
	if err := k.Book.Skip(ctx, Slot{entry.Name, newest}, earlier.Count+1, why, now); err != nil {
		k.Log.Error("skipped slots cannot be recorded", "schedule", entry.Name, "error", err)
	}
}

// bridge lets the alarm clock speak through slog. What it says of its routine is of interest only when looking closely.
type bridge struct{ log *slog.Logger }

func (b bridge) Info(msg string, keysAndValues ...any) { b.log.Debug("cron: "+msg, keysAndValues...) }

func (b bridge) Error(err error, msg string, keysAndValues ...any) {
	b.log.Error("cron: "+msg, append([]any{"error", err}, keysAndValues...)...)
}
