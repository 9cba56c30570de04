package reconcile

import (
	"cmp"
	"slices"

	"trueup/facts"
)

// directory is who there is by the authoritative sources' word, and by which keys they can be recognised.
type directory struct {
	snapshot *facts.Snapshot
	today    facts.Day
	fold     *folding
	complete bool // every authoritative source was read whole

	people []Person
	extra  map[PersonID][]int32 // directory rows of a person of several rows; once settled, the one that describes them first
	torn   map[PersonID]bool    // people whose rows contradict each other
	split  []PersonID           // people of a later source whose keys point to several people of an earlier one
	person []PersonID           // by row of Snapshot.People; NoPersonID for rows that are not authoritative
	rank   []int8               // by source: place among the authoritative ones; -1 for others

	ids       keyIndex // by id, over all authoritative sources; for the operator's mapping
	employees keyIndex
	emails    keyIndex
	aliases   keyIndex
}

// keyIndex finds people by the name of one of their keys. Most keys belong to one person: their number plus one stands
// in first; of several the list stands in more, and first holds its number below zero.
type keyIndex struct {
	first []int32
	more  [][]PersonID
}

func newKeyIndex(names int) keyIndex { return keyIndex{first: make([]int32, names)} }

func (x *keyIndex) add(key name, p PersonID) {
	if key == 0 {
		return
	}
	switch have := x.first[key]; {
	case have == 0:
		x.first[key] = int32(p) + 1
	case have > 0 && PersonID(have-1) != p:
		x.more = append(x.more, []PersonID{PersonID(have - 1), p})
		x.first[key] = -int32(len(x.more))
	case have < 0:
		if list := &x.more[-have-1]; (*list)[len(*list)-1] != p {
			*list = append(*list, p)
		}
	}
}

// at returns the one person with a key, or else the list of several; NoPersonID and nil if there is nobody.
func (x *keyIndex) at(key name) (PersonID, []PersonID) {
	if key <= 0 {
		return NoPersonID, nil
	}
	switch n := x.first[key]; {
	case n > 0:
		return PersonID(n - 1), nil
	case n < 0:
		return NoPersonID, x.more[-n-1]
	}
	return NoPersonID, nil
}

// sort puts the lists of people in order, each person once.
func (x *keyIndex) sort() {
	for n, list := range x.more {
		slices.Sort(list)
		x.more[n] = slices.Compact(list)
	}
}

// newDirectory reads the people of the authoritative sources. A row of a later source that matches one person of an
// earlier one by the configured keys describes that person; any other row is a person of its own.
func newDirectory(s *facts.Snapshot, fold *folding, identity *Identity) *directory {
	d := &directory{snapshot: s, today: s.Today(), fold: fold, complete: len(identity.Authoritative) > 0,
		extra: map[PersonID][]int32{}, torn: map[PersonID]bool{}, person: make([]PersonID, s.People.Len()),
		rank: make([]int8, len(s.Sources)), ids: newKeyIndex(fold.len()), employees: newKeyIndex(fold.len()),
		emails: newKeyIndex(fold.len()), aliases: newKeyIndex(fold.len())}
	for n := range d.person {
		d.person[n] = NoPersonID
	}
	for n := range d.rank {
		d.rank[n] = -1
	}
	matcher := newMatcher(d, identity)
	for place, source := range identity.Authoritative {
		id, known := s.SourceNamed(source)
		if !known || d.rank[id] >= 0 {
			d.complete = d.complete && known
			continue
		}
		d.rank[id] = int8(place)
		input, read := s.Input(id, facts.FeedPeople)
		d.complete = d.complete && read && wholeFeed(s, input)
		d.absorb(matcher, rowsOf(s.People.Source, id))
	}
	for p := range d.extra {
		d.settle(p)
	}
	return d
}

// wholeFeed reports whether a feed was read whole. People or seats without a single record are not believed: a source
// that answers with nothing is as a rule a source that is broken.
func wholeFeed(s *facts.Snapshot, input *facts.Input) bool {
	switch input.Feed {
	case facts.FeedPeople:
		return input.Complete && rowsOf(s.People.Source, input.Source).some()
	case facts.FeedSeats:
		return input.Complete && rowsOf(s.Seats.Source, input.Source).some()
	case facts.FeedSignIns:
		return input.Complete && input.Daily.First.Known() && !refusedMany(input)
	}
	return input.Complete
}

// refusedMany reports whether so many of a log's records were refused, more than one in a hundred, that somebody's use may
// be among them: say if a word for success is not mapped.
func refusedMany(input *facts.Input) bool {
	return input.Feed == facts.FeedSignIns && input.Rejected*100 > input.Rows
}

// rowsOf returns the range of rows that a source contributed to a column; [facts.Freeze] keeps them together, in
// ascending order of sources.
func rowsOf(column []facts.SourceID, id facts.SourceID) span {
	from, _ := slices.BinarySearch(column, id)
	to, _ := slices.BinarySearch(column, id+1)
	return span{from, to}
}

// span is a range of rows, the end not included.
type span struct{ from, to int }

func (x span) some() bool { return x.from < x.to }

func (d *directory) absorb(m *matcher, rows span) {
	p := &d.snapshot.People
	known := make([]PersonID, d.fold.len()) // by id, within this source; plus one
	earlier := len(d.people)
	for n := rows.from; n < rows.to; n++ {
		id := d.fold.of(p.ID[n])
		who, same := known[id]-1, known[id] > 0
		if !same && earlier > 0 {
			match := m.byKeys(p, int32(n), nil)
			switch {
			case match.person != NoPersonID:
				who, same = match.person, true
			case match.situation == SituationDisputed:
				d.split = append(d.split, PersonID(len(d.people)))
			}
		}
		if same {
			d.extra[who] = append(d.extra[who], int32(n))
		} else {
			who = PersonID(len(d.people))
			d.people = append(d.people, Person{ID: p.ID[n], Row: int32(n)})
		}
		known[id], d.person[n] = who+1, who
	}
	numbered := slices.ContainsFunc(p.EmployeeID[rows.from:rows.to], func(id facts.Sym) bool { return id != 0 })
	for n := rows.from; n < rows.to; n++ {
		d.index(int32(n), numbered)
	}
	for _, x := range []*keyIndex{&d.ids, &d.employees, &d.emails, &d.aliases} {
		x.sort()
	}
}

// index makes a person findable by the keys of one of their rows. A directory that is not numbered, which keeps no
// employee ids, is as a rule one whose ids they are.
func (d *directory) index(row int32, numbered bool) {
	p, who := &d.snapshot.People, d.person[row]
	d.ids.add(d.fold.of(p.ID[row]), who)
	employee := p.EmployeeID[row]
	if !numbered {
		employee = p.ID[row]
	}
	d.employees.add(d.fold.of(employee), who)
	d.emails.add(d.fold.of(p.Email[row]), who)
	for _, alias := range p.Aliases.At(int(row)) {
		d.aliases.add(d.fold.of(alias), who)
	}
}

// settle chooses, among several rows of one person, the one that describes them: of those who are there before those who
// have left, the one hired last. It is a contradiction if one row says that they left, another that they are there, and
// no later hire explains it.
func (d *directory) settle(who PersonID) {
	rows := append([]int32{d.people[who].Row}, d.extra[who]...)
	slices.SortFunc(rows, d.compare)
	p := &d.snapshot.People
	best := rows[0]
	d.people[who].Row, d.people[who].ID = best, p.ID[best]
	d.extra[who] = rows
	for _, other := range rows[1:] {
		if !d.gone(best) && d.gone(other) && (!p.Left[other].Known() || !p.Hired[best].Known() || p.Hired[best] <= p.Left[other]) {
			d.torn[who] = true
		}
	}
}

func (d *directory) gone(row int32) bool {
	return d.snapshot.People.Deleted[row] || d.snapshot.People.Status[row] == facts.Leaver
}

// compare orders rows of one person by how well they describe them, the best first, whatever the order of the files.
func (d *directory) compare(a, b int32) int {
	p, text := &d.snapshot.People, d.snapshot.Strings.Text
	gone := func(row int32) int {
		if d.gone(row) {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(gone(a), gone(b)), cmp.Compare(p.Hired[b], p.Hired[a]),
		cmp.Compare(d.rank[p.Source[a]], d.rank[p.Source[b]]), cmp.Compare(p.Left[b], p.Left[a]),
		cmp.Compare(text(p.ID[a]), text(p.ID[b])), cmp.Compare(p.Status[a], p.Status[b]),
		cmp.Compare(p.Kind[a], p.Kind[b]), cmp.Compare(text(p.Email[a]), text(p.Email[b])),
		cmp.Compare(p.LeaveTo[b], p.LeaveTo[a]), cmp.Compare(text(p.Department[a]), text(p.Department[b])),
		d.compareRest(a, b))
}

// compareRest orders rows that describe a person equally well, so that the choice hangs on what they say and not on where
// they stand.
func (d *directory) compareRest(a, b int32) int {
	p, text := &d.snapshot.People, d.snapshot.Strings.Text
	for _, column := range [][]facts.Sym{p.EmployeeID, p.CostCentre, p.Manager, p.Role, p.Name} {
		if c := cmp.Compare(text(column[a]), text(column[b])); c != 0 {
			return c
		}
	}
	deleted := func(row int32) int {
		if p.Deleted[row] {
			return 0
		}
		return 1
	}
	lists := func(l *facts.Lists) int {
		return slices.CompareFunc(l.At(int(a)), l.At(int(b)), func(x, y facts.Sym) int { return cmp.Compare(text(x), text(y)) })
	}
	return cmp.Or(cmp.Compare(p.LeaveFrom[a], p.LeaveFrom[b]), cmp.Compare(p.LastSignIn[b], p.LastSignIn[a]),
		cmp.Compare(deleted(a), deleted(b)), lists(&p.Aliases), lists(&p.Groups))
}
