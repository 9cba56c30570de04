package trial

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/govalues/decimal"

	"trueup/facts"
	"trueup/reconcile"
)

// Question is what a replay asks of the past.
type Question struct {
	Product    reconcile.ProductID
	Thresholds []reconcile.Days // idle_after, each tried by itself
	Back       reconcile.Days   // how many days before the as-of are replayed
	Regret     reconcile.Days   // use so soon after a cut means that it was regretted
}

// Past is a snapshot whose sign-ins are kept day by day, with what earlier days are decided by. It is immutable: days may
// be replayed side by side.
//
// Seats and people are those of the snapshot, rolled back by their own dates: who had left and lost their seats by then
// is not seen, and neither are seats that were taken back since.
type Past struct {
	snapshot  *facts.Snapshot
	catalogue *reconcile.Catalogue
	policies  []*reconcile.Policy // by threshold
	options   reconcile.Options
	question  Question
	chains    [][]int32 // see [chains]
}

// NewPast prepares a replay.
func NewPast(s *facts.Snapshot, c *reconcile.Catalogue, p *reconcile.Policy, o reconcile.Options, q Question) *Past {
	past := &Past{snapshot: s, catalogue: c, options: o, question: q, chains: chains(&s.SignIns)}
	past.options.Raised = nil
	for _, after := range q.Thresholds {
		past.policies = append(past.policies, p.WithIdleAfter(q.Product, after))
	}
	return past
}

// Days lists the days of the replay, oldest first; the last is that of the snapshot's as-of.
func (p *Past) Days() []facts.Day {
	today := p.snapshot.Today()
	var days []facts.Day
	for d := today - facts.Day(p.question.Back); d <= today; d++ {
		days = append(days, d)
	}
	return days
}

// Day is what the engine decides on one past day.
type Day struct {
	day        facts.Day
	used       []int32 // seats whose newest use is of this day, ascending
	thresholds []dayOf
}

// dayOf is one day by one threshold.
type dayOf struct {
	idle      []idleSeat // ascending
	undecided []int32    // seats for which a log does not cover the threshold, ascending
	money     []Money    // of the idle seats
}

// idleSeat is a seat that the threshold would have taken by that day. Since is the day its idle days count from.
type idleSeat struct {
	seat, person int32 // a row of the snapshot's seats; of people, or below zero the account
	since        facts.Day
}

// Day decides one day by every threshold, at its end or at the snapshot's as-of.
func (p *Past) Day(d facts.Day) (Day, error) {
	s, day := p.rolledBack(d), Day{day: d}
	for n, policy := range p.policies {
		plan, err := reconcile.Decide(s, p.catalogue, policy, p.options)
		if err != nil {
			return day, fmt.Errorf("replay %s: %w", d, err)
		}
		day.thresholds = append(day.thresholds, p.read(plan, d))
		if n > 0 {
			continue
		}
		for k := range plan.Rows {
			if row := &plan.Rows[k]; row.Held && row.Product == p.question.Product && row.LastUse.Known() && s.Calendar().Day(row.LastUse) == d {
				day.used = append(day.used, plan.Seat(k))
			}
		}
		slices.Sort(day.used)
	}
	return day, nil
}

// read takes down what a plan says of the product's seats.
func (p *Past) read(plan *reconcile.Plan, d facts.Day) (x dayOf) {
	money := map[string]*Money{}
	for n := range plan.Rows {
		row := &plan.Rows[n]
		switch {
		case !row.Held || row.Product != p.question.Product:
		case row.Verdict == reconcile.Idle:
			holder := int32(row.Person)
			if row.Person == reconcile.NoPersonID {
				holder = -1 - int32(row.Account)
			}
			x.idle = append(x.idle, idleSeat{plan.Seat(n), holder, d - facts.Day(row.IdleDays)})
			if m := plan.Money(n); m.Currency != 0 {
				addMoney(money, Money{plan.Snapshot.Strings.Text(m.Currency), m.Exposure, m.Reassignable, m.Reducible})
			}
		case row.Verdict == reconcile.Unknown && (row.Reasons.Has(reconcile.CoverageGap) || row.Reasons.Has(reconcile.NoSignal) || row.Reasons.Has(reconcile.OutcomeUntold)):
			x.undecided = append(x.undecided, plan.Seat(n))
		}
	}
	slices.SortFunc(x.idle, func(a, b idleSeat) int { return cmp.Compare(a.seat, b.seat) })
	slices.Sort(x.undecided)
	x.money = sorted(money)
	return x
}

// rolledBack is the snapshot as it would have been frozen at the end of an earlier day, as far as its own dates tell.
func (p *Past) rolledBack(d facts.Day) *facts.Snapshot {
	s, then := p.snapshot, *p.snapshot
	then.AsOf = min(s.Calendar().End(d), s.AsOf)
	then.Prior = facts.Prior{Linked: s.Prior.Linked}
	then.Inputs = slices.Clone(s.Inputs)
	for n := range then.Inputs {
		input := &then.Inputs[n]
		input.Later = input.Observed > then.AsOf
		input.Daily = until(input.Daily, s.Calendar(), then.AsOf)
	}
	then.SignIns = p.signInsUntil(then.AsOf)
	return &then
}

// chains lists the rows of sign-ins by account, application and mode, each list in the order of time.
func chains(s *facts.SourcedSignIns) [][]int32 {
	type key struct {
		source               facts.SourceID
		account, application facts.Sym
		mode                 facts.Mode
	}
	at := map[key]int{}
	var list [][]int32
	for n := range s.Last {
		k := key{s.Source[n], s.Account[n], s.Application[n], s.Mode[n]}
		chain, known := at[k]
		if !known {
			chain = len(list)
			at[k] = chain
			list = append(list, nil)
		}
		list[chain] = append(list[chain], int32(n))
	}
	for _, rows := range list {
		slices.SortFunc(rows, func(a, b int32) int { return cmp.Compare(s.Last[a], s.Last[b]) })
	}
	return list
}

// signInsUntil are the sign-ins as a log that ends at an instant rolls them up: the newest of each chain. Sources stay in
// their order, since chains stand in that of their first rows.
func (p *Past) signInsUntil(at facts.Instant) (before facts.SourcedSignIns) {
	s := &p.snapshot.SignIns
	for _, rows := range p.chains {
		later, _ := slices.BinarySearchFunc(rows, at+1, func(n int32, at facts.Instant) int { return cmp.Compare(s.Last[n], at) })
		if later == 0 {
			continue
		}
		n := rows[later-1]
		before.Account = append(before.Account, s.Account[n])
		before.Login = append(before.Login, s.Login[n])
		before.Application = append(before.Application, s.Application[n])
		before.Mode = append(before.Mode, s.Mode[n])
		before.Last = append(before.Last, s.Last[n])
		before.Count = append(before.Count, s.Count[n])
		before.Source = append(before.Source, s.Source[n])
	}
	return before
}

// until is what the counts of a log were at an instant: the time of the newest event is known to the day only.
func until(y facts.Daily, c *facts.Calendar, at facts.Instant) facts.Daily {
	if !y.Last.Known() || y.Last <= at {
		return y
	}
	last := c.Day(at)
	y.Counts = y.Counts[:min(len(y.Counts), max(0, int(last-y.From)+1))]
	for len(y.Counts) > 0 && y.Counts[len(y.Counts)-1] == 0 {
		y.Counts = y.Counts[:len(y.Counts)-1]
	}
	if len(y.Counts) == 0 {
		return facts.NewDaily()
	}
	y.Last = min(at, c.End(y.From+facts.Day(len(y.Counts)-1)))
	return y
}

// Regret is what a threshold would have done in the days of a replay.
type Regret struct {
	Threshold   reconcile.Days
	Days        int // that could be decided
	Undecidable int // on which the logs do not cover the threshold; nothing is cut then
	Cuts        int // seats taken, each first time since it was last used
	People      int // who lost one
	Back        int // cuts after which the holder came back within the days of regret
	BackPeople  int
	Stayed      int     // cuts after which they did not
	Open        int     // cuts of which that is not known: too young, or the logs have a gap in between
	SeatDays    int     // days on which a seat would have been free
	Saved       []Money // per month, on average over the decidable days: what could have been given to others, or dropped
}

// Sum follows each seat through the days, which must be all of [Past.Days] in order.
func (p *Past) Sum(days []Day) ([]Regret, error) {
	regrets := make([]Regret, len(p.question.Thresholds))
	for n, after := range p.question.Thresholds {
		f := following{Regret: Regret{Threshold: after}, regret: facts.Day(p.question.Regret), since: map[int32]facts.Day{},
			waiting: map[int32][]*cut{}, people: map[int32]bool{}, back: map[int32]bool{}, money: map[string]*Money{}}
		for k := range days {
			f.day(&days[k], &days[k].thresholds[n])
		}
		if err := f.finish(); err != nil {
			return nil, err
		}
		regrets[n] = f.Regret
	}
	return regrets, nil
}

// cut is a seat that was taken, as long as it is not known whether that was regretted.
type cut struct {
	person int32
	on     facts.Day
	gap    bool // a log had a gap on a day since
}

// following follows the seats by one threshold.
type following struct {
	Regret
	regret       facts.Day
	since        map[int32]facts.Day // by seat that was cut: the day its idle days counted from
	waiting      map[int32][]*cut    // by seat
	people, back map[int32]bool
	money        map[string]*Money // summed over days
}

func (f *following) day(d *Day, x *dayOf) {
	for seat, cuts := range f.waiting {
		f.waiting[seat] = slices.DeleteFunc(cuts, func(c *cut) bool { return f.judge(seat, c, d, x) })
	}
	if len(x.undecided) > 0 && len(x.idle) == 0 {
		f.Undecidable++
		return
	}
	f.Days++
	f.SeatDays += len(x.idle)
	for _, m := range x.money {
		addMoney(f.money, m)
	}
	for _, i := range x.idle {
		if since, was := f.since[i.seat]; was && since == i.since {
			continue // nothing has happened since it was cut
		}
		f.since[i.seat] = i.since
		f.Cuts++
		f.people[i.person] = true
		f.waiting[i.seat] = append(f.waiting[i.seat], &cut{person: i.person, on: d.day})
	}
}

// judge looks at what a day says of an earlier cut, and reports whether that decides it.
func (f *following) judge(seat int32, c *cut, d *Day, x *dayOf) bool {
	_, used := slices.BinarySearch(d.used, seat)
	_, undecided := slices.BinarySearch(x.undecided, seat)
	c.gap = c.gap || undecided
	switch {
	case used:
		f.Back++
		f.back[c.person] = true
	case d.day < c.on+f.regret:
		return false
	case c.gap:
		f.Open++
	default:
		f.Stayed++
	}
	return true
}

func (f *following) finish() error {
	for _, cuts := range f.waiting {
		f.Open += len(cuts)
	}
	f.People, f.BackPeople = len(f.people), len(f.back)
	for _, m := range sorted(f.money) {
		var err error
		if m.Reassignable, err = average(m.Reassignable, f.Days); err != nil {
			return err
		}
		if m.Reducible, err = average(m.Reducible, f.Days); err != nil {
			return err
		}
		m.Exposure = 0
		f.Saved = append(f.Saved, m)
	}
	return nil
}

// average divides, rounding half to even.
func average(sum int64, by int) (int64, error) {
	total, err := decimal.New(sum, 0)
	if err != nil {
		return 0, err
	}
	count, err := decimal.New(int64(by), 0)
	if err != nil {
		return 0, err
	}
	quotient, err := total.Quo(count)
	if err != nil {
		return 0, fmt.Errorf("average of %d over %d days: %w", sum, by, err)
	}
	whole, _, ok := quotient.Round(0).Int64(0)
	if !ok {
		return 0, fmt.Errorf("average of %d over %d days is out of range", sum, by)
	}
	return whole, nil
}
