package mapping

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// Column is one of the columns of a feed.
type Column struct {
	Name     string // ours
	Title    string // the file's: as configured, or Name
	Required bool
	// FromFile says that the product to which the configuration ties a file replaces a missing column.
	FromFile bool
	List     bool // a cell may hold several values
}

// columns returns the columns of a feed. The positions are those of the constants beside each feed's converter.
func columns(feed facts.Feed) []Column {
	switch feed {
	case facts.FeedPeople:
		return named("id!", "email", "aliases*", "employee_id", "name", "kind", "status", "department", "cost_centre", "manager",
			"groups*", "role", "hired", "left", "leave_from", "leave_to")
	case facts.FeedSeats:
		return named("account!", "login", "product!@", "path*", "cost_centre", "assigned")
	case facts.FeedCounters:
		return named("product!@", "purchased!", "consumed!", "day", "peak", "limit", "reserved", "denied", "samples", "unseen")
	case facts.FeedPurchases:
		return named("contract", "product!@", "quantity!", "unit_price", "price_per", "currency", "billing", "start", "end", "notice",
			"auto_renew", "renew_term", "commit_floor", "true_down", "pool", "cost_centre", "order")
	default:
		return named("time!", "account!", "login", "application!@", "outcome", "interactive")
	}
}

// named makes columns; behind a name an exclamation mark says required, an at sign that the file may tell, an asterisk that
// it is a list.
func named(names ...string) []Column {
	all := make([]Column, len(names))
	for n, name := range names {
		bare := strings.TrimRight(name, "!@*")
		all[n] = Column{Name: bare, Title: bare, Required: strings.Contains(name, "!"), FromFile: strings.Contains(name, "@"),
			List: strings.Contains(name, "*")}
	}
	return all
}

// Bind finds the feed's columns in a header and returns the position of each, or -1. Titles are compared exactly, then
// without regard to case and blanks around them. It fails if a required column is missing, or if a column that is wanted
// stands twice.
func (m *Mapping) Bind(f *exports.File, header [][]byte) ([]int, error) {
	at := make([]int, len(m.columns))
	for n, c := range m.columns {
		var err error
		if at[n], err = find(f, header, c.Title); err != nil {
			return nil, err
		}
	}
	present := make([]bool, len(at))
	for n := range at {
		present[n] = at[n] >= 0
	}
	return at, m.missing(f, present, titles(header))
}

func find(f *exports.File, header [][]byte, title string) (int, error) {
	exact, folded := -1, -1
	for n, h := range header {
		switch {
		case string(h) == title && exact >= 0:
			return 0, f.Fault(connectors.Permanent, 1, fmt.Sprintf("column %q stands twice", title),
				"remove one of them, or name another column under columns:")
		case string(h) == title:
			exact = n
		case strings.EqualFold(string(bytes.TrimSpace(h)), title):
			if folded >= 0 && exact < 0 {
				return 0, f.Fault(connectors.Permanent, 1, fmt.Sprintf("column %q stands twice", title),
					"write it under columns: exactly as the file does")
			}
			folded = n
		}
	}
	if exact >= 0 {
		return exact, nil
	}
	return folded, nil
}

// missing returns an error that names the first required column which is not present, with what the file has instead.
func (m *Mapping) missing(f *exports.File, present []bool, found []string) error {
	for n, c := range m.columns {
		if present[n] || !c.Required || c.FromFile && f.Product != "" || m.daily(present, n) {
			continue
		}
		if !slices.Contains(present, true) && slices.ContainsFunc(found, isData) {
			return f.Fault(connectors.Permanent, 1, "the first line looks like a record, not like a header",
				fmt.Sprintf("export it with a header; column %q is wanted for %s", c.Title, c.Name))
		}
		reason := fmt.Sprintf("no column %q for %s; found %s", c.Title, c.Name, listed(found))
		hint := fmt.Sprintf("name the file's column: columns: {%s: …}", c.Name)
		if near := nearest(c.Title, found); near != "" {
			hint = fmt.Sprintf("did you mean %q? columns: {%s: %q}", near, c.Name, near)
		}
		return f.Fault(connectors.Permanent, 1, reason, hint)
	}
	return nil
}

// daily reports whether a column of counters is not needed because the file tells concurrent use day by day.
func (m *Mapping) daily(present []bool, n int) bool {
	return m.feed == facts.FeedCounters && (n == counterPurchased || n == counterConsumed) && present[counterDay] && present[counterPeak]
}

// isData reports whether a title is hardly one: an address, a date, a number. Such a line is not shown to anybody.
func isData(title string) bool {
	_, _, _, _, date := isoDate([]byte(title))
	return date || strings.Contains(title, "@") || title != "" && strings.Trim(title, "0123456789.,-") == ""
}

// listed writes names for people, cut where they are many or long: a header may be a row of data.
func listed(names []string) string {
	const most = 20
	quoted := make([]string, 0, most+1)
	for n, name := range names {
		if n == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		quoted = append(quoted, quote(name))
	}
	if len(quoted) == 0 {
		return "none"
	}
	return strings.Join(quoted, ", ")
}

// quote quotes text for people, cut after 40 characters.
func quote(text string) string {
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

func titles(header [][]byte) []string {
	all := make([]string, len(header))
	for n, h := range header {
		all[n] = string(h)
	}
	return all
}

// nearest returns the name that is most like want, or "".
func nearest(want string, names []string) string {
	best := slices.MinFunc(append([]string{""}, names...), func(a, b string) int {
		return cmp.Compare(distance(plain(want), plain(a)), distance(plain(want), plain(b)))
	})
	if distance(plain(want), plain(best)) > len(plain(want))/3 {
		return ""
	}
	return best
}

// plain leaves letters and digits only, in lower case.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127 {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// distance is how many bytes must be added, dropped or replaced to turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			if a[i] != b[j] {
				diagonal++
			}
			row[j+1] = min(diagonal, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
