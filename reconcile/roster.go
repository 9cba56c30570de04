package reconcile

import (
	"cmp"
	"slices"

	"trueup/facts"
)

// roster is every account of every source, with the person it belongs to, and the account of each seat and sign-in.
type roster struct {
	directory *directory
	matcher   *matcher
	accounts  []Account
	disputes  []Reason      // by account; of a dispute
	seats     []AccountID   // by row of Snapshot.Seats
	signIns   []AccountID   // by row of Snapshot.SignIns
	rows      []AccountID   // by row of Snapshot.People; NoAccountID where the row is only a person
	matched   []matchCount  // by index of Snapshot.Inputs; of seats and sign-ins
	vanished  map[key]bool  // accounts that an earlier run linked to a person who is gone
	at        []AccountID   // by name, within the source that is being read; NoAccountID else
	bySym     []AccountID   // by symbol, within the feed that is being read
	logins    []loginOfSeat // by account
}

// key names an account: the vendor's id within a source.
type key struct {
	source  facts.SourceID
	account name
}

// matchCount says how many of a feed's accounts are known.
type matchCount struct{ matched, accounts int }

// loginOfSeat are further names of an account from feeds other than people: only keys, never more.
type loginOfSeat struct {
	seat, signIn facts.Sym
	at           facts.Instant // of the newest sign-in
}

func newRoster(d *directory, m *matcher, named map[facts.SourceID]bool) *roster {
	s := d.snapshot
	r := &roster{directory: d, matcher: m, seats: make([]AccountID, s.Seats.Len()),
		signIns: make([]AccountID, s.SignIns.Len()), rows: make([]AccountID, s.People.Len()),
		matched: make([]matchCount, len(s.Inputs)), at: make([]AccountID, d.fold.len()), bySym: make([]AccountID, s.Strings.Len()), vanished: map[key]bool{}}
	for n := range r.at {
		r.at[n] = NoAccountID
	}
	for n := range s.Sources {
		r.read(facts.SourceID(n), named[facts.SourceID(n)])
	}
	r.at, r.bySym = nil, nil
	for _, link := range s.Prior.Linked {
		source, known := s.SourceNamed(link.Source)
		if account := d.fold.configured(link.Account); known && account != noName {
			if one, many := d.ids.at(d.fold.configured(link.Person)); one == NoPersonID && many == nil {
				r.vanished[key{source, account}] = true
			}
		}
	}
	return r
}

// read collects and links the accounts of one source. The rows of an authoritative source are people already; they are
// accounts too where seats or sign-ins of that source, or a product's definition, may refer to them.
func (r *roster) read(source facts.SourceID, named bool) {
	s := r.directory.snapshot
	people, seats, signIns := rowsOf(s.People.Source, source), rowsOf(s.Seats.Source, source), rowsOf(s.SignIns.Source, source)
	first := AccountID(len(r.accounts))
	holds := r.directory.rank[source] < 0 || named || seats.from < seats.to || signIns.from < signIns.to
	for n := people.from; n < people.to; n++ {
		r.rows[n] = NoAccountID
		if holds {
			r.rows[n] = r.row(source, int32(n))
		}
	}
	r.collect(source, s.Seats.Account, seats, r.seats)
	r.collect(source, s.SignIns.Account, signIns, r.signIns)
	for n := seats.from; n < seats.to; n++ {
		if login := s.Seats.Login[n]; login != 0 {
			if have := &r.logins[r.seats[n]]; have.seat == 0 || login != have.seat && r.before(login, have.seat) {
				have.seat = login
			}
		}
	}
	for n := signIns.from; n < signIns.to; n++ {
		if login := s.SignIns.Login[n]; login != 0 {
			if at, have := s.SignIns.Last[n], &r.logins[r.signIns[n]]; at > have.at || at == have.at && r.before(login, have.signIn) {
				have.signIn, have.at = login, at
			}
		}
	}
	for a := first; int(a) < len(r.accounts); a++ {
		r.link(a)
	}
	r.count(first, source, facts.FeedSeats, r.seats[seats.from:seats.to])
	r.count(first, source, facts.FeedSignIns, r.signIns[signIns.from:signIns.to])
	for a := first; int(a) < len(r.accounts); a++ {
		r.at[r.directory.fold.of(r.accounts[a].Key)] = NoAccountID
	}
}

// collect finds the account of each row of a feed. Ids come many times and in no order: each is looked up once.
func (r *roster) collect(source facts.SourceID, ids []facts.Sym, rows span, into []AccountID) {
	accounts := r.bySym
	symsOf(r.directory.snapshot.Strings, ids[rows.from:rows.to]).each(func(id facts.Sym) { accounts[id] = r.account(source, id) })
	parts := shares(rows.to - rows.from)
	inParallel(len(parts), each(func(part int) {
		for n := rows.from + parts[part].from; n < rows.from+parts[part].to; n++ {
			into[n] = accounts[ids[n]]
		}
	}))
}

func (r *roster) before(a, b facts.Sym) bool {
	return r.directory.snapshot.Strings.Text(a) < r.directory.snapshot.Strings.Text(b)
}

// account returns the account of an id, new if it has not been seen at this source. Of several spellings of one id the
// first in byte order names it.
func (r *roster) account(source facts.SourceID, id facts.Sym) AccountID {
	n := r.directory.fold.of(id)
	a := r.at[n]
	if a == NoAccountID {
		a = AccountID(len(r.accounts))
		r.at[n] = a
		r.accounts = append(r.accounts, Account{Source: source, Key: id, Person: NoPersonID, Row: -1})
		r.disputes = append(r.disputes, 0)
		r.logins = append(r.logins, loginOfSeat{at: facts.NoInstant})
	} else if have := r.accounts[a].Key; have != id && r.before(id, have) {
		r.accounts[a].Key = id
	}
	return a
}

// row adds a directory row; of several with one id one is chosen whatever their order.
func (r *roster) row(source facts.SourceID, row int32) AccountID {
	a := r.account(source, r.directory.snapshot.People.ID[row])
	if have := r.accounts[a].Row; have < 0 || r.directory.compare(row, have) < 0 {
		r.accounts[a].Row = row
	}
	return a
}

// link finds the person of an account.
func (r *roster) link(n AccountID) {
	a, logins := &r.accounts[n], &r.logins[n]
	d, people := r.directory, &r.directory.snapshot.People
	email := facts.Sym(0)
	if a.Row >= 0 {
		a.Kind, email = people.Kind[a.Row], people.Email[a.Row]
	}
	a.Login = cmp.Or(email, logins.seat, logins.signIn, a.Key)
	names := [4]name{d.fold.of(a.Key), d.fold.of(logins.seat), d.fold.of(logins.signIn), d.fold.of(email)}
	found, ok := match{}, false
	if len(r.matcher.mapping) > 0 {
		found, ok = r.matcher.byMapping(a.Source, names[:])
	}
	switch {
	case ok:
	case a.Row >= 0 && d.person[a.Row] != NoPersonID:
		found = match{person: d.person[a.Row], situation: Linked, by: MatchID}
	default:
		found = r.matcher.byKeys(people, a.Row, names[:3])
	}
	a.Person, a.Situation, a.By = found.person, found.situation, found.by
	r.disputes[n] = found.why
	if a.Person != NoPersonID && people.Deleted[d.people[a.Person].Row] {
		a.Situation = Deleted
	}
}

// count says how many of a feed's accounts match a person, or a row of the source's own directory. The accounts of the
// source are those from first on.
func (r *roster) count(first AccountID, source facts.SourceID, feed facts.Feed, list []AccountID) {
	n := slices.IndexFunc(r.directory.snapshot.Inputs, func(i facts.Input) bool { return i.Source == source && i.Feed == feed })
	if n < 0 {
		return
	}
	seen := make([]bool, len(r.accounts)-int(first))
	for _, a := range list {
		if a == NoAccountID || seen[a-first] {
			continue
		}
		seen[a-first] = true
		r.matched[n].accounts++
		if account := &r.accounts[a]; account.Person != NoPersonID || account.Row >= 0 {
			r.matched[n].matched++
		}
	}
}
