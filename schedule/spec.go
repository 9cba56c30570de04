// Package schedule says when something is due and sees to it that each due time is worked once: it reads cron
// expressions strictly ([Parse]), computes their local times through changes of the clock ([Spec]), and keeps them
// ([Keeper]) with robfig/cron as the alarm clock and a [Book] as the memory that survives restarts and is shared by
// several processes.
//
// # Changes of the clock
//
// An expression names local times. One that a day does not have, because the clock is put forward over it, is due at the
// first instant after the gap; one that a day has twice is due the first time only. So "30 2 * * *" is due exactly once
// on every local day. Several local times that fall into one gap are due once together.
package schedule

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Error is an expression that cannot be a schedule, and what to do about it.
type Error struct {
	Reason string // lower case, no full stop
	Hint   string // "" if there is nothing to say
}

func (e *Error) Error() string { return e.Reason }

// Spec is when something is due: at the local times of a cron expression in a zone, or at fixed intervals. It implements
// cron.Schedule.
type Spec struct {
	text  string
	name  string // what String returns
	zone  *time.Location
	wall  cron.Schedule // local times, computed as if they were UTC; nil for an interval
	every time.Duration
}

// String is the expression and, unless it is an interval, its zone: "0 2 * * * Europe/Berlin". Two specs with the same
// string are due at the same times.
func (s *Spec) String() string { return s.name }

// Text is the expression, with single blanks.
func (s *Spec) Text() string { return s.text }

// Shapes that an expression is held to before the library sees it, which takes much that is not meant ("*-5", ",", "?")
// and panics on a zone without a blank after it.
var (
	field      = regexp.MustCompile(`^` + part + `(,` + part + `)*$`)
	sunday7    = regexp.MustCompile(`(^|[,-])7($|[,/-])`)
	fieldNames = [...]string{"minute", "hour", "day of month", "month", "day of week"}
)

const (
	value = `([0-9]{1,2}|[A-Za-z]{3})`
	part  = `(\*|` + value + `(-` + value + `)?)(/[0-9]{1,2})?`
)

const examples = `five fields, minute hour day month weekday: "0 2 * * *" is every day at 2:00, "*/30 * * * *" every half hour`

// Parse reads a crontab expression of five fields, one of the words @hourly, @daily, @midnight, @weekly, @monthly,
// @yearly and @annually, or "@every" with whole minutes, whose due times are then the multiples of it since 1970 in UTC.
// Local times are those of zone. As in crontab, a day fits if its date or its weekday does, where both are restricted.
//
// A zone in the expression itself (TZ=, CRON_TZ=) is refused, since the days of a plan are those of one zone; so is a
// date that no year has. The error is an [*Error].
func Parse(text string, zone *time.Location) (*Spec, error) {
	fields := strings.Fields(text)
	s := &Spec{text: strings.Join(fields, " "), zone: zone}
	switch {
	case len(fields) == 0:
		return nil, &Error{"is empty", examples}
	case strings.HasPrefix(fields[0], "TZ=") || strings.HasPrefix(fields[0], "CRON_TZ="):
		return nil, &Error{fmt.Sprintf("%q names a time zone of its own", s.text), "leave it out, and set timezone for the whole organisation"}
	case fields[0] == "@every":
		return s.interval(fields[1:])
	case strings.HasPrefix(fields[0], "@"):
		return s.cron()
	case len(fields) != len(fieldNames):
		return nil, &Error{fmt.Sprintf("%q has %d fields", s.text, len(fields)), examples}
	}
	for n, f := range fields {
		if !field.MatchString(f) {
			return nil, &Error{fmt.Sprintf("%q is no %s", f, fieldNames[n]), examples}
		}
	}
	if days, _, _ := strings.Cut(fields[4], "/"); sunday7.MatchString(days) {
		return nil, &Error{fmt.Sprintf("%q is no day of week: they are 0 (Sunday) to 6", fields[4]), "write 0, or sun, for Sunday"}
	}
	return s.cron()
}

// interval reads what follows @every.
func (s *Spec) interval(words []string) (*Spec, error) {
	hint := `as "@every 30m" or "@every 2h"`
	if len(words) != 1 {
		return nil, &Error{fmt.Sprintf("%q is no interval", s.text), hint}
	}
	d, err := time.ParseDuration(words[0])
	switch {
	case err != nil:
		return nil, &Error{fmt.Sprintf("%q is no interval", s.text), hint}
	case d < time.Minute || d%time.Minute != 0:
		return nil, &Error{fmt.Sprintf("%q: an interval is of whole minutes, at least one", s.text), hint}
	}
	s.every, s.name = d, s.text
	return s, nil
}

// reference precedes the first of eight years of which two are leap years: a date that none of them has does not exist.
var reference = time.Date(1999, 12, 31, 23, 59, 0, 0, time.UTC)

// cron hands the expression to the library. Whatever that makes of it, the result is an error or a usable schedule.
func (s *Spec) cron() (_ *Spec, err error) {
	defer func() {
		if recover() != nil { // v3.0.1 panics on some malformed input
			err = &Error{fmt.Sprintf("%q is no schedule", s.text), examples}
		}
	}()
	schedule, err := cron.ParseStandard(s.text)
	if err != nil {
		return nil, &Error{fmt.Sprintf("%q is no schedule: %v", s.text, err), examples}
	}
	if fields, ok := schedule.(*cron.SpecSchedule); ok {
		fields.Location = time.UTC
	}
	if schedule.Next(reference).IsZero() {
		return nil, &Error{fmt.Sprintf("%q is never due: no year has that date", s.text), "check day of month and month"}
	}
	s.wall, s.name = schedule, s.text+" "+s.zone.String()
	return s, nil
}

// Next returns the first due time after an instant, in the schedule's zone; the zero time if there is none within five
// years.
func (s *Spec) Next(after time.Time) time.Time {
	if s.wall == nil {
		step := int64(s.every / time.Second)
		return time.Unix((floorDiv(after.Unix(), step)+1)*step, 0).In(s.zone)
	}
	local := after.In(s.zone)
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
	for {
		if wall = s.wall.Next(wall); wall.IsZero() {
			return wall
		}
		if at := instant(wall, s.zone); at.After(after) { // else it is a local time that the day had before
			return at
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// instant returns when a local time, given as if it were UTC, first comes: if the zone skips it, the first instant after
// the gap.
func instant(wall time.Time, zone *time.Location) time.Time {
	const furthest = 16 * time.Hour // no zone is further from UTC
	at := wall.Add(-furthest).In(zone)
	for {
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		candidate := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if end.IsZero() || candidate.Before(end) {
			if candidate.Before(at) {
				return at // the time before was too early for this offset, and too late for the last one: a gap
			}
			return candidate
		}
		at = end
	}
}

// Missed are due times that passed without anybody to work them, before one that is worked late.
type Missed struct {
	Count          int
	Oldest, Newest time.Time // zero without any
}

// Due returns the newest due time after last and not after now, and those before it; the zero time without any. It looks
// at a million at most: after a longer gap newest is not yet the last one.
func (s *Spec) Due(last, now time.Time) (newest time.Time, missed Missed) {
	const most = 1_000_000
	for at := s.Next(last); !at.IsZero() && !at.After(now) && missed.Count < most; at = s.Next(at) {
		if !newest.IsZero() {
			if missed.Count++; missed.Count == 1 {
				missed.Oldest = newest
			}
			missed.Newest = newest
		}
		newest = at
	}
	return newest, missed
}
