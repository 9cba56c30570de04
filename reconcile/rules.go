package reconcile

import (
	"fmt"
	"slices"
)

// ranking lists rules by how specific they are about a product. It is read-only once built.
type ranking struct {
	levels     [][3][]int // by product: indexes of the rules that name it, its family, and everything
	everything [3][]int   // the last level alone
}

// newRanking ranks the rules with the given scopes: ids, families, "*" or "".
func newRanking(c *Catalogue, scopes []string) ranking {
	named := map[string][]int{}
	for n, scope := range scopes {
		if scope == "" {
			scope = AnyProduct
		}
		named[scope] = append(named[scope], n)
	}
	r := ranking{levels: make([][3][]int, len(c.Products)), everything: [3][]int{2: named[AnyProduct]}}
	for n, product := range c.Products {
		r.levels[n] = r.everything
		r.levels[n][0] = named[product.ID]
		if product.Family != product.ID {
			r.levels[n][1] = named[product.Family]
		}
	}
	return r
}

// of returns the levels of a product, most specific first.
func (r *ranking) of(p ProductID) *[3][]int {
	if p < 0 || int(p) >= len(r.levels) {
		return &r.everything
	}
	return &r.levels[p]
}

func (p *Policy) rank() {
	p.eligibility = newRanking(p.catalogue, scopes(p.Eligibility, func(r *EligibilityRule) string { return r.Product }))
	p.reclaim = newRanking(p.catalogue, scopes(p.Reclaim, func(r *ReclaimRule) string { return r.Product }))
	p.exempt = newRanking(p.catalogue, scopes(p.Exempt, func(e *Exemption) string { return e.Product }))
	p.number()
}

// number gives each expression a number, by which an [Evaluator] finds what it remembers of it.
func (p *Policy) number() {
	next := 0
	number := func(e *Expression) {
		if e != nil {
			e.number, next = next, next+1
		}
	}
	for n := range p.Eligibility {
		number(p.Eligibility[n].When)
	}
	for n := range p.Reclaim {
		number(p.Reclaim[n].When)
	}
	for n := range p.Exempt {
		number(p.Exempt[n].When)
	}
}

// ruleNames returns the names of all rules, and the number of each name.
func (p *Policy) ruleNames() (names []string, numbers map[string]int16) {
	numbers = map[string]int16{}
	add := func(name string) {
		if _, known := numbers[name]; !known {
			numbers[name] = int16(len(names))
			names = append(names, name)
		}
	}
	for n := range p.Eligibility {
		add(p.Eligibility[n].Name)
	}
	for n := range p.Reclaim {
		add(p.Reclaim[n].Name)
	}
	for n := range p.Exempt {
		add(p.Exempt[n].Name)
	}
	return names, numbers
}

func scopes[T any](rules []T, scope func(*T) string) []string {
	list := make([]string, len(rules))
	for n := range rules {
		list[n] = scope(&rules[n])
	}
	return list
}

// EligibilityRules returns the rules that say who should hold a product: those of the most specific scope that has any,
// in order; none if the policy does not say.
func (p *Policy) EligibilityRules(product ProductID) []*EligibilityRule {
	for _, level := range p.eligibility.of(product) {
		if len(level) > 0 {
			rules := make([]*EligibilityRule, len(level))
			for k, n := range level {
				rules[k] = &p.Eligibility[n]
			}
			return rules
		}
	}
	return nil
}

// Eligible returns the first of the product's eligibility rules that holds; nil if none does. Ruled reports whether the
// product has rules at all: without, nobody is missing a seat and nobody is not entitled. If no rule holds and one could
// not be evaluated, the error says why, and nothing follows.
func (p *Policy) Eligible(ev *Evaluator, s Subject) (rule *EligibilityRule, ruled bool, err error) {
	for _, level := range p.eligibility.of(s.Product) {
		if len(level) == 0 {
			continue
		}
		for _, n := range level {
			holds, failure := ev.Holds(p.Eligibility[n].When, s)
			if holds {
				return &p.Eligibility[n], true, nil
			}
			if failure != nil && err == nil {
				err = failure
			}
		}
		return nil, true, err
	}
	return nil, false, nil
}

// ReclaimRule returns the rule that decides about a seat: the most specific whose When holds, of equally specific ones
// the first; nil if none does. If a rule cannot be evaluated before one holds, the error says why: the seat is kept,
// and no less specific rule is asked.
func (p *Policy) ReclaimRule(ev *Evaluator, s Subject) (*ReclaimRule, error) {
	for _, level := range p.reclaim.of(s.Product) {
		for _, n := range level {
			holds, err := ev.Holds(p.Reclaim[n].When, s)
			if err != nil {
				return nil, err
			}
			if holds {
				return &p.Reclaim[n], nil
			}
		}
	}
	return nil, nil
}

// Exemption returns the exemption that shields a seat from a verdict: the most specific one in force on the snapshot's
// day that names the verdict and whose When holds, of equally specific ones the first; nil if none does. If none holds
// and one could not be evaluated, the error says why, and the seat is kept.
func (p *Policy) Exemption(ev *Evaluator, s Subject, v Verdict) (exemption *Exemption, err error) {
	for _, level := range p.exempt.of(s.Product) {
		for _, n := range level {
			e := &p.Exempt[n]
			if ev.today > e.Until || !slices.Contains(e.From, v) {
				continue
			}
			holds, failure := ev.Holds(e.When, s)
			if holds {
				return e, nil
			}
			if failure != nil && err == nil {
				err = failure
			}
		}
	}
	return nil, err
}

// Buffer returns how many seats of a product should be spare, by the most specific scope that says, and whether one does.
func (p *Policy) Buffer(product ProductID) (Buffer, bool) {
	if product != NoProductID {
		of := &p.catalogue.Products[product]
		for _, scope := range []string{of.ID, of.Family} {
			if b, ok := p.Buffers[scope]; ok && scope != "" {
				return b, true
			}
		}
	}
	b, ok := p.Buffers[AnyProduct]
	return b, ok
}

// asksContract reports whether any rule that may be asked about a product depends on what was purchased.
func (p *Policy) asksContract(product ProductID) bool {
	for k := range p.reclaim.everything {
		for _, n := range p.eligibility.of(product)[k] {
			if p.Eligibility[n].When.asksContract() {
				return true
			}
		}
		for _, n := range p.reclaim.of(product)[k] {
			if p.Reclaim[n].When.asksContract() {
				return true
			}
		}
		for _, n := range p.exempt.of(product)[k] {
			if p.Exempt[n].When.asksContract() {
				return true
			}
		}
	}
	return false
}

// WithIdleAfter returns the policy with another idle threshold for one product: every reclaim rule that may decide about
// it gets that, and takes seats away where it would only keep or review them; a product without a rule gets one. Other
// products are then not decided as the policy says.
func (p *Policy) WithIdleAfter(product ProductID, after Days) *Policy {
	changed := *p
	changed.Reclaim = slices.Clone(p.Reclaim)
	asked := 0
	for _, level := range p.reclaim.of(product) {
		for _, n := range level {
			r := &changed.Reclaim[n]
			if r.IdleAfter = after; r.Action != Downgrade {
				r.Action = Revoke
			}
			asked++
		}
	}
	if asked == 0 {
		changed.Reclaim = append(changed.Reclaim, ReclaimRule{Name: fmt.Sprintf("reclaim[%d]", len(p.Reclaim)),
			Product: p.catalogue.Products[product].ID, IdleAfter: after, Action: Revoke})
		changed.reclaim = newRanking(p.catalogue, scopes(changed.Reclaim, func(r *ReclaimRule) string { return r.Product }))
	}
	return &changed
}
