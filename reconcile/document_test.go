package reconcile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

type testSettings struct {
	Name    string            `yaml:"name"`
	Count   int               `yaml:"count"`
	Small   int8              `yaml:"small"`
	Share   float64           `yaml:"share"`
	On      bool              `yaml:"on"`
	Every   time.Duration     `yaml:"every"`
	Keep    Days              `yaml:"keep"`
	Day     facts.Day         `yaml:"day"`
	Sources Names             `yaml:"sources"`
	List    []string          `yaml:"list"`
	Map     map[string]string `yaml:"map"`
	Inner   *testInner        `yaml:"inner"`
	Inners  []testInner       `yaml:"inners"`
	Rule    *Expression       `yaml:"rule"`
	Ignored string
}

type testInner struct {
	Key  string `yaml:"key"`
	Kind string `yaml:"kind"`
}

// Check wants a key.
func (i *testInner) Check(report Report) {
	if i.Key == "" {
		report("key", "is missing", "")
	}
}

func TestDecodeStrict(t *testing.T) {
	const text = `name: "365"
count: 7
share: 0.5
on: true
every: 36h
keep: 400d
day: 2026-11-22
sources: hr
list: &list
  - a
  - >-
    folded
    text
map: {x: y, "365": z}
inner: &inner {key: k}
inners: [*inner, {key: l, kind: m}]
`
	got := testSettings{Small: 5, Ignored: "kept"}
	doc, err := DecodeStrict("settings.yaml", []byte(text), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := testSettings{Name: "365", Count: 7, Small: 5, Share: 0.5, On: true, Every: 36 * time.Hour, Keep: 400,
		Day: facts.Date(2026, 11, 22), Sources: Names{"hr"}, List: []string{"a", "folded text"},
		Map: map[string]string{"x": "y", "365": "z"}, Inner: &testInner{Key: "k"},
		Inners: []testInner{{Key: "k"}, {Key: "l", Kind: "m"}}, Ignored: "kept"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if !doc.Has("inners[1].kind") || doc.Has("inners[0].kind") || doc.Has("small") {
		t.Error("the document does not know which keys it names")
	}
	doc.Fault("inners[1].kind", "is unheard of", "say another")
	doc.Fault("inners[0].kind", "is missing", "")
	doc.Fault("inners[0].kind", "is said once", "")
	const faults = `settings.yaml:16:10: inners[0].kind: is missing
settings.yaml:16:33: inners[1].kind: is unheard of
    hint: say another`
	if err := doc.Err(); err == nil || err.Error() != faults {
		t.Errorf("later faults:\n%v\nwant:\n%s", err, faults)
	}
}

func TestDecodeStrictRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"type", "count: many", `f:1:8: count: is the text "many", want a whole number`},
		{"fraction", "count: 1.5", `f:1:8: count: is 1.5, want a whole number`},
		{"overflow", "small: 300", `f:1:8: small: is 300, want a whole number`},
		{"bool", "on: yes", `f:1:5: on: is the text "yes", want true or false`},
		{"number", "name: 007", "f:1:7: name: is 007, want a text\n    hint: quote it: \"007\""},
		{"infinity", "share: .inf", `f:1:8: share: is .inf, want a number`},
		{"section", "inner: [a]", `f:1:8: inner: is a list, want keys and values`},
		{"list", "list: a", "f:1:7: list: is the text \"a\", want a list\n    hint: write [a, b], or one item a line after a dash"},
		{"null", "name:", "f:1:1: name: has no value\n    hint: give it one, or remove the key"},
		{"null item", "list: [a, ~]", "f:1:11: list[1]: has no value\n    hint: give it one, or remove the item"},
		{"check", "inners: [{kind: a}]", `f:1:10: inners[0].key: is missing`},
		{"check of a broken one", "inners: [{key: 7}]", "f:1:16: inners[0].key: is 7, want a text\n    hint: quote it: \"7\""},
		{"unknown", "nme: a", "f:1:1: nme: unknown key\n    hint: did you mean \"name\"?"},
		{"untagged", "Ignored: a", "f:1:1: Ignored: unknown key\n    hint: known are name, count, small, share, on, every, keep, day, sources, list, map, inner, inners, rule"},
		{"twice", "name: a\nname: b", `f:2:1: name: stands twice; first on line 1`},
		{"cycle", "list: &l [*l]", `f:1:10: list[0]: is a list, want one value`},
		{"umlaut", "name: ä\nmap: {ä: ö, ü: 3}", "f:2:16: map.ü: is 3, want a text\n    hint: quote it: \"3\""},
		{"windows lines", "name: a\r\ncount: b\r\n", `f:2:8: count: is the text "b", want a whole number`},
		{"byte order mark", "\uFEFFcount: b", `f:1:8: count: is the text "b", want a whole number`},
		{"not UTF-8", "name: a\nx: \xff", "f:2:1: is not UTF-8\n    hint: save the file as UTF-8"},
		{"rule", `rule: 'person.nme == "x"'`, "f:1:8: rule: unknown attribute \"person.nme\"\n    hint: did you mean \"name\"?"},
		{"rule, plain", `rule: true && person.nme == "x"`, "f:1:15: rule: unknown attribute \"person.nme\"\n    hint: did you mean \"name\"?"},
		{"rule, umlaut before", `rule: '"ä" == person.nme'`, "f:1:15: rule: unknown attribute \"person.nme\"\n    hint: did you mean \"name\"?"},
		{"rule, lines", "rule: |\n    true\n    && person.nme == 3\n", "f:3:8: rule: unknown attribute \"person.nme\"\n    hint: did you mean \"name\"?"},
		{"rule, folded", "rule: >\n    true\n    && person.nme == 3\n", "f:1:7: rule: at 1:9 of the expression: unknown attribute \"person.nme\"\n    hint: did you mean \"name\"?"},
		{"anchors", "inner: &a {key: k}\ninners: [*a, *b]", "f:2:14: inners[1]: alias *b has no anchor &b"},
		{"deep", "name: " + strings.Repeat("[", 5000), "f:1:1: opens more than 4096 brackets"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s testSettings
			_, err := DecodeStrict("f", []byte(test.text), &s)
			if err == nil || err.Error() != test.want {
				t.Errorf("%q:\n%v\nwant:\n%s", test.text, err, test.want)
			}
		})
	}
}

// A document that doubles itself by aliases ends in a fault, not in memory.
func TestAliasBomb(t *testing.T) {
	type node struct {
		Next []struct {
			Next []struct {
				Next []struct {
					Next []string `yaml:"next"`
				} `yaml:"next"`
			} `yaml:"next"`
		} `yaml:"next"`
	}
	row := func(item string) string { return "[" + strings.TrimSuffix(strings.Repeat(item+", ", 64), ", ") + "]" }
	text := "next:\n- next:\n  - next:\n    - &a {next: " + row("x") + "}\n    - &b {next: " + row("x") + "}\n"
	text += "  - &c {next: " + row("*a") + "}\n- &d {next: " + row("*c") + "}\n- &e {next: " + row("*c") + "}\n- *d\n- *e\n- *d\n"
	var n node
	_, err := DecodeStrict("bomb.yaml", []byte(text), &n)
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults[0].Reason, "aliases") {
		t.Errorf("%v; want one fault about aliases", err)
	}
}

func TestFaultsAreSorted(t *testing.T) {
	f := Faults{{File: "b", Line: 1, Column: 1, Reason: "x"}, {File: "a", Line: 2, Column: 1, Reason: "x"}, {File: "a", Line: 1, Column: 9, Reason: "x", Hint: "y"}}
	f.sort()
	if got, want := f.Error(), "a:1:9: x\n    hint: y\na:2:1: x\nb:1:1: x"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Faults(nil).Err() != nil {
		t.Error("no faults are an error")
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"revok", "revoke", 1}, {"reclami", "reclaim", 1}, {"kitten", "sitting", 3}, {"ü", "u", 1}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
