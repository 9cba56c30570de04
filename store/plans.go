package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"trueup/facts"
	"trueup/reconcile"
)

type planRow struct {
	ID        string `db:"id"`
	Run       string `db:"run"`
	AsOf      moment `db:"as_of"`
	Made      moment `db:"made"`
	Decisions digest `db:"decisions"`
	Digest    digest `db:"digest"`
	Build     string `db:"build"`
	Snapshot  digest `db:"snapshot"`
	Policy    digest `db:"policy"`
	Products  digest `db:"products"`
	Options   digest `db:"options"`
	Config    digest `db:"config"`
	Rows      digest `db:"all_rows"`
	Mode      string `db:"mode"`
	AppliedBy string `db:"applied_by"`
}

const planColumns = `id, run, as_of, made, decisions, digest, build, snapshot, policy, products, options, config, all_rows, mode, applied_by`

func (p planRow) record() reconcile.PlanRecord {
	return reconcile.PlanRecord{ID: p.ID, Run: p.Run, AsOf: facts.Instant(p.AsOf), Made: facts.Instant(p.Made),
		Decisions: facts.Digest(p.Decisions), Digest: facts.Digest(p.Digest), Build: p.Build,
		Snapshot: facts.Digest(p.Snapshot), Policy: facts.Digest(p.Policy), Products: facts.Digest(p.Products),
		Options: facts.Digest(p.Options), Config: facts.Digest(p.Config), Rows: facts.Digest(p.Rows),
		Mode: reconcile.Mode(p.Mode), AppliedBy: p.AppliedBy}
}

// planEntry is what the ledger says of a plan; the digests bind every row of it.
type planEntry struct {
	reconcile.PlanRecord
	Complete bool `json:"complete"`
	People   int  `json:"people"`
	Seats    int  `json:"seats"`
	Rows     int  `json:"row_count"`
}

// SavePlan stores a plan: its record, its inputs, the rows that call for something or whose verdict is not the last
// plan's, its positions, findings and guards. It opens, continues and ends cases. All of that happens, or nothing.
//
// A plan with an as-of before that of a stored one is a look back: it is stored, and no case moves. Saving the same plan
// again changes nothing.
func (d *DB) SavePlan(ctx context.Context, record reconcile.PlanRecord, plan *reconcile.Plan) error {
	return d.write(ctx, "save plan "+record.ID, func(t *tx) error {
		known, newest, err := t.known(ctx, record)
		if err != nil || known {
			return err
		}
		w := &planWriter{tx: t, record: record, plan: plan, back: newest.Valid && int64(record.AsOf) < newest.Int64}
		for _, step := range w.steps() {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// known tells whether the plan is stored already, and the newest as-of of all plans.
func (t *tx) known(ctx context.Context, record reconcile.PlanRecord) (known bool, newest sql.NullInt64, err error) {
	var have digest
	err = t.get(ctx, &have, `SELECT digest FROM plans WHERE id = ?`, record.ID)
	switch {
	case err == nil && facts.Digest(have) != record.Digest:
		return true, newest, &Error{Op: "plan", Reason: fmt.Sprintf("another plan has this id, with digest %s", facts.Digest(have))}
	case err == nil:
		return true, newest, nil
	case !errors.Is(err, sql.ErrNoRows):
		return false, newest, err
	}
	return false, newest, t.get(ctx, &newest, `SELECT max(as_of) FROM plans`)
}

// planWriter stores one plan.
type planWriter struct {
	*tx
	record reconcile.PlanRecord
	plan   *reconcile.Plan
	back   bool // the plan looks back
}

// steps store the plan's parts, in this order.
func (w *planWriter) steps() []func(context.Context) error {
	return []func(context.Context) error{w.head, w.inputs, w.rows, w.links, w.positions, w.findings, w.guards, w.cases}
}

func (w *planWriter) sym(s facts.Sym) string { return w.plan.Snapshot.Strings.Text(s) }

func (w *planWriter) source(s facts.SourceID) string { return w.plan.Snapshot.Sources[s].Name }

func (w *planWriter) product(p reconcile.ProductID) string {
	if p == reconcile.NoProductID {
		return ""
	}
	return w.plan.Catalogue.Products[p].ID
}

func (w *planWriter) head(ctx context.Context) error {
	r, p := w.record, w.plan
	seq, err := w.append(ctx, r.Made, r.Run, "plan",
		planEntry{r, p.Complete, p.Totals.People, p.Totals.Seats, len(p.Rows)})
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO plans (`+planColumns+`, seq, complete, people, seats, row_count)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, r.Run, moment(r.AsOf), moment(r.Made),
		digest(r.Decisions), digest(r.Digest), r.Build, digest(r.Snapshot), digest(r.Policy), digest(r.Products),
		digest(r.Options), digest(r.Config), digest(r.Rows), string(r.Mode), r.AppliedBy, seq, truth(p.Complete),
		p.Totals.People, p.Totals.Seats, len(p.Rows))
	return err
}

func (w *planWriter) inputs(ctx context.Context) error {
	b := w.bulk("plan_inputs", "plan", "n", "source", "feed", "observed", "complete", "row_count", "rejected", "from_at",
		"to_at", "covered", "match_rate")
	for n := range w.plan.Snapshot.Inputs {
		in := &w.plan.Snapshot.Inputs[n]
		state := reconcile.InputState{From: in.From, To: in.To, Complete: in.Complete, MatchRate: -1}
		if n < len(w.plan.Inputs) {
			state = w.plan.Inputs[n]
		}
		if err := b.add(ctx, w.record.ID, n, w.source(in.Source), in.Feed.String(), moment(in.Observed),
			truth(in.Complete), in.Rows, in.Rejected, moment(state.From), moment(state.To), truth(state.Complete),
			state.MatchRate); err != nil {
			return err
		}
	}
	return b.flush(ctx)
}

func (w *planWriter) positions(ctx context.Context) error {
	b := w.bulk("positions", "plan", "n", "product", "pool", "purchased", "counter_purchased", "counter_consumed", "assigned",
		"active", "idle", "spare", "peak", "reserved", "denied", "days_at_limit", "needed", "reducible", "reclaimable", "flags",
		"notice", "ends", "currency", "unit_price")
	for n := range w.plan.Positions {
		p := &w.plan.Positions[n]
		if err := b.add(ctx, w.record.ID, n, w.product(p.Product), p.Pool, p.Purchased, p.CounterPurchased, p.CounterConsumed,
			p.Assigned, p.Active, p.Idle, p.Spare, p.Peak, p.Reserved, p.Denied, p.DaysAtLimit, p.Needed, p.Reducible,
			p.Reclaimable, spaced(p.Flags), date(p.Notice), date(p.Ends), p.Currency, p.UnitPrice); err != nil {
			return err
		}
	}
	return b.flush(ctx)
}

func (w *planWriter) findings(ctx context.Context) error {
	b := w.bulk("findings", "plan", "n", "code", "subject", "text")
	for n, f := range w.plan.Findings {
		if err := b.add(ctx, w.record.ID, n, f.Code, f.Subject, f.Text); err != nil {
			return err
		}
	}
	return b.flush(ctx)
}

func (w *planWriter) guards(ctx context.Context) error {
	b := w.bulk("guards", "plan", "n", "guard", "scope", "measured", "threshold", "state", "withholds", "why")
	for n, g := range w.plan.Guards {
		if err := b.add(ctx, w.record.ID, n, g.Name, g.Scope, g.Value, g.Limit, g.State.String(), g.Withholds, g.Why); err != nil {
			return err
		}
	}
	return b.flush(ctx)
}

// Plans returns the plans that were stored last, newest first.
func (d *DB) Plans(ctx context.Context, limit int) ([]reconcile.PlanRecord, error) {
	var records []reconcile.PlanRecord
	err := d.read(ctx, "list plans", func(t *tx) error {
		var rows []planRow
		records = nil
		err := t.list(ctx, &rows, `SELECT `+planColumns+` FROM plans ORDER BY seq DESC LIMIT ?`, limit)
		for _, row := range rows {
			records = append(records, row.record())
		}
		return err
	})
	return records, err
}

// Plan returns the plan of an id, a unique prefix of one, or "latest", the one stored last. The error wraps
// [ErrNotFound] or an [*AmbiguousError].
func (d *DB) Plan(ctx context.Context, which string) (reconcile.PlanRecord, error) {
	var row planRow
	err := d.read(ctx, "plan "+which, func(t *tx) error {
		var ids []string
		if err := t.list(ctx, &ids, candidates("plans", "seq DESC"), which, len(which), which, which); err != nil {
			return err
		}
		id, err := choose("plan", which, ids)
		if err != nil {
			return err
		}
		return t.get(ctx, &row, `SELECT `+planColumns+` FROM plans WHERE id = ?`, id)
	})
	return row.record(), err
}

// NewestPlan returns the id of the plan that no other supersedes: that of the newest as-of, of several the last stored.
// Looking back does not supersede. "" if there is no plan.
func (d *DB) NewestPlan(ctx context.Context) (string, error) {
	var id string
	err := d.read(ctx, "newest plan", func(t *tx) error {
		id = ""
		err := t.get(ctx, &id, `SELECT id FROM plans ORDER BY as_of DESC, seq DESC LIMIT 1`)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return id, err
}

// MarkApplied records that run used the plan up. If another run did so before, the error is an [*AppliedError].
func (d *DB) MarkApplied(ctx context.Context, plan, run string, at facts.Instant) error {
	return d.write(ctx, "mark plan "+plan+" applied", func(t *tx) error {
		var by string
		if err := t.get(ctx, &by, `SELECT applied_by FROM plans WHERE id = ?`, plan); err != nil {
			return missing(err, "plan", plan)
		}
		switch by {
		case run:
			return nil
		case "":
		default:
			return &Error{Op: "plan", Err: &AppliedError{Plan: plan, Run: by}, Hint: "make a new plan"}
		}
		if _, err := t.append(ctx, at, run, "plan-applied", map[string]string{"plan": plan}); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE plans SET applied_by = ? WHERE id = ?`, run, plan)
		return err
	})
}
