package mapping

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// Intake turns the records of one pull into facts of its observation.
type Intake struct {
	*Mapping
	o        *facts.Observation
	calendar *facts.Calendar
	pull     connectors.Pull
	lanes    []*facts.Lane // of sign-ins, by lane of the files; nil until used

	unmapped map[string]map[string]int // people by column and by word that is not of its list

	mu        sync.Mutex
	silent    []string // files of sign-ins that do not tell success from failure
	stateless []string // files of people without a status
}

// Intake begins a pull. The caller must call [Intake.Close] when all files have been read.
func (m *Mapping) Intake(o *facts.Observation, p connectors.Pull) *Intake {
	return &Intake{Mapping: m, o: o, calendar: p.Calendar, pull: p, lanes: make([]*facts.Lane, max(1, p.Workers)),
		unmapped: map[string]map[string]int{}}
}

// Present is told once for each file that had records which columns it has, and by which names: it fails if a required
// one is missing.
func (in *Intake) Present(f *exports.File, present []bool, found []string) error {
	if err := in.missing(f, present, found); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.feed == facts.FeedSignIns && !present[signInOutcome]:
		in.silent = append(in.silent, f.Name)
	case in.feed == facts.FeedPeople && !present[personStatus]:
		in.stateless = append(in.stateless, f.Name)
	}
	return nil
}

// Add takes one record of f. It returns "", or why the record is rejected. For sign-ins it may be called from several
// goroutines, each with a lane of its own; for other feeds from one. The row is changed.
func (in *Intake) Add(f *exports.File, lane int, row Row) (reason string) {
	in.translate(row)
	for n := range in.columns {
		if c := &in.columns[n]; c.FromFile && len(row[n]) == 0 && f.Product != "" {
			row[n] = []byte(f.Product)
		}
	}
	switch in.feed {
	case facts.FeedPeople:
		return in.addPerson(row)
	case facts.FeedSeats:
		return in.addSeat(row)
	case facts.FeedCounters:
		return in.addCounter(row)
	case facts.FeedPurchases:
		return in.addPurchase(row)
	default:
		return in.addSignIn(in.lane(lane), row)
	}
}

func (in *Intake) lane(n int) *facts.Lane {
	if in.lanes[n] == nil {
		in.lanes[n] = in.pull.Lane()
	}
	return in.lanes[n]
}

// Close joins the lanes and writes down what a person should know.
func (in *Intake) Close() {
	if in.feed == facts.FeedSignIns {
		in.o.Join(slices.DeleteFunc(in.lanes, func(l *facts.Lane) bool { return l == nil })...)
	}
	slices.Sort(in.silent)
	for _, name := range in.silent {
		in.o.Outcomes = false
		in.note("%s does not tell success from failure: nothing counts as use", name)
	}
	slices.Sort(in.stateless)
	for _, name := range in.stateless {
		in.note("%s has no column status: whether its people work or have left is unknown, so nothing is taken from them; "+
			"name the column under columns: {status: …}", name)
	}
	for _, column := range slices.Sorted(maps.Keys(in.unmapped)) {
		in.noteUnmapped(column, in.unmapped[column])
	}
}

func (in *Intake) note(format string, args ...any) {
	in.o.Notes = append(in.o.Notes, fmt.Sprintf(format, args...))
}

// noteUnmapped names the words, the most frequent first.
func (in *Intake) noteUnmapped(column string, counts map[string]int) {
	const most = 10
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	total := 0
	var shown []string
	for n, word := range words {
		total += counts[word]
		if n < most {
			shown = append(shown, fmt.Sprintf("%s (%d)", quote(word), counts[word]))
		}
	}
	if len(words) > most {
		shown = append(shown, fmt.Sprintf("and %d other words", len(words)-most))
	}
	in.note("%d people are of unknown %s: %s; map the words under values: {%s: …}", total, column, strings.Join(shown, ", "), column)
}

// empty returns why a record is rejected that lacks one of the columns at the given positions.
func (in *Intake) empty(row Row, at ...int) string {
	for _, n := range at {
		if len(row[n]) == 0 {
			return in.columns[n].Name + " is empty"
		}
	}
	return ""
}

// spoilt returns why a record is rejected whose identifier a spreadsheet has damaged: 4.32E+18 was eighteen digits once.
func (in *Intake) spoilt(row Row, at ...int) string {
	for _, n := range at {
		if b := row[n]; scientific(b) || bytes.HasPrefix(b, []byte("#")) && slices.Contains(spreadsheetErrors, string(b)) {
			return in.columns[n].Name + " was damaged by a spreadsheet: it looks like " + shape(b)
		}
	}
	return ""
}

var spreadsheetErrors = []string{"#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"}

// scientific reports whether b is a number like 4.32E+18.
func scientific(b []byte) bool {
	mantissa, exponent, ok := bytes.Cut(b, []byte("E+"))
	return ok && len(mantissa) > 0 && len(exponent) > 0 && len(bytes.Trim(mantissa, "0123456789.,")) == 0 &&
		len(bytes.Trim(exponent, "0123456789")) == 0
}

// list splits a cell with several values; blanks around them and empty ones are dropped.
func list(cell []byte) []string {
	if len(cell) == 0 {
		return nil
	}
	mark := byte(';')
	if bytes.IndexByte(cell, 0) >= 0 {
		mark = 0
	}
	var all []string
	for part := range bytes.SplitSeq(cell, []byte{mark}) {
		if part = trim(part); len(part) > 0 {
			all = append(all, string(part))
		}
	}
	return all
}

// Parallel reports whether Add may be called from several goroutines.
func (in *Intake) Parallel() bool { return in.feed == facts.FeedSignIns }
