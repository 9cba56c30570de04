package facts

import (
	"math"
	"sort"
	"time"
)

// Calendar turns instants into days of one time zone. It is immutable and safe for concurrent use.
//
// Days follow one another: where clocks go back over midnight, as they did at 00:01 in St John's until 2011, the repeated
// end of the day before belongs to the day that had begun.
type Calendar struct {
	zone    *time.Location
	periods []period // ascending; the first reaches back for ever
}

// period is a span of constant offset from UTC.
type period struct {
	from, to Instant // to is the last instant
	offset   int64   // milliseconds east of UTC
	floor    Day     // the day on which the period before ended
}

const (
	dayMillis    = 86_400_000
	calendarFrom = 1970 // the span for which offsets are tabulated;
	calendarTo   = 2100 // beyond it the first or last known offset holds
)

// NewCalendar tabulates the offsets of zone from 1970 to 2100.
func NewCalendar(zone *time.Location) *Calendar {
	c := &Calendar{zone: zone}
	end := time.Date(calendarTo, 1, 1, 0, 0, 0, 0, time.UTC)
	t := time.Date(calendarFrom, 1, 1, 0, 0, 0, 0, time.UTC).In(zone)
	for t.Before(end) {
		_, seconds := t.Zone()
		c.follow(At(t), int64(seconds)*1000)
		_, next := t.ZoneBounds()
		if next.IsZero() {
			break
		}
		if !next.After(t) {
			// ZoneBounds answers on 31 December of a leap year, behind the last tabulated change, that the day before has
			// just ended and nothing follows.
			next = t.Add(24 * time.Hour)
		}
		t = next
	}
	return c
}

// follow takes down that offset holds from then on.
func (c *Calendar) follow(from Instant, offset int64) {
	n := len(c.periods) - 1
	if n < 0 {
		c.periods = append(c.periods, period{from: NoInstant, to: math.MaxInt64, offset: offset, floor: NoDay})
		return
	}
	if before := &c.periods[n]; before.offset != offset {
		before.to = from - 1
		c.periods = append(c.periods, period{from: from, to: math.MaxInt64, offset: offset, floor: before.day(before.to)})
	}
}

// day returns the day of i, which must fall into the period.
func (p *period) day(i Instant) Day {
	ms := int64(i) + p.offset
	d := ms / dayMillis
	if ms%dayMillis < 0 {
		d--
	}
	return max(Day(d), p.floor)
}

func (c *Calendar) period(i Instant) *period {
	return &c.periods[sort.Search(len(c.periods), func(k int) bool { return c.periods[k].to >= i })]
}

// Zone returns the calendar's time zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Day returns the calendar day on which i falls; [NoDay] if i is absent.
func (c *Calendar) Day(i Instant) Day {
	if i == NoInstant {
		return NoDay
	}
	return c.period(i).day(i)
}

// Start returns the first instant of day d, which is not midnight where a clock change skips midnight; [NoInstant] if d
// is absent. A day that the zone skipped altogether starts, and ends, where the next one starts.
func (c *Calendar) Start(d Day) Instant {
	if d == NoDay {
		return NoInstant
	}
	p := &c.periods[sort.Search(len(c.periods), func(k int) bool {
		return k == len(c.periods)-1 || c.periods[k].day(c.periods[k].to) >= d
	})]
	if p.from != NoInstant && p.day(p.from) >= d {
		return p.from
	}
	return Instant(int64(d)*dayMillis - p.offset)
}

// End returns the last millisecond of day d.
func (c *Calendar) End(d Day) Instant {
	if d == NoDay {
		return NoInstant
	}
	return c.Start(d+1) - 1
}

// Wall returns the instant at which clocks in the zone show ms milliseconds after midnight of day d. Of two such instants
// the later one counts; where clocks skip that time, it is taken as if they had not yet been moved.
func (c *Calendar) Wall(d Day, ms int64) Instant {
	if d == NoDay {
		return NoInstant
	}
	shown := int64(d)*dayMillis + ms
	later := c.periods[1:]
	k := sort.Search(len(later), func(k int) bool { return int64(later[k].from)+later[k].offset > shown })
	return Instant(shown - c.periods[k].offset)
}
