package reconcile

import (
	"cmp"
	"slices"

	"trueup/facts"
)

// Claims returns the product of which a row's action takes a seat: an issue its own, a downgrade or upgrade its target, any
// other none.
func (r *Row) Claims() ProductID {
	if r.Kind == Issue {
		return r.Product
	}
	return r.To
}

// spare returns how many seats of a product are free: purchased less assigned, or what the vendor's own figures leave,
// the lower; false if neither is known. Seats that this plan frees are not among them.
func (a *assembly) spare(p ProductID) (int64, bool) {
	n := slices.IndexFunc(a.plan.Positions, func(x Position) bool { return x.Product == p })
	x := &a.plan.Positions[n]
	free, known := int64(0), false
	if x.Spare != nil {
		free, known = *x.Spare, true
	}
	if x.CounterPurchased != nil && x.CounterConsumed != nil {
		vendor := *x.CounterPurchased - *x.CounterConsumed
		if !known || vendor < free {
			free = vendor
		}
		known = true
	}
	return free, known
}

// waitsForNothing reports whether an action will not be carried out by this plan, so that it takes no seat.
func (s State) waitsForNothing() bool {
	return s != Notice && s != Approval && s != Ready && s != Manual
}

// claim is an action's wish for a seat of a product, of a lot.
type claim struct {
	product ProductID
	lot     *lot
	action  int32
	proven  bool
	since   facts.Day
	rule    int16
}

// claims lists the wishes for seats in the order in which they are heard: proven need first, then who waits longest, then
// by the order of the eligibility rules, then by id.
func (a *assembly) claims() []claim {
	var claims []claim
	for n := range a.plan.Actions {
		action := &a.plan.Actions[n]
		row := &a.plan.Rows[action.Row]
		target := row.Claims()
		if target == NoProductID || action.State.waitsForNothing() {
			continue
		}
		claims = append(claims, claim{product: target, lot: a.lotOf(int(action.Row), target), action: int32(n), since: a.opened[n],
			rule: a.ruleOrder(row), proven: row.Verdict == UnderTier || row.Reasons.Has(ProvenNeed)})
	}
	slices.SortFunc(claims, func(x, y claim) int {
		proven := func(c claim) int {
			if c.proven {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(x.product, y.product), cmp.Compare(proven(x), proven(y)), cmp.Compare(x.since, y.since),
			cmp.Compare(x.rule, y.rule), a.compareHolders(x.action, y.action))
	})
	return claims
}

// supply is what there is of a product's seats while they are given out.
type supply struct {
	free  int64          // of the product
	known bool           // what is free
	lots  map[*lot]int64 // free in each lot, of a product that is divided
}

func (a *assembly) supplyOf(p ProductID) supply {
	s := supply{lots: map[*lot]int64{}}
	s.free, s.known = a.spare(p)
	for n := range a.lots[p] {
		l := &a.lots[p][n]
		if spare, known := l.spare(); known && len(a.lots[p]) > 1 {
			s.lots[l] = spare
		}
	}
	return s
}

// short returns how many seats must first be taken back so that one more can be given out of a lot; 0 where one is spare.
func (s *supply) short(l *lot) int64 {
	need := max(0, 1-s.free)
	if free, divided := s.lots[l]; divided {
		need = max(need, 1-free)
	}
	return need
}

func (s *supply) take(l *lot) {
	s.free--
	if _, divided := s.lots[l]; divided {
		s.lots[l]--
	}
}

// queue gives seats to those who need them most: what is spare, then what this plan takes back, which is theirs before any
// quantity is reduced. Who gets a seat that is taken back waits until enough were, and that is confirmed. The others wait
// for a later plan; a seat whose own notice or approval is not over is named to those who are next.
func (a *assembly) queue() {
	claims := a.claims()
	supplies := map[ProductID]*supply{}
	var waiting []claim
	for _, c := range claims {
		s := supplies[c.product]
		if s == nil {
			of := a.supplyOf(c.product)
			s = &of
			supplies[c.product] = s
		}
		switch {
		case !s.known:
		case s.short(c.lot) > 0:
			a.plan.Actions[c.action].After = int32(s.short(c.lot))
			waiting = append(waiting, c)
		default:
			s.take(c.lot)
		}
	}
	now, later := a.freed()
	for _, c := range waiting {
		s, action := supplies[c.product], &a.plan.Actions[c.action]
		product, need := a.plan.Catalogue.Products[c.product].ID, s.short(c.lot)
		action.After = 0
		switch {
		case need <= now[c.lot]:
			action.After = int32(need)
			s.take(c.lot)
		case need <= now[c.lot]+later[c.lot]:
			action.withhold(noSpare(product))
			action.note("the next seat of " + product + " that is taken back is for it")
			s.take(c.lot)
		default:
			action.withhold(noSpare(product))
		}
	}
}

func noSpare(product string) string { return "no spare seat of " + product }

func (a *Action) note(text string) {
	if a.Detail != "" {
		text = a.Detail + "; " + text
	}
	a.Detail = text
}

// freed counts by lot the seats that this plan takes back as it stands, and those that wait for something first. A
// downgrade that itself waits for a seat counts as the latter.
func (a *assembly) freed() (now, later map[*lot]int64) {
	now, later = map[*lot]int64{}, map[*lot]int64{}
	for n := range a.plan.Actions {
		action := &a.plan.Actions[n]
		if action.Kind != Revoke && action.Kind != Downgrade {
			continue
		}
		l := a.lotOf(int(action.Row), a.plan.Rows[action.Row].Product)
		switch {
		case action.State == Ready && action.After == 0:
			now[l]++
		case !action.State.waitsForNothing():
			later[l]++
		}
	}
	return now, later
}

// withholdUnfreed holds back what would take a seat that, after the guards, is not taken back any more.
func (a *assembly) withholdUnfreed() {
	now, _ := a.freed()
	for n := range a.plan.Actions {
		action := &a.plan.Actions[n]
		if action.After == 0 {
			continue
		}
		of := a.plan.Rows[action.Row].Claims()
		if int64(action.After) > now[a.lotOf(int(action.Row), of)] {
			action.withhold(noSpare(a.plan.Catalogue.Products[of].ID))
		}
		if action.State.waitsForNothing() {
			action.After = 0
		}
	}
}

// compareHolders orders actions by their holders' ids.
func (a *assembly) compareHolders(x, y int32) int {
	m, n := a.plan.Actions[x].Row, a.plan.Actions[y].Row
	return cmp.Or(cmp.Compare(a.plan.Holder(int(m)), a.plan.Holder(int(n))), cmp.Compare(m, n))
}

// ruleOrder returns the place of the eligibility rule that a row names.
func (a *assembly) ruleOrder(row *Row) int16 {
	if row.Rule < 0 {
		return 0
	}
	name := a.plan.Rules[row.Rule]
	for n := range a.policy.Eligibility {
		if a.policy.Eligibility[n].Name == name {
			return int16(n)
		}
	}
	return 0
}

// outrank finds the issues that give way where a person is missing several products that replace one another: all but the
// first by the order of the eligibility rules.
func (a *assembly) outrank() {
	plan := a.plan
	issues := map[PersonID][]int32{}
	for _, rows := range a.claimants {
		for _, n := range rows {
			if row := &plan.Rows[n]; row.Kind == Issue {
				issues[row.Person] = append(issues[row.Person], n)
			}
		}
	}
	a.outranked = map[int32]ProductID{}
	for _, rows := range issues {
		slices.Sort(rows)
		for _, n := range rows {
			row := &plan.Rows[n]
			for _, other := range rows {
				rival := &plan.Rows[other]
				mine, theirs := a.ruleOrder(row), a.ruleOrder(rival)
				if a.replaces(row.Product, rival.Product) && (theirs < mine || theirs == mine && other < n) {
					a.outranked[n] = rival.Product
					break
				}
			}
		}
	}
}

// withholdRivals lets one issue pass where a person is missing several products that replace one another.
func (a *assembly) withholdRivals() {
	for n := range a.plan.Actions {
		if rival, outranked := a.outranked[a.plan.Actions[n].Row]; outranked {
			a.plan.Actions[n].withhold("another seat is proposed: " + a.plan.Catalogue.Products[rival].ID)
		}
	}
}

func (a *assembly) replaces(p, q ProductID) bool {
	c := a.plan.Catalogue
	family := c.Products[p].Family
	return family != "" && family == c.Products[q].Family || c.Covers(p, q) || c.Covers(q, p)
}
