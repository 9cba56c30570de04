package workbook

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest is how many UTF-16 code units an Excel cell holds; room is kept for the mark of a cut.
const (
	longest = 32_767
	cutMark = " … [cut]"
)

// Texts counts what had to be done to texts so that a spreadsheet shows them as text.
type Texts struct {
	Neutralised int // an apostrophe was put in front of what a spreadsheet could take for a formula
	Replaced    int // control characters and the like became U+FFFD
	Cut         int // longer than a cell holds
}

// safe returns s as the text of a cell. What begins with =, +, -, @, TAB, CR or NUL, or with apostrophes before one of
// these, gets one apostrophe in front: a cell of type text is no formula, but it becomes one when the sheet is saved as
// CSV and opened again (OWASP ASVS 5.0, 1.2.10). Taking one apostrophe away gives s back.
func (t *Texts) safe(s string) string {
	if s == "" {
		return s
	}
	neutral := dangerous(s)
	if bad(s) {
		s = strings.Map(replace, strings.ToValidUTF8(s, "\uFFFD"))
		t.Replaced++
	}
	if neutral {
		s = "'" + s
		t.Neutralised++
	}
	if len(s) > longest && units(s) > longest {
		s = cut(s, longest-len(cutMark)) + cutMark
		t.Cut++
	}
	return s
}

func dangerous(s string) bool {
	rest := strings.TrimLeft(s, "'")
	if rest == "" {
		return false
	}
	first, _ := utf8.DecodeRuneInString(rest)
	switch first {
	case '=', '+', '-', '@', '\t', '\r', '\x00', '＝', '＋', '－', '＠':
		return true
	}
	return false
}

func bad(s string) bool {
	for n := range len(s) {
		if s[n] < ' ' || s[n] >= 0x7f {
			return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return replace(r) != r })
		}
	}
	return false
}

// replace turns what XML or a reader of the sheet cannot bear into U+FFFD: control characters but line feed and tab,
// non-characters, and marks that reverse the direction of text.
func replace(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return '\uFFFD'
	}
	return r
}

// units counts UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// cut returns the beginning of s that takes at most limit code units.
func cut(s string, limit int) string {
	n := 0
	for at, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
		if n > limit {
			return s[:at]
		}
	}
	return s
}
