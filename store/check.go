package store

import "context"

// State is what [Check] found.
type State struct {
	Schema int // how many migrations ran; 0 if there is no ledger yet
	Known  int // how many this build has; the next run brings the schema there
}

// Check looks whether a run could work with the store, and changes nothing: it connects, compares the schema with this
// build, looks for the rights and the room that a run needs, and, if the schema is this build's, verifies the ledger. Errors are
// [*Error] with a hint, or wrap a [*ChainError].
func Check(ctx context.Context, dsn string, options Options) (State, error) {
	if state, missing, err := noFile(dsn, options); missing || err != nil {
		return state, err
	}
	d, err := open(dsn, options)
	if err != nil {
		return State{}, err
	}
	defer func() { _ = d.db.Close() }()
	state, err := d.state(ctx)
	if err == nil {
		err = d.permitted(ctx, state)
	}
	if err != nil {
		return state, d.fault("check store "+d.dialect.name, err)
	}
	if state.Schema == state.Known {
		_, err = d.VerifyLedger(ctx)
	}
	return state, err
}

// Ready fails unless the database would take what a run writes: a run looks before it begins, so that it does not end in
// the middle.
func (d *DB) Ready(ctx context.Context) error {
	state, err := d.state(ctx)
	if err == nil {
		err = d.permitted(ctx, state)
	}
	return d.fault("look at store "+d.dialect.name, err)
}

// state tells which migrations ran.
func (d *DB) state(ctx context.Context) (State, error) {
	known, err := readMigrations(d.dialect.migrations)
	if err != nil {
		return State{}, err
	}
	state := State{Known: len(known)}
	err = d.persist(ctx, d.dialect.reading, func(t *tx) error {
		if err := d.dialect.greet(ctx, t); err != nil {
			return err
		}
		var tables int
		if err := t.get(ctx, &tables, d.dialect.exists, "schema_migrations"); err != nil || tables == 0 {
			return err
		}
		ran, err := t.ran(ctx)
		state.Schema = len(ran)
		if err != nil {
			return err
		}
		return agree(known, ran)
	})
	return state, err
}

// permitted looks for the rights that a run needs, and for room.
func (d *DB) permitted(ctx context.Context, s State) error {
	err := d.persist(ctx, d.dialect.reading, func(t *tx) error { return d.dialect.ready(ctx, t, s.Schema < s.Known) })
	if err != nil || d.dialect.room == "" {
		return err
	}
	return d.persist(ctx, mode{}, func(t *tx) error {
		_, err := t.exec(ctx, d.dialect.room)
		return err
	})
}
