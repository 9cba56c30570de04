package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trueup/connectors"
	"trueup/facts"
)

// Settings are the keys of a source's section that say how its columns and words are named.
type Settings struct {
	// Columns gives the file's name for ours: {email: "Work Email"}.
	Columns map[string]string `yaml:"columns"`
	// Values gives our word for the file's, by our column name: {status: {"On Leave": on-leave}}. Words are compared
	// without regard to case. It works for every column; "" as our word means that there is no value.
	Values map[string]map[string]string `yaml:"values"`
}

// Writing says how dates and numbers are written.
type Writing struct {
	// Decimal is "," or "."; where it is absent, a number that could be read in two ways is rejected.
	Decimal string `yaml:"decimal"`
	// Dates is dmy or mdy where days are written like 3/4/2026, unix or unix-ms where times are seconds or milliseconds
	// since 1970; absent, such values are rejected. YYYY-MM-DD, YYYY/MM/DD and RFC 3339 are always understood.
	Dates string `yaml:"dates"`
}

// Mapping is how the records of one feed of one source become facts. It is immutable.
type Mapping struct {
	feed    facts.Feed
	columns []Column
	values  []map[string][]byte // by column: lower-case word of the file to ours; nil where there are none
	decimal byte                // 0 where nothing is said
	dates   string
}

// New checks the configuration of one source, for all the feeds it reads, and returns a mapping for each. All errors are
// returned joined, each naming its key.
func New(feeds []facts.Feed, s Settings, w Writing) (map[facts.Feed]*Mapping, error) {
	errs := []error{check(feeds, s), w.check()}
	all := map[facts.Feed]*Mapping{}
	for _, feed := range feeds {
		m := &Mapping{feed: feed, columns: columns(feed), dates: w.Dates}
		if w.Decimal != "" {
			m.decimal = w.Decimal[0]
		}
		m.values = make([]map[string][]byte, len(m.columns))
		for n := range m.columns {
			c := &m.columns[n]
			if title := s.Columns[c.Name]; title != "" {
				c.Title = title
			}
			m.values[n] = words(s.Values[c.Name])
			errs = append(errs, closed(c.Name, s.Values[c.Name]))
		}
		all[feed] = m
	}
	return all, errors.Join(errs...)
}

// Columns returns the feed's columns, in the order of a [Row].
func (m *Mapping) Columns() []Column { return m.columns }

func words(of map[string]string) map[string][]byte {
	if len(of) == 0 {
		return nil
	}
	folded := make(map[string][]byte, len(of))
	for word, ours := range of {
		folded[strings.ToLower(strings.TrimSpace(word))] = []byte(ours)
	}
	return folded
}

// check reports names of columns that no feed of the source has, and words that stand twice.
func check(feeds []facts.Feed, s Settings) error {
	var known []string
	for _, feed := range feeds {
		for _, c := range columns(feed) {
			known = append(known, c.Name)
		}
	}
	var errs []error
	unknown := func(key, name string) {
		if !slices.Contains(known, name) {
			e := &connectors.Error{Place: key + "." + name, Reason: "no such column", Hint: "columns are " + strings.Join(known, ", ")}
			if near := nearest(name, known); near != "" {
				e.Hint = fmt.Sprintf("did you mean %s?", near)
			}
			errs = append(errs, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		unknown("columns", name)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		unknown("values", name)
		seen := map[string]string{}
		for _, word := range slices.Sorted(maps.Keys(s.Values[name])) {
			folded := strings.ToLower(strings.TrimSpace(word))
			if before, twice := seen[folded]; twice && s.Values[name][before] != s.Values[name][word] {
				errs = append(errs, &connectors.Error{Place: "values." + name, Reason: fmt.Sprintf(
					"%q and %q differ in case only and mean different things", before, word)})
			}
			seen[folded] = word
		}
	}
	return errors.Join(errs...)
}

func (w Writing) check() error {
	var errs []error
	if !slices.Contains([]string{"", ",", "."}, w.Decimal) {
		errs = append(errs, &connectors.Error{Place: "decimal", Reason: fmt.Sprintf("%q is no decimal mark", w.Decimal),
			Hint: `write "," or "."`})
	}
	if !slices.Contains([]string{"", "dmy", "mdy", "unix", "unix-ms"}, w.Dates) {
		errs = append(errs, &connectors.Error{Place: "dates", Reason: fmt.Sprintf("%q is no way to write dates", w.Dates),
			Hint: "write dmy, mdy, unix or unix-ms; ISO dates need nothing"})
	}
	return errors.Join(errs...)
}

// closed reports words that are not of a column's closed list.
func closed(column string, values map[string]string) error {
	lists := map[string][]string{"kind": facts.KindNames(), "status": facts.StatusNames(), "outcome": {"success", "failure"},
		"interactive": {"true", "false"}, "auto_renew": {"true", "false"}, "true_down": {"true", "false"},
		"price_per": {"month", "year", "term"}}
	list := lists[column]
	if list == nil {
		return nil
	}
	var errs []error
	for _, word := range slices.Sorted(maps.Keys(values)) {
		if ours := values[word]; ours != "" && !slices.Contains(list, ours) {
			errs = append(errs, &connectors.Error{Place: "values." + column + "." + word, Reason: fmt.Sprintf("%q is no %s", ours, column),
				Hint: "it is one of " + strings.Join(list, ", ")})
		}
	}
	return errors.Join(errs...)
}

// Row is the text of one record, by column of the feed; nil where the record has none. Values of a list stand in one
// cell, separated by semicolons, or each ended by a NUL where the format keeps them apart. The bytes may be changed and
// are only borrowed.
type Row = [][]byte

// translate drops blanks around cells and replaces the file's words by ours.
func (m *Mapping) translate(row Row) {
	for n, cell := range row {
		if len(cell) == 0 {
			continue
		}
		row[n] = trim(cell)
		if words := m.values[n]; words != nil {
			row[n] = translated(words, row[n])
		}
	}
}

// trim drops ASCII blanks; most cells have none. An empty cell stays one: nil would say that there is no such column.
func trim(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func translated(words map[string][]byte, cell []byte) []byte {
	if ours, ok := words[string(cell)]; ok {
		return ours
	}
	if ours, ok := words[strings.ToLower(string(cell))]; ok {
		return ours
	}
	return cell
}
