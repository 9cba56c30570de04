package reconcile

import "trueup/facts"

// dayTable answers which day an instant falls on, and when a day starts, without a search for the years that seats and
// sign-ins are from.
type dayTable struct {
	calendar *facts.Calendar
	first    facts.Day
	starts   []facts.Instant // of the days from first on
}

// tabulated is how many days before the as-of are tabulated: some eleven years.
const tabulated = 4096

const dayMillis = 24 * 3600 * 1000

func newDayTable(s *facts.Snapshot) dayTable {
	t := dayTable{calendar: s.Calendar(), first: s.Today() - tabulated, starts: make([]facts.Instant, tabulated+2)}
	for n := range t.starts {
		t.starts[n] = t.calendar.Start(t.first + facts.Day(n))
	}
	return t
}

// day returns the calendar day of an instant; NoDay if it is absent.
func (t *dayTable) day(i facts.Instant) facts.Day {
	last := len(t.starts) - 1
	if i < t.starts[0] || i >= t.starts[last] {
		return t.calendar.Day(i)
	}
	n := min(int((i-t.starts[0])/dayMillis), last)
	for t.starts[n] > i {
		n--
	}
	for t.starts[n+1] <= i {
		n++
	}
	return t.first + facts.Day(n)
}

// start returns the first instant of a day.
func (t *dayTable) start(d facts.Day) facts.Instant {
	if n := int(d) - int(t.first); n >= 0 && n < len(t.starts) {
		return t.starts[n]
	}
	return t.calendar.Start(d)
}
