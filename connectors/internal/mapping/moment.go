package mapping

import (
	"bytes"
	"fmt"

	"trueup/facts"
)

// moment is a date, or a date and a time. The zero value is not valid; see absent.
type moment struct {
	day facts.Day
	at  facts.Instant
}

var absent = moment{day: facts.NoDay, at: facts.NoInstant}

// moment reads a cell; fault is "" or what is wrong with it, without showing it.
func (in *Intake) moment(b []byte) (at moment, fault string) {
	if len(b) == 0 {
		return absent, ""
	}
	if in.dates == "unix" || in.dates == "unix-ms" {
		if at, ok := in.epoch(b); ok {
			return at, ""
		}
	}
	year, month, day, rest, ok := isoDate(b)
	if !ok {
		if year, month, day, rest, ok = in.localDate(b); !ok {
			return absent, notTime(b)
		}
		if in.dates != "dmy" && in.dates != "mdy" {
			return absent, fmt.Sprintf("could be day-first or month-first (it looks like %s): say dates: dmy or dates: mdy", shape(b))
		}
	}
	if year <= 1 {
		return absent, "" // 0000-00-00 and 0001-01-01 are how some systems write never
	}
	if month < 1 || month > 12 || day < 1 || day > monthDays(year, month) {
		return absent, notTime(b)
	}
	d := civil(year, month, day)
	if len(rest) == 0 {
		return moment{day: d, at: in.calendar.Start(d)}, ""
	}
	clock, zone, ok := timeOfDay(rest)
	if !ok {
		return absent, notTime(b)
	}
	var i facts.Instant
	if zone == noZone {
		i = in.calendar.Wall(d, clock)
	} else {
		i = facts.Instant(int64(d)*86_400_000 + clock - zone)
	}
	return moment{at: i, day: facts.NoDay}, ""
}

// date is [Intake.moment] for columns that hold days.
func (in *Intake) date(b []byte) (facts.Day, string) {
	at, fault := in.moment(b)
	if at.day == facts.NoDay {
		return in.calendar.Day(at.at), fault
	}
	return at.day, fault
}

func notTime(b []byte) string {
	return fmt.Sprintf("is no date or time that is understood: it looks like %s", shape(b))
}

// shape shows how a value is written, but not what it says: 9 for a digit, a for a letter.
func shape(b []byte) string {
	out := make([]byte, 0, 32)
	for n, c := range b {
		switch {
		case n == 32:
			return string(append(out, "…"...))
		case c >= '0' && c <= '9':
			c = '9'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
			c = 'a'
		case c < ' ' || c == 0x7f:
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}

// digits reads exactly n digits at the start of b.
func digits(b []byte, n int) (v int, ok bool) {
	if len(b) < n {
		return 0, false
	}
	for _, c := range b[:n] {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// isoDate reads YYYY-MM-DD or YYYY/MM/DD at the start of b.
func isoDate(b []byte) (year, month, day int, rest []byte, ok bool) {
	if len(b) < 10 || b[4] != b[7] || b[4] != '-' && b[4] != '/' {
		return 0, 0, 0, nil, false
	}
	year, ok1 := digits(b, 4)
	month, ok2 := digits(b[5:], 2)
	day, ok3 := digits(b[8:], 2)
	return year, month, day, b[10:], ok1 && ok2 && ok3
}

// localDate reads D/M/YYYY or M/D/YYYY, also with dots or hyphens, at the start of b.
func (m *Mapping) localDate(b []byte) (year, month, day int, rest []byte, ok bool) {
	first, b, ok := short(b)
	if !ok || len(b) == 0 || b[0] != '/' && b[0] != '.' && b[0] != '-' {
		return 0, 0, 0, nil, false
	}
	mark := b[0]
	second, b, ok := short(b[1:])
	if !ok || len(b) == 0 || b[0] != mark {
		return 0, 0, 0, nil, false
	}
	if year, ok = digits(b[1:], 4); !ok {
		return 0, 0, 0, nil, false
	}
	if rest = b[5:]; len(rest) > 1 && rest[0] == ',' {
		rest = rest[1:]
	}
	if m.dates == "mdy" {
		return year, first, second, rest, true
	}
	return year, second, first, rest, true
}

// short reads one or two digits.
func short(b []byte) (v int, rest []byte, ok bool) {
	if v, ok = digits(b, 2); ok {
		return v, b[2:], true
	}
	if v, ok = digits(b, 1); ok {
		return v, b[1:], true
	}
	return 0, b, false
}

// noZone marks a time without a zone.
const noZone = int64(1) << 62

// timeOfDay reads a T or a blank, HH:MM[:SS[.fff]], an optional AM or PM, and an optional zone: Z, UTC, GMT, +HH:MM or
// +HHMM. It returns milliseconds after midnight, and those that the zone is east of UTC.
func timeOfDay(b []byte) (clock, zone int64, ok bool) {
	if b[0] != 'T' && b[0] != 't' && b[0] != ' ' {
		return 0, 0, false
	}
	hour, b, ok := short(b[1:])
	if !ok || len(b) < 3 || b[0] != ':' {
		return 0, 0, false
	}
	minute, ok := digits(b[1:], 2)
	if !ok {
		return 0, 0, false
	}
	second, milli := 0, 0
	if b = b[3:]; len(b) > 0 && b[0] == ':' {
		if second, ok = digits(b[1:], 2); !ok {
			return 0, 0, false
		}
		if milli, b, ok = fraction(b[3:]); !ok {
			return 0, 0, false
		}
	}
	if hour, b, ok = halfDay(hour, b); !ok || hour > 23 || minute > 59 || second > 59 {
		return 0, 0, false
	}
	zone, ok = offset(bytes.TrimLeft(b, " "))
	return int64(((hour*60+minute)*60+second)*1000 + milli), zone, ok
}

// fraction reads a dot or comma and digits, of which three count.
func fraction(b []byte) (milli int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' && b[0] != ',' {
		return 0, b, true
	}
	n := 1
	for scale := 100; n < len(b) && b[n] >= '0' && b[n] <= '9'; n++ {
		milli += int(b[n]-'0') * scale
		scale /= 10
	}
	return milli, b[n:], n > 1
}

// halfDay takes AM or PM into account.
func halfDay(hour int, b []byte) (int, []byte, bool) {
	t := bytes.TrimLeft(b, " ")
	if len(t) < 2 || t[1]|0x20 != 'm' || t[0]|0x20 != 'a' && t[0]|0x20 != 'p' {
		return hour, b, true
	}
	if hour < 1 || hour > 12 {
		return 0, nil, false
	}
	if hour %= 12; t[0]|0x20 == 'p' {
		hour += 12
	}
	return hour, t[2:], true
}

func offset(b []byte) (int64, bool) {
	switch string(b) {
	case "":
		return noZone, true
	case "Z", "z", "UTC", "GMT":
		return 0, true
	}
	hours, ok := digits(b[1:], 2)
	if !ok || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	rest := bytes.TrimPrefix(b[3:], []byte(":"))
	minutes, ok := digits(rest, 2)
	if !ok && len(b) > 3 || len(rest) > 2 || hours > 23 || minutes > 59 {
		return 0, false
	}
	ms := int64(hours*60+minutes) * 60_000
	if b[0] == '-' {
		ms = -ms
	}
	return ms, true
}

// epoch reads seconds, with an optional fraction, or milliseconds since 1970.
func (m *Mapping) epoch(b []byte) (moment, bool) {
	whole, n := int64(0), 0
	for ; n < len(b) && n < 15 && b[n] >= '0' && b[n] <= '9'; n++ {
		whole = whole*10 + int64(b[n]-'0')
	}
	milli, rest, ok := fraction(b[n:])
	if n == 0 || !ok || len(rest) > 0 {
		return absent, false
	}
	if m.dates == "unix" {
		whole = whole*1000 + int64(milli)
	}
	return moment{day: facts.NoDay, at: facts.Instant(whole)}, true
}

func monthDays(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// civil returns the day of a date of the Gregorian calendar, counting years from March so that the leap day is the last.
func civil(year, month, day int) facts.Day {
	if month < 3 {
		year, month = year-1, month+12
	}
	return facts.Day(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719_468)
}
