package flexlm

import (
	"strconv"
	"strings"
	"time"

	"trueup/facts"
)

// snapshot is one answer of lmstat -a.
type snapshot struct {
	at       facts.Instant
	features []usage // in the order of the answer; a feature that several daemons serve stands several times
}

// usage is one feature of an answer.
type usage struct {
	name     string
	state    usageState
	issued   int64
	used     int64 // the server's own count: with reservations, which the rows below need not show
	reserved int64
	rows     []checkout
}

type usageState uint8

const (
	counted    usageState = iota
	uncounted             // as many as anybody wants
	unanswered            // the server says why it does not tell
)

// lmstat reads the answers of lmstat -a and lmstat -i, of any version, one after the other in one file.
type lmstat struct {
	clock    *facts.Calendar
	snapshot func(*snapshot)
	grant    func(grant)

	now     *snapshot // nil before the first
	feature *usage    // of now; nil before the first
	table   table     // of lmstat -i, while it lasts
}

// table says how the columns of lmstat -i stand.
type table uint8

const (
	noTable table = iota
	expiresFirst
	vendorFirst
)

const statusWords = "Flexible License Manager status on "

func (p *lmstat) line(text string) (int64, string) {
	switch {
	case strings.HasPrefix(text, statusWords):
		return p.status(strings.Fields(text[len(statusWords):]))
	case strings.HasPrefix(text, "Users of "):
		return p.users(text[len("Users of "):])
	case p.heading(text):
		return 0, ""
	case p.table != noTable:
		return p.increment(text)
	case p.feature != nil && (strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t")):
		return p.below(text)
	case prose(text):
		return 0, ""
	}
	return 0, "is no line of lmstat's"
}

func (p *lmstat) end() string {
	p.flush()
	return ""
}

func (p *lmstat) flush() {
	if p.now != nil && p.snapshot != nil {
		p.snapshot(p.now)
	}
	p.now, p.feature = nil, nil
}

// status begins an answer: Fri 10/20/2017 17:02.
func (p *lmstat) status(words []string) (int64, string) {
	p.flush()
	p.table = noTable
	const fault = "does not say when lmstat looked, as Fri 10/20/2017 17:02"
	if len(words) != 3 {
		return 0, fault
	}
	date, ok := americanDate(words[1])
	minutes, fine := clockTime(words[2])
	if !ok || !fine || !fits(words[0], date) {
		return 0, fault
	}
	p.now = &snapshot{at: p.clock.Wall(date, int64(minutes)*60_000)}
	return 0, ""
}

// americanDate reads M/D/YYYY, not before 1980: the product is younger.
func americanDate(text string) (facts.Day, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 || len(parts[2]) != 4 {
		return facts.NoDay, false
	}
	var n [3]int
	for k, part := range parts {
		v, err := strconv.Atoi(part)
		if err != nil || v < 1 {
			return facts.NoDay, false
		}
		n[k] = v
	}
	date := facts.Date(n[2], time.Month(n[0]), n[1])
	_, m, d := date.Civil()
	return date, int(m) == n[0] && d == n[1] && n[2] >= 1980
}

// users reads what follows "Users of":
//
//	F:  (Total of 144 licenses issued;  Total of 22 licenses in use)
//	F:  (Uncounted, node-locked)
//	F:  (Error: 1 licenses, unsupported by licensed server)
//	F: Cannot get users of F: No such feature exists. (-5,222)
func (p *lmstat) users(text string) (int64, string) {
	name, rest, found := strings.Cut(text, ":")
	switch {
	case !found || name == "":
		return 0, "is a feature without a name"
	case p.now == nil:
		return 0, "is a feature before the line that says when lmstat looked"
	}
	u := usage{name: name, state: unanswered}
	rest = strings.TrimSpace(rest)
	switch {
	case strings.HasPrefix(rest, "(Uncounted"):
		u.state = uncounted
	case strings.HasPrefix(rest, "(Total of "):
		issued, tail, ok1 := total(rest[len("(Total of "):], " issued;")
		used, _, ok2 := total(strings.TrimPrefix(strings.TrimSpace(tail), "Total of "), " in use)")
		if !ok1 || !ok2 {
			return 0, "does not say how many licenses are issued and in use"
		}
		u.state, u.issued, u.used = counted, issued, used
	case !strings.HasPrefix(rest, "(Error:") && !strings.HasPrefix(rest, "Cannot "):
		return 0, "is a feature without its counts"
	}
	p.now.features = append(p.now.features, u)
	p.feature = &p.now.features[len(p.now.features)-1]
	return 1, ""
}

// total reads "144 licenses issued;" up to the end that is given.
func total(text, end string) (n int64, rest string, ok bool) {
	number, rest, ok := strings.Cut(text, end)
	if !ok {
		return 0, "", false
	}
	n, ok = leadingCount(number)
	return n, rest, ok
}

// below reads an indented line below a feature: a reservation, somebody who has a licence or waits, or a detail.
func (p *lmstat) below(text string) (int64, string) {
	if words := strings.Fields(text); len(words) > 3 && (words[1] == "RESERVATION" || words[1] == "RESERVATIONs") && words[2] == "for" {
		n, ok := leadingCount(words[0])
		if !ok {
			return 0, "is a reservation without a number"
		}
		p.feature.reserved += n
		return 0, ""
	}
	if !strings.Contains(text, ", start ") && !strings.Contains(text, " queued for ") {
		return 0, "" // vendor_string, floating license and the like
	}
	c, ok := readCheckout(text, p.now.at, p.clock)
	if !ok {
		return 0, "is a checkout that cannot be understood"
	}
	p.feature.rows = append(p.feature.rows, c)
	return 0, ""
}

// heading recognises the head of lmstat -i, whose columns stand in two orders.
func (p *lmstat) heading(text string) bool {
	words := strings.Fields(text)
	if len(words) < 5 || words[0] != "Feature" || words[1] != "Version" || !strings.HasPrefix(words[2], "#license") {
		return false
	}
	p.flush()
	p.table = vendorFirst
	if words[3] == "Expires" {
		p.table = expiresFirst
	}
	return true
}

// increment reads a row of lmstat -i.
func (p *lmstat) increment(text string) (int64, string) {
	words := strings.Fields(text)
	if strings.Trim(text, "_- \t") == "" || prose(text) {
		return 0, ""
	}
	if len(words) < 5 {
		return 0, "has fewer columns than lmstat -i"
	}
	g := grant{feature: words[0], version: words[1], vendor: words[3], listed: true, start: facts.NoDay, issued: facts.NoDay}
	expires := strings.Join(words[4:], " ")
	if p.table == expiresFirst {
		g.vendor, expires = words[len(words)-1], strings.Join(words[3:len(words)-1], " ")
	}
	if reason := g.readTerms(expires, words[2]); reason != "" {
		return 0, reason
	}
	if p.grant != nil {
		p.grant(g)
	}
	return 1, ""
}

// prose recognises the lines of lmstat that say nothing about a feature.
func prose(text string) bool {
	trimmed := strings.TrimSpace(text)
	for _, start := range []string{"lmutil - ", "lmstat", "[Detecting ", "License server status:", "License file(s) on ",
		"Vendor daemon status ", "Feature usage info:", "NOTE: lmstat ", "but only reads the license file", "lmstat -a is recommended",
		"Error getting status:", "----", "\""} {
		if strings.HasPrefix(trimmed, start) {
			return strings.HasPrefix(trimmed, "\"") == detail(trimmed)
		}
	}
	for _, part := range []string{": license server UP", ": license server DOWN", ": Cannot connect to license server", ": UP v",
		": DOWN", ": The desired vendor daemon is down", ": No socket connection to license server", ": Cannot read data from license server"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// detail reports whether a line is "F" v31.0, vendor: V, which some versions do not indent.
func detail(text string) bool {
	return strings.HasPrefix(text, "\"") && strings.Contains(text, ", vendor: ")
}
