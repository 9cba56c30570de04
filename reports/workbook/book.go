package workbook

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
)

// sheetRows is how many rows one sheet of verdicts or actions takes; a sheet of Excel ends at 1,048,576.
const sheetRows = 1_000_000

// Result says what is in a workbook that was written.
type Result struct {
	Sheets []string
	Rows   int // of verdicts
	Texts  Texts
	Failed int // control checks that do not tie
}

// Write writes the workbook of a view. Its bytes depend on the view alone. Sheets of more than 16 MB go through files in the
// folder scratch, which are removed again; "" is the system's folder for temporary files.
func Write(w io.Writer, v *reports.View, scratch string) (Result, error) {
	return write(w, v, scratch, sheetRows)
}

func write(w io.Writer, v *reports.View, scratch string, perSheet int) (Result, error) {
	b := &book{view: v, file: excelize.NewFile(excelize.Options{TmpDir: scratch}), perSheet: perSheet, tally: newTally()}
	defer b.file.Close()
	if err := b.build(); err != nil {
		return Result{}, fmt.Errorf("workbook: %w", err)
	}
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return &archive{out: w} })
	if err := b.file.Write(io.Discard); err != nil {
		return Result{}, fmt.Errorf("workbook: write: %w", err)
	}
	return Result{Sheets: b.file.GetSheetList(), Rows: b.tally.rows, Texts: b.texts, Failed: b.failed}, nil
}

// book is a workbook while it is made.
type book struct {
	view     *reports.View
	file     *excelize.File
	styles   *styles
	perSheet int
	texts    Texts
	tally    *tally
	verdicts []*table // one or more sheets of the same table
	actions  []*table
	used     *table         // of concurrent use; nil without any
	uses     map[string]use // by product
	failed   int
}

// build makes all sheets, in the order in which they stand, and fills them: what is summed first, what sums it last.
func (b *book) build() error {
	var err error
	if b.styles, err = newStyles(b.file); err != nil {
		return err
	}
	verdictSheets := numbered("Verdicts", len(b.view.Plan.Rows), b.perSheet)
	actionSheets := numbered("Actions", len(b.view.Plan.Actions), b.perSheet)
	names := append([]string{"Read me", "Summary", "Positions"}, verdictSheets...)
	names = append(names, actionSheets...)
	if len(b.view.Plan.Concurrent) > 0 {
		names = append(names, concurrentSheet)
	}
	names = append(names, "Findings", "Control", "Terms")
	for n, name := range names {
		if n == 0 {
			err = b.file.SetSheetName("Sheet1", name)
		} else {
			_, err = b.file.NewSheet(name)
		}
		if err != nil {
			return err
		}
	}
	for _, step := range []func() error{b.properties, b.positions, b.concurrent,
		func() error { return b.rows(verdictSheets, actionSheets) },
		b.findings, b.summary, b.control, b.terms, b.readme} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// numbered names the sheets that n rows need: Verdicts, Verdicts 2, ….
func numbered(name string, n, perSheet int) []string {
	list := []string{name}
	for k := 2; n > perSheet; k++ {
		list = append(list, fmt.Sprintf("%s %d", name, k))
		n -= perSheet
	}
	return list
}

// properties sets what the file says of itself: all of it comes from the run.
func (b *book) properties() error {
	run, plan := b.view.Run, b.view.Plan
	when := run.Finished
	if !when.Known() {
		when = max(run.Started, plan.AsOf)
	}
	stamp := when.Time().Format(time.RFC3339)
	var texts Texts
	organisation := texts.safe(plan.Organisation)
	err := b.file.SetDocProps(&excelize.DocProperties{Title: "Licence reconciliation, " + organisation + ", " +
		plan.Snapshot.Today().String(), Subject: "Software licences: who holds them, who uses them, what they cost",
		Creator: "trueup", LastModifiedBy: "trueup", Created: stamp, Modified: stamp, Identifier: run.ID,
		Description: "Run " + run.ID + ", plan " + plan.ID, Category: "Licence reconciliation", Language: "en-GB"})
	if err != nil {
		return err
	}
	if err := b.file.SetAppProps(&excelize.AppProperties{Application: "trueup", Company: organisation}); err != nil {
		return err
	}
	for _, p := range []excelize.CustomProperty{{Name: "RunID", Value: run.ID}, {Name: "PlanID", Value: plan.ID},
		{Name: "PlanDigest", Value: plan.Digest.String()}, {Name: "DecisionsDigest", Value: plan.Decisions.String()},
		{Name: "Build", Value: texts.safe(plan.Build)}} {
		if err := b.file.SetCustomProps(p); err != nil {
			return err
		}
	}
	full := true
	return b.file.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &full})
}

// setup is how a sheet is shown and printed.
type setup struct {
	tab    string // colour
	wide   int    // pages side by side
	titles string // rows and columns that every printed page repeats: "$A:$B,$1:$1"
}

// dress applies a setup: landscape A4, fitted to the width, run and page in the footer, no grid lines.
func (b *book) dress(sheet string, s setup) error {
	landscape, a4, many, fit, grid := "landscape", 9, 0, true, false
	if err := b.file.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4,
		FitToWidth: &s.wide, FitToHeight: &many}); err != nil {
		return err
	}
	if err := b.file.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit, TabColorRGB: &s.tab}); err != nil {
		return err
	}
	side, top := 0.4, 0.6
	if err := b.file.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &top,
		Bottom: &top}); err != nil {
		return err
	}
	footer := "&L&8Run " + strings.ReplaceAll(b.view.Run.ID, "&", "&&") + "&C&8&A&R&8Page &P of &N"
	if err := b.file.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: footer}); err != nil {
		return err
	}
	if err := b.file.SetSheetView(sheet, 0, &excelize.ViewOptions{ShowGridLines: &grid}); err != nil {
		return err
	}
	if s.titles == "" {
		return nil
	}
	quoted := "'" + sheet + "'!"
	return b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: sheet,
		RefersTo: quoted + strings.ReplaceAll(s.titles, ",", ","+quoted)})
}

// serial is a day as Excel keeps dates: counted from 1899-12-30. An absent day is an empty cell.
func serial(d facts.Day) any {
	if !d.Known() {
		return nil
	}
	return int(d) + 25_569
}

// local is the calendar day of an instant in the organisation's zone.
func (b *book) local(i facts.Instant) any { return serial(b.view.Plan.Snapshot.Calendar().Day(i)) }

func (b *book) productName(id reconcile.ProductID) string {
	return b.texts.safe(b.view.ProductName(id))
}
