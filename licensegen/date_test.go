package licensegen

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	for text, ok := range map[string]bool{"2026-02-28": true, "2028-02-29": true, "2100-02-29": false, "2026-02-29": false,
		"2026-2-8": false, "1969-12-31": false, "2206-01-01": false, "28.02.2026": false, "": false, "2026-02-28T00:00:00Z": false} {
		d, err := ParseDate(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if ok && d.String() != text {
			t.Errorf("%q reads as %s", text, d)
		}
	}
}

func TestDayInZone(t *testing.T) {
	for _, c := range []struct{ name, zone, day, start, end string }{
		{"plain", "UTC", "2026-05-31", "2026-05-31T00:00:00Z", "2026-06-01T00:00:00Z"},
		{"leap day", "Europe/Berlin", "2028-02-29", "2028-02-28T23:00:00Z", "2028-02-29T23:00:00Z"},
		{"23 hours", "Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"25 hours", "Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		{"far east", "Pacific/Kiritimati", "2026-12-31", "2026-12-30T10:00:00Z", "2026-12-31T10:00:00Z"},
		{"far west", "Etc/GMT+12", "2026-12-31", "2026-12-31T12:00:00Z", "2027-01-01T12:00:00Z"},
		{"midnight skipped", "Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"},
		{"before a skipped midnight", "Asia/Beirut", "2022-03-26", "2022-03-25T22:00:00Z", "2022-03-26T22:00:00Z"},
		{"last hour twice", "Asia/Beirut", "2022-10-29", "2022-10-28T21:00:00Z", "2022-10-29T22:00:00Z"},
		{"first hour twice", "America/Havana", "2022-11-06", "2022-11-06T04:00:00Z", "2022-11-07T05:00:00Z"},
		// At 00:01 clocks went back to 23:01: the new day had begun, and yet the old one is not over.
		{"back over midnight", "America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", "2010-11-07T03:30:00Z"},
		{"begun before the change", "America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},
		{"a day that did not happen", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		d, err := ParseDate(c.day)
		if err != nil {
			t.Fatal(err)
		}
		loc := zone(t, c.zone)
		if got := d.StartIn(loc).Format(time.RFC3339); got != c.start {
			t.Errorf("%s: %s starts at %s, want %s", c.name, c.day, got, c.start)
		}
		if got := d.EndIn(loc).Format(time.RFC3339); got != c.end {
			t.Errorf("%s: %s ends at %s, want %s", c.name, c.day, got, c.end)
		}
	}
}

// TestDayInZoneLaw: just inside of the bounds the local date is the day, just outside it is not.
func TestDayInZoneLaw(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
		"Africa/Cairo", "Pacific/Chatham", "America/Havana", "Asia/Tehran"}
	var places []*time.Location
	for _, name := range zones {
		places = append(places, zone(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(places).Draw(t, "zone")
		day := time.Unix(int64(rapid.IntRange(0, 40_000).Draw(t, "day"))*86400, 0).UTC()
		d := Date{day.Year(), day.Month(), day.Day()}
		shown := func(at time.Time) Date {
			l := at.In(loc)
			return Date{l.Year(), l.Month(), l.Day()}
		}
		start, end := d.StartIn(loc), d.EndIn(loc)
		if shown(start) != d || shown(end.Add(-1)) != d {
			t.Fatalf("%s in %s: clocks show %s at its start and %s just before its end", d, loc, shown(start), shown(end.Add(-1)))
		}
		if !shown(start.Add(-1)).Before(d) || !d.Before(shown(end)) {
			t.Fatalf("%s in %s: clocks show %s just before its start and %s at its end", d, loc, shown(start.Add(-1)), shown(end))
		}
	})
}
