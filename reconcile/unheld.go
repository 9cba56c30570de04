package reconcile

import (
	"slices"

	"trueup/facts"
)

// unheld is a product of which the holder has no seat, and yet a row.
type unheld struct {
	product ProductID
	rule    *EligibilityRule // of a missing seat; nil is unlicensed use
	failed  bool             // of unlicensed use: a rule could not be evaluated
}

// findUnheld lists products of which the holder has no seat: missing where a rule says they should have one, unlicensed
// use where they use it without. It returns why a person without any row has none.
func (d *decider) findUnheld() unplaced {
	d.unheld = d.unheld[:0]
	pending := noRightNoUse
	if d.person != NoPersonID {
		for _, p := range d.ruled {
			pending = max(pending, d.findMissing(p))
		}
	}
	for _, x := range d.touched {
		slot := &d.meter.slots[x]
		if counted := d.meter.counted[slot.product]; int(x) >= counted.from && int(x) < counted.to && d.last[x].Known() {
			pending = max(pending, d.findUnlicensed(slot.product))
		}
	}
	return pending
}

// findMissing lists p if the holder has a right to a seat of it and none. It returns why not, if only that the holder is
// not active or the seats are not known stands against it.
func (d *decider) findMissing(p ProductID) unplaced {
	if d.spokenAt[p] == d.epoch || !d.catalogue.Products[p].Metric.PerHolder() {
		return noRightNoUse
	}
	e := d.entitlement(p)
	switch {
	case e.rule == nil:
		return noRightNoUse
	case !d.mayBeMissing():
		return eligibleNotActive
	case !d.items.told[p]:
		return seatsNotKnown
	}
	d.heldAt[p] = d.epoch // a row speaks for the product: no second one
	d.unheld = append(d.unheld, unheld{product: p, rule: e.rule})
	return noRightNoUse
}

// decideUnheld writes the row of a product without a seat.
func (d *decider) decideUnheld(u *unheld) {
	if u.rule == nil {
		row := d.row(u.product, d.userOf(u.product))
		row.give(UnlicensedUse, NoSeat)
		if u.failed {
			row.Reasons = row.Reasons.With(PolicyError)
		}
		d.finishUnheld(row)
		return
	}
	row := d.row(u.product, d.accountFor(u.product))
	row.give(Missing, EligibleByRule, NoSeat)
	row.Rule = d.number(u.rule.Name)
	if row.LastUse.Known() {
		row.Reasons = row.Reasons.With(ProvenNeed)
	}
	if d.standing.future {
		row.Reasons = row.Reasons.With(FutureStarter)
	}
	d.finishUnheld(row)
}

// mayBeMissing: only active people are missing a seat, and those who start within the lead time that the policy gives.
func (d *decider) mayBeMissing() bool {
	st := &d.standing
	if st.protected || st.away || st.leaving != stays {
		return false
	}
	status := d.snapshot.People.Status[d.directory.people[d.person].Row]
	soon := st.future && st.starts.Known() && st.starts-d.today <= facts.Day(d.policy.Future)
	return st.active || soon && (status == facts.Active || status == facts.Future)
}

// findUnlicensed lists p if the holder has used it without a seat or a right to one.
func (d *decider) findUnlicensed(p ProductID) unplaced {
	metric := d.catalogue.Products[p].Metric
	if d.spokenAt[p] == d.epoch || d.heldAt[p] == d.epoch || metric != NamedUser && metric != ActiveUser {
		return noRightNoUse
	}
	if !d.items.told[p] {
		return seatsNotKnown
	}
	failed := false
	if d.person != NoPersonID {
		e := d.entitlement(p)
		if e.rule != nil {
			return eligibleNotActive
		}
		failed = e.failed
	}
	d.heldAt[p] = d.epoch
	d.unheld = append(d.unheld, unheld{product: p, failed: failed})
	return noRightNoUse
}

func (d *decider) finishUnheld(row *Row) {
	if row.LastUse.Known() {
		row.IdleDays = int32(max(0, d.today-max(d.days.day(row.LastUse), row.Clock)))
	}
	if d.lateWho {
		row.Reasons = row.Reasons.With(ObservedLater)
	}
	d.call(row, nil)
	d.finish(row, nil, thresholds{idle: defaultIdleAfter, since: facts.NoInstant})
}

// accountFor returns the holder's account where seats of p are kept; the first by name of several, NoAccountID if none.
func (d *decider) accountFor(p ProductID) AccountID {
	found, h := NoAccountID, d.holders
	for _, a := range h.account[h.accounts[d.holder]:h.accounts[d.holder+1]] {
		if slices.Contains(d.items.sources[p], d.roster.accounts[a].Source) && (found == NoAccountID || d.compareAccounts(a, found) < 0) {
			found = a
		}
	}
	return found
}

// userOf returns the account with the newest counted use of p.
func (d *decider) userOf(p ProductID) AccountID {
	found, newest, counted := NoAccountID, facts.NoInstant, d.meter.counted[p]
	for n := d.uses.from; n < d.uses.to; n++ {
		u, last := d.useRows[n], d.lasts[n]
		account := d.meter.account(d.roster, u.row())
		for _, x := range d.meter.combos[u.tag()].slots {
			if int(x) < counted.from || int(x) >= counted.to || last < newest {
				continue
			}
			if found == NoAccountID || last > newest || d.compareAccounts(account, found) < 0 {
				found, newest = account, last
			}
		}
	}
	return found
}
