package mapping

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/facts"
)

func intake(t interface{ Fatal(...any) }, feed facts.Feed, w Writing) *Intake {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	all, err := New([]facts.Feed{feed}, Settings{}, w)
	if err != nil {
		t.Fatal(err)
	}
	return &Intake{Mapping: all[feed], calendar: facts.NewCalendar(zone), unmapped: map[string]map[string]int{},
		o: facts.NewObservation("s", feed, 0)}
}

func TestMoments(t *testing.T) {
	tests := []struct{ dates, text, want string }{ // want is an instant, a fault, or "" for absent
		{"", "2026-11-22T10:11:12Z", "2026-11-22T10:11:12Z"},
		{"", "2026-11-22t10:11:12.6195833z", "2026-11-22T10:11:12.619Z"},
		{"", "2026-11-22 10:11:12,5 UTC", "2026-11-22T10:11:12.5Z"},
		{"", "2026-11-22T10:11:12+05:30", "2026-11-22T04:41:12Z"},
		{"", "2016/02/06 12:41:52 -0600", "2016-02-06T18:41:52Z"},
		{"", "2026-11-22T10:11-02", "2026-11-22T12:11:00Z"},
		{"", "2026-11-22 10:11", "2026-11-22T09:11:00Z"},
		{"", "2026-07-22 10:11:12.25", "2026-07-22T08:11:12.25Z"},
		{"", "2026-10-25 02:30", "2026-10-25T01:30:00Z"},
		{"", "2026-03-29 02:30", "2026-03-29T01:30:00Z"},
		{"", "2026-11-22", "2026-11-21T23:00:00Z"},
		{"", "2026/07/22", "2026-07-21T22:00:00Z"},
		{"", "", ""},
		{"", "0000-00-00", ""},
		{"", "0001-01-01T00:00:00Z", ""},
		{"", "2024-02-29", "2024-02-28T23:00:00Z"},
		{"dmy", "3/4/2026", "2026-04-02T22:00:00Z"},
		{"mdy", "3/4/2026", "2026-03-03T23:00:00Z"},
		{"dmy", "31.12.2026", "2026-12-30T23:00:00Z"},
		{"dmy", "21/04/2025, 09:45:54.000", "2025-04-21T07:45:54Z"},
		{"mdy", "8/19/2021 1:25:31 PM", "2021-08-19T11:25:31Z"},
		{"mdy", "8/19/2021 12:25 am", "2021-08-18T22:25:00Z"},
		{"mdy", "2021-08-19", "2021-08-18T22:00:00Z"},
		{"unix", "1577000000.25", "2019-12-22T07:33:20.25Z"},
		{"unix-ms", "1577000000250", "2019-12-22T07:33:20.25Z"},
		{"unix", "2021-08-19", "2021-08-18T22:00:00Z"},
		{"", "3/4/2026", "could be day-first or month-first (it looks like 9/9/9999): say dates: dmy or dates: mdy"},
		{"", "31/12/2026", "could be day-first or month-first (it looks like 99/99/9999): say dates: dmy or dates: mdy"},
		{"mdy", "31/12/2026", "is no date or time that is understood: it looks like 99/99/9999"},
		{"", "2026-02-30", "is no date or time that is understood: it looks like 9999-99-99"},
		{"", "2026-11-22T24:00:00Z", "is no date or time that is understood: it looks like 9999-99-99a99:99:99a"},
		{"", "2026-11-22T10:11:12+", "is no date or time that is understood: it looks like 9999-99-99a99:99:99+"},
		{"", "2026-11-22T10:11:12.Z", "is no date or time that is understood: it looks like 9999-99-99a99:99:99.a"},
		{"", "2026-11-22T10:11:12 CEST", "is no date or time that is understood: it looks like 9999-99-99a99:99:99 aaaa"},
		{"", "2026-11-22T", "is no date or time that is understood: it looks like 9999-99-99a"},
		{"", "1577000000", "is no date or time that is understood: it looks like 9999999999"},
		{"", "19/2106", "is no date or time that is understood: it looks like 99/9999"},
		{"dmy", "3/4/26", "is no date or time that is understood: it looks like 9/9/99"},
		{"", "hunter2 and much more of the same", "is no date or time that is understood: it looks like aaaaaa9 aaa aaaa aaaa aa aaa aaa…"},
	}
	for _, test := range tests {
		in := intake(t, facts.FeedPeople, Writing{Dates: test.dates})
		at, fault := in.moment([]byte(test.text))
		if got := at.at.String() + fault; got != test.want {
			t.Errorf("%s %q: %s, want %s", test.dates, test.text, got, test.want)
		}
	}
}

func TestDates(t *testing.T) {
	in := intake(t, facts.FeedPeople, Writing{})
	for text, want := range map[string]string{"2026-11-22": "2026-11-22", "2026-11-22T23:30:00Z": "2026-11-23",
		"2026-11-22 23:59:59": "2026-11-22", "": ""} {
		if day, fault := in.date([]byte(text)); day.String()+fault != want {
			t.Errorf("%q: %v %s, want %s", text, day, fault, want)
		}
	}
}

// TestMomentsAgreeWithTime checks RFC 3339 against package time.
func TestMomentsAgreeWithTime(t *testing.T) {
	in := intake(t, facts.FeedPeople, Writing{})
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-60_000_000_000_000, 4_000_000_000_000).Draw(t, "ms")
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "minutes east"))
		text := time.UnixMilli(ms).In(zone).Format(rapid.SampledFrom([]string{"2006-01-02T15:04:05.000Z07:00",
			"2006-01-02 15:04:05.000000-0700", "2006/01/02 15:04:05.999 Z07:00"}).Draw(t, "layout"))
		if at, fault := in.moment([]byte(text)); fault != "" || at.at != facts.Instant(ms) {
			t.Fatalf("%s is %v %s, want %v", text, at.at, fault, facts.Instant(ms))
		}
	})
}

// FuzzMoment checks that what is accepted as RFC 3339 is what package time reads, and that faults never show a value.
func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"2026-11-22T10:11:12Z", "2026-11-22 10:11:12.5+01:00", "3/4/2026 1:02 PM", "1577000000", "0000-00-00",
		"2026-11-22T10:11:12.123456789-23:59", "99/99/9999", "2026-13-01"} {
		f.Add(seed)
	}
	all := []*Intake{intake(f, facts.FeedPeople, Writing{}), intake(f, facts.FeedPeople, Writing{Dates: "mdy"}),
		intake(f, facts.FeedPeople, Writing{Dates: "unix"})}
	f.Fuzz(func(t *testing.T, text string) {
		for _, in := range all {
			at, fault := in.moment([]byte(text))
			want, err := time.Parse(time.RFC3339Nano, text)
			if err == nil && want.Year() > 1 && (fault != "" || at.at != facts.Instant(want.UnixMilli())) && !zoneOf24(text) {
				t.Errorf("%q is %v %s, want %v", text, at.at, fault, want)
			}
			if len(text) > 5 && strings.Trim(text, "jkqxzw") == "" && strings.Contains(fault, text) {
				t.Errorf("%q is shown: %s", text, fault)
			}
		}
	})
}

// zoneOf24 reports an offset of 24 hours, which package time accepts.
func zoneOf24(text string) bool { return len(text) > 6 && text[len(text)-5:len(text)-3] == "24" }

func TestNumbers(t *testing.T) {
	tests := []struct{ decimal, text, want string }{
		{"", "1234", "1234"}, {"", "-12", "-12"}, {"", "12.5", "12.5"}, {"", "12,50", "12.50"}, {"", "1,234.56", "1234.56"},
		{"", "1.234,56", "1234.56"}, {"", "1.234.567", "1234567"}, {"", "1 234 567", "1234567"}, {"", "1'234.50", "1234.50"},
		{"", "1\u00a0234,5", "1234.5"}, {"", "0.125", "0.125"}, {"", "1234.567", "1234.567"}, {"", "12.", "!"}, {"", ".5", "!"},
		{"", "1.234", "?"}, {"", "1,234", "?"}, {"", "12,345", "?"}, {",", "1.234", "1234"}, {",", "1,234", "1.234"}, {".", "1,234", "1234"},
		{".", "1.234", "1.234"}, {",", "12.5", "!"}, {".", "1,23", "!"}, {",", "1.2345", "!"}, {"", "1,23,456.5", "!"}, {"", "", "!"},
		{"", "12 €", "!"}, {"", "1e5", "!"}, {"", "--1", "!"}, {"", "0x10", "!"}, {"", "1.2,3.4", "!"}, {".", "1'234,567", "!"},
	}
	for _, test := range tests {
		m := &Mapping{}
		if test.decimal != "" {
			m.decimal = test.decimal[0]
		}
		got, fault := m.number([]byte(test.text))
		switch {
		case strings.HasPrefix(fault, "could be thousands or a fraction"):
			got = "?"
		case strings.HasPrefix(fault, "is no number"):
			got = "!"
		}
		if got != test.want {
			t.Errorf("%q with decimal %q: %q %s, want %q", test.text, test.decimal, got, fault, test.want)
		}
	}
}
