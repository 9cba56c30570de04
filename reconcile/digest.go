package reconcile

import (
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
// A partition of the decisions is one product: its id, then for each of its rows, in the plan's order,
//
//	holder, source and key of the account ("" and "" without one), situation, paths, verdict, reasons, rule,
//	last use, idle days, clock, covering product, kind, target,
//	for each signal: source, last, from, to, complete (0 or 1),
//	currency, exposure, reassignable, reducible, effective
//
// Products, not components of identity keys, are the partitions because a plan's rows stand by product: a partition can be
// hashed, stored and checked in one pass over its own part of the row file, and two plans that differ can be compared
// product by product.
//
// The decisions digest is the SHA-256 of "trueup decisions 1", as-of, organisation, the digests of policy, configuration
// and products, the sorted digests of the partitions, the positions and the totals without their states. The plan's
// digest is that of "trueup plan 1", the decisions digest, the mode, guards, states, sorted input hashes and the ledger's
// part of the snapshot.

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

func (e *encoder) day(d facts.Day) { e.text(d.String()) }

func (e *encoder) digest(d facts.Digest) {
	e.flush()
	e.hash.Write(d[:])
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

// digest sets the plan's digests and its id.
func (p *Plan) digest() {
	e := newEncoder()
	var partitions []facts.Digest
	w := rowEncoder{plan: p, encoder: e, days: map[facts.Day]string{}}
	for from := 0; from < len(p.Rows); {
		to := from
		e.text(p.Catalogue.Products[p.Rows[from].Product].ID)
		for to < len(p.Rows) && p.Rows[to].Product == p.Rows[from].Product {
			w.row(to)
			to++
		}
		partitions = append(partitions, e.sum())
		from = to
	}
	slices.SortFunc(partitions, compareDigests)
	e.text("trueup decisions 1")
	e.number(int64(p.AsOf))
	e.text(p.Organisation)
	e.digest(p.Policy)
	e.digest(p.Config)
	e.digest(p.Products)
	e.number(int64(len(partitions)))
	for _, d := range partitions {
		e.digest(d)
	}
	p.encodePositions(e)
	p.encodeTotals(e)
	p.Decisions = e.sum()

	e.text("trueup plan 1")
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
	}
	p.encodeInputs(e)
	encodePrior(e, &p.Snapshot.Prior)
	p.Digest = e.sum()
	p.ID = p.Digest.String()[len("sha256:"):][:16]
}

func compareDigests(a, b facts.Digest) int { return slices.Compare(a[:], b[:]) }

// rowEncoder writes rows.
type rowEncoder struct {
	plan    *Plan
	encoder *encoder
	days    map[facts.Day]string // texts of days, since few are many rows'
	last    facts.Day
	text    string
	reasons ReasonSet
	listed  []Reason
	path    [1]string
}

func (w *rowEncoder) day(d facts.Day) {
	if d != w.last || w.text == "" && d.Known() {
		text, known := w.days[d]
		if !known {
			text = d.String()
			w.days[d] = text
		}
		w.last, w.text = d, text
	}
	w.encoder.text(w.text)
}

func (w *rowEncoder) row(n int) {
	p, e, row := w.plan, w.encoder, &w.plan.Rows[n]
	text := p.Snapshot.Strings.Text
	e.text(p.Holder(n))
	if row.Account == NoAccountID {
		e.text("")
		e.text("")
	} else {
		e.text(p.Snapshot.Sources[p.Accounts[row.Account].Source].Name)
		e.text(text(p.Accounts[row.Account].Key))
	}
	e.text(row.Situation.String())
	w.paths(n, row)
	e.text(row.Verdict.String())
	if row.Reasons != w.reasons {
		w.reasons, w.listed = row.Reasons, row.Reasons.List()
	}
	e.number(int64(len(w.listed)))
	for _, reason := range w.listed {
		e.text(reason.String())
	}
	w.named(p.Rules, int(row.Rule))
	e.number(int64(row.LastUse))
	e.number(int64(row.IdleDays))
	w.day(row.Clock)
	w.product(row.Covering)
	e.text(row.Kind.String())
	w.product(row.To)
	signals := p.RowSignals(n)
	e.number(int64(len(signals)))
	for k := range signals {
		w.signal(&signals[k])
	}
	e.text(text(row.Money.Currency))
	e.number(row.Money.Exposure)
	e.number(row.Money.Reassignable)
	e.number(row.Money.Reducible)
	w.day(row.Money.Effective)
}

// paths writes the paths; most seats have one.
func (w *rowEncoder) paths(n int, row *Row) {
	var paths []string
	if row.Paths == 1 {
		w.path[0] = w.plan.Snapshot.Strings.Text(w.plan.Snapshot.Seats.Path[row.Seat])
		if paths = w.path[:]; w.path[0] == "" {
			w.path[0] = "direct"
		}
	} else if row.Paths > 1 {
		paths = w.plan.RowPaths(n)
	}
	w.encoder.number(int64(len(paths)))
	for _, path := range paths {
		w.encoder.text(path)
	}
}

func (w *rowEncoder) named(names []string, n int) {
	if n < 0 {
		w.encoder.text("")
		return
	}
	w.encoder.text(names[n])
}

func (w *rowEncoder) product(p ProductID) {
	if p == NoProductID {
		w.encoder.text("")
		return
	}
	w.encoder.text(w.plan.Catalogue.Products[p].ID)
}

func (w *rowEncoder) signal(s *Signal) {
	e := w.encoder
	if s.Input < 0 {
		e.text("")
	} else {
		e.text(w.plan.Snapshot.Sources[w.plan.Snapshot.Inputs[s.Input].Source].Name)
	}
	e.number(int64(s.Last))
	e.number(int64(s.From))
	e.number(int64(s.To))
	if s.Complete {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (p *Plan) encodePositions(e *encoder) {
	e.number(int64(len(p.Positions)))
	for n := range p.Positions {
		x := &p.Positions[n]
		e.text(p.Catalogue.Products[x.Product].ID)
		e.text(x.Pool)
		for _, figure := range []*int64{x.Purchased, x.CounterPurchased, x.CounterConsumed, x.Assigned, x.Active, x.Idle, x.Spare,
			x.Peak, x.Reserved, x.Denied, x.Reclaimable} {
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
