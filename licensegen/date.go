package licensegen

import (
	"fmt"
	"time"
)

// Date is a calendar date without a zone. The zero Date is absent.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// The years in which an order can lie; anything else is taken for a slip of the keyboard.
const (
	minYear = 1970
	maxYear = 2200
)

// ParseDate reads YYYY-MM-DD and refuses dates that no calendar has and years outside 1970 to 2200.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return Date{}, fmt.Errorf("date %q: the year is not between %d and %d", s, minYear, maxYear)
	}
	year, month, day := t.Date()
	return Date{year, month, day}, nil
}

// IsZero reports whether d is absent.
func (d Date) IsZero() bool { return d == Date{} }

// Before reports whether d is earlier than e.
func (d Date) Before(e Date) bool { return d.midnight().Before(e.midnight()) }

// String writes d as YYYY-MM-DD; "" if absent.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.midnight().Format(time.DateOnly)
}

func (d Date) midnight() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// widestOffset is more than any zone is or was away from UTC.
const widestOffset = 26 * time.Hour

// StartIn returns the first instant, in UTC, at which clocks in zone show d or later. Where a clock change skips
// midnight the day starts at the change.
func (d Date) StartIn(zone *time.Location) time.Time {
	midnight := d.midnight()
	for t := midnight.Add(-widestOffset); ; {
		offset, until := period(t, zone)
		start := midnight.Add(-offset)
		if start.Before(t) {
			start = t
		}
		if until.IsZero() || start.Before(until) {
			return start
		}
		t = until
	}
}

// EndIn returns the instant, in UTC, from which clocks in zone no longer show d or earlier: the first instant after the
// day. Where a clock change repeats the end of the day, the repetition still belongs to it.
func (d Date) EndIn(zone *time.Location) time.Time {
	midnight := d.midnight().AddDate(0, 0, 1)
	var end time.Time
	for t := midnight.Add(-widestOffset); t.Before(midnight.Add(widestOffset)); {
		offset, until := period(t, zone)
		if stop := midnight.Add(-offset); t.Before(stop) {
			end = stop
			if !until.IsZero() && until.Before(stop) {
				end = until
			}
		}
		if until.IsZero() {
			break
		}
		t = until
	}
	return end
}

// period returns how far east of UTC clocks in zone are at t and the UTC instant of their next change, zero if none.
func period(t time.Time, zone *time.Location) (offset time.Duration, until time.Time) {
	local := t.In(zone)
	_, seconds := local.Zone()
	if _, until = local.ZoneBounds(); !until.IsZero() {
		until = until.UTC()
	}
	return time.Duration(seconds) * time.Second, until
}
