package facts

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// use is a rolled-up key with its text.
type use struct {
	account, application string
	mode                 Mode
}

type used struct {
	login string
	last  Instant
	count uint32
}

// rolled gives the sign-ins of an observation without regard to the order of rows.
func rolled(t interface{ Fatalf(string, ...any) }, o *Observation) map[use]used {
	all := map[use]used{}
	for n := range o.SignIns.Len() {
		s := &o.SignIns
		key := use{o.Strings.Text(s.Account[n]), o.Strings.Text(s.Application[n]), s.Mode[n]}
		if _, twice := all[key]; twice {
			t.Fatalf("%v occurs twice", key)
		}
		all[key] = used{o.Strings.Text(s.Login[n]), s.Last[n], s.Count[n]}
	}
	return all
}

// TestLanesAgree checks that neither the order of events nor their spread over lanes matters, and the result against a
// direct count.
func TestLanesAgree(t *testing.T) {
	for _, name := range zones {
		c := calendarOf(t, name)
		t.Run(name, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { lanesAgree(t, c) }) })
	}
}

func lanesAgree(t *rapid.T, c *Calendar) {
	until := drawInstant(t, c)
	events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) SignIn {
		return SignIn{Account: fmt.Append(nil, rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "c"}), rapid.StringN(1, 2, -1)).Draw(t, "account")),
			Login:       fmt.Append(nil, rapid.SampledFrom([]string{"", "x@y", "z@y"}).Draw(t, "login")),
			Application: fmt.Append(nil, rapid.SampledFrom([]string{"", "figma", "miro"}).Draw(t, "application")),
			At:          until + Instant(rapid.Int64Range(-3*dayMillis, 2*dayMillis).Draw(t, "at")),
			Mode:        Mode(rapid.IntRange(0, 2).Draw(t, "mode")),
			Success:     rapid.Bool().Draw(t, "success")}
	}), 0, 3*batch).Draw(t, "events")
	want, daily := map[use]used{}, map[Day]uint32{}
	later := int64(0)
	for _, e := range events {
		if e.At < 0 || e.At > until+dayMillis {
			continue
		}
		if e.At > until {
			later++
			continue
		}
		daily[c.Day(e.At)]++
		if !e.Success || len(e.Account) == 0 {
			continue
		}
		key := use{string(e.Account), string(e.Application), e.Mode}
		u, seen := want[key]
		if login := string(e.Login); !seen || e.At > u.last || e.At == u.last && login > u.login {
			u.login, u.last = login, e.At
		}
		u.count++
		want[key] = u
	}
	lanes := make([]*Lane, rapid.IntRange(1, 4).Draw(t, "lanes"))
	for n := range lanes {
		lanes[n] = NewLane(c, until)
	}
	for n, e := range rapid.Permutation(events).Draw(t, "order") {
		believed := e.At >= 0 && e.At <= until+dayMillis
		if lanes[n%len(lanes)].Add(e) != believed {
			t.Fatalf("Add(%v) is not %t with until %v", e.At, believed, until)
		}
	}
	o := NewObservation("s", FeedSignIns, 0)
	o.Join(lanes...)
	if diff := cmp.Diff(want, rolled(t, o), cmp.AllowUnexported(use{}, used{})); diff != "" {
		t.Fatal(diff)
	}
	got := map[Day]uint32{}
	for n, count := range o.Daily.Counts {
		if count > 0 {
			got[o.Daily.From+Day(n)] = count
		}
	}
	if !maps.Equal(daily, got) || o.Later != later {
		t.Fatalf("days %v, want %v; later %d, want %d", got, daily, o.Later, later)
	}
	checkEnds(t, events, until, &o.Daily)
}

func checkEnds(t *rapid.T, events []SignIn, until Instant, d *Daily) {
	first, last := NoInstant, NoInstant
	for _, e := range events {
		if e.At < 0 || e.At > until {
			continue
		}
		if first == NoInstant || e.At < first {
			first = e.At
		}
		last = max(last, e.At)
	}
	if d.First != first || d.Last != last {
		t.Fatalf("from %v to %v, want %v to %v", d.First, d.Last, first, last)
	}
}

func TestDailyOn(t *testing.T) {
	d := NewDaily()
	for _, day := range []Day{10, 12, 7, 12} {
		d.Add(day, 1)
	}
	for day, want := range map[Day]uint32{6: 0, 7: 1, 8: 0, 10: 1, 12: 2, 13: 0} {
		if got := d.On(day); got != want {
			t.Errorf("On(%d) = %d, want %d", day, got, want)
		}
	}
}

// TestLookBack: what happened after an as-of in the past is later, not wrong.
func TestLookBack(t *testing.T) {
	const day = Instant(dayMillis)
	for _, c := range []struct {
		at       Instant
		believed bool
	}{{99 * day, true}, {120 * day, true}, {201 * day, true}, {202 * day, false}} {
		lane := NewLane(NewCalendar(time.UTC), 100*day).Pulled(200 * day)
		if got := lane.Add(SignIn{At: c.at, Success: true, Account: []byte("a")}); got != c.believed || (lane.Later == 1) != (c.believed && c.at > 100*day) {
			t.Errorf("an event of day %d: %t, later %d", c.at/day, got, lane.Later)
		}
	}
}

// TestByDay: rows of a lane by day, taken together again, are those of a lane that is not; and no row reaches over
// midnight.
func TestByDay(t *testing.T) {
	c := calendarOf(t, "Europe/Berlin")
	rapid.Check(t, func(t *rapid.T) {
		until := drawInstant(t, c)
		plain, daily := NewObservation("s", FeedSignIns, until), NewObservation("s", FeedSignIns, until)
		whole, lanes := NewLane(c, until), []*Lane{NewLane(c, until).ByDay(), NewLane(c, until).ByDay()}
		for n := range rapid.IntRange(0, 3*batch).Draw(t, "events") {
			e := SignIn{Account: []byte(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account")), Application: []byte("figma"),
				At: until - Instant(rapid.Int64Range(0, 5*dayMillis).Draw(t, "ago")), Success: true}
			whole.Add(e)
			lanes[n%2].Add(e)
		}
		plain.Join(whole)
		daily.Join(lanes...)
		if plain.ByDay || !daily.ByDay {
			t.Fatal("an observation does not say how it was rolled up")
		}
		type key struct {
			account string
			day     Day
		}
		seen, together := map[key]bool{}, map[use]used{}
		for n := range daily.SignIns.Len() {
			s := &daily.SignIns
			k := key{daily.Strings.Text(s.Account[n]), c.Day(s.Last[n])}
			if seen[k] {
				t.Fatalf("%v occurs twice", k)
			}
			seen[k] = true
			of := use{k.account, daily.Strings.Text(s.Application[n]), s.Mode[n]}
			sum := together[of]
			together[of] = used{"", max(sum.last, s.Last[n]), sum.count + s.Count[n]}
		}
		if diff := cmp.Diff(rolled(t, plain), together, cmp.AllowUnexported(used{})); diff != "" {
			t.Fatalf("(-plain +days together)\n%s", diff)
		}
	})
}
