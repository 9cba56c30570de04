package flexlm

import (
	"strconv"
	"strings"
	"time"

	"trueup/facts"
)

// checkout is one line of lmstat -a below a feature: who has licences, or waits for them.
type checkout struct {
	user, host, display string
	version             string
	handle              string // server, port and the server's number of the checkout
	start               facts.Instant
	count               int64
	queued              bool // waits, and has none
	lingers             bool // borrowed, or kept for a while after it was given back
}

// readCheckout reads
//
//	user host display (v1.0) (server/port handle), start Fri 10/20 16:40[, N licenses][, PID: N][ (linger: a / b)]
//	user host display (v1.0) (server/port handle) queued for N licenses
//
// from the right: names and displays are free text and may hold blanks, quotation marks and brackets.
func readCheckout(line string, observed facts.Instant, clock *facts.Calendar) (c checkout, ok bool) {
	c.count = 1
	var left, right string
	var queued bool
	if at := strings.LastIndex(line, " queued for "); at >= 0 {
		left, right, queued = line[:at], line[at+len(" queued for "):], true
	} else if at := strings.LastIndex(line, ", start "); at >= 0 {
		left, right = line[:at], line[at+len(", start "):]
	} else {
		return c, false
	}
	if c.queued = queued; queued {
		if c.count, ok = leadingCount(right); !ok {
			return c, false
		}
		c.start = observed
	} else if !c.readStart(right, observed, clock) {
		return c, false
	}
	if left, c.handle, ok = lastBracket(left); !ok {
		return c, false
	}
	if left, c.version, ok = lastBracket(left); !ok {
		return c, false
	}
	c.user, c.host, c.display = splitNames(left)
	return c, c.user != ""
}

// readStart reads what follows the word start.
func (c *checkout) readStart(text string, observed facts.Instant, clock *facts.Calendar) bool {
	words := strings.Fields(text)
	if len(words) < 3 {
		return false
	}
	month, day, found := strings.Cut(words[1], "/")
	m, err1 := strconv.Atoi(month)
	d, err2 := strconv.Atoi(day)
	minute, ok := clockTime(strings.TrimRight(words[2], ","))
	if !found || err1 != nil || err2 != nil || !ok {
		return false
	}
	c.start, ok = startOf(words[0], time.Month(m), d, minute, observed, clock)
	for n, word := range words[3:] {
		switch strings.TrimRight(word, ",") {
		case "licenses", "license":
			if count, err := strconv.ParseInt(words[3+n-1], 10, 64); err == nil && count >= 0 && count <= mostLicenses {
				c.count = count
			}
		case "(linger:":
			c.lingers = true
		}
	}
	return ok
}

// mostLicenses is more than any count that is to be believed.
const mostLicenses = 1_000_000_000

// leadingCount reads "3 licenses".
func leadingCount(text string) (int64, bool) {
	number, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil && n >= 0 && n <= mostLicenses
}

// lastBracket cuts "… (inner)" at its end.
func lastBracket(text string) (rest, inner string, ok bool) {
	text = strings.TrimSpace(text)
	at := strings.LastIndexByte(text, '(')
	if at < 0 || !strings.HasSuffix(text, ")") {
		return text, "", false
	}
	return text[:at], text[at+1 : len(text)-1], true
}

// splitNames splits user, host and display, none of which is quoted. The display has no blank, or there is none; the host
// has none; whatever is left of them is the user. Where the last word repeats the one before it, as Windows has it, it is
// the display all the same.
func splitNames(text string) (user, host, display string) {
	words := strings.Fields(text)
	switch len(words) {
	case 0:
		return "", "", ""
	case 1:
		return words[0], "", ""
	case 2:
		return words[0], words[1], ""
	}
	n := len(words)
	text = strings.TrimSpace(text)
	text = strings.TrimSpace(strings.TrimSuffix(text, words[n-1]))
	text = strings.TrimSpace(strings.TrimSuffix(text, words[n-2]))
	return text, words[n-2], words[n-1]
}

// clockTime reads H:MM as minutes after midnight.
func clockTime(text string) (minutes int, ok bool) {
	hour, minute, found := strings.Cut(text, ":")
	h, err1 := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	if !found || err1 != nil || err2 != nil || h < 0 || h > 23 || m < 0 || m > 59 || len(minute) != 2 {
		return 0, false
	}
	return h*60 + m, true
}

// skew is how far the licence server's clock, which says when a licence was taken, may be ahead of that of the machine on
// which lmstat looked.
const skew = 24 * time.Hour

// yearsBack is how far back a start is looked for: within forty years every date falls on every day of the week.
const yearsBack = 40

// startOf finds the year that lmstat leaves out: the newest in which the date exists, falls on the weekday, and is not
// after the moment at which lmstat looked, but for skew. The result is never after that moment. A weekday that is not an
// English abbreviation is not looked at.
func startOf(weekday string, month time.Month, day, minutes int, observed facts.Instant, clock *facts.Calendar) (facts.Instant, bool) {
	if month < time.January || month > time.December || day < 1 || day > 31 {
		return facts.NoInstant, false
	}
	limit := observed.Add(skew)
	newest, _, _ := clock.Day(limit).Civil()
	for year := newest; year >= newest-yearsBack; year-- {
		date := facts.Date(year, month, day)
		if _, m, _ := date.Civil(); m != month {
			continue // 29 February of a common year
		}
		if at := clock.Wall(date, int64(minutes)*60_000); at <= limit && fits(weekday, date) {
			return min(at, observed), true
		}
	}
	return facts.NoInstant, false
}

func fits(weekday string, date facts.Day) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(weekday, d.String()[:3]) {
			return d == date.Weekday()
		}
	}
	return true
}
