package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

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
	q := newQuestion(plan, p, directory, roster, holders, meter, coverage, items)
	q.decideAll()

	a := newAssembly(q, &o)
	a.placeless()
	a.position()
	a.price()
	a.total()
	var digest sync.WaitGroup
	digest.Go(func() { plan.Decisions = plan.decisions(q.partitions, q.words) }) // of what stands; what follows is no part of it
	a.act()
	a.guard()
	a.withholdUnfreed()
	a.find()
	digest.Wait()
	if err := a.tie(); err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	plan.digest()
	return plan, nil
}

// assembly makes a plan of the rows: what they come to, what is to be done, and what speaks against it.
type assembly struct {
	plan       *Plan
	policy     *Policy
	options    *Options
	question   *question
	contracts  []contract
	concurrent []*Concurrency      // by product
	lots       [][]lot             // by product
	claimants  [][]int32           // by product: rows that take a seat
	outranked  map[int32]ProductID // rows of issues, with what is issued instead
	held       holdings
	reclaim    []*ReclaimRule // by index into Plan.Rules; nil where the rule is of another kind
	opened     []facts.Day    // by action: when its case was opened
	byHand     []string       // by source: what to do at one that is not written to
}

func newAssembly(q *question, o *Options) *assembly {
	a := &assembly{plan: q.plan, policy: q.policy, options: o, question: q, contracts: q.contracts, held: q.found.held, reclaim: make([]*ReclaimRule, len(q.plan.Rules))}
	for n := range q.policy.Reclaim {
		a.reclaim[q.numbers[q.policy.Reclaim[n].Name]] = &q.policy.Reclaim[n]
	}
	for n := range q.snapshot.Sources {
		a.byHand = append(a.byHand, q.snapshot.Sources[n].Name+" is not written to: carry it out there")
	}
	return a
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

func newQuestion(plan *Plan, p *Policy, d *directory, r *roster, h *holders, m *meter, v *coverage, x *items) *question {
	s, c := plan.Snapshot, plan.Catalogue
	q := &question{plan: plan, snapshot: s, catalogue: c, policy: p, today: s.Today(), directory: d, roster: r, holders: h,
		meter: m, coverage: v, contracts: contractsOf(s, c), items: x, stale: make([]facts.Day, len(c.Products)),
		later: make([]bool, len(s.Sources)), speaks: c.speaks(), includes: c.includes(), days: newDayTable(s),
		evaluator: NewEvaluator(s, plan.People, plan.Accounts, c)}
	for n, p := range x.product {
		if p == NoProductID || c.Products[p].Metric != DeviceSeat {
			continue
		}
		if a := &plan.Accounts[r.seats[n]]; a.Row < 0 {
			a.Kind = facts.Device
		}
	}
	for n := range c.Products {
		if len(p.EligibilityRules(ProductID(n))) > 0 {
			q.ruled = append(q.ruled, ProductID(n))
		}
		q.stale[n] = q.staleOf(m.counted[n])
	}
	for n := range s.Inputs {
		input := &s.Inputs[n]
		q.later[input.Source] = q.later[input.Source] || input.Later && input.Feed == facts.FeedSeats
		q.lateWho = q.lateWho || input.Later && input.Feed == facts.FeedPeople && d.rank[input.Source] >= 0
	}
	plan.Rules, q.numbers = p.ruleNames()
	q.words = newWords(plan, &q.days)
	return q
}

// newDecider returns a decider for one goroutine.
func newDecider(q *question) *decider {
	products, slots := len(q.catalogue.Products), len(q.meter.slots)
	return &decider{question: q, evaluator: q.evaluator.Fork(), encoder: rowEncoder{words: q.words}, found: newFigures(),
		last: make([]facts.Instant, slots), lastAt: make([]uint32, slots), absentAt: make([]uint32, slots),
		heldAt: make([]uint32, products), spokenAt: make([]uint32, products), entitled: make([]entitlement, products)}
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

// placeless lists why people have no row.
func (a *assembly) placeless() {
	for n, people := range a.question.found.unplaced {
		if people > 0 {
			a.plan.Unplaced = append(a.plan.Unplaced, Unplaced{Reason: unplacedNames[n], People: people})
		}
	}
	slices.SortFunc(a.plan.Unplaced, func(x, y Unplaced) int { return cmp.Compare(x.Reason, y.Reason) })
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
