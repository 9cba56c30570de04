package reconcile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func seed(f *testing.F, folder string) {
	files, err := filepath.Glob("testdata/" + folder + "/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds in %s: %v", folder, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// FuzzParsePolicy: nothing panics; a refusal says where and what; what is accepted is accepted again, the same.
func FuzzParsePolicy(f *testing.F) {
	seed(f, "policy")
	catalogue := testCatalogue(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy("policy.yaml", data, catalogue)
		if err != nil {
			checkFaults(t, err)
			return
		}
		again, err := ParsePolicy("policy.yaml", data, catalogue)
		if err != nil {
			t.Fatalf("accepted once, then refused: %v", err)
		}
		if diff := cmp.Diff(p, again, cmpopts.IgnoreUnexported(Policy{}, Expression{})); diff != "" {
			t.Fatal(diff)
		}
		for n := range p.Reclaim {
			if e := p.Reclaim[n].When; e != nil {
				if back, err := Compile(e.String()); err != nil || back.String() != e.String() {
					t.Fatalf("canonical %q reads back as %q, %v", e, back, err)
				}
			}
		}
	})
}

// FuzzParseCatalogue: likewise.
func FuzzParseCatalogue(f *testing.F) {
	seed(f, "catalogue")
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCatalogue("products.yaml", data)
		if err != nil {
			checkFaults(t, err)
			return
		}
		again, err := ParseCatalogue("products.yaml", data)
		if err != nil {
			t.Fatalf("accepted once, then refused: %v", err)
		}
		if diff := cmp.Diff(c, again, cmpopts.IgnoreUnexported(Catalogue{})); diff != "" {
			t.Fatal(diff)
		}
		for n := range c.Products {
			if id, ok := c.Lookup(c.Products[n].ID); !ok || id != ProductID(n) || c.Covers(id, id) {
				t.Fatalf("product %q is %d, %v, and covers itself: %v", c.Products[n].ID, id, ok, c.Covers(id, id))
			}
		}
	})
}

// FuzzParseMapping: likewise.
func FuzzParseMapping(f *testing.F) {
	f.Add([]byte("source,account,person\nokta,ana@example.com,E1\n,bo,E2\n"))
	f.Add([]byte("\"account\";x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseMapping("people-map.csv", data)
		if err != nil {
			checkFaults(t, err)
			return
		}
		for _, m := range list {
			if m.Account == "" || m.Person == "" {
				t.Fatalf("accepted %+v", m)
			}
		}
	})
}

func checkFaults(t *testing.T, err error) {
	t.Helper()
	faults, ok := errors.AsType[Faults](err)
	if !ok || len(faults) == 0 {
		t.Fatalf("%T, want Faults: %v", err, err)
	}
	for _, fault := range faults {
		if fault.File == "" || fault.Reason == "" || fault.Line < 0 || (fault.Line > 0) != (fault.Column > 0) {
			t.Errorf("%#v says too little", fault)
		}
	}
}
