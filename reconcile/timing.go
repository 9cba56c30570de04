package reconcile

import (
	"fmt"

	"trueup/facts"
)

// putOff returns until when a seat found unused is left alone because its rule asks for that, and why: to the rule's lead
// before the next date on which the contract lets the quantity be changed. It is left alone only where that costs nothing:
// everything of it is paid in advance, and neither somebody who is missing a seat, nor the buffer, nor what is over-allocated
// calls for one. NoDay where it is not. Only what a reclaim rule takes back is ever put off.
func (a *proposer) putOff(row *Row, n int) (facts.Day, string) {
	if row.Verdict != NeverUsed && row.Verdict != Idle && row.Verdict != OverTier {
		return facts.NoDay, ""
	}
	rule := a.reclaimRule(row)
	if rule == nil || rule.Timing != BeforeNotice {
		return facts.NoDay, ""
	}
	key := ruleOfLot{rule, a.lotOf(n, row.Product)}
	known, found := a.putOffs[key]
	if !found {
		known.until, known.why = a.lastCall(row.Product, key.lot, rule)
		a.putOffs[key] = known
	}
	return known.until, known.why
}

// ruleOfLot is what decides about a postponement: few are many rows'.
type ruleOfLot struct {
	rule *ReclaimRule
	lot  *lot
}

// postponement is until when, and why.
type postponement struct {
	until facts.Day
	why   string
}

func (a *assembly) lastCall(p ProductID, l *lot, rule *ReclaimRule) (facts.Day, string) {
	if l.cut.open || !l.cut.by.Known() || a.calledFor(p, l) {
		return facts.NoDay, ""
	}
	what := "the contract's notice date"
	if !l.notice.Known() || l.notice != l.cut.by {
		what = "the contract's end"
	}
	return l.cut.by - facts.Day(rule.Lead), fmt.Sprintf("put off to %s before %s, %s: it saves nothing earlier, and nobody waits for the seat",
		rule.Lead, what, l.cut.by)
}

// calledFor reports whether seats of a lot are asked for beyond what is spare.
func (a *assembly) calledFor(p ProductID, l *lot) bool {
	spare, known := l.spare()
	if !known || spare < l.wanted+a.lotBuffer(p, l) {
		return true
	}
	wanted := int64(0)
	for n := range a.lots[p] {
		wanted += a.lots[p][n].wanted
	}
	whole, known := a.spare(p)
	return !known || whole < wanted+a.buffer(p, a.contracts[p].purchased)
}
