package workbook_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"trueup/reports/reportstest"
)

// recalculate is LibreOffice's setting to compute every formula when a workbook is loaded (0 is always).
const recalculate = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
`

// office converts a file by LibreOffice with a profile of its own, every formula being computed again.
func office(t *testing.T, file, format string) string {
	t.Helper()
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice (LibreOffice) is not installed")
	}
	profile, out := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(profile, "user"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "user", "registrymodifications.xcu"), []byte(recalculate), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), soffice, "-env:UserInstallation=file://"+profile, "--headless", "--convert-to",
		format, "--outdir", out, file)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, output)
	}
	found, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("soffice wrote %v, %v", found, err)
	}
	return found[0]
}

// TestPicture renders a workbook page by page as PNG files: the sample's, or that of -workbook.
//
//	go test ./reports/workbook -run TestPicture -workbook $PWD/out/licences.xlsx -picture /tmp/page
func TestPicture(t *testing.T) {
	prefix, path := *picture, *existing
	if prefix == "" {
		prefix = filepath.Join(t.TempDir(), "page")
	}
	if path == "" {
		content, _ := write(t, build(t, reportstest.Plan(reportstest.Lines())))
		path = save(t, content)
	}
	pdf := office(t, path, "pdf")
	if output, err := exec.CommandContext(t.Context(), "pdftoppm", "-png", "-r", "110", pdf, prefix).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v\n%s", err, output)
	}
	if pages, err := filepath.Glob(prefix + "*.png"); err != nil || len(pages) < 5 {
		t.Errorf("%d pages, %v; want one or more a sheet", len(pages), err)
	}
}

// controlHolds compares a recalculated workbook with the one that was written: every formula gives the value that was
// stored beside it, and every control line passes.
func controlHolds(t *testing.T, recalculated string, written []byte) {
	t.Helper()
	before, err := excelize.OpenReader(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	after, err := excelize.OpenFile(recalculated)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	passed, formulas := 0, 0
	for _, sheet := range before.GetSheetList() {
		for _, c := range cellsOf(t, before, sheet) {
			if c.formula == "" {
				continue
			}
			formulas++
			got, err := after.GetCellValue(sheet, c.at, excelize.Options{RawCellValue: true})
			if err != nil {
				t.Fatal(err)
			}
			if !sameValue(got, c.value) {
				t.Errorf("%s!%s: recalculated %q, stored %q: =%s", sheet, c.at, got, c.value, c.formula)
			}
			if got == "PASS" {
				passed++
			}
		}
	}
	if passed < 25 || formulas < 100 {
		t.Errorf("%d formulas, %d control lines passed", formulas, passed)
	}
}

// sameValue compares values as stored; numbers to twelve digits, as programs write the last ones differently.
func sameValue(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil {
		return a == b
	}
	return math.Abs(x-y) <= 1e-12*max(math.Abs(x), math.Abs(y))
}

func TestRecalculation(t *testing.T) {
	content, _ := write(t, build(t, reportstest.Plan(reportstest.Lines())))
	controlHolds(t, office(t, save(t, content), "xlsx"), content)
}

// TestRecalculationIsReal changes one verdict in the file and nothing else: LibreOffice must find that the totals no
// longer tie, or the other tests prove nothing.
func TestRecalculationIsReal(t *testing.T) {
	content, _ := write(t, build(t, reportstest.Plan(reportstest.Lines())))
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellValue("Verdicts", "F2", "idle"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "changed.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	after, err := excelize.OpenFile(office(t, path, "xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if got, _ := after.GetCellValue("Control", "A3"); got != "2 of 48 checks FAIL" { // in-use and idle
		t.Errorf("the sheet says %q", got)
	}
}

// TestHostileTextAsCSV exports the sheet of verdicts as CSV: no cell begins like a formula.
func TestHostileTextAsCSV(t *testing.T) {
	content, _ := write(t, build(t, reportstest.Plan(reportstest.Hostile())))
	text, err := os.ReadFile(office(t, save(t, content), `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,4`))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != len(reportstest.Hostile())+1 {
		t.Fatalf("%d records", len(records))
	}
	for _, record := range records[1:] {
		for _, cell := range record {
			if strings.IndexAny(cell, "=+-@\t\r") == 0 {
				t.Errorf("%q begins like a formula", cell)
			}
		}
	}
}
