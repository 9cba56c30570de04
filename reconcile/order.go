package reconcile

import (
	"cmp"
	"encoding/binary"
	"slices"

	"trueup/facts"
)

// sortByText orders the numbers of texts by text in byte order, equal ones by tie. The texts up to people, all ids of one
// kind, begin alike as a rule: what comes behind is compared as numbers, and texts only where that does not decide.
func sortByText(s *facts.Strings, texts []facts.Sym, people int, tie func(a, b holderID) int) []holderID {
	type entry struct {
		key    uint64
		text   string
		holder holderID
	}
	entries := make([]entry, len(texts))
	fill := func(from, to int) {
		common := commonPrefix(s, texts[from:to])
		for n := from; n < to; n++ {
			text := s.Text(texts[n])
			var key [8]byte
			copy(key[:], text[common:])
			entries[n] = entry{binary.BigEndian.Uint64(key[:]), text, holderID(n)}
		}
	}
	fill(0, people)
	fill(people, len(texts))
	byText := func(a, b entry) int {
		if c := cmp.Compare(a.text, b.text); c != 0 {
			return c
		}
		return tie(a.holder, b.holder)
	}
	byKey := func(a, b entry) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return byText(a, b)
	}
	sortParallel(entries[:people], byKey)
	sortParallel(entries[people:], byKey)
	order := make([]holderID, 0, len(texts))
	for a, b := entries[:people], entries[people:]; len(a)+len(b) > 0; {
		if len(b) == 0 || len(a) > 0 && byText(a[0], b[0]) <= 0 {
			order, a = append(order, a[0].holder), a[1:]
		} else {
			order, b = append(order, b[0].holder), b[1:]
		}
	}
	return order
}

// commonPrefix returns how many bytes all texts begin with alike.
func commonPrefix(s *facts.Strings, texts []facts.Sym) int {
	if len(texts) == 0 {
		return 0
	}
	first := s.Text(texts[0])
	common := len(first)
	for _, sym := range texts {
		text := s.Text(sym)
		common = min(common, len(text))
		for first[:common] != text[:common] {
			common--
		}
	}
	return common
}

// sortParallel sorts on as many goroutines as there are processors: shares side by side, which are then merged.
func sortParallel[T any](list []T, compare func(a, b T) int) {
	parts := shares(len(list))
	inParallel(len(parts), each(func(n int) { slices.SortFunc(list[parts[n].from:parts[n].to], compare) }))
	if len(parts) == 1 {
		return
	}
	merged := make([]T, len(list))
	for len(parts) > 1 {
		half := (len(parts) + 1) / 2
		inParallel(half, each(func(n int) {
			a, b := parts[2*n], span{}
			if 2*n+1 < len(parts) {
				b = parts[2*n+1]
			}
			merge(merged[a.from:max(a.to, b.to)], list[a.from:a.to], list[b.from:b.to], compare)
		}))
		for n := range half {
			parts[n] = span{parts[2*n].from, parts[min(2*n+1, len(parts)-1)].to}
		}
		parts = parts[:half]
		copy(list, merged)
	}
}

// merge joins two sorted lists; of equals those of a come first.
func merge[T any](into, a, b []T, compare func(a, b T) int) {
	for n := range into {
		if len(b) == 0 || len(a) > 0 && compare(a[0], b[0]) <= 0 {
			into[n], a = a[0], a[1:]
		} else {
			into[n], b = b[0], b[1:]
		}
	}
}
