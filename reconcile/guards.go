package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"trueup/facts"
)

// fewSeats is the number of seats below which a percentage says nothing and only counts are limits.
const fewSeats = 100

// guard looks at every limit. Inputs come first: what they hold back takes nobody's access and counts for no cap.
func (a *assembly) guard() {
	for n := range a.plan.Snapshot.Inputs {
		a.guardInput(n)
	}
	a.guardMissingInputs()
	a.guardPlan()
}

// check is one limit about to be looked at.
type check struct {
	name, scope string
	value       *float64
	limit       float64
	beyond      bool
	why         string
	covers      func(*Action, *Row) bool // the actions in its scope
	actions     []int32                  // or these, where not nil
}

// look records a limit, and holds back all actions of its scope if it is tripped and nobody raised it for this run.
func (a *assembly) look(c check) {
	g := Guard{Name: c.name, Scope: c.scope, Value: c.value, Limit: c.limit, Why: c.why}
	switch by, raised := a.raised(c.name, c.scope); {
	case c.value == nil && !c.beyond:
		g.State = GuardNotEvaluated
	case !c.beyond:
	case raised:
		g.State, g.Why = GuardRaised, "raised for this run by "+by
	default:
		g.State = GuardTripped
	}
	if g.State == GuardTripped {
		g.Withholds = a.withholdAll(&c)
	}
	a.plan.Guards = append(a.plan.Guards, g)
}

// withholdAll holds back every effective action in the scope of a tripped guard, and returns how many it held.
func (a *assembly) withholdAll(c *check) (held int) {
	by := "guard " + c.name + " of " + c.scope
	withhold := func(x *Action) {
		if x.Kind.Effective() && (c.covers == nil || c.covers(x, &a.plan.Rows[x.Row])) && x.withhold(by) {
			held++
		}
	}
	if c.actions != nil {
		for _, n := range c.actions {
			withhold(&a.plan.Actions[n])
		}
		return held
	}
	for n := range a.plan.Actions {
		withhold(&a.plan.Actions[n])
	}
	return held
}

func (a *assembly) raised(name, scope string) (string, bool) {
	for _, r := range a.options.Raised {
		if r.Guard == name && (r.Scope == "" || r.Scope == scope) {
			return r.By, true
		}
	}
	return "", false
}

// guardInput looks at the limits of one feed.
func (a *assembly) guardInput(n int) {
	s, limits := a.plan.Snapshot, &a.policy.Guards
	input, state := &s.Inputs[n], &a.plan.Inputs[n]
	scope := s.Sources[input.Source].Name + "/" + input.Feed.String()
	covers := a.dependents(input)
	share := func(part, whole int64) *float64 {
		if whole == 0 {
			return nil
		}
		v := float64(part) / float64(whole)
		return &v
	}
	add := func(name string, value *float64, limit float64, beyond bool, why string) {
		if limit > 0 || name == "incomplete" {
			a.look(check{name: name, scope: scope, value: value, limit: limit, beyond: beyond, why: why, covers: covers})
		}
	}
	whole := 0.0
	if !state.Complete {
		whole = 1
	}
	why := ""
	if !state.Complete {
		why = reasonIncomplete(input)
	}
	add("incomplete", &whole, 0, !state.Complete, why)
	rows, base, known := input.Rows-input.Rejected, int64(0), false
	if base, known = a.baseline(input); known {
		shrunk, grown := share(base-rows, base), share(rows-base, base)
		add("shrink", shrunk, limits.ShrinkPercent/100, shrunk != nil && *shrunk > limits.ShrinkPercent/100, "")
		add("growth", grown, limits.GrowthPercent/100, grown != nil && *grown > limits.GrowthPercent/100, "")
	} else {
		add("shrink", nil, limits.ShrinkPercent/100, false, "no earlier run to compare with")
		add("growth", nil, limits.GrowthPercent/100, false, "no earlier run to compare with")
	}
	rejected := share(input.Rejected, input.Rows)
	add("rejected", rejected, limits.RejectedPercent/100, rejected != nil && *rejected > limits.RejectedPercent/100, "")
	if state.MatchRate >= 0 {
		add("match_rate", &state.MatchRate, limits.MatchRate, state.MatchRate < limits.MatchRate, "")
	}
	if input.Feed == facts.FeedSignIns {
		a.guardWatermark(input, scope, covers)
	}
}

func reasonIncomplete(input *facts.Input) string {
	switch {
	case input.Failure != "":
		return input.Failure
	case !input.Complete:
		return "it was not read whole"
	case refusedMany(input):
		return fmt.Sprintf("%d of its %d records were refused", input.Rejected, input.Rows)
	}
	return "it holds no record"
}

// guardWatermark looks at how old the newest event of a log is, in hours.
func (a *assembly) guardWatermark(input *facts.Input, scope string, covers func(*Action, *Row) bool) {
	limit := a.policy.Guards.WatermarkAge.Hours()
	if limit <= 0 {
		return
	}
	c := check{name: "watermark", scope: scope, limit: limit, beyond: true, why: "the log holds no event", covers: covers}
	if input.Daily.Last.Known() {
		age := float64(a.plan.AsOf-input.Daily.Last) / 3_600_000
		c.value, c.beyond, c.why = &age, age > limit, ""
	}
	a.look(c)
}

// baseline returns the median size of a feed in the last good runs, and whether there was one.
func (a *assembly) baseline(input *facts.Input) (int64, bool) {
	var sizes []int64
	name := a.plan.Snapshot.Sources[input.Source].Name
	for _, prior := range a.plan.Snapshot.Prior.Inputs {
		if prior.Source == name && prior.Feed == input.Feed {
			sizes = append(sizes, prior.Rows)
		}
	}
	if len(sizes) == 0 {
		return 0, false
	}
	slices.Sort(sizes)
	return sizes[len(sizes)/2], true
}

// guardMissingInputs looks for authoritative sources that were not read at all.
func (a *assembly) guardMissingInputs() {
	for _, name := range a.options.Identity.Authoritative {
		source, known := a.plan.Snapshot.SourceNamed(name)
		if known {
			if _, read := a.plan.Snapshot.Input(source, facts.FeedPeople); read {
				continue
			}
		}
		one := 1.0
		a.look(check{name: "incomplete", scope: name + "/people", value: &one, beyond: true, why: "it was not read",
			covers: func(*Action, *Row) bool { return true }})
	}
}

// dependents returns which actions depend on a feed: on the directory all; on other people those at their source, and
// those of products whose use is counted there; on seats those of products that are kept at their source; on a log those
// that its silence led to; on contracts those that need a spare seat, those of products whose contract has or may have
// ended (of which no row is in force, where expired was found or what stands beneath it), and those that a rule may have
// asked contracts about.
func (a *assembly) dependents(input *facts.Input) func(*Action, *Row) bool {
	source := input.Source
	switch input.Feed {
	case facts.FeedPeople:
		if a.question.directory.rank[source] >= 0 {
			return func(*Action, *Row) bool { return true }
		}
		return func(x *Action, row *Row) bool { return x.Source == source || a.restsOn(row, source) }
	case facts.FeedSeats:
		return func(_ *Action, row *Row) bool { return slices.Contains(a.question.items.sources[row.Product], source) }
	case facts.FeedSignIns:
		return func(_ *Action, row *Row) bool { return a.restsOn(row, source) }
	case facts.FeedPurchases:
		asked := make([]bool, len(a.contracts))
		for p := range asked {
			asked[p] = a.policy.asksContract(ProductID(p))
		}
		return func(_ *Action, row *Row) bool {
			mayHaveEnded := !a.contracts[row.Product].lasting && row.Verdict >= Expired
			return mayHaveEnded || row.Claims() != NoProductID || asked[row.Product]
		}
	}
	return func(x *Action, row *Row) bool { return x.Source == source && row.Claims() != NoProductID }
}

// restsOn reports whether a row was decided by the silence of a source's log: an unused seat, a tier not needed, or which
// of two equal seats is used less.
func (a *assembly) restsOn(row *Row, source facts.SourceID) bool {
	product := &a.plan.Catalogue.Products[row.Product]
	name := a.plan.Snapshot.Sources[source].Name
	_, counted := product.Activity[name]
	_, needed := product.Needs[name]
	switch row.Verdict {
	case NeverUsed, Idle:
		return counted
	case OverTier:
		return counted || needed
	case Duplicate:
		return row.Covering == row.Product && (counted || needed || a.allows(row.Product, name))
	}
	return false
}

// allows reports whether use of what a product covers is counted at a source.
func (a *assembly) allows(p ProductID, source string) bool {
	return slices.ContainsFunc(a.question.includes[p], func(covered ProductID) bool {
		product := &a.plan.Catalogue.Products[covered]
		_, counted := product.Activity[source]
		_, needed := product.Needs[source]
		return counted || needed
	})
}

// guardPlan looks at how many people would lose access.
func (a *assembly) guardPlan() {
	losing := a.losing()
	losers := a.losers(losing)
	a.guardRun(losers)
	a.guardRolling(losers)
	limits := &a.policy.Guards
	a.guardProducts(limits.ProductPercent, losing)
	a.guardDepartments(limits.DepartmentPercent, losing)
	a.guardVerdicts(limits.VerdictPercent, losing)
}

// losing lists the actions by which a seat could be taken by this plan: what is ready, and what waits for no more than an
// approval. A downgrade takes no access away.
func (a *assembly) losing() []int32 {
	var actions []int32
	for n := range a.plan.Actions {
		x := &a.plan.Actions[n]
		if x.Kind == Revoke && (x.State == Ready || x.State == Approval) {
			actions = append(actions, int32(n))
		}
	}
	return actions
}

// losers are the holders of actions, by name.
func (a *assembly) losers(actions []int32) symSet {
	set := newSymSet(a.plan.Snapshot.Strings)
	for _, n := range actions {
		set.add(a.plan.holder(&a.plan.Rows[a.plan.Actions[n].Row]))
	}
	return set
}

func everything(*Action, *Row) bool { return true }

func (a *assembly) guardRun(losers symSet) {
	limits, people := &a.policy.Guards, losers.len()
	if limits.Run > 0 {
		value := float64(people)
		a.look(check{name: "run", scope: "run", value: &value, limit: float64(limits.Run), beyond: people > limits.Run, covers: everything})
	}
	if limits.RunPercent > 0 {
		a.look(a.percentOf("run_percent", "run", people, a.held.holders, a.plan.Totals.Seats, limits.RunPercent, everything))
	}
}

func (a *assembly) percentOf(name, scope string, part, whole, seats int, percent float64, covers func(*Action, *Row) bool) check {
	c := check{name: name, scope: scope, limit: percent / 100, covers: covers}
	if seats < fewSeats || whole == 0 {
		c.why = fmt.Sprintf("%d seats are too few for a percentage", seats)
		return c
	}
	value := float64(part) / float64(whole)
	c.value, c.beyond = &value, value > percent/100
	return c
}

// guardRolling counts people who lose access now together with those who lost it in the days before.
func (a *assembly) guardRolling(losers symSet) {
	for _, w := range []struct {
		name  string
		days  int
		limit int
	}{{"days_7", 7, a.policy.Guards.Days7}, {"days_30", 30, a.policy.Guards.Days30}} {
		if w.limit <= 0 {
			continue
		}
		set, others := slices.Clone(losers), map[string]bool{} // others have no facts any more
		since := a.plan.AsOf - facts.Instant(w.days)*24*3600*1000
		for _, loss := range a.plan.Snapshot.Prior.Losses {
			if loss.At > since { // also after the as-of: what was lost up to the run counts
				if sym, known := a.plan.Snapshot.Strings.LookupString(loss.Holder); known {
					set.add(sym)
				} else {
					others[loss.Holder] = true
				}
			}
		}
		people := set.len() + len(others)
		value := float64(people)
		a.look(check{name: w.name, scope: "run", value: &value, limit: float64(w.limit), beyond: people > w.limit, covers: everything})
	}
}

// guardProducts looks at which share of each product's seats would go.
func (a *assembly) guardProducts(percent float64, losing []int32) {
	if percent <= 0 {
		return
	}
	scopes := scopesOf(a.plan, func(row *Row) ProductID { return row.Product })
	part := countBy(scopes, losing)
	actions := actionsBy(scopes, part)
	for _, p := range byID(a.plan.Catalogue) {
		if part[p] > 0 {
			seats := int(a.whole(p).assigned)
			c := a.percentOf("product_percent", a.plan.Catalogue.Products[p].ID, part[p], seats, seats, percent, nil)
			c.actions = actions[p]
			a.look(c)
		}
	}
}

// guardDepartments looks at which share of each department's seats would go.
func (a *assembly) guardDepartments(percent float64, losing []int32) {
	if percent <= 0 {
		return
	}
	scopes := scopesOf(a.plan, a.plan.department)
	part := countBy(scopes, losing)
	delete(part, 0) // of nobody's department
	actions, text := actionsBy(scopes, part), a.plan.Snapshot.Strings.Text
	for _, department := range slices.SortedFunc(maps.Keys(part), func(x, y facts.Sym) int { return cmp.Compare(text(x), text(y)) }) {
		seats := a.held.departments[department]
		c := a.percentOf("department_percent", text(department), part[department], seats, seats, percent, nil)
		c.actions = actions[department]
		a.look(c)
	}
}

// scopesOf returns the scope of each action.
func scopesOf[K comparable](p *Plan, scope func(*Row) K) []K {
	scopes := make([]K, len(p.Actions))
	parts := shares(len(scopes))
	inParallel(len(parts), each(func(part int) {
		for n := parts[part].from; n < parts[part].to; n++ {
			scopes[n] = scope(&p.Rows[p.Actions[n].Row])
		}
	}))
	return scopes
}

// countBy counts actions by scope.
func countBy[K comparable](scopes []K, actions []int32) map[K]int {
	part := map[K]int{}
	for _, n := range actions {
		part[scopes[n]]++
	}
	return part
}

// actionsBy lists the actions of those scopes of which seats would go.
func actionsBy[K comparable](scopes []K, part map[K]int) map[K][]int32 {
	actions := make(map[K][]int32, len(part))
	for k, n := range part {
		actions[k] = make([]int32, 0, n+n/4)
	}
	for n, k := range scopes {
		if list, asked := actions[k]; asked {
			actions[k] = append(list, int32(n))
		}
	}
	return actions
}

// guardVerdicts looks at which share of all seats would go by one verdict.
func (a *assembly) guardVerdicts(percent float64, losing []int32) {
	if percent <= 0 {
		return
	}
	var part [len(verdictNames)]int
	for _, n := range losing {
		part[a.plan.Rows[a.plan.Actions[n].Row].Verdict]++
	}
	seats := a.plan.Totals.Seats
	for _, v := range Verdicts() {
		if part[v] > 0 {
			a.look(a.percentOf("verdict_percent", v.String(), part[v], seats, seats, percent,
				func(_ *Action, row *Row) bool { return row.Verdict == v }))
		}
	}
}
