package flexlm

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/facts"
)

func TestCheckouts(t *testing.T) {
	clock := zone(t, "UTC")
	observed := facts.At(time.Date(2017, 10, 20, 17, 2, 0, 0, time.UTC))
	for _, c := range []struct{ line, want string }{
		{"    user1 server034 server0340 (v31.000000) (host1/28000 5226), start Fri 10/20 16:40",
			"user1|server034|server0340|v31.000000|host1/28000 5226|2017-10-20T16:40:00Z|1"},
		{"    user3 host /dev/tty (v2017.06) (host1/1999 1), start Mon 10/16 15:04, 4 licenses", "user3|host|/dev/tty|v2017.06|host1/1999 1|2017-10-16T15:04:00Z|4"},
		{"    ana pc1 pc1 (v1.0) (lic/27000 7), start Fri 10/20 9:05 (linger: 604800 / 86400)", "ana|pc1|pc1|v1.0|lic/27000 7|2017-10-20T09:05:00Z|1 lingers"},
		{"    ana pc1 pc1 (v1.0) (lic/27000 7), start Fri 10/20 9:05, 2 licenses, PID: 4711 (linger: 3600 / 60)", "ana|pc1|pc1|v1.0|lic/27000 7|2017-10-20T09:05:00Z|2 lingers"},
		{"    Ana (PhD) \"A\" Núñez pc1 :0.0 (v1.0) (lic/27000 7), start Fri 10/20 9:05", "Ana (PhD) \"A\" Núñez|pc1|:0.0|v1.0|lic/27000 7|2017-10-20T09:05:00Z|1"},
		{"    ana, start pc1 pc1 (v1.0) (lic/27000 7), start Fri 10/20 9:05", "ana, start|pc1|pc1|v1.0|lic/27000 7|2017-10-20T09:05:00Z|1"},
		{"    ana pc1 (v1.0) (lic/27000 7), start Fri 10/20 9:05", "ana|pc1||v1.0|lic/27000 7|2017-10-20T09:05:00Z|1"},
		{"    ana pc1 pc1 (v1.0) (lic/27000 7) queued for 2 licenses", "ana|pc1|pc1|v1.0|lic/27000 7|2017-10-20T17:02:00Z|2 queued"},
		{"    old pc1 pc1 (v1.0) (lic/27000 7), start Thu 10/20 9:05", "old|pc1|pc1|v1.0|lic/27000 7|2016-10-20T09:05:00Z|1"},
		{"    leap pc1 pc1 (v1.0) (lic/27000 7), start Mon 2/29 9:05", "leap|pc1|pc1|v1.0|lic/27000 7|2016-02-29T09:05:00Z|1"},
		{"    ahead pc1 pc1 (v1.0) (lic/27000 7), start Fri 10/20 17:04", "ahead|pc1|pc1|v1.0|lic/27000 7|2017-10-20T17:02:00Z|1"},
		{"    foreign pc1 pc1 (v1.0) (lic/27000 7), start ven. 10/21 17:04", "foreign|pc1|pc1|v1.0|lic/27000 7|2016-10-21T17:04:00Z|1"},
		{"    ana pc1 pc1 (v1.0) (lic/27000 7), start Fri 13/20 9:05", ""},
		{"    ana pc1 pc1 (v1.0) (lic/27000 7), start Fri 10/20 25:05", ""},
		{"    ana pc1 pc1 (v1.0), start Fri 10/20 9:05", ""},
		{"    (v1.0) (lic/27000 7), start Fri 10/20 9:05", ""},
		{"    ana pc1 pc1 (v1.0) (lic/27000 7) queued for many licenses", ""},
	} {
		got := ""
		if x, ok := readCheckout(c.line, observed, clock); ok {
			got = fmt.Sprintf("%s|%s|%s|%s|%s|%s|%d", x.user, x.host, x.display, x.version, x.handle, x.start, x.count)
			if x.lingers {
				got += " lingers"
			}
			if x.queued {
				got += " queued"
			}
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

// TestStartYear: whatever moment a checkout began at, at most some years before lmstat looked, the year is found again;
// and no start is ever after that moment.
func TestStartYear(t *testing.T) {
	clocks := []*facts.Calendar{zone(t, "UTC"), zone(t, "Europe/Berlin"), zone(t, "America/St_Johns"), zone(t, "Pacific/Auckland")}
	rapid.Check(t, func(t *rapid.T) {
		clock := rapid.SampledFrom(clocks).Draw(t, "clock")
		observed := facts.Instant(rapid.Int64Range(946_684_800, 4_102_444_800).Draw(t, "observed") / 60 * 60_000)
		start := observed.Add(-time.Duration(rapid.Int64Range(0, 4*365*24*60).Draw(t, "minutes")) * time.Minute)
		shown := start.Time().In(clock.Zone())
		got, ok := startOf(shown.Weekday().String()[:3], shown.Month(), shown.Day(), shown.Hour()*60+shown.Minute(), observed, clock)
		if !ok || got > observed {
			t.Fatalf("start %s, observed %s: got %s, %t", start, observed, got, ok)
		}
		// A time that clocks show twice may be either; the same date falls on the same day of the week again after five years
		// at the earliest.
		if off := got - start; off < -3_600_000 || off > 3_600_000 {
			t.Fatalf("start %s, observed %s: got %s", start, observed, got)
		}
	})
}
