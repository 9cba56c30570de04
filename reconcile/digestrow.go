package reconcile

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"trueup/facts"
)

// words are the encoded texts of what is one of few: the same ones stand in millions of rows. They are read-only.
type words struct {
	plan       *Plan
	products   [][]byte
	sources    [][]byte
	rules      [][]byte
	situations [][]byte
	verdicts   [][]byte
	kinds      [][]byte
	reasons    [][]byte
	inputs     [][]byte // what of a signal stands before its last use; by input
	coverage   [][]byte // and behind it
	firstDay   facts.Day
	days       []string // from firstDay on
}

func newWords(p *Plan, days *dayTable) *words {
	w := &words{plan: p, situations: texts(situationNames[:]), verdicts: texts(verdictNames[:]), kinds: texts(actionKindNames[:]),
		reasons: texts(reasonNames[:]), rules: texts(p.Rules), firstDay: days.first}
	for n := range p.Catalogue.Products {
		w.products = append(w.products, appendText(nil, p.Catalogue.Products[n].ID))
	}
	for n := range p.Snapshot.Sources {
		w.sources = append(w.sources, appendText(nil, p.Snapshot.Sources[n].Name))
	}
	for n := range p.Snapshot.Inputs {
		state := &p.Inputs[n]
		w.inputs = append(w.inputs, w.sources[p.Snapshot.Inputs[n].Source])
		w.coverage = append(w.coverage, appendNumber(appendNumber(nil, int64(state.From)), int64(state.To)))
	}
	for n := range days.starts {
		w.days = append(w.days, (days.first + facts.Day(n)).String())
	}
	return w
}

// day writes the text of a day.
func (w *words) day(b []byte, d facts.Day) []byte { return appendText(b, w.date(d)) }

// date returns the text of a day; "" if it is absent.
func (w *words) date(d facts.Day) string {
	if n := int(d) - int(w.firstDay); n >= 0 && n < len(w.days) {
		return w.days[n]
	}
	return d.String()
}

func texts(words []string) [][]byte {
	list := make([][]byte, len(words))
	for n, word := range words {
		list[n] = appendText(nil, word)
	}
	return list
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendNumber(b []byte, n int64) []byte { return binary.AppendVarint(b, n) }

// rowEncoder writes the rows of one holder after the other.
type rowEncoder struct {
	*words
	buf      []byte
	findings [256]finding
	texts    []string // of the present row's paths
}

// finding is the encoding of a verdict with its reasons and its rule: few of them are many rows'.
type finding struct {
	reasons ReasonSet
	verdict Verdict
	rule    int16
	text    []byte
}

// sum returns the digest of the holder's rows and begins anew.
func (w *rowEncoder) sum() facts.Digest {
	digest := sha256.Sum256(w.buf)
	w.buf = w.buf[:0]
	return digest
}

func (w *rowEncoder) holder(name facts.Sym) {
	w.buf = appendText(w.buf, w.plan.Snapshot.Strings.Bytes(name))
}

func (w *rowEncoder) row(row *Row, paths []path, signals []Signal) {
	b := append(w.buf, w.products[row.Product]...)
	if row.Account == NoAccountID {
		b = append(b, 0, 0)
	} else {
		a := &w.plan.Accounts[row.Account]
		b = append(b, w.sources[a.Source]...)
		b = appendText(b, w.plan.Snapshot.Strings.Bytes(a.Key))
	}
	b = append(b, w.situations[row.Situation]...)
	b = w.ways(b, paths)
	b = append(b, w.finding(row)...)
	b = appendNumber(b, int64(row.LastUse))
	b = appendNumber(b, int64(row.IdleDays))
	b = w.day(b, row.Clock)
	b = w.product(b, row.Covering)
	b = append(b, w.kinds[row.Kind]...)
	b = w.product(b, row.To)
	b = appendNumber(b, int64(len(signals)))
	for n := range signals {
		b = w.signal(b, &signals[n])
	}
	w.buf = b
}

// finding returns the encoding of verdict, reasons and rule.
func (w *rowEncoder) finding(row *Row) []byte {
	const golden = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	f := &w.findings[(uint64(row.Reasons)*31+uint64(row.Verdict)*7+uint64(uint16(row.Rule)))*golden>>56]
	if f.text != nil && f.reasons == row.Reasons && f.verdict == row.Verdict && f.rule == row.Rule {
		return f.text
	}
	*f = finding{reasons: row.Reasons, verdict: row.Verdict, rule: row.Rule, text: f.text[:0]}
	list := row.Reasons.List()
	f.text = append(f.text, w.verdicts[row.Verdict]...)
	f.text = appendNumber(f.text, int64(len(list)))
	for _, reason := range list {
		f.text = append(f.text, w.reasons[reason]...)
	}
	if row.Rule < 0 {
		f.text = append(f.text, 0)
	} else {
		f.text = append(f.text, w.rules[row.Rule]...)
	}
	return f.text
}

// ways writes the paths, sorted, each once; "direct" for an empty one.
func (w *rowEncoder) ways(b []byte, paths []path) []byte {
	w.texts = w.texts[:0]
	for n := range paths {
		text := "direct"
		if way := paths[n].way; way != 0 {
			text = w.plan.Snapshot.Strings.Text(way)
		}
		w.texts = append(w.texts, text)
	}
	if len(w.texts) > 1 {
		slices.Sort(w.texts)
		w.texts = slices.Compact(w.texts)
	}
	b = appendNumber(b, int64(len(w.texts)))
	for _, text := range w.texts {
		b = appendText(b, text)
	}
	return b
}

func (w *rowEncoder) product(b []byte, p ProductID) []byte {
	if p == NoProductID {
		return append(b, 0)
	}
	return append(b, w.products[p]...)
}

func (w *rowEncoder) signal(b []byte, s *Signal) []byte {
	if s.Input < 0 {
		b = appendNumber(append(b, 0), int64(s.Last))
		b = appendNumber(appendNumber(b, int64(facts.NoInstant)), int64(facts.NoInstant))
	} else {
		b = appendNumber(append(b, w.inputs[s.Input]...), int64(s.Last))
		b = append(b, w.coverage[s.Input]...)
	}
	if s.Complete {
		return appendNumber(b, 1)
	}
	return appendNumber(b, 0)
}
