package reconcile

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// TestProcessorsDoNotMatter decides about people of several stretches on one processor and on three.
func TestProcessorsDoNotMatter(t *testing.T) {
	s, c, p := large(t, 3*stretch, 6)
	decide := func(processors int) *Plan {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		plan, err := Decide(s, c, p, Options{Identity: Identity{Authoritative: Names{"hr"}}})
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	one, three := decide(1), decide(3)
	if one.Digest != three.Digest {
		t.Errorf("one processor gives %s, three give %s", one.Digest, three.Digest)
	}
	for _, part := range []struct {
		name string
		a, b any
	}{{"rows", one.Rows, three.Rows}, {"signals", one.Signals, three.Signals}, {"paths", one.SeatPaths, three.SeatPaths},
		{"worths", one.Worths, three.Worths}, {"actions", one.Actions, three.Actions}, {"guards", one.Guards, three.Guards},
		{"totals", one.Totals, three.Totals}} {
		if diff := gocmp.Diff(part.a, part.b); diff != "" {
			t.Errorf("%s differ:\n%s", part.name, diff)
		}
	}
	last := ""
	for n := range one.Rows {
		place := fmt.Sprintf("%s %s %s", one.ProductOf(n).ID, one.Holder(n), one.AccountName(n))
		if place < last {
			t.Fatalf("row %d: %s stands behind %s", n, place, last)
		}
		last = place
	}
}

// TestSortByText compares with the standard library's sort, over texts that begin alike and others.
func TestSortByText(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 2, 100, 20_000} {
		s := facts.NewStrings()
		var texts []facts.Sym
		people := 0
		for n := range size {
			if n%4 < 3 {
				texts = append(texts, s.InternString(fmt.Sprintf("00u%012d", random.IntN(size))))
				people++
			}
		}
		for range size / 4 {
			texts = append(texts, s.InternString([]string{"", "a", "a\x00", "ab", "00u0", "00u000000000001", fmt.Sprint(random.Uint64())}[random.IntN(7)]))
		}
		want := make([]holderID, len(texts))
		for n := range want {
			want[n] = holderID(n)
		}
		slices.SortFunc(want, func(a, b holderID) int {
			return cmp.Or(cmp.Compare(s.Text(texts[a]), s.Text(texts[b])), cmp.Compare(a, b))
		})
		if got := sortByText(s, texts, people, cmp.Compare[holderID]); !slices.Equal(got, want) {
			t.Errorf("%d texts are not in order", size)
		}
	}
}

// TestSortMembers: by holder, then tag, then row.
func TestSortMembers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	rows := make([]member, 5000)
	for n := range rows {
		rows[n] = newMember(random.Uint32(), random.IntN(1<<21), random.IntN(1<<31))
	}
	want := slices.Clone(rows)
	slices.Sort(want)
	sortMembers(rows, make([]member, len(rows)))
	if !slices.Equal(rows, want) {
		t.Error("members are not in order")
	}
	if m := newMember(5*stretch+7, 12, 34); m.place() != 7 || m.tag() != 12 || m.row() != 34 {
		t.Errorf("place %d, tag %d, row %d; want 7, 12, 34", m.place(), m.tag(), m.row())
	}
}
