package all

import (
	"cmp"
	"slices"
	"testing"

	"trueup/connectors"
)

func TestKinds(t *testing.T) {
	kinds := Kinds()
	if len(kinds) < 4 {
		t.Errorf("only %d kinds", len(kinds))
	}
	if !slices.IsSortedFunc(kinds, func(a, b connectors.Descriptor) int { return cmp.Compare(a.Kind, b.Kind) }) {
		t.Error("kinds are not in the order of their names")
	}
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.Kind] || k.Kind == "" || k.Title == "" || k.Open == nil || len(k.Exports)+len(k.Live) == 0 {
			t.Errorf("kind %q, title %q, opens %t, feeds %v and %v, twice %t", k.Kind, k.Title, k.Open != nil, k.Exports, k.Live, seen[k.Kind])
		}
		seen[k.Kind] = true
	}
}
