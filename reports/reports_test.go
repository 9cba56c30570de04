package reports_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
	"trueup/reports/reportstest"
)

var update = flag.Bool("update", false, "write the golden files and the schema")

func view(t *testing.T) *reports.View {
	t.Helper()
	v, err := reports.Build(reportstest.Plan(reportstest.Lines()), reportstest.Run(), reportstest.Outcomes(),
		reportstest.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what is written now (-golden +now):\n%s", path, diff)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if err := reports.WriteJSON(&out, view(t)); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/plan.json", out.Bytes())
}

func TestSchemaIsCurrent(t *testing.T) {
	schema, err := reports.Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/plan.schema.json", schema)
	policy, err := reports.PolicySchema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/policy.schema.json", policy)
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := reports.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("plan.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestPlansSatisfyTheSchema(t *testing.T) {
	schema := compiled(t)
	empty := reportstest.Plan(nil)
	empty.Guards, empty.Findings, empty.Positions, empty.Unplaced = nil, nil, nil, nil
	for name, plan := range map[string]*reconcile.Plan{
		"every verdict": reportstest.Plan(reportstest.Lines()),
		"hostile":       reportstest.Plan(reportstest.Hostile()),
		"empty":         empty,
	} {
		t.Run(name, func(t *testing.T) {
			v, err := reports.Build(plan, reportstest.Run(), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := reports.WriteJSON(&out, v); err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(&out)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSchemaRefuses shows that the schema says something: each change makes the plan invalid.
func TestSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	row := func(doc map[string]any) map[string]any { return doc["rows"].([]any)[0].(map[string]any) }
	for name, spoil := range map[string]func(map[string]any){
		"an unknown verdict":        func(d map[string]any) { row(d)["verdict"] = "unused" },
		"an unknown reason":         func(d map[string]any) { row(d)["reasons"] = []any{"because"} },
		"an unknown state":          func(d map[string]any) { row(d)["action"].(map[string]any)["state"] = "soon" },
		"an unknown field":          func(d map[string]any) { row(d)["surprise"] = true },
		"a missing field":           func(d map[string]any) { delete(row(d), "holder") },
		"money as a number":         func(d map[string]any) { row(d)["money"].(map[string]any)["exposure"] = 54.75 },
		"a local time":              func(d map[string]any) { d["as_of"] = "2026-11-22 00:00" },
		"a verdict missing a total": func(d map[string]any) { delete(d["totals"].(map[string]any)["verdicts"].(map[string]any), "idle") },
		"an action without its id": func(d map[string]any) {
			row(d)["action"] = map[string]any{"kind": "revoke", "state": "ready"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := reports.WriteJSON(&out, view(t)); err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(&out)
			if err != nil {
				t.Fatal(err)
			}
			spoil(doc.(map[string]any))
			if schema.Validate(doc) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	if err := reports.WriteCSV(&out, view(t)); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/plan.csv", out.Bytes())
}

// TestCSVKeepsText reads hostile text back as it was.
func TestCSVKeepsText(t *testing.T) {
	lines := reportstest.Hostile()
	v, err := reports.Build(reportstest.Plan(lines), reportstest.Run(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := reports.WriteCSV(&out, v); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range lines {
		if got := records[n+1][0]; got != l.Person {
			t.Errorf("row %d: holder %q, want %q", n, got, l.Person)
		}
	}
}

// TestOverlay takes the latest outcome for the state, whatever the order in which outcomes are given.
func TestOverlay(t *testing.T) {
	outcomes := reportstest.Outcomes()
	for _, order := range [][]int{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}} {
		var list []reconcile.Outcome
		for _, n := range order {
			list = append(list, outcomes[n])
		}
		v, err := reports.Build(reportstest.Plan(reportstest.Lines()), reportstest.Run(), list, nil)
		if err != nil {
			t.Fatal(err)
		}
		var found bool
		for row := range v.Rows() {
			if row.Verdict == reconcile.Leaver {
				found = true
				if row.Action.State != reconcile.Done || row.Action.Request != "req-8842" {
					t.Errorf("order %v: %v by request %q", order, row.Action.State, row.Action.Request)
				}
			}
		}
		if !found {
			t.Error("no leaver row")
		}
	}
}

func TestTotalsFollowTheOutcomes(t *testing.T) {
	var out bytes.Buffer
	if err := reports.WriteJSON(&out, view(t)); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Totals struct{ States, Actions map[string]int }
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Totals.States["done"] != 1 || doc.Totals.States["ready"] != 0 {
		t.Errorf("states: %v", doc.Totals.States)
	}
	states := 0
	for _, n := range doc.Totals.States {
		states += n
	}
	if kept := doc.Totals.Actions["keep"]; states+kept != len(reportstest.Lines()) {
		t.Errorf("%d actions in a state and %d kept rows of %d", states, kept, len(reportstest.Lines()))
	}
}

func TestBuildRefusesADamagedPlan(t *testing.T) {
	for name, damage := range map[string]func(*reconcile.Plan){
		"no snapshot":    func(p *reconcile.Plan) { p.Snapshot = nil },
		"product":        func(p *reconcile.Plan) { p.Rows[3].Product = 99 },
		"person":         func(p *reconcile.Plan) { p.Rows[3].Person = 99 },
		"action":         func(p *reconcile.Plan) { p.Rows[3].Action = 99 },
		"signal's input": func(p *reconcile.Plan) { p.Signals[0].Input = 99 },
		"currency":       func(p *reconcile.Plan) { p.Worths[0].Currency = facts.Sym(1 << 30) },
		"inputs":         func(p *reconcile.Plan) { p.Inputs = p.Inputs[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			plan := reportstest.Plan(reportstest.Lines())
			damage(plan)
			if _, err := reports.Build(plan, reportstest.Run(), nil, nil); err == nil {
				t.Error("it was built")
			}
		})
	}
}

func TestAmount(t *testing.T) {
	for _, test := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{5475, "EUR", "54.75"}, {5, "EUR", "0.05"}, {0, "EUR", "0.00"}, {-5, "EUR", "-0.05"}, {-12345, "USD", "-123.45"},
		{9800, "JPY", "9800"}, {0, "JPY", "0"}, {1234, "KWD", "1.234"}, {1, "CLF", "0.0001"},
		{-9223372036854775808, "EUR", "-92233720368547758.08"},
	} {
		if got := reports.Amount(test.minor, test.currency); got != test.want {
			t.Errorf("%d %s: %s, want %s", test.minor, test.currency, got, test.want)
		}
	}
}

func TestText(t *testing.T) {
	for name, test := range map[string]struct {
		width int
		color bool
	}{"summary.txt": {100, false}, "summary-narrow.txt": {60, false}, "summary-color.txt": {100, true}} {
		var out bytes.Buffer
		if err := reports.WriteText(&out, view(t), test.width, test.color); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name), out.Bytes())
	}
}

// TestTextIsSafe shows that names cannot drive a terminal.
func TestTextIsSafe(t *testing.T) {
	plan := reportstest.Plan(reportstest.Lines())
	plan.Organisation = "Example\x1b]0;title\x07"
	plan.Findings[0].Text = "clear\x1b[2J and \u202ereverse"
	v, err := reports.Build(plan, reportstest.Run(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := reports.WriteText(&out, v, 100, false); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsAny(out.Bytes(), "\x1b\x07\u202e") {
		t.Errorf("control characters pass: %q", out.String())
	}
}
