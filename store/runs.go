package store

import (
	"context"
	"database/sql"
	"errors"

	"trueup/facts"
	"trueup/reconcile"
)

type runRow struct {
	ID       string `db:"id"`
	Kind     string `db:"kind"`
	Started  moment `db:"started"`
	Finished moment `db:"finished"`
	AsOf     moment `db:"as_of"`
	State    string `db:"state"`
	Plan     string `db:"plan"`
	Exit     int    `db:"exit"`
	Error    string `db:"error"`
	Who      string `db:"who"`
	Build    string `db:"build"`
	Workbook string `db:"workbook"`
}

const runColumns = `id, kind, started, finished, as_of, state, plan, exit, error, who, build, workbook`

func (r runRow) run() reconcile.Run {
	return reconcile.Run{ID: r.ID, Kind: r.Kind, Started: facts.Instant(r.Started), Finished: facts.Instant(r.Finished),
		AsOf: facts.Instant(r.AsOf), State: reconcile.RunState(r.State), Plan: r.Plan, Exit: r.Exit, Error: r.Error,
		Who: r.Who, Build: r.Build, Workbook: r.Workbook}
}

// runEntry is what the ledger says of a run that starts or ends.
type runEntry struct {
	Kind     string             `json:"kind"`
	State    reconcile.RunState `json:"state"`
	AsOf     facts.Instant      `json:"as_of"`
	Plan     string             `json:"plan,omitempty"`
	Exit     int                `json:"exit"`
	Error    string             `json:"error,omitempty"` // commitment
	Who      string             `json:"who"`
	Build    string             `json:"build"`
	Workbook string             `json:"workbook,omitempty"`
}

func entryOf(r reconcile.Run, salt []byte) runEntry {
	return runEntry{Kind: r.Kind, State: r.State, AsOf: r.AsOf, Plan: r.Plan, Exit: r.Exit, Error: committed(salt, r.Error),
		Who: r.Who, Build: r.Build, Workbook: r.Workbook}
}

// StartRun records that a run has begun; its state becomes running.
func (d *DB) StartRun(ctx context.Context, r reconcile.Run) error {
	r.State, r.Finished = reconcile.RunRunning, facts.NoInstant
	return d.write(ctx, "start run "+r.ID, func(t *tx) error {
		salt, err := t.salt()
		if err != nil {
			return err
		}
		seq, err := t.append(ctx, r.Started, r.ID, "run-started", entryOf(r, salt))
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO runs (`+runColumns+`, salt, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.Kind, moment(r.Started), moment(r.Finished), moment(r.AsOf), string(r.State), r.Plan, r.Exit, r.Error,
			r.Who, r.Build, r.Workbook, salt, seq)
		return err
	})
}

// FinishRun records how a run ended: its finish, state, exit code, error, plan, workbook and as-of. A run that was taken
// for interrupted may still say how it ended; one that has ended stays as it is.
func (d *DB) FinishRun(ctx context.Context, r reconcile.Run) error {
	return d.write(ctx, "finish run "+r.ID, func(t *tx) error {
		var was runWithSalt
		if err := t.get(ctx, &was, `SELECT `+runColumns+`, salt FROM runs WHERE id = ?`, r.ID); err != nil {
			return missing(err, "run", r.ID)
		}
		if was.State != string(reconcile.RunRunning) && was.State != string(reconcile.RunInterrupted) {
			return &Error{Op: "run " + r.ID, Reason: "is " + was.State + " already"}
		}
		r.Kind, r.Started, r.Who, r.Build = was.Kind, facts.Instant(was.Started), was.Who, was.Build
		return t.finish(ctx, r, was.Salt)
	})
}

type runWithSalt struct {
	runRow
	Salt []byte `db:"salt"`
}

func (t *tx) finish(ctx context.Context, r reconcile.Run, salt []byte) error {
	seq, err := t.append(ctx, r.Finished, r.ID, "run-finished", entryOf(r, salt))
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE runs SET finished = ?, as_of = ?, state = ?, plan = ?, exit = ?, error = ?, workbook = ?,
		seq = ? WHERE id = ?`, moment(r.Finished), moment(r.AsOf), string(r.State), r.Plan, r.Exit, r.Error, r.Workbook,
		seq, r.ID)
	return err
}

// MarkInterrupted marks the runs that stand as running though no process can be behind them: all if nobody holds the
// lease, else those older than the lease. It returns their ids.
func (d *DB) MarkInterrupted(ctx context.Context, now facts.Instant) ([]string, error) {
	var ids []string
	err := d.write(ctx, "mark interrupted runs", func(t *tx) error {
		ids = nil
		lease, err := t.lease(ctx)
		if err != nil {
			return err
		}
		before := int64(now) + 1
		if lease.held(now) {
			before = int64(lease.Since)
		}
		var stale []runWithSalt
		if err := t.list(ctx, &stale, `SELECT `+runColumns+`, salt FROM runs WHERE state = ? AND started < ? ORDER BY id`,
			string(reconcile.RunRunning), before); err != nil {
			return err
		}
		for _, row := range stale {
			r := row.run()
			r.State, r.Finished = reconcile.RunInterrupted, now
			if err := t.finish(ctx, r, row.Salt); err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		return nil
	})
	return ids, err
}

// Runs returns the runs that started last, newest first.
func (d *DB) Runs(ctx context.Context, limit int) ([]reconcile.Run, error) {
	var runs []reconcile.Run
	err := d.read(ctx, "list runs", func(t *tx) error {
		var rows []runRow
		runs = nil
		if err := t.list(ctx, &rows, `SELECT `+runColumns+` FROM runs ORDER BY started DESC, id DESC LIMIT ?`, limit); err != nil {
			return err
		}
		for _, row := range rows {
			runs = append(runs, row.run())
		}
		return nil
	})
	return runs, err
}

// Run returns the run of an id, a unique prefix of one, or "latest". The error wraps [ErrNotFound] or an
// [*AmbiguousError].
func (d *DB) Run(ctx context.Context, which string) (reconcile.Run, error) {
	var row runRow
	err := d.read(ctx, "run "+which, func(t *tx) error {
		var ids []string
		if err := t.list(ctx, &ids, candidates("runs", "started DESC, id DESC"), which, len(which), which, which); err != nil {
			return err
		}
		id, err := choose("run", which, ids)
		if err != nil {
			return err
		}
		return t.get(ctx, &row, `SELECT `+runColumns+` FROM runs WHERE id = ?`, id)
	})
	return row.run(), err
}

// candidates is the query for the ids that fit: the newest for "latest", else those with the prefix, newest first.
func candidates(table, newest string) string {
	return `SELECT id FROM ` + table + ` WHERE ? = 'latest' OR substr(id, 1, ?) = ? ORDER BY id = ? DESC, ` + newest + ` LIMIT 10`
}

// choose picks the one id that which means; ids are those that fit, an exact fit first.
func choose(what, which string, ids []string) (string, error) {
	switch {
	case which == "" || len(ids) == 0:
		return "", &Error{Op: what + " " + which, Err: ErrNotFound, Hint: "list what there is with: trueup runs"}
	case len(ids) == 1 || which == "latest" || ids[0] == which:
		return ids[0], nil
	}
	return "", &Error{Op: what, Err: &AmbiguousError{What: what, Prefix: which, Candidates: ids}, Hint: "give more characters"}
}

// missing makes [sql.ErrNoRows] an [ErrNotFound] that names what was looked for.
func missing(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &Error{Op: what + " " + id, Err: ErrNotFound}
	}
	return err
}
