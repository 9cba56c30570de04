package trial_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reconcile/trial"
)

var update = flag.Bool("update", false, "rewrite golden files")

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func bench(t testing.TB, policy string) *trial.Bench {
	t.Helper()
	c, err := reconcile.ParseCatalogue("products.yaml", read(t, "products.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := reconcile.ParsePolicy("policy.yaml", []byte(policy), c)
	if err != nil {
		t.Fatal(err)
	}
	return &trial.Bench{Catalogue: c, Policy: p, Calendar: facts.NewCalendar(time.UTC)}
}

func suite(t testing.TB, b *trial.Bench, name string) *trial.Suite {
	t.Helper()
	s, err := trial.ParseSuite(name, read(t, name), b.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verify(t testing.TB, b *trial.Bench, x *trial.Case) *trial.Result {
	t.Helper()
	r, err := b.Verify(x)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRightCases: every case of the file comes out as it says, and together they hit every rule.
func TestRightCases(t *testing.T) {
	b := bench(t, string(read(t, "policy.yaml")))
	s := suite(t, b, "right.yaml")
	var results []*trial.Result
	for n := range s.Cases {
		r := verify(t, b, &s.Cases[n])
		results = append(results, r)
		for _, m := range r.Mismatches {
			t.Errorf("%s:%d: %s: %s %s: want %q, got %q", s.File, r.Case.Line, r.Case.Name, m.Product, m.Field, m.Want, m.Got)
		}
	}
	for _, rule := range trial.Coverage(b.Policy, results) {
		if !rule.Hit {
			t.Errorf("no case hits %s of %s", rule.Name, rule.Product)
		}
	}
}

// TestMismatches: what is concluded otherwise is said, field by field.
func TestMismatches(t *testing.T) {
	b := bench(t, string(read(t, "policy.yaml")))
	const head = "version: 1\nas_of: 2026-06-30\ncases:\n  - name: c\n    given: {person: {department: Design}, seats: [{product: figma}, {product: pbi}], sign_ins: [{product: figma, last: 100d}]}\n    expect: "
	for _, c := range []struct{ expect, want string }{
		{"{product: figma, verdict: idle}", ""},
		{"{product: figma, verdict: in-use, action: keep, rule: past, reasons: [recent-use]}",
			`figma verdict: want "in-use", got "idle"; figma action: want "keep", got "revoke"; figma rule: want "past", got "reclaim[0]"; ` +
				`figma reasons: want "recent-use", got "idle-past-threshold"`},
		{"{product: figma, verdict: idle, to: e3}", `figma to: want "e3", got ""`},
		{"{product: figma, verdict: none}", `figma rows: want "none", got "figma idle"`},
		{"{product: e5, verdict: idle}", `e5 rows: want "a row that is idle", got "none"`},
		{"{verdict: idle}", ` rows: want "one row; name its product or account", got "figma idle, pbi never-used"`},
		{"{product: figma, account: other, verdict: idle}", `figma rows: want "a row that is idle", got "none"`},
	} {
		s, err := trial.ParseSuite("c.yaml", []byte(head+c.expect), b.Catalogue)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, m := range verify(t, b, &s.Cases[0]).Mismatches {
			said = append(said, fmt.Sprintf("%s %s: want %q, got %q", m.Product, m.Field, m.Want, m.Got))
		}
		if got := strings.Join(said, "; "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.expect, got, c.want)
		}
	}
}

// TestBadSuite: all mistakes of a file come at once, each with its place.
func TestBadSuite(t *testing.T) {
	b := bench(t, string(read(t, "policy.yaml")))
	_, err := trial.ParseSuite("bad.yaml", read(t, "bad.yaml"), b.Catalogue)
	if err == nil {
		t.Fatal("accepted")
	}
	const path = "testdata/bad.golden"
	if *update {
		if err := os.WriteFile(path, []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, "bad.golden")); want != err.Error()+"\n" {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// FuzzSuite: whatever stands in a file of cases, it is refused or decided.
func FuzzSuite(f *testing.F) {
	b := bench(f, string(read(f, "policy.yaml")))
	f.Add(read(f, "right.yaml"))
	f.Add(read(f, "bad.yaml"))
	f.Add([]byte("version: 1\nas_of: 1970-01-01\ncases: [{name: a, given: {coverage: {okta: {from: in 9d, to: 9d}}}, expect: {verdict: none}}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := trial.ParseSuite("fuzz.yaml", data, b.Catalogue)
		if err != nil {
			return
		}
		for n := range s.Cases {
			if _, err := b.Verify(&s.Cases[n]); err != nil {
				t.Fatal(err)
			}
		}
	})
}
