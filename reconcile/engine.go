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
	holders.spread(roster, meter, items.product)
	coverage := newCoverage(s, roster, o.Closures)

	plan := &Plan{AsOf: s.AsOf, Organisation: s.Organisation, Build: o.Build, Policy: p.SHA256, Config: o.Config,
		Products: c.SHA256, Mode: p.Mode, Snapshot: s, Catalogue: c, People: directory.people, Accounts: roster.accounts,
		Inputs: coverage.states}
	d := newDecider(plan, p, directory, roster, holders, meter, coverage, items)
	d.decide()
	d.deliver(plan)

	a := &assembly{plan: plan, policy: p, options: &o, decider: d, contracts: d.contracts,
		reclaim: make([]*ReclaimRule, len(plan.Rules)), days: newDayTexts()}
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
	plan.digest(d.partitions)
	return plan, nil
}

// assembly makes a plan of the rows: what they come to, what is to be done, and what speaks against it.
type assembly struct {
	plan       *Plan
	policy     *Policy
	options    *Options
	decider    *decider
	contracts  []contract
	concurrent []*Concurrency // by product
	tallies    []tally
	reclaim    []*ReclaimRule // by index into Plan.Rules; nil where the rule is of another kind
	opened     []facts.Day    // by action: when its case was opened
	scratch    []byte
	days       *dayTexts
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
		items: x, stale: make([]facts.Day, len(c.Products)), active: make([]int64, len(c.Products)), later: make([]bool, len(s.Sources)),
		numbers: map[string]int16{}, days: newDayTable(s), out: make([]output, len(c.Products)), evalFault: map[string]int{},
		last: make([]facts.Instant, len(m.slots)), lastAt: make([]uint32, len(m.slots)), absentAt: make([]uint32, len(m.slots)),
		heldAt: make([]uint32, len(c.Products)), spokenAt: make([]uint32, len(c.Products)),
		entitled: make([]entitlement, len(c.Products)), speaks: c.speaks(), includes: c.includes(), paths: make([]int32, 0, len(h.paths)), ways: make([]facts.Sym, 0, len(h.paths))}
	d.encoder = newRowEncoder(plan, d)
	for n := range h.paths {
		a := &plan.Accounts[h.paths[n].account]
		if a.Row < 0 && c.Products[h.paths[n].product].Metric == DeviceSeat {
			a.Kind = facts.Device
		}
	}
	counts := make([]int, len(c.Products))
	for n := range h.paths {
		counts[h.paths[n].product]++
	}
	for n := range c.Products {
		signals := m.counted[n].to - m.counted[n].from
		rows := counts[n] + counts[n]/4 // some have no seat
		d.out[n] = output{rows: make([]Row, 0, rows), signals: make([]Signal, 0, signals*rows)}
		if len(p.EligibilityRules(ProductID(n))) > 0 {
			d.ruled = append(d.ruled, ProductID(n))
		}
		d.stale[n] = d.staleOf(m.counted[n])
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

// includes lists, for each product, those that it covers.
func (c *Catalogue) includes() [][]ProductID {
	lists := make([][]ProductID, len(c.Products))
	for p := range lists {
		for q := range c.Products {
			if c.Covers(ProductID(p), ProductID(q)) {
				lists[p] = append(lists[p], ProductID(q))
			}
		}
	}
	return lists
}

// deliver hands the rows to the plan, product by product; by holder and account they are sorted already.
func (d *decider) deliver(plan *Plan) {
	rows, signals := 0, 0
	for n := range d.out {
		rows, signals = rows+len(d.out[n].rows), signals+len(d.out[n].signals)
	}
	plan.Rows, plan.Signals = make([]Row, 0, rows), make([]Signal, 0, signals)
	for _, p := range byID(plan.Catalogue) {
		first := len(plan.Rows)
		plan.Rows = append(plan.Rows, d.out[p].rows...)
		for n := first; n < len(plan.Rows); n++ {
			plan.Rows[n].Signal += uint32(len(plan.Signals))
		}
		plan.Signals = append(plan.Signals, d.out[p].signals...)
		d.out[p] = output{}
	}
	plan.SeatPaths, plan.Rules = d.paths, d.names
	for n, people := range d.unplaced {
		if people > 0 {
			plan.Unplaced = append(plan.Unplaced, Unplaced{Reason: unplacedNames[n], People: people})
		}
	}
	slices.SortFunc(plan.Unplaced, func(a, b Unplaced) int { return cmp.Compare(a.Reason, b.Reason) })
}

// byID returns the products in the byte order of their ids.
func byID(c *Catalogue) []ProductID {
	order := make([]ProductID, len(c.Products))
	for n := range order {
		order[n] = ProductID(n)
	}
	slices.SortFunc(order, func(a, b ProductID) int { return cmp.Compare(c.Products[a].ID, c.Products[b].ID) })
	return order
}
