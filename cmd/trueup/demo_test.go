package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"trueup/fixtures"
	"trueup/fixtures/graph"
	"trueup/licensegen"
	"trueup/reports/columns"
	"trueup/store"
)

// TestDemo runs the demo as a newcomer does and looks at everything it leaves.
func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	at := monday.Add(7 * time.Hour)
	r := invoke(t.Context(), (&clock{base: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}).now, "demo", dir, "--as-of", at.Format(time.RFC3339))
	if r.code != exitDone {
		t.Fatalf("the demo exited with %d\n%s", r.code, r.err)
	}
	golden(t, "demo.golden", calm(r.out, dir))
	golden(t, "demo.stderr.golden", calm(r.err, dir))

	folder := published(t, dir)
	text, err := os.ReadFile(filepath.Join(folder, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	plan := parsePlan(t, string(text))
	before := t.TempDir()
	manifest, err := fixtures.Generate(before, fixtures.Options{AsOf: at})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("cases", func(t *testing.T) { casesHold(t, plan, manifest) })
	t.Run("positions", func(t *testing.T) { positionsHold(t, plan, manifest) })
	t.Run("schema", func(t *testing.T) { validates(t, text) })
	t.Run("totals", func(t *testing.T) { totalsTie(t, plan) })
	t.Run("csv", func(t *testing.T) { csvAgrees(t, plan, filepath.Join(folder, "rows.csv")) })
	t.Run("parquet", func(t *testing.T) { parquetAgrees(t, plan, dir) })
	t.Run("published", func(t *testing.T) { publishedOnce(t, folder) })
	t.Run("vendor", func(t *testing.T) { vendorChanged(t, plan, before, dir) })
	t.Run("ledger", func(t *testing.T) { ledgerVerifies(t, dir) })
	t.Run("licence", func(t *testing.T) { reissued(t, dir, at) })
}

// calm replaces what differs from run to run.
func calm(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "DEMO")
	text = regexp.MustCompile(`\(plan [0-9a-f]{16}\)`).ReplaceAllString(text, "(plan ID)")
	text = regexp.MustCompile(`run=[^/\s]+`).ReplaceAllString(text, "run=ID")
	return regexp.MustCompile(`\d+\.\d s\b`).ReplaceAllString(text, "N s")
}

// casesHold compares every planted case with the row that was decided.
func casesHold(t *testing.T, plan *planDocument, manifest *fixtures.Manifest) {
	if len(manifest.Cases) == 0 || len(manifest.Absent) == 0 {
		t.Fatal("no planted cases")
	}
	for _, c := range manifest.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if fault := differs(plan, c); fault != "" {
				t.Errorf("%s\n%s\n%s", fault, c.Why, c.Rests)
			}
		})
	}
	for _, c := range manifest.Absent {
		if row := plan.find(c.Holder, "", c.Product); row != nil {
			t.Errorf("%s: %s has a row of %s, %s; want none\n%s", c.Name, c.Holder, c.Product, row.Verdict, c.Rests)
		}
	}
}

// positionsHold compares every planted position with the one that was found.
func positionsHold(t *testing.T, plan *planDocument, manifest *fixtures.Manifest) {
	told := func(figures ...*int64) string {
		text := ""
		for _, n := range figures {
			if n == nil {
				text += " null"
			} else {
				text += fmt.Sprint(" ", *n)
			}
		}
		return text
	}
	for _, want := range manifest.Positions {
		found := false
		for _, got := range plan.Positions {
			if got.Product != want.Product {
				continue
			}
			found = true
			is := told(got.Purchased, got.Peak, got.Reserved, got.Denied, got.DaysAtLimit, got.Spare, got.Needed, got.Reducible)
			should := told(&want.Purchased, &want.Peak, &want.Reserved, &want.Denied, &want.DaysAtLimit, &want.Spare, &want.Needed, &want.Reducible)
			if is != should || !slices.Equal(got.Flags, want.Flags) {
				t.Errorf("%s:%s %v, want%s %v\n%s", want.Product, is, got.Flags, should, want.Flags, want.Why)
			}
		}
		if !found {
			t.Errorf("%s has no position", want.Product)
		}
	}
}

// differs says how the row of a case differs from what was planted; "" if it does not.
func differs(plan *planDocument, c fixtures.Case) string {
	row := plan.find(c.Holder, c.Account, c.Product)
	if row == nil {
		return fmt.Sprintf("%s has no row of %s", c.Holder, c.Product)
	}
	if row.Verdict != c.Verdict || row.Action.Kind != c.Action || c.Reason != "" && !slices.Contains(row.Reasons, c.Reason) {
		return fmt.Sprintf("%s (%v), action %s; want %s %s, action %s", row.Verdict, row.Reasons, row.Action.Kind, c.Verdict, c.Reason, c.Action)
	}
	want := c.State
	if want == "ready" {
		want = "done" // the demo carries it out
	}
	if want != "" && row.Action.State != want {
		return fmt.Sprintf("the action is %s (%s), want %s", row.Action.State, row.Action.Detail, want)
	}
	return ""
}

// validates checks the plan against the published schema.
func validates(t *testing.T, text []byte) {
	schema, err := os.ReadFile(filepath.Join("..", "..", "docs", "plan.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plan.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(plan); err != nil {
		t.Error(err)
	}
}

// verdicts are all that the decision table has.
var verdicts = []string{"protected", "disputed", "orphan", "leaver", "expired", "not-entitled", "duplicate", "over-tier", "under-tier",
	"in-use", "new", "never-used", "idle", "unknown", "missing", "unlicensed-use"}

// totalsTie recomputes the totals from the rows.
func totalsTie(t *testing.T, plan *planDocument) {
	byVerdict, byAction, byState := map[string]int{}, map[string]int{}, map[string]int{}
	money, seats := map[string]decimal.Decimal{}, 0
	for _, r := range plan.Rows {
		byVerdict[r.Verdict]++
		byAction[r.Action.Kind]++
		if r.Action.Kind != "keep" {
			byState[r.Action.State]++
		}
		if len(r.Paths) > 0 {
			seats++
		}
		if r.Money == nil {
			continue
		}
		for name, amount := range map[string]string{"exposure": r.Money.Exposure, "reassignable": r.Money.Reassignable, "reducible": r.Money.Reducible} {
			key := r.Money.Currency + " " + name
			sum, err := money[key].Add(decimal.MustParse(amount))
			if err != nil {
				t.Fatal(err)
			}
			money[key] = sum
		}
	}
	for _, v := range verdicts {
		if byVerdict[v] == 0 {
			t.Errorf("no row is %s", v)
		}
	}
	totals := &plan.Totals
	same := func(what string, got, want map[string]int) {
		for key := range want {
			if got[key] != want[key] {
				t.Errorf("%s %s: total %d, rows %d", what, key, got[key], want[key])
			}
		}
		for key := range got {
			if got[key] != want[key] {
				t.Errorf("%s %s: total %d, rows %d", what, key, got[key], want[key])
			}
		}
	}
	same("verdict", totals.Verdicts, byVerdict)
	same("action", totals.Actions, byAction)
	same("state", totals.States, byState)
	if totals.Rows != len(plan.Rows) || totals.Seats != seats || totals.Missing != byVerdict["missing"] ||
		totals.UnlicensedUse != byVerdict["unlicensed-use"] || totals.Rows != totals.Seats+totals.Missing+totals.UnlicensedUse {
		t.Errorf("rows %d (%d listed), seats %d (%d listed), missing %d, unlicensed use %d do not tie", totals.Rows, len(plan.Rows),
			totals.Seats, seats, totals.Missing, totals.UnlicensedUse)
	}
	people := totals.With
	for _, w := range totals.Without {
		people += w.People
	}
	if people != totals.People {
		t.Errorf("people: %d with rows and without, %d read", people, totals.People)
	}
	for currency, amounts := range totals.Money {
		for name, amount := range amounts {
			key := currency + " " + name
			if got := money[key]; got.Cmp(decimal.MustParse(amount)) != 0 {
				t.Errorf("%s: total %s, rows %s", key, amount, got)
			}
			delete(money, key)
		}
	}
	if len(money) > 0 {
		t.Errorf("rows have money that no total names: %v", money)
	}
}

// flat is a row as CSV and Parquet have it, as far as they are compared.
func (r *planRow) flat() string {
	idle := ""
	if r.IdleDays != nil {
		idle = fmt.Sprint(*r.IdleDays)
	}
	currency, exposure := "", ""
	if r.Money != nil {
		currency, exposure = r.Money.Currency, r.Money.Exposure
	}
	return strings.Join([]string{r.Holder, r.Name, r.Account, r.Source, r.Product, strings.Join(r.Paths, ";"), r.Verdict,
		strings.Join(r.Reasons, ";"), idle, r.Action.ID, r.Action.Kind, r.Action.To, currency, exposure}, "|")
}

func csvAgrees(t *testing.T, plan *planDocument, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(table) != len(plan.Rows)+1 {
		t.Fatalf("%d rows of CSV, %d of JSON", len(table)-1, len(plan.Rows))
	}
	column := map[string]int{}
	for n, name := range table[0] {
		column[name] = n
	}
	names := []string{"holder", "name", "account", "source", "product", "paths", "verdict", "reasons", "idle_days", "action.id",
		"action.kind", "action.to", "money.currency", "money.exposure"}
	for n, cells := range table[1:] {
		var got []string
		for _, name := range names {
			got = append(got, cells[column[name]])
		}
		if got, want := strings.Join(got, "|"), plan.Rows[n].flat(); got != want {
			t.Fatalf("row %d\n csv  %s\n json %s", n, got, want)
		}
		if state := cells[column["action.state"]]; state != plan.Rows[n].Action.State {
			t.Fatalf("row %d is %s as CSV and %s as JSON", n, state, plan.Rows[n].Action.State)
		}
	}
}

// parquetAgrees compares the archive's column file, which was made before anything was carried out.
func parquetAgrees(t *testing.T, plan *planDocument, dir string) {
	db, err := store.Open(t.Context(), "sqlite:var/trueup.db", store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	record, err := db.Plan(t.Context(), "latest")
	if err != nil {
		t.Fatal(err)
	}
	records, err := columns.Read(archived(t, dir, record.Rows))
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != len(plan.Rows) {
		t.Fatalf("%d rows of Parquet, %d of JSON", len(records), len(plan.Rows))
	}
	for n, r := range records {
		idle, id, currency, exposure := "", "", "", ""
		if r.IdleDays != nil {
			idle = fmt.Sprint(*r.IdleDays)
		}
		if r.ActionID != nil {
			id = *r.ActionID
		}
		if r.Currency != nil {
			currency, exposure = *r.Currency, decimal.MustNew(*r.Exposure, 4).Trim(2).String()
		}
		got := strings.Join([]string{r.Holder, r.Name, r.Account, r.Source, r.Product, r.Paths, r.Verdict, r.Reasons, idle, id,
			r.ActionKind, r.ActionTo, currency, exposure}, "|")
		if want := plan.Rows[n].flat(); got != want {
			t.Fatalf("row %d\n parquet %s\n json    %s", n, got, want)
		}
	}
}

// publishedOnce looks for the run's files.
func publishedOnce(t *testing.T, folder string) {
	names := hashesHold(t, folder)
	if want := []string{"plan.json", "rows.csv", "trueup-2026-06-29.xlsx"}; !slices.Equal(names, want) {
		t.Errorf("published %v, want %v", names, want)
	}
}

// hashesHold compares published files with their manifest and returns their names.
func hashesHold(t *testing.T, folder string) (names []string) {
	t.Helper()
	var manifest struct {
		Files []struct {
			Name, SHA256 string
			Bytes        int64
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	for _, f := range manifest.Files {
		names = append(names, f.Name)
		body, err := os.ReadFile(filepath.Join(folder, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := digestOf(body); sum != f.SHA256 || int64(len(body)) != f.Bytes {
			t.Errorf("%s is %s of %d bytes, the manifest says %s of %d", f.Name, sum, len(body), f.SHA256, f.Bytes)
		}
	}
	return names
}

// vendorChanged compares what everybody holds at the vendor with what they held before and what the plan says was done.
func vendorChanged(t *testing.T, plan *planDocument, before, after string) {
	old, err := graph.Load(before, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now, err := graph.Load(after, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sku := map[string]string{"m365-e5": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "m365-e3": "05e9a617-0261-4cee-bb44-138d3ef5d965",
		"m365-f3": "66b55226-6b4f-492c-910c-a3b7a3c9d993", "power-bi-pro": "f8a1db68-be16-40ed-86d5-cb42ce701560",
		"visio-p2": "c5928f49-12ba-48f7-ada3-0d743a3601d5"}
	want, kinds := map[string][]string{}, map[string]int{}
	for _, r := range plan.Rows {
		if r.Source != "entra" && r.Verdict != "missing" || sku[r.Product] == "" {
			continue
		}
		if _, ok := want[r.Account]; !ok {
			want[r.Account] = old.Licenses(r.Account)
		}
		if r.Action.State != "done" {
			continue
		}
		kinds[r.Action.Kind]++
		without := slices.DeleteFunc(want[r.Account], func(id string) bool { return id == sku[r.Product] })
		switch r.Action.Kind {
		case "revoke":
			want[r.Account] = without
		case "downgrade":
			want[r.Account] = append(without, sku[r.Action.To])
		case "issue":
			want[r.Account] = append(want[r.Account], sku[r.Product])
		}
	}
	for _, kind := range []string{"revoke", "downgrade", "issue"} {
		if kinds[kind] == 0 {
			t.Errorf("nothing was done by %s", kind)
		}
	}
	for account, licenses := range want {
		slices.Sort(licenses)
		if got := now.Licenses(account); !slices.Equal(got, slices.Compact(licenses)) {
			t.Errorf("%s holds %v, want %v", account, got, licenses)
		}
	}
}

func ledgerVerifies(t *testing.T, dir string) {
	db, err := store.Open(t.Context(), "sqlite:var/trueup.db", store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	verifies(t, db)
}

// verifies fails unless the ledger's chain holds and nothing in it is open.
func verifies(t *testing.T, db *store.DB) {
	t.Helper()
	if _, err := db.VerifyLedger(t.Context()); err != nil {
		t.Error(err)
	}
	open, err := db.OpenIntents(t.Context())
	if err != nil || len(open) > 0 {
		t.Errorf("open intents: %v, %v", open, err)
	}
}

// reissued looks for the licence of the amended order line: the old one is still there, the new one supersedes it.
func reissued(t *testing.T, dir string, at time.Time) {
	keys, err := licensegen.ReadKeyring(filepath.Join(dir, "keys", "licences"))
	if err != nil {
		t.Fatal(err)
	}
	verifier := licensegen.NewVerifier(fixtures.Organisation, keys.Signing.Public())
	names, err := filepath.Glob(filepath.Join(dir, "var", "licences", fixtures.AmendedOrder, fixtures.AmendedLine, "*.license"))
	if err != nil || len(names) != 2 {
		t.Fatalf("licences of the amended order line: %v, %v; want two", names, err)
	}
	var chain []*licensegen.License
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		l, err := verifier.Verify(file, licensegen.Use{At: at, Product: "orbit-suite"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		chain = append(chain, l)
	}
	if chain[0].Terms.Quantity != 25 || chain[1].Terms.Quantity != 40 || chain[1].Supersedes != chain[0].ID {
		t.Errorf("first %+v, then %+v", chain[0], chain[1])
	}
}
