package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"trueup/facts"
)

// holder is whoever holds seats: a person, or the accounts of one name that nobody is linked to.
type holder struct {
	name     string
	person   *somebody
	accounts []*principal
}

func (w *oracle) holders() []*holder {
	var list []*holder
	for _, p := range w.persons {
		h := &holder{name: p.row().ID, person: p}
		for _, a := range w.accounts {
			if a.person == p {
				h.accounts = append(h.accounts, a)
			}
		}
		list = append(list, h)
	}
	for _, a := range w.accounts {
		if a.person != nil {
			continue
		}
		k := slices.IndexFunc(list, func(h *holder) bool { return h.person == nil && w.same(h.accounts[0].name(), a.name()) })
		if k < 0 {
			list = append(list, &holder{name: a.name(), accounts: []*principal{a}})
			continue
		}
		list[k].accounts = append(list[k].accounts, a)
		list[k].name = min(list[k].name, a.name())
	}
	return list
}

// judge decides every row.
func (w *oracle) judge() []*judgement {
	var all []*judgement
	for _, h := range w.holders() {
		for k := range w.catalogue.Products {
			product := &w.catalogue.Products[k]
			if !product.Metric.PerHolder() {
				continue
			}
			own := w.held(h, func(p *Product) bool { return p == product })
			for _, s := range own {
				all = append(all, w.seat(h, s))
			}
			if len(own) == 0 {
				if j := w.without(h, product); j != nil {
					all = append(all, j)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b *judgement) int {
		return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.holder, b.holder), cmp.Compare(a.account, b.account))
	})
	return all
}

func (w *oracle) held(h *holder, which func(*Product) bool) []*heldSeat {
	var list []*heldSeat
	for _, s := range w.seats {
		if slices.Contains(h.accounts, s.account) && which(s.product) {
			list = append(list, s)
		}
	}
	return list
}

// covers reports whether holding one product makes another needless.
func (w *oracle) covers(suite, product *Product) bool {
	for k := range w.catalogue.Products {
		next := &w.catalogue.Products[k]
		direct := slices.Contains(suite.Covers, next.ID) || suite.Family != "" && suite.Family == next.Family && next.Tier < suite.Tier
		if direct && (next == product || w.covers(next, product)) {
			return true
		}
	}
	return false
}

// newest returns the newest counted use, by any of some accounts, of what an activity definition names.
func (w *oracle) newest(accounts []*principal, activity map[string]Activity) time.Time {
	var newest time.Time
	for source, counts := range activity {
		log := w.feed(source, facts.FeedSignIns)
		for _, e := range w.o.signIns[source] {
			if !e.Success || !log.Outcomes || e.At > w.o.asOf || !slices.Contains(accounts, w.account(source, string(e.Account))) {
				continue
			}
			named := len(counts.Applications) == 0 || w.among(string(e.Application), counts.Applications)
			mode := len(counts.Events) == 0 || e.Mode == facts.ModeUnknown || slices.Contains(counts.Events, e.Mode.String())
			if named && mode && e.At.Time().After(newest) {
				newest = e.At.Time()
			}
		}
		for _, r := range w.rows {
			if r.source == source && r.LastSignIn.Known() && len(counts.Applications) == 0 && r.LastSignIn <= w.o.asOf &&
				slices.Contains(accounts, w.account(source, r.ID)) && r.LastSignIn.Time().After(newest) {
				newest = r.LastSignIn.Time()
			}
		}
	}
	return newest
}

// allowed returns the newest use of what a seat of a product allows its holder.
func (w *oracle) allowed(h *holder, by []*principal, product *Product) time.Time {
	newest := w.newest(by, product.Activity)
	more := func(activity map[string]Activity) {
		if t := w.newest(by, activity); t.After(newest) {
			newest = t
		}
	}
	more(product.Needs)
	for k := range w.catalogue.Products {
		covered := &w.catalogue.Products[k]
		if w.covers(product, covered) && len(w.held(h, func(p *Product) bool { return p == covered })) == 0 {
			more(covered.Activity)
			more(covered.Needs)
		}
	}
	return newest
}

// spared reports whether somebody of a kind never loses a seat.
func spared(k facts.Kind) bool {
	return k == facts.Service || k == facts.Shared || k == facts.Resource || k == facts.BreakGlass
}

// spared reports whether any row of a person says that nothing may be taken.
func (s *somebody) spared() bool {
	return slices.ContainsFunc(s.rows, func(r directoryRow) bool { return spared(r.Kind) })
}

// onLeave reports whether somebody is on leave today: by the dates, and only without any by the status.
func (w *oracle) onLeave(r directoryRow) bool {
	if !r.LeaveFrom.Known() && !r.LeaveTo.Known() {
		return r.Status == facts.OnLeave
	}
	end := r.LeaveTo
	if !end.Known() {
		end = r.Left
	}
	return (!r.LeaveFrom.Known() || r.LeaveFrom <= w.today) && (!end.Known() || w.today <= end)
}

// graceOver reports whether the grace after a last day is over, and the day on which it ends.
func (w *oracle) graceOver(left facts.Day) bool {
	y, m, d := left.Civil()
	return !w.asOf.Before(time.Date(y, m, d+1, 0, 0, 0, 0, w.zone).Add(w.policy.Leaver.Grace))
}

// ended reports whether a product has contract rows of which some have begun and none is in force.
func (w *oracle) ended(product *Product) (ended, renewed bool) {
	var rows []facts.Purchase
	whole := true
	for _, f := range w.o.feeds {
		whole = whole && (f.Feed != facts.FeedPurchases || f.Complete && f.Rejected == 0)
		for _, p := range f.Purchases {
			if p.Product == product.ID {
				rows = append(rows, p)
			}
		}
	}
	begun, firm := false, false
	for _, r := range rows {
		if r.Start.Known() && r.Start > w.today {
			continue
		}
		begun = true
		replaced := slices.ContainsFunc(rows, func(o facts.Purchase) bool {
			return o.Order != "" && o.Order == r.Order && o.Contract == r.Contract && o.Pool == r.Pool && o.Start.Known() && o.Start > r.Start && o.Start <= w.today
		})
		if replaced {
			continue
		}
		if !r.End.Known() || w.today <= r.End {
			firm = true
			continue
		}
		said := slices.ContainsFunc(rows, func(o facts.Purchase) bool {
			return o.Contract == r.Contract && o.Pool == r.Pool && o.Start.Known() && o.Start > r.End && o.Start <= w.today
		})
		if r.AutoRenew && !said {
			renewed = true
		}
	}
	return whole && begun && !firm && !renewed, renewed
}

// seat decides the row of one seat.
func (w *oracle) seat(h *holder, s *heldSeat) *judgement {
	j := &judgement{holder: h.name, account: s.account.name(), product: s.product.ID}
	j.clock, j.idle = w.clock(h, s)
	w.table(h, s, j)
	w.exempt(h, s, j)
	w.mercy(h, j)
	direct, inherited := false, false
	for _, p := range s.paths {
		direct = direct || string(p.Path) == "" || string(p.Path) == "direct"
		inherited = inherited || strings.HasPrefix(string(p.Path), "group:")
	}
	if direct && inherited {
		j.reasons = j.reasons.With(RedundantPath)
	}
	if _, renewed := w.ended(s.product); renewed {
		j.reasons = j.reasons.With(RenewalUnconfirmed)
	}
	if w.later(s.account.source, facts.FeedSeats) || w.peopleLater() {
		j.reasons = j.reasons.With(ObservedLater)
	}
	return j
}

// say sets what a row is.
func (j *judgement) say(v Verdict, k ActionKind, reasons ...Reason) {
	j.verdict, j.kind, j.reasons = v, k, j.reasons.With(reasons...)
}

// table is the decision table up to what rests on use.
func (w *oracle) table(h *holder, s *heldSeat, j *judgement) {
	if s.account.row != nil && spared(s.account.row.Kind) || h.person != nil && h.person.spared() {
		j.say(Protected, Keep, KindProtected)
		return
	}
	if h.person != nil && w.onLeave(h.person.row()) {
		j.say(Protected, Keep, AwayOnLeave)
		return
	}
	if s.account.disputed {
		if s.account.several {
			j.say(Disputed, Review, SeveralPersons)
		} else {
			j.say(Disputed, Review, KeyContradiction)
		}
		return
	}
	if h.person == nil && s.product.Metric != DeviceSeat {
		switch {
		case w.vanished(s.account):
			j.say(Unknown, Keep, Vanished)
		case !w.directoryWhole():
			j.say(Unknown, Keep, NoPerson, DirectoryIncomplete)
		default:
			j.say(Orphan, Review, NoPerson)
		}
		return
	}
	if h.person != nil && w.leaving(h.person, j) {
		return
	}
	if ended, _ := w.ended(s.product); ended {
		j.say(Expired, w.policy.Expired.Action, ContractEnded)
		return
	}
	if h.person != nil {
		holds, ruled, failed := w.right(h, s.product)
		if ruled && !holds {
			if failed {
				j.say(Unknown, Keep, PolicyError)
			} else {
				j.say(NotEntitled, Revoke, NoRuleHolds)
			}
			return
		}
	}
	if w.duplicate(h, s, j) {
		return
	}
	w.byUse(h, s, j)
}

// peopleLater reports whether an authoritative source was observed after the as-of.
func (w *oracle) peopleLater() bool {
	return slices.ContainsFunc(w.o.identity.Authoritative, func(source string) bool { return w.later(source, facts.FeedPeople) })
}

// vanished reports whether an earlier run linked the account to somebody who is no longer there.
func (w *oracle) vanished(a *principal) bool {
	there := func(id string) bool {
		return slices.ContainsFunc(w.persons, func(p *somebody) bool {
			return slices.ContainsFunc(p.rows, func(r directoryRow) bool { return w.same(r.ID, id) })
		})
	}
	return slices.ContainsFunc(w.o.prior.Linked, func(l facts.Link) bool {
		return l.Source == a.source && w.same(l.Account, a.id) && !there(l.Person)
	})
}

// leaving decides about somebody who is not there any more, or of whom it is not clear.
func (w *oracle) leaving(p *somebody, j *judgement) bool {
	r := p.row()
	past := r.Left.Known() && r.Left < w.today
	gone := w.gone(r)
	if p.contradictory || gone && r.Left.Known() && r.Hired.Known() && r.Hired > r.Left {
		j.say(Unknown, Keep, StatusContradiction)
		return true
	}
	if !gone {
		if past && !(r.Hired.Known() && r.Hired > r.Left) {
			j.say(Unknown, Keep, StatusContradiction)
			return true
		}
		return false
	}
	if r.Left.Known() && (!past || !w.graceOver(r.Left)) {
		return false
	}
	switch {
	case !w.directoryWhole():
		j.say(Unknown, Keep, DirectoryIncomplete)
	case !r.Left.Known() && w.later(r.source, facts.FeedPeople):
		j.say(Unknown, Keep, ObservedLater)
	default:
		j.say(Leaver, w.policy.Leaver.Action)
		if r.Left.Known() || !r.Deleted {
			j.reasons = j.reasons.With(LastDayPassed)
		}
		if r.Deleted {
			j.reasons = j.reasons.With(DeletionRecord)
		}
	}
	return true
}

// mostSpecific returns the rules of a scope that name a product most closely.
func mostSpecific[T any](product *Product, rules []T, scope func(*T) string) [][]*T {
	levels := make([][]*T, 3)
	for n := range rules {
		switch name := scope(&rules[n]); {
		case name == product.ID:
			levels[0] = append(levels[0], &rules[n])
		case name == product.Family && name != "":
			levels[1] = append(levels[1], &rules[n])
		case name == AnyProduct || name == "":
			levels[2] = append(levels[2], &rules[n])
		}
	}
	return slices.DeleteFunc(levels, func(l []*T) bool { return len(l) == 0 })
}

// right reports whether a rule gives a person a right to a product.
func (w *oracle) right(h *holder, product *Product) (holds, ruled, failed bool) {
	levels := mostSpecific(product, w.policy.Eligibility, func(r *EligibilityRule) string { return r.Product })
	if len(levels) == 0 {
		return false, false, false
	}
	for _, rule := range levels[0] {
		yes, err := w.holds(rule.When, h)
		holds, failed = holds || yes, failed || err
	}
	return holds, true, failed
}

// holds evaluates a condition of a rule; the second result says that it could not be.
func (w *oracle) holds(e *Expression, h *holder) (yes, failed bool) {
	if e == nil {
		return true, false
	}
	var r directoryRow
	if h.person != nil {
		r = h.person.row()
	}
	for text, condition := range conditions {
		if same, err := Compile(text); err == nil && same.String() == e.String() {
			return condition(r, h.person != nil)
		}
	}
	panic("no meaning of " + e.String())
}

// conditions are the meanings of the rules' conditions, written a second time.
var conditions = map[string]func(r directoryRow, known bool) (yes, failed bool){
	`true`:                     func(directoryRow, bool) (bool, bool) { return true, false },
	`false`:                    func(directoryRow, bool) (bool, bool) { return false, false },
	`person.known`:             func(_ directoryRow, known bool) (bool, bool) { return known, false },
	`person.id == "E1"`:        func(r directoryRow, _ bool) (bool, bool) { return r.ID == "E1", false },
	`person.id == "K0"`:        func(r directoryRow, _ bool) (bool, bool) { return r.ID == "K0", false },
	`person.department == "A"`: func(r directoryRow, _ bool) (bool, bool) { return r.Department == "A", false },
	`person.department == "B"`: func(r directoryRow, _ bool) (bool, bool) { return r.Department == "B", false },
	`person.groups[0] == "Lab"`: func(r directoryRow, _ bool) (bool, bool) {
		if len(r.Groups) == 0 {
			return false, true
		}
		return r.Groups[0] == "Lab", false
	},
}

// exempt asks the exemptions once the verdict beneath is known.
func (w *oracle) exempt(h *holder, s *heldSeat, j *judgement) {
	failed := false
	for n := range w.policy.Exempt {
		e := &w.policy.Exempt[n]
		if e.Until < w.today || !slices.Contains(e.From, j.verdict) || j.verdict == Leaver && !e.LegalHold {
			continue
		}
		if e.Product != "" && e.Product != AnyProduct && e.Product != s.product.ID && e.Product != s.product.Family {
			continue
		}
		yes, err := w.holds(e.When, h)
		if failed = failed || err; !yes {
			continue
		}
		if j.verdict == Leaver {
			j.reasons = j.reasons.With(LegalHold)
		}
		j.say(Protected, Keep, Exempted)
		j.to = ""
		return
	}
	if failed {
		j.to = ""
		j.say(Unknown, Keep, PolicyError)
	}
}

// mercy keeps what the table would change inside the grace, and where a status is not mapped.
func (w *oracle) mercy(h *holder, j *judgement) {
	if h.person == nil {
		return
	}
	r := h.person.row()
	if kept := j.reasons.Has(KindProtected) || j.reasons.Has(AwayOnLeave); !kept && w.gone(r) && r.Left.Known() && r.Left < w.today && !w.graceOver(r.Left) {
		if j.kind != Keep {
			j.reasons, j.to, j.covering = 0, "", ""
			j.say(Unknown, Keep)
		}
		j.reasons = j.reasons.With(LeaverGrace)
	}
	recordedGone := r.Deleted && !(r.Left.Known() && r.Left >= w.today)
	if r.Status == facts.StatusUnknown && !recordedGone {
		if j.kind.Effective() {
			j.reasons, j.to, j.covering = 0, "", ""
			j.say(Unknown, Keep)
		}
		j.reasons = j.reasons.With(StatusUnmapped)
	}
}

// duplicate decides whether another seat of the person covers this one, or is the better of two equal ones.
func (w *oracle) duplicate(h *holder, s *heldSeat, j *judgement) bool {
	if h.person == nil || s.product.Metric == DeviceSeat {
		return false
	}
	var covering *Product
	for k := range w.catalogue.Products {
		other := &w.catalogue.Products[k]
		if ended, _ := w.ended(other); ended || !w.covers(other, s.product) || len(w.held(h, func(p *Product) bool { return p == other })) == 0 {
			continue
		}
		if covering == nil || w.covers(other, covering) {
			covering = other
		}
	}
	if covering != nil {
		reason := CoveredBySuite
		if covering.Family != "" && covering.Family == s.product.Family {
			reason = CoveredByTier
		}
		j.say(Duplicate, Revoke, reason)
		j.covering = covering.ID
		return true
	}
	for _, other := range w.seats {
		if other == s || other.product != s.product || !slices.Contains(h.accounts, other.account) || other.account.source != s.account.source {
			continue
		}
		if w.better(h, other, s) {
			j.say(Duplicate, Revoke, SecondAccount)
			j.covering = other.product.ID
			return true
		}
	}
	return false
}

// better reports whether of two equal seats the first stays.
func (w *oracle) better(h *holder, a, b *heldSeat) bool {
	if x, y := w.ownUse(h, a), w.ownUse(h, b); !x.Equal(y) {
		return x.After(y)
	}
	since := func(s *heldSeat) time.Time { // a seat without a date is as old as the hire, which is the beginning of a day
		if latest := w.assignedAt(s); !latest.IsZero() {
			return latest
		}
		if d := h.person.row().Hired; d.Known() {
			y, m, day := d.Civil()
			return time.Date(y, m, day, 0, 0, 0, 0, w.zone)
		}
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if x, y := since(a), since(b); !x.Equal(y) {
		return x.Before(y)
	}
	return cmp.Or(cmp.Compare(a.account.name(), b.account.name()), cmp.Compare(a.account.id, b.account.id)) < 0
}

// ownUse is the use by the accounts that go by the name of a seat's account.
func (w *oracle) ownUse(h *holder, s *heldSeat) time.Time {
	var own []*principal
	for _, a := range h.accounts {
		if a == s.account || w.same(a.name(), s.account.name()) {
			own = append(own, a)
		}
	}
	return w.allowed(h, own, s.product)
}

// starts is when a holder came, or came back.
func (w *oracle) starts(h *holder) facts.Day {
	if h.person == nil {
		return facts.NoDay
	}
	r := h.person.row()
	if r.LeaveTo.Known() && r.LeaveTo < w.today {
		return max(r.Hired, r.LeaveTo+1)
	}
	return r.Hired
}

// assignedAt is the latest of a seat's assignments; zero if no path has a date.
func (w *oracle) assignedAt(s *heldSeat) time.Time {
	var latest time.Time
	for _, p := range s.paths {
		if p.Assigned.Known() && p.Assigned.Time().After(latest) {
			latest = p.Assigned.Time()
		}
	}
	return latest
}

func (w *oracle) assigned(s *heldSeat) facts.Day {
	if latest := w.assignedAt(s); !latest.IsZero() {
		return w.dayOf(latest)
	}
	return facts.NoDay
}

// clock returns the start of the clock and the idle days since then or since the newest use, whichever is later.
func (w *oracle) clock(h *holder, s *heldSeat) (facts.Day, int) {
	clock := max(w.assigned(s), w.starts(h))
	from := clock
	if use := w.allowed(h, h.accounts, s.product); !use.IsZero() {
		from = max(from, w.dayOf(use))
	}
	if !from.Known() {
		return clock, -1
	}
	return clock, int(max(0, w.today-from))
}

// without decides whether a holder without a seat of a product has a row, and which.
func (w *oracle) without(h *holder, product *Product) *judgement {
	sources := map[string]bool{}
	for k := range w.catalogue.Products {
		other := &w.catalogue.Products[k]
		if other == product || w.covers(other, product) || other.Family != "" && other.Family == product.Family {
			for source := range other.SeatsFrom {
				sources[source] = true
			}
			if len(w.held(h, func(p *Product) bool { return p == other })) > 0 {
				return nil
			}
		}
	}
	if len(product.SeatsFrom) == 0 || slices.ContainsFunc(slices.Collect(maps.Keys(sources)), func(source string) bool { return !w.whole(source, facts.FeedSeats) }) {
		return nil
	}
	use := w.newest(h.accounts, product.Activity)
	used := !use.IsZero()
	j := &judgement{holder: h.name, product: product.ID, clock: w.starts(h), idle: -1}
	if used {
		j.idle = int(max(0, w.today-max(j.clock, w.dayOf(use))))
	}
	holds, failed := false, false
	if h.person != nil {
		holds, _, failed = w.right(h, product)
	}
	switch {
	case holds:
		if !w.mayBeMissing(h.person) {
			return nil
		}
		j.say(Missing, Issue, EligibleByRule, NoSeat)
		if used {
			j.reasons = j.reasons.With(ProvenNeed)
		}
		if w.notStarted(h.person.row()) {
			j.reasons = j.reasons.With(FutureStarter)
		}
	case used && (product.Metric == NamedUser || product.Metric == ActiveUser):
		j.say(UnlicensedUse, Review, NoSeat)
		if failed {
			j.reasons = j.reasons.With(PolicyError)
		}
	default:
		return nil
	}
	if w.peopleLater() {
		j.reasons = j.reasons.With(ObservedLater)
	}
	return j
}

// mayBeMissing reports whether somebody with a right is there to use it.
func (w *oracle) mayBeMissing(p *somebody) bool {
	r := p.row()
	if p.spared() || w.onLeave(r) || p.contradictory || r.Deleted && !(r.Left.Known() && r.Left >= w.today) {
		return false
	}
	if r.Left.Known() && r.Left < w.today && !(r.Hired.Known() && r.Hired > r.Left) {
		return false
	}
	if w.notStarted(r) && (r.Status == facts.Future || r.Status == facts.Active) {
		return r.Hired.Known() && int(r.Hired-w.today) <= int(w.policy.Future)
	}
	return r.Status == facts.Active
}
