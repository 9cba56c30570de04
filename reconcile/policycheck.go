package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// policyCheck finds what is wrong with a decoded policy: by itself, and against the catalogue.
type policyCheck struct {
	policy    *Policy
	catalogue *Catalogue
	doc       *Document
}

func (c policyCheck) version() {
	switch {
	case !c.doc.Has("version"):
		c.doc.Fault("version", "is missing", "write version: 1")
	case c.policy.Version != 1:
		c.doc.Fault("version", fmt.Sprintf("is %d; this program reads version 1", c.policy.Version), "")
	}
}

func (c policyCheck) rules() {
	for n := range c.policy.Eligibility {
		r := &c.policy.Eligibility[n]
		r.Name = fmt.Sprintf("eligibility[%d]", n)
		c.product(r.Name+".product", r.Product)
		c.words(r.Name+".when", r.When)
	}
	for n := range c.policy.Reclaim {
		r := &c.policy.Reclaim[n]
		r.Name = fmt.Sprintf("reclaim[%d]", n)
		c.product(r.Name+".product", r.Product)
		c.words(r.Name+".when", r.When)
		if r.IdleAfter == 0 {
			c.doc.Fault(r.Name+".idle_after", "is missing", "write idle_after: 90d")
		}
		if !c.doc.Has(r.Name + ".action") {
			c.doc.Fault(r.Name+".action", "is missing", "use revoke, downgrade, review or keep")
		} else {
			checkAction(func(key, reason, hint string) { c.doc.Fault(joinKey(r.Name, key), reason, hint) }, r.Action,
				ReclaimActions())
		}
		c.downgrade(r)
		c.timing(r)
	}
}

func (c policyCheck) timing(r *ReclaimRule) {
	switch {
	case r.Timing == BeforeNotice && r.Action != Revoke && r.Action != Downgrade && c.doc.Has(r.Name+".action"):
		c.doc.Fault(r.Name+".timing", fmt.Sprintf("means nothing with action %s", r.Action), "remove it, or write action: revoke")
	}
	switch {
	case r.Timing == BeforeNotice && r.Lead == 0:
		r.Lead = DefaultLead
	case r.Timing != BeforeNotice && r.Lead != 0:
		c.doc.Fault(r.Name+".lead", "means nothing without timing: before-notice", "remove it, or add timing: before-notice")
	}
}

// product checks the scope of a rule: an id, a family or "*".
func (c policyCheck) product(key, scope string) {
	_, isProduct := c.catalogue.ids[scope]
	switch {
	case scope == "":
		c.doc.Fault(key, "is missing", `name a product, a family or "*"`)
	case scope != AnyProduct && !isProduct && c.catalogue.families[scope] == nil:
		known := slices.Sorted(maps.Keys(c.catalogue.ids))
		known = append(known, slices.Sorted(maps.Keys(c.catalogue.families))...)
		c.doc.Fault(key, fmt.Sprintf("no product or family %q", scope), didYouMean(scope, known))
	}
}

func (c policyCheck) downgrade(r *ReclaimRule) {
	key := r.Name + ".to"
	if r.Action != Downgrade {
		if r.To != "" {
			c.doc.Fault(key, fmt.Sprintf("means nothing with action %s", r.Action), "remove it, or write action: downgrade")
		}
		return
	}
	from, isProduct := c.catalogue.Lookup(r.Product)
	to, known := c.catalogue.Lookup(r.To)
	switch {
	case r.To == "":
		c.doc.Fault(key, "is missing", "name the product to downgrade to")
	case !known:
		c.doc.Fault(key, fmt.Sprintf("no product %q", r.To), didYouMean(r.To, slices.Sorted(maps.Keys(c.catalogue.ids))))
	case !isProduct:
		c.doc.Fault(r.Name+".product", "a downgrade is of one product", "write one rule for each product")
	case c.catalogue.covers != nil && !c.catalogue.Covers(from, to):
		c.doc.Fault(key, fmt.Sprintf("%s is neither a lower tier of %s nor covered by it", r.To, r.Product), "")
	}
}

// words checks the products and families with which a rule compares; one that does not exist would never hold.
func (c policyCheck) words(key string, e *Expression) {
	if e == nil {
		return
	}
	inside := new(expressionError)
	for _, l := range e.literals {
		known := slices.Sorted(maps.Keys(c.catalogue.ids))
		switch l.attribute {
		case "product.id":
		case "product.family":
			known = slices.Sorted(maps.Keys(c.catalogue.families))
		default:
			continue
		}
		if l.text != "" && !slices.Contains(known, l.text) {
			inside.list = append(inside.list, expressionFault{l.line, l.column, fmt.Sprintf("%s is never %q", l.attribute, l.text),
				didYouMean(l.text, known)})
		}
	}
	c.doc.faultInside(c.doc.places[key], key, e.Source, inside)
}

func (c policyCheck) exemptions() {
	named := map[string]int{}
	for n := range c.policy.Exempt {
		e := &c.policy.Exempt[n]
		key := fmt.Sprintf("exempt[%d]", n)
		if first, twice := named[e.Name]; twice && e.Name != "" {
			c.doc.Fault(key+".name", fmt.Sprintf("%q stands twice; first in exempt[%d]", e.Name, first), "")
		}
		named[e.Name] = n
		if e.Product != "" {
			c.product(key+".product", e.Product)
		}
		c.words(key+".when", e.When)
		if strings.TrimSpace(e.Reason) == "" {
			c.doc.Fault(key+".reason", "is missing", "say why, for those who read the report")
		}
		if strings.TrimSpace(e.Author) == "" {
			c.doc.Fault(key+".author", "is missing", "name who answers for it")
		}
		if !c.doc.Has(key+".until") || !e.Until.Known() {
			c.doc.Fault(key+".until", "is missing", "write the last day, as until: 2027-06-30")
		}
		c.from(key, e)
		if e.Name == "" {
			e.Name = key
		}
	}
}

func (c policyCheck) from(key string, e *Exemption) {
	for n, v := range e.From {
		at := fmt.Sprintf("%s.from[%d]", key, n)
		switch {
		case v == Leaver && !e.LegalHold:
			c.doc.Fault(at, "leavers lose their seats whatever is exempt", "add legal_hold: true if the law requires to keep it")
		case !v.ofSeat():
			c.doc.Fault(at, fmt.Sprintf("%s takes no seat away", v), "remove it")
		case slices.Contains(e.From[:n], v):
			c.doc.Fault(at, fmt.Sprintf("%s stands twice", v), "")
		}
	}
	if len(e.From) == 0 {
		if c.doc.Has(key + ".from") {
			c.doc.Fault(key+".from", "is empty", "remove the key for the usual verdicts")
		}
		e.From = DefaultExemptFrom()
	}
	if e.LegalHold && !slices.Contains(e.From, Leaver) {
		e.From = append(e.From, Leaver)
	}
}

func (c policyCheck) buffers() {
	for _, scope := range slices.Sorted(maps.Keys(c.policy.Buffers)) {
		c.product("buffers."+scope, scope)
	}
}

// guardMost is the most that a limit may be, by its key; a limit that is not listed has no most.
func guardMost(key string) float64 {
	switch key {
	case "match_rate":
		return 1
	case "growth_percent":
		return 0
	}
	if strings.HasSuffix(key, "_percent") {
		return 100
	}
	return 0
}

func (c policyCheck) guards() {
	g := &c.policy.Guards
	for _, limit := range []struct {
		key   string
		value float64
	}{
		{"actions.run", float64(g.Run)},
		{"actions.run_percent", g.RunPercent},
		{"actions.days_7", float64(g.Days7)},
		{"actions.days_30", float64(g.Days30)},
		{"actions.product_percent", g.ProductPercent},
		{"actions.department_percent", g.DepartmentPercent},
		{"actions.verdict_percent", g.VerdictPercent},
		{"shrink_percent", g.ShrinkPercent},
		{"growth_percent", g.GrowthPercent},
		{"rejected_percent", g.RejectedPercent},
		{"match_rate", g.MatchRate},
		{"watermark_age", g.WatermarkAge.Hours()},
		{"canary", float64(g.Canary)},
	} {
		key := "guards." + limit.key
		most := guardMost(limit.key)
		switch {
		case !c.doc.Has(key):
		case limit.value <= 0:
			c.doc.Fault(key, "is not above zero", "remove the key for no limit; mode: observe lets nothing pass")
		case most > 0 && limit.value > most:
			c.doc.Fault(key, fmt.Sprintf("is above %g", most), "")
		}
	}
}
