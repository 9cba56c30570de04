package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"trueup/facts"
)

// oracle decides an organisation a second time: the decision table of docs/decisions/0001-verdicts.md written down as
// plainly as possible, one row after the other, with loops over everything and no index, cache or number for a text. It
// shares nothing with the engine but the facts, the catalogue and the policy as they were read.
type oracle struct {
	o         *organisation
	zone      *time.Location
	asOf      time.Time
	today     facts.Day
	catalogue *Catalogue
	policy    *Policy
	rows      []directoryRow
	persons   []*somebody
	accounts  []*principal
	seats     []*heldSeat
}

// directoryRow is a row of a people feed.
type directoryRow struct {
	source string
	facts.Person
}

// somebody is a person with all rows that describe them; the first is the one that counts.
type somebody struct {
	rows          []directoryRow
	contradictory bool
}

func (s *somebody) row() directoryRow { return s.rows[0] }

// principal is an account of a source.
type principal struct {
	source, id   string
	seat, signIn string // logins in these feeds
	signedIn     facts.Instant
	row          *directoryRow
	person       *somebody
	disputed     bool
	several      bool
	nobody       bool // the operator's mapping names somebody who is not there
}

// name is what an account goes by.
func (a *principal) name() string {
	if a.row != nil && a.row.Email != "" {
		return a.row.Email
	}
	return cmp.Or(a.seat, a.signIn, a.id)
}

// heldSeat is a seat with its paths.
type heldSeat struct {
	account *principal
	product *Product
	paths   []facts.Seat
}

// judgement is what the oracle has to say of a row.
type judgement struct {
	holder, account, product string
	verdict                  Verdict
	reasons                  ReasonSet
	kind                     ActionKind
	to                       string
	covering                 string
	clock                    facts.Day
	idle                     int
	due                      facts.Day
}

func (j *judgement) String() string {
	text := fmt.Sprintf("%s (%s) %s: %s %s, %s", j.holder, j.account, j.product, j.verdict, j.reasons, j.kind)
	if j.to != "" {
		text += " to " + j.to
	}
	if j.covering != "" {
		text += " covered by " + j.covering
	}
	return text + fmt.Sprintf(", clock %s, idle %d, due %s", j.clock, j.idle, j.due)
}

// fold is how texts are compared.
func (w *oracle) fold(text string) string {
	folded := norm.NFC.String(cases.Fold().String(norm.NFC.String(strings.TrimSpace(text))))
	if at := strings.LastIndex(folded, "@"); at >= 0 {
		for old, current := range w.o.identity.Domains {
			if folded[at+1:] == strings.ToLower(old) {
				return folded[:at+1] + strings.ToLower(current)
			}
		}
	}
	return folded
}

func (w *oracle) same(a, b string) bool { return a != "" && b != "" && w.fold(a) == w.fold(b) }

func newOracle(o *organisation) *oracle {
	c, p := o.rules()
	w := &oracle{o: o, zone: o.calendar.Zone(), asOf: o.asOf.Time(), catalogue: c, policy: p}
	w.today = w.dayOf(w.asOf)
	w.readPeople()
	w.findPersons()
	w.findAccounts()
	w.readSeats()
	return w
}

func (w *oracle) dayOf(t time.Time) facts.Day {
	y, m, d := t.In(w.zone).Date()
	return facts.Date(y, m, d)
}

func (w *oracle) feed(source string, feed facts.Feed) *facts.Observation {
	return w.o.feeds[source+"/"+feed.String()]
}

// whole reports whether a feed was read whole.
func (w *oracle) whole(source string, feed facts.Feed) bool {
	f := w.feed(source, feed)
	if f == nil || !f.Complete || f.Failure != "" {
		return false
	}
	return f.People.Len() > 0 || f.Seats.Len() > 0 || f.Daily.First.Known()
}

func (w *oracle) later(source string, feed facts.Feed) bool {
	f := w.feed(source, feed)
	return f != nil && f.Observed > w.o.asOf
}

func (w *oracle) directoryWhole() bool {
	for _, source := range w.o.identity.Authoritative {
		if !w.whole(source, facts.FeedPeople) {
			return false
		}
	}
	return true
}

func (w *oracle) readPeople() {
	for _, f := range w.o.feeds {
		if f.Feed != facts.FeedPeople {
			continue
		}
		text, p := f.Strings.Text, &f.People
		for n := range p.Len() {
			row := directoryRow{f.Source, facts.Person{ID: text(p.ID[n]), Email: text(p.Email[n]), EmployeeID: text(p.EmployeeID[n]),
				Department: text(p.Department[n]), Kind: p.Kind[n], Status: p.Status[n], Hired: p.Hired[n], Left: p.Left[n],
				LeaveFrom: p.LeaveFrom[n], LeaveTo: p.LeaveTo[n], LastSignIn: p.LastSignIn[n], Deleted: p.Deleted[n]}}
			for _, alias := range p.Aliases.At(n) {
				row.Aliases = append(row.Aliases, text(alias))
			}
			for _, group := range p.Groups.At(n) {
				row.Groups = append(row.Groups, text(group))
			}
			w.rows = append(w.rows, row)
		}
	}
}

// findPersons makes people of the rows of the authoritative sources.
func (w *oracle) findPersons() {
	for _, source := range w.o.identity.Authoritative {
		var earlier []*somebody
		for _, p := range w.persons {
			earlier = append(earlier, &somebody{rows: slices.Clone(p.rows)})
		}
		for _, row := range w.rows {
			if row.source != source {
				continue
			}
			var is *somebody
			for _, p := range w.persons {
				if p.row().source == source && w.same(p.row().ID, row.ID) || slices.ContainsFunc(p.rows, func(r directoryRow) bool { return r.source == source && w.same(r.ID, row.ID) }) {
					is = p
				}
			}
			if is == nil {
				if found, _ := w.match(earlier, nil, &row); len(found) == 1 {
					is = w.persons[slices.IndexFunc(earlier, func(e *somebody) bool { return e == found[0] })]
				}
			}
			if is == nil {
				is = &somebody{}
				w.persons = append(w.persons, is)
			}
			is.rows = append(is.rows, row)
		}
	}
	for _, p := range w.persons {
		w.settle(p)
	}
}

// gone reports whether a row says that the person is no longer there.
func (w *oracle) gone(r directoryRow) bool { return r.Status == facts.Leaver || r.Deleted }

// settle finds which row of a person counts, and whether they contradict each other.
func (w *oracle) settle(p *somebody) {
	slices.SortStableFunc(p.rows, func(a, b directoryRow) int {
		if w.gone(a) != w.gone(b) {
			if w.gone(a) {
				return 1
			}
			return -1
		}
		if a.Hired != b.Hired || a.source != b.source {
			return cmp.Compare(b.Hired, a.Hired) // at one day the source that is named first, whose rows stand first
		}
		return cmp.Compare(b.Left, a.Left)
	})
	there := p.rows[0]
	for _, r := range p.rows[1:] {
		if w.gone(r) && !w.gone(there) && !(r.Left.Known() && there.Hired.Known() && there.Hired > r.Left) {
			p.contradictory = true
		}
	}
}

// match finds who has the names of an account and the keys of its directory row. Each key that anybody has keeps those
// who have it; the second result says that nobody is left.
func (w *oracle) match(among []*somebody, names []string, row *directoryRow) (found []*somebody, contradiction bool) {
	first := true
	var all []*somebody
	narrow := func(key string, of func(r directoryRow) []string) {
		var has []*somebody
		for _, p := range among {
			if slices.ContainsFunc(p.rows, func(r directoryRow) bool { return w.among(key, of(r)) }) {
				has = append(has, p)
			}
		}
		all = append(all, has...)
		switch {
		case len(has) == 0:
		case first:
			found, first = has, false
		default:
			found = slices.DeleteFunc(found, func(p *somebody) bool { return !slices.Contains(has, p) })
		}
	}
	employee := func(r directoryRow) []string { return []string{w.employeeID(r)} }
	email := func(r directoryRow) []string { return []string{r.Email} }
	alias := func(r directoryRow) []string { return r.Aliases }
	if row != nil {
		names = append(slices.Clone(names), row.Email)
		narrow(row.EmployeeID, employee)
		for _, a := range row.Aliases {
			narrow(a, email)
			narrow(a, alias)
		}
	}
	for _, name := range names {
		narrow(name, email)
		narrow(name, alias)
	}
	there := func(p *somebody) bool { return !w.gone(p.row()) }
	if len(found) == 1 && !there(found[0]) && slices.ContainsFunc(all, there) {
		return append(found, all...), false // who is back under a new number is not passed over for who has left
	}
	return found, !first && len(found) == 0
}

func (w *oracle) among(text string, list []string) bool {
	return slices.ContainsFunc(list, func(other string) bool { return w.same(text, other) })
}

// employeeID is a row's employee id; of a directory that has none, the id.
func (w *oracle) employeeID(r directoryRow) string {
	for _, other := range w.rows {
		if other.source == r.source && other.EmployeeID != "" {
			return r.EmployeeID
		}
	}
	return r.ID
}

// findAccounts lists the accounts of all feeds and links them.
func (w *oracle) findAccounts() {
	for n := range w.rows {
		if slices.Contains(w.o.identity.Authoritative, w.rows[n].source) {
			continue // people already; nothing else here knows them as accounts
		}
		w.account(w.rows[n].source, w.rows[n].ID).row = &w.rows[n]
	}
	for _, f := range w.o.feeds {
		for n := range f.Seats.Len() {
			a := w.account(f.Source, f.Strings.Text(f.Seats.Account[n]))
			if login := f.Strings.Text(f.Seats.Login[n]); login != "" && (a.seat == "" || login < a.seat) {
				a.seat = login
			}
		}
	}
	for source, events := range w.o.signIns {
		for _, e := range events {
			if e.Success && e.At <= w.o.asOf {
				a := w.account(source, string(e.Account))
				if login := string(e.Login); login != "" && (e.At > a.signedIn || e.At == a.signedIn && login < a.signIn) {
					a.signIn, a.signedIn = login, e.At
				}
			}
		}
	}
	for _, a := range w.accounts {
		w.link(a)
	}
}

func (w *oracle) account(source, id string) *principal {
	for _, a := range w.accounts {
		if a.source == source && w.same(a.id, id) {
			a.id = min(a.id, id)
			return a
		}
	}
	a := &principal{source: source, id: id, signedIn: facts.NoInstant}
	w.accounts = append(w.accounts, a)
	return a
}

func (w *oracle) link(a *principal) {
	for _, m := range w.o.identity.Mapping {
		named := w.among(m.Account, []string{a.id, a.seat, a.signIn}) || a.row != nil && w.same(m.Account, a.row.Email)
		if !named || m.Source != "" && m.Source != a.source {
			continue
		}
		for _, p := range w.persons {
			if slices.ContainsFunc(p.rows, func(r directoryRow) bool { return w.same(r.ID, m.Person) }) {
				a.person = p
				return
			}
		}
		a.nobody = true
		return
	}
	found, contradiction := w.match(w.persons, []string{a.id, a.seat, a.signIn}, a.row)
	switch {
	case contradiction:
		a.disputed = true
	case len(found) > 1:
		a.disputed, a.several = true, true
	case len(found) == 1:
		a.person = found[0]
	}
}

func (w *oracle) readSeats() {
	for _, f := range w.o.feeds {
		for n := range f.Seats.Len() {
			text := f.Strings.Text
			path := facts.Seat{Path: []byte(text(f.Seats.Path[n])), Assigned: f.Seats.Assigned[n]}
			if f.Observed > w.o.asOf && path.Assigned.Known() && path.Assigned > w.o.asOf {
				continue // was not there yet
			}
			for k := range w.catalogue.Products {
				product := &w.catalogue.Products[k]
				if !slices.Contains(product.SeatsFrom[f.Source], text(f.Seats.Product[n])) || !product.Metric.PerHolder() {
					continue
				}
				s := w.seatOf(w.account(f.Source, text(f.Seats.Account[n])), product)
				s.paths = append(s.paths, path)
			}
		}
	}
}

func (w *oracle) seatOf(a *principal, product *Product) *heldSeat {
	for _, s := range w.seats {
		if s.account == a && s.product == product {
			return s
		}
	}
	s := &heldSeat{account: a, product: product}
	w.seats = append(w.seats, s)
	return s
}
