package jsondoc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"trueup/connectors"
)

// collected is what Each made of a stream.
type collected struct {
	docs    []string // "line: bytes", by line
	rejects []string // "line: reason", by line
	rest    []string
	err     error
}

func collect(r io.Reader, o Options) collected {
	var c collected
	var mu sync.Mutex
	o.Reject = func(line int64, reason string) {
		mu.Lock()
		defer mu.Unlock()
		c.rejects = append(c.rejects, fmt.Sprintf("%04d: %s", line, reason))
	}
	var accepted atomic.Int64
	o.Accept = func(n int64) { accepted.Add(n) }
	o.Envelope = func(line int64, rest []byte) error {
		c.rest = append(c.rest, fmt.Sprintf("%04d: %s", line, rest))
		return nil
	}
	scanners := make([]*Scanner, max(1, o.Workers))
	for n := range scanners {
		scanners[n] = NewScanner(NewPaths("refuse"))
	}
	c.err = Each(context.Background(), r, o, func(worker int, d Doc) error {
		if err := scanners[worker].Scan(d.Bytes); err != nil {
			return err
		}
		if why := scanners[worker].Text(0); why != nil {
			return Malformed(why)
		}
		mu.Lock()
		defer mu.Unlock()
		var doc bytes.Buffer
		if json.Compact(&doc, d.Bytes) != nil { // strings that are not wanted may be faulty
			doc.Write(d.Bytes)
		}
		c.docs = append(c.docs, fmt.Sprintf("%04d: %s", d.Line, doc.Bytes()))
		return nil
	})
	if accepted.Load() != int64(len(c.docs)) && c.err == nil {
		c.err = fmt.Errorf("%d documents accepted of %d", accepted.Load(), len(c.docs))
	}
	slices.Sort(c.docs)
	slices.Sort(c.rejects)
	return c
}

func TestEach(t *testing.T) {
	tests := []struct {
		name, in            string
		docs, rejects, rest []string
		class               string
		err                 string
	}{
		{name: "nothing", in: " \n"},
		{name: "lines", in: "{\"a\":1}\r\n\n {\"a\":2} \n{\"a\":3}", docs: []string{"0001: {\"a\":1}", "0003: {\"a\":2}", "0004: {\"a\":3}"}},
		{name: "faulty lines", in: "{\"a\":1}\nhello\n{\"a\":\n[{}]\n{\"refuse\":\"no time\"}\n{} {}\n{\"a\":2}\n",
			docs: []string{"0001: {\"a\":1}", "0007: {\"a\":2}"},
			rejects: []string{"0002: not a JSON object", "0003: ends before its last bracket", "0004: not a JSON object",
				"0005: no time", "0006: something follows the JSON object"}},
		{name: "first line faulty", in: "{\"a\n{\"a\":2}\n", docs: []string{"0002: {\"a\":2}"}, rejects: []string{"0001: ends before its last bracket"}},
		{name: "half a line at the end", in: "{\"a\":1}\n{\"a\":", docs: []string{"0001: {\"a\":1}"}, class: "incomplete", err: "ends within a record"},
		{name: "a faulty line without an end", in: "{\"a\":1}\nhello", docs: []string{"0001: {\"a\":1}"}, rejects: []string{"0002: not a JSON object"}},
		{name: "one after the other", in: `{"a":1}{"a":"}\""} {"a":3}`, docs: []string{`0001: {"a":"}\""}`, `0001: {"a":1}`, `0001: {"a":3}`}},
		{name: "pretty", in: "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", docs: []string{"0001: {\"a\":1}", "0004: {\"a\":2}"}},
		{name: "array", in: "[\n{\"a\":[1]},\n{\"a\":\"]\"}\n]\n", docs: []string{"0002: {\"a\":[1]}", "0003: {\"a\":\"]\"}"}},
		{name: "arrays one after the other", in: "[{\"a\":1}]\n[]\n[{\"a\":2}]", docs: []string{"0001: {\"a\":1}", "0003: {\"a\":2}"}},
		{name: "array of other things", in: `[1,"x",null,[{}],{"a":1},-2.5e3]`, docs: []string{`0001: {"a":1}`},
			rejects: slices.Repeat([]string{"0001: not a JSON object"}, 5)},
		{name: "array with a faulty element", in: "[{\"a\":nul},\n{\"a\":1}]", docs: []string{`0002: {"a":1}`}, rejects: []string{"0001: malformed JSON: want a value"}},
		{name: "array without end", in: "[{\"a\":1},\n", docs: []string{`0001: {"a":1}`}, class: "incomplete", err: "line 2: ends before its last bracket"},
		{name: "array that ends in an element", in: "[{\"a\":1},\n{\"a\":\"x", docs: []string{`0001: {"a":1}`}, class: "incomplete", err: "line 2: ends within a record"},
		{name: "array without comma", in: "[{\"a\":1}\n{\"a\":2}]", docs: []string{`0001: {"a":1}`}, class: "permanent", err: "line 2: malformed JSON: want a comma"},
		{name: "array with a comma too many", in: "[{\"a\":1},]", docs: []string{`0001: {"a":1}`}, class: "permanent", err: "line 1: malformed JSON: a comma and no element"},
		{name: "too many closing brackets", in: "[{\"a\":1}}]", docs: []string{`0001: {"a":1}`}, class: "permanent", err: "line 1: malformed"},
		{name: "page", in: "{\"@count\":2,\"value\":[{\"a\":1},\n{\"a\":2}],\"next\": {\"x\":[1]}}", docs: []string{`0001: {"a":1}`, `0002: {"a":2}`},
			rest: []string{`0001: {"@count":2,"next":{"x":[1]}}`}},
		{name: "pages on lines", in: "{\"value\":[{\"a\":1}],\"next\":1}\n{\"value\":[{\"a\":2}]}\n", docs: []string{`0001: {"a":1}`, `0002: {"a":2}`},
			rest: []string{`0001: {"next":1}`, `0002: {}`}},
		{name: "pretty page", in: "{\n  \"va\\u006cue\": [\n    {\"a\": 1}\n  ]\n}\n", docs: []string{`0003: {"a":1}`}, rest: []string{`0001: {}`}},
		{name: "page without end", in: `{"value":[{"a":1}]`, docs: []string{`0001: {"a":1}`}, class: "incomplete", err: "line 1: ends before its last bracket"},
		{name: "page with a member of another sort", in: "{\"value\": {\"a\":\n1}}\n{\"value\":null}", docs: []string{"0001: {\"value\":{\"a\":1}}", `0003: {"value":null}`}},
		{name: "not JSON", in: "<html>\n</html>", class: "permanent", err: "line 1: malformed JSON: want a JSON object"},
		{name: "NUL", in: "[\x00]", class: "permanent", err: "line 1: malformed JSON: control character"},
		{name: "key that is none", in: "{\n a:1}", class: "permanent", err: "line 2: malformed JSON: want a quoted key"},
		{name: "long document", in: "{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", 200) + "\"}\n{\"a\":2}\n", docs: []string{"0001: {\"a\":1}", "0003: {\"a\":2}"},
			rejects: []string{"0002: longer than 100 bytes"}},
		{name: "long element", in: "[{\"a\":1},\n{\"a\":\"" + strings.Repeat("x\\\"", 200) + "\"},\n{\"a\":2}]", docs: []string{"0001: {\"a\":1}", "0003: {\"a\":2}"},
			rejects: []string{"0002: longer than 100 bytes"}},
		{name: "long page", in: "{\"b\":\"" + strings.Repeat("x", 200) + "\",\"value\":[{\"a\":1}]}", docs: []string{"0001: {\"a\":1}"},
			rejects: []string{"0001: longer than 100 bytes"}},
	}
	for _, test := range tests {
		for _, size := range []int{1, 7, 64, 1 << 16} {
			for workers := 1; workers <= 3; workers += 2 {
				if size < 64 && (strings.Contains(test.name, "faulty") || test.name == "half a line at the end") {
					continue // so small a block does not show that objects stand on lines
				}
				t.Run(fmt.Sprintf("%s/%d/%d", test.name, size, workers), func(t *testing.T) {
					c := collect(strings.NewReader(test.in), Options{Members: []string{"value"}, Workers: workers, MaxDocument: 100, block: size})
					same(t, "documents", c.docs, test.docs)
					same(t, "rejections", c.rejects, test.rejects)
					same(t, "envelopes", c.rest, test.rest)
					checkError(t, c.err, test.class, test.err)
				})
			}
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func checkError(t *testing.T, err error, class, text string) {
	t.Helper()
	if err == nil {
		if text != "" {
			t.Errorf("no error, want %s", text)
		}
		return
	}
	var e *connectors.Error
	if !errors.As(err, &e) || e.Class.String() != class || !strings.Contains(fmt.Sprintf("line %d: %s", e.Line, e.Reason), text) || text == "" {
		t.Errorf("error %v, want %s: %s", err, class, text)
	}
}

// TestMembersAreKeys checks that names of members, which may come from a configuration, are not parsed.
func TestMembersAreKeys(t *testing.T) {
	for _, name := range []string{"a.b", "a[", "", ".", "a[b=c]", "value"} {
		c := collect(strings.NewReader(fmt.Sprintf(`{%q:[{"a":1}]}`, name)), Options{Members: []string{name, name}})
		same(t, name, c.docs, []string{`0001: {"a":1}`})
	}
}

// TestEachAgrees checks that the same objects come out whatever the container, the size of the blocks and the workers.
func TestEachAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfN(rapid.MapOf(rapid.String(), rapid.Custom(drawValue)), 0, 20).Draw(t, "docs")
		var texts []string
		for _, doc := range docs {
			b, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(b))
		}
		pretty, err := json.MarshalIndent(docs, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Members: []string{"Records"}, Workers: rapid.IntRange(1, 4).Draw(t, "workers"), block: rapid.IntRange(1, 300).Draw(t, "block")}
		for name, in := range map[string]string{
			"lines":         strings.Join(texts, "\n"),
			"concatenation": strings.Join(texts, ""),
			"array":         "[" + strings.Join(texts, " , ") + "]",
			"pretty array":  string(pretty),
			"page":          `{"x":{},"Records":` + string(pretty) + `}`,
		} {
			c := collect(strings.NewReader(in), o)
			if c.err != nil || len(c.rejects) > 0 {
				t.Fatalf("%s: %v %v", name, c.err, c.rejects)
			}
			var got []string
			for _, doc := range c.docs {
				got = append(got, doc[6:])
			}
			want := slices.Clone(texts)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: got %q, want %q", name, got, want)
			}
		}
	})
}

func drawValue(t *rapid.T) any {
	switch rapid.IntRange(0, 4).Draw(t, "sort") {
	case 0:
		return rapid.String().Draw(t, "string")
	case 1:
		return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
	case 2:
		return rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "array")
	case 3:
		return map[string]any{rapid.StringMatching(`["\\{}\[\]a]{0,4}`).Draw(t, "key"): nil}
	}
	return rapid.Bool().Draw(t, "bool")
}

func TestEachStopsAtError(t *testing.T) {
	stop := errors.New("stop")
	for _, in := range []string{strings.Repeat("{\"a\":1}\n", 10_000), "[" + strings.Repeat("{\"a\":1},", 10_000) + "{}]"} {
		err := Each(t.Context(), strings.NewReader(in), Options{Workers: 2, block: 64}, func(int, Doc) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
	}
}

func TestEachStopsWhenCancelled(t *testing.T) {
	for _, unit := range []string{"{\"a\":1}\n", " {\"a\":1}{\"b\":2}\n"} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		err := Each(ctx, strings.NewReader(strings.Repeat(unit, 10_000)), Options{block: 64}, func(int, Doc) error {
			n++
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || n > 1000 {
			t.Errorf("%d documents, error %v", n, err)
		}
	}
}

// TestEachKeepsWhatCameBeforeAFault checks that a reader's fault comes out as it is, after the documents before it.
func TestEachKeepsWhatCameBeforeAFault(t *testing.T) {
	fault := &connectors.Error{Class: connectors.Incomplete, Reason: "gzip stream ends early"}
	for _, in := range []string{"{\"a\":1}\n{\"a\":2}\n{\"a\":", "[{\"a\":1},\n{\"a\":2},{"} {
		for _, size := range []int{8, 1000} {
			c := collect(io.MultiReader(strings.NewReader(in), iotest.ErrReader(fault)), Options{block: size})
			if len(c.docs) != 2 || !errors.Is(c.err, fault) || len(c.rejects) > 0 {
				t.Errorf("%q in blocks of %d: %d documents, rejects %q, error %v", in, size, len(c.docs), c.rejects, c.err)
			}
		}
	}
}

func TestEachSamples(t *testing.T) {
	tests := map[string]int{"okta/ListUsersSearch.json": 2, "okta/system_log.ndjson": 19, "okta/get_logs_response.json": 2,
		"entra/signIns.page1.json": 1, "entra/subscribedSkus.json": 2, "entra/diagnostic_signin_logs.ndjson": 25}
	for name, want := range tests {
		b, err := os.ReadFile("../../../fixtures/samples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		c := collect(bytes.NewReader(b), Options{Members: []string{"value"}})
		if c.err != nil || len(c.docs) != want || len(c.rejects) > 0 {
			t.Errorf("%s: %d documents, want %d; rejected %v; %v", name, len(c.docs), want, c.rejects, c.err)
		}
	}
}

// endless gives n bytes of one string without an end.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for k := range p[:n] {
		p[k] = '\\'
	}
	e.left -= n
	return n, nil
}

// TestEachHoldsNoMoreThanADocument checks the bound on memory with a line, and an element, of a hundred times the limit.
func TestEachHoldsNoMoreThanADocument(t *testing.T) {
	for _, before := range []string{"{\"a\":1}\n{\"a\":\"", "[{\"a\":1},{\"a\":\""} {
		docs := 0
		var from, to runtime.MemStats
		runtime.ReadMemStats(&from)
		_ = Each(t.Context(), io.MultiReader(strings.NewReader(before), &endless{100 << 20}), Options{MaxDocument: 1 << 20},
			func(int, Doc) error { docs++; return nil })
		runtime.ReadMemStats(&to)
		if used := to.TotalAlloc - from.TotalAlloc; docs != 1 || used > 20<<20 {
			t.Errorf("%s…: %d documents, %d bytes allocated", before, docs, used)
		}
	}
}

func FuzzEach(f *testing.F) {
	for _, seed := range []string{"{\"a\":1}\n{\"b\":2}\n", "[{\"a\":\"\\\"]\"},{}]", `{"value":[{}],"next":"x"}{"value":1}`, "[1,\"\\", "{\"a\n{}\n", "{\"\x0f\":\"\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		o := Options{Members: []string{"value"}, MaxDocument: 50, block: 1 << 16}
		whole := collect(bytes.NewReader(in), o)
		o.Workers = 2
		o.block = max(len(in), 1)
		torn := collect(iotest.OneByteReader(bytes.NewReader(in)), o)
		if !slices.Equal(whole.docs, torn.docs) || !slices.Equal(whole.rejects, torn.rejects) || (whole.err == nil) != (torn.err == nil) {
			t.Fatalf("%q: %+v, torn %+v", in, whole, torn)
		}
		if len(in) <= 50 && json.Valid(in) && in[0] != '"' && whole.err != nil && (bytes.HasPrefix(bytes.TrimSpace(in), []byte("{")) || bytes.HasPrefix(bytes.TrimSpace(in), []byte("["))) {
			t.Fatalf("%q: %v", in, whole.err)
		}
	})
}
