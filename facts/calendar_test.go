package facts

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// zones have clock changes in every position: at night, at midnight forwards and backwards, over midnight, by half an
// hour, by a whole day, and none.
var zones = []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Australia/Lord_Howe",
	"Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca", "America/New_York"}

func calendarOf(t interface{ Fatal(...any) }, name string) *Calendar {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return NewCalendar(zone)
}

// drawInstant gives a moment, often one near a clock change of the calendar.
func drawInstant(t *rapid.T, c *Calendar) Instant {
	at := Instant(rapid.Int64Range(0, int64(Date(2099, 12, 30))*dayMillis).Draw(t, "at"))
	if rapid.Bool().Draw(t, "near a change") {
		at = c.periods[rapid.IntRange(0, len(c.periods)-1).Draw(t, "change")].to
		if at > Instant(Date(2099, 12, 30))*dayMillis {
			at = 0
		}
		at += Instant(rapid.Int64Range(-26*3600*1000, 26*3600*1000).Draw(t, "off"))
	}
	return max(at, 0)
}

func TestCalendarLaws(t *testing.T) {
	for _, name := range zones {
		c := calendarOf(t, name)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				i := drawInstant(t, c)
				d := c.Day(i)
				if from, to := c.Start(d), c.End(d); i < from || i > to {
					t.Fatalf("%v is on %v, which lasts from %v to %v", i, d, from, to)
				}
				if got := c.Day(c.Start(d)); got != d {
					t.Fatalf("the start of %v is on %v", d, got)
				}
				if before := c.Day(c.Start(d) - 1); before >= d {
					t.Fatalf("what is before %v is on %v", d, before)
				}
				if shown := Date(i.Time().In(c.Zone()).Date()); shown != d && i > c.Start(d)+2*3600*1000 {
					t.Fatalf("%v is on %v, clocks show %v", i, d, shown)
				}
				if next := c.Day(i + 1); next < d {
					t.Fatalf("%v is on %v, a millisecond later it is %v", i, d, next)
				}
			})
		})
	}
}

func TestCalendarWall(t *testing.T) {
	for _, name := range zones {
		c := calendarOf(t, name)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				i := drawInstant(t, c)
				local := i.Time().In(c.Zone())
				y, m, day := local.Date()
				h, minute, sec := local.Clock()
				ms := int64(((h*60+minute)*60+sec)*1000) + int64(i)%1000
				got := c.Wall(Date(y, m, day), ms)
				if got < i {
					t.Fatalf("%v shows %v; Wall gives the earlier %v", i, local, got)
				}
				if again := got.Time().In(c.Zone()).Format(time.DateTime); again != local.Format(time.DateTime) {
					t.Fatalf("Wall gives %v, which shows %s, not %v", got, again, local)
				}
			})
		})
	}
}

func TestCalendarCases(t *testing.T) {
	tests := []struct{ zone, day, start, end string }{
		{"UTC", "2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59.999Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999Z"},
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T04:59:59.999Z"},
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:29:59.999Z"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T09:59:59.999Z"},
	}
	for _, test := range tests {
		c := calendarOf(t, test.zone)
		d, err := ParseDay(test.day)
		if err != nil {
			t.Fatal(err)
		}
		if from, to := c.Start(d).String(), c.End(d).String(); from != test.start || to != test.end {
			t.Errorf("%s %s lasts from %s to %s, want %s to %s", test.zone, test.day, from, to, test.start, test.end)
		}
	}
	c := calendarOf(t, "Europe/Berlin")
	for _, test := range []struct {
		day  Day
		hour int64
		want string
	}{
		{Date(2026, 3, 29), 2, "2026-03-29T01:00:00Z"},   // skipped: 02:00 before the change is 03:00 after it
		{Date(2026, 10, 25), 2, "2026-10-25T01:00:00Z"},  // twice: the later one
		{Date(2026, 10, 25), 1, "2026-10-24T23:00:00Z"},  // once
		{Date(2026, 10, 25), 24, "2026-10-25T23:00:00Z"}, // midnight at the end
		{NoDay, 2, ""},
	} {
		if got := c.Wall(test.day, test.hour*3600*1000).String(); got != test.want {
			t.Errorf("Wall(%v, %d h) = %s, want %s", test.day, test.hour, got, test.want)
		}
	}
	if c.Day(NoInstant) != NoDay || c.Start(NoDay) != NoInstant || c.End(NoDay) != NoInstant {
		t.Error("what is absent does not stay absent")
	}
}
