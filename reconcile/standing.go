package reconcile

import (
	"slices"

	"trueup/facts"
)

// standing is where a person stands on the as-of, as far as decisions ask.
type standing struct {
	protected bool // service, shared, resource, break-glass
	away      bool // on leave
	active    bool // status active and nothing speaks against it
	future    bool // has not started yet
	unmapped  bool // the source's status is not known
	starts    facts.Day
	clock     facts.Day // latest of hire, rehire and return from leave; NoDay if none is known
	restarted bool      // the clock started anew by a return or a rehire
	leaving   leaving
	due       facts.Day // end of the grace
	deleted   bool
}

// leaving says what is known of a person's leaving.
type leaving uint8

const (
	stays         leaving = iota
	left                  // gone, grace over
	leftUndated           // gone; nobody says since when
	leftUncertain         // gone by a directory that was not read whole
	inGrace               // gone, grace not over
	contradictory         // there and gone at once
	leftLater             // gone when observed, which was after the as-of
)

func protectedKind(k facts.Kind) bool {
	return k == facts.Service || k == facts.Shared || k == facts.Resource || k == facts.BreakGlass
}

// standingOf reads a person's directory row as of today.
func (d *directory) standingOf(who PersonID, grace func(lastDay facts.Day) facts.Instant) standing {
	s, row := d.snapshot, d.people[who].Row
	p, today := &s.People, d.today
	st := standing{protected: protectedKind(p.Kind[row]) || slices.ContainsFunc(d.extra[who], func(other int32) bool { return protectedKind(p.Kind[other]) }),
		deleted: p.Deleted[row], due: facts.NoDay, starts: p.Hired[row]}
	status, hired, last := p.Status[row], p.Hired[row], p.Left[row]
	st.away = awayOn(today, status, p.LeaveFrom[row], p.LeaveTo[row], last)
	st.future = hired > today || status == facts.Future && !hired.Known()
	st.clock = hired
	if back := p.LeaveTo[row]; back.Known() && back < today && back+1 > st.clock {
		st.clock, st.restarted = back+1, true
	}
	if last.Known() && hired > last {
		st.restarted = true
	}
	st.leaving = d.leavingOf(who, row, &st, grace)
	st.unmapped = status == facts.StatusUnknown && !(st.deleted && st.leaving != stays)
	st.active = status == facts.Active && st.leaving == stays && !st.away && !st.future
	return st
}

// awayOn reports whether somebody is on leave. Dates win over the status; an open-ended leave ends with the last day.
func awayOn(today facts.Day, status facts.Status, from, to, last facts.Day) bool {
	switch {
	case !from.Known() && !to.Known():
		return status == facts.OnLeave
	case !to.Known() && last.Known() && last < today:
		return false
	}
	return from <= today && (!to.Known() || today <= to)
}

// leavingOf decides whether a person has left. A last day in the future, or today, is not yet past.
func (d *directory) leavingOf(who PersonID, row int32, st *standing, grace func(facts.Day) facts.Instant) leaving {
	s := d.snapshot
	p, today := &s.People, d.today
	hired, last, gone := p.Hired[row], p.Left[row], d.gone(row)
	rehired := last.Known() && hired > last
	over := grace(last) // NoInstant without a last day
	switch {
	case d.torn[who]:
		return contradictory
	case gone && rehired:
		return contradictory
	case last >= today, !gone && (!last.Known() || rehired):
		return stays
	case !gone:
		return contradictory
	case over >= s.AsOf:
		st.due = s.Calendar().Day(over)
		return inGrace
	case !d.complete:
		return leftUncertain
	case last.Known():
		return left
	}
	if input, _ := s.Input(p.Source[row], facts.FeedPeople); input != nil && input.Later {
		return leftLater
	}
	return leftUndated
}
