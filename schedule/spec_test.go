package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func spec(t testing.TB, text, zoneName string) *Spec {
	t.Helper()
	s, err := Parse(text, zone(t, zoneName))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each of these is taken, misread or panicked over by the library, or is simply wrong.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "is empty",
		"  \t ":                             "is empty",
		"TZ=":                               "time zone of its own",
		"TZ=0":                              "time zone of its own",
		"CRON_TZ=Europe/Berlin":             "time zone of its own",
		"CRON_TZ= 0 2 * * *":                "time zone of its own",
		"CRON_TZ=Mars/Olympus 0 2 * * *":    "time zone of its own",
		"TZ=Europe/Berlin 0 2 * * *":        "time zone of its own",
		"0 0 31 2 *":                        "never due",
		"0 0 30 feb *":                      "never due",
		"0 0 31 4,6,9,11 *":                 "never due",
		"0 0 * * 7":                         "0 (Sunday) to 6",
		"0 0 * * 1-7":                       "0 (Sunday) to 6",
		"0 0 * * 5,7":                       "0 (Sunday) to 6",
		"@every 0s":                         "at least one",
		"@every -5m":                        "at least one",
		"@every 500ms":                      "at least one",
		"@every 90s":                        "whole minutes",
		"@every":                            "no interval",
		"@every soon":                       "no interval",
		"@every 1h 5m":                      "no interval",
		"@nightly":                          "no schedule",
		"@reboot":                           "no schedule",
		"0 2 * *":                           "4 fields",
		"0 0 2 * * *":                       "6 fields",
		"60 2 * * *":                        "no schedule",
		"0 24 * * *":                        "no schedule",
		"0 2 0 * *":                         "no schedule",
		"0 2 * 13 *":                        "no schedule",
		"0 2 * * xyz":                       "no schedule",
		"*-5 2 * * *":                       "no minute",
		"? 2 * * *":                         "no minute",
		", 2 * * *":                         "no minute",
		"0, 2 * * *":                        "no minute",
		"*/ 2 * * *":                        "no minute",
		"*/0 2 * * *":                       "no schedule",
		"5-1 2 * * *":                       "no schedule",
		"0 -2 * * *":                        "no hour",
		"0 2 1-2-3 * *":                     "no day of month",
		"*/99999999999999999999 2 * * *":    "no minute",
		"every night":                       "2 fields",
		"0 2 * * \x00":                      "no day of week",
		strings.Repeat("1,", 100) + "x x x": "3 fields",
	} {
		_, err := Parse(text, time.UTC)
		if fault, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), want) || fault.Hint == "" {
			t.Errorf("%q: %v; want an error about %q, with a hint", text, err, want)
		}
	}
}

// What is due next, by hand, at changes of the clock and of the calendar.
func TestNext(t *testing.T) {
	for _, c := range []struct {
		spec, zone, after string
		want              []string
	}{
		{"0 2 * * *", "UTC", "2026-11-22T02:00:00Z", []string{"2026-11-23T02:00:00Z", "2026-11-24T02:00:00Z"}},
		{"  0   2 * * * ", "Europe/Berlin", "2026-11-22T00:59:59Z", []string{"2026-11-22T02:00:00+01:00"}},
		// Berlin goes from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"*/30 * * * *", "Europe/Berlin", "2026-03-29T00:29:00Z",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{"2026-10-26T02:30:00+01:00"}}, // between the two 02:30
		{"*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		// Lord Howe goes forward by half an hour, from 02:00 to 02:30, on 2026-10-04.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		// Samoa had no 30 December 2011, Cairo's midnight is what its clocks skip.
		{"0 2 * * *", "Pacific/Apia", "2011-12-30T00:00:00Z", []string{"2011-12-31T00:00:00+14:00", "2011-12-31T02:00:00+14:00"}},
		{"0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", []string{"2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}},
		{"0 0 29 2 *", "UTC", "2026-11-22T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"0 0 13 * fri", "UTC", "2026-11-01T00:00:00Z", []string{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},
		{"@weekly", "UTC", "2026-11-21T00:00:00Z", []string{"2026-11-22T00:00:00Z"}},
		{"@every 90m", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T02:30:00+01:00", "2026-10-25T04:00:00+01:00"}},
		{"@every 30m", "UTC", "1969-12-31T23:10:00Z", []string{"1969-12-31T23:30:00Z", "1970-01-01T00:00:00Z"}},
	} {
		s := spec(t, c.spec, c.zone)
		at, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if at = s.Next(at); at.Format(time.RFC3339) != want {
				t.Errorf("%s after %s: %s, want %s", s, c.after, at.Format(time.RFC3339), want)
			}
		}
	}
}

func TestDue(t *testing.T) {
	s := spec(t, "0 2 * * *", "UTC")
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		last, now, newest time.Time
		missed            Missed
	}{
		{day(20, 2), day(21, 1), time.Time{}, Missed{}},
		{day(20, 2), day(21, 2), day(21, 2), Missed{}},
		{day(20, 2), day(22, 9), day(22, 2), Missed{1, day(21, 2), day(21, 2)}},
		{day(20, 2), day(25, 9), day(25, 2), Missed{4, day(21, 2), day(24, 2)}},
		{day(25, 2), day(20, 2), time.Time{}, Missed{}}, // the clock was set back
	} {
		if newest, missed := s.Due(c.last, c.now); !newest.Equal(c.newest) || missed != c.missed {
			t.Errorf("(%s, %s]: %s and %+v, want %s and %+v", c.last, c.now, newest, missed, c.newest, c.missed)
		}
	}
}

// FuzzParse holds that nothing panics and that what is accepted is due, later each time.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"TZ=", "TZ=0", "CRON_TZ=Europe/Berlin", "0 0 31 2 *", "*/30 * * * *", "0 0 * * 7", "@every 1m",
		"@daily", "0-59/7 1,2,3 1-31 jan-dec mon-fri", "0 2 29 2 *", "* * * * *,*", "@every 99999999h", "0 0 1 1 0/9"} {
		f.Add(seed)
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text, berlin)
		if err != nil {
			return
		}
		at := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
		for range 5 {
			next := s.Next(at)
			if !next.After(at) {
				t.Fatalf("%q: %s is followed by %s", text, at, next)
			}
			at = next
		}
		again, err := Parse(s.Text(), berlin)
		if err != nil || again.String() != s.String() || !again.Next(at).Equal(s.Next(at)) {
			t.Fatalf("%q reads back as %v, %v", text, again, err)
		}
	})
}
