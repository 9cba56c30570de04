package reconcile

import (
	"slices"

	"trueup/facts"
)

// decideUnheld appends the rows of products of which the holder has no seat: missing where a rule says they should have
// one, unlicensed use where they use it without. It returns why a person without any row has none.
func (d *decider) decideUnheld() unplaced {
	pending := noRightNoUse
	if d.person != NoPersonID {
		for _, p := range d.ruled {
			pending = max(pending, d.decideMissing(p))
		}
	}
	for _, x := range d.touched {
		slot := &d.meter.slots[x]
		if counted := d.meter.counted[slot.product]; int(x) >= counted.from && int(x) < counted.to && d.last[x].Known() {
			pending = max(pending, d.decideUnlicensed(slot.product))
		}
	}
	return pending
}

// decideMissing appends a row if the holder has a right to a seat of p and none. It returns why not, if only that the
// holder is not active or the seats are not known stands against it.
func (d *decider) decideMissing(p ProductID) unplaced {
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
	row := d.row(p, d.accountFor(p))
	row.give(Missing, EligibleByRule, NoSeat)
	row.Rule = d.number(e.rule.Name)
	if row.LastUse.Known() {
		row.Reasons = row.Reasons.With(ProvenNeed)
	}
	if d.standing.future {
		row.Reasons = row.Reasons.With(FutureStarter)
	}
	d.finishUnheld(row)
	return noRightNoUse
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

// decideUnlicensed appends a row if the holder has used p without a seat or a right to one.
func (d *decider) decideUnlicensed(p ProductID) unplaced {
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
	row := d.row(p, d.userOf(p))
	row.give(UnlicensedUse, NoSeat)
	if failed {
		row.Reasons = row.Reasons.With(PolicyError)
	}
	d.finishUnheld(row)
	return noRightNoUse
}

func (d *decider) finishUnheld(row *Row) {
	if row.LastUse.Known() {
		row.IdleDays = int32(max(0, d.today-max(d.days.day(row.LastUse), row.Clock)))
	}
	if d.lateWho {
		row.Reasons = row.Reasons.With(ObservedLater)
	}
	row.Path = uint32(len(d.paths))
	d.call(row, nil)
	d.finish(row, thresholds{idle: defaultIdleAfter, since: facts.NoInstant})
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
	found, newest, h, counted := NoAccountID, facts.NoInstant, d.holders, d.meter.counted[p]
	for _, u := range h.use[h.uses[d.holder]:h.uses[d.holder+1]] {
		for _, x := range d.meter.combos[u.combo].slots {
			if int(x) < counted.from || int(x) >= counted.to || u.last < newest {
				continue
			}
			if found == NoAccountID || u.last > newest || d.compareAccounts(u.account, found) < 0 {
				found, newest = u.account, u.last
			}
		}
	}
	return found
}
