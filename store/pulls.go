package store

import (
	"context"

	"trueup/facts"
	"trueup/reconcile"
)

type pullRow struct {
	Seq      int64                         `db:"seq"`
	Run      string                        `db:"run"`
	Source   string                        `db:"source"`
	Kind     string                        `db:"kind"`
	Feed     word[facts.Feed, *facts.Feed] `db:"feed"`
	Observed moment                        `db:"observed"`
	Complete bool                          `db:"complete"`
	Failure  string                        `db:"failure"`
	Rows     int64                         `db:"row_count"`
	Rejected int64                         `db:"rejected"`
}

const pullColumns = `seq, run, source, kind, feed, observed, complete, failure, row_count, rejected`

type fileRow struct {
	Pull    int64  `db:"pull"`
	Name    string `db:"name"`
	SHA256  digest `db:"sha256"`
	Bytes   int64  `db:"bytes"`
	Rows    int64  `db:"row_count"`
	Product string `db:"product"`
}

// pullEntry is what the ledger says of a pull.
type pullEntry struct {
	reconcile.PulledInput
	Failure string `json:"failure"` // commitment; hides the clear one
}

// SavePull records pulled inputs, all of one run or none.
func (d *DB) SavePull(ctx context.Context, pulled []reconcile.PulledInput) error {
	return d.write(ctx, "save pull", func(t *tx) error {
		for _, p := range pulled {
			if err := t.savePull(ctx, p); err != nil {
				return &Error{Op: p.Source + " " + p.Feed.String(), Err: err}
			}
		}
		return nil
	})
}

func (t *tx) savePull(ctx context.Context, p reconcile.PulledInput) error {
	var salt []byte
	if err := t.get(ctx, &salt, `SELECT salt FROM runs WHERE id = ?`, p.Run); err != nil {
		return missing(err, "run", p.Run)
	}
	if len(p.Files) == 0 {
		p.Files = nil // none is written in one way only
	}
	seq, err := t.append(ctx, p.Observed, p.Run, "pull", pullEntry{p, committed(salt, p.Failure)})
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO pulls (seq, run, source, kind, feed, observed, complete, failure, row_count, rejected)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, seq, p.Run, p.Source, p.Kind, p.Feed.String(), moment(p.Observed),
		truth(p.Complete), p.Failure, p.Rows, p.Rejected); err != nil {
		return err
	}
	files := t.bulk("pull_files", "pull", "n", "name", "sha256", "bytes", "row_count", "product")
	for n, f := range p.Files {
		if err := files.add(ctx, seq, n, f.Name, f.SHA256.String(), f.Bytes, f.Rows, f.Product); err != nil {
			return err
		}
	}
	return files.flush(ctx)
}

// Pulls returns, for each feed of each source, the pull that holds for asOf: the last observed at or before it, with
// none the earliest after it. A pull that failed counts only where no other was ever made.
func (d *DB) Pulls(ctx context.Context, asOf facts.Instant) ([]reconcile.PulledInput, error) {
	var pulls []reconcile.PulledInput
	err := d.read(ctx, "list pulls", func(t *tx) error {
		var rows []pullRow
		pulls = nil
		if err := t.list(ctx, &rows, `SELECT `+pullColumns+` FROM (SELECT `+pullColumns+`,
				row_number() OVER (PARTITION BY source, feed ORDER BY CASE WHEN failure = '' THEN 0 ELSE 1 END,
					CASE WHEN observed <= ? THEN 0 ELSE 1 END,
					CASE WHEN observed <= ? THEN -observed ELSE observed END, seq DESC) AS place
			FROM pulls) AS placed WHERE place = 1 ORDER BY source, feed`, int64(asOf), int64(asOf)); err != nil {
			return err
		}
		for _, row := range rows {
			p, err := t.pull(ctx, row)
			if err != nil {
				return err
			}
			pulls = append(pulls, p)
		}
		return nil
	})
	return pulls, err
}

func (t *tx) pull(ctx context.Context, row pullRow) (reconcile.PulledInput, error) {
	p := reconcile.PulledInput{Run: row.Run, Source: row.Source, Kind: row.Kind, Feed: row.Feed.it,
		Observed: facts.Instant(row.Observed), Complete: row.Complete, Failure: row.Failure, Rows: row.Rows, Rejected: row.Rejected}
	var files []fileRow
	err := t.list(ctx, &files, `SELECT pull, name, sha256, bytes, row_count, product FROM pull_files WHERE pull = ? ORDER BY n`,
		row.Seq)
	for _, f := range files {
		p.Files = append(p.Files, facts.File{Name: f.Name, SHA256: facts.Digest(f.SHA256), Bytes: f.Bytes, Rows: f.Rows,
			Product: f.Product})
	}
	return p, err
}

// truth stores a truth as 0 or 1.
func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
