package reconcile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"

	"trueup/facts"
)

// The encoding that digests run over. A text is its length in bytes as an unsigned varint, then its bytes. A number is a
// signed varint. A list is its length, then its items. Days are their text ("2026-11-22", "" if absent), instants
// milliseconds since 1970 in UTC, math.MinInt64 if absent. Words of closed lists are texts, so that a longer list does not
// change what was decided before.
//
// A partition of the decisions is what belongs to one holder: the holder's name, then each of their rows, first seats and
// then rows without one, by place of the product in products.yaml, then account:
//
//	product, source and key of the account ("" and "" without one), situation, paths, verdict, reasons, rule,
//	last use, idle days, clock, covering product, kind, target,
//	for each signal: source, last, from, to, complete (0 or 1)
//
// A holder is what one connected component of identity keys comes to, so a component that is decided alone gives the same
// partition. What rows are worth depends on all rows of a product, and follows the partitions in the plan's order:
// currency, exposure, reassignable, reducible, effective.
//
// The decisions digest is the SHA-256 of "trueup decisions 2", as-of, organisation, the digests of policy, configuration
// and products, the sorted digests of the partitions, the money of all rows, the positions and the totals without their
// states. The plan's digest is that of "trueup plan 2", the decisions digest, the mode, guards, states, sorted input
// hashes and the ledger's part of the snapshot.

// encoder writes values to a hash.
type encoder struct {
	hash hash.Hash
	buf  []byte
}

func newEncoder() *encoder { return &encoder{hash: sha256.New(), buf: make([]byte, 0, 64<<10)} }

func (e *encoder) text(s string) {
	if len(e.buf)+len(s) > 60<<10 {
		e.flush()
	}
	e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) number(n int64) {
	if len(e.buf) > 60<<10 {
		e.flush()
	}
	e.buf = binary.AppendVarint(e.buf, n)
}

func (e *encoder) flag(on bool) {
	if on {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (e *encoder) day(d facts.Day) { e.text(d.String()) }

func (e *encoder) digest(d facts.Digest) { e.raw(d[:]) }

// raw writes what is encoded already.
func (e *encoder) raw(b []byte) {
	if len(e.buf)+len(b) > 60<<10 {
		e.flush()
	}
	e.buf = append(e.buf, b...)
}

func (e *encoder) figure(n *int64) {
	if n == nil {
		e.number(0)
		return
	}
	e.number(1)
	e.number(*n)
}

func (e *encoder) flush() {
	e.hash.Write(e.buf)
	e.buf = e.buf[:0]
}

// sum returns the digest of what was written and begins anew.
func (e *encoder) sum() (d facts.Digest) {
	e.flush()
	e.hash.Sum(d[:0])
	e.hash.Reset()
	return d
}

// decisions returns the digest of what was decided, given those of the holders' rows.
func (p *Plan) decisions(partitions []facts.Digest, words *words) facts.Digest {
	e := newEncoder()
	sortParallel(partitions, compareDigests)
	e.text("trueup decisions 2")
	e.number(int64(p.AsOf))
	e.text(p.Organisation)
	e.digest(p.Policy)
	e.digest(p.Config)
	e.digest(p.Products)
	e.number(int64(len(partitions)))
	for _, d := range partitions {
		e.digest(d)
	}
	p.encodeMoney(e, words)
	p.encodePositions(e)
	p.encodeTotals(e)
	return e.sum()
}

// digest sets the plan's digest and its id.
func (p *Plan) digest() {
	e := newEncoder()
	e.text("trueup plan 2")
	e.digest(p.Decisions)
	e.text(string(p.Mode))
	p.encodeGuards(e)
	for n := range p.Actions {
		a := &p.Actions[n]
		e.digest(a.ID)
		e.text(a.State.String())
		e.day(a.Due)
		e.text(a.Role)
		e.text(a.By)
		e.number(int64(a.After))
	}
	p.encodeInputs(e)
	encodePrior(e, &p.Snapshot.Prior)
	p.Digest = e.sum()
	p.ID = p.Digest.String()[len("sha256:"):][:16]
}

func (p *Plan) encodeMoney(e *encoder, words *words) {
	encoded := make([][]byte, len(p.Worths))
	for n := range p.Worths {
		m := &p.Worths[n]
		encoded[n] = appendText(nil, p.Snapshot.Strings.Bytes(m.Currency))
		if m.Currency != 0 {
			encoded[n] = appendNumber(appendNumber(appendNumber(encoded[n], m.Exposure), m.Reassignable), m.Reducible)
			encoded[n] = words.day(encoded[n], m.Effective)
		}
	}
	for n := range p.Rows {
		e.raw(encoded[p.Rows[n].Worth])
	}
}

func compareDigests(a, b facts.Digest) int { return bytes.Compare(a[:], b[:]) }

func (p *Plan) encodePositions(e *encoder) {
	e.number(int64(len(p.Positions)))
	for n := range p.Positions {
		x := &p.Positions[n]
		e.text(p.Catalogue.Products[x.Product].ID)
		e.text(x.Pool)
		for _, figure := range []*int64{x.Purchased, x.CounterPurchased, x.CounterConsumed, x.Assigned, x.Active, x.Idle, x.Spare,
			x.Peak, x.Reserved, x.Denied, x.DaysAtLimit, x.Needed, x.Reducible, x.Reclaimable} {
			e.figure(figure)
		}
		e.number(int64(len(x.Flags)))
		for _, flag := range x.Flags {
			e.text(flag)
		}
		e.day(x.Notice)
		e.day(x.Ends)
		e.text(x.Currency)
		e.text(x.UnitPrice)
	}
}

func (p *Plan) encodeTotals(e *encoder) {
	t := &p.Totals
	for _, n := range []int{t.People, t.PeopleWithRows, t.Seats, t.Rows, t.Missing, t.UnlicensedUse} {
		e.number(int64(n))
	}
	for n, count := range t.Verdicts {
		if count > 0 {
			e.text(Verdict(n).String())
			e.number(int64(count))
		}
	}
	for n, count := range t.Actions {
		if count > 0 {
			e.text(ActionKind(n).String())
			e.number(int64(count))
		}
	}
	for _, m := range t.Money {
		e.text(m.Currency)
		e.number(m.Exposure)
		e.number(m.Reassignable)
		e.number(m.Reducible)
	}
}

func (p *Plan) encodeGuards(e *encoder) {
	e.number(int64(len(p.Guards)))
	for _, g := range p.Guards {
		e.text(g.Name)
		e.text(g.Scope)
		if g.Value != nil {
			e.number(int64(math.Float64bits(*g.Value)))
		}
		e.number(int64(math.Float64bits(g.Limit)))
		e.text(g.State.String())
		e.text(g.Why)
		e.number(int64(g.Withholds))
	}
}

// encodeInputs writes the hashes of all files, sorted; names and splits of files do not matter, bytes do.
func (p *Plan) encodeInputs(e *encoder) {
	var files []facts.Digest
	for n := range p.Snapshot.Inputs {
		for _, f := range p.Snapshot.Inputs[n].Files {
			files = append(files, f.SHA256)
		}
	}
	slices.SortFunc(files, compareDigests)
	e.number(int64(len(files)))
	for _, f := range files {
		e.digest(f)
	}
}

func encodePrior(e *encoder, prior *facts.Prior) {
	e.number(int64(len(prior.Inputs)))
	for _, x := range prior.Inputs {
		e.text(x.Source)
		e.text(x.Feed.String())
		e.number(int64(x.Observed))
		e.number(x.Rows)
	}
	e.number(int64(len(prior.Cases)))
	for _, x := range prior.Cases {
		e.digest(x.ID)
		e.text(x.State)
		e.day(x.Opened)
		e.day(x.Due)
		e.text(x.Verdict)
		e.text(x.Paths)
		e.flag(x.Approved)
	}
	e.number(int64(len(prior.Losses)))
	for _, x := range prior.Losses {
		e.number(int64(x.At))
		for _, text := range []string{x.Holder, x.Product, x.Verdict, x.Department} {
			e.text(text)
		}
	}
	e.number(int64(len(prior.Linked)))
	for _, x := range prior.Linked {
		for _, text := range []string{x.Source, x.Account, x.Person} {
			e.text(text)
		}
	}
}
