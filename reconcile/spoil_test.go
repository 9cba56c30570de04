package reconcile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"trueup/facts"
)

// TestSpoiledFeeds spoils one feed of each of 200 organisations: cut short, emptied, every record twice, or all of it left
// lying for days, with what earlier runs read to compare with. No seat may go, now or after a notice or an approval, that
// would not go with the good feeds, unless it is one of these:
//
//   - a duplicate: what covers it stays for want of proof that it is unused, so that the duplicate may go;
//   - where nothing was spoiled but days went by: a last day has passed, or a contract or an exemption has ended meanwhile.
func TestSpoiledFeeds(t *testing.T) {
	worlds := worlds()
	spoilt := 0
	for seed := range 200 {
		w := worlds.Example(seed)
		random := rand.New(rand.NewPCG(uint64(seed), 22))
		clean := w.organisation(t)
		good := clean.decide()
		before := passing(good)
		spoiled := w.organisation(t)
		for _, f := range clean.feeds {
			spoiled.prior.Inputs = append(spoiled.prior.Inputs, facts.PriorInput{Source: f.Source, Feed: f.Feed, Rows: f.Rows - f.Rejected})
		}
		done, aged := spoiled.spoil(random)
		p := spoiled.decide()
		for seat, covered := range passing(p) {
			if _, passed := before[seat]; passed || covered {
				continue
			}
			if now := found(p, seat); aged && (now.Verdict == Leaver || now.Verdict == Expired || found(good, seat).Reasons&(1<<Exempted|1<<PolicyError) != 0) {
				continue
			}
			t.Errorf("seed %d, %s: takes %s\n%s", seed, done, seat, w)
		}
		spoilt++
	}
	if spoilt != 200 {
		t.Errorf("%d organisations were spoiled", spoilt)
	}
}

// found returns the row of a seat as [passing] names it.
func found(p *Plan, seat string) Row {
	for n := range p.Rows {
		if p.Rows[n].Held && fmt.Sprintf("%s %s %s", p.Holder(n), p.AccountName(n), p.ProductOf(n).ID) == seat {
			return p.Rows[n]
		}
	}
	return Row{}
}

// spoil spoils a feed and says what it did, and whether days went by.
func (o *organisation) spoil(random *rand.Rand) (done string, aged bool) {
	names := slices.Sorted(maps.Keys(o.feeds))
	name := names[random.IntN(len(names))]
	f := o.feeds[name]
	keep := func(n int) int { return random.IntN(n + 1) }
	switch random.IntN(4) {
	case 0: // the connector noticed
		f.Complete = false
		o.keepRecords(f, keep)
		return name + " cut short", false
	case 1: // it did not
		o.keepRecords(f, func(int) int { return 0 })
		f.Rows = 0
		f.Daily = facts.NewDaily()
		return name + " emptied", false
	case 2:
		o.twice(f)
		return name + " twice", false
	}
	days := 1 + random.IntN(60)
	o.asOf = o.asOf.Add(time.Duration(days) * 24 * time.Hour)
	return fmt.Sprintf("all of it %d days old", days), true
}

// keepRecords cuts the lists of a feed.
func (o *organisation) keepRecords(f *facts.Observation, keep func(n int) int) {
	people, aliases, groups := keep(f.People.Len()), f.People.Aliases, f.People.Groups
	cut := f.People
	f.People = facts.People{}
	for n := range people {
		copyPerson(f, &cut, &aliases, &groups, n)
	}
	seats := keep(f.Seats.Len())
	f.Seats = facts.Seats{Account: f.Seats.Account[:seats], Login: f.Seats.Login[:seats], Product: f.Seats.Product[:seats], Path: f.Seats.Path[:seats],
		CostCentre: f.Seats.CostCentre[:seats], Assigned: f.Seats.Assigned[:seats]}
	f.Purchases = f.Purchases[:keep(len(f.Purchases))]
	if f.Feed == facts.FeedSignIns {
		o.signIns[f.Source] = o.signIns[f.Source][:keep(len(o.signIns[f.Source]))]
	}
}

// copyPerson appends row n of other people to those of a feed.
func copyPerson(f *facts.Observation, from *facts.People, aliases, groups *facts.Lists, n int) {
	text := f.Strings.Text
	p := facts.Person{ID: text(from.ID[n]), Email: text(from.Email[n]), EmployeeID: text(from.EmployeeID[n]), Name: text(from.Name[n]), Department: text(from.Department[n]),
		CostCentre: text(from.CostCentre[n]), Kind: from.Kind[n], Status: from.Status[n], Hired: from.Hired[n], Left: from.Left[n],
		LeaveFrom: from.LeaveFrom[n], LeaveTo: from.LeaveTo[n], LastSignIn: from.LastSignIn[n], Deleted: from.Deleted[n]}
	for _, alias := range aliases.At(n) {
		p.Aliases = append(p.Aliases, text(alias))
	}
	for _, group := range groups.At(n) {
		p.Groups = append(p.Groups, text(group))
	}
	f.AddPerson(&p)
}

// twice doubles the records of a feed; contract rows are not doubled, since rows without an order add up.
func (o *organisation) twice(f *facts.Observation) {
	people, aliases, groups := f.People, f.People.Aliases, f.People.Groups
	for n := range people.Len() {
		copyPerson(f, &people, &aliases, &groups, n)
	}
	text := f.Strings.Text
	for n := range f.Seats.Len() {
		f.AddSeat(facts.Seat{Account: []byte(text(f.Seats.Account[n])), Login: []byte(text(f.Seats.Login[n])), Product: []byte(text(f.Seats.Product[n])),
			Path: []byte(text(f.Seats.Path[n])), Assigned: f.Seats.Assigned[n]})
	}
	if f.Feed == facts.FeedSignIns {
		o.signIns[f.Source] = append(o.signIns[f.Source], o.signIns[f.Source]...)
	}
	f.Rows *= 2
}
