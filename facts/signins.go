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
// columns have the same length; a key occurs once.
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
	strings  *Strings
	table    []uint32 // open addressing over rows; row+1, 0 is free
	rows     SignIns
	daily    Daily
	period   *period // of the last event

	Later int64 // events after the as-of
}

// NewLane returns an empty lane that ignores events after until (normally the run's as-of).
func NewLane(calendar *Calendar, until Instant) *Lane {
	return &Lane{calendar: calendar, until: until, strings: NewStrings(), table: make([]uint32, 256), daily: NewDaily(),
		period: calendar.period(max(until, 0))}
}

// Add takes one event into account. It returns false, and does nothing, if the time is not to be believed: absent,
// before 1970, or more than a day after until.
func (l *Lane) Add(e SignIn) bool {
	if e.At > l.until || e.At < 0 {
		if e.At < 0 || e.At > l.until+24*3600*1000 {
			return false
		}
		l.Later++
		return true
	}
	if e.At < l.period.from || e.At > l.period.to {
		l.period = l.calendar.period(e.At)
	}
	l.daily.Add(l.period.day(e.At), 1)
	if e.At > l.daily.Last {
		l.daily.Last = e.At
	}
	if e.At < l.daily.First || l.daily.First == NoInstant {
		l.daily.First = e.At
	}
	if !e.Success || len(e.Account) == 0 {
		return true
	}
	l.add(l.strings.Intern(e.Account), l.strings.Intern(e.Login), l.strings.Intern(e.Application), e.Mode, e.At, 1)
	return true
}

func (l *Lane) add(account, login, application Sym, mode Mode, at Instant, n uint32) {
	r := &l.rows
	mask := uint32(len(l.table) - 1)
	for slot := mix(account, application, mode) & mask; ; slot = (slot + 1) & mask {
		k := l.table[slot]
		if k == 0 {
			r.Account = append(r.Account, account)
			r.Login = append(r.Login, login)
			r.Application = append(r.Application, application)
			r.Mode = append(r.Mode, mode)
			r.Last = append(r.Last, at)
			r.Count = append(r.Count, n)
			l.table[slot] = uint32(len(r.Account))
			if len(r.Account)*2 > len(l.table) {
				l.grow()
			}
			return
		}
		if k--; r.Account[k] == account && r.Application[k] == application && r.Mode[k] == mode {
			// The newest name wins: a login may change, the id does not. Of two at one instant the later in byte order
			// wins, so that the order of events does not matter.
			if at > r.Last[k] || at == r.Last[k] && login != r.Login[k] && l.strings.Text(login) > l.strings.Text(r.Login[k]) {
				r.Last[k], r.Login[k] = at, login
			}
			r.Count[k] += n
			return
		}
	}
}

func (l *Lane) grow() {
	rows := l.rows
	l.table = make([]uint32, len(l.table)*2)
	mask := uint32(len(l.table) - 1)
	for k := range rows.Account {
		slot := mix(rows.Account[k], rows.Application[k], rows.Mode[k]) & mask
		for l.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		l.table[slot] = uint32(k + 1)
	}
}

// mix spreads a key over the table; dense numbers would otherwise fall into runs.
func mix(account, application Sym, mode Mode) uint32 {
	h := (uint64(account)*0x9E3779B97F4A7C15 ^ uint64(application)*0xC2B2AE3D27D4EB4F) + uint64(mode)*0x165667B19E3779F9
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
		if l == first {
			continue
		}
		to := first.strings.Merge(l.strings)
		for k := range l.rows.Account {
			first.add(to[l.rows.Account[k]], to[l.rows.Login[k]], to[l.rows.Application[k]], l.rows.Mode[k], l.rows.Last[k],
				l.rows.Count[k])
		}
		first.daily.Widen(&l.daily)
		first.Later += l.Later
	}
	o.Strings, o.SignIns, o.Daily, o.Later = first.strings, first.rows, first.daily, first.Later
}
