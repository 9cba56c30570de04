package jsondoc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"trueup/connectors/internal/jsondoc"
)

var wantedPaths = []string{"published", "actor.id", "actor.alternateId", "outcome.result", "outcome",
	"target[type=AppInstance].displayName", "target[type=AppInstance].alternateId", "target[type=User].id", "n.a.b"}

func TestScan(t *testing.T) {
	tests := []struct {
		name, doc string
		want      map[string]string // path to kind and bytes
	}{
		{"plain", `{"published":"2024","actor":{"id":"7","alternateId":null},"outcome":{"result":"SUCCESS"}}`,
			map[string]string{"published": "S2024", "actor.id": "S7", "actor.alternateId": "Nnull",
				"outcome.result": "SSUCCESS", "outcome": `O{"result":"SUCCESS"}`}},
		{"elements by a member that stands last",
			`{"target":[{"displayName":"A","type":"AppUser"},{"displayName":"B","x":[{"type":"AppInstance"}],"type":"AppInstance"},
				{"type":"AppInstance","displayName":"C"},{"id":1,"type":"User"}]}`,
			map[string]string{"target[type=AppInstance].displayName": "SB", "target[type=User].id": "#1"}},
		{"no array where one is expected", `{"target":null,"actor":[],"n":{"a":"x"}}`, map[string]string{}},
		{"the last of several equal keys holds", `{"actor":{"id":"1","alternateId":"x"},"actor":{"id":"2"},"published":1,"published":"y"}`,
			map[string]string{"actor.id": "S2", "published": "Sy"}},
		{"escapes in keys and values", `{"act\u006fr":{"id":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d"},"x":"\"}"}`,
			map[string]string{"actor.id": "S\"\\/\b\f\n\r\té😀\ufffd"}},
		{"text beyond ASCII", `{"actor":{"id":"Zoë"}}`, map[string]string{"actor.id": "SZoë"}},
		{"white space", " \t{ \"actor\" :\r\n{ \"id\" : \"1\" } , \"n\" : { \"a\" : { \"b\" : -0.5e+3 } } } \n",
			map[string]string{"actor.id": "S1", "n.a.b": "#-0.5e+3"}},
		{"brackets and quotes in skipped strings", `{"x":{"y":"}]{[\\\"","z":["\\"]},"published":"p"}`,
			map[string]string{"published": "Sp"}},
		{"a wanted key at another depth", `{"x":{"published":"no","actor":{"id":"no"}}}`, map[string]string{}},
		{"true, false, numbers", `{"published":true,"n":{"a":{"b":false}}}`, map[string]string{"published": "Btrue", "n.a.b": "Bfalse"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := jsondoc.NewScanner(jsondoc.NewPaths(wantedPaths...))
			if err := s.Scan([]byte(test.doc)); err != nil {
				t.Fatal(err)
			}
			for n, path := range wantedPaths {
				got := show(s.Value(n))
				if got != test.want[path] {
					t.Errorf("%s: got %q, want %q", path, got, test.want[path])
				}
			}
		})
	}
}

func show(v jsondoc.Value) string {
	if v.Kind == jsondoc.Absent {
		return ""
	}
	return string(" NS#BOA"[v.Kind]) + string(v.Bytes)
}

func TestScanRefuses(t *testing.T) {
	tests := map[string]string{
		``:                                 "not a JSON object",
		`[]`:                               "not a JSON object",
		`{"a":1} x`:                        "something follows",
		`{"a":1}}`:                         "something follows",
		`{"a":1`:                           "ends before",
		`{"a":`:                            "ends before",
		`{"a`:                              "ends before",
		`{"a":tr`:                          "ends before",
		`{"a":[1,`:                         "ends before",
		`{"published":"x`:                  "ends before",
		`{"published":"x\"}`:               "ends before",
		`{"a":1]`:                          "want a comma",
		`{"a":[1}`:                         "want a comma",
		`{"a":[1 2]}`:                      "want a comma",
		`{"a" 1}`:                          "want a colon",
		`{a:1}`:                            "want a quoted key",
		`{"a":1,}`:                         "want a quoted key",
		`{"a":[1,]}`:                       "want a value",
		`{"a":}`:                           "want a value",
		`{"a":nul}`:                        "want a value",
		`{"a":01}`:                         "malformed number",
		`{"a":-}`:                          "malformed number",
		`{"a":1.}`:                         "malformed number",
		`{"a":1e}`:                         "malformed number",
		`{"published":"\x"}`:               "unknown escape",
		`{"published":"\u12g4"}`:           "unknown escape",
		"{\"published\":\"a\nb\"}":         "control character",
		"{\"published\":\"12345678\x00\"}": "control character",
		"{\"published\":\"\xff\"}":         "not UTF-8",
		"{\"published\":\x00}":             "want a value",
	}
	s := jsondoc.NewScanner(jsondoc.NewPaths(wantedPaths...))
	for doc, want := range tests {
		err := s.Scan([]byte(doc))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", doc, err, want)
		}
		if _, ok := errors.AsType[jsondoc.Malformed](err); err != nil && !ok {
			t.Errorf("%q: error is a %T", doc, err)
		}
	}
	for _, open := range []string{"[", `{"a":`, `{"target":[`} {
		if err := s.Scan([]byte(`{"target":` + strings.Repeat(open, 1_000_000))); err == nil || !strings.Contains(err.Error(), "deep") {
			t.Errorf("a million of %s: %v", open, err)
		}
	}
}

func TestPathsPanic(t *testing.T) {
	for _, path := range []string{"a..b", ".a", "a[b=c]", "a[b].c", "a[=x].c", "a[b=c]."} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is taken for a path", path)
				}
			}()
			jsondoc.NewPaths(path)
		}()
	}
}

func TestScanAllocatesNothing(t *testing.T) {
	s := jsondoc.NewScanner(jsondoc.NewPaths(wantedPaths...))
	doc := []byte(`{"published":"2024","actor":{"id":"a \"quoted\" one"},"target":[{"type":"AppInstance","displayName":"Fig\u006da"}]}`)
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Scan(doc); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a document", n)
	}
}

// FuzzScan holds the Scanner against encoding/json: what both accept must give the same values, and what one refuses
// the other must refuse too, but for the freedom that the package documents.
func FuzzScan(f *testing.F) {
	for _, pattern := range []string{"okta/*", "entra/*"} {
		files, err := filepath.Glob("../../../fixtures/samples/" + pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no samples: %v", err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for line := range bytes.Lines(b) {
				if line[0] == '{' && len(line) < 5000 {
					f.Add(line)
				}
			}
		}
	}
	f.Add([]byte(`{"actor":{"id":1},"target":[{"type":"AppInstance","displayName":"x"}],"actor":null}`))
	f.Add([]byte(`{"\u0061ctor":{"id":"\ud800\u0041"}}`))
	paths := jsondoc.NewPaths(wantedPaths...)
	f.Fuzz(func(t *testing.T, doc []byte) {
		s := jsondoc.NewScanner(paths)
		err := s.Scan(doc)
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		valid := json.Valid(doc) && d.Decode(&want) == nil && want != nil
		if !valid {
			return // the scanner does not look into strings that are not wanted
		}
		if err != nil {
			if utf8.Valid(doc) {
				t.Fatalf("%q: refused: %v", doc, err)
			}
			return
		}
		if !utf8.Valid(doc) {
			return // encoding/json replaces
		}
		for n, path := range wantedPaths {
			got := show(s.Value(n))
			if kind := s.Value(n).Kind; kind == jsondoc.Object || kind == jsondoc.Array {
				got = got[:1]
			}
			if want := reference(want, path); got != want {
				t.Fatalf("%q: %s: got %q, want %q", doc, path, got, want)
			}
		}
	})
}

// reference finds a path in a decoded document.
func reference(at any, path string) string {
	for path != "" {
		key, rest, _ := strings.Cut(path, ".")
		path = rest
		key, test, chosen := strings.Cut(key, "[")
		object, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		if at, ok = object[key]; !ok {
			return ""
		}
		if chosen {
			member, text, _ := strings.Cut(strings.TrimSuffix(test, "]"), "=")
			array, _ := at.([]any)
			at = nil
			for _, element := range array {
				if object, ok := element.(map[string]any); ok && object[member] == text {
					at = object
					break
				}
			}
			if at == nil {
				return ""
			}
		}
	}
	switch v := at.(type) {
	case nil:
		return "Nnull"
	case string:
		return "S" + v
	case json.Number:
		return "#" + v.String()
	case bool:
		if v {
			return "Btrue"
		}
		return "Bfalse"
	case map[string]any:
		return "O"
	default:
		return "A"
	}
}
