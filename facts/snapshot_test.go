package facts

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"pgregory.net/rapid"
)

func frame(c *Calendar) Frame {
	return Frame{Organisation: "Example Research", Calendar: c, AsOf: At(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)),
		Sources: []Source{{Name: "okta", Kind: "okta", Writes: true}, {Name: "hr", Kind: "csv"}, {Name: "aws", Kind: "csv"}},
		Prior:   Prior{Cases: []Case{{State: "notice", Opened: 5, Due: NoDay}}}}
}

// drawObservations gives some facts of every feed of every source.
func drawObservations(t *rapid.T, c *Calendar) []*Observation {
	text := rapid.SampledFrom([]string{"", "ana", "ben", "=1+1", "ünï", "x@y"})
	var all []*Observation
	for _, source := range []string{"okta", "hr", "aws"} {
		for _, feed := range Feeds() {
			o := NewObservation(source, feed, Instant(rapid.Int64Range(0, 2e12).Draw(t, "observed")))
			lane := NewLane(c, 1e12)
			for range rapid.IntRange(0, 4).Draw(t, "rows") {
				o.AddPerson(&Person{ID: text.Draw(t, "id"), Email: text.Draw(t, "email"), Status: Leaver, Hired: NoDay, Left: 20000,
					LeaveFrom: NoDay, LeaveTo: NoDay, LastSignIn: NoInstant, Aliases: []string{text.Draw(t, "alias"), "b"},
					Groups: strings.Split(text.Draw(t, "groups"), "@")})
				o.AddSeat(Seat{Account: []byte(text.Draw(t, "account")), Product: []byte(text.Draw(t, "product")), Assigned: NoInstant})
				lane.Add(SignIn{Account: []byte(text.Draw(t, "who")), Application: []byte(text.Draw(t, "what")), At: 9e11, Success: true})
				o.AddCounter(Counter{Product: text.Draw(t, "sku"), Purchased: 5, Consumed: 7})
				o.AddConcurrentDay(ConcurrentDay{Product: text.Draw(t, "feature"), Day: 20000, Peak: 3, Limit: NotTold, Unseen: 15})
				o.AddPurchase(Purchase{Contract: text.Draw(t, "contract"), Price: decimal.MustParse("12.50"), Priced: true,
					Start: 1, End: NoDay, Notice: NoDay})
			}
			if feed == FeedSignIns {
				o.Join(lane)
			}
			all = append(all, o)
		}
	}
	return all
}

// sorted leaves out what Join took the strings from: in real pulls an observation holds facts of one sort.
func sorted(all []*Observation) []*Observation {
	for _, o := range all {
		if o.Feed == FeedSignIns {
			o.People, o.Seats, o.Concurrent = People{}, Seats{}, ConcurrentDays{}
		}
	}
	return all
}

func TestFreezeIgnoresOrder(t *testing.T) {
	c := calendarOf(t, "Europe/Berlin")
	rapid.Check(t, func(t *rapid.T) {
		all := sorted(drawObservations(t, c))
		first, err := Freeze(frame(c), all)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Freeze(frame(c), rapid.Permutation(all).Draw(t, "order"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, first), encoded(t, second)) {
			t.Fatal("another order gives another snapshot")
		}
		checkText(t, all, first)
	})
}

// checkText checks that every row kept its text on the way into the snapshot.
func checkText(t *rapid.T, all []*Observation, s *Snapshot) {
	rows := map[string]int{}
	for _, o := range all {
		for n := range o.People.Len() {
			rows["person "+o.Source+" "+o.Strings.Text(o.People.ID[n])+" "+texts(o.Strings, o.People.Groups.At(n))]++
		}
		for n := range o.SignIns.Len() {
			rows["sign-in "+o.Source+" "+o.Strings.Text(o.SignIns.Account[n])+" "+o.Strings.Text(o.SignIns.Application[n])]++
		}
		for n := range o.Concurrent.Len() {
			rows["concurrent "+o.Source+" "+o.Concurrent.At(n, o.Strings).Product]++
		}
	}
	for n := range s.Concurrent.Len() {
		rows["concurrent "+s.Sources[s.Concurrent.Source[n]].Name+" "+s.Concurrent.At(n, s.Strings).Product]--
	}
	for n := range s.People.Len() {
		rows["person "+s.Sources[s.People.Source[n]].Name+" "+s.Strings.Text(s.People.ID[n])+" "+texts(s.Strings, s.People.Groups.At(n))]--
	}
	for n := range s.SignIns.Len() {
		rows["sign-in "+s.Sources[s.SignIns.Source[n]].Name+" "+s.Strings.Text(s.SignIns.Account[n])+" "+s.Strings.Text(s.SignIns.Application[n])]--
	}
	for row, n := range rows {
		if n != 0 {
			t.Fatalf("%s: %d rows too many or too few", row, n)
		}
	}
}

func texts(s *Strings, syms []Sym) string {
	var all []string
	for _, n := range syms {
		all = append(all, s.Text(n))
	}
	return strings.Join(all, "|")
}

func encoded(t *rapid.T, s *Snapshot) []byte {
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSnapshotRoundTrip(t *testing.T) {
	c := calendarOf(t, "America/St_Johns")
	rapid.Check(t, func(t *rapid.T) {
		s, err := Freeze(frame(c), sorted(drawObservations(t, c)))
		if err != nil {
			t.Fatal(err)
		}
		first := encoded(t, s)
		again, err := DecodeSnapshot(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, encoded(t, again)) {
			t.Fatal("decoded, it encodes to something else")
		}
		if diff := cmp.Diff(s.Purchases, again.Purchases); diff != "" {
			t.Fatal(diff)
		}
		if again.Today() != s.Today() || again.Calendar().Zone().String() != "America/St_Johns" {
			t.Fatalf("today is %v in %v", again.Today(), again.Calendar().Zone())
		}
		for n := range s.Strings.Len() {
			if got, ok := again.Strings.LookupString(s.Strings.Text(Sym(n))); !ok || got != Sym(n) {
				t.Fatalf("%q is %d, %t", s.Strings.Text(Sym(n)), got, ok)
			}
		}
	})
}

func TestFreezeRefuses(t *testing.T) {
	c := calendarOf(t, "UTC")
	stranger := NewObservation("elsewhere", FeedPeople, 0)
	if _, err := Freeze(frame(c), []*Observation{stranger}); err == nil || err.Error() != `facts: people of unknown source "elsewhere"` {
		t.Errorf("an unknown source: %v", err)
	}
	twice := []*Observation{NewObservation("hr", FeedPeople, 0), NewObservation("hr", FeedPeople, 1)}
	if _, err := Freeze(frame(c), twice); err == nil || err.Error() != `facts: two observations of people of source "hr"` {
		t.Errorf("a feed twice: %v", err)
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	s, err := Freeze(frame(NewCalendar(time.UTC)), nil)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeSnapshot(bytes.NewReader(b)); err == nil && s.Calendar() == nil {
			t.Error("a snapshot without calendar")
		}
	})
}
