package columns_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
	"trueup/reports/columns"
	"trueup/reports/reportstest"
)

func view(t *testing.T, lines []reportstest.Line) *reports.View {
	t.Helper()
	v, err := reports.Build(reportstest.Plan(lines), reportstest.Run(), reportstest.Outcomes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func write(t *testing.T, v *reports.View) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := columns.Write(&out, v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestSameColumnsAsCSV holds the file against the flat form: same names, same rows, same words.
func TestSameColumnsAsCSV(t *testing.T) {
	v := view(t, reportstest.Lines())
	content := write(t, v)
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, field := range file.Root().Columns() {
		names = append(names, field.Name())
	}
	if diff := cmp.Diff(reports.Columns(), names); diff != "" {
		t.Error(diff)
	}
	records, err := columns.Read(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for row := range v.Rows() {
		if diff := cmp.Diff(row.AppendCells(nil), cells(records[n])); diff != "" {
			t.Errorf("row %d (-csv +parquet):\n%s", n, diff)
		}
		n++
	}
	if n != len(records) || n != len(reportstest.Lines()) {
		t.Errorf("%d records of %d rows", len(records), n)
	}
}

// cells writes a record as the flat form does.
func cells(r columns.Record) []string {
	instant, idle, days := facts.NoInstant, "", func(n *int32) string {
		if n == nil {
			return ""
		}
		return facts.Day(*n).String()
	}
	if r.LastActivity != nil {
		instant = facts.Instant(*r.LastActivity)
	}
	if r.IdleDays != nil {
		idle = reports.Amount(int64(*r.IdleDays), "JPY")
	}
	after := ""
	if r.ActionAfter != nil {
		after = fmt.Sprint(*r.ActionAfter)
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	amount := func(n *int64) string {
		if n == nil {
			return ""
		}
		minor := *n
		for k := reconcile.MinorDigits(*r.Currency); k < 4; k++ {
			minor /= 10
		}
		return reports.Amount(minor, *r.Currency)
	}
	return []string{r.Holder, r.Name, r.Department, r.CostCentre, r.Pool, r.Situation, r.Account, r.Source, r.Product, r.Paths,
		r.Verdict, r.Reasons, r.Rule, instant.String(), idle, days(r.Due), r.Covering, r.SignalSource, r.SignalLast,
		r.SignalFrom, r.SignalTo, r.SignalWhole, text(r.ActionID), r.ActionKind, r.ActionTo, r.ActionState,
		days(r.ActionDue), r.ActionRole, r.ActionBy, after, r.ActionDetail, text(r.Currency), amount(r.Exposure),
		amount(r.Reassignable), amount(r.Reducible), days(r.Effective)}
}

func TestSameBytes(t *testing.T) {
	first := write(t, view(t, reportstest.Lines()))
	for range 5 {
		if !bytes.Equal(first, write(t, view(t, reportstest.Lines()))) {
			t.Fatal("the same view gives other bytes")
		}
	}
}

// TestManyRows goes over batches and keeps the order, and hostile text stays as it is.
func TestManyRows(t *testing.T) {
	for name, lines := range map[string][]reportstest.Line{"none": nil, "hostile": reportstest.Hostile(),
		"many": reportstest.Many(1_000)} {
		t.Run(name, func(t *testing.T) {
			content := write(t, view(t, lines))
			records, err := columns.Read(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			if len(records) != len(lines) {
				t.Fatalf("%d records of %d rows", len(records), len(lines))
			}
			for n, l := range lines {
				if records[n].Holder != l.Person {
					t.Fatalf("row %d: holder %q, want %q", n, records[n].Holder, l.Person)
				}
			}
		})
	}
}

// TestTooMuchMoney refuses an amount that the column cannot hold rather than writing another.
func TestTooMuchMoney(t *testing.T) {
	lines := []reportstest.Line{{Person: "E1", Product: "figma-pro", Verdict: reconcile.InUse, Currency: "EUR",
		Exposure: 1 << 62}}
	if err := columns.Write(&bytes.Buffer{}, view(t, lines)); err == nil {
		t.Error("it was written")
	}
}
