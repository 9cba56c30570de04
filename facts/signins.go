package facts

import "slices"

// SignIn is one authentication event. Its bytes are only borrowed: they may change after the call.
type SignIn struct {
	Account     []byte // the vendor's immutable id of who signed in, or the login where there is no other
	Login       []byte // e-mail or login, where it differs from Account
	Application []byte // what was signed in to, by the name the operator sees; empty for the source itself
	At          Instant
	Mode        Mode
	Success     bool // only successes count as use; failures still prove that the log was being written
}

// SignIns are successful sign-ins rolled up by account, application and mode: the newest instant and how many. All
// columns have the same length; a key occurs once, or once a day where lanes were asked for that.
type SignIns struct {
	Account, Login, Application []Sym
	Mode                        []Mode
	Last                        []Instant
	Count                       []uint32
}

// Len returns the number of keys.
func (s *SignIns) Len() int { return len(s.Account) }

// Daily counts all events of a log, successful or not, by calendar day, so that a silent day can be told from a quiet one.
type Daily struct {
	From   Day // day of Counts[0]
	Counts []uint32
	First  Instant // oldest event of any outcome; NoInstant if there was none
	Last   Instant // newest event of any outcome, the watermark
}

// NewDaily returns counts of nothing.
func NewDaily() Daily { return Daily{From: NoDay, First: NoInstant, Last: NoInstant} }

// Add counts n events on day d.
func (y *Daily) Add(d Day, n uint32) {
	switch {
	case len(y.Counts) == 0:
		y.From, y.Counts = d, append(y.Counts, 0)
	case d < y.From:
		y.Counts = slices.Insert(y.Counts, 0, make([]uint32, int(y.From-d))...)
		y.From = d
	case int(d-y.From) >= len(y.Counts):
		y.Counts = append(y.Counts, make([]uint32, int(d-y.From)-len(y.Counts)+1)...)
	}
	y.Counts[d-y.From] += n
}

// On returns how many events fell on day d.
func (y *Daily) On(d Day) uint32 {
	if len(y.Counts) == 0 || d < y.From || int(d-y.From) >= len(y.Counts) {
		return 0
	}
	return y.Counts[d-y.From]
}

// Widen takes the events of other into account.
func (y *Daily) Widen(other *Daily) {
	for n, count := range other.Counts {
		if count > 0 {
			y.Add(other.From+Day(n), count)
		}
	}
	if other.First.Known() && (!y.First.Known() || other.First < y.First) {
		y.First = other.First
	}
	y.Last = max(y.Last, other.Last)
}

// Lane rolls up sign-ins of one goroutine. Lanes of one observation are joined by [Observation.Join].
type Lane struct {
	calendar *Calendar
	until    Instant // events after it are counted in Later and otherwise ignored
	latest   Instant // events after it are not to be believed
	strings  *Strings
	table    []rollUp // open addressing, a power of two
	keys     int      // in table
	daily    Daily
	byDay    bool    // each day has a row of its own
	period   *period // of the last event
	waiting  waiting
	prepared uint32 // of no meaning, as that of Strings

	Later int64 // events after the as-of
}

// waiting are sign-ins that are to be looked up together: see [Strings.prepare].
type waiting struct {
	rows                           []rollUp // without what stands in the texts
	accounts, logins, applications [][]byte
	bytes                          []byte // of the texts: those of an event are only borrowed
}

// rollUp is a row of [SignIns] while it grows. Logs come scattered, so that the next row is seldom in the cache: key and
// values stand in one half of a cache line.
type rollUp struct {
	last                        Instant
	account, login, application Sym
	count                       uint32
	day                         Day // of a lane by day; else 0
	mode                        Mode
	taken                       bool
}

// NewLane returns an empty lane that ignores events after until (normally the run's as-of).
func NewLane(calendar *Calendar, until Instant) *Lane {
	return &Lane{calendar: calendar, until: until, latest: until + dayMillis, strings: NewStrings(), table: make([]rollUp, 256), daily: NewDaily(),
		period: calendar.period(max(until, 0))}
}

// Pulled says when the log was read, for an until that lies in the past: what happened in between is later, not wrong.
func (l *Lane) Pulled(at Instant) *Lane {
	l.latest = max(l.latest, at+dayMillis)
	return l
}

// ByDay makes the lane keep each calendar day apart: a key then occurs once a day, with the newest instant of that day. It
// must be asked for before the first event.
func (l *Lane) ByDay() *Lane {
	l.byDay = true
	return l
}

// Add takes one event into account. It returns false, and does nothing, if the time is not to be believed: absent,
// before 1970, or more than a day after both until and the pull.
func (l *Lane) Add(e SignIn) bool {
	if e.At > l.until || e.At < 0 {
		if e.At < 0 || e.At > l.latest {
			return false
		}
		l.Later++
		return true
	}
	if e.At < l.period.from || e.At > l.period.to {
		l.period = l.calendar.period(e.At)
	}
	day := l.period.day(e.At)
	l.daily.Add(day, 1)
	if e.At > l.daily.Last {
		l.daily.Last = e.At
	}
	if e.At < l.daily.First || l.daily.First == NoInstant {
		l.daily.First = e.At
	}
	if !e.Success || len(e.Account) == 0 {
		return true
	}
	if !l.byDay {
		day = 0
	}
	l.waiting.add(&e, day)
	if len(l.waiting.rows) == batch {
		l.settle()
	}
	return true
}

func (w *waiting) add(e *SignIn, day Day) {
	w.rows = append(w.rows, rollUp{last: e.At, count: 1, day: day, mode: e.Mode, taken: true})
	w.accounts = append(w.accounts, w.copy(e.Account))
	w.logins = append(w.logins, w.copy(e.Login))
	w.applications = append(w.applications, w.copy(e.Application))
}

func (w *waiting) copy(b []byte) []byte {
	start := len(w.bytes)
	w.bytes = append(w.bytes, b...)
	return w.bytes[start:]
}

// settle rolls up what is waiting.
func (l *Lane) settle() {
	w := &l.waiting
	var hashes [batch]uint64
	l.strings.prepare(w.accounts, &hashes)
	var slots [batch]uint32
	mask := uint32(len(l.table) - 1)
	for n := range w.rows {
		r := &w.rows[n]
		r.account = l.strings.intern(w.accounts[n], hashes[n])
		r.login = l.login(r.account, w.logins[n])
		r.application = l.strings.Intern(w.applications[n])
		slots[n] = mix(r.account, r.application, r.mode, r.day) & mask
	}
	read := uint32(0)
	for n := range w.rows {
		read |= l.table[slots[n]].count
	}
	l.prepared = read
	for n := range w.rows {
		l.add(w.rows[n])
	}
	*w = waiting{w.rows[:0], w.accounts[:0], w.logins[:0], w.applications[:0], w.bytes[:0]}
}

// login interns the login of an account. It was most often interned right behind the account, so look there first.
func (l *Lane) login(account Sym, text []byte) Sym {
	if next := account + 1; int(next) < l.strings.Len() && string(l.strings.Bytes(next)) == string(text) {
		return next
	}
	return l.strings.Intern(text)
}

func (l *Lane) add(row rollUp) {
	r := l.slot(row.account, row.application, row.mode, row.day)
	if !r.taken {
		*r = row
		if l.keys++; l.keys*4 > len(l.table)*3 {
			l.grow()
		}
		return
	}
	// The newest name wins: a login may change, the id does not. Of two at one instant the later in byte order wins, so
	// that the order of events does not matter.
	if row.last > r.last || row.last == r.last && row.login != r.login && l.strings.Text(row.login) > l.strings.Text(r.login) {
		r.last, r.login = row.last, row.login
	}
	r.count += row.count
}

// slot returns where a key stands or would stand.
func (l *Lane) slot(account, application Sym, mode Mode, day Day) *rollUp {
	mask := uint32(len(l.table) - 1)
	for n := mix(account, application, mode, day) & mask; ; n = (n + 1) & mask {
		r := &l.table[n]
		if !r.taken || r.account == account && r.application == application && r.mode == mode && r.day == day {
			return r
		}
	}
}

func (l *Lane) grow() {
	old := l.table
	l.table = make([]rollUp, len(old)*2)
	for n := range old {
		if r := &old[n]; r.taken {
			*l.slot(r.account, r.application, r.mode, r.day) = *r
		}
	}
}

// mix spreads a key over the table; dense numbers would otherwise fall into runs.
func mix(account, application Sym, mode Mode, day Day) uint32 {
	h := (uint64(account)*0x9E3779B97F4A7C15 ^ uint64(application)*0xC2B2AE3D27D4EB4F) + uint64(mode)*0x165667B19E3779F9 +
		uint64(day)*0x27D4EB2F165667C5
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	return uint32(h >> 32)
}

// Join merges lanes into the observation's sign-ins and daily counts. The lanes must not be used afterwards. The result
// does not depend on how events were spread over lanes, except for the order of rows.
func (o *Observation) Join(lanes ...*Lane) {
	if len(lanes) == 0 {
		return
	}
	first := lanes[0]
	for _, l := range lanes {
		l.settle()
		if l == first {
			continue
		}
		to := first.strings.Merge(l.strings)
		for n := range l.table {
			if r := l.table[n]; r.taken {
				r.account, r.login, r.application = to[r.account], to[r.login], to[r.application]
				first.add(r)
			}
		}
		first.daily.Widen(&l.daily)
		first.Later += l.Later
	}
	o.Strings, o.SignIns, o.Daily, o.Later = first.strings, first.signIns(), first.daily, first.Later
	o.ByDay = true
	for _, l := range lanes {
		o.ByDay = o.ByDay && l.byDay
	}
}

// signIns turns the rows into columns.
func (l *Lane) signIns() SignIns {
	s := SignIns{Account: make([]Sym, 0, l.keys), Login: make([]Sym, 0, l.keys), Application: make([]Sym, 0, l.keys),
		Mode: make([]Mode, 0, l.keys), Last: make([]Instant, 0, l.keys), Count: make([]uint32, 0, l.keys)}
	for n := range l.table {
		r := &l.table[n]
		if !r.taken {
			continue
		}
		s.Account = append(s.Account, r.account)
		s.Login = append(s.Login, r.login)
		s.Application = append(s.Application, r.application)
		s.Mode = append(s.Mode, r.mode)
		s.Last = append(s.Last, r.last)
		s.Count = append(s.Count, r.count)
	}
	return s
}
