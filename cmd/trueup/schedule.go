package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"trueup/facts"
	"trueup/schedule"
	"trueup/store"
)

// scheduleSection says when trueup serve does what: cron expressions in the organisation's zone.
type scheduleSection struct {
	Run  string            `yaml:"run"`
	Pull map[string]string `yaml:"pull"` // by source
}

// The names of schedules: that of the nightly run, and what stands before a source's.
const (
	nightlyName = "run"
	pullPrefix  = "pull "
)

// checkSchedules reads the expressions.
func (s *settings) checkSchedules() {
	read := func(key, name, text string) {
		spec, err := schedule.Parse(text, s.calendar.Zone())
		if fault, ok := errors.AsType[*schedule.Error](err); ok {
			s.document.Fault(key, fault.Reason, fault.Hint)
			return
		}
		s.schedules = append(s.schedules, schedule.Entry{Name: name, Spec: spec})
	}
	if s.Schedule.Run != "" {
		read("schedule.run", nightlyName, s.Schedule.Run)
	}
	for _, source := range slices.Sorted(maps.Keys(s.Schedule.Pull)) {
		key := "schedule.pull." + source
		if !slices.Contains(s.sourceNames(), source) {
			s.document.Fault(key, fmt.Sprintf("%q is no source", source), "sources are "+strings.Join(s.sourceNames(), ", "))
			continue
		}
		read(key, pullPrefix+source, s.Schedule.Pull[source])
	}
}

func (a *app) scheduleCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "The next due times and the last outcomes of what trueup serve does",
		Long: "schedule shows for each schedule of the configuration when it is due next, in the organisation's zone, and what became\n" +
			"of its last due times: done, failed, skipped because something else was at work, or missed because no server was\n" +
			"there. It needs no running server.\n" + codesHelp(exitDone, exitUsage, exitUnreachable, exitInterrupted),
		Example: "  trueup schedule\n  trueup schedule --limit 20\n  trueup schedule --output json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.schedule(cmd.Context(), limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", 5, "how many due times and outcomes of each")
	return cmd
}

// scheduled is one schedule in the output.
type scheduled struct {
	Schedule string       `json:"schedule"`
	Spec     string       `json:"spec"` // "" if it is not in the configuration any more
	Next     []time.Time  `json:"next"`
	Slots    []store.Slot `json:"slots"` // newest first
}

func (a *app) schedule(ctx context.Context, limit int) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	if limit < 1 {
		return mistakef("1 or more", "--limit %d lists nothing", limit)
	}
	s, err := a.load()
	if err != nil {
		return err
	}
	slots, err := a.lastSlots(ctx, s, limit)
	if err != nil {
		return err
	}
	all := timetable(s.schedules, slots, a.now(), limit)
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"timezone": s.Timezone, "schedules": orEmpty(all)})
	}
	if len(s.schedules) == 0 {
		a.say("nothing is scheduled: schedule: {run: \"0 2 * * *\"} in %s is every night at two", s.path)
	}
	return a.printSchedules(all, s.calendar.Zone())
}

// lastSlots reads the last slots from the ledger; a ledger that is still to be made has none.
func (a *app) lastSlots(ctx context.Context, s *settings, limit int) ([]store.Slot, error) {
	db, err := a.openDB(ctx, s, store.Options{Existing: true})
	if errors.Is(err, store.ErrNoLedger) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Slots(ctx, limit)
}

// timetable puts due times and slots together: what is configured, then what only the ledger knows.
func timetable(entries []schedule.Entry, slots []store.Slot, now time.Time, limit int) []scheduled {
	var all []scheduled
	for _, e := range entries {
		row := scheduled{Schedule: e.Name, Spec: e.Spec.Text(), Slots: []store.Slot{}}
		for at := e.Spec.Next(now); len(row.Next) < limit && !at.IsZero(); at = e.Spec.Next(at) {
			row.Next = append(row.Next, at)
		}
		all = append(all, row)
	}
	for _, slot := range slots {
		n := slices.IndexFunc(all, func(row scheduled) bool { return row.Schedule == slot.Schedule })
		if n < 0 {
			n, all = len(all), append(all, scheduled{Schedule: slot.Schedule, Next: []time.Time{}})
		}
		all[n].Slots = append(all[n].Slots, slot)
	}
	return all
}

func (a *app) printSchedules(all []scheduled, zone *time.Location) error {
	for n, row := range all {
		if n > 0 {
			fmt.Fprintln(a.stdout)
		}
		when := row.Spec + ", " + zone.String()
		if row.Spec == "" {
			when = "not in the configuration any more"
		}
		fmt.Fprintf(a.stdout, "%s: %s\n", row.Schedule, when)
		if err := printSchedule(a.stdout, row, zone); err != nil {
			return err
		}
	}
	return nil
}

// dueLayout is how due times are shown.
const dueLayout = "Mon 2006-01-02 15:04 MST"

func printSchedule(out io.Writer, row scheduled, zone *time.Location) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	label := "next"
	for _, at := range row.Next {
		fmt.Fprintf(w, "  %s\t%s\n", label, at.In(zone).Format(dueLayout))
		label = ""
	}
	label = "last"
	for _, slot := range row.Slots {
		state := string(slot.State)
		if slot.Count > 1 {
			state += fmt.Sprintf(" x%d", slot.Count)
		}
		text := slot.Text
		if slot.State == store.SlotRunning {
			text = "since " + slot.Claimed.Time().In(zone).Format("15:04:05") + ", " + slot.By
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", label, slot.At.Time().In(zone).Format(dueLayout), state, dash(slot.Run), dash(text))
		label = ""
	}
	return w.Flush()
}

// book lets the keeper of schedules write into the store.
type book struct {
	db *store.DB
	by string // this process
}

// Since, of [schedule.Book].
func (b book) Since(ctx context.Context, e schedule.Entry, now time.Time) (time.Time, error) {
	since, err := b.db.SlotsSince(ctx, e.Name, e.Spec.String(), facts.At(now))
	return since.Time(), err
}

func (b book) slot(s schedule.Slot, now time.Time) store.Slot {
	return store.Slot{Schedule: s.Schedule, At: facts.At(s.At), Claimed: facts.At(now), By: b.by, Finished: facts.NoInstant, Count: 1}
}

// Claim, of [schedule.Book].
func (b book) Claim(ctx context.Context, s schedule.Slot, missed schedule.Missed, now time.Time) (bool, error) {
	past := b.slot(schedule.Slot{Schedule: s.Schedule, At: missed.Newest}, now)
	if past.Count = missed.Count; missed.Count > 0 {
		past.Text = fmt.Sprintf("no server was there; the first at %s", missed.Oldest.Format(time.RFC3339))
	}
	return b.db.ClaimSlot(ctx, b.slot(s, now), past)
}

// Finish, of [schedule.Book].
func (b book) Finish(ctx context.Context, s schedule.Slot, o schedule.Outcome, now time.Time) error {
	slot := b.slot(s, now)
	if o.State == schedule.Open {
		return b.db.ReturnSlot(ctx, slot)
	}
	slot.Finished, slot.State, slot.Run, slot.Exit, slot.Text = facts.At(now), store.SlotState(o.State), o.Run, o.Exit, o.Text
	return b.db.FinishSlot(ctx, slot)
}

// Skip, of [schedule.Book].
func (b book) Skip(ctx context.Context, s schedule.Slot, count int, why string, now time.Time) error {
	slot := b.slot(s, now)
	slot.Count, slot.Text = count, why
	return b.db.SkipSlots(ctx, slot)
}
