package reconcile

import "trueup/facts"

// byUse decides what is left: by use, by the clock, and by what the signals can prove.
func (d *decider) byUse(row *Row, s *seat, limits thresholds) thresholds {
	if d.person != NoPersonID {
		rule, err := d.policy.ReclaimRule(d.evaluator, d.subject(row, s))
		if err != nil {
			d.fault(err)
			row.give(Unknown, PolicyError)
			return limits
		}
		if limits.rule = rule; rule != nil {
			limits.idle, limits.window = rule.IdleAfter, max(limits.window, rule.NeverUsedAfter)
			row.Rule = d.number(rule.Name)
		}
	}
	used, stale := row.LastUse.Known(), d.stale[s.product]
	switch {
	case used && row.IdleDays <= int32(limits.idle):
		d.byTier(row, limits)
	case d.standing.future && !used:
		row.give(New, FutureStarter)
	case !used && row.Clock.Known() && row.IdleDays <= int32(limits.window)+int32(stale):
		row.give(New, YoungSeat)
	case !used && d.whole(s.product, d.assignedSince(s)):
		limits.since = d.assignedSince(s)
		row.give(NeverUsed, NoUseSinceAssigned)
	case row.IdleDays > int32(limits.idle)+int32(stale) && d.whole(s.product, d.windowStart(s.product, limits)):
		row.give(Idle, IdlePastThreshold)
	default:
		d.unknown(row, s, limits)
	}
	if used && d.standing.restarted && row.Clock > d.days.day(row.LastUse) {
		row.Reasons = row.Reasons.With(ClockRestarted)
	}
	return limits
}

// usedThrough returns the newest use that a seat of p allows beside what counts as use of p: what needs its tier, and
// what it covers and the holder has no seat of. Whoever took the seat would take that too.
func (d *decider) usedThrough(p ProductID) facts.Instant {
	last := facts.NoInstant
	d.eachThrough(p, func(x int) { last = max(last, d.newest(x)) })
	return last
}

// eachThrough calls do for the slots of that use.
func (d *decider) eachThrough(p ProductID, do func(slot int)) {
	if needed := d.meter.needed[p]; needed.from == needed.to && len(d.includes[p]) == 0 {
		return
	}
	each := func(slots span) {
		for x := slots.from; x < slots.to; x++ {
			do(x)
		}
	}
	each(d.meter.needed[p])
	for _, q := range d.includes[p] {
		if d.heldAt[q] != d.epoch {
			each(d.meter.counted[q])
			each(d.meter.needed[q])
		}
	}
}

// newestOf returns the newest use by the present holder over several slots.
func (d *decider) newestOf(slots span) facts.Instant {
	last := facts.NoInstant
	for x := slots.from; x < slots.to; x++ {
		last = max(last, d.newest(x))
	}
	return last
}

// misses reports whether to, instead of p, would not allow what the holder has used in the last days.
func (d *decider) misses(p, to ProductID, last facts.Day) bool {
	for _, q := range d.includes[p] {
		if q == to || d.heldAt[q] == d.epoch || d.catalogue.Covers(to, q) {
			continue
		}
		if d.within(d.meter.counted[q], last) || d.within(d.meter.needed[q], last) {
			return true
		}
	}
	return false
}

// assignedSince returns since when a seat has certainly been there: its assignment, else the hire, before which it could
// not be; never if neither is known.
func (d *decider) assignedSince(s *seat) facts.Instant {
	switch {
	case s.since.Known():
		return s.since
	case d.standing.starts.Known():
		return d.days.start(d.standing.starts)
	}
	return never
}

// windowStart returns from when on the signals must be whole to prove idleness.
func (d *decider) windowStart(p ProductID, limits thresholds) facts.Instant {
	return d.days.start(d.today - facts.Day(limits.idle) - d.stale[p])
}

// whole reports whether every signal that counts for a product covers everything from since on; a product without a
// signal proves nothing.
func (d *decider) whole(p ProductID, since facts.Instant) bool {
	slots := d.meter.counted[p]
	return slots.from < slots.to && since != never && d.allWhole(slots, since)
}

func (d *decider) allWhole(slots span, since facts.Instant) bool {
	for x := slots.from; x < slots.to; x++ {
		if !d.slotWhole(x, since) {
			return false
		}
	}
	return true
}

// slotWhole reports whether one signal covers everything from since on. A state feed does for the accounts that have a
// value, back to the beginning; where a value is absent it is not known whether there was use.
func (d *decider) slotWhole(slot int, since facts.Instant) bool {
	x := &d.meter.slots[slot]
	switch {
	case x.input < 0 || d.coverage.since[x.input] > since:
		return false
	case x.log:
		return true
	}
	return d.newest(slot).Known() && d.absentAt[slot] != d.epoch
}

// byTier decides about a seat in use: whether its tier is the one that the use needs.
func (d *decider) byTier(row *Row, limits thresholds) {
	of := &d.catalogue.Products[row.Product]
	reason := RecentUse
	if d.today-d.days.day(row.LastUse) > facts.Day(limits.idle) {
		reason = ClockRestarted
	}
	row.give(InUse, reason)
	family := d.catalogue.Family(of.Family)
	for n := len(family) - 1; n >= 0; n-- {
		higher := family[n]
		if d.catalogue.Products[higher].Tier > of.Tier && !d.covered(higher) && d.within(d.meter.needed[higher], facts.Day(limits.idle)) {
			row.give(UnderTier, TierNeeded)
			row.To = higher
			return
		}
	}
	slots := d.meter.needed[row.Product]
	last := facts.Day(limits.idle) + max(d.stale[row.Product], d.staleOf(slots))
	if slots.from == slots.to || d.within(slots, last) || !row.Clock.Known() ||
		d.today-row.Clock <= facts.Day(limits.window) || !d.allWhole(slots, d.days.start(d.today-last)) {
		return
	}
	to := d.lowerTier(row.Product, limits)
	if to != NoProductID && d.misses(row.Product, to, last) {
		return
	}
	row.give(OverTier, TierUnneeded)
	row.To = to
}

// covered reports whether the holder has a seat of p or of what covers it.
func (d *decider) covered(p ProductID) bool {
	if d.heldAt[p] == d.epoch {
		return true
	}
	for n := range d.seats {
		if d.catalogue.Covers(d.seats[n].product, p) {
			return true
		}
	}
	return false
}

// within reports whether the holder's newest use over several slots is from the last days.
func (d *decider) within(slots span, last facts.Day) bool {
	at := d.newestOf(slots)
	return at.Known() && d.today-d.days.day(at) <= last
}

// staleOf returns how many days old a value of several slots may be when it is delivered.
func (q *question) staleOf(slots span) facts.Day {
	stale := facts.Day(0)
	for x := slots.from; x < slots.to; x++ {
		if input := q.meter.slots[x].input; input >= 0 {
			stale = max(stale, days(q.snapshot.Inputs[input].Stale))
		}
	}
	return stale
}

// lowerTier returns what a seat above its need comes down to: what the rule says, else the next lower tier of the family.
func (d *decider) lowerTier(p ProductID, limits thresholds) ProductID {
	if limits.rule != nil && limits.rule.Action == Downgrade {
		if to, known := d.catalogue.Lookup(limits.rule.To); known {
			return to
		}
	}
	to := NoProductID
	for _, sibling := range d.catalogue.Family(d.catalogue.Products[p].Family) {
		if d.catalogue.Products[sibling].Tier < d.catalogue.Products[p].Tier {
			to = sibling
		}
	}
	return to
}

// unknown says what is missing.
func (d *decider) unknown(row *Row, s *seat, limits thresholds) {
	row.give(Unknown)
	slots := d.meter.counted[s.product]
	if slots.from == slots.to {
		row.Reasons = row.Reasons.With(NoSignal)
		return
	}
	if !row.Clock.Known() && !row.LastUse.Known() {
		row.Reasons = row.Reasons.With(AssignmentUnknown)
	}
	since := d.windowStart(s.product, limits)
	for x := slots.from; x < slots.to; x++ {
		switch slot := &d.meter.slots[x]; {
		case slot.input < 0:
			row.Reasons = row.Reasons.With(NoSignal)
		case slot.log && !d.snapshot.Inputs[slot.input].Outcomes:
			row.Reasons = row.Reasons.With(OutcomeUntold)
		case !d.slotWhole(x, since):
			row.Reasons = row.Reasons.With(CoverageGap)
		}
	}
	if row.Reasons == 0 { // whole, and yet a value may be older than it looks
		row.Reasons = row.Reasons.With(CoverageGap)
	}
}

// signal writes the row's signals and returns them.
func (d *decider) signal(row *Row, limits thresholds) []Signal {
	to := &d.next.products[row.Product]
	from := to.signal
	row.Signal = from
	since := limits.since
	if !since.Known() {
		since = d.windowStart(row.Product, limits)
	}
	look := func(x int) {
		d.plan.Signals[to.signal] = Signal{Input: d.meter.slots[x].input, Last: d.newest(x), Complete: d.slotWhole(x, since)}
		to.signal++
	}
	for x := d.meter.counted[row.Product].from; x < d.meter.counted[row.Product].to; x++ {
		look(x)
	}
	if row.Held {
		d.eachSignalThrough(row.Product, look)
	}
	return d.plan.Signals[from:to.signal]
}

// eachSignalThrough calls do for the slots of use that a seat of p allows beside what counts for p, where that use is
// newer: it is then a signal of the seat as well.
func (d *decider) eachSignalThrough(p ProductID, do func(slot int)) {
	own := d.newestOf(d.meter.counted[p])
	d.eachThrough(p, func(x int) {
		if d.newest(x) > own {
			do(x)
		}
	})
}

// call sets what the verdict calls for.
func (d *decider) call(row *Row, rule *ReclaimRule) {
	switch row.Verdict {
	case Disputed, Orphan, UnlicensedUse:
		row.Kind = Review
	case Leaver:
		row.Kind = d.policy.Leaver.Action
	case Expired:
		row.Kind = d.policy.Expired.Action
	case NotEntitled, Duplicate:
		row.Kind = Revoke
	case UnderTier:
		row.Kind = Upgrade
	case Missing:
		row.Kind = Issue
	case OverTier:
		row.Kind = Downgrade
		if row.To == NoProductID || rule != nil && (rule.Action == Keep || rule.Action == Review) {
			row.Kind, row.To = Review, NoProductID
		}
	case NeverUsed, Idle:
		d.callUnused(row, rule)
	}
}

// callUnused: without a rule a person looks at it; a rule that says keep or review says so for seats never used as well;
// a downgrade is for seats that were used.
func (d *decider) callUnused(row *Row, rule *ReclaimRule) {
	switch {
	case rule == nil:
		row.Kind = Review
	case rule.Action == Downgrade && row.Verdict == Idle:
		to, known := d.catalogue.Lookup(rule.To)
		if row.Kind, row.To = Downgrade, to; !known {
			row.Kind = Review
		}
	case rule.Action == Downgrade:
		row.Kind = Revoke
	default:
		row.Kind = rule.Action
	}
}
