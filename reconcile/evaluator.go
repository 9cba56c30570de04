package reconcile

import (
	"encoding/binary"
	"fmt"
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

	memos   map[*Expression]*memo
	last    *Expression // the expression asked about last, and its memo
	memo    *memo
	subject Subject // of the evaluation under way
}

// NewEvaluator returns an evaluator of subjects whose numbers index people, accounts and the catalogue's products. None
// of these may change while it is in use.
func NewEvaluator(s *facts.Snapshot, people []Person, accounts []Account, c *Catalogue) *Evaluator {
	return &Evaluator{snapshot: s, people: people, accounts: accounts, catalogue: c, today: s.Today(),
		groups: sync.OnceValue(func() *groupSets { return newGroupSets(s, people) }), memos: map[*Expression]*memo{}}
}

// Fork returns an evaluator of the same subjects for another goroutine. It shares what is immutable, not the answers.
func (ev *Evaluator) Fork() *Evaluator {
	return &Evaluator{snapshot: ev.snapshot, people: ev.people, accounts: ev.accounts, catalogue: ev.catalogue,
		today: ev.today, groups: ev.groups, memos: map[*Expression]*memo{}}
}

// Holds reports whether e holds for s; a nil expression does. An evaluation that fails (an overflow, an index beyond a
// list, too high a cost) gives false and the error; the caller then keeps what the rule is about.
func (ev *Evaluator) Holds(e *Expression, s Subject) (bool, error) {
	if e == nil {
		return true, nil
	}
	if e != ev.last {
		ev.last, ev.memo = e, ev.memoOf(e)
	}
	k := ev.memo.key(ev, &s)
	answer, ok := ev.memo.answers[k]
	if !ok {
		answer = ev.evaluate(e, s)
		ev.memo.remember(k, answer)
	}
	if answer >= firstError {
		return false, ev.memo.errors[answer]
	}
	return answer == yes, nil
}

func (ev *Evaluator) memoOf(e *Expression) *memo {
	m, ok := ev.memos[e]
	if !ok {
		m = newMemo(e)
		ev.memos[e] = m
	}
	return m
}

func (ev *Evaluator) evaluate(e *Expression, s Subject) answer {
	ev.subject = s
	out, _, err := e.program.Eval(activation{ev})
	if err != nil {
		return ev.memo.failed(fmt.Errorf("%s: %w", e.Source, err))
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

// answer is no, yes, or the number of an error in the memo.
type answer int32

const (
	no answer = iota
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
	parts   []part
	wide    bool // the values do not fit into a key: the whole subject is the key
	answers map[memoKey]answer
	errors  map[answer]error
}

type memoKey [3]uint64

// part says where in a key an attribute's code stands.
type part struct {
	*attribute
	word, shift uint
}

func newMemo(e *Expression) *memo {
	m := &memo{answers: map[memoKey]answer{}, errors: map[answer]error{}}
	word, shift := uint(0), uint(0)
	for _, n := range e.inputs {
		a := &attributes[n]
		if slices.ContainsFunc(m.parts, func(p part) bool { return p.slot == a.slot }) {
			continue
		}
		if shift+a.bits > 64 {
			word, shift = word+1, 0
		}
		m.parts = append(m.parts, part{a, word, shift})
		shift += a.bits
	}
	m.wide = word >= uint(len(memoKey{}))
	return m
}

func (m *memo) key(ev *Evaluator, s *Subject) (k memoKey) {
	if m.wide {
		return wideKey(s)
	}
	for n := range m.parts {
		p := &m.parts[n]
		k[p.word] |= p.code(ev, s) << p.shift
	}
	return k
}

// wideKey tells all subjects apart.
func wideKey(s *Subject) memoKey {
	k := memoKey{uint64(uint32(s.Person))<<32 | uint64(uint32(s.Account)), uint64(s.Path)<<32 | uint64(s.CostCentre),
		uint64(uint32(s.IdleDays))<<32 | uint64(uint16(s.Product))<<8}
	for n, set := range []bool{s.Held, s.Inherited, s.Ever} {
		if set {
			k[2] |= 1 << n
		}
	}
	return k
}

func (m *memo) remember(k memoKey, a answer) {
	if len(m.answers) >= maxAnswers {
		clear(m.answers)
	}
	m.answers[k] = a
}

// failed gives an error a number.
func (m *memo) failed(err error) answer {
	if len(m.errors) >= maxErrors {
		clear(m.answers)
		clear(m.errors)
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
