package facts_test

import (
	"testing"
	"time"

	"trueup/facts"
)

// TestCalendarFollowsTheZone compares days with those of package time, from the first to the last tabulated year: zones
// with a rule for the far future, without one, and with a midnight that is skipped.
func TestCalendarFollowsTheZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo",
		"Australia/Lord_Howe"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		calendar := facts.NewCalendar(zone)
		for at := time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2099; at = at.Add(7*time.Hour + 30*time.Minute) {
			if got, want := calendar.Day(facts.At(at)), facts.Date(at.In(zone).Date()); got != want {
				t.Fatalf("%s: %s is %s, want %s", name, at, got, want)
			}
		}
	}
}
