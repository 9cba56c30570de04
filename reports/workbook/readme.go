package workbook

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
)

// readme writes the cover: what the figures are, what they rest on, and what every word means.
func (b *book) readme() error {
	p, err := b.newPage("Read me", slate, "", 2, 22, 15, 52, 12, 10, 11, 12, 12, 12, 10, 44)
	if err != nil {
		return err
	}
	s, plan := b.styles, b.view.Plan
	p.heights[1] = 28
	p.put(1, 2, s.title, "Licence reconciliation")
	p.put(2, 2, s.subtitle, fmt.Sprintf("%s, as of %s (%s)", b.texts.safe(plan.Organisation), plan.Snapshot.Today(),
		b.texts.safe(plan.Snapshot.Zone)))
	p.row = 3
	for _, w := range b.warnings() {
		p.row++
		p.put(p.row, 2, s.warningLine, "WARNING: "+b.texts.safe(w))
	}
	p.row++
	b.coverRun(p)
	b.coverVerdicts(p)
	reading := b.coverReading(p)
	b.coverParameters(p)
	b.coverGuards(p)
	b.coverInputs(p)
	reading()
	if err := p.flush(); err != nil {
		return err
	}
	return p.stream.Flush()
}

// warnings says in words why the figures may be less than the whole truth.
func (b *book) warnings() []string {
	var list []string
	for _, in := range b.view.Inputs() {
		if in.Problem != "" {
			list = append(list, fmt.Sprintf("%s %s: %s", in.Source, in.Feed, in.Problem))
		}
	}
	for _, g := range b.view.Plan.Guards {
		if g.State == reconcile.GuardTripped && (g.Name != "incomplete" || g.Withholds > 0) {
			list = append(list, fmt.Sprintf("safety limit %s of %s was passed: %s held back", g.Name, g.Scope,
				counted(g.Withholds, "action")))
		}
		if g.State == reconcile.GuardRaised {
			list = append(list, fmt.Sprintf("safety limit %s of %s was passed and let through for this run by name", g.Name,
				g.Scope))
		}
	}
	if !b.view.Plan.Complete && len(list) == 0 {
		list = append(list, "not every configured source was read whole")
	}
	return list
}

func (b *book) coverRun(p *page) {
	plan, run := b.view.Plan, b.view.Run
	p.heading(b.styles.heading, "This run")
	mode := "act: what the policy lets run unattended is carried out"
	if plan.Mode == reconcile.Observe {
		mode = "observe: planned and reported only, nothing is changed"
	}
	complete := "yes, every configured source was read whole"
	if !plan.Complete {
		complete = "NO, see the warnings"
	}
	for _, line := range [][2]string{{"Organisation", plan.Organisation}, {"Run", run.ID}, {"Plan", plan.ID},
		{"As of", instant(plan.AsOf)}, {"Started", instant(run.Started)}, {"Finished", instant(run.Finished)},
		{"Run by", run.Who}, {"Program", cmp.Or(run.Build, plan.Build)}, {"Mode", mode}, {"Complete", complete},
		{"Digest of the plan", plan.Digest.String()}, {"… of its decisions", plan.Decisions.String()},
		{"… of policy.yaml", plan.Policy.String()}, {"… of the configuration", plan.Config.String()},
		{"… of products.yaml", plan.Products.String()}} {
		p.put(p.row, 2, b.styles.label, line[0])
		p.put(p.row, 3, b.styles.value, b.texts.safe(line[1]))
		p.row++
	}
}

func instant(i facts.Instant) string {
	if !i.Known() {
		return ""
	}
	return i.Time().Format("2006-01-02 15:04:05 UTC")
}

func (b *book) coverVerdicts(p *page) {
	p.heading(b.styles.heading, "What each verdict means")
	for _, v := range reconcile.Verdicts() {
		p.put(p.row, 2, b.styles.strong, v.String())
		p.put(p.row, 3, b.styles.value, reports.VerdictMeaning(v))
		p.row++
	}
	p.put(p.row, 3, b.styles.note, "Every row has exactly one verdict. The sheet Terms explains reasons, actions, states, "+
		"flags, guards and findings.")
	p.row++
}

// coverInputs lists every file that was read, with what proves it.
func (b *book) coverInputs(p *page) {
	s, plan := b.styles, b.view.Plan
	p.heading(s.heading, "What was read")
	p.line(s.head, "Source", "Feed", "File", "Bytes", "Rows", "Refused", "Observed", "Covers from", "Covers to", "Matched",
		"Gaps and faults")
	p.heights[p.row-1] = 22
	lines := b.view.Inputs()
	for n := range lines {
		in, state := &plan.Snapshot.Inputs[n], &plan.Inputs[n]
		var match any
		if state.MatchRate >= 0 {
			match = state.MatchRate
		}
		from, to := b.local(state.From), b.local(state.To)
		if from == nil { // only a log has a coverage worth a date
			to = nil
		}
		files := in.Files
		if len(files) != 1 {
			b.inputLine(p, lines[n].Source, in.Feed.String(), counted(len(files), "file"), nil, in.Rows, in.Rejected,
				b.local(in.Observed), from, to, match, lines[n].Problem, "")
		}
		for _, f := range files {
			name := b.texts.safe(f.Name)
			if len(files) == 1 {
				b.inputLine(p, lines[n].Source, in.Feed.String(), name, f.Bytes, in.Rows, in.Rejected, b.local(in.Observed),
					from, to, match, lines[n].Problem, f.SHA256.String())
			} else {
				b.inputLine(p, "", "", name, f.Bytes, f.Rows, nil, nil, nil, nil, nil, "", f.SHA256.String())
			}
		}
	}
}

func (b *book) inputLine(p *page, source, feed, file string, size any, rows int64, rejected, observed, from, to, match any,
	fault, sum string) {
	s := b.styles
	faultStyle := s.wrap
	if fault != "" {
		faultStyle = s.warning
	}
	for n, c := range []struct {
		style int
		value any
	}{{s.bold, b.texts.safe(source)}, {s.text, feed}, {s.wrap, fileText(file, sum)}, {s.count, size}, {s.count, rows},
		{s.count, rejected}, {s.date, observed}, {s.date, from}, {s.date, to}, {s.percent, match},
		{faultStyle, b.texts.safe(fault)}} {
		p.put(p.row, 2+n, c.style, c.value)
	}
	height := lines(file, 60)
	if sum != "" {
		height++
	}
	p.heights[p.row] = lineHeight * float64(max(height, lines(fault, 48)))
	p.row++
}

// fileText is a file's name and below it, small, its digest.
func fileText(file, sum string) any {
	if sum == "" {
		return file
	}
	return []excelize.RichTextRun{{Text: file, Font: &excelize.Font{Family: font, Size: 10, Color: ink}},
		{Text: "\n" + sum, Font: &excelize.Font{Family: mono, Size: 7, Color: muted}}}
}

// lines is how many lines a text takes in a column of so many characters.
func lines(s string, width int) int { return max(1, (utf8.RuneCountInString(s)+width-1)/width) }

func (b *book) coverGuards(p *page) {
	s := b.styles
	p.heading(s.heading, "Safety limits (guards)")
	p.line(s.head, "Guard", "State", "What it looks at", nil, nil, nil, "Where", nil, nil, nil, "Why")
	for n, title := range []string{"Value", "Limit", "Holds back"} {
		p.put(p.row-1, 5+n, s.headRight, title)
	}
	p.heights[p.row-1] = 22
	for _, g := range byUrgency(b.view.Plan.Guards) {
		var value any
		if g.Value != nil {
			value = *g.Value
		}
		style := s.text
		if g.State == reconcile.GuardTripped || g.State == reconcile.GuardRaised {
			style = s.warning
		}
		for n, c := range []struct {
			style int
			value any
		}{{s.bold, g.Name}, {style, g.State.String()}, {s.wrap, reports.GuardMeaning(g.Name)}, {s.decimal, value},
			{s.decimal, g.Limit}, {s.count, g.Withholds}, {s.text, b.texts.safe(g.Scope)}, {s.text, nil}, {s.text, nil},
			{s.text, nil}, {s.wrap, b.texts.safe(g.Why)}} {
			p.put(p.row, 2+n, c.style, c.value)
		}
		p.heights[p.row] = lineHeight * float64(max(lines(reports.GuardMeaning(g.Name), 60), lines(g.Why, 48)))
		p.row++
	}
	if len(b.view.Plan.Guards) == 0 {
		p.line(s.text, "none was looked at")
	}
}

// byUrgency puts the guards that were passed first, then those within their limit, then those not looked at.
func byUrgency(guards []reconcile.Guard) []reconcile.Guard {
	rank := func(g reconcile.Guard) int {
		return slices.Index([]reconcile.GuardState{reconcile.GuardTripped, reconcile.GuardRaised, reconcile.GuardHeld,
			reconcile.GuardNotEvaluated}, g.State)
	}
	sorted := slices.Clone(guards)
	slices.SortStableFunc(sorted, func(x, y reconcile.Guard) int { return rank(x) - rank(y) })
	return sorted
}

// coverParameters says by which thresholds the verdicts were reached.
func (b *book) coverParameters(p *page) {
	policy := b.view.Policy
	if policy == nil {
		return
	}
	p.heading(b.styles.heading, "Parameters (policy.yaml)")
	put := func(name, product, words string) {
		p.put(p.row, 2, b.styles.strong, b.texts.safe(name))
		p.put(p.row, 3, b.styles.value, b.texts.safe(product))
		p.put(p.row, 4, b.styles.value, b.texts.safe(words))
		p.row++
	}
	for _, r := range policy.Reclaim {
		put(r.Name, r.Product, reclaimWords(r))
	}
	put("leaver", "*", fmt.Sprintf("%s %s hours after the last day", policy.Leaver.Action, decimalText(policy.Leaver.Grace.Hours())))
	put("expired", "*", policy.Expired.Action.String())
	for _, r := range policy.Eligibility {
		put(r.Name, r.Product, "held by right when "+condition(r.When))
	}
	for _, e := range policy.Exempt {
		words := fmt.Sprintf("kept although %s until %s: %s (%s)", join(e.From), e.Until, e.Reason, e.Author)
		if e.LegalHold {
			words += ", legal hold"
		}
		put("exempt "+e.Name, cmp.Or(e.Product, "*"), words+", when "+condition(e.When))
	}
	put("unattended", "*", cmp.Or(join(policy.Approval.Unattended), "nothing"))
	for _, v := range slices.Sorted(maps.Keys(policy.Approval.Roles)) {
		put("approval", "*", v.String()+" needs "+policy.Approval.Roles[v])
	}
	for _, product := range slices.Sorted(maps.Keys(policy.Buffers)) {
		buffer := policy.Buffers[product]
		words := fmt.Sprintf("%d licences kept free", buffer.Spare)
		if buffer.Percent > 0 {
			words = decimalText(buffer.Percent) + " percent of the licences bought kept free"
		}
		put("buffer", product, words)
	}
}

func reclaimWords(r reconcile.ReclaimRule) string {
	words := "idle after " + days(r.IdleAfter)
	if r.NeverUsedAfter > 0 {
		words += ", never used after " + days(r.NeverUsedAfter)
	}
	words += ": " + r.Action.String()
	if r.To != "" {
		words += " to " + r.To
	}
	if r.Notice > 0 {
		words += ", notice " + days(r.Notice)
	}
	if r.When != nil {
		words += ", when " + condition(r.When)
	}
	return words
}

func condition(e *reconcile.Expression) string {
	if e == nil {
		return "always"
	}
	return e.Source
}

func join(list []reconcile.Verdict) string {
	words := make([]string, len(list))
	for n, v := range list {
		words[n] = v.String()
	}
	return strings.Join(words, ", ")
}

func decimalText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// coverReading says how the sheets are to be read. It returns what fills in, once everything else is written, the line
// that counts what was done to texts.
func (b *book) coverReading(p *page) (finish func()) {
	p.heading(b.styles.heading, "How to read this workbook")
	lines := []string{
		"Money is per month in the currency named; figures in different currencies are never added. Without a price there is no figure.",
		"Exposure is paid now; Reassignable could be given to others; Reducible need not be bought from the Effective date on.",
		"An empty cell means not known, or that it does not apply; never zero. Dates are days in the zone " +
			b.texts.safe(b.view.Plan.Snapshot.Zone) + "; times on this sheet are UTC.",
		"States of actions are those of the newest outcomes when the workbook was made.",
		"The sheet Control adds every total up again by formulas; each line must read PASS.",
		"Text that begins with = + - @, a tab, a return or NUL stands behind an apostrophe so that no program takes it for a formula; " +
			"JSON, CSV and the column file keep it as it was.",
	}
	if len(b.verdicts) > 1 {
		lines = append(lines, fmt.Sprintf("The rows stand on %d sheets of at most %d rows: a sheet of Excel holds no more. "+
			"The column file holds them in one piece.", len(b.verdicts), b.perSheet))
	}
	for _, line := range append(lines, "") {
		p.put(p.row, 2, b.styles.value, line)
		p.row++
	}
	last := p.row - 1
	return func() {
		p.put(last, 2, b.styles.value, fmt.Sprintf("In this workbook: %s behind an apostrophe, %s with control characters "+
			"replaced by \uFFFD, %s cut at 32,767 characters (ending in “[cut]”).", counted(b.texts.Neutralised, "text"),
			counted(b.texts.Replaced, "text"), counted(b.texts.Cut, "text")))
	}
}
