package reconcile

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"trueup/facts"
)

// defaultRole approves where the policy names nobody.
const defaultRole = "operator"

// act proposes an action for every row that calls for one, and says what it waits for.
func (a *assembly) act() {
	plan := a.plan
	cases := make(map[facts.Digest]*facts.Case, len(plan.Snapshot.Prior.Cases))
	for n := range plan.Snapshot.Prior.Cases {
		cases[plan.Snapshot.Prior.Cases[n].ID] = &plan.Snapshot.Prior.Cases[n]
	}
	parts := shares(len(plan.Rows))
	from := make([]int, len(parts)) // the first action of each part
	inParallel(len(parts), each(func(part int) { from[part] = effects(plan.Rows[parts[part].from:parts[part].to]) }))
	count := 0
	for part, n := range from {
		from[part], count = count, count+n
	}
	plan.Actions, a.opened = make([]Action, count), make([]facts.Day, count)
	inParallel(len(parts), func() func(int) {
		p := proposer{assembly: a, cases: cases, putOffs: map[ruleOfLot]postponement{}}
		return func(part int) { p.propose(parts[part], from[part]) }
	})
	a.withholdInexact()
	a.withholdRivals()
	a.withholdUncovered()
	a.queue()
}

// effects counts the rows that call for something.
func effects(rows []Row) int {
	count := 0
	for n := range rows {
		if rows[n].Kind != Keep {
			count++
		}
	}
	return count
}

// proposer proposes actions for one goroutine.
type proposer struct {
	*assembly
	cases   map[facts.Digest]*facts.Case
	scratch []byte
	putOffs map[ruleOfLot]postponement
}

// propose makes the actions of a part of the rows; next is the first one's number.
func (a *proposer) propose(rows span, next int) {
	plan := a.plan
	for n := rows.from; n < rows.to; n++ {
		row := &plan.Rows[n]
		if row.Kind == Keep {
			continue
		}
		row.Action = int32(next)
		action := &plan.Actions[next]
		*action = Action{Row: int32(n), Kind: row.Kind, To: row.To, Due: facts.NoDay}
		a.place(action, row)
		action.ID = a.caseID(action, n)
		prior := a.priorCase(a.cases, action, n)
		a.opened[next] = a.question.today
		if prior != nil && prior.Opened.Known() {
			a.opened[next] = prior.Opened
		}
		if action.Kind.Effective() && !a.settled(action, prior) && action.State != Manual {
			a.wait(action, row, n, prior)
		}
		next++
	}
}

// place says where an action is carried out, and finds the vendor's own words for it.
func (a *assembly) place(action *Action, row *Row) {
	s := a.plan.Snapshot
	switch {
	case row.Held:
		seat := a.plan.Seat(int(action.Row))
		action.Source = s.Seats.Source[seat]
		action.Item = s.Strings.Text(s.Seats.Product[seat])
	case action.Kind == Issue:
		action.Source = a.issuer(row)
		action.ToItem = a.firstItem(row.Product, action.Source)
	case row.Account != NoAccountID:
		action.Source = a.plan.Accounts[row.Account].Source
	}
	if !action.Kind.Effective() {
		return
	}
	if action.To != NoProductID {
		action.ToItem = a.firstItem(action.To, action.Source)
	}
	a.assign(action, row)
}

// assign leaves to a person what the program cannot carry out.
func (a *assembly) assign(action *Action, row *Row) {
	source := &a.plan.Snapshot.Sources[action.Source]
	switch {
	case !source.Writes:
		action.State, action.Detail = Manual, a.byHand[action.Source]
	case action.Kind != Revoke && action.ToItem == "":
		action.State, action.Detail = Manual, fmt.Sprintf("%s has no item of %s", source.Name, a.plan.Catalogue.Products[row.Claims()].ID)
	case action.Kind == Issue && row.Account == NoAccountID:
		action.State, action.Detail = Manual, "there is no account at "+source.Name+": create it first"
	}
	if action.State == Manual {
		if groups := a.groups(int(action.Row)); len(groups) > 0 {
			action.Detail += "; the seat comes by " + strings.Join(groups, ", ")
		}
	}
}

// issuer returns where a missing seat is given: where the holder has an account, else the first source that is written
// to, else the first.
func (a *assembly) issuer(row *Row) facts.SourceID {
	if row.Account != NoAccountID {
		return a.plan.Accounts[row.Account].Source
	}
	sources := a.question.items.sources[row.Product]
	for _, source := range sources {
		if a.plan.Snapshot.Sources[source].Writes {
			return source
		}
	}
	return sources[0]
}

func (a *assembly) firstItem(p ProductID, source facts.SourceID) string {
	if skus := a.plan.Catalogue.Products[p].SeatsFrom[a.plan.Snapshot.Sources[source].Name]; len(skus) > 0 {
		return skus[0]
	}
	return ""
}

// groups lists the groups by which a row's seat is held.
func (a *assembly) groups(row int) []string {
	for _, seat := range a.plan.RowSeats(row) {
		way := a.plan.Snapshot.Seats.Path[seat]
		if isGroup(a.plan.Snapshot.Strings.Text(way)) {
			return slices.DeleteFunc(a.plan.RowPaths(row), func(path string) bool { return !isGroup(path) })
		}
	}
	return nil
}

// caseID identifies the case: the hash of organisation, source, account, product, kind, target and start of the clock,
// each with its length before it. For seats found unused the clock starts with the last use; for all others use does not
// move it, so that a case about a person who has left does not begin anew with each automatic sign-in.
func (a *proposer) caseID(action *Action, n int) facts.Digest {
	plan, row := a.plan, &a.plan.Rows[n]
	var account, target string
	if row.Account != NoAccountID {
		account = plan.Snapshot.Strings.Text(plan.Accounts[row.Account].Key)
	} else {
		account = plan.Holder(n)
	}
	if action.To != NoProductID {
		target = plan.Catalogue.Products[action.To].ID
	}
	clock := row.Clock
	if row.Verdict == Idle {
		clock = max(clock, a.question.days.day(row.LastUse))
	}
	b := a.scratch[:0]
	for _, text := range [...]string{plan.Organisation, plan.Snapshot.Sources[action.Source].Name, account,
		plan.Catalogue.Products[row.Product].ID, action.Kind.String(), target, a.question.words.date(clock)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	a.scratch = b
	return sha256.Sum256(b)
}

// priorCase returns the open case of an action, if it still proposes the same.
func (a *assembly) priorCase(cases map[facts.Digest]*facts.Case, action *Action, n int) *facts.Case {
	if len(cases) == 0 {
		return nil
	}
	prior := cases[action.ID]
	if prior == nil || prior.Verdict != "" && prior.Verdict != a.plan.Rows[n].Verdict.String() {
		return nil
	}
	if prior.Paths != "" && prior.Paths != strings.Join(a.plan.RowPaths(n), ";") {
		return nil
	}
	return prior
}

// settled carries over what was answered or done: it stands as long as the case does, a wish to keep until its end.
func (a *assembly) settled(action *Action, prior *facts.Case) bool {
	if prior == nil {
		return false
	}
	switch state, _ := ParseState(prior.State); state {
	case Kept:
		if prior.Due.Known() && prior.Due < a.question.today {
			return false
		}
		action.State, action.Due = Kept, prior.Due
	case Sent, Done, Undone, Rejected:
		action.State = state
	default:
		return false
	}
	return true
}

// wait says what an effective action waits for.
func (a *proposer) wait(action *Action, row *Row, n int, prior *facts.Case) {
	if row.Held {
		if groups := a.groups(n); len(groups) > 0 {
			action.State, action.By = Blocked, strings.Join(groups, ", ")
			action.Detail = "change the group: a seat inherited from it cannot be taken from the account alone"
			return
		}
	}
	today := a.question.today
	if prior != nil && prior.State == Kept.String() { // its end is past: the case begins anew
		prior = nil
	}
	if prior != nil && prior.Approved && prior.State != Notice.String() && prior.State != Approval.String() {
		action.State = Ready
		return
	}
	due := a.noticeEnd(row, prior)
	if until, why := a.putOff(row, n); until >= today && until > due {
		due = until
		action.note(why)
	}
	if due >= today {
		action.State, action.Due = Notice, due
		return
	}
	if a.unattended(row) {
		action.State = Ready
		return
	}
	action.State, action.Role = Approval, a.policy.Approval.Roles[row.Verdict]
	if action.Role == "" {
		action.Role = defaultRole
	}
}

// noticeEnd returns the last day of the notice: as the case has it, else as the rule says from today on; NoDay without
// one. Somebody whose directory does not say when they left has the grace as a notice, from the first run that saw it.
func (a *assembly) noticeEnd(row *Row, prior *facts.Case) facts.Day {
	notice := facts.Day(0)
	switch row.Verdict {
	case NeverUsed, Idle, OverTier:
		if rule := a.reclaimRule(row); rule != nil {
			notice = facts.Day(rule.Notice)
		}
	case Leaver:
		if !a.plan.Snapshot.People.Left[a.plan.People[row.Person].Row].Known() {
			notice = days(a.policy.Leaver.Grace)
		}
	}
	switch {
	case notice == 0:
		return facts.NoDay
	case prior != nil && prior.Due.Known():
		return min(prior.Due, a.question.today+notice)
	}
	return a.question.today + notice
}

// unattended reports whether a row's verdict may be acted on without a person. What is not entitled always needs an
// approval; so does what is about somebody whose kind is not known, and an issue whose product is not known to have a spare seat.
func (a *assembly) unattended(row *Row) bool {
	if row.Verdict == NotEntitled || a.oddKind(row) {
		return false
	}
	if target := row.Claims(); target != NoProductID {
		if _, known := a.spare(target); !known {
			return false
		}
	}
	return slices.Contains(a.policy.Approval.Unattended, row.Verdict)
}

// oddKind reports whether the word for a person's kind is not mapped: it may be one for a service account.
func (a *assembly) oddKind(row *Row) bool {
	return row.Person != NoPersonID && a.plan.Snapshot.People.Kind[a.plan.People[row.Person].Row] == facts.KindUnknown
}

// withhold holds an action back, unless something else already keeps it from being carried out.
func (a *Action) withhold(by string) bool {
	switch a.State {
	case Notice, Approval, Ready, Manual:
		a.State, a.By, a.Due, a.Role = Withheld, by, facts.NoDay, ""
		return true
	}
	return false
}

// withholdInexact holds issues back where the seat that seems missing may be there: among records that were refused, or
// on a disputed account.
func (a *assembly) withholdInexact() {
	contested := a.question.roster.matcher.contested
	for n := range a.plan.Actions {
		action := &a.plan.Actions[n]
		if action.Kind != Issue {
			continue
		}
		switch row := &a.plan.Rows[action.Row]; {
		case !a.question.items.exact[row.Product]:
			action.withhold("refused records of " + a.plan.Snapshot.Sources[action.Source].Name + "/seats")
		case contested[row.Person]:
			action.withhold("a disputed account may be theirs")
		}
	}
}

// withholdUncovered holds a duplicate back as long as what covers it is not certain to stay: else both could go.
func (a *assembly) withholdUncovered() {
	plan := a.plan
	stays := map[PersonID]map[ProductID]Verdict{}
	for n := range plan.Actions {
		if row := &plan.Rows[plan.Actions[n].Row]; row.Verdict == Duplicate && row.Covering != row.Product {
			stays[row.Person] = map[ProductID]Verdict{}
		}
	}
	if len(stays) == 0 {
		return
	}
	for n := range plan.Rows {
		row := &plan.Rows[n]
		if of, asked := stays[row.Person]; asked && row.Held && (row.Kind == Keep || row.Kind == Upgrade) {
			of[row.Product] = row.Verdict
		}
	}
	for n := range plan.Actions {
		row := &plan.Rows[plan.Actions[n].Row]
		if row.Verdict != Duplicate || row.Covering == row.Product {
			continue
		}
		if _, kept := stays[row.Person][row.Covering]; !kept {
			plan.Actions[n].withhold("what covers it may go: " + plan.Catalogue.Products[row.Covering].ID)
		}
	}
}
