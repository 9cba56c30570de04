package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

func slotAt(n int, by string) Slot {
	return Slot{Schedule: "run", At: night(n), Claimed: night(n).Add(time.Second), By: by, Finished: facts.NoInstant}
}

func exerciseSlots(t *testing.T, open opener) {
	d := open(t)
	since := func(spec string, now, want facts.Instant) {
		t.Helper()
		if got, err := d.SlotsSince(t.Context(), "run", spec, now); err != nil || got != want {
			t.Errorf("since, by %s at %s: %s, %v; want %s", spec, now, got, err, want)
		}
	}
	since("0 2 * * *", night(1), night(1)) // never seen before
	since("0 2 * * *", night(2), night(1))
	claim := func(s, missed Slot, want bool) {
		t.Helper()
		if got, err := d.ClaimSlot(t.Context(), s, missed); err != nil || got != want {
			t.Errorf("claim of %s by %s: %v, %v; want %v", s.At, s.By, got, err, want)
		}
	}
	missed := slotAt(4, "me")
	missed.Claimed, missed.Count, missed.Text = night(5), 3, "nobody was there"
	claim(slotAt(5, "me"), missed, true)
	claim(slotAt(5, "other"), missed, false)
	since("0 2 * * *", night(6), night(5))
	since("0 2 * * *", night(4), night(4)) // the clock was set back
	since("0 3 * * *", night(6), night(6)) // another schedule
	since("0 3 * * *", night(3), night(3)) // what was seen in the time to come does not count

	ended := slotAt(5, "me")
	ended.Finished, ended.State, ended.Run, ended.Exit, ended.Text = night(5).Add(time.Hour), SlotFailed, "r-1", 5, "okta: 503"
	foreign := ended
	foreign.By = "other"
	if err := d.FinishSlot(t.Context(), foreign); !errors.Is(err, ErrNotFound) {
		t.Errorf("another's slot was finished: %v", err)
	}
	if err := d.FinishSlot(t.Context(), ended); err != nil {
		t.Error(err)
	}
	skipped := slotAt(7, "me")
	skipped.Count, skipped.Text = 2, "was still at work"
	for range 2 { // what is there already stays
		if err := d.SkipSlots(t.Context(), skipped); err != nil {
			t.Error(err)
		}
	}
	claim(slotAt(8, "me"), Slot{}, true)
	if err := d.ReturnSlot(t.Context(), slotAt(8, "other")); !errors.Is(err, ErrNotFound) {
		t.Errorf("another's slot was given back: %v", err)
	}
	if err := d.ReturnSlot(t.Context(), slotAt(8, "me")); err != nil {
		t.Error(err)
	}
	claim(slotAt(8, "other"), Slot{}, true)

	ended.Count = 1
	missed.State, missed.Finished = SlotMissed, night(5)
	skipped.State, skipped.Finished = SlotSkipped, skipped.Claimed
	again := slotAt(8, "other")
	again.State, again.Count = SlotRunning, 1
	want := []Slot{again, skipped, ended, missed}
	if got, err := d.Slots(t.Context(), 9); err != nil || !cmp.Equal(got, want) {
		t.Errorf("slots: %v\n%s", err, cmp.Diff(want, got))
	}
	if got, err := d.Slots(t.Context(), 1); err != nil || !cmp.Equal(got, want[:1]) {
		t.Errorf("newest slot: %v\n%s", err, cmp.Diff(want[:1], got))
	}
	totals := []SlotTotal{{"run", SlotFailed, 1, ended.Finished}, {"run", SlotMissed, 3, night(5)},
		{"run", SlotRunning, 1, facts.NoInstant}, {"run", SlotSkipped, 2, skipped.Finished}}
	if got, err := d.SlotTotals(t.Context()); err != nil || !cmp.Equal(got, totals) {
		t.Errorf("totals: %v\n%s", err, cmp.Diff(totals, got))
	}
}

// exerciseSlotsOfTheGone marks the slots of a process that is gone, and leaves those of one that says it is there.
func exerciseSlotsOfTheGone(t *testing.T, open opener) {
	d := open(t)
	for n, by := range []string{"gone", "there"} {
		if ok, err := d.ClaimSlot(t.Context(), slotAt(n, by), Slot{}); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	later := night(1).Add(time.Hour)
	for n, want := range []int{1, 0} {
		if got, err := d.KeepSlots(t.Context(), []Slot{slotAt(1, "there"), slotAt(0, "other")}, later, 5*time.Minute); err != nil || got != want {
			t.Errorf("time %d: %d slots failed, %v; want %d", n, got, err, want)
		}
	}
	slots, err := d.Slots(t.Context(), 9)
	if err != nil || len(slots) != 2 || slots[0].State != SlotRunning || slots[1].State != SlotFailed || slots[1].Text == "" || slots[1].Finished != later {
		t.Errorf("%+v, %v", slots, err)
	}
}

// exerciseRacingForSlots lets five connections claim the same slots.
func exerciseRacingForSlots(t *testing.T, open opener) {
	const racers, slots = 5, 10
	var claimed [slots]atomic.Int32
	var group sync.WaitGroup
	for n := range racers {
		d := open(t)
		group.Go(func() {
			for k := range slots {
				ok, err := d.ClaimSlot(t.Context(), slotAt(k, string(rune('a'+n))), Slot{})
				if err != nil {
					t.Error(err)
				}
				if ok {
					claimed[k].Add(1)
				}
			}
		})
	}
	group.Wait()
	for k := range claimed {
		if n := claimed[k].Load(); n != 1 {
			t.Errorf("slot %d was claimed %d times", k, n)
		}
	}
}

func exerciseHolder(t *testing.T, open opener) {
	d := open(t)
	if h, err := d.Holder(t.Context(), night(1)); h != nil || err != nil {
		t.Errorf("held by %v, %v", h, err)
	}
	lease, err := d.Acquire(t.Context(), "ana@host", night(1), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := d.Holder(t.Context(), night(1)); err != nil || h == nil || h.Who != "ana@host" {
		t.Errorf("held by %v, %v", h, err)
	}
	if err := d.Writable(t.Context()); err != nil {
		t.Errorf("not writable: %v", err)
	}
	if h, err := d.Holder(t.Context(), night(2)); h != nil || err != nil {
		t.Errorf("after it lapsed, held by %v, %v", h, err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, err := d.Holder(t.Context(), night(1)); h != nil || err != nil {
		t.Errorf("after its release, held by %v, %v", h, err)
	}
}
