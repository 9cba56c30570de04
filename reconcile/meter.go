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

func (m *meter) add(c combo) int32 {
	if len(c.slots) == 0 {
		return -1
	}
	m.combos = append(m.combos, c)
	return int32(len(m.combos) - 1)
}

// each calls do for every sign-in that counts for something, and every last sign-in of a state feed that does; one whose
// value is absent, or later than the as-of, has no instant.
func (m *meter) each(r *roster, do func(use)) {
	s := m.snapshot
	for n, combo := range m.signIn {
		if combo >= 0 && s.SignIns.Last[n] <= s.AsOf {
			do(use{r.signIns[n], combo, s.SignIns.Last[n]})
		}
	}
	for n, a := range r.rows {
		combo := m.state[s.People.Source[n]]
		if combo < 0 || a == NoAccountID {
			continue
		}
		last := s.People.LastSignIn[n]
		if last > s.AsOf {
			last = facts.NoInstant
		}
		do(use{a, combo, last})
	}
}
