package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"trueup/facts"
)

// SlotState is what became of a slot.
type SlotState string

// The states of a slot.
const (
	SlotRunning SlotState = "running"
	SlotDone    SlotState = "done"
	SlotFailed  SlotState = "failed"
	SlotSkipped SlotState = "skipped" // not begun, since something else was at work
	SlotMissed  SlotState = "missed"  // nobody was there
)

// Slot is one due time of a schedule that was taken up, or a stretch of them that was skipped or missed.
type Slot struct {
	Schedule string        `json:"schedule"`
	At       facts.Instant `json:"scheduled_for"` // the last of a stretch
	Claimed  facts.Instant `json:"claimed"`
	By       string        `json:"claimed_by"` // a process, in words for people that no other process uses
	Finished facts.Instant `json:"finished"`
	Run      string        `json:"run"` // id of the run it made; "" if none
	State    SlotState     `json:"state"`
	Exit     int           `json:"exit"`  // of the run
	Count    int           `json:"slots"` // due times that it stands for
	Text     string        `json:"text"`
}

type slotRow struct {
	Schedule string `db:"schedule"`
	At       moment `db:"scheduled_for"`
	Claimed  moment `db:"claimed"`
	By       string `db:"claimed_by"`
	Finished moment `db:"finished"`
	Run      string `db:"run"`
	State    string `db:"state"`
	Exit     int    `db:"exit"`
	Count    int    `db:"slot_count"`
	Detail   string `db:"detail"`
}

const slotColumns = `schedule, scheduled_for, claimed, claimed_by, finished, run, state, exit, slot_count, detail`

func (r slotRow) slot() Slot {
	return Slot{Schedule: r.Schedule, At: facts.Instant(r.At), Claimed: facts.Instant(r.Claimed), By: r.By,
		Finished: facts.Instant(r.Finished), Run: r.Run, State: SlotState(r.State), Exit: r.Exit, Count: r.Count, Text: r.Detail}
}

// SlotsSince returns up to when the due times of a schedule are dealt with: its newest slot not after now, or when the
// schedule was first seen with this spec, whichever is later. A schedule that is new, or has another spec than before, is
// seen first now.
func (d *DB) SlotsSince(ctx context.Context, schedule, spec string, now facts.Instant) (facts.Instant, error) {
	op := "last slot of " + schedule
	var since facts.Instant
	var known bool
	err := d.read(ctx, op, func(t *tx) (err error) {
		since, known, err = t.slotsSince(ctx, schedule, spec, now)
		return err
	})
	if err != nil || known {
		return since, err
	}
	err = d.write(ctx, op, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO schedules (schedule, spec, since) VALUES (?, ?, ?)
			ON CONFLICT (schedule) DO UPDATE SET spec = excluded.spec, since = excluded.since`, schedule, spec, moment(now))
		return err
	})
	return now, err
}

// slotsSince returns false if the schedule is not known with this spec, or only from a time that is yet to come: a clock
// was wrong then.
func (t *tx) slotsSince(ctx context.Context, schedule, spec string, now facts.Instant) (facts.Instant, bool, error) {
	var row struct {
		Spec  string `db:"spec"`
		Since moment `db:"since"`
	}
	err := t.get(ctx, &row, `SELECT spec, since FROM schedules WHERE schedule = ?`, schedule)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil || row.Spec != spec || facts.Instant(row.Since) > now {
		return 0, false, err
	}
	var last moment
	err = t.get(ctx, &last, `SELECT max(scheduled_for) FROM slots WHERE schedule = ? AND scheduled_for <= ?`, schedule, moment(now))
	since := facts.Instant(row.Since)
	if known := facts.Instant(last); known.Known() {
		since = max(since, known)
	}
	return since, true, err
}

// ClaimSlot takes a slot for the process slot.By as of slot.Claimed; with missed.Count above 0 it records those too, as
// missed. It returns false, and writes nothing, if the slot is taken.
func (d *DB) ClaimSlot(ctx context.Context, slot, missed Slot) (bool, error) {
	claimed := false
	err := d.write(ctx, "claim slot of "+slot.Schedule, func(t *tx) error {
		claimed = false
		slot.State, slot.Count, slot.Finished = SlotRunning, 1, facts.NoInstant
		n, err := t.insertSlot(ctx, slot)
		if err != nil || n == 0 {
			return err
		}
		claimed = true
		if missed.Count > 0 {
			missed.State, missed.Finished = SlotMissed, missed.Claimed
			_, err = t.insertSlot(ctx, missed)
		}
		return err
	})
	return claimed && err == nil, err
}

// SkipSlots records due times that were not taken up because something else was at work: slot.Count of them, the last at
// slot.At. One that another process took stays as it is.
func (d *DB) SkipSlots(ctx context.Context, slot Slot) error {
	return d.write(ctx, "skip slots of "+slot.Schedule, func(t *tx) error {
		slot.State, slot.Finished = SlotSkipped, slot.Claimed
		_, err := t.insertSlot(ctx, slot)
		return err
	})
}

func (t *tx) insertSlot(ctx context.Context, s Slot) (int64, error) {
	return t.exec(ctx, `INSERT INTO slots (`+slotColumns+`, alive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (schedule, scheduled_for) DO NOTHING`, s.Schedule, moment(s.At), moment(s.Claimed), s.By,
		moment(s.Finished), s.Run, string(s.State), s.Exit, s.Count, s.Text, moment(s.Claimed))
}

// FinishSlot records how a slot that slot.By claimed has ended.
func (d *DB) FinishSlot(ctx context.Context, slot Slot) error {
	return d.oneSlot(ctx, "finish", slot, `UPDATE slots SET finished = ?, run = ?, state = ?, exit = ?, detail = ?
		WHERE schedule = ? AND scheduled_for = ? AND claimed_by = ?`, moment(slot.Finished), slot.Run, string(slot.State),
		slot.Exit, slot.Text, slot.Schedule, moment(slot.At), slot.By)
}

// ReturnSlot gives a slot back that slot.By claimed, so that anybody may claim it again.
func (d *DB) ReturnSlot(ctx context.Context, slot Slot) error {
	return d.oneSlot(ctx, "give back", slot, `DELETE FROM slots WHERE schedule = ? AND scheduled_for = ? AND claimed_by = ?`,
		slot.Schedule, moment(slot.At), slot.By)
}

func (d *DB) oneSlot(ctx context.Context, verb string, slot Slot, query string, args ...any) error {
	return d.write(ctx, verb+" slot of "+slot.Schedule, func(t *tx) error {
		n, err := t.exec(ctx, query, args...)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	})
}

// KeepSlots says that the claimants of some slots are at work on them, and marks the slots that nobody has said so of for
// longer than patience as failed. It returns how many these are.
func (d *DB) KeepSlots(ctx context.Context, working []Slot, now facts.Instant, patience time.Duration) (int, error) {
	var failed int64
	err := d.write(ctx, "keep slots", func(t *tx) error {
		for _, s := range working {
			if _, err := t.exec(ctx, `UPDATE slots SET alive = ? WHERE schedule = ? AND scheduled_for = ? AND claimed_by = ?`,
				moment(now), s.Schedule, moment(s.At), s.By); err != nil {
				return err
			}
		}
		var err error
		failed, err = t.exec(ctx, `UPDATE slots SET state = 'failed', finished = ?, exit = 1,
			detail = 'its process was gone before it ended' WHERE state = 'running' AND alive < ?`,
			moment(now), moment(now.Add(-patience)))
		return err
	})
	return int(failed), err
}

// Slots returns the newest slots of each schedule, at most limit of each, by schedule, newest first.
func (d *DB) Slots(ctx context.Context, limit int) ([]Slot, error) {
	var slots []Slot
	err := d.read(ctx, "list slots", func(t *tx) error {
		var rows []slotRow
		err := t.list(ctx, &rows, `SELECT `+slotColumns+` FROM (SELECT `+slotColumns+`,
				row_number() OVER (PARTITION BY schedule ORDER BY scheduled_for DESC) AS place FROM slots) AS placed
			WHERE place <= ? ORDER BY schedule, scheduled_for DESC`, limit)
		slots = nil
		for _, r := range rows {
			slots = append(slots, r.slot())
		}
		return err
	})
	return slots, err
}

// SlotTotal sums up the slots of a schedule that came to a state.
type SlotTotal struct {
	Schedule string
	State    SlotState
	Slots    int64
	Last     facts.Instant // when the last of them ended; unknown while they run
}

// SlotTotals sums up all slots by schedule and state.
func (d *DB) SlotTotals(ctx context.Context) ([]SlotTotal, error) {
	var totals []SlotTotal
	err := d.read(ctx, "sum up slots", func(t *tx) error {
		var rows []struct {
			Schedule string `db:"schedule"`
			State    string `db:"state"`
			Slots    int64  `db:"slots"`
			Last     moment `db:"last"`
		}
		err := t.list(ctx, &rows, `SELECT schedule, state, CAST(sum(slot_count) AS BIGINT) AS slots, max(finished) AS last
			FROM slots GROUP BY schedule, state ORDER BY schedule, state`)
		totals = nil
		for _, r := range rows {
			totals = append(totals, SlotTotal{r.Schedule, SlotState(r.State), r.Slots, facts.Instant(r.Last)})
		}
		return err
	})
	return totals, err
}
