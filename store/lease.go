package store

import (
	"context"
	"errors"
	"time"

	"trueup/facts"
)

// Lease is the right to act, held by one process at a time.
type Lease struct {
	Epoch        int64 // grows with every holder; goes into each intent
	Who          string
	Since, Until facts.Instant
	db           *DB
	ttl          time.Duration
}

type leaseRow struct {
	Epoch int64  `db:"epoch"`
	Who   string `db:"who"`
	Since moment `db:"since"`
	Until moment `db:"until"`
}

func (l leaseRow) held(now facts.Instant) bool { return l.Who != "" && facts.Instant(l.Until) > now }

func (t *tx) lease(ctx context.Context) (row leaseRow, err error) {
	return row, t.get(ctx, &row, `SELECT epoch, who, since, until FROM lease WHERE id = 1`)
}

// Acquire takes the lease until now + ttl. If another process holds it the error is [ErrHeld], a [*HeldError] that says
// who and since when. A lease that was not renewed in time can be taken over; its former holder then gets [ErrFenced].
func (d *DB) Acquire(ctx context.Context, who string, now facts.Instant, ttl time.Duration) (*Lease, error) {
	l := &Lease{Who: who, Since: now, Until: now.Add(ttl), db: d, ttl: ttl}
	err := d.write(ctx, "acquire lease", func(t *tx) error {
		row, err := t.lease(ctx)
		if err != nil {
			return err
		}
		if row.held(now) {
			return &Error{Op: "lease", Err: &HeldError{row.Who, facts.Instant(row.Since), facts.Instant(row.Until)},
				Hint: "wait for it to end; if its process is gone the lease expires by itself"}
		}
		l.Epoch = row.Epoch + 1
		_, err = t.exec(ctx, `UPDATE lease SET epoch = ?, who = ?, since = ?, until = ? WHERE id = 1`,
			l.Epoch, who, moment(l.Since), moment(l.Until))
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Renew extends the lease to now + its ttl. The error is [ErrFenced] if another process has taken it since, or if it was
// released.
func (l *Lease) Renew(ctx context.Context, now facts.Instant) error {
	until := now.Add(l.ttl)
	err := l.db.write(ctx, "renew lease", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE lease SET until = ? WHERE id = 1 AND epoch = ? AND who <> ''`, moment(until), l.Epoch)
		if err == nil && n == 0 {
			return ErrFenced
		}
		return err
	})
	if err == nil {
		l.Until = until
	}
	return err
}

// Release gives the lease up. It is no error if another process has taken it since.
func (l *Lease) Release(ctx context.Context) error {
	return l.db.write(ctx, "release lease", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE lease SET who = '', until = since WHERE id = 1 AND epoch = ?`, l.Epoch)
		return err
	})
}

// fence fails with [ErrFenced] unless epoch is that of the lease's present holder.
func (t *tx) fence(ctx context.Context, epoch int64) error {
	row, err := t.lease(ctx)
	if err == nil && (row.Epoch != epoch || row.Who == "") {
		return ErrFenced
	}
	return err
}

// Holder returns who holds the lease at now; nil if nobody does.
func (d *DB) Holder(ctx context.Context, now facts.Instant) (*HeldError, error) {
	var row leaseRow
	err := d.read(ctx, "lease", func(t *tx) (err error) {
		row, err = t.lease(ctx)
		return err
	})
	if err != nil || !row.held(now) {
		return nil, err
	}
	return &HeldError{row.Who, facts.Instant(row.Since), facts.Instant(row.Until)}, nil
}

// errRehearsed undoes a transaction that was only tried.
var errRehearsed = errors.New("tried only")

// Writable reports, by an error, whether the ledger can be written to now. Nothing is changed.
func (d *DB) Writable(ctx context.Context) error {
	err := d.write(ctx, "write to the ledger", func(t *tx) error {
		if _, err := t.exec(ctx, `UPDATE lease SET who = who WHERE id = 1`); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}
