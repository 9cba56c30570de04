package jsondoc

import (
	"errors"
	"slices"
	"testing"
)

func TestElements(t *testing.T) {
	tests := []struct {
		doc  string
		want []string
	}{
		{`{"a":[]}`, nil},
		{`{"a":[ ]}`, nil},
		{`{"a":[1]}`, []string{`1`}},
		{"{\"a\":[ {\"b\":\"],\"} ,\n[1,2], \"x\\\"]\" ,null,true,-1.5e3 ]}", []string{`{"b":"],"}`, `[1,2]`, `"x\"]"`, `null`, `true`, `-1.5e3`}},
	}
	for _, test := range tests {
		s := NewScanner(NewPaths("a"))
		if err := s.Scan([]byte(test.doc)); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := Elements(s.Value(0).Bytes, func(b []byte) error { got = append(got, string(b)); return nil }); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, %v", test.doc, got, err)
		}
	}
	stop, n := errors.New("stop"), 0
	if err := Elements([]byte(`[1,2,3]`), func([]byte) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("after %d elements %v", n, err)
	}
}
