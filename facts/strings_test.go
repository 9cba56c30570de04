package facts

import (
	"testing"

	"pgregory.net/rapid"
)

// TestStringsAgreeWithMap checks interning against a map: equal bytes get equal numbers, dense in order of arrival.
func TestStringsAgreeWithMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := NewStrings(), map[string]Sym{"": 0}
		for _, b := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3), 0, 300).Draw(t, "texts") {
			want, known := model[string(b)]
			if n, ok := s.Lookup(b); ok != known || ok && n != want {
				t.Fatalf("Lookup(%q) = %d, %t; want %d, %t", b, n, ok, want, known)
			}
			if !known {
				want = Sym(len(model))
				model[string(b)] = want
			}
			if got := s.Intern(b); got != want {
				t.Fatalf("Intern(%q) = %d, want %d", b, got, want)
			}
			clear(b) // interned bytes must not be borrowed
		}
		if s.Len() != len(model) {
			t.Fatalf("Len = %d, want %d", s.Len(), len(model))
		}
		for text, n := range model {
			if s.Text(n) != text || string(s.Bytes(n)) != text {
				t.Fatalf("Text(%d) = %q, want %q", n, s.Text(n), text)
			}
			if got, ok := s.LookupString(text); !ok || got != n {
				t.Fatalf("LookupString(%q) = %d, %t; want %d", text, got, ok, n)
			}
		}
	})
}

func TestStringsMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.StringN(0, 4, -1))
		a, b := NewStrings(), NewStrings()
		for _, text := range texts.Draw(t, "a") {
			a.InternString(text)
		}
		for _, text := range texts.Draw(t, "b") {
			b.InternString(text)
		}
		for old, now := range a.Merge(b) {
			if a.Text(now) != b.Text(Sym(old)) {
				t.Fatalf("%q became %q", b.Text(Sym(old)), a.Text(now))
			}
		}
	})
}
