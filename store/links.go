package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/klauspost/compress/zstd"

	"trueup/reconcile"
)

// Link says that an account was linked to a person.
type Link struct {
	Source  string
	Account string // the vendor's id
	Person  string // id of the person
}

// links stores to whom the plan links each account. An account that it no longer links keeps the person it had: that
// one is gone from the directory, or the directory was not read whole. An account that is gone loses it.
func (w *planWriter) links(ctx context.Context) error {
	if w.back {
		return nil
	}
	before, err := w.lastLinks(ctx)
	if err != nil {
		return err
	}
	had := make(map[[2]string]string, len(before))
	for _, l := range before {
		had[[2]string{l.Source, l.Account}] = l.Person
	}
	var now []Link
	for n := range w.plan.Accounts {
		a := &w.plan.Accounts[n]
		l := Link{Source: w.source(a.Source), Account: w.sym(a.Key)}
		key := [2]string{l.Source, l.Account}
		if l.Person = had[key]; a.Person != reconcile.NoPersonID {
			l.Person = w.sym(w.plan.People[a.Person].ID)
		}
		delete(had, key)
		if l.Person != "" {
			now = append(now, l)
		}
	}
	if !w.plan.Complete {
		for key, person := range had { // what was not seen may still be there
			now = append(now, Link{Source: key[0], Account: key[1], Person: person})
		}
	}
	return w.saveLinks(ctx, now)
}

func (w *planWriter) saveLinks(ctx context.Context, links []Link) error {
	slices.SortFunc(links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Account, b.Account))
	})
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	var b []byte
	for _, l := range links {
		for _, text := range []string{l.Source, l.Account, l.Person} {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	packed := packer.EncodeAll(b, nil)
	if err := packer.Close(); err != nil {
		return err
	}
	if _, err := w.exec(ctx, `DELETE FROM plan_links`); err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO plan_links (plan, packed) VALUES (?, ?)`, w.record.ID, packed)
	return err
}

func (t *tx) lastLinks(ctx context.Context) ([]Link, error) {
	var packed []byte
	err := t.get(ctx, &packed, `SELECT packed FROM plan_links LIMIT 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer unpacker.Close()
	b, err := unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	return unpackLinks(string(b))
}

// unpackLinks reads three texts a link, each after its length.
func unpackLinks(s string) ([]Link, error) {
	var links []Link
	for s != "" {
		var l Link
		for _, text := range []*string{&l.Source, &l.Account, &l.Person} {
			n, width := binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
			if width <= 0 || n > uint64(len(s)-width) {
				return nil, errors.New("table plan_links is damaged")
			}
			*text, s = s[width:width+int(n)], s[width+int(n):]
		}
		links = append(links, l)
	}
	return links, nil
}

// Links returns to whom the stored plans last linked each account, by source and account: of accounts that the newest
// plan did not link, the person that they were linked to before.
func (d *DB) Links(ctx context.Context) ([]Link, error) {
	var links []Link
	err := d.read(ctx, "list links", func(t *tx) (err error) {
		links, err = t.lastLinks(ctx)
		return err
	})
	return links, err
}
