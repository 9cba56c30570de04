package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"slices"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// rows stores the rows that call for something or whose verdict has changed, and the packed verdicts of all.
func (w *planWriter) rows(ctx context.Context) error {
	verdicts := w.pack()
	before, err := w.lastVerdicts(ctx)
	if err != nil {
		return err
	}
	b := w.bulk("plan_rows", rowColumns...)
	for n := range w.plan.Rows {
		row := &w.plan.Rows[n]
		was := ""
		if v, ok := before.find(w.key(n)); ok {
			was = v.String()
		}
		if row.Action < 0 && (was == "" || was == row.Verdict.String()) {
			continue
		}
		if err := b.add(ctx, w.values(n, was)...); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil || w.back {
		return err
	}
	if _, err := w.exec(ctx, `DELETE FROM plan_verdicts`); err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO plan_verdicts (plan, packed) VALUES (?, ?)`, w.record.ID, verdicts.encode())
	return err
}

var rowColumns = []string{"plan", "n", "product", "holder", "source", "account", "login", "department", "paths", "situation",
	"verdict", "was", "reasons", "rule", "idle_days", "last_use", "due", "covering", "currency", "exposure", "reassignable",
	"reducible", "effective", "action", "kind", "state", "notice_until", "approver", "held_by", "action_at", "item", "to_item",
	"to_product", "detail"}

// values are one row's, in the order of rowColumns.
func (w *planWriter) values(n int, was string) []any {
	row := &w.plan.Rows[n]
	who, m := w.who(n), w.plan.Money(n)
	values := []any{w.record.ID, n, w.product(row.Product), who.holder, who.source, who.account, who.login, w.plan.Department(n), w.paths(n),
		row.Situation.String(), row.Verdict.String(), was, row.Reasons.String(), w.rule(row), known(row.IdleDays),
		moment(row.LastUse), date(row.Due), w.product(row.Covering), w.sym(m.Currency), m.Exposure,
		m.Reassignable, m.Reducible, date(m.Effective)}
	if row.Action < 0 {
		return append(values, "", reconcile.Keep.String(), reconcile.Proposed.String(), nil, "", "", "", "", "", "", "")
	}
	a := &w.plan.Actions[row.Action]
	return append(values, a.ID.String(), a.Kind.String(), a.State.String(), date(a.Due), a.Role, a.By, w.source(a.Source),
		a.Item, a.ToItem, w.product(a.To), a.Detail)
}

func (w *planWriter) rule(row *reconcile.Row) string {
	if row.Rule < 0 || int(row.Rule) >= len(w.plan.Rules) {
		return ""
	}
	return w.plan.Rules[row.Rule]
}

// known stores a number of days, -1 being not known.
func known(days int32) any {
	if days < 0 {
		return nil
	}
	return int64(days)
}

// who is whose row it is: the person's id, or the account where no person is linked.
type who struct{ holder, source, account, login string }

func (w *planWriter) who(n int) who {
	it := who{holder: w.plan.Holder(n)}
	if id := w.plan.Rows[n].Account; id != reconcile.NoAccountID {
		a := &w.plan.Accounts[id]
		it.source, it.account, it.login = w.source(a.Source), w.sym(a.Key), w.sym(a.Login)
	}
	return it
}

// paths are the ways by which row n's seat is held.
func (w *planWriter) paths(n int) string { return strings.Join(w.plan.RowPaths(n), ";") }

// verdicts are the verdicts of rows by the hash of whose they are, ascending: nine bytes a row, so that all of a million
// rows can be compared from one night to the next. Two rows of one hash would only hide or feign a change.
type verdicts struct {
	keys  []uint64
	words []byte // parallel: position of the verdict in names
	names []string
}

// key hashes whose row it is and of what.
func (w *planWriter) key(n int) uint64 {
	it := w.who(n)
	h := fnv.New64a()
	for _, text := range []string{w.product(w.plan.Rows[n].Product), it.holder, it.source, it.account} {
		_, _ = h.Write([]byte(text)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

func (w *planWriter) pack() verdicts {
	type pair struct {
		key  uint64
		word byte
	}
	pairs := make([]pair, len(w.plan.Rows))
	for n := range w.plan.Rows {
		pairs[n] = pair{w.key(n), byte(w.plan.Rows[n].Verdict)}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	v := verdicts{keys: make([]uint64, len(pairs)), words: make([]byte, len(pairs))}
	for n, p := range pairs {
		v.keys[n], v.words[n] = p.key, p.word
	}
	for _, verdict := range reconcile.Verdicts() {
		v.names = append(v.names, verdict.String())
	}
	return v
}

func (v verdicts) find(key uint64) (reconcile.Verdict, bool) {
	n, ok := slices.BinarySearch(v.keys, key)
	if !ok || int(v.words[n]) >= len(v.names) {
		return 0, false
	}
	return reconcile.ParseVerdict(v.names[v.words[n]])
}

// encode writes the names, so that a later build with other verdicts reads it rightly, then keys and words.
func (v verdicts) encode() []byte {
	b := append([]byte(strings.Join(v.names, " ")), '\n')
	b = slices.Grow(b, 9*len(v.keys))
	for n, key := range v.keys {
		b = append(binary.LittleEndian.AppendUint64(b, key), v.words[n])
	}
	return b
}

func decodeVerdicts(b []byte) verdicts {
	names, rest, _ := strings.Cut(string(b), "\n")
	v := verdicts{names: strings.Fields(names), keys: make([]uint64, 0, len(rest)/9), words: make([]byte, 0, len(rest)/9)}
	for b := []byte(rest); len(b) >= 9; b = b[9:] {
		v.keys, v.words = append(v.keys, binary.LittleEndian.Uint64(b)), append(v.words, b[8])
	}
	return v
}

func (w *planWriter) lastVerdicts(ctx context.Context) (verdicts, error) {
	var packed []byte
	err := w.get(ctx, &packed, `SELECT packed FROM plan_verdicts LIMIT 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return verdicts{}, nil
	}
	return decodeVerdicts(packed), err
}

func spaced(words []string) string { return strings.Join(words, " ") }

// StoredAction is one action of a stored plan, with the state it has come to since.
type StoredAction struct {
	ID           facts.Digest // the case
	Plan         string
	Row          int // number of the row in the plan
	Kind         reconcile.ActionKind
	State        reconcile.State // now: by the newest plan or, if later, the newest outcome
	Planned      reconcile.State // as this plan has it
	Verdict      reconcile.Verdict
	Product      string
	To           string // target of a downgrade or upgrade
	Holder       string
	Department   string
	Source       string // where it is carried out
	Account      string // the vendor's id; "" where the holder has none there yet
	Login        string
	Item, ToItem string    // the vendor's SKUs
	Due          facts.Day // end of the notice
	Role         string    // who must approve
	By           string    // what withholds or blocks it
	Detail       string
	Attempts     int // intents written so far; the next one is Attempts + 1
	Currency     string
	Exposure     int64 // money per month in minor units of Currency
	Reassignable int64
	Reducible    int64
	Effective    facts.Day
}

type actionRow struct {
	ID           digest                                            `db:"action"`
	N            int                                               `db:"n"`
	Kind         word[reconcile.ActionKind, *reconcile.ActionKind] `db:"kind"`
	Current      word[reconcile.State, *reconcile.State]           `db:"current"`
	State        word[reconcile.State, *reconcile.State]           `db:"state"`
	Verdict      word[reconcile.Verdict, *reconcile.Verdict]       `db:"verdict"`
	Product      string                                            `db:"product"`
	To           string                                            `db:"to_product"`
	Holder       string                                            `db:"holder"`
	Department   string                                            `db:"department"`
	Source       string                                            `db:"action_at"`
	Account      string                                            `db:"account"`
	Login        string                                            `db:"login"`
	Item         string                                            `db:"item"`
	ToItem       string                                            `db:"to_item"`
	Due          date                                              `db:"notice_until"`
	Role         string                                            `db:"approver"`
	By           string                                            `db:"held_by"`
	Detail       string                                            `db:"detail"`
	Attempts     int                                               `db:"attempts"`
	Currency     string                                            `db:"currency"`
	Exposure     int64                                             `db:"exposure"`
	Reassignable int64                                             `db:"reassignable"`
	Reducible    int64                                             `db:"reducible"`
	Effective    date                                              `db:"effective"`
}

// Attempts returns how many intents have been written for each action of a plan that has any.
func (d *DB) Attempts(ctx context.Context, plan string) (map[facts.Digest]int, error) {
	var rows []struct {
		Action   digest `db:"action"`
		Attempts int    `db:"attempts"`
	}
	err := d.read(ctx, "count attempts of plan "+plan, func(t *tx) error {
		return t.list(ctx, &rows, `SELECT i.action, count(*) AS attempts FROM intents i
			JOIN plan_rows r ON r.action = i.action WHERE r.plan = ? GROUP BY i.action`, plan)
	})
	attempts := make(map[facts.Digest]int, len(rows))
	for _, r := range rows {
		attempts[facts.Digest(r.Action)] = r.Attempts
	}
	return attempts, err
}

// Actions returns the actions of a plan in the order of its rows, each in its present state.
func (d *DB) Actions(ctx context.Context, plan string) ([]StoredAction, error) {
	var actions []StoredAction
	err := d.read(ctx, "actions of plan "+plan, func(t *tx) error {
		var rows []actionRow
		actions = nil
		err := t.list(ctx, &rows, `SELECT r.action, r.n, r.kind, coalesce(c.state, r.state) AS current, r.state, r.verdict,
				r.product, r.to_product, r.holder, r.department, r.action_at, r.account, r.login, r.item, r.to_item,
				r.notice_until, r.approver, r.held_by, r.detail, r.currency, r.exposure, r.reassignable, r.reducible,
				r.effective, (SELECT count(*) FROM intents i WHERE i.action = r.action) AS attempts
			FROM plan_rows r LEFT JOIN cases c ON c.id = r.action
			WHERE r.plan = ? AND r.action <> '' ORDER BY r.n`, plan)
		for _, r := range rows {
			actions = append(actions, r.action(plan))
		}
		return err
	})
	return actions, err
}

func (r actionRow) action(plan string) StoredAction {
	return StoredAction{ID: facts.Digest(r.ID), Plan: plan, Row: r.N, Kind: r.Kind.it, State: r.Current.it, Planned: r.State.it,
		Verdict: r.Verdict.it, Product: r.Product, To: r.To, Holder: r.Holder, Department: r.Department, Source: r.Source,
		Account: r.Account, Login: r.Login, Item: r.Item, ToItem: r.ToItem, Due: facts.Day(r.Due), Role: r.Role, By: r.By,
		Detail: r.Detail, Attempts: r.Attempts, Currency: r.Currency, Exposure: r.Exposure, Reassignable: r.Reassignable,
		Reducible: r.Reducible, Effective: facts.Day(r.Effective)}
}
