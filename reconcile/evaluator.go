package reconcile

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"trueup/facts"
)

// Subject is what a rule is asked about: a holder's account and a product, held or not.
type Subject struct {
	Person     PersonID  // NoPersonID: person.known is false and all of the person's attributes are empty
	Account    AccountID // NoAccountID: the account's attributes are empty
	Product    ProductID // NoProductID: the product's attributes are empty
	Held       bool
	Inherited  bool      // the seat comes by a group, not directly
	Path       facts.Sym // the seat's first path
	CostCentre facts.Sym // the seat's own
	IdleDays   int32     // -1 where not known
	Ever       bool      // any counted use is known
}

// Evaluator answers whether expressions hold for subjects of one snapshot. It evaluates an expression once for each
// distinct combination of the values that the expression names, and remembers the answer. It is not safe for concurrent
// use; see [Evaluator.Fork].
type Evaluator struct {
	snapshot  *facts.Snapshot
	people    []Person
	accounts  []Account
	catalogue *Catalogue
	today     facts.Day
	groups    func() *groupSets // built on first need, shared by forks
	contracts func() []contract // by product; likewise

	memos    map[*Expression]*memo
	numbered []*memo // by the expression's number, of the policy asked about last
	subject  Subject // of the evaluation under way
}

// NewEvaluator returns an evaluator of subjects whose numbers index people, accounts and the catalogue's products. None
// of these may change while it is in use.
func NewEvaluator(s *facts.Snapshot, people []Person, accounts []Account, c *Catalogue) *Evaluator {
	return &Evaluator{snapshot: s, people: people, accounts: accounts, catalogue: c, today: s.Today(),
		groups:    sync.OnceValue(func() *groupSets { return newGroupSets(s, people) }),
		contracts: sync.OnceValue(func() []contract { return contractsOf(s, c) }), memos: map[*Expression]*memo{}}
}

// Fork returns an evaluator of the same subjects for another goroutine. It shares what is immutable, not the answers.
func (ev *Evaluator) Fork() *Evaluator {
	return &Evaluator{snapshot: ev.snapshot, people: ev.people, accounts: ev.accounts, catalogue: ev.catalogue,
		today: ev.today, groups: ev.groups, contracts: ev.contracts, memos: map[*Expression]*memo{}}
}

// Holds reports whether e holds for s; a nil expression does. An evaluation that fails (an overflow, an index beyond a
// list, too high a cost) gives false and the error; the caller then keeps what the rule is about.
func (ev *Evaluator) Holds(e *Expression, s Subject) (bool, error) {
	if e == nil {
		return true, nil
	}
	ev.subject = s // not on the stack, or each question would allocate
	m := ev.memoOf(e)
	a := m.answer(ev)
	if a >= firstError {
		return false, m.errors[a]
	}
	return a == yes, nil
}

// memoOf returns the memo of an expression: by its number, which is unique in a policy, or by itself where expressions
// of several policies are asked about.
func (ev *Evaluator) memoOf(e *Expression) *memo {
	if e.number < len(ev.numbered) && ev.numbered[e.number] != nil && ev.numbered[e.number].expression == e {
		return ev.numbered[e.number]
	}
	m, ok := ev.memos[e]
	if !ok {
		m = newMemo(ev, e)
		ev.memos[e] = m
	}
	if e.number >= len(ev.numbered) {
		ev.numbered = append(ev.numbered, make([]*memo, e.number+1-len(ev.numbered))...)
	}
	ev.numbered[e.number] = m
	return m
}

// answer looks the answer up, or evaluates and remembers.
func (m *memo) answer(ev *Evaluator) answer {
	if m.size <= 64 {
		k := m.narrowKey(ev)
		if a := m.narrow.find(k).answer; a != unasked {
			return a
		}
		a := ev.evaluate(m)
		m.narrow.add(k, a)
		return a
	}
	k := m.wideKey(ev)
	a, ok := m.wide[k]
	if !ok {
		a = ev.evaluate(m)
		if len(m.wide) >= maxAnswers {
			clear(m.wide)
		}
		m.wide[k] = a
	}
	return a
}

func (ev *Evaluator) evaluate(m *memo) answer {
	out, _, err := m.expression.program.Eval(activation{ev})
	if err != nil {
		return m.failed(fmt.Errorf("%s: %w", m.expression.Source, err))
	}
	if out == types.True {
		return yes
	}
	return no
}

// activation gives a program the values of the evaluator's current subject.
type activation struct{ *Evaluator }

// ResolveName returns an attribute's value.
func (a activation) ResolveName(name string) (any, bool) {
	for n := range attributes {
		if attributes[n].name == name {
			return attributes[n].value(a.Evaluator, &a.subject), true
		}
	}
	return nil, false
}

// Parent returns nil: attributes are all there is.
func (a activation) Parent() cel.Activation { return nil }

// answer is unasked, no, yes, or the number of an error in the memo.
type answer int32

const (
	unasked answer = iota
	no
	yes
	firstError
)

// Bounds of a memo: beyond them it starts anew, so that a rule that names every person's address costs time but not
// memory.
const (
	maxAnswers = 1 << 20
	maxErrors  = 1 << 10
)

// memo remembers the answers of one expression by the values that it names.
type memo struct {
	expression *Expression
	parts      []part
	size       uint // of a key, in bits
	narrow     table
	wide       map[wideKey]answer // where a key does not fit into 64 bits
	errors     map[answer]error
}

// part says where in a key an attribute's code stands.
type part struct {
	*attribute
	shift uint
}

func newMemo(ev *Evaluator, e *Expression) *memo {
	m := &memo{expression: e, errors: map[answer]error{}, wide: map[wideKey]answer{}, narrow: newTable(8)}
	for _, n := range e.inputs {
		a := &attributes[n]
		if slices.ContainsFunc(m.parts, func(p part) bool { return p.slot == a.slot }) {
			continue
		}
		m.parts = append(m.parts, part{a, m.size})
		m.size += ev.width(a)
	}
	return m
}

// width is how many bits a code of the attribute can take in this snapshot.
func (ev *Evaluator) width(a *attribute) uint {
	switch a.bits {
	case symBits:
		return uint(bits.Len(uint(ev.snapshot.Strings.Len())))
	case setBits:
		return uint(bits.Len(uint(len(ev.groups().lists))))
	}
	return a.bits
}

func (m *memo) narrowKey(ev *Evaluator) (k uint64) {
	for n := range m.parts {
		p := &m.parts[n]
		k |= p.code(ev, &ev.subject) << p.shift
	}
	return k
}

// wideKey tells all combinations of values apart: the codes of up to eight slots, or the whole subject where there are
// more.
type wideKey [8]uint32

func (m *memo) wideKey(ev *Evaluator) (k wideKey) {
	s := &ev.subject
	if len(m.parts) <= len(k) {
		for n := range m.parts {
			k[n] = uint32(m.parts[n].code(ev, s))
		}
		return k
	}
	k = wideKey{uint32(s.Person), uint32(s.Account), uint32(s.Path), uint32(s.CostCentre), uint32(s.IdleDays), uint32(uint16(s.Product))}
	for n, set := range []bool{s.Held, s.Inherited, s.Ever} {
		if set {
			k[6] |= 1 << n
		}
	}
	return k
}

// table maps words to answers by open addressing: two cache lines a look-up where a map needs several.
type table struct {
	slots []slot // a power of two
	shift uint   // 64 less the power
	used  int
}

type slot struct {
	key    uint64
	answer answer // unasked: free
}

func newTable(power uint) table { return table{slots: make([]slot, 1<<power), shift: 64 - power} }

// find returns the slot of a key, or the free one where it belongs.
func (t *table) find(k uint64) *slot {
	const golden = 0x9E3779B97F4A7C15 // 2^64 / golden ratio: spreads the upper bits
	for n := (k * golden) >> t.shift; ; n = (n + 1) & uint64(len(t.slots)-1) {
		if s := &t.slots[n]; s.key == k || s.answer == unasked {
			return s
		}
	}
}

// add stores the answer of a key that is not in the table.
func (t *table) add(k uint64, a answer) {
	switch {
	case t.used >= maxAnswers:
		*t = newTable(8)
	case 2*t.used >= len(t.slots):
		grown := newTable(65 - t.shift)
		for _, s := range t.slots {
			if s.answer != unasked {
				*grown.find(s.key) = s
			}
		}
		grown.used = t.used
		*t = grown
	}
	*t.find(k) = slot{k, a}
	t.used++
}

// forget makes the memo empty.
func (m *memo) forget() {
	m.narrow = newTable(8)
	clear(m.wide)
	clear(m.errors)
}

// failed gives an error a number.
func (m *memo) failed(err error) answer {
	if len(m.errors) >= maxErrors {
		m.forget()
	}
	n := firstError + answer(len(m.errors))
	m.errors[n] = err
	return n
}

// groupSets numbers the distinct sets of groups that people are in. Groups are sorted, so that the order in which a
// directory lists them means nothing.
type groupSets struct {
	of    []int32 // by person
	lists []ref.Val
}

// groupSet is the number of a person's set of groups; 0 is the empty set.
func (ev *Evaluator) groupSet(p PersonID) int32 {
	if p == NoPersonID {
		return 0
	}
	return ev.groups().of[p]
}

func newGroupSets(s *facts.Snapshot, people []Person) *groupSets {
	sets := &groupSets{of: make([]int32, len(people)), lists: []ref.Val{stringList(nil)}}
	numbers := map[string]int32{"": 0}
	var packed []byte
	for n, p := range people {
		syms := slices.Clone(s.People.Groups.At(int(p.Row)))
		slices.Sort(syms)
		syms = slices.Compact(syms)
		packed = packed[:0]
		for _, sym := range syms {
			packed = binary.LittleEndian.AppendUint32(packed, uint32(sym))
		}
		number, ok := numbers[string(packed)]
		if !ok {
			number = int32(len(sets.lists))
			numbers[string(packed)] = number
			texts := make([]string, len(syms))
			for k, sym := range syms {
				texts[k] = s.Strings.Text(sym)
			}
			sets.lists = append(sets.lists, stringList(texts))
		}
		sets.of[n] = number
	}
	return sets
}

func stringList(texts []string) ref.Val {
	slices.Sort(texts)
	return types.NewStringList(types.DefaultTypeAdapter, texts)
}
