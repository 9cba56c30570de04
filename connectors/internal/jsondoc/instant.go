package jsondoc

import "trueup/facts"

// ParseInstant reads a moment as cloud vendors write it into JSON: RFC 3339 with a T or a space in the middle, any number
// of fraction digits (what is finer than a millisecond is dropped), and Z, an offset, or nothing, which is UTC. A leap
// second is not accepted, as with package time.
func ParseInstant(b []byte) (at facts.Instant, ok bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' ||
		b[10] != 'T' && b[10] != ' ' && b[10] != 't' {
		return facts.NoInstant, false
	}
	year, month, day := pair(b)*100+pair(b[2:]), pair(b[5:]), pair(b[8:])
	hour, minute, second := pair(b[11:]), pair(b[14:]), pair(b[17:])
	if pair(b) < 0 || pair(b[2:]) < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return facts.NoInstant, false
	}
	milli, rest, ok := fraction(b[19:])
	if !ok {
		return facts.NoInstant, false
	}
	offset, ok := offset(rest)
	seconds := int64(civil(year, month, day))*86400 + int64(hour*3600+minute*60+second-offset)
	return facts.Instant(seconds*1000 + int64(milli)), ok
}

// pair reads two digits; less than 0 if they are none.
func pair(b []byte) int {
	tens, units := b[0]-'0', b[1]-'0'
	if tens > 9 || units > 9 {
		return -10000
	}
	return int(tens)*10 + int(units)
}

// fraction reads a point and digits, if there are any, as milliseconds.
func fraction(b []byte) (milli int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	n := 1
	for scale := 100; n < len(b) && b[n]-'0' <= 9; n++ {
		milli += int(b[n]-'0') * scale
		scale /= 10
	}
	return milli, b[n:], n > 1
}

// offset reads how many seconds a zone is ahead of UTC.
func offset(b []byte) (seconds int, ok bool) {
	switch {
	case len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case b[0] != '+' && b[0] != '-':
		return 0, false
	case len(b) == 6 && b[3] == ':':
		seconds = pair(b[1:])*3600 + pair(b[4:])*60
	case len(b) == 5:
		seconds = pair(b[1:])*3600 + pair(b[3:])*60
	default:
		return 0, false
	}
	if seconds < 0 || seconds > 24*3600 {
		return 0, false
	}
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func daysIn(year, month int) int {
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

// civil counts the days from 1970-01-01 to a date of the Gregorian calendar. A year is taken to start in March, so that
// the leap day is its last; 400 years have 146,097 days.
func civil(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	const beforeEpoch = 719_468 // days from 0000-03-01 to 1970-01-01
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - beforeEpoch
}
