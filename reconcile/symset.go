package reconcile

import (
	"math/bits"

	"trueup/facts"
)

// symSet is a set of symbols.
type symSet []uint64

func newSymSet(s *facts.Strings) symSet { return make(symSet, s.Len()/64+1) }

// symsOf returns the symbols in a column.
func symsOf(s *facts.Strings, column []facts.Sym) symSet {
	parts := shares(len(column))
	sets := make([]symSet, len(parts))
	inParallel(len(parts), each(func(part int) {
		sets[part] = newSymSet(s)
		for _, sym := range column[parts[part].from:parts[part].to] {
			sets[part].add(sym)
		}
	}))
	for _, other := range sets[1:] {
		for n, word := range other {
			sets[0][n] |= word
		}
	}
	return sets[0]
}

func (s symSet) add(sym facts.Sym) { s[sym/64] |= 1 << (sym % 64) }

func (s symSet) len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// each calls do for every symbol, in ascending order.
func (s symSet) each(do func(facts.Sym)) {
	for n, word := range s {
		for ; word != 0; word &= word - 1 {
			do(facts.Sym(n*64 + bits.TrailingZeros64(word)))
		}
	}
}
