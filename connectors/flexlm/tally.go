package flexlm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"trueup/facts"
)

// tally counts what was out of each feature, by day.
type tally struct {
	calendar *facts.Calendar // by whose days is counted
	clock    *facts.Calendar // of the server
	asOf     facts.Instant
	later    int64 // answers and events after the as-of
	features map[string]*feature
	covered  map[string][]span // by daemon: when its log tells all

	free, silent map[string]bool // features that are not counted, or of which the server told nothing
}

// feature is what is known of one.
type feature struct {
	days   map[facts.Day]*day
	at     facts.Instant // of the newest answer
	issued int64         // by it
	used   int64
	daemon string // whose log shows it; "" if none does
}

// day is a feature's day.
type day struct {
	looks            []facts.Instant
	peak, limit      int64 // the most that any look saw, and the licences that stood then; NotTold without one
	logged           int64 // the most that a log shows out
	reserved, denied int64
}

func newTally(calendar, clock *facts.Calendar, asOf facts.Instant) *tally {
	return &tally{calendar: calendar, clock: clock, asOf: asOf, features: map[string]*feature{}, covered: map[string][]span{},
		free: map[string]bool{}, silent: map[string]bool{}}
}

func (t *tally) feature(name string) *feature {
	f := t.features[name]
	if f == nil {
		f = &feature{days: map[facts.Day]*day{}, at: facts.NoInstant}
		t.features[name] = f
	}
	return f
}

func (t *tally) day(name string, on facts.Day) *day {
	f := t.feature(name)
	d := f.days[on]
	if d == nil {
		d = &day{peak: facts.NotTold, limit: facts.NotTold, reserved: facts.NotTold, denied: facts.NotTold}
		f.days[on] = d
	}
	return d
}

// snapshot takes an answer of lmstat into account. A feature that several daemons serve is one pool of all of them; one
// that stands in two answers of one moment was looked at once.
func (t *tally) snapshot(s *snapshot) {
	if s.at > t.asOf {
		t.later++
		return
	}
	sums := map[string]usage{}
	for n := range s.features {
		u := &s.features[n]
		switch u.state {
		case uncounted:
			t.free[u.name] = true
			continue
		case unanswered:
			t.silent[u.name] = true
			continue
		}
		sum := sums[u.name]
		sum.issued, sum.used, sum.reserved = sum.issued+u.issued, sum.used+u.used, sum.reserved+u.reserved
		sums[u.name] = sum
	}
	on := t.calendar.Day(s.at)
	for name, u := range sums {
		d := t.day(name, on)
		if len(d.looks) == 0 || d.looks[len(d.looks)-1] != s.at {
			d.looks = append(d.looks, s.at)
		}
		d.reserved = max(d.reserved, u.reserved)
		switch {
		case u.used > d.peak:
			d.peak, d.limit = u.used, u.issued
		case u.used == d.peak:
			d.limit = min(d.limit, u.issued)
		}
		f := t.features[name]
		if s.at > f.at || s.at == f.at && u.used > f.used {
			f.at, f.issued, f.used = s.at, u.issued, u.used
		}
	}
}

// peak says how many licences a log saw out.
func (t *tally) peak(name string, on facts.Day, n int64) {
	d := t.day(name, on)
	d.logged = max(d.logged, n)
}

// deny counts a request that was refused for want of a licence.
func (t *tally) deny(name string, on facts.Day, n int64) {
	d := t.day(name, on)
	d.denied = max(d.denied, 0) + n
}

// serves says whose log a feature stands in.
func (t *tally) serves(name, daemon string) { t.feature(name).daemon = daemon }

// report writes the counters and the days into an observation.
func (t *tally) report(o *facts.Observation, lines []grant, s *sweep) {
	o.Later += t.later
	t.addUnused(lines)
	limits := map[string][]grant{}
	for _, g := range lines {
		limits[g.feature] = append(limits[g.feature], g)
	}
	for _, name := range slices.Sorted(maps.Keys(t.features)) {
		t.reportFeature(o, name, limits[name])
	}
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if f := t.features[name]; f == nil || !f.at.Known() {
			if n := limitOn(limits[name], t.calendar.Day(t.asOf)); n != facts.NotTold {
				o.AddCounter(facts.Counter{Product: name, Purchased: n, Consumed: facts.NotTold})
			}
		}
	}
	o.Notes = append(o.Notes, t.notes(s)...)
}

// addUnused adds the features of licence files whose daemon's log tells all and shows no use of them.
func (t *tally) addUnused(lines []grant) {
	for n := range lines {
		g := &lines[n]
		if g.uncounted || len(t.covered[g.vendor]) == 0 {
			continue
		}
		if f := t.feature(g.feature); f.daemon == "" {
			f.daemon = g.vendor
		}
	}
	for name, f := range t.features {
		for _, known := range t.covered[f.daemon] {
			for on := t.calendar.Day(known.from); on <= t.calendar.Day(known.to); on++ {
				d := t.day(name, on)
				d.denied = max(d.denied, 0)
			}
		}
	}
}

func (t *tally) reportFeature(o *facts.Observation, name string, lines []grant) {
	f := t.features[name]
	if f.at.Known() {
		o.AddCounter(facts.Counter{Product: name, Purchased: f.issued, Consumed: f.used})
		if n := limitOn(lines, t.calendar.Day(f.at)); n != facts.NotTold && n != f.issued {
			o.Notes = append(o.Notes, fmt.Sprintf("%s: the server serves %d licences, its licence file has %d", name, f.issued, n))
		}
	}
	for _, on := range slices.Sorted(maps.Keys(f.days)) {
		d := f.days[on]
		limit := d.limit
		if limit == facts.NotTold {
			limit = limitOn(lines, on)
		}
		slices.Sort(d.looks)
		d.looks = slices.Compact(d.looks)
		o.AddConcurrentDay(facts.ConcurrentDay{Product: name, Day: on, Peak: max(d.peak, d.logged), Limit: limit, Reserved: d.reserved,
			Denied: d.denied, Samples: int64(len(d.looks)), Unseen: t.unseen(d.looks, t.covered[f.daemon], on)})
	}
}

// limitOn returns how many licences lines let be used on a day; NotTold if there are none, or no limit.
func limitOn(lines []grant, on facts.Day) int64 {
	sum := facts.NotTold
	for n := range lines {
		switch g := &lines[n]; {
		case g.uncounted:
			return facts.NotTold
		case g.inForce(on):
			sum = max(sum, 0) + g.count
		default:
			sum = max(sum, 0)
		}
	}
	return sum
}

// unseen returns the minutes of the longest part of a day, up to the as-of, at which nobody looked and of which no log
// tells. Looks are in order.
func (t *tally) unseen(looks []facts.Instant, known []span, on facts.Day) int64 {
	from, to := t.calendar.Start(on), min(t.calendar.End(on), t.asOf)
	seen := make([]span, 0, len(looks)+len(known))
	for _, at := range looks {
		seen = append(seen, span{at, at})
	}
	for _, k := range known {
		if k.to >= from && k.from <= to {
			seen = append(seen, k)
		}
	}
	slices.SortFunc(seen, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	longest, at := time.Duration(0), from
	for _, s := range seen {
		longest = max(longest, t.between(at, s.from))
		at = max(at, s.to)
	}
	longest = max(longest, t.between(at, to))
	return int64((longest + time.Minute - 1) / time.Minute)
}

// between returns the time from one moment to another, or what the server's clock shows of it, if that is less: where
// clocks go back, the looks of the hour that they show twice cannot be told apart, and all stand in its second half.
func (t *tally) between(from, to facts.Instant) time.Duration {
	passed := time.Duration(to-from) * time.Millisecond
	_, before := from.Time().In(t.clock.Zone()).Zone()
	_, after := to.Time().In(t.clock.Zone()).Zone()
	return min(passed, passed+time.Duration(after-before)*time.Second)
}

// notes says what a person should know.
func (t *tally) notes(s *sweep) (notes []string) {
	list := func(names map[string]bool) string {
		const most = 5
		sorted := slices.Sorted(maps.Keys(names))
		text := fmt.Sprint(sorted[:min(most, len(sorted))])
		if len(sorted) > most {
			text += fmt.Sprintf(" and %d more", len(sorted)-most)
		}
		return text
	}
	if len(t.free) > 0 {
		notes = append(notes, fmt.Sprintf("%d features are uncounted: %s", len(t.free), list(t.free)))
	}
	if len(t.silent) > 0 {
		notes = append(notes, fmt.Sprintf("the server told nothing about %d features: %s", len(t.silent), list(t.silent)))
	}
	for _, code := range slices.Sorted(maps.Keys(s.others)) {
		notes = append(notes, fmt.Sprintf("%d requests were denied for another reason than want of a licence (error %d)", s.others[code], code))
	}
	if s.unmatched > 0 {
		notes = append(notes, fmt.Sprintf("%d licences were given back that the log never showed taken", s.unmatched))
	}
	return notes
}
