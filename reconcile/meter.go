package reconcile

import (
	"maps"
	"slices"

	"trueup/facts"
)

// gauge is one source of activity of one product: where use is looked for, and what counts.
type gauge struct {
	product  ProductID
	source   facts.SourceID
	input    int32 // of the sign-in log, else of the people feed with a last sign-in; -1 if neither was read
	log      bool  // the input is a log
	applied  bool  // only some applications count
	modes    [3]bool
	programs []name
}

// meter knows which sign-ins count for which products.
type meter struct {
	snapshot *facts.Snapshot
	fold     *folding
	slots    []gauge
	counted  []span // by product: slots of its activity
	needed   []span // by product: slots of the use that needs its tier
	combos   []combo
	signIn   []int32 // by row of Snapshot.SignIns: index of its combination; -1 counts for nothing
	state    []int32 // by source: combination of its last-sign-in values; -1
}

// combo lists the slots for which one combination of source, application and mode counts.
type combo struct {
	slots []int32
	state bool // a value of a state feed: where it is absent, nothing is known
}

func newMeter(s *facts.Snapshot, fold *folding, c *Catalogue) *meter {
	m := &meter{snapshot: s, fold: fold, signIn: make([]int32, s.SignIns.Len()), state: make([]int32, len(s.Sources))}
	for n := range c.Products {
		p := &c.Products[n]
		m.counted = append(m.counted, m.addSlots(ProductID(n), p.Activity))
		m.needed = append(m.needed, m.addSlots(ProductID(n), p.Needs))
	}
	for n := range s.Sources {
		m.read(facts.SourceID(n))
	}
	return m
}

func (m *meter) addSlots(p ProductID, definition map[string]Activity) span {
	from := len(m.slots)
	for _, source := range slices.Sorted(maps.Keys(definition)) {
		activity := definition[source]
		x := gauge{product: p, input: -1, applied: len(activity.Applications) > 0}
		id, known := m.snapshot.SourceNamed(source)
		if x.source = id; !known {
			m.slots = append(m.slots, x)
			continue
		}
		for _, application := range activity.Applications {
			x.programs = append(x.programs, m.fold.configured(application))
		}
		for mode := range x.modes {
			x.modes[mode] = len(activity.Events) == 0 || mode == int(facts.ModeUnknown) ||
				slices.Contains(activity.Events, facts.Mode(mode).String())
		}
		m.find(&x)
		m.slots = append(m.slots, x)
	}
	return span{from, len(m.slots)}
}

// find looks for the feed that a slot reads: the log, else the directory's last sign-in where any application counts.
func (m *meter) find(x *gauge) {
	for n := range m.snapshot.Inputs {
		input := &m.snapshot.Inputs[n]
		switch {
		case input.Source != x.source:
		case input.Feed == facts.FeedSignIns:
			x.input, x.log = int32(n), true
		case input.Feed == facts.FeedPeople && !x.log && !x.applied:
			x.input = int32(n)
		}
	}
}

// read finds the combination of each sign-in of a source, and of its state feed.
func (m *meter) read(source facts.SourceID) {
	rows := rowsOf(m.snapshot.SignIns.Source, source)
	known := map[name][3]int32{}
	counts := false
	if input, ok := m.snapshot.Input(source, facts.FeedSignIns); ok {
		counts = input.Outcomes
	}
	lastApplication, last := facts.Sym(0), [3]int32{-1, -1, -1}
	for n := rows.from; n < rows.to; n++ {
		if m.signIn[n] = -1; !counts {
			continue
		}
		if application := m.snapshot.SignIns.Application[n]; n == rows.from || application != lastApplication {
			id := m.fold.of(application)
			found, ok := known[id]
			if !ok {
				found = m.combine(source, id)
				known[id] = found
			}
			lastApplication, last = application, found
		}
		m.signIn[n] = last[m.snapshot.SignIns.Mode[n]]
	}
	m.state[source] = m.add(combo{state: true, slots: m.fitting(func(x *gauge) bool { return x.source == source && x.input >= 0 && !x.applied })})
}

func (m *meter) combine(source facts.SourceID, application name) [3]int32 {
	var of [3]int32
	for mode := range of {
		of[mode] = m.add(combo{slots: m.fitting(func(x *gauge) bool {
			return x.input >= 0 && x.log && x.source == source && x.modes[mode] && (!x.applied || slices.Contains(x.programs, application))
		})})
	}
	return of
}

func (m *meter) fitting(fits func(*gauge) bool) []int32 {
	var list []int32
	for n := range m.slots {
		if fits(&m.slots[n]) {
			list = append(list, int32(n))
		}
	}
	return list
}

// add returns the number of a combination; -1 of one that counts for nothing.
func (m *meter) add(c combo) int32 {
	if len(c.slots) == 0 {
		return -1
	}
	same := func(other combo) bool { return other.state == c.state && slices.Equal(other.slots, c.slots) }
	if n := slices.IndexFunc(m.combos, same); n >= 0 {
		return int32(n)
	}
	m.combos = append(m.combos, c)
	return int32(len(m.combos) - 1)
}

// A use is one rolled-up sign-in, or one value of a state feed. Its number is its row in Snapshot.SignIns, or, behind
// those, in Snapshot.People.

// counts returns whose a use is and for which combination it counts, or that it counts for nothing.
func (m *meter) counts(r *roster, use int) (a AccountID, combo int, ok bool) {
	s := m.snapshot
	if use < len(m.signIn) {
		combo := m.signIn[use]
		return r.signIns[use], int(combo), combo >= 0 && s.SignIns.Last[use] <= s.AsOf
	}
	row := use - len(m.signIn)
	a, combo = r.rows[row], int(m.state[s.People.Source[row]])
	return a, combo, a != NoAccountID && combo >= 0
}

// account returns whose a use is.
func (m *meter) account(r *roster, use int) AccountID {
	if use < len(m.signIn) {
		return r.signIns[use]
	}
	return r.rows[use-len(m.signIn)]
}

// last returns when a use was; NoInstant where a state feed has no value for the account, or one later than the as-of.
func (m *meter) last(use int) facts.Instant {
	s := m.snapshot
	if use < len(m.signIn) {
		return s.SignIns.Last[use]
	}
	if last := s.People.LastSignIn[use-len(m.signIn)]; last <= s.AsOf {
		return last
	}
	return facts.NoInstant
}
