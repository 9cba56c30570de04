package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// book remembers slots in memory.
type book struct {
	mu    sync.Mutex
	since map[string]time.Time
	spec  map[string]string
	lines []line
}

// line is what the book says of a slot, or of several that were missed or skipped.
type line struct {
	Slot
	Outcome
	count int
}

func newBook() *book { return &book{since: map[string]time.Time{}, spec: map[string]string{}} }

func (b *book) Since(_ context.Context, e Entry, now time.Time) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spec[e.Name] != e.Spec.String() {
		b.spec[e.Name], b.since[e.Name] = e.Spec.String(), now
	}
	return b.since[e.Name], nil
}

func (b *book) find(s Slot) int {
	for n := len(b.lines) - 1; n >= 0 && n >= len(b.lines)-20; n-- {
		if b.lines[n].Slot == s {
			return n
		}
	}
	return -1
}

func (b *book) Claim(_ context.Context, s Slot, missed Missed, _ time.Time) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.find(s) >= 0 {
		return false, nil
	}
	if missed.Count > 0 {
		b.lines = append(b.lines, line{Slot{s.Schedule, missed.Newest}, Outcome{State: Past}, missed.Count})
	}
	b.lines = append(b.lines, line{s, Outcome{State: Running}, 1})
	b.since[s.Schedule] = s.At
	return true, nil
}

func (b *book) Finish(_ context.Context, s Slot, o Outcome, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.find(s)
	if o.State == Open {
		b.lines = slices.Delete(b.lines, n, n+1)
		b.since[s.Schedule] = s.At.Add(-time.Second)
		return nil
	}
	b.lines[n].Outcome = o
	return nil
}

func (b *book) Skip(_ context.Context, s Slot, count int, why string, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line{s, Outcome{State: Skipped, Text: why}, count})
	b.since[s.Schedule] = s.At
	return nil
}

// said lists the lines of a schedule as "02:00 done".
func (b *book) said(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, l := range b.lines {
		if l.Schedule == name {
			text := l.At.Format("15:04 ") + string(l.State)
			if l.count > 1 {
				text += fmt.Sprintf(" x%d", l.count)
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// keep runs a keeper in the bubble's time until stop is called.
func keep(t *testing.T, b Book, tick time.Duration, do func(context.Context, Slot) Outcome, entries ...Entry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	k := &Keeper{Book: b, Entries: func(context.Context) []Entry { return entries }, Do: do, Zone: time.UTC, Now: time.Now, Log: silent(), Tick: tick}
	ended := make(chan struct{})
	go func() { k.Run(ctx); close(ended) }()
	return func() { cancel(); <-ended }
}

func done(context.Context, Slot) Outcome { return Outcome{State: Done} }

// TestTenYears keeps schedules from 2026 to 2036, through twenty changes of the clock and two leap days. The half-hourly
// one, of 175,000 slots, is kept in one zone and computed in the others.
func TestTenYears(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := zone(t, name)
			from, to := time.Date(2026, 1, 1, 0, 0, 0, 0, z), time.Date(2036, 1, 1, 0, 0, 0, 0, z)
			ran := map[string][]time.Time{}
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				time.Sleep(time.Until(from.Add(-time.Second)))
				entries := []Entry{{"two", spec(t, "0 2 * * *", name)}, {"half past two", spec(t, "30 2 * * *", name)},
					{"half past one", spec(t, "30 1 * * *", name)}, {"leap day", spec(t, "0 0 29 2 *", name)}}
				halves := Entry{"half-hourly", spec(t, "*/30 * * * *", name)}
				if name == "Europe/Berlin" {
					entries = append(entries, halves)
				} else {
					for at := halves.Spec.Next(from.Add(-time.Second)); at.Before(to); at = halves.Spec.Next(at) {
						ran[halves.Name] = append(ran[halves.Name], at)
					}
				}
				stop := keep(t, newBook(), 7*24*time.Hour, func(_ context.Context, s Slot) Outcome {
					mu.Lock()
					defer mu.Unlock()
					if late := time.Since(s.At); late != 0 {
						t.Errorf("%s of %s began %s late", s.Schedule, s.At, late)
					}
					ran[s.Schedule] = append(ran[s.Schedule], s.At)
					return Outcome{State: Done}
				}, entries...)
				time.Sleep(time.Until(to.Add(-time.Second)))
				stop()
			})
			days := 3652
			for _, nightly := range []string{"two", "half past two", "half past one"} {
				eachDayOnce(t, nightly, ran[nightly], z, days)
			}
			var leap []string
			for _, at := range ran["leap day"] {
				leap = append(leap, at.Format("2006-01-02 15:04"))
			}
			if want := []string{"2028-02-29 00:00", "2032-02-29 00:00"}; !slices.Equal(leap, want) {
				t.Errorf("leap days %v, want %v", leap, want)
			}
			halves := ran["half-hourly"]
			for n := 1; n < len(halves); n++ {
				if gap := halves[n].Sub(halves[n-1]); gap < 30*time.Minute || gap > 90*time.Minute {
					t.Errorf("half-hourly: %s after %s", gap, halves[n-1])
				}
			}
			if len(halves) < days*47 || len(halves) > days*48 {
				t.Errorf("half-hourly: %d in %d days", len(halves), days)
			}
		})
	}
}

// eachDayOnce checks that every local day has exactly one of these.
func eachDayOnce(t *testing.T, name string, all []time.Time, z *time.Location, days int) {
	t.Helper()
	seen := map[string]bool{}
	for _, at := range all {
		day := at.In(z).Format(time.DateOnly)
		if seen[day] {
			t.Errorf("%s: twice on %s", name, day)
		}
		seen[day] = true
	}
	if len(seen) != days {
		t.Errorf("%s: on %d of %d days", name, len(seen), days)
	}
}

// TestPanics holds that work which panics is recorded as failed and that the schedule goes on: five of five.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, runs := newBook(), 0
		stop := keep(t, b, 24*time.Hour, func(context.Context, Slot) Outcome { runs++; panic("broken") }, Entry{"run", spec(t, "0 * * * *", "UTC")})
		time.Sleep(5*time.Hour + time.Minute)
		stop()
		if want := "01:00 failed, 02:00 failed, 03:00 failed, 04:00 failed, 05:00 failed"; runs != 5 || b.said("run") != want {
			t.Errorf("%d runs: %s", runs, b.said("run"))
		}
	})
}

// TestOverlap holds that slots that come due during longer work are skipped, and that other schedules go on.
func TestOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		stop := keep(t, b, time.Minute, func(_ context.Context, s Slot) Outcome {
			if s.Schedule == "long" && s.At.Hour() == 0 && s.At.Minute() == 30 {
				time.Sleep(70 * time.Minute)
			}
			return Outcome{State: Done}
		}, Entry{"long", spec(t, "*/30 * * * *", "UTC")}, Entry{"other", spec(t, "0 * * * *", "UTC")})
		time.Sleep(2*time.Hour + time.Minute)
		stop()
		if want := "00:30 done, 01:30 skipped x2, 02:00 done"; b.said("long") != want {
			t.Errorf("long: %s, want %s", b.said("long"), want)
		}
		if want := "01:00 done, 02:00 done"; b.said("other") != want {
			t.Errorf("other: %s, want %s", b.said("other"), want)
		}
	})
}

// TestRestart stops the keeper over several slots: the newest is worked once, the others are missed.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, entry := newBook(), Entry{"run", spec(t, "0 * * * *", "UTC")}
		stop := keep(t, b, time.Minute, done, entry)
		time.Sleep(90 * time.Minute)
		stop()
		time.Sleep(4 * time.Hour)
		stop = keep(t, b, time.Minute, done, entry)
		time.Sleep(10 * time.Minute)
		stop()
		if want := "01:00 done, 04:00 missed x3, 05:00 done"; b.said("run") != want {
			t.Errorf("%s, want %s", b.said("run"), want)
		}
		// Another expression is due from now on, not for what it would have been due before.
		entry.Spec = spec(t, "15 * * * *", "UTC")
		stop = keep(t, b, time.Minute, done, entry)
		time.Sleep(40 * time.Minute)
		stop()
		if want := "01:00 done, 04:00 missed x3, 05:00 done, 06:15 done"; b.said("run") != want {
			t.Errorf("%s, want %s", b.said("run"), want)
		}
	})
}

// TestSuspended plays a machine that sleeps over a slot: its timers stand still while its clock goes on.
func TestSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		var slept atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		k := &Keeper{Book: b, Entries: func(context.Context) []Entry { return []Entry{{"run", spec(t, "0 2 * * *", "UTC")}} },
			Do: done, Zone: time.UTC, Now: func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }, Log: silent(), Tick: time.Minute}
		ended := make(chan struct{})
		go func() { k.Run(ctx); close(ended) }()
		time.Sleep(30*time.Minute + time.Second)
		slept.Store(int64(3 * time.Hour))
		time.Sleep(time.Minute) // an hour and a half before the timer for two o'clock goes off
		if want := "02:00 done"; b.said("run") != want {
			t.Errorf("a minute after waking up: %q, want %s", b.said("run"), want)
		}
		time.Sleep(2 * time.Hour)
		cancel()
		<-ended
		if want := "02:00 done"; b.said("run") != want {
			t.Errorf("once the timer went off: %q, want %s", b.said("run"), want)
		}
	})
}

// TestReplicas lets five keepers share a book: every slot is worked by one of them.
func TestReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		var mu sync.Mutex
		worked := map[time.Time]int{}
		var stops []func()
		for range 5 {
			stops = append(stops, keep(t, b, time.Minute, func(_ context.Context, s Slot) Outcome {
				mu.Lock()
				worked[s.At]++
				mu.Unlock()
				time.Sleep(time.Minute)
				return Outcome{State: Done}
			}, Entry{"run", spec(t, "*/10 * * * *", "UTC")}))
		}
		time.Sleep(24*time.Hour + time.Second)
		for _, stop := range stops {
			stop()
		}
		if len(worked) != 144 {
			t.Errorf("%d slots were worked, want 144", len(worked))
		}
		for at, n := range worked {
			if n != 1 {
				t.Errorf("%s was worked %d times", at, n)
			}
		}
	})
}

// TestGivenBack stops a keeper at work: the slot is given back, and the next keeper works it.
func TestGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, entry := newBook(), Entry{"run", spec(t, "0 2 * * *", "UTC")}
		stop := keep(t, b, time.Minute, func(ctx context.Context, _ Slot) Outcome { <-ctx.Done(); return Outcome{} }, entry)
		time.Sleep(2*time.Hour + time.Minute)
		if want := "02:00 running"; b.said("run") != want {
			t.Errorf("at work: %q, want %s", b.said("run"), want)
		}
		stop()
		if b.said("run") != "" {
			t.Errorf("given back: %q", b.said("run"))
		}
		stop = keep(t, b, time.Minute, done, entry)
		time.Sleep(time.Second)
		stop()
		if want := "02:00 done"; b.said("run") != want {
			t.Errorf("taken up again: %q, want %s", b.said("run"), want)
		}
	})
}

// TestChange changes the entries of a running keeper.
func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		var mu sync.Mutex
		entries := []Entry{{"a", spec(t, "0 * * * *", "UTC")}, {"b", spec(t, "0 * * * *", "UTC")}}
		ctx, cancel := context.WithCancel(t.Context())
		k := &Keeper{Book: b, Do: done, Zone: time.UTC, Now: time.Now, Log: silent(), Tick: time.Minute,
			Entries: func(context.Context) []Entry { mu.Lock(); defer mu.Unlock(); return slices.Clone(entries) }}
		ended := make(chan struct{})
		go func() { k.Run(ctx); close(ended) }()
		time.Sleep(90 * time.Minute)
		mu.Lock()
		entries = []Entry{{"a", spec(t, "45 * * * *", "UTC")}, {"c", spec(t, "0 * * * *", "UTC")}}
		mu.Unlock()
		time.Sleep(time.Hour)
		cancel()
		<-ended
		for name, want := range map[string]string{"a": "01:00 done, 01:45 done", "b": "01:00 done", "c": "02:00 done"} {
			if b.said(name) != want {
				t.Errorf("%s: %q, want %s", name, b.said(name), want)
			}
		}
	})
}
