package reconcile

import (
	"slices"
	"time"

	"trueup/facts"
)

// defaultLag is how late a source may be that documents nothing.
const defaultLag = 36 * time.Hour

// The gap rule: a day without any event is a gap where the median of gapWeeks same weekdays is gapMedian events or more.
const (
	gapWeeks  = 12
	gapMedian = 10
)

// coverage is what each input can prove the absence of.
type coverage struct {
	snapshot *facts.Snapshot
	states   []InputState
	since    []facts.Instant // by input: from here to the end nothing is missing; never (see [never]) if it is not whole
}

// never is later than every moment: what is whole since never proves nothing.
const never = facts.Instant(1<<63 - 1)

func newCoverage(s *facts.Snapshot, r *roster, closures []Closure) *coverage {
	c := &coverage{snapshot: s, states: make([]InputState, len(s.Inputs)), since: make([]facts.Instant, len(s.Inputs))}
	for n := range s.Inputs {
		input := &s.Inputs[n]
		state := InputState{From: input.From, To: input.To, Complete: wholeFeed(s, input), MatchRate: -1}
		if m := r.matched[n]; m.accounts > 0 {
			state.MatchRate = float64(m.matched) / float64(m.accounts)
		}
		c.since[n] = never
		switch input.Feed {
		case facts.FeedSignIns:
			c.since[n] = c.log(input, &state, closures)
		case facts.FeedPeople:
			c.since[n] = c.directory(input, &state)
		}
		c.states[n] = state
	}
	return c
}

// log finds the interval that a sign-in log covers, and from when on it has no gap to the end.
func (c *coverage) log(input *facts.Input, state *InputState, closures []Closure) facts.Instant {
	if !input.Daily.First.Known() { // a log without an event proves nothing, whatever is declared
		return never
	}
	if !state.From.Known() {
		state.From = input.Daily.First
	}
	if !state.To.Known() {
		state.To = input.Daily.Last
	}
	state.To = min(state.To, c.snapshot.AsOf)
	state.Gaps = c.gaps(input, state, closures)
	people, read := c.snapshot.Input(input.Source, facts.FeedPeople)
	switch {
	case !state.Complete, !input.Outcomes, state.MatchRate <= 0, !c.reaches(input, state.To):
		return never
	case read && !wholeFeed(c.snapshot, people): // accounts of the log may then not be recognised
		return never
	}
	since := state.From
	if n := len(state.Gaps); n > 0 {
		since = max(since, c.snapshot.Calendar().Start(state.Gaps[n-1].To+1))
	}
	return since
}

// directory finds what a directory's last sign-ins cover: all time up to the observation, for accounts that have a value.
func (c *coverage) directory(input *facts.Input, state *InputState) facts.Instant {
	state.To = min(input.Observed, c.snapshot.AsOf)
	if !wholeFeed(c.snapshot, input) || !c.reaches(input, state.To) {
		return never
	}
	return facts.NoInstant
}

// reaches reports whether a feed covers up to the as-of, less what it may be late.
func (c *coverage) reaches(input *facts.Input, to facts.Instant) bool {
	lag := input.Lag
	if lag == 0 {
		lag = defaultLag
	}
	return to >= c.snapshot.AsOf.Add(-lag)
}

// gaps lists the days inside the covered interval on which the log is silent though it should not be. The median is over
// the nearest same weekdays before that are neither closures nor gaps themselves, so that a log which stays silent does
// not become its own excuse; where the log is too young for that, over those after.
func (c *coverage) gaps(input *facts.Input, state *InputState, closures []Closure) []Gap {
	calendar := c.snapshot.Calendar()
	from, to := calendar.Day(state.From), calendar.Day(state.To)
	if to >= c.snapshot.Today() { // the as-of's day is not over
		to = c.snapshot.Today() - 1
	}
	var gaps []Gap
	usual := map[time.Weekday][]uint32{} // of the days so far, newest last
	for day := from; day <= to; day++ {
		if closed(closures, day) {
			continue
		}
		count := input.Daily.On(day)
		before := usual[day.Weekday()]
		if count > 0 || median(before, input, day, to, closures) < gapMedian {
			usual[day.Weekday()] = append(before, count)
			continue
		}
		if n := len(gaps); n > 0 && gaps[n-1].To == day-1 {
			gaps[n-1].To = day
		} else {
			gaps = append(gaps, Gap{From: day, To: day})
		}
	}
	return gaps
}

// median returns the median count of the twelve last of before, filled up with the same weekdays after day.
func median(before []uint32, input *facts.Input, day, to facts.Day, closures []Closure) uint32 {
	counts := slices.Clone(before[max(0, len(before)-gapWeeks):])
	for next := day + 7; next <= to && len(counts) < gapWeeks; next += 7 {
		if !closed(closures, next) {
			counts = append(counts, input.Daily.On(next))
		}
	}
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

func closed(closures []Closure, day facts.Day) bool {
	return slices.ContainsFunc(closures, func(c Closure) bool { return c.From <= day && day <= c.To })
}
