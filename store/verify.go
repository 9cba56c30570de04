package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// VerifyLedger recomputes the chain from its first entry and returns its end. It also compares the projections with it:
// runs, pulls, plans, the states of cases, intents and outcomes must say what the entries say. The first entry that was
// changed, moved or removed, or that a projection contradicts, is a [*ChainError].
//
// Entries cut off the end together with all that came of them can only be seen by comparing with a [Head] noted
// elsewhere. The rows of a plan are bound by the plan's digest and are not compared here.
func (d *DB) VerifyLedger(ctx context.Context) (Head, error) {
	var head Head
	err := d.read(ctx, "verify ledger", func(t *tx) (err error) {
		var told told
		if head, told, err = t.walk(ctx); err != nil {
			return err
		}
		return t.tie(ctx, head, told)
	})
	return head, err
}

// told is what the chain says that the projections must say too.
type told struct {
	entries map[string]int64  // by kind
	cases   map[string]string // state by commitment
	last    map[string]int64  // by commitment: the entry that gave the case its state
}

// walk recomputes the chain.
func (t *tx) walk(ctx context.Context) (Head, told, error) {
	var head Head
	told := told{entries: map[string]int64{}, cases: map[string]string{}, last: map[string]int64{}}
	rows, err := t.QueryxContext(ctx, `SELECT seq, at, run, kind, body, prev, hash FROM ledger ORDER BY seq`)
	if err != nil {
		return head, told, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var e entry
		if err := rows.StructScan(&e); err != nil {
			return head, told, &ChainError{Seq: head.Seq + 1, Reason: err.Error()}
		}
		switch {
		case e.Seq != head.Seq+1:
			return head, told, &ChainError{Seq: head.Seq + 1, Reason: "is missing"}
		case facts.Digest(e.Prev) != head.Hash:
			return head, told, &ChainError{Seq: e.Seq, Reason: "does not follow the entry before it"}
		case e.sum() != facts.Digest(e.Hash):
			return head, told, &ChainError{Seq: e.Seq, Reason: "was changed: its hash is not that of its content"}
		}
		if err := told.hear(&e); err != nil {
			return head, told, &ChainError{Seq: e.Seq, Reason: err.Error()}
		}
		head = Head{Seq: e.Seq, Hash: facts.Digest(e.Hash)}
	}
	return head, told, rows.Err()
}

// hear notes what one entry says.
func (h told) hear(e *entry) error {
	h.entries[e.Kind]++
	var body struct {
		Changes []caseChange `json:"changes"`
		Case    string       `json:"case"`
		State   string       `json:"state"`
	}
	switch e.Kind {
	case "cases", "intent", "outcome":
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			return err
		}
	}
	if e.Kind == "intent" {
		body.State = reconcile.Sent.String()
	}
	if body.Case != "" {
		body.Changes = []caseChange{{Case: body.Case, To: body.State}}
	}
	for _, c := range body.Changes {
		h.cases[c.Case], h.last[c.Case] = c.To, e.Seq
	}
	return nil
}

// tie compares the projections with the chain.
func (t *tx) tie(ctx context.Context, head Head, told told) error {
	for _, projection := range []struct{ table, kind string }{{"runs", "run-started"}, {"pulls", "pull"}, {"plans", "plan"},
		{"intents", "intent"}, {"outcomes", "outcome"}} {
		var has struct {
			N    int64 `db:"n"`
			Last int64 `db:"last"`
		}
		if err := t.get(ctx, &has, `SELECT count(*) AS n, coalesce(max(seq), 0) AS last FROM `+projection.table); err != nil {
			return err
		}
		switch {
		case has.Last > head.Seq:
			return &ChainError{Seq: head.Seq + 1, Reason: fmt.Sprintf("is missing: table %s refers to entry %d", projection.table, has.Last)}
		case has.N != told.entries[projection.kind]:
			return &ChainError{Seq: head.Seq, Reason: fmt.Sprintf("up to here there are %d entries %s, but %d rows in table %s",
				told.entries[projection.kind], projection.kind, has.N, projection.table)}
		}
	}
	for _, compare := range []func(context.Context) error{t.compareRuns, t.comparePulls, t.comparePlans, t.compareIntents,
		t.compareOutcomes} {
		if err := compare(ctx); err != nil {
			return err
		}
	}
	return t.compareCases(ctx, head, told)
}

// origin is the entry that a projection's row came from.
type origin struct {
	Entry int64  `db:"entry"`
	Body  string `db:"body"`
}

const originColumns = `, l.seq AS entry, l.body AS body`

// same compares a row, made into the entry that it should have been, with the one that it came from.
func (o origin) same(table string, entry any) error {
	want, err := json.Marshal(entry)
	if err == nil && string(want) != o.Body {
		return &ChainError{Seq: o.Entry, Reason: "is contradicted by table " + table}
	}
	return err
}

// of puts the name of its table before each column.
func of(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

func (t *tx) compareRuns(ctx context.Context) error {
	var rows []struct {
		runRow
		origin
		Salt []byte `db:"salt"`
	}
	err := t.list(ctx, &rows, `SELECT `+of("runs", runColumns)+`, runs.salt`+originColumns+`
		FROM runs JOIN ledger l ON l.seq = runs.seq ORDER BY runs.seq`)
	for _, r := range rows {
		if err := r.same("runs", entryOf(r.run(), r.Salt)); err != nil {
			return err
		}
	}
	return err
}

func (t *tx) comparePulls(ctx context.Context) error {
	var rows []struct {
		pullRow
		origin
		Salt []byte `db:"salt"`
	}
	if err := t.list(ctx, &rows, `SELECT `+of("pulls", pullColumns)+`, runs.salt`+originColumns+`
		FROM pulls JOIN ledger l ON l.seq = pulls.seq JOIN runs ON runs.id = pulls.run ORDER BY pulls.seq`); err != nil {
		return err
	}
	for _, r := range rows {
		p, err := t.pull(ctx, r.pullRow)
		if err != nil {
			return err
		}
		if err := r.same("pulls", pullEntry{p, committed(r.Salt, p.Failure)}); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) comparePlans(ctx context.Context) error {
	var rows []struct {
		planRow
		origin
		Complete bool `db:"complete"`
		People   int  `db:"people"`
		Seats    int  `db:"seats"`
		All      int  `db:"row_count"`
	}
	err := t.list(ctx, &rows, `SELECT `+of("plans", planColumns+", complete, people, seats, row_count")+originColumns+`
		FROM plans JOIN ledger l ON l.seq = plans.seq ORDER BY plans.seq`)
	for _, r := range rows {
		record := r.record()
		record.AppliedBy = "" // an entry of its own
		if err := r.same("plans", planEntry{record, r.Complete, r.People, r.Seats, r.All}); err != nil {
			return err
		}
	}
	return err
}

func (t *tx) compareIntents(ctx context.Context) error {
	rows, err := t.QueryxContext(ctx, `SELECT `+of("intents", intentColumns)+`, cases.salt, cases.commitment`+originColumns+`
		FROM intents JOIN ledger l ON l.seq = intents.seq JOIN cases ON cases.id = intents.action ORDER BY intents.seq`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r struct {
			intentRow
			origin
			Salt       []byte `db:"salt"`
			Commitment string `db:"commitment"`
		}
		if err := rows.StructScan(&r); err != nil {
			return err
		}
		in, err := r.intent()
		if err != nil {
			return err
		}
		if err := r.same("intents", caseState{Salt: r.Salt, Commitment: r.Commitment}.intentEntry(in)); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *tx) compareOutcomes(ctx context.Context) error {
	rows, err := t.QueryxContext(ctx, `SELECT `+of("outcomes", outcomeColumns)+`, cases.salt, cases.commitment`+originColumns+`
		FROM outcomes JOIN ledger l ON l.seq = outcomes.seq JOIN cases ON cases.id = outcomes.action ORDER BY outcomes.seq`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r struct {
			outcomeRow
			origin
			Salt       []byte `db:"salt"`
			Commitment string `db:"commitment"`
		}
		if err := rows.StructScan(&r); err != nil {
			return err
		}
		if err := r.same("outcomes", caseState{Salt: r.Salt, Commitment: r.Commitment}.outcomeEntry(r.outcome())); err != nil {
			return err
		}
	}
	return rows.Err()
}

// compareCases checks that each case opens its commitment and is in the state that the chain left it in.
func (t *tx) compareCases(ctx context.Context, head Head, told told) error {
	rows, err := t.QueryxContext(ctx, `SELECT id, state, source, account, login, holder, salt, commitment FROM cases ORDER BY id`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	seen := 0
	for rows.Next() {
		var c struct {
			ID         digest `db:"id"`
			State      string `db:"state"`
			Source     string `db:"source"`
			Account    string `db:"account"`
			Login      string `db:"login"`
			Holder     string `db:"holder"`
			Salt       []byte `db:"salt"`
			Commitment string `db:"commitment"`
		}
		if err := rows.StructScan(&c); err != nil {
			return err
		}
		seen++
		opened := commitment(c.Salt, facts.Digest(c.ID).String(), c.Holder, c.Source, c.Account, c.Login)
		if state, ok := told.cases[c.Commitment]; !ok || state != c.State || opened != c.Commitment {
			return &ChainError{Seq: told.last[c.Commitment], Reason: "is contradicted by table cases"}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if seen < len(told.cases) {
		return &ChainError{Seq: head.Seq, Reason: fmt.Sprintf("up to here %d cases were opened, but table cases has %d",
			len(told.cases), seen)}
	}
	return nil
}
