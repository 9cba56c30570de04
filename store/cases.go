package store

import (
	"context"

	"trueup/facts"
	"trueup/reconcile"
)

// openCase is a case that a plan may continue or end.
type openCase struct {
	ID         digest                                  `db:"id"`
	Opened     date                                    `db:"opened"`
	Due        date                                    `db:"due"`
	State      word[reconcile.State, *reconcile.State] `db:"state"`
	Source     string                                  `db:"source"`
	Account    string                                  `db:"account"`
	Holder     string                                  `db:"holder"`
	Product    string                                  `db:"product"`
	Verdict    string                                  `db:"verdict"`
	Paths      string                                  `db:"paths"`
	Commitment string                                  `db:"commitment"`
	proposed   bool                                    // by the plan being stored
}

// caseChange is what the ledger says of one case: opened, moved or ended.
type caseChange struct {
	Case    string `json:"case"` // commitment
	From    string `json:"from,omitempty"`
	To      string `json:"to"`
	Kind    string `json:"kind,omitempty"`
	Product string `json:"product,omitempty"`
	Verdict string `json:"verdict,omitempty"`
	Due     string `json:"due,omitempty"`
	Ended   string `json:"ended,omitempty"` // why
}

// changesPerEntry bounds one entry of the ledger.
const changesPerEntry = 200

// cases opens a case for each action that has none, moves those that are open already, and ends those that the plan
// no longer proposes.
func (w *planWriter) cases(ctx context.Context) error {
	if w.back {
		return nil
	}
	open, err := w.openCases(ctx)
	if err != nil {
		return err
	}
	var changes []caseChange
	var moves []move
	var fresh []*reconcile.Action
	for n := range w.plan.Actions {
		a := &w.plan.Actions[n]
		c, ok := open[a.ID]
		if !ok {
			fresh, open[a.ID] = append(fresh, a), &openCase{proposed: true}
			continue
		}
		if c.proposed {
			continue // one action on two rows
		}
		c.proposed = true
		if m, change, moved := w.continueCase(c, a); moved {
			moves, changes = append(moves, m), append(changes, change)
		}
	}
	if moves, changes, err = w.openFresh(ctx, fresh, moves, changes); err != nil {
		return err
	}
	moves, changes = w.endCases(open, moves, changes)
	if err := w.move(ctx, moves); err != nil {
		return err
	}
	return w.logChanges(ctx, changes)
}

func (w *planWriter) openCases(ctx context.Context) (map[facts.Digest]*openCase, error) {
	var rows []openCase
	err := w.list(ctx, &rows, `SELECT id, opened, due, state, source, account, holder, product, verdict, paths, commitment
		FROM cases WHERE ended IS NULL`)
	open := make(map[facts.Digest]*openCase, len(rows))
	for n := range rows {
		open[facts.Digest(rows[n].ID)] = &rows[n]
	}
	return open, err
}

// continueCase moves an open case to what the plan says, as far as its state allows: what was answered or sent stays. A
// case whose verdict or paths have changed is over, and what was answered with it: it begins anew, unless its outcome is not known.
func (w *planWriter) continueCase(c *openCase, a *reconcile.Action) (move, caseChange, bool) {
	verdict, paths := w.plan.Rows[a.Row].Verdict.String(), w.paths(int(a.Row))
	anew := (verdict != c.Verdict || paths != c.Paths) && c.State.it != reconcile.Sent
	state, due, opened := a.State, a.Due, facts.Day(c.Opened)
	switch {
	case anew:
		opened = w.plan.Snapshot.Today()
	case !Allowed(ByPlan, c.State.it, a.State):
		state, due = c.State.it, facts.Day(c.Due)
	}
	if !anew && !due.Known() {
		due = facts.Day(c.Due) // the notice was given, whatever the case waits for now
	}
	if !anew && state == c.State.it && due == facts.Day(c.Due) {
		return move{}, caseChange{}, false
	}
	change := caseChange{Case: c.Commitment, From: c.State.it.String(), To: state.String(), Due: due.String()}
	if anew {
		change.Ended, change.Verdict = changed(c, verdict), verdict
		c.Verdict, c.Paths = verdict, paths
	}
	return move{id: c.ID, opened: date(opened), due: date(due), state: state, verdict: c.Verdict, paths: c.Paths,
		ended: date(facts.NoDay)}, change, true
}

// changed says why a case that is proposed again is over all the same.
func changed(c *openCase, verdict string) string {
	if verdict != c.Verdict {
		return "verdict " + verdict
	}
	return "paths"
}

// openFresh opens cases; those that had ended move.
func (w *planWriter) openFresh(ctx context.Context, fresh []*reconcile.Action, moves []move, changes []caseChange) ([]move, []caseChange, error) {
	ended, err := w.ended(ctx, fresh)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(fresh))
	b := w.bulk("cases", "id", "opened", "due", "state", "source", "account", "login", "product", "holder", "kind", "target",
		"verdict", "paths", "plan", "ended", "cause", "salt", "commitment")
	for _, n := range byID(fresh) {
		a := fresh[n]
		if names[n] = ended[a.ID]; names[n] != "" {
			continue
		}
		if names[n], err = w.openCase(ctx, b, a); err != nil {
			return nil, nil, err
		}
	}
	for n, a := range fresh {
		row := &w.plan.Rows[a.Row]
		if ended[a.ID] != "" {
			moves = append(moves, move{id: digest(a.ID), opened: date(w.plan.Snapshot.Today()), due: date(a.Due), state: a.State,
				verdict: row.Verdict.String(), paths: w.paths(int(a.Row)), ended: date(facts.NoDay)})
		}
		changes = append(changes, caseChange{Case: names[n], To: a.State.String(), Kind: a.Kind.String(),
			Product: w.product(row.Product), Verdict: row.Verdict.String(), Due: a.Due.String()})
	}
	return moves, changes, b.flush(ctx)
}

// openCase opens a case that never was, and returns its name in the ledger.
func (w *planWriter) openCase(ctx context.Context, b *bulk, a *reconcile.Action) (string, error) {
	salt, err := w.salt()
	if err != nil {
		return "", err
	}
	row := &w.plan.Rows[a.Row]
	it, source := w.who(int(a.Row)), w.source(a.Source)
	name := commitment(salt, a.ID.String(), it.holder, source, it.account, it.login)
	return name, b.add(ctx, a.ID.String(), date(w.plan.Snapshot.Today()), date(a.Due), a.State.String(), source, it.account,
		it.login, w.product(row.Product), it.holder, a.Kind.String(), w.product(a.To), row.Verdict.String(),
		w.paths(int(a.Row)), w.record.ID, nil, "", salt, name)
}

// endCases ends the open cases that the plan does not propose and has looked at.
func (w *planWriter) endCases(open map[facts.Digest]*openCase, moves []move, changes []caseChange) ([]move, []caseChange) {
	missing := map[seatKey]*openCase{}
	for _, c := range open {
		if !c.proposed && c.State.it != reconcile.Sent { // what was sent is settled first
			missing[seatKey{c.Product, c.Holder, c.Account}] = c
		}
	}
	if len(missing) == 0 {
		return moves, changes
	}
	verdicts := map[seatKey]*reconcile.Row{}
	for n := range w.plan.Rows {
		row := &w.plan.Rows[n]
		it := w.who(n)
		key := seatKey{w.product(row.Product), it.holder, it.account}
		if missing[key] != nil {
			verdicts[key] = row
		}
	}
	today := w.plan.Snapshot.Today()
	for _, c := range open { // in what order does not matter: each is ended by itself
		if c.proposed || c.State.it == reconcile.Sent {
			continue
		}
		cause := w.cause(c, verdicts[seatKey{c.Product, c.Holder, c.Account}])
		if cause == "" {
			continue
		}
		state := c.State.it
		if Allowed(ByEnd, state, reconcile.Cancelled) {
			state = reconcile.Cancelled
		}
		moves = append(moves, move{id: c.ID, opened: c.Opened, due: c.Due, state: state, verdict: c.Verdict, paths: c.Paths,
			ended: date(today), cause: cause})
		changes = append(changes, caseChange{Case: c.Commitment, From: c.State.it.String(), To: state.String(), Ended: cause})
	}
	return moves, changes
}

type seatKey struct{ product, holder, account string }

// cause says why a case ends that the plan does not propose; "" if the plan cannot tell, since the source was not read
// whole.
func (w *planWriter) cause(c *openCase, row *reconcile.Row) string {
	switch {
	case row != nil && row.Action >= 0:
		return "superseded"
	case row != nil:
		return "verdict " + row.Verdict.String()
	case w.readWhole(c.Source):
		return "gone"
	}
	return ""
}

// readWhole reports whether the seats of a source are all in the plan.
func (w *planWriter) readWhole(source string) bool {
	id, ok := w.plan.Snapshot.SourceNamed(source)
	if !ok {
		return w.plan.Complete
	}
	seats, ok := w.plan.Snapshot.Input(id, facts.FeedSeats)
	return ok && seats.Complete
}

func (w *planWriter) logChanges(ctx context.Context, changes []caseChange) error {
	for len(changes) > 0 {
		n := min(len(changes), changesPerEntry)
		if _, err := w.append(ctx, w.record.Made, w.record.Run, "cases", map[string]any{"plan": w.record.ID, "changes": changes[:n]}); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}
