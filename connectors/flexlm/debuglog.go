package flexlm

import (
	"strconv"
	"strings"
	"time"

	"trueup/facts"
)

// eventKind is what a line of the debug log says.
type eventKind uint8

const (
	other         eventKind = iota // shows that the server was writing its log
	checkedOut                     // OUT
	checkedIn                      // IN
	denied                         // DENIED
	serverStarted                  // lmgrd began: nothing is out
	daemonStarted                  // a vendor daemon began: nothing of its features is out
)

// event is one line of the debug log.
type event struct {
	at      facts.Instant
	kind    eventKind
	daemon  string
	feature string
	who     string // user@host
	count   int64
	code    int // of a denial: the server's error number; 0 where it names none
}

// user returns the user of who.
func (e *event) user() string {
	if at := strings.LastIndexByte(e.who, '@'); at >= 0 {
		return e.who[:at]
	}
	return e.who
}

// debugLog reads a debug log. Its lines have a time and no date: the date stands in the header and, every few hours, in a
// TIMESTAMP line. Between these, a clock that runs back by more than half a day has passed midnight; one that jumps
// forward by as much belongs to a daemon that is a little late. What stands before the first date is held back until that
// is known.
type debugLog struct {
	clock *facts.Calendar
	event func(event)

	day     facts.Day // of the last line; counted from 0 while dated is false
	last    int64     // its milliseconds after midnight
	begun   bool
	dated   bool
	waiting []waiting
}

// waiting is a line whose date is not known yet.
type waiting struct {
	day facts.Day
	ms  int64
	event
}

// mostWaiting is how many lines may stand before the first date: a busy server's of several hours.
const mostWaiting = 2_000_000

const halfDay = 12 * 3600 * 1000

// stamped cuts "17:37:50 (ansyslmd) text".
func stamped(line string) (ms int64, daemon, text string, ok bool) {
	line = strings.TrimLeft(line, " ")
	if len(line) < 10 {
		return 0, "", "", false
	}
	hour, rest, found := strings.Cut(line[:min(len(line), 3)], ":")
	if !found || rest == "" && len(hour) != 2 {
		return 0, "", "", false
	}
	at := len(hour) + 1
	if len(line) < at+7 || line[at+2] != ':' || line[at+5] != ' ' {
		return 0, "", "", false
	}
	h, err1 := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(line[at : at+2])
	s, err3 := strconv.Atoi(line[at+3 : at+5])
	if err1 != nil || err2 != nil || err3 != nil || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 {
		return 0, "", "", false
	}
	text = strings.TrimLeft(line[at+5:], " ")
	if !strings.HasPrefix(text, "(") {
		return 0, "", "", false
	}
	daemon, text, ok = strings.Cut(text[1:], ")")
	return int64(h*3600+m*60+s) * 1000, daemon, strings.TrimSpace(text), ok && daemon != ""
}

func (p *debugLog) line(line string) (int64, string) {
	ms, daemon, text, ok := stamped(line)
	if !ok {
		if strings.HasPrefix(line, " ") && p.begun { // the daemon's lists of names go on in lines of their own
			return 0, ""
		}
		return 0, "is no line of a debug log"
	}
	p.pass(ms)
	e := event{daemon: daemon, count: 1}
	if reason := e.read(text); reason != "" {
		return 0, reason
	}
	if date, ok := dateIn(text); ok {
		p.date(date)
	}
	if !p.dated {
		if p.waiting = append(p.waiting, waiting{p.day, ms, e}); len(p.waiting) > mostWaiting {
			p.waiting = p.waiting[:0]
			return 0, "stands too far from a date: there is no TIMESTAMP before it"
		}
		return 1, ""
	}
	p.give(p.day, ms, e)
	return 1, ""
}

func (p *debugLog) end() string {
	if p.begun && !p.dated {
		return "is a debug log without a date: no header and no TIMESTAMP line"
	}
	return ""
}

// pass takes the clock to a line's time.
func (p *debugLog) pass(ms int64) {
	switch step := ms - p.last; {
	case !p.begun:
	case step < -halfDay:
		p.day++
	case step > halfDay:
		p.day--
	}
	p.begun, p.last = true, ms
}

// date takes the calendar to the date that a line names.
func (p *debugLog) date(date facts.Day) {
	if !p.dated {
		ahead := date - p.day
		for n := range p.waiting {
			w := &p.waiting[n]
			p.give(w.day+ahead, w.ms, w.event)
		}
		p.waiting, p.dated = nil, true
	}
	p.day = date
}

func (p *debugLog) give(day facts.Day, ms int64, e event) {
	if p.event != nil {
		e.at = p.clock.Wall(day, ms)
		p.event(e)
	}
}

// dateIn finds the date in a TIMESTAMP line, in that of lmgrd's start, and in that of the system's date.
func dateIn(text string) (facts.Day, bool) {
	if date, ok := strings.CutPrefix(text, "TIMESTAMP "); ok {
		return americanDate(strings.TrimSpace(date))
	}
	if strings.Contains(text, " started on ") && strings.HasSuffix(text, ")") {
		if _, date, ok := lastBracket(text); ok {
			return americanDate(date)
		}
	}
	if date, ok := strings.CutPrefix(text, "Server's System Date and Time: "); ok {
		words := strings.Fields(date) // Sun Jan 08 2017 17:17:45 EST
		if len(words) > 3 {
			at, err := time.Parse("Jan 2 2006", strings.Join(words[1:4], " "))
			return facts.Date(at.Date()), err == nil
		}
	}
	return facts.NoDay, false
}

// read understands what stands behind the daemon's name.
func (e *event) read(text string) (reason string) {
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "OUT:":
		e.kind = checkedOut
	case "IN:":
		e.kind = checkedIn
	case "DENIED:":
		e.kind = denied
	default:
		if strings.Contains(text, " started on ") {
			if e.kind = serverStarted; strings.HasPrefix(text, "Server started on ") {
				e.kind = daemonStarted
			}
		}
		return ""
	}
	return e.readWho(rest)
}

// readWho reads "feature" user@host  (2 licenses), and behind a denial (why (-4,342)). The user may hold blanks.
func (e *event) readWho(text string) (reason string) {
	const fault = "does not say who took which feature"
	if !strings.HasPrefix(text, "\"") {
		return fault
	}
	feature, rest, ok := strings.Cut(text[1:], "\"")
	if !ok || feature == "" {
		return fault
	}
	e.feature = feature
	e.who = strings.TrimSpace(rest)
	if at := strings.Index(rest, "  "); at >= 0 {
		e.who = strings.TrimSpace(rest[:at])
		rest = strings.TrimSpace(rest[at:])
	} else if at := strings.LastIndex(rest, " ("); at >= 0 {
		e.who = strings.TrimSpace(rest[:at])
		rest = rest[at+1:]
	} else {
		rest = ""
	}
	if !strings.Contains(e.who, "@") {
		return fault
	}
	if e.kind == denied {
		e.code = codeIn(rest)
		return ""
	}
	if number, found := strings.CutPrefix(rest, "("); found && strings.Contains(number, " license") {
		if n, ok := leadingCount(number); ok {
			e.count = n
		}
	}
	return ""
}

// codeIn finds the number of the server's error: (-4,342) or (-4,342:104 "…").
func codeIn(text string) int {
	at := strings.LastIndex(text, "(-")
	if at < 0 {
		return 0
	}
	number, _, _ := strings.Cut(text[at+1:], ",")
	number, _, _ = strings.Cut(number, ")")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return n
}

// full reports whether a denial is for want of a licence: error -4, licensed number of users already reached (FlexNet
// Publisher License Administration Guide, error codes). All other denials are a matter of the options file, the version
// or the request.
func (e *event) full() bool { return e.code == -4 }
