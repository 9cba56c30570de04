package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/klauspost/compress/zstd"

	"trueup/facts"
	"trueup/reconcile"
)

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
	var now []facts.Link
	for n := range w.plan.Accounts {
		a := &w.plan.Accounts[n]
		l := facts.Link{Source: w.source(a.Source), Account: w.sym(a.Key)}
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
			now = append(now, facts.Link{Source: key[0], Account: key[1], Person: person})
		}
	}
	return w.saveLinks(ctx, now)
}

func (w *planWriter) saveLinks(ctx context.Context, links []facts.Link) error {
	slices.SortFunc(links, func(a, b facts.Link) int {
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

func (t *tx) lastLinks(ctx context.Context) ([]facts.Link, error) {
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
func unpackLinks(s string) ([]facts.Link, error) {
	var links []facts.Link
	for s != "" {
		var l facts.Link
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
