package trial

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"trueup/facts"
	"trueup/reconcile"
)

// What a case that does not say otherwise is given.
const (
	longAgo      = facts.Day(-1500) // hired
	whileAgo     = facts.Day(-1200) // seats assigned, contracts begun
	logsReach    = facts.Day(-1499) // logs begin
	logsMost     = facts.Day(36525) // no log begins earlier
	eventsDaily  = 100              // events of all accounts that a log sees a day
	subject      = "P1"             // the person's id
	domain       = "@case.invalid"
	bystander    = "bystander" // somebody else, so that no feed is empty: an empty one is not believed
	nothing      = "trueup case: no product"
	contractFeed = "contracts"
)

// world is the small organisation of one case: the holder, and one bystander at every source.
type world struct {
	catalogue *reconcile.Catalogue
	calendar  *facts.Calendar
	asOf      facts.Day
	end       facts.Instant
	authority []string
	feeds     map[string]*facts.Observation
	order     []*facts.Observation
}

// snapshot makes the facts of a case. authority are the sources of people, the first of them the person's unless the
// case says so.
func snapshot(x *Case, c *reconcile.Catalogue, calendar *facts.Calendar, authority []string) (*facts.Snapshot, error) {
	w := &world{catalogue: c, calendar: calendar, asOf: x.AsOf, end: calendar.End(x.AsOf), authority: authority,
		feeds: map[string]*facts.Observation{}}
	w.people(&x.Given)
	w.seats(&x.Given)
	w.logs(&x.Given)
	w.contracts(&x.Given)
	for _, feed := range x.Given.Incomplete {
		if o := w.feeds[feed]; o != nil {
			o.Complete = false
		}
	}
	frame := facts.Frame{Organisation: "case", Calendar: calendar, AsOf: w.end}
	for _, o := range w.order {
		if !slices.ContainsFunc(frame.Sources, func(s facts.Source) bool { return s.Name == o.Source }) {
			frame.Sources = append(frame.Sources, facts.Source{Name: o.Source, Kind: "case", Writes: true})
		}
	}
	return facts.Freeze(frame, w.order)
}

func (w *world) feed(source string, feed facts.Feed) *facts.Observation {
	key := source + "/" + feed.String()
	if w.feeds[key] == nil {
		w.feeds[key] = facts.NewObservation(source, feed, w.end)
		w.order = append(w.order, w.feeds[key])
	}
	return w.feeds[key]
}

// noon of a day, or the as-of if that is earlier.
func (w *world) noon(d facts.Day) facts.Instant {
	return min(w.calendar.Wall(d, (12*time.Hour).Milliseconds()), w.end)
}

func (w *world) people(g *given) {
	for _, source := range w.authority {
		row := blank(bystander+" of "+source, bystander+"."+source+domain)
		row.Kind, row.Status, row.Hired = facts.Employee, facts.Active, w.asOf+longAgo
		w.add(source, row)
	}
	if p := &g.Person; !p.none {
		w.add(cmp.Or(p.Source, w.authority[0]), w.person(p))
	}
	for n := range g.Accounts {
		a := &g.Accounts[n]
		row := blank(cmp.Or(a.ID, g.email()), a.Email)
		if a.ID == "" && a.Email == "" {
			row.Email = g.email()
		}
		row.EmployeeID = a.EmployeeID
		row.Kind, _ = facts.ParseKind(a.Kind)
		if a.LastSignIn.given {
			row.LastSignIn = w.noon(a.LastSignIn.on(w.asOf, 0))
		}
		w.add(a.Source, row)
	}
}

// blank is a directory row without dates.
func blank(id, email string) facts.Person {
	return facts.Person{ID: id, Email: email, Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay,
		LastSignIn: facts.NoInstant}
}

func (w *world) add(source string, p facts.Person) {
	o := w.feed(source, facts.FeedPeople)
	o.AddPerson(&p)
	o.Rows++
}

// person is the directory's row. Without a status it is that which the dates say.
func (w *world) person(p *person) facts.Person {
	row := blank(cmp.Or(p.ID, subject), cmp.Or(p.Email, subject+domain))
	row.Aliases, row.EmployeeID, row.Name, row.Department, row.CostCentre = p.Aliases, p.EmployeeID, p.Name, p.Department, p.CostCentre
	row.Manager, row.Role, row.Groups, row.Deleted, row.Kind = p.Manager, p.Role, p.Groups, p.Deleted, facts.Employee
	row.Hired, row.Left = p.Hired.on(w.asOf, longAgo), p.Left.orNever(w.asOf)
	row.LeaveFrom, row.LeaveTo = p.LeaveFrom.orNever(w.asOf), p.LeaveTo.orNever(w.asOf)
	if p.Kind != "" {
		row.Kind, _ = facts.ParseKind(p.Kind)
	}
	switch {
	case p.Status != "":
		row.Status, _ = facts.ParseStatus(p.Status)
	case row.Deleted || row.Left.Known() && row.Left < w.asOf && row.Hired <= row.Left:
		row.Status = facts.Leaver
	case row.Hired > w.asOf:
		row.Status = facts.Future
	default:
		row.Status = facts.Active
	}
	return row
}

// email is the account that seats and sign-ins have where they do not say.
func (g *given) email() string {
	if g.Person.none {
		return "nobody" + domain
	}
	return cmp.Or(g.Person.Email, subject+domain)
}

func (w *world) seats(g *given) {
	for _, source := range seatSources(w.catalogue) {
		o := w.feed(source, facts.FeedSeats)
		o.AddSeat(facts.Seat{Account: []byte(w.bystander()), Product: []byte(nothing), Assigned: facts.NoInstant})
		o.Rows++
	}
	for n := range g.Seats {
		s := &g.Seats[n]
		p, _ := w.catalogue.Lookup(s.Product)
		o := w.feed(s.Source, facts.FeedSeats)
		o.AddSeat(facts.Seat{Account: []byte(cmp.Or(s.Account, g.email())), Product: []byte(w.catalogue.Products[p].SeatsFrom[s.Source][0]),
			Path: []byte(s.Path), CostCentre: []byte(s.CostCentre), Assigned: w.noon(s.Assigned.on(w.asOf, whileAgo))})
		o.Rows++
	}
}

func (w *world) bystander() string { return bystander + "." + w.authority[0] + domain }

// logs makes the sign-ins of every source that some product looks at.
func (w *world) logs(g *given) {
	for _, source := range logSources(w.catalogue) {
		covers := g.Coverage[source]
		if covers.none {
			continue
		}
		o := w.feed(source, facts.FeedSignIns)
		lane := facts.NewLane(w.calendar, w.end)
		from, to := max(covers.From.on(w.asOf, logsReach), w.asOf-logsMost), min(covers.To.on(w.asOf, 0), w.asOf)
		lane.Add(facts.SignIn{Account: []byte(w.bystander()), Application: []byte(nothing), At: w.noon(max(from, 0)), Success: true})
		for n := range g.SignIns {
			if s := &g.SignIns[n]; s.Source == source {
				lane.Add(facts.SignIn{Account: []byte(cmp.Or(s.Account, g.email())), Application: []byte(s.Application), At: w.noon(s.Last.on(w.asOf, 0)),
					Success: true, Mode: map[string]facts.Mode{"interactive": facts.Interactive, "non-interactive": facts.NonInteractive}[s.Mode]})
			}
		}
		o.Join(lane)
		o.Daily = w.daily(&covers, from, to)
		o.Rows = eventsDaily * int64(len(o.Daily.Counts))
	}
}

// daily counts the events of a log that is written every day but in its gaps.
func (w *world) daily(covers *coverage, from, to facts.Day) facts.Daily {
	daily := facts.NewDaily()
	for d := from; d <= to; d++ {
		silent := slices.ContainsFunc(covers.Gaps, func(g gap) bool { return g.From.on(w.asOf, 0) <= d && d <= g.To.on(w.asOf, 0) })
		if !silent {
			daily.Add(d, eventsDaily)
		}
	}
	if from <= to {
		daily.First, daily.Last = w.calendar.Start(from), min(w.calendar.End(to), w.end)
	}
	return daily
}

func (w *world) contracts(g *given) {
	for n := range g.Contracts {
		p := &g.Contracts[n]
		row := facts.Purchase{Contract: "C" + strconv.Itoa(n+1), Product: p.Product, Quantity: 100, Price: p.Price.value, Priced: p.Price.given,
			Per: facts.PerMonth, Currency: cmp.Or(p.Currency, "EUR"), Billing: facts.PerAssigned, Start: p.Start.on(w.asOf, whileAgo),
			End: p.End.orNever(w.asOf), Notice: p.Notice.orNever(w.asOf), AutoRenew: p.AutoRenew, TrueDown: p.TrueDown, CommitFloor: int64(p.CommitFloor)}
		if p.Quantity != nil {
			row.Quantity = int64(*p.Quantity)
		}
		if p.Per != "" {
			row.Per, _ = facts.ParsePeriod(p.Per)
		}
		if p.Billing != "" {
			word, days, _ := strings.Cut(p.Billing, ":")
			row.Billing, _ = facts.ParseBilling(word)
			row.ActiveDays, _ = strconv.Atoi(days)
		}
		o := w.feed(contractFeed, facts.FeedPurchases)
		o.AddPurchase(row)
		o.Rows++
	}
}
