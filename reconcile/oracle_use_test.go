package reconcile

import (
	"maps"
	"slices"
	"time"

	"trueup/facts"
)

// signal is what one source of a product's activity can prove by its silence.
type silence struct {
	read   bool
	untold bool
	since  facts.Day // whole from this day to the end
	whole  bool
	stale  int // days that a value may be old
}

// byUse is the part of the table that rests on use.
func (w *oracle) byUse(h *holder, s *heldSeat, j *judgement) {
	rule, failed := w.reclaim(h, s.product)
	if failed {
		j.say(Unknown, Keep, PolicyError)
		return
	}
	after, young := 90, int(s.product.ActivationWindow)
	stale := 0
	for _, x := range w.silences(h, s.product.Activity) {
		stale = max(stale, x.stale)
	}
	if rule != nil {
		after, young = int(rule.IdleAfter), max(young, int(rule.NeverUsedAfter))
	}
	use := w.allowed(h, h.accounts, s.product)
	if !use.IsZero() && j.idle <= after {
		w.inUse(h, s, j, rule, after, young, use)
		w.restarted(h, j, use)
		return
	}
	if use.IsZero() {
		if h.person != nil && w.notStarted(h.person.row()) {
			j.say(New, Keep, FutureStarter)
			return
		}
		if j.clock.Known() && int(w.today-j.clock) <= young+stale {
			j.say(New, Keep, YoungSeat)
			return
		}
	}
	w.silent(h, s, j, rule, after, stale, use)
	w.restarted(h, j, use)
}

// restarted notes that the use is from before a return from leave or a rehire.
func (w *oracle) restarted(h *holder, j *judgement, use time.Time) {
	if h.person == nil || use.IsZero() || w.dayOf(use) >= j.clock {
		return
	}
	r := h.person.row()
	back := r.LeaveTo.Known() && r.LeaveTo < w.today && r.LeaveTo >= r.Hired
	if back || r.Left.Known() && r.Hired > r.Left {
		j.reasons = j.reasons.With(ClockRestarted)
	}
}

func (w *oracle) notStarted(r directoryRow) bool {
	if r.Hired.Known() {
		return r.Hired > w.today
	}
	return r.Status == facts.Future
}

func (w *oracle) reclaim(h *holder, product *Product) (*ReclaimRule, bool) {
	if h.person == nil {
		return nil, false
	}
	for _, level := range mostSpecific(product, w.policy.Reclaim, func(r *ReclaimRule) string { return r.Product }) {
		for _, rule := range level {
			switch yes, failed := w.holds(rule.When, h); {
			case failed:
				return nil, true
			case yes:
				return rule, false
			}
		}
	}
	return nil, false
}

// inUse decides between the tiers of what is in use.
func (w *oracle) inUse(h *holder, s *heldSeat, j *judgement, rule *ReclaimRule, after, young int, use time.Time) {
	if w.within(use, after) {
		j.reasons = j.reasons.With(RecentUse)
	} else {
		j.reasons = j.reasons.With(ClockRestarted)
	}
	var needed *Product
	for k := range w.catalogue.Products {
		higher := &w.catalogue.Products[k]
		if higher.Family == "" || higher.Family != s.product.Family || higher.Tier <= s.product.Tier || needed != nil && needed.Tier >= higher.Tier {
			continue
		}
		holds := w.held(h, func(p *Product) bool { return p == higher || w.covers(p, higher) })
		if w.within(w.newest(h.accounts, higher.Needs), after) && len(holds) == 0 {
			needed = higher
		}
	}
	if needed != nil {
		j.say(UnderTier, Upgrade, TierNeeded)
		j.to = needed.ID
		return
	}
	to, over := w.lower(h, s, j, rule, after, young)
	switch {
	case !over:
		j.say(InUse, Keep)
	case to == nil || rule != nil && (rule.Action == Keep || rule.Action == Review):
		j.say(OverTier, Review, TierUnneeded)
	default:
		j.say(OverTier, Downgrade, TierUnneeded)
		j.to = to.ID
	}
}

// within reports whether a use is at most so many days old.
func (w *oracle) within(use time.Time, days int) bool {
	return !use.IsZero() && int(w.today-w.dayOf(use)) <= days
}

// lower says whether the tier is higher than the use needs, and which would do; nil if there is none.
func (w *oracle) lower(h *holder, s *heldSeat, j *judgement, rule *ReclaimRule, after, young int) (*Product, bool) {
	if len(s.product.Needs) == 0 || !j.clock.Known() || int(w.today-j.clock) <= young {
		return nil, false
	}
	last := after
	for _, x := range append(w.silences(h, s.product.Needs), w.silences(h, s.product.Activity)...) {
		last = max(last, after+x.stale)
	}
	for _, x := range w.silences(h, s.product.Needs) {
		if !x.whole || x.since > w.today-facts.Day(last) {
			return nil, false
		}
	}
	if w.within(w.newest(h.accounts, s.product.Needs), last) {
		return nil, false
	}
	var to *Product
	for k := range w.catalogue.Products {
		other := &w.catalogue.Products[k]
		if other.Family != "" && other.Family == s.product.Family && other.Tier < s.product.Tier && (to == nil || other.Tier > to.Tier) {
			to = other
		}
	}
	for k := range w.catalogue.Products {
		if rule != nil && rule.Action == Downgrade && rule.To == w.catalogue.Products[k].ID {
			to = &w.catalogue.Products[k]
		}
	}
	if to == nil {
		return nil, true
	}
	for k := range w.catalogue.Products {
		covered := &w.catalogue.Products[k]
		if w.covers(s.product, covered) && covered != to && !w.covers(to, covered) &&
			len(w.held(h, func(p *Product) bool { return p == covered })) == 0 &&
			(w.within(w.newest(h.accounts, covered.Activity), last) || w.within(w.newest(h.accounts, covered.Needs), last)) {
			return nil, false
		}
	}
	return to, true
}

// silent decides about a seat without use within its threshold.
func (w *oracle) silent(h *holder, s *heldSeat, j *judgement, rule *ReclaimRule, after, stale int, use time.Time) {
	list := w.silences(h, s.product.Activity)
	since, known := w.assignedSince(h, s)
	never, idle := use.IsZero() && known, len(list) > 0
	for _, x := range list {
		never = never && x.whole && x.since <= since
		idle = idle && x.whole && x.since <= w.today-facts.Day(after+stale)
	}
	switch {
	case never && len(list) > 0:
		kind := Review
		if rule != nil && (rule.Action == Revoke || rule.Action == Downgrade) {
			kind = Revoke
		} else if rule != nil {
			kind = rule.Action
		}
		j.say(NeverUsed, kind, NoUseSinceAssigned)
	case idle && j.idle > after+stale:
		kind := Review
		if rule != nil {
			kind = rule.Action
			j.to = rule.To
		}
		j.say(Idle, kind, IdlePastThreshold)
	default:
		j.say(Unknown, Keep, w.missing(j, list, after+stale, use)...)
	}
}

// missing says what would be needed to decide.
func (w *oracle) missing(j *judgement, list []silence, window int, use time.Time) []Reason {
	if len(list) == 0 {
		return []Reason{NoSignal}
	}
	var reasons []Reason
	if !j.clock.Known() && use.IsZero() {
		reasons = append(reasons, AssignmentUnknown)
	}
	for _, x := range list {
		switch {
		case !x.read:
			reasons = append(reasons, NoSignal)
		case x.untold:
			reasons = append(reasons, OutcomeUntold)
		case !x.whole || x.since > w.today-facts.Day(window):
			reasons = append(reasons, CoverageGap)
		}
	}
	if len(reasons) == 0 {
		reasons = append(reasons, CoverageGap)
	}
	return reasons
}

// assignedSince is the day since which a seat can have been used: the earliest path's, or the hire if one has no date.
func (w *oracle) assignedSince(h *holder, s *heldSeat) (facts.Day, bool) {
	earliest, undated := facts.NoDay, false
	for _, p := range s.paths {
		if !p.Assigned.Known() {
			undated = true
			continue
		}
		if d := w.dayOf(p.Assigned.Time()); !earliest.Known() || d < earliest {
			earliest = d
		}
	}
	if undated {
		if h.person == nil || !h.person.row().Hired.Known() {
			return facts.NoDay, false
		}
		return h.person.row().Hired, true
	}
	return earliest, true
}

// silences says of each source of an activity definition what its silence proves about a holder.
func (w *oracle) silences(h *holder, activity map[string]Activity) []silence {
	var list []silence
	for _, source := range slices.Sorted(maps.Keys(activity)) {
		if w.feed(source, facts.FeedSignIns) != nil {
			list = append(list, w.log(source))
			continue
		}
		if len(activity[source].Applications) == 0 && w.feed(source, facts.FeedPeople) != nil {
			list = append(list, w.state(h, source))
			continue
		}
		list = append(list, silence{})
	}
	return list
}

// state is a directory that keeps each account's last sign-in.
func (w *oracle) state(h *holder, source string) silence {
	f := w.feed(source, facts.FeedPeople)
	x := silence{read: true, stale: daysOf(f.Stale), since: facts.NoDay}
	if !w.whole(source, facts.FeedPeople) {
		return x
	}
	found := false
	for _, a := range h.accounts {
		if a.source != source {
			continue
		}
		found = true
		if a.row == nil || !a.row.LastSignIn.Known() {
			return x
		}
	}
	x.whole = found
	return x
}

func daysOf(d time.Duration) int { return int((d + 24*time.Hour - 1) / (24 * time.Hour)) }

// log is a log of sign-ins: whole since the day after its last gap, if nothing else is wrong with it.
func (w *oracle) log(source string) silence {
	f := w.feed(source, facts.FeedSignIns)
	x := silence{read: true, untold: !f.Outcomes, stale: daysOf(f.Stale)}
	from, to := f.From, f.To
	if !from.Known() {
		from = f.Daily.First
	}
	if !to.Known() {
		to = f.Daily.Last
	}
	lag := f.Lag
	if lag == 0 {
		lag = 36 * time.Hour
	}
	if !w.whole(source, facts.FeedSignIns) || !f.Outcomes || !from.Known() || !f.Daily.First.Known() ||
		f.Rejected*100 > f.Rows || to.Time().Before(w.asOf.Add(-lag)) {
		return x
	}
	if w.feed(source, facts.FeedPeople) != nil && !w.whole(source, facts.FeedPeople) {
		return x
	}
	if !slices.ContainsFunc(w.accounts, func(a *principal) bool {
		return (a.person != nil || a.row != nil) && slices.ContainsFunc(w.o.signIns[source], func(e facts.SignIn) bool { return e.Success && w.same(string(e.Account), a.id) && a.source == source })
	}) {
		return x
	}
	x.whole, x.since = true, w.dayOf(from.Time())
	last := min(w.dayOf(to.Time()), w.today-1) // today is not over
	gaps := map[facts.Day]bool{}
	first := x.since
	for d := first; d <= last; d++ {
		if f.Daily.On(d) > 0 || w.closed(d) {
			continue
		}
		var events []int
		for other := d - 7; other >= first && len(events) < 12; other -= 7 {
			if !gaps[other] && !w.closed(other) {
				events = append(events, int(f.Daily.On(other)))
			}
		}
		for other := d + 7; other <= last && len(events) < 12; other += 7 {
			if !w.closed(other) {
				events = append(events, int(f.Daily.On(other)))
			}
		}
		slices.Sort(events)
		if n := len(events); n > 0 && events[n/2] >= 10 {
			gaps[d] = true
			x.since = d + 1
		}
	}
	return x
}

func (w *oracle) closed(d facts.Day) bool {
	return slices.ContainsFunc(w.o.closures, func(c Closure) bool { return c.From <= d && d <= c.To })
}
