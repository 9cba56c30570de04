package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"trueup/facts"
	"trueup/reconcile"
)

// caseState is what claiming and recording need to know of a case.
type caseState struct {
	State      word[reconcile.State, *reconcile.State] `db:"state"`
	Ended      date                                    `db:"ended"`
	Salt       []byte                                  `db:"salt"`
	Commitment string                                  `db:"commitment"`
}

func (t *tx) caseOf(ctx context.Context, action facts.Digest) (c caseState, err error) {
	err = t.get(ctx, &c, `SELECT state, ended, salt, commitment FROM cases WHERE id = ?`, digest(action))
	return c, missing(err, "action", action.String())
}

// intentEntry is what the ledger says of an intent.
type intentEntry struct {
	Case       string   `json:"case"` // commitment
	Plan       string   `json:"plan"`
	Epoch      int64    `json:"epoch"`
	Attempt    int      `json:"attempt"`
	Kind       string   `json:"kind"`
	Source     string   `json:"source"`
	Subject    string   `json:"subject"` // commitment to account, login and holder
	Item       string   `json:"item"`
	ToItem     string   `json:"to_item"`
	Before     []string `json:"before"`
	Product    string   `json:"product"`
	Verdict    string   `json:"verdict"`
	Department string   `json:"department"`
}

// Claim writes the intent and makes its action sent, durably. It returns false, and writes nothing, unless the action's
// case is open and ready: an open intent, an answer or an earlier outcome stands against it. The error is [ErrFenced] if
// the intent's epoch is not that of the lease's present holder, and wraps [ErrNotFound] if there is no such action.
func (d *DB) Claim(ctx context.Context, intent reconcile.Intent) (bool, error) {
	claimed := false
	err := d.write(ctx, "claim "+intent.Action.String(), func(t *tx) error {
		claimed = false
		if err := t.fence(ctx, intent.Epoch); err != nil {
			return err
		}
		c, err := t.caseOf(ctx, intent.Action)
		if err != nil {
			return err
		}
		if facts.Day(c.Ended) != facts.NoDay || !Allowed(ByClaim, c.State.it, reconcile.Sent) {
			return nil
		}
		if err := t.writeIntent(ctx, intent, c); err != nil {
			return err
		}
		claimed = true
		_, err = t.exec(ctx, `UPDATE cases SET state = ? WHERE id = ?`, reconcile.Sent.String(), digest(intent.Action))
		return err
	})
	return claimed && err == nil, err
}

func (c caseState) intentEntry(in reconcile.Intent) intentEntry {
	return intentEntry{c.Commitment, in.Plan, in.Epoch, in.Attempt, in.Kind.String(), in.Source,
		commitment(c.Salt, in.Account, in.Login, in.Holder), in.Item, in.ToItem, in.Before, in.Product, in.Verdict, in.Department}
}

func (t *tx) writeIntent(ctx context.Context, in reconcile.Intent, c caseState) error {
	before, err := json.Marshal(in.Before)
	if err != nil {
		return err
	}
	seq, err := t.append(ctx, in.At, in.Run, "intent", c.intentEntry(in))
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO intents (`+intentColumns+`, seq, pending)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
		digest(in.Action), in.Plan, in.Run, in.Epoch, in.Attempt, moment(in.At), in.Kind.String(), in.Source, in.Account,
		in.Login, in.Item, in.ToItem, string(before), in.Holder, in.Product, in.Verdict, in.Department, seq)
	return err
}

const intentColumns = `action, plan, run, epoch, attempt, at, kind, source, account, login, item, to_item, before, holder, product, verdict, department`

type intentRow struct {
	Action     digest                                            `db:"action"`
	Plan       string                                            `db:"plan"`
	Run        string                                            `db:"run"`
	Epoch      int64                                             `db:"epoch"`
	Attempt    int                                               `db:"attempt"`
	At         moment                                            `db:"at"`
	Kind       word[reconcile.ActionKind, *reconcile.ActionKind] `db:"kind"`
	Source     string                                            `db:"source"`
	Account    string                                            `db:"account"`
	Login      string                                            `db:"login"`
	Item       string                                            `db:"item"`
	ToItem     string                                            `db:"to_item"`
	Before     string                                            `db:"before"`
	Holder     string                                            `db:"holder"`
	Product    string                                            `db:"product"`
	Verdict    string                                            `db:"verdict"`
	Department string                                            `db:"department"`
}

func (r intentRow) intent() (reconcile.Intent, error) {
	in := reconcile.Intent{Action: facts.Digest(r.Action), Plan: r.Plan, Run: r.Run, Epoch: r.Epoch, Attempt: r.Attempt,
		At: facts.Instant(r.At), Kind: r.Kind.it, Source: r.Source, Account: r.Account, Login: r.Login, Item: r.Item,
		ToItem: r.ToItem, Holder: r.Holder, Product: r.Product, Verdict: r.Verdict, Department: r.Department}
	return in, json.Unmarshal([]byte(r.Before), &in.Before)
}

// OpenIntents returns the intents whose outcome is not known, oldest first.
func (d *DB) OpenIntents(ctx context.Context) ([]reconcile.Intent, error) {
	return d.intents(ctx, "list open intents", `pending = 1 ORDER BY seq`)
}

// RunIntents returns the intents of a run in the order in which they were written; what stood before each is in it.
func (d *DB) RunIntents(ctx context.Context, run string) ([]reconcile.Intent, error) {
	return d.intents(ctx, "list intents of run "+run, `run = ? ORDER BY seq`, run)
}

func (d *DB) intents(ctx context.Context, op, where string, args ...any) ([]reconcile.Intent, error) {
	var intents []reconcile.Intent
	err := d.read(ctx, op, func(t *tx) error {
		var rows []intentRow
		intents = nil
		if err := t.list(ctx, &rows, `SELECT `+intentColumns+` FROM intents WHERE `+where, args...); err != nil {
			return err
		}
		for _, row := range rows {
			in, err := row.intent()
			if err != nil {
				return err
			}
			intents = append(intents, in)
		}
		return nil
	})
	return intents, err
}

// outcomeEntry is what the ledger says of an outcome.
type outcomeEntry struct {
	Case    string `json:"case"` // commitment
	Attempt int    `json:"attempt"`
	State   string `json:"state"`
	Already bool   `json:"already"`
	Request string `json:"request"`
	Detail  string `json:"detail,omitempty"` // commitment
}

// Record writes how an action ended, durably; with [reconcile.Sent], that it is still not known. It also takes the answer
// of a person, which has no intent: kept, rejected, and so on. Writing the same outcome twice is no error. A state that
// the action cannot come to is a [*TransitionError]. Record is not fenced: what has happened must be kept whoever holds
// the lease now.
func (d *DB) Record(ctx context.Context, outcome reconcile.Outcome) error {
	return d.write(ctx, "record outcome of "+outcome.Action.String(), func(t *tx) error {
		c, err := t.caseOf(ctx, outcome.Action)
		if err != nil {
			return err
		}
		intent, err := t.pending(ctx, outcome)
		if err != nil {
			return err
		}
		still := intent.Valid && outcome.State == reconcile.Sent
		if !still && !Allowed(ByOutcome, c.State.it, outcome.State) {
			if recorded, err := t.recorded(ctx, outcome); err != nil || recorded {
				return err
			}
			return &TransitionError{Action: outcome.Action, From: c.State.it, To: outcome.State}
		}
		if err := t.writeOutcome(ctx, outcome, intent, c); err != nil || still {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE intents SET pending = 0 WHERE seq = ?`, intent); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE cases SET state = ? WHERE id = ?`, outcome.State.String(), digest(outcome.Action))
		return err
	})
}

// pending returns the number of the action's open intent, if there is one; it must be of the outcome's attempt.
func (t *tx) pending(ctx context.Context, o reconcile.Outcome) (seq sql.NullInt64, err error) {
	var open struct {
		Seq     int64 `db:"seq"`
		Attempt int   `db:"attempt"`
	}
	err = t.get(ctx, &open, `SELECT seq, attempt FROM intents WHERE action = ? AND pending = 1`, digest(o.Action))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return seq, nil
	case err != nil:
		return seq, err
	case open.Attempt != o.Attempt:
		return seq, &Error{Op: "outcome", Reason: "is of another attempt than the one under way"}
	}
	return sql.NullInt64{Int64: open.Seq, Valid: true}, nil
}

// recorded reports whether this is the action's last outcome already.
func (t *tx) recorded(ctx context.Context, o reconcile.Outcome) (bool, error) {
	var last struct {
		Attempt int    `db:"attempt"`
		State   string `db:"state"`
	}
	err := t.get(ctx, &last, `SELECT attempt, state FROM outcomes WHERE action = ? ORDER BY seq DESC LIMIT 1`, digest(o.Action))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil && last.Attempt == o.Attempt && last.State == o.State.String(), err
}

func (c caseState) outcomeEntry(o reconcile.Outcome) outcomeEntry {
	return outcomeEntry{c.Commitment, o.Attempt, o.State.String(), o.Already, o.Request, committed(c.Salt, o.Detail)}
}

func (t *tx) writeOutcome(ctx context.Context, o reconcile.Outcome, intent sql.NullInt64, c caseState) error {
	seq, err := t.append(ctx, o.At, o.Run, "outcome", c.outcomeEntry(o))
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO outcomes (seq, action, intent, run, attempt, at, state, already, request, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, seq, digest(o.Action), intent, o.Run, o.Attempt, moment(o.At),
		o.State.String(), truth(o.Already), o.Request, o.Detail)
	return err
}

const outcomeColumns = `action, run, attempt, at, state, already, request, detail`

type outcomeRow struct {
	Action  digest                                  `db:"action"`
	Run     string                                  `db:"run"`
	Attempt int                                     `db:"attempt"`
	At      moment                                  `db:"at"`
	State   word[reconcile.State, *reconcile.State] `db:"state"`
	Already bool                                    `db:"already"`
	Request string                                  `db:"request"`
	Detail  string                                  `db:"detail"`
}

func (r outcomeRow) outcome() reconcile.Outcome {
	return reconcile.Outcome{Action: facts.Digest(r.Action), Run: r.Run, Attempt: r.Attempt, At: facts.Instant(r.At),
		State: r.State.it, Already: r.Already, Request: r.Request, Detail: r.Detail}
}

// Outcomes returns the outcomes that a run recorded, in that order.
func (d *DB) Outcomes(ctx context.Context, run string) ([]reconcile.Outcome, error) {
	var outcomes []reconcile.Outcome
	err := d.read(ctx, "list outcomes of run "+run, func(t *tx) error {
		var rows []outcomeRow
		outcomes = nil
		err := t.list(ctx, &rows, `SELECT `+outcomeColumns+` FROM outcomes WHERE run = ? ORDER BY seq`, run)
		for _, r := range rows {
			outcomes = append(outcomes, r.outcome())
		}
		return err
	})
	return outcomes, err
}
