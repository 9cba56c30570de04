package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"trueup/facts"
)

// CommonPool is the pool of whoever is in no other, where a product's contracts name pools.
const CommonPool = "common"

// PoolMembers says which seats are in a pool of the contracts: those of a cost centre, else those of the people of a
// department. Both are compared case-folded.
type PoolMembers struct {
	CostCentres []string `yaml:"cost_centres"`
	Departments []string `yaml:"departments"`
}

// checkPools reports pools without a name or members, and members of two pools.
func (c *Catalogue) checkPools() {
	centres, departments := map[string]string{}, map[string]string{}
	for _, pool := range slices.Sorted(maps.Keys(c.Pools)) {
		key, members := "pools."+pool, c.Pools[pool]
		switch {
		case pool == CommonPool:
			c.doc.Fault(key, "cannot have members", "whoever is in no other pool is in "+CommonPool)
		case pool == "":
			c.doc.Fault("pools", "has a pool without a name", "")
		case len(members.CostCentres)+len(members.Departments) == 0:
			c.doc.Fault(key, "has no members", "name cost_centres or departments")
		}
		for _, list := range []struct {
			key   string
			texts []string
			taken map[string]string
		}{{"cost_centres", members.CostCentres, centres}, {"departments", members.Departments, departments}} {
			for n, text := range list.texts {
				at, folded := fmt.Sprintf("%s.%s[%d]", key, list.key, n), foldItem(text)
				if first, twice := list.taken[folded]; twice {
					c.doc.Fault(at, fmt.Sprintf("%q is already in pool %s", text, first), "a seat is in one pool")
				} else if folded == "" {
					c.doc.Fault(at, "is empty", "")
				}
				list.taken[folded] = pool
			}
		}
	}
}

// lot is a part of what was purchased whose seats can take one another's place: a pool, or all of a product that has none.
type lot struct {
	pool      string // "" where the product is one lot
	purchased *int64
	floor     int64
	notice    facts.Day
	ends      facts.Day
	cut       cut
	tally
	wanted int64 // seats that freed ones go to before anything is trued down
	left   int64 // how many seats more can be reduced by taking seats away, while rows are priced
}

// spare returns how many of the lot's seats nobody has, less than none where it is over-allocated; false if that is not known.
func (l *lot) spare() (int64, bool) {
	if l.purchased == nil {
		return 0, false
	}
	return *l.purchased - l.assigned, true
}

// pooling says which pool a row is in.
type pooling struct {
	names       [][]string // by product: the pools of its lots; nil where it is one lot
	centres     map[facts.Sym]string
	departments map[facts.Sym]string
}

// lotsOf divides each product by the pools of its contracts. A product is divided only where the catalogue says of each
// pool who is in it: seats do not.
func lotsOf(contracts []contract, s *facts.Snapshot, c *Catalogue) ([][]lot, *pooling) {
	lots, p := make([][]lot, len(contracts)), &pooling{names: make([][]string, len(contracts))}
	divided := false
	for n := range contracts {
		k := &contracts[n]
		if !c.Products[n].Metric.PerHolder() || !k.pooled(c.Pools) {
			lots[n] = []lot{{purchased: k.purchased, floor: k.floor, notice: k.notice, ends: k.ends, cut: k.cut}}
			continue
		}
		divided = true
		for _, pool := range k.pools {
			lots[n] = append(lots[n], lot{pool: cmp.Or(pool.name, CommonPool), purchased: pool.purchased, floor: pool.floor,
				notice: pool.notice, ends: pool.ends, cut: pool.cut})
		}
		if !slices.ContainsFunc(lots[n], func(l lot) bool { return l.pool == CommonPool }) {
			rest := lot{pool: CommonPool, notice: facts.NoDay, ends: facts.NoDay, cut: cut{open: true}}
			if k.known {
				rest.purchased = new(int64)
			}
			lots[n] = append(lots[n], rest)
		}
		slices.SortFunc(lots[n], func(x, y lot) int { return cmp.Compare(x.pool, y.pool) })
		for k := range lots[n] {
			p.names[n] = append(p.names[n], lots[n][k].pool)
		}
	}
	if divided {
		p.read(s, c)
	}
	return lots, p
}

// pooled reports whether the rows in force name pools, and of all of them it is known who is in them.
func (c *contract) pooled(described map[string]PoolMembers) bool {
	named := slices.ContainsFunc(c.pools, func(p pool) bool { return p.name != "" })
	return named && c.undescribed(described) == ""
}

// undescribed returns a pool of the rows in force of which it is not known who is in it; "" if there is none.
func (c *contract) undescribed(described map[string]PoolMembers) string {
	for _, pool := range c.pools {
		if _, known := described[pool.name]; !known && pool.name != "" {
			return pool.name
		}
	}
	return ""
}

// read finds the pool of each cost centre and department that the snapshot knows.
func (p *pooling) read(s *facts.Snapshot, c *Catalogue) {
	centres, departments := map[string]string{}, map[string]string{}
	for pool, members := range c.Pools {
		for _, text := range members.CostCentres {
			centres[foldItem(text)] = pool
		}
		for _, text := range members.Departments {
			departments[foldItem(text)] = pool
		}
	}
	resolve := func(column []facts.Sym, of map[string]string) map[facts.Sym]string {
		found := map[facts.Sym]string{}
		for _, sym := range column {
			if _, seen := found[sym]; !seen && sym != 0 {
				found[sym] = of[foldItem(s.Strings.Text(sym))]
			}
		}
		return found
	}
	p.centres = resolve(s.People.CostCentre, centres)
	maps.Copy(p.centres, resolve(s.Seats.CostCentre, centres))
	p.departments = resolve(s.People.Department, departments)
}

// Pool returns the pool of which row n has, or would have, a seat of a product: that of its cost centre (the seat's, else
// the person's), else that of the person's department, else [CommonPool]; "" where the product is not divided into pools.
func (p *Plan) Pool(n int, of ProductID) string {
	if p.pooling == nil || p.pooling.names[of] == nil {
		return ""
	}
	pool := p.pooling.centres[p.ownCentre(n)]
	if person := p.Rows[n].Person; pool == "" && person != NoPersonID {
		pool = p.pooling.departments[p.Snapshot.People.Department[p.People[person].Row]]
	}
	if pool == "" || !slices.Contains(p.pooling.names[of], pool) {
		return CommonPool
	}
	return pool
}

// lotOf returns the lot of which row n has, or would have, a seat of a product.
func (a *assembly) lotOf(n int, of ProductID) *lot {
	lots := a.lots[of]
	if len(lots) == 1 {
		return &lots[0]
	}
	pool := a.plan.Pool(n, of)
	return &lots[slices.IndexFunc(lots, func(l lot) bool { return l.pool == pool })]
}

// whole adds up a product's lots.
func (a *assembly) whole(p ProductID) (t tally) {
	for n := range a.lots[p] {
		of := &a.lots[p][n]
		t.assigned, t.active = t.assigned+of.assigned, t.active+of.active
		t.idle, t.reclaimable = t.idle+of.idle, t.reclaimable+of.reclaimable
	}
	return t
}

// poolPositions makes the positions of a product's pools: of one that is not divided only what was purchased in each.
func (a *assembly) poolPositions(p ProductID, whole *Position) {
	c, plan := &a.contracts[p], a.plan
	if len(a.lots[p]) > 1 {
		for n := range a.lots[p] {
			l := &a.lots[p][n]
			if l.pool != CommonPool || l.assigned+l.wanted > 0 || l.purchased != nil && *l.purchased != 0 {
				plan.Positions = append(plan.Positions, a.poolPosition(p, l, whole))
			}
		}
		return
	}
	if len(c.pools) == 1 {
		plan.Positions[len(plan.Positions)-1].Pool = c.pools[0].name
		return
	}
	slices.SortFunc(c.pools, func(a, b pool) int { return cmp.Compare(a.name, b.name) })
	for _, pool := range c.pools {
		if pool.name != "" {
			plan.Positions = append(plan.Positions, Position{Product: p, Pool: pool.name, Purchased: pool.purchased,
				Notice: facts.NoDay, Ends: facts.NoDay})
		}
	}
}

// poolPosition makes the position of one pool. A buffer in percent holds in each pool, one of so many seats for the product.
func (a *assembly) poolPosition(p ProductID, l *lot, whole *Position) Position {
	x := Position{Product: p, Pool: l.pool, Purchased: l.purchased, Notice: l.notice, Ends: l.ends}
	if whole.Assigned != nil {
		x.Assigned, x.Idle, x.Reclaimable = &l.assigned, &l.idle, &l.reclaimable
		if spare, known := l.spare(); known {
			x.Spare = &spare
		}
	}
	if whole.Active != nil {
		x.Active = &l.active
	}
	a.flag(&x, &contract{}, a.lotBuffer(p, l))
	return x
}

// lotBuffer returns how many seats of a lot should be free.
func (a *assembly) lotBuffer(p ProductID, l *lot) int64 {
	if l.pool == "" {
		return a.buffer(p, l.purchased)
	}
	if b, ok := a.policy.Buffer(p); ok && l.purchased != nil {
		return ceilPercent(*l.purchased, b.Percent)
	}
	return 0
}

// want counts, by lot, the seats that somebody waits for: missing ones, and those of a higher tier that is needed.
func (a *assembly) want() {
	a.outrank()
	for _, rows := range a.claimants {
		for _, n := range rows {
			if _, outranked := a.outranked[n]; !outranked {
				a.lotOf(int(n), a.plan.Rows[n].Claims()).wanted++
			}
		}
	}
}
