package exports

import (
	"testing"

	"trueup/facts"
)

func TestSpans(t *testing.T) {
	const none = facts.NoInstant
	tests := []struct {
		name     string
		events   [][2]int64 // log and moment
		declared Span
		want     Span
	}{
		{"no log", nil, Span{none, none}, Span{none, none}},
		{"one log", [][2]int64{{1, 20}, {1, 10}, {1, 30}}, Span{none, none}, Span{10, 30}},
		{"what both cover", [][2]int64{{0, 10}, {0, 30}, {1, 20}, {1, 40}}, Span{none, none}, Span{20, 30}},
		{"nothing in common", [][2]int64{{0, 10}, {0, 20}, {1, 30}, {1, 40}}, Span{none, none}, Span{30, 20}},
		{"declared", [][2]int64{{0, 10}, {0, 30}}, Span{5, none}, Span{5, 30}},
	}
	for _, test := range tests {
		o := facts.NewObservation("s", facts.FeedSignIns, 0)
		o.From, o.To = test.declared.First, test.declared.Last
		one, other := NewSpans(2), NewSpans(2)
		for n, e := range test.events {
			[]Spans{one, other}[n%2].Add(int(e[0]), facts.Instant(e[1]))
		}
		one.Widen(other)
		if one.Declare(o); o.From != test.want.First || o.To != test.want.Last {
			t.Errorf("%s: from %d to %d, want %v", test.name, o.From, o.To, test.want)
		}
	}
}
