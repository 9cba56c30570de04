package reconcile

import (
	"cmp"
	"fmt"
	"slices"

	"trueup/facts"
)

// Decide reconciles: it gives every seat, and everybody who has a right to a product or uses it without a seat, exactly
// one row with one verdict; says what each product's position is and what each row is worth; proposes actions, and
// withholds those that a guard or an incomplete input speaks against.
//
// It is a pure function: the same snapshot, catalogue, policy and options give the same plan in whatever order the
// snapshot's rows stand. The catalogue and the policy must come from [ParseCatalogue] and [ParsePolicy], the policy for
// this catalogue. The plan refers to the snapshot and the catalogue; neither may change afterwards.
//
// It fails if the totals do not tie, which would be a fault of this package, and names the equality that does not hold.
func Decide(s *facts.Snapshot, c *Catalogue, p *Policy, o Options) (*Plan, error) {
	fold := newFolding(s.Strings, o.Identity.Domains)
	directory := newDirectory(s, fold, &o.Identity)
	matcher := newMatcher(directory, &o.Identity)
	roster := newRoster(directory, matcher, c.sourcesNamed(s))
	meter := newMeter(s, fold, c)
	items := newItems(s, fold, c)
	holders := newHolders(roster)
	holders.spread(roster, meter, func(seat int32) bool { return items.product[seat] != NoProductID })
	coverage := newCoverage(s, roster, o.Closures)

	plan := &Plan{AsOf: s.AsOf, Organisation: s.Organisation, Build: o.Build, Policy: p.SHA256, Config: o.Config,
		Products: c.SHA256, Mode: p.Mode, Snapshot: s, Catalogue: c, People: directory.people, Accounts: roster.accounts,
		Inputs: coverage.states}
	d := newDecider(plan, p, directory, roster, holders, meter, coverage, items)
	d.decide()
	d.deliver(plan)

	a := &assembly{plan: plan, policy: p, options: &o, decider: d, contracts: d.contracts,
		reclaim: make([]*ReclaimRule, len(plan.Rules))}
	for n := range p.Reclaim {
		if rule, used := d.numbers[p.Reclaim[n].Name]; used {
			a.reclaim[rule] = &p.Reclaim[n]
		}
	}
	a.position()
	a.price()
	a.act()
	a.guard()
	a.find()
	if err := a.total(); err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	plan.digest()
	return plan, nil
}

// assembly makes a plan of the rows: what they come to, what is to be done, and what speaks against it.
type assembly struct {
	plan      *Plan
	policy    *Policy
	options   *Options
	decider   *decider
	contracts []contract
	tallies   []tally
	reclaim   []*ReclaimRule // by index into Plan.Rules; nil where the rule is of another kind
	opened    []facts.Day    // by action: when its case was opened
	scratch   []byte
}

// sourcesNamed are the sources that a product's definition refers to.
func (c *Catalogue) sourcesNamed(s *facts.Snapshot) map[facts.SourceID]bool {
	named := map[facts.SourceID]bool{}
	add := func(source string) {
		if id, known := s.SourceNamed(source); known {
			named[id] = true
		}
	}
	for n := range c.Products {
		p := &c.Products[n]
		for source := range p.Activity {
			add(source)
		}
		for source := range p.Needs {
			add(source)
		}
		for source := range p.SeatsFrom {
			add(source)
		}
	}
	return named
}

func newDecider(plan *Plan, p *Policy, directory *directory, r *roster, h *holders, m *meter, v *coverage, x *items) *decider {
	s, c := plan.Snapshot, plan.Catalogue
	d := &decider{snapshot: s, catalogue: c, policy: p, today: s.Today(), directory: directory, roster: r, holders: h,
		meter: m, coverage: v, contracts: contractsOf(s, c), evaluator: NewEvaluator(s, plan.People, plan.Accounts, c),
		product: x.product, items: x, stale: make([]facts.Day, len(c.Products)), later: make([]bool, len(s.Sources)),
		numbers: map[string]int16{}, starts: map[facts.Day]facts.Instant{}, evalFault: map[string]int{},
		last: make([]facts.Instant, len(m.slots)), lastAt: make([]uint32, len(m.slots)), absentAt: make([]uint32, len(m.slots)),
		heldAt: make([]uint32, len(c.Products)), spokenAt: make([]uint32, len(c.Products)),
		entitled: make([]entitlement, len(c.Products)), speaks: c.speaks(), rows: make([]Row, 0, len(h.paths)), paths: make([]int32, 0, len(h.paths))}
	for n := range c.Products {
		if len(p.EligibilityRules(ProductID(n))) > 0 {
			d.ruled = append(d.ruled, ProductID(n))
		}
		for k := m.counted[n].from; k < m.counted[n].to; k++ {
			if input := m.slots[k].input; input >= 0 {
				d.stale[n] = max(d.stale[n], days(s.Inputs[input].Stale))
			}
		}
	}
	for n := range s.Inputs {
		input := &s.Inputs[n]
		d.later[input.Source] = d.later[input.Source] || input.Later && input.Feed == facts.FeedSeats
		d.lateWho = d.lateWho || input.Later && input.Feed == facts.FeedPeople && directory.rank[input.Source] >= 0
	}
	return d
}

// speaks lists, for each product, those of which nobody who has a seat of it is missing one.
func (c *Catalogue) speaks() [][]ProductID {
	lists := make([][]ProductID, len(c.Products))
	for p := range lists {
		family := c.Products[p].Family
		for q := range c.Products {
			if c.Covers(ProductID(p), ProductID(q)) || family != "" && family == c.Products[q].Family {
				lists[p] = append(lists[p], ProductID(q))
			}
		}
	}
	return lists
}

// deliver hands the rows to the plan, sorted by product; by holder and account they are already.
func (d *decider) deliver(plan *Plan) {
	rank := productRanks(plan.Catalogue)
	next := make([]int, len(rank)+1)
	for n := range d.rows {
		next[rank[d.rows[n].Product]+1]++
	}
	for n := 1; n < len(next); n++ {
		next[n] += next[n-1]
	}
	order := make([]int32, len(d.rows))
	for n := range d.rows {
		at := &next[rank[d.rows[n].Product]]
		order[*at] = int32(n)
		*at++
	}
	plan.Rows, plan.SeatPaths = make([]Row, len(d.rows)), d.paths
	plan.Signals = make([]Signal, 0, len(d.signals))
	for n, from := range order {
		row := &plan.Rows[n]
		*row = d.rows[from]
		signals := d.meter.counted[row.Product]
		first := row.Signal
		row.Signal = uint32(len(plan.Signals))
		plan.Signals = append(plan.Signals, d.signals[first:int(first)+signals.to-signals.from]...)
	}
	d.rows, d.signals = nil, nil
	plan.Rules = make([]string, len(d.numbers))
	for name, n := range d.numbers {
		plan.Rules[n] = name
	}
	for n, people := range d.unplaced {
		if people > 0 {
			plan.Unplaced = append(plan.Unplaced, Unplaced{Reason: unplacedNames[n], People: people})
		}
	}
	slices.SortFunc(plan.Unplaced, func(a, b Unplaced) int { return cmp.Compare(a.Reason, b.Reason) })
}

// productRanks returns each product's place in the byte order of ids.
func productRanks(c *Catalogue) []int {
	order := make([]int, len(c.Products))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(c.Products[a].ID, c.Products[b].ID) })
	rank := make([]int, len(order))
	for place, n := range order {
		rank[n] = place
	}
	return rank
}
