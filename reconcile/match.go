package reconcile

import (
	"slices"

	"trueup/facts"
)

// matcher recognises people by keys.
type matcher struct {
	directory *directory
	order     []MatchKey
	mapping   map[name][]mapped  // by the account as the operator names it
	used      []bool             // by index of Identity.Mapping
	contested map[PersonID]bool  // people to whom a disputed account may belong
	listed    map[*PersonID]bool // lists of people already in contested, by their first
}

// mapped is the operator's word about an account.
type mapped struct {
	source int // -1: any
	person name
	index  int
}

func newMatcher(d *directory, identity *Identity) *matcher {
	m := &matcher{directory: d, order: identity.Keys(), mapping: map[name][]mapped{}, used: make([]bool, len(identity.Mapping)),
		contested: map[PersonID]bool{}, listed: map[*PersonID]bool{}}
	for n, entry := range identity.Mapping {
		to := mapped{source: -1, person: d.fold.configured(entry.Person), index: n}
		if entry.Source != "" {
			source, known := d.snapshot.SourceNamed(entry.Source)
			if !known {
				continue
			}
			to.source = int(source)
		}
		if account := d.fold.configured(entry.Account); account != noName {
			m.mapping[account] = append(m.mapping[account], to)
		}
	}
	return m
}

// match is what the keys of an account come to.
type match struct {
	person    PersonID
	situation Situation
	by        MatchKey
	why       Reason // of a dispute
}

// candidates narrow down to one person, key by key. The first key that anybody has gives the candidates; each further
// key that anybody has keeps those who have it too. If nobody is left the keys contradict each other.
type candidates struct {
	one          PersonID
	many         []PersonID
	by           MatchKey
	contradicted bool
	others       []PersonID   // whom else single keys name, once they contradict
	seen         [][]PersonID // the people of each key that several have
}

func (c *candidates) narrow(by MatchKey, one PersonID, many []PersonID) {
	if many != nil {
		c.seen = append(c.seen, many)
	}
	switch {
	case one == NoPersonID && many == nil || c.contradicted:
	case c.by == MatchNone:
		c.one, c.many, c.by = one, many, by
	case c.one != NoPersonID && one != NoPersonID:
		c.contradicted = c.one != one
	case c.one != NoPersonID:
		c.contradicted = !contains(many, c.one)
	case one != NoPersonID:
		if c.contradicted = !contains(c.many, one); !c.contradicted {
			c.one, c.many = one, nil
		}
	case &c.many[0] != &many[0]:
		c.intersect(many)
	}
	if c.contradicted && one != NoPersonID {
		c.others = append(c.others, one)
	}
}

// contains looks into the sorted list of a key.
func contains(people []PersonID, p PersonID) bool {
	_, found := slices.BinarySearch(people, p)
	return found
}

func (c *candidates) intersect(many []PersonID) {
	var both []PersonID
	for _, p := range c.many {
		if contains(many, p) {
			both = append(both, p)
		}
	}
	switch len(both) {
	case 0:
		c.contradicted = true
	case 1:
		c.one, c.many = both[0], nil
	default:
		c.many = both
	}
}

// byMapping applies the operator's word to an account by any of its names.
func (m *matcher) byMapping(source facts.SourceID, names []name) (match, bool) {
	for _, n := range names {
		for _, to := range m.mapping[n] {
			if to.source >= 0 && to.source != int(source) {
				continue
			}
			m.used[to.index] = true
			one, many := m.directory.ids.at(to.person)
			switch {
			case one != NoPersonID:
				return match{person: one, situation: Linked, by: MatchMapping}, true
			case many != nil:
				m.contest(NoPersonID, many)
				return match{person: NoPersonID, situation: SituationDisputed, why: SeveralPersons}, true
			}
			return m.conclude(&candidates{one: NoPersonID}), true // mapped to nobody: no key may say otherwise
		}
	}
	return match{}, false
}

// byKeys matches a row of the directory, -1 for none, and further names of the same account (its id, its logins).
func (m *matcher) byKeys(p *facts.SourcedPeople, row int32, names []name) match {
	c := candidates{one: NoPersonID}
	d, of := m.directory, m.directory.fold.of
	for _, key := range m.order {
		switch key {
		case MatchEmployeeID:
			if row >= 0 {
				m.narrow(&c, key, &d.employees, of(p.EmployeeID[row]))
			}
		case MatchEmail, MatchAlias:
			index := &d.emails
			if key == MatchAlias {
				index = &d.aliases
			}
			for _, n := range names {
				m.narrow(&c, key, index, n)
			}
			if row < 0 {
				continue
			}
			m.narrow(&c, key, index, of(p.Email[row]))
			if key == MatchAlias {
				for _, alias := range p.Aliases.At(int(row)) {
					m.narrow(&c, key, &d.emails, of(alias))
					m.narrow(&c, key, index, of(alias))
				}
			}
		}
	}
	return m.conclude(&c)
}

func (m *matcher) narrow(c *candidates, by MatchKey, index *keyIndex, key name) {
	one, many := index.at(key)
	c.narrow(by, one, many)
}

func (m *matcher) conclude(c *candidates) match {
	switch {
	case c.contradicted:
		m.contest(c.one, nil)
		for _, other := range c.others {
			m.contest(other, nil)
		}
		for _, many := range c.seen {
			m.contest(NoPersonID, many)
		}
		return match{person: NoPersonID, situation: SituationDisputed, why: KeyContradiction}
	case c.by == MatchNone && m.directory.complete:
		return match{person: NoPersonID, situation: Unlinked}
	case c.by == MatchNone:
		return match{person: NoPersonID, situation: Unmatched}
	case c.one == NoPersonID:
		m.contest(NoPersonID, c.many)
		return match{person: NoPersonID, situation: SituationDisputed, why: SeveralPersons}
	}
	if n := slices.IndexFunc(c.seen, func(many []PersonID) bool { return m.passedOver(c.one, many) }); n >= 0 {
		m.contest(c.one, c.seen[n])
		return match{person: NoPersonID, situation: SituationDisputed, why: SeveralPersons}
	}
	return match{person: c.one, situation: Linked, by: c.by}
}

// passedOver reports whether somebody who has left was preferred to somebody who is there and has one of the keys: it may be
// the same human, back under a new number.
func (m *matcher) passedOver(one PersonID, many []PersonID) bool {
	there := func(p PersonID) bool { return !m.directory.gone(m.directory.people[p].Row) }
	return !there(one) && slices.ContainsFunc(many, there)
}

// contest notes to whom a disputed account may belong.
func (m *matcher) contest(one PersonID, many []PersonID) {
	if one != NoPersonID {
		m.contested[one] = true
	}
	if len(many) == 0 || m.listed[&many[0]] {
		return
	}
	m.listed[&many[0]] = true
	for _, p := range many {
		m.contested[p] = true
	}
}
