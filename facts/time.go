package facts

import (
	"fmt"
	"math"
	"time"
)

// Instant is a moment in UTC, in milliseconds since 1970-01-01T00:00:00Z. The zero value is that moment; an absent
// moment is [NoInstant].
type Instant int64

// NoInstant marks an absent moment. It sorts before every real one, so the newest of several moments is their maximum
// whether or not some are absent.
const NoInstant Instant = math.MinInt64

// At converts t to an Instant, dropping what is finer than a millisecond. The zero time becomes [NoInstant].
func At(t time.Time) Instant {
	if t.IsZero() {
		return NoInstant
	}
	return Instant(t.UnixMilli())
}

// Known reports whether i is a real moment.
func (i Instant) Known() bool { return i != NoInstant }

// Time returns i in UTC; the zero time if i is absent.
func (i Instant) Time() time.Time {
	if i == NoInstant {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// Add returns i moved by d; an absent instant stays absent.
func (i Instant) Add(d time.Duration) Instant {
	if i == NoInstant {
		return i
	}
	return i + Instant(d.Milliseconds())
}

// String writes i as RFC 3339 in UTC with milliseconds only where there are any; "" if absent.
func (i Instant) String() string {
	if i == NoInstant {
		return ""
	}
	return i.Time().Format(time.RFC3339Nano) // package time has a fast path for it; what is finer than a millisecond is zero
}

// MarshalText writes [Instant.String].
func (i Instant) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads RFC 3339; empty text is [NoInstant].
func (i *Instant) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = NoInstant
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return err
	}
	*i = At(t)
	return nil
}

// Day is a calendar day, counted from 1970-01-01 as day 0, in the zone of the [Calendar] that made it. An absent day is
// [NoDay].
type Day int32

// NoDay marks an absent day. It sorts before every real one.
const NoDay Day = math.MinInt32

// Date returns the day of a calendar date.
func Date(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads YYYY-MM-DD.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return NoDay, fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	return Date(t.Date()), nil
}

// Known reports whether d is a real day.
func (d Day) Known() bool { return d != NoDay }

// Civil returns the calendar date of d. It must not be called on an absent day.
func (d Day) Civil() (year int, month time.Month, day int) {
	return time.Unix(int64(d)*86400, 0).UTC().Date()
}

// Weekday returns the day of the week of d.
func (d Day) Weekday() time.Weekday { return time.Weekday(((int(d)+4)%7 + 7) % 7) }

// String writes d as YYYY-MM-DD; "" if absent.
func (d Day) String() string {
	if d == NoDay {
		return ""
	}
	return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly)
}

// MarshalText writes [Day.String].
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD; empty text is [NoDay].
func (d *Day) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = NoDay
		return nil
	}
	*d, err = ParseDay(string(b))
	return err
}
