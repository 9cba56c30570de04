package trial_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reconcile/trial"
)

// history is a random past of one product: everything by day, counted from some day 0.
type history struct {
	people            []member
	logFrom           int // first day of the log
	gapFrom, gapTo    int // silent days, inclusive; none if gapTo < gapFrom
	today, back       int
	regret            int
	thresholds        []int
	activation, price int
}

// member is a person with one seat.
type member struct {
	hired, left, leaveFrom, leaveTo, assigned int
	uses                                      []int
}

const (
	dayZero = facts.Day(20_000)
	never   = -10_000
)

func anyHistory(t *rapid.T) history {
	h := history{today: 120, back: 45, regret: rapid.IntRange(1, 25).Draw(t, "regret"), activation: 30, price: 1000,
		logFrom: rapid.IntRange(0, 80).Draw(t, "log from"), gapFrom: 1, gapTo: 0}
	if rapid.Bool().Draw(t, "gap") {
		h.gapFrom = h.logFrom + 7 + rapid.IntRange(0, 100).Draw(t, "gap from")
		h.gapTo = min(h.gapFrom+rapid.IntRange(0, 4).Draw(t, "gap days"), h.today)
	}
	for range rapid.IntRange(1, 2).Draw(t, "thresholds") {
		h.thresholds = append(h.thresholds, rapid.IntRange(1, 60).Draw(t, "threshold"))
	}
	for n := range rapid.IntRange(1, 4).Draw(t, "people") {
		name := func(what string) string { return fmt.Sprintf("%s of %d", what, n) }
		m := member{hired: rapid.IntRange(-500, h.today).Draw(t, name("hired")), left: never, leaveFrom: never, leaveTo: never,
			assigned: rapid.IntRange(-500, h.today).Draw(t, name("assigned"))}
		if rapid.IntRange(0, 3).Draw(t, name("leaves")) == 0 {
			m.left = rapid.IntRange(max(0, m.hired), h.today).Draw(t, name("left"))
		}
		if rapid.Bool().Draw(t, name("leave")) {
			m.leaveFrom = rapid.IntRange(0, h.today).Draw(t, name("leave from"))
			m.leaveTo = m.leaveFrom + rapid.IntRange(0, 50).Draw(t, name("leave days"))
		}
		for range rapid.IntRange(0, 8).Draw(t, name("uses")) {
			d := rapid.IntRange(h.logFrom, h.today).Draw(t, name("use"))
			if !h.silent(d) {
				m.uses = append(m.uses, d)
			}
		}
		h.people = append(h.people, m)
	}
	return h
}

func (h *history) silent(d int) bool { return h.gapFrom <= d && d <= h.gapTo }

const replayPolicy = "version: 1\nreclaim: [{product: figma, idle_after: 45d, action: review}]\n"

// past makes the snapshot of a history.
func (h *history) past(t testing.TB, b *trial.Bench) *trial.Past {
	t.Helper()
	c := b.Calendar
	at := func(d int) facts.Day {
		if d == never {
			return facts.NoDay
		}
		return dayZero + facts.Day(d)
	}
	asOf := c.End(at(h.today))
	people, seats := facts.NewObservation("hr", facts.FeedPeople, asOf), facts.NewObservation("figma", facts.FeedSeats, asOf)
	log, bought := facts.NewObservation("okta", facts.FeedSignIns, asOf), facts.NewObservation("contracts", facts.FeedPurchases, asOf)
	lane := facts.NewLane(c, asOf).ByDay()
	for n, m := range h.people {
		email := fmt.Sprintf("p%d@example.com", n)
		status := facts.Active
		if m.left != never {
			status = facts.Leaver
		}
		people.AddPerson(&facts.Person{ID: fmt.Sprintf("P%d", n), Email: email, Kind: facts.Employee, Status: status, Hired: at(m.hired),
			Left: at(m.left), LeaveFrom: at(m.leaveFrom), LeaveTo: at(m.leaveTo), LastSignIn: facts.NoInstant})
		seats.AddSeat(facts.Seat{Account: []byte(email), Product: []byte("pro"), Assigned: c.Start(at(m.assigned)).Add(9 * time.Hour)})
		for _, d := range m.uses {
			lane.Add(facts.SignIn{Account: []byte(email), Application: []byte("Figma"), At: c.Start(at(d)).Add(12 * time.Hour), Success: true})
		}
	}
	people.AddPerson(&facts.Person{ID: "other", Email: "other@example.com", Kind: facts.Employee, Status: facts.Active, Hired: facts.NoDay,
		Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant})
	lane.Add(facts.SignIn{Account: []byte("other@example.com"), At: c.Start(at(h.logFrom)), Success: true})
	log.Join(lane)
	log.Daily = facts.NewDaily()
	for d := h.logFrom; d <= h.today; d++ {
		if !h.silent(d) {
			log.Daily.Add(at(d), 100)
			log.Daily.Last = c.End(at(d))
		}
	}
	log.Daily.First = c.Start(at(h.logFrom))
	log.Rows = 100_000
	bought.AddPurchase(facts.Purchase{Contract: "C", Product: "figma", Quantity: 50, Price: decimal.MustNew(int64(h.price), 2), Priced: true,
		Per: facts.PerMonth, Currency: "EUR", Billing: facts.PerAssigned, Start: at(-900), End: facts.NoDay, Notice: facts.NoDay})
	frame := facts.Frame{Organisation: "past", Calendar: c, AsOf: asOf}
	for _, name := range []string{"hr", "figma", "okta", "contracts"} {
		frame.Sources = append(frame.Sources, facts.Source{Name: name})
	}
	s, err := facts.Freeze(frame, []*facts.Observation{people, seats, log, bought})
	if err != nil {
		t.Fatal(err)
	}
	product, _ := b.Catalogue.Lookup("figma")
	q := trial.Question{Product: product, Back: reconcile.Days(h.back), Regret: reconcile.Days(h.regret)}
	for _, after := range h.thresholds {
		q.Thresholds = append(q.Thresholds, reconcile.Days(after))
	}
	return trial.NewPast(s, b.Catalogue, b.Policy, reconcile.Options{Identity: reconcile.Identity{Authoritative: reconcile.Names{"hr"}}}, q)
}

// coveredSince is the first day from which on the log, looked at on the evening of d, has no gap; false if it proves
// nothing then.
func (h *history) coveredSince(d int) (int, bool) {
	last := d // newest day with an event
	for last >= h.logFrom && h.silent(last) {
		last--
	}
	switch {
	case last < h.logFrom, d-last > 1: // no event yet, or later than a day and a half ago
		return 0, false
	case h.gapFrom <= h.gapTo && h.gapTo < last:
		return h.gapTo + 1, true
	}
	return h.logFrom, true
}

// judged is what one member's seat is on the evening of a day by the words of the decision table.
func (h *history) judged(m *member, after, d int) (idle, undecided bool, since int) {
	if d < h.today && m.assigned > d || m.left != never && d > m.left+1 || m.leaveFrom != never && m.leaveFrom <= d && d <= m.leaveTo {
		return false, false, 0
	}
	since = max(m.hired, m.assigned)
	if m.leaveFrom != never && m.leaveTo < d {
		since = max(since, m.leaveTo+1)
	}
	used := false
	for _, use := range m.uses {
		if use <= d {
			used, since = true, max(since, use)
		}
	}
	days := max(0, d-since)
	from, covered := h.coveredSince(d)
	switch {
	case used && days <= after, !used && m.hired > d, !used && days <= h.activation:
		return false, false, 0
	case !used && covered && from <= m.assigned: // never used
		return false, false, 0
	case days > after && covered && from <= d-after:
		return m.left == never || d <= m.left, false, since // in the grace after the last day everybody keeps what they have
	}
	return false, true, 0
}

// brute counts by the definition of each figure, without any memory from day to day.
func (h *history) brute(after int) trial.Regret {
	r := trial.Regret{Threshold: reconcile.Days(after)}
	lost, back := map[int]bool{}, map[int]bool{}
	decidable := map[int]bool{}
	for d := h.today - h.back; d <= h.today; d++ {
		idle, undecided := 0, 0
		for n := range h.people {
			i, u, _ := h.judged(&h.people[n], after, d)
			if i {
				idle++
			}
			if u {
				undecided++
			}
		}
		if decidable[d] = idle > 0 || undecided == 0; decidable[d] {
			r.Days++
			r.SeatDays += idle
		} else {
			r.Undecidable++
		}
	}
	for n := range h.people {
		m := &h.people[n]
		seen := map[int]bool{} // episodes, by the day they count from
		for d := h.today - h.back; d <= h.today; d++ {
			idle, _, since := h.judged(m, after, d)
			if !idle || seen[since] {
				continue
			}
			seen[since] = true
			r.Cuts++
			lost[n] = true
			switch {
			case slices.ContainsFunc(m.uses, func(use int) bool { return d < use && use <= d+h.regret }):
				r.Back++
				back[n] = true
			case d+h.regret > h.today || h.undecidedWithin(m, after, d+1, d+h.regret):
				r.Open++
			default:
				r.Stayed++
			}
		}
	}
	r.People, r.BackPeople = len(lost), len(back)
	if r.SeatDays > 0 {
		saved, err := decimal.MustNew(int64(r.SeatDays*h.price), 0).Quo(decimal.MustNew(int64(r.Days), 0))
		if err != nil {
			panic(err)
		}
		whole, _, _ := saved.Round(0).Int64(0)
		r.Saved = []trial.Money{{Currency: "EUR", Reassignable: whole, Reducible: whole}}
	}
	return r
}

func (h *history) undecidedWithin(m *member, after, from, to int) bool {
	for d := from; d <= to; d++ {
		if _, undecided, _ := h.judged(m, after, d); undecided {
			return true
		}
	}
	return false
}

// TestReplayAgainstBruteForce: the replay, which asks the engine about each day, comes to what the words of the decision
// table come to when they are counted out by hand, leave, hire and gaps included.
func TestReplayAgainstBruteForce(t *testing.T) {
	b := bench(t, replayPolicy)
	cuts, returns, open := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := anyHistory(rt)
		past := h.past(t, b)
		var days []trial.Day
		for _, d := range past.Days() {
			day, err := past.Day(d)
			if err != nil {
				rt.Fatal(err)
			}
			days = append(days, day)
		}
		got, err := past.Sum(days)
		if err != nil {
			rt.Fatal(err)
		}
		var want []trial.Regret
		for _, after := range h.thresholds {
			want = append(want, h.brute(after))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%+v (-counted out +replayed)\n%s", h, diff)
		}
		for _, r := range got {
			cuts, returns, open = cuts+r.Cuts, returns+r.Back, open+r.Open
		}
	})
	if cuts == 0 || returns == 0 || open == 0 {
		t.Errorf("%d cuts, %d returns, %d open: the histories are too tame", cuts, returns, open)
	}
}
