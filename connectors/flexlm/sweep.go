package flexlm

import (
	"time"

	"trueup/facts"
)

// quiet is how long a debug log may be silent while its server runs: it writes a TIMESTAMP line every six hours.
const quiet = 6*time.Hour + 30*time.Minute

// sweep follows the debug logs of one server and keeps how many licences of each feature are out. Logs follow one another
// in the order of their names; one that does not begin where the last one ended begins anew.
//
// A log that begins with the start of its server tells all. In one that begins in the middle, what is given back without
// having been taken was out from the beginning; what was out all the time cannot be seen, so that such a log tells peaks
// but covers no day until its daemon starts again.
type sweep struct {
	tally   *tally
	daemons map[string]*daemon
	cover   []span        // when the log was being written
	fresh   bool          // a file has begun
	first   int           // of cover in this file
	started facts.Instant // of the server in this log; NoInstant if that was not seen
	from    facts.Day     // of this log
	day     facts.Day

	others    map[int]int64 // denials that are not for want of a licence, by error number
	unmatched int64         // licences given back that nobody had taken
}

// span is an interval of time, inclusive.
type span struct{ from, to facts.Instant }

// daemon is a vendor daemon as the log shows it.
type daemon struct {
	started facts.Instant // NoInstant if that was not seen
	known   []span        // when all that is out is known
	pools   map[string]*outstanding
}

// outstanding is what is out of one feature.
type outstanding struct {
	by     map[string]int64 // by user@host; 0 where all was given back
	net    int64            // taken less given back since the log began
	before int64            // was out when it began
	days   map[facts.Day]int64
	rolled facts.Day // the last of days
}

func newSweep(t *tally) *sweep {
	return &sweep{tally: t, started: facts.NoInstant, daemons: map[string]*daemon{}, others: map[int]int64{}}
}

// nextFile says that another file begins.
func (s *sweep) nextFile() { s.fresh = true }

func (s *sweep) event(e event) {
	if e.at > s.tally.asOf {
		s.tally.later++
		return
	}
	s.pass(&e)
	switch e.kind {
	case serverStarted:
		s.restart(e.at)
	case daemonStarted:
		s.daemon(e.daemon).restart(s.tally, e.at)
	case checkedOut, checkedIn:
		s.move(&e)
	case denied:
		if e.full() {
			s.tally.deny(e.feature, s.day, e.count)
			s.tally.serves(e.feature, e.daemon)
		} else {
			s.others[e.code]++
		}
	}
}

// pass takes the sweep to the time of a line and notes that the log was being written.
func (s *sweep) pass(e *event) {
	day := s.tally.calendar.Day(e.at)
	last := len(s.cover) - 1
	switch {
	case last < 0, s.fresh && e.at < s.cover[last].to:
		s.begin(e.at, day)
	case s.fresh && e.at > s.cover[last].to.Add(quiet) && e.kind != serverStarted:
		s.begin(e.at, day)
	case e.at > s.cover[last].to.Add(quiet):
		s.cover = append(s.cover, span{e.at, e.at})
	default:
		s.cover[last].to = max(s.cover[last].to, e.at)
	}
	if s.fresh {
		s.first, s.fresh = len(s.cover)-1, false
	}
	if day > s.day {
		for _, d := range s.daemons {
			for _, x := range d.pools {
				x.roll(day)
			}
		}
		s.day = day
	}
}

// begin begins a log that does not go on from another.
func (s *sweep) begin(at facts.Instant, day facts.Day) {
	s.finish()
	s.cover = append(s.cover, span{at, at})
	s.from, s.day, s.started = day, day, facts.NoInstant
}

// finish settles all that is out, at the end of a log.
func (s *sweep) finish() {
	if len(s.cover) == 0 {
		return
	}
	end := s.cover[len(s.cover)-1].to
	for _, d := range s.daemons {
		d.settle(s.tally, end)
		d.started = facts.NoInstant
	}
}

// close settles what is left when all files have been read.
func (s *sweep) close() {
	s.finish()
	for name, d := range s.daemons {
		s.tally.covered[name] = intersect(d.known, s.cover)
	}
}

// starting is how long before the line that says so a server may write its first ones.
const starting = time.Minute

// restart says that the server began, and so all its daemons will. If the log was silent until then, it was not running.
func (s *sweep) restart(at facts.Instant) {
	if n := len(s.cover) - 1; n > s.first && s.cover[n].from >= at.Add(-starting) {
		s.cover[n-1].to = s.cover[n].to
		s.cover = s.cover[:n]
	}
	s.started = at
	for _, d := range s.daemons {
		d.restart(s.tally, at)
	}
}

func (s *sweep) daemon(name string) *daemon {
	d := s.daemons[name]
	if d == nil {
		d = &daemon{started: s.started, pools: map[string]*outstanding{}}
		s.daemons[name] = d
	}
	return d
}

func (d *daemon) restart(t *tally, at facts.Instant) {
	d.settle(t, at)
	d.started = at
}

// settle hands over the peaks since the daemon started, or since the log began, and forgets what is out.
func (d *daemon) settle(t *tally, end facts.Instant) {
	for feature, x := range d.pools {
		for day, net := range x.days {
			t.peak(feature, day, x.before+net)
		}
	}
	d.pools = map[string]*outstanding{}
	if d.started.Known() {
		d.known = append(d.known, span{d.started, end})
	}
}

// move counts licences that are taken or given back.
func (s *sweep) move(e *event) {
	d := s.daemon(e.daemon)
	x := d.pools[e.feature]
	if x == nil {
		x = &outstanding{by: map[string]int64{}, days: map[facts.Day]int64{}}
		from := s.from
		if d.started.Known() {
			from = s.tally.calendar.Day(d.started)
		}
		x.rolled = from - 1
		x.roll(s.day)
		d.pools[e.feature] = x
		s.tally.serves(e.feature, e.daemon)
	}
	had, seen := x.by[e.who]
	if e.kind == checkedOut {
		x.by[e.who] = had + e.count
		x.net += e.count
	} else {
		back := min(e.count, had)
		x.by[e.who] = had - back
		x.net -= back
		if missing := e.count - back; missing > 0 && !seen && !d.started.Known() {
			x.before += missing
			x.net -= missing
		} else if missing > 0 {
			s.unmatched += missing
		}
	}
	x.days[s.day] = max(x.days[s.day], x.net)
}

// roll carries what is out over to the days up to one.
func (x *outstanding) roll(to facts.Day) {
	for day := x.rolled + 1; day <= to; day++ {
		x.days[day] = x.net
	}
	x.rolled = max(x.rolled, to)
}

// intersect returns what two lists of spans have in common.
func intersect(a, b []span) []span {
	var all []span
	for _, x := range a {
		for _, y := range b {
			if from, to := max(x.from, y.from), min(x.to, y.to); from <= to {
				all = append(all, span{from, to})
			}
		}
	}
	return all
}
