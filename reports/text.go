package reports

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"trueup/reconcile"
)

// listed is how many lines of an open-ended list the text shows; the rest is counted.
const listed = 12

// listedProducts is how many products with a flag it shows.
const listedProducts = 20

// WriteText writes the summary for people: lines of at most width columns where the words allow it (80 if width is
// below 60), in colour if color is set. Colour only repeats what the words say. Control characters in names are replaced,
// so that data cannot drive a terminal.
func WriteText(w io.Writer, v *View, width int, color bool) error {
	if width < 60 {
		width = 80
	}
	t := &printer{out: bufio.NewWriter(w), width: width, color: color}
	s := v.Summary()
	t.title(s)
	t.inputs(s)
	t.verdicts(s)
	t.money(s)
	t.actions(s)
	t.heldBack(s)
	t.positions(s)
	t.findings(s)
	if v.Run.Workbook != "" {
		t.heading("The workbook")
		fmt.Fprintf(t.out, "  %s\n", printable(v.Run.Workbook))
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("reports: write summary: %w", err)
	}
	return nil
}

type printer struct {
	out   *bufio.Writer
	width int
	color bool
}

// The colours: bold for headings, red for what needs a look, dim for explanations.
const (
	bold = "1"
	red  = "31"
	dim  = "2"
)

func (t *printer) paint(code, s string) string {
	if !t.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *printer) heading(s string) { fmt.Fprintf(t.out, "\n%s\n", t.paint(bold, s)) }

func (t *printer) title(s *Summary) {
	mode := ""
	if s.Mode == reconcile.Observe {
		mode = ", observing only: nothing is changed"
	}
	fmt.Fprintf(t.out, "%s\n", t.paint(bold, printable(s.Organisation)+", "+s.Day.String()+mode))
	fmt.Fprintf(t.out, "%s people, %s licences held, %s rows (plan %s)\n", thousands(int64(s.People)),
		thousands(int64(s.Seats)), thousands(int64(s.Rows)), printable(s.Plan))
}

func (t *printer) inputs(s *Summary) {
	t.heading("What was read")
	table := grid{header: []string{"source", "files", "rows", "refused", "covers"}, right: []bool{false, true, true, true}}
	for _, in := range s.Inputs {
		covers := ""
		switch {
		case in.From.Known() && in.To < in.From:
			covers = "nothing" // its logs cover no time together
		case in.From.Known() && in.To.Known():
			covers = in.From.Time().Format("2006-01-02") + " to " + in.To.Time().Format("2006-01-02")
		}
		table.add(t.paint(red, printable(in.Problem)), in.Source+" "+in.Feed.String(), strconv.Itoa(in.Files),
			thousands(in.Rows), thousands(in.Rejected), covers)
	}
	t.table(table)
	if !s.Complete {
		t.wrap(t.paint(red, "Not everything was read whole. ")+"What depends on the missing part is unknown or held back.", 2, "")
	}
}

func (t *printer) verdicts(s *Summary) {
	t.heading("What was found")
	table := grid{header: []string{"verdict", "rows"}, right: []bool{false, true}}
	currencies := s.Money[:min(len(s.Money), 3)]
	for _, m := range currencies {
		table.header, table.right = append(table.header, m.Currency+" a month"), append(table.right, true)
	}
	for _, line := range s.Verdicts {
		cells := []string{line.Verdict.String(), thousands(int64(line.Rows))}
		for _, c := range currencies {
			cells = append(cells, exposure(line.Money, c.Currency))
		}
		table.add(VerdictPhrase(line.Verdict), cells...)
	}
	t.table(table)
}

func (t *printer) money(s *Summary) {
	if len(s.Money) == 0 {
		return
	}
	t.heading("Money, per month")
	table := grid{header: []string{"currency", "paid now", "could be given to others", "could be dropped at renewal"},
		right: []bool{false, true, true, true}}
	for _, m := range s.Money {
		table.add("", m.Currency, grouped(m.Exposure, m.Currency), grouped(m.Reassignable, m.Currency),
			grouped(m.Reducible, m.Currency))
	}
	t.table(table)
}

func (t *printer) actions(s *Summary) {
	t.heading("What is to be done")
	if len(s.Actions) == 0 {
		t.wrap("Nothing: every row is kept.", 2, "")
		return
	}
	table := grid{header: []string{"action", "state", "rows"}, right: []bool{false, false, true}}
	for _, a := range s.Actions {
		table.add(StateMeaning(a.State), a.Kind.String(), a.State.String(), thousands(int64(a.Count)))
	}
	t.table(table)
}

func (t *printer) heldBack(s *Summary) {
	if len(s.HeldBack) == 0 {
		return
	}
	t.heading("What was held back, and why")
	for n, h := range s.HeldBack {
		if n == listed {
			t.more(len(s.HeldBack) - n)
			break
		}
		what := fmt.Sprintf("%s %s: %s", plural(h.Actions, "action"), h.State, printable(h.By))
		if h.Why != "" {
			what += " (" + printable(h.Why) + ")"
		}
		t.wrap(what, 2, "")
	}
}

func (t *printer) positions(s *Summary) {
	if len(s.Positions) == 0 {
		return
	}
	t.heading("Products to look at")
	table := grid{header: []string{"product", "bought", "given out", "in use", "free", "notice by"},
		right: []bool{false, true, true, true, true}}
	for n, p := range s.Positions {
		if n == listedProducts {
			break
		}
		name := p.Name
		if p.Pool != "" {
			name += " (" + p.Pool + ")"
		}
		given, used, note := figure(p.Assigned), figure(p.Active), t.paint(red, strings.Join(p.Flags, ", "))
		if p.Peak != nil { // a concurrent product is given to nobody
			given, used, note = "", figure(p.Peak), note+atPeak(&p.Position)
		}
		table.add(note, name, figure(p.Purchased), given, used, figure(p.Spare), p.Notice.String())
	}
	t.table(table)
	t.more(len(s.Positions) - listedProducts)
}

// atPeak says what the figures of a concurrent product mean.
func atPeak(p *reconcile.Position) string {
	text := "; in use at the peak"
	if p.Denied != nil && *p.Denied > 0 {
		text += ", " + plural(int(*p.Denied), "request") + " refused"
	}
	if p.Reducible != nil && *p.Reducible > 0 {
		text += ", " + figure(p.Reducible) + " could be dropped at the next notice date"
	}
	return text
}

func (t *printer) findings(s *Summary) {
	if len(s.Findings) == 0 {
		return
	}
	t.heading("Also noticed")
	for n, f := range s.Findings {
		if n == listed {
			break
		}
		t.wrap(printable(f.Subject+": "+f.Text)+" "+t.paint(dim, "("+f.Code+")"), 2, "")
	}
	t.more(len(s.Findings) - listed)
}

func (t *printer) more(n int) {
	if n > 0 {
		t.wrap(t.paint(dim, "and "+thousands(int64(n))+" more"), 2, "")
	}
}

// exposure writes what is paid now in one currency; "" where nothing is priced in it.
func exposure(money []reconcile.MoneyTotal, currency string) string {
	for _, m := range money {
		if m.Currency == currency {
			return grouped(m.Exposure, currency)
		}
	}
	return ""
}

// grid is a table whose columns are as wide as their widest cell; a note follows each line.
type grid struct {
	header []string
	right  []bool
	rows   [][]string
	notes  []string
}

func (g *grid) add(note string, cells ...string) {
	for n := range cells {
		cells[n] = printable(cells[n])
	}
	g.rows, g.notes = append(g.rows, cells), append(g.notes, note)
}

// noteWidth is the least width in which a note is written beside its line; with less it goes below.
const noteWidth = 28

func (t *printer) table(g grid) {
	widths := make([]int, len(g.header))
	for _, row := range append([][]string{g.header}, g.rows...) {
		for n, cell := range row {
			widths[n] = max(widths[n], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintln(t.out, t.paint(dim, strings.TrimRight(g.line(g.header, widths), " ")))
	for n, row := range g.rows {
		line := g.line(row, widths)
		indent := utf8.RuneCountInString(line) + 2
		switch note := g.notes[n]; {
		case note == "":
			fmt.Fprintln(t.out, strings.TrimRight(line, " "))
		case t.width-indent >= min(noteWidth, visible(note)):
			t.wrap(note, indent, line+"  ")
		default:
			fmt.Fprintln(t.out, strings.TrimRight(line, " "))
			t.wrap(note, 6, "")
		}
	}
}

func (g *grid) line(cells []string, widths []int) string {
	line := ""
	for n, cell := range cells {
		pad := strings.Repeat(" ", widths[n]-utf8.RuneCountInString(cell))
		if n < len(g.right) && g.right[n] {
			line += "  " + pad + cell
		} else {
			line += "  " + cell + pad
		}
	}
	return line
}

// wrap writes s with breaks between words, every line indented alike; lead, if any, stands in the first line's indent.
func (t *printer) wrap(s string, indent int, lead string) {
	margin := strings.Repeat(" ", indent)
	line, used := cmp.Or(lead, margin), indent
	for n, word := range strings.Fields(s) {
		size := visible(word)
		switch {
		case n == 0:
		case used+1+size > t.width:
			fmt.Fprintln(t.out, line)
			line, used = margin, indent
		default:
			line, used = line+" ", used+1
		}
		line, used = line+word, used+size
	}
	fmt.Fprintln(t.out, line)
}

// visible counts the characters of s without the sequences of paint.
func visible(s string) int {
	n := utf8.RuneCountInString(s)
	for {
		from := strings.IndexByte(s, '\x1b')
		if from < 0 {
			return n
		}
		to := strings.IndexByte(s[from:], 'm')
		if to < 0 {
			return n
		}
		n -= to + 1
		s = s[from+to+1:]
	}
}

// printable replaces what would drive a terminal or reorder a line: control and format characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '�'
		}
		return r
	}, s)
}

func figure(n *int64) string {
	if n == nil {
		return "?"
	}
	return thousands(*n)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(int64(n)) + " " + what + "s"
}

func thousands(n int64) string { return group(strconv.FormatInt(n, 10)) }

func grouped(minor int64, currency string) string { return group(Amount(minor, currency)) }

// group puts commas between the thousands of a decimal.
func group(s string) string {
	whole, rest, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
