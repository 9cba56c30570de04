package reconcile

import (
	"cmp"
	"slices"
	"time"

	"trueup/facts"
)

// defaultIdleAfter is the threshold for rows that no reclaim rule decides. Such rows are reviewed, never revoked.
const defaultIdleAfter = Days(90)

// question is all that decisions are about. Nothing in it changes while they are made, by several deciders side by side;
// of the plan each writes its own rows.
type question struct {
	plan      *Plan
	snapshot  *facts.Snapshot
	catalogue *Catalogue
	policy    *Policy
	today     facts.Day
	directory *directory
	roster    *roster
	holders   *holders
	meter     *meter
	coverage  *coverage
	contracts []contract
	items     *items
	stale     []facts.Day      // by product: how old a value may be when it is delivered
	later     []bool           // by source: its seats were observed after the as-of
	lateWho   bool             // an authoritative source was observed after the as-of
	ruled     []ProductID      // products with eligibility rules
	speaks    [][]ProductID    // by product: what it covers, and its family
	includes  [][]ProductID    // by product: what it covers
	numbers   map[string]int16 // of rules
	days      dayTable
	words     *words
	standings []standing // by place of the holder; of people
	evaluator *Evaluator // to be forked

	partitions []facts.Digest // of each holder's rows
	found      figures
}

// decider gives every row of one holder after the other its verdict. What it knows about the present holder lives in
// columns by product or by slot; a cell counts only if its stamp is the holder's epoch, so nothing needs to be cleared.
type decider struct {
	*question
	evaluator *Evaluator
	encoder   rowEncoder
	found     figures
	next      allotment // where the next row goes

	// The present stretch: what belongs to its holders, one holder's behind the other's.
	seatRows []member
	paths    []path
	useRows  []member
	lasts    []facts.Instant // parallel to useRows
	spare    []member

	// The present holder.
	holder   holderID
	person   PersonID // NoPersonID where none is linked
	standing standing
	own      span // in seatRows and paths
	uses     span // in useRows and lasts
	seats    []seat
	unheld   []unheld
	written  int // rows
	epoch    uint32
	last     []facts.Instant // by slot: newest use
	lastAt   []uint32        // by slot: stamp
	absentAt []uint32        // by slot: stamp; an account has no value in the state feed
	touched  []int32         // slots with a use or a value
	heldAt   []uint32        // by product: stamp; a seat of it is held
	spokenAt []uint32        // by product: stamp; a seat of it, of what covers it or of its family is held
	entitled []entitlement   // by product
}

// figures are what is counted while decisions are made.
type figures struct {
	people    int // with rows
	unplaced  [unplacedCount]int
	evalFault map[string]int // rules that could not be evaluated, by error
	held      holdings
}

// holdings say who holds seats.
type holdings struct {
	holders     int
	departments map[facts.Sym]int // seats, by their people's department
}

// path is one row of Snapshot.Seats of the present stretch.
type path struct {
	assigned facts.Instant
	row      int32
	account  AccountID
	way      facts.Sym // "direct", "group:NAME", or empty
	centre   facts.Sym
}

// seat is one account's seat of one product.
type seat struct {
	product  ProductID
	account  AccountID
	paths    []path
	direct   bool
	group    bool
	assigned facts.Instant // latest of the paths'; NoInstant if no path says
	since    facts.Instant // earliest of the paths'; NoInstant if one does not say
	covering ProductID     // of a duplicate
	reason   Reason        // of a duplicate
}

// entitlement is what the eligibility rules say about the present holder and one product.
type entitlement struct {
	at     uint32 // stamp
	ruled  bool
	rule   *EligibilityRule // the first that holds
	failed bool
}

// decide decides about the holders of a stretch, in the order of their names.
func (d *decider) decide(k int) {
	d.open(k)
	d.loadPaths()
	for n := range d.holders.in(k) {
		d.begin(k, n)
		d.gather()
		d.written = 0
		if d.person != NoPersonID && len(d.seats) > 1 {
			d.findDuplicates()
		}
		for n := range d.seats {
			d.decideSeat(n)
		}
		d.countHeld()
		pending := d.findUnheld()
		for n := range d.unheld {
			d.decideUnheld(&d.unheld[n])
		}
		switch {
		case d.written > 0:
			d.next.partitions[0] = d.encoder.sum()
			d.next.partitions = d.next.partitions[1:]
			if d.person != NoPersonID {
				d.found.people++
			}
		case d.person != NoPersonID:
			d.found.unplaced[pending]++
		}
	}
}

// open turns to a stretch and fetches its last uses. What belongs to a holder lies scattered over the facts: fetched for
// many holders in a row, it is waited for once and not each time.
func (d *decider) open(k int) {
	d.seatRows, d.useRows = d.holders.seats.of(k), d.holders.uses.of(k)
	d.lasts = slices.Grow(d.lasts[:0], len(d.useRows))[:len(d.useRows)]
	for n, m := range d.useRows {
		d.lasts[n] = d.meter.last(m.row())
	}
	d.own, d.uses = span{}, span{}
}

// loadPaths fetches the stretch's seat paths.
func (d *decider) loadPaths() {
	s := &d.snapshot.Seats
	d.paths = slices.Grow(d.paths[:0], len(d.seatRows))[:len(d.seatRows)]
	for n, m := range d.seatRows {
		row := m.row()
		d.paths[n] = path{assigned: s.Assigned[row], row: int32(row), account: d.roster.seats[row], way: s.Path[row], centre: s.CostCentre[row]}
	}
}

// begin turns to holder n of stretch k, the one behind the present.
func (d *decider) begin(k, n int) {
	d.holder, d.person, d.standing = d.holders.in(k)[n], NoPersonID, standing{clock: facts.NoDay, due: facts.NoDay}
	d.epoch++
	if int(d.holder) < len(d.directory.people) {
		d.person = PersonID(d.holder)
		d.standing = d.standings[k*stretch+n]
	}
	d.own = span{d.own.to, endOf(n, d.seatRows, d.own.to)}
	d.uses = span{d.uses.to, endOf(n, d.useRows, d.uses.to)}
	d.gatherUses()
}

// endOf returns where the rows of holder n of a stretch end that begin at from.
func endOf(n int, rows []member, from int) int {
	for from < len(rows) && rows[from].place() == n {
		from++
	}
	return from
}

// gatherUses finds the holder's newest use of each slot.
func (d *decider) gatherUses() {
	d.touched = d.touched[:0]
	for n := d.uses.from; n < d.uses.to; n++ {
		last := d.lasts[n]
		for _, x := range d.meter.combos[d.useRows[n].tag()].slots {
			if d.lastAt[x] != d.epoch {
				d.lastAt[x], d.last[x] = d.epoch, facts.NoInstant
				d.touched = append(d.touched, x)
			}
			d.last[x] = max(d.last[x], last)
			if !last.Known() {
				d.absentAt[x] = d.epoch
			}
		}
	}
	slices.Sort(d.touched)
}

// grace returns the last instant of the grace that follows a last day; NoInstant without one.
func (q *question) grace(last facts.Day) facts.Instant {
	if !last.Known() {
		return facts.NoInstant
	}
	return q.snapshot.Calendar().End(last).Add(q.policy.Leaver.Grace)
}

// gather joins the holder's seat paths, which [decider.arrange] put in order, to seats.
func (d *decider) gather() {
	d.seats = d.seats[:0]
	for n, from := d.own.from, d.own.from; n < d.own.to; n++ {
		at, product := &d.paths[n], ProductID(d.seatRows[n].tag())
		if k := len(d.seats) - 1; k < 0 || d.seats[k].product != product || d.seats[k].account != at.account {
			d.seats = append(d.seats, seat{product: product, account: at.account, assigned: at.assigned, since: at.assigned, covering: NoProductID})
			d.hold(product)
			from = n
		}
		x := &d.seats[len(d.seats)-1]
		x.paths = d.paths[from : n+1]
		inherited := at.way != 0 && isGroup(d.snapshot.Strings.Text(at.way))
		x.group, x.direct = x.group || inherited, x.direct || !inherited
		x.assigned = max(x.assigned, at.assigned)
		x.since = min(x.since, at.assigned)
	}
}

// comparePaths orders seat paths of one product.
func (d *decider) comparePaths(a, b int) int {
	s, text, x, y := &d.snapshot.Seats, d.snapshot.Strings.Text, d.roster.seats[a], d.roster.seats[b]
	if x != y {
		return d.compareAccounts(x, y)
	}
	return cmp.Or(cmp.Compare(text(s.Path[a]), text(s.Path[b])), cmp.Compare(s.Assigned[a], s.Assigned[b]),
		cmp.Compare(text(s.Product[a]), text(s.Product[b])), cmp.Compare(text(s.CostCentre[a]), text(s.CostCentre[b])))
}

func (d *decider) compareAccounts(a, b AccountID) int {
	text, x, y := d.snapshot.Strings.Text, &d.roster.accounts[a], &d.roster.accounts[b]
	return cmp.Or(cmp.Compare(text(x.Login), text(y.Login)), cmp.Compare(text(x.Key), text(y.Key)),
		cmp.Compare(x.Source, y.Source))
}

// hold notes that the holder has a seat of p: of p, of what it covers and of its family none can be missing.
func (d *decider) hold(p ProductID) {
	d.heldAt[p], d.spokenAt[p] = d.epoch, d.epoch
	for _, other := range d.speaks[p] {
		d.spokenAt[other] = d.epoch
	}
}

// isGroup reports whether a seat's path is a group; every other path is direct.
func isGroup(path string) bool { return len(path) > 6 && path[:6] == "group:" }

// row begins a row of the present holder.
func (d *decider) row(p ProductID, a AccountID) *Row {
	to := &d.next.products[p]
	row := &d.plan.Rows[to.row]
	to.row++
	*row = Row{Person: d.person, Account: a, Product: p, Situation: Unmatched, Rule: -1, Path: to.path,
		IdleDays: -1, Clock: d.standing.clock, LastUse: facts.NoInstant, Action: -1, Due: facts.NoDay,
		Covering: NoProductID, To: NoProductID}
	if a != NoAccountID {
		row.Situation = d.roster.accounts[a].Situation
	}
	row.LastUse = d.newestOf(d.meter.counted[p])
	return row
}

// newest returns the newest use of a slot by the present holder.
func (d *decider) newest(slot int) facts.Instant {
	if d.lastAt[slot] != d.epoch {
		return facts.NoInstant
	}
	return d.last[slot]
}

// decideSeat appends the row of a seat.
func (d *decider) decideSeat(n int) {
	s := &d.seats[n]
	row := d.row(s.product, s.account)
	row.Held = true
	for n := range s.paths {
		d.plan.SeatPaths[d.next.products[s.product].path] = s.paths[n].row
		d.next.products[s.product].path++
	}
	row.LastUse = max(row.LastUse, d.usedThrough(s.product))
	row.Clock = max(row.Clock, d.days.day(s.assigned))
	if start := max(row.Clock, d.days.day(row.LastUse)); start.Known() {
		row.IdleDays = int32(max(0, d.today-start))
	}
	limits := thresholds{idle: defaultIdleAfter, window: d.catalogue.Products[s.product].ActivationWindow, since: facts.NoInstant}
	switch {
	case d.standing.protected, protectedKind(d.roster.accounts[s.account].Kind):
		row.give(Protected, KindProtected)
	case d.standing.away:
		row.give(Protected, AwayOnLeave)
	default:
		limits = d.beneath(row, s, limits)
		d.shield(row, s)
		d.call(row, limits.rule)
		d.relent(row)
	}
	row.Active = d.recent(row, s, limits)
	d.annotate(row, s)
	d.finish(row, s.paths, limits)
}

// relent keeps what a person holds inside the grace after their last day, and what would change for somebody whose status
// is not known.
func (d *decider) relent(row *Row) {
	st := &d.standing
	switch {
	case d.person == NoPersonID:
	case st.leaving == inGrace:
		row.Due = st.due
		if row.Kind != Keep {
			row.keep()
		}
		row.Reasons = row.Reasons.With(LeaverGrace)
	case st.unmapped && row.Kind.Effective():
		row.keep() // that the status is not mapped is noted on all of the person's rows
	}
}

// keep takes a verdict back that calls for something.
func (r *Row) keep() {
	r.Verdict, r.Reasons, r.Kind, r.Covering, r.To = Unknown, 0, Keep, NoProductID, NoProductID
}

// recent reports whether a seat was used within the threshold that is its own, whatever it was decided by.
func (d *decider) recent(row *Row, s *seat, limits thresholds) bool {
	if !row.LastUse.Known() {
		return false
	}
	if limits.rule == nil && d.person != NoPersonID {
		if rule, err := d.policy.ReclaimRule(d.evaluator, d.subject(row, s)); err == nil && rule != nil {
			limits.idle = rule.IdleAfter
		}
	}
	return d.today-d.days.day(row.LastUse) <= facts.Day(limits.idle)
}

// give sets the verdict.
func (r *Row) give(v Verdict, reasons ...Reason) {
	r.Verdict = v
	r.Reasons = r.Reasons.With(reasons...)
}

// thresholds are the limits that hold for a row.
type thresholds struct {
	rule   *ReclaimRule // nil: none decides
	idle   Days
	window Days          // how long a seat may stay unused
	since  facts.Instant // the signals must be whole from here on; NoInstant: over the idle threshold
}

// beneath decides by the order of the table what an exemption may then shield.
func (d *decider) beneath(row *Row, s *seat, limits thresholds) thresholds {
	switch {
	case row.Situation == SituationDisputed:
		row.give(Disputed, d.roster.disputes[s.account])
	case d.person == NoPersonID && d.catalogue.Products[s.product].Metric != DeviceSeat:
		d.decideUnlinked(row, s)
	case d.leaves(row):
	case d.contracts[s.product].ended:
		row.give(Expired, ContractEnded)
	case d.notEntitled(row):
	case s.covering != NoProductID:
		row.give(Duplicate, s.reason)
		row.Covering = s.covering
	default:
		return d.byUse(row, s, limits)
	}
	return limits
}

func (d *decider) decideUnlinked(row *Row, s *seat) {
	a := &d.roster.accounts[s.account]
	switch {
	case d.roster.vanished[key{a.Source, d.directory.fold.of(a.Key)}]:
		row.give(Unknown, Vanished)
	case row.Situation == Unlinked:
		row.give(Orphan, NoPerson)
	default:
		row.give(Unknown, DirectoryIncomplete, NoPerson)
	}
}

// leaves decides about people who have left, or of whom that cannot be told.
func (d *decider) leaves(row *Row) bool {
	switch d.standing.leaving {
	case stays, inGrace:
		return false
	case left, leftUndated:
		row.give(Leaver)
		if d.standing.deleted {
			row.Reasons = row.Reasons.With(DeletionRecord)
		}
		if d.standing.leaving == left || !d.standing.deleted {
			row.Reasons = row.Reasons.With(LastDayPassed)
		}
	case leftUncertain:
		row.give(Unknown, DirectoryIncomplete)
	case contradictory:
		row.give(Unknown, StatusContradiction)
	case leftLater:
		row.give(Unknown, ObservedLater)
	}
	return true
}

// notEntitled decides about a product with eligibility rules of which none holds.
func (d *decider) notEntitled(row *Row) bool {
	if d.person == NoPersonID {
		return false
	}
	e := d.entitlement(row.Product)
	switch {
	case !e.ruled || e.rule != nil:
		return false
	case e.failed:
		row.give(Unknown, PolicyError)
	default:
		row.give(NotEntitled, NoRuleHolds)
	}
	return true
}

// entitlement asks the eligibility rules about the present holder, once for each product.
func (d *decider) entitlement(p ProductID) *entitlement {
	e := &d.entitled[p]
	if e.at == d.epoch {
		return e
	}
	rule, ruled, err := d.policy.Eligible(d.evaluator, Subject{Person: d.person, Account: NoAccountID, Product: p, IdleDays: -1})
	*e = entitlement{at: d.epoch, ruled: ruled, rule: rule, failed: err != nil}
	d.fault(err)
	return e
}

func (d *decider) fault(err error) {
	if err != nil {
		d.found.evalFault[err.Error()]++
	}
}

// shield keeps a row that an exemption names.
func (d *decider) shield(row *Row, s *seat) {
	if len(d.policy.Exempt) == 0 || !row.Verdict.ofSeat() {
		return
	}
	exemption, err := d.policy.Exemption(d.evaluator, d.subject(row, s), row.Verdict)
	d.fault(err)
	switch {
	case exemption != nil:
		row.To = NoProductID
		if row.Verdict == Leaver {
			row.Reasons = row.Reasons.With(LegalHold)
		}
		row.give(Protected, Exempted)
		row.Rule = d.number(exemption.Name)
	case err != nil:
		row.To = NoProductID
		row.give(Unknown, PolicyError)
	}
}

func (d *decider) number(rule string) int16 { return d.numbers[rule] }

func (d *decider) subject(row *Row, s *seat) Subject {
	return Subject{Person: d.person, Account: s.account, Product: s.product, Held: true, Inherited: !s.direct,
		Path: s.paths[0].way, CostCentre: s.paths[0].centre, IdleDays: row.IdleDays, Ever: row.LastUse.Known()}
}

// annotate adds what bears on a row whatever its verdict.
func (d *decider) annotate(row *Row, s *seat) {
	if s.direct && s.group {
		row.Reasons = row.Reasons.With(RedundantPath)
	}
	if d.contracts[s.product].unconfirmed {
		row.Reasons = row.Reasons.With(RenewalUnconfirmed)
	}
	if d.later[d.roster.accounts[s.account].Source] || d.lateWho {
		row.Reasons = row.Reasons.With(ObservedLater)
	}
	if d.standing.unmapped && d.person != NoPersonID {
		row.Reasons = row.Reasons.With(StatusUnmapped)
	}
}

// finish completes a row of the present holder.
func (d *decider) finish(row *Row, paths []path, limits thresholds) {
	signals := d.signal(row, limits)
	if d.written == 0 {
		d.encoder.holder(d.holders.text[d.holder])
	}
	d.encoder.row(row, paths, signals)
	d.written++
}

// days rounds a duration up to days.
func days(of time.Duration) facts.Day { return facts.Day((of + 24*time.Hour - 1) / (24 * time.Hour)) }
