package mapping

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// integer reads a whole number.
func (m *Mapping) integer(b []byte) (int64, string) {
	text, fault := m.number(b)
	if fault != "" {
		return 0, fault
	}
	if whole, tail, ok := strings.Cut(text, "."); ok && strings.Trim(tail, "0") == "" {
		text = whole
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, "is no whole number: it looks like " + shape(b)
	}
	return v, ""
}

// amount reads a decimal number.
func (m *Mapping) amount(b []byte) (decimal.Decimal, string) {
	text, fault := m.number(b)
	if fault != "" {
		return decimal.Decimal{}, fault
	}
	v, err := decimal.Parse(text)
	if err != nil {
		return decimal.Decimal{}, "is no decimal number: it looks like " + shape(b)
	}
	return v, ""
}

// number returns b as digits with an optional minus and an optional dot, without thousands marks.
func (m *Mapping) number(b []byte) (text, fault string) {
	wrong := "is no number: it looks like " + shape(b)
	sign, body := "", string(b)
	if strings.HasPrefix(body, "-") {
		sign, body = "-", body[1:]
	}
	body = blankMarks.Replace(body)
	mark, fault := m.mark(body)
	if fault != "" {
		return "", fault + " (it looks like " + shape(b) + "): say decimal: \",\" or decimal: \".\""
	}
	whole, tail, fractional := body, "", false
	if mark != 0 {
		whole, tail, fractional = strings.Cut(body, string(mark))
	}
	whole, ok := ungrouped(whole)
	if !ok || fractional && tail == "" || strings.Trim(tail, "0123456789") != "" {
		return "", wrong
	}
	if fractional {
		whole += "." + tail
	}
	return sign + whole, ""
}

// blankMarks turns blanks and apostrophes between thousands into one sign.
var blankMarks = strings.NewReplacer(" ", "'", "\u00a0", "'", "\u202f", "'", "\u2019", "'")

// mark says which byte is the decimal mark; 0 if there is none.
func (m *Mapping) mark(body string) (mark byte, fault string) {
	if m.decimal != 0 {
		return m.decimal, ""
	}
	at := strings.LastIndexAny(body, ".,")
	if at < 0 {
		return 0, ""
	}
	last := body[at]
	switch before := body[:at]; {
	case strings.IndexByte(before, last) >= 0:
		return '.' + ',' - last, "" // it stands several times, so it marks thousands
	case strings.ContainsAny(before, ".,'"), len(body)-at != 4, before == "0", len(before) > 3, before == "":
		return last, ""
	}
	return 0, "could be thousands or a fraction"
}

// ungrouped drops thousands marks; ok is false if they differ or do not stand between groups of three.
func ungrouped(s string) (string, bool) {
	groups := []string{s}
	if at := strings.IndexAny(s, ".,'"); at >= 0 {
		groups = strings.Split(s, s[at:at+1])
	}
	for n, g := range groups {
		if g == "" || strings.Trim(g, "0123456789") != "" || n > 0 && len(g) != 3 || len(groups) > 1 && len(g) > 3 {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// yes reads true, yes, false or no; ok is false for anything else.
func yes(b []byte) (value, ok bool) {
	switch {
	case bytes.EqualFold(b, []byte("true")), bytes.EqualFold(b, []byte("yes")):
		return true, true
	case bytes.EqualFold(b, []byte("false")), bytes.EqualFold(b, []byte("no")):
		return false, true
	}
	return false, false
}
