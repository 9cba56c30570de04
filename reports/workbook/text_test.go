package workbook

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSafe holds what every cell's text must be, whatever was read: no beginning of a formula, no control character, no
// more than a cell holds; and where nothing had to be replaced or cut, the text can be had back.
func FuzzSafe(f *testing.F) {
	for _, seed := range []string{"", "=1", "'=1", "''", "'", "\x00=1", "\ta", "plain", "\xff\xfe", "a\x07b", "＋1", "\u202e",
		strings.Repeat("😀", 20_000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, read string) {
		var texts Texts
		cell := texts.safe(read)
		if !utf8.ValidString(cell) || units(cell) > longest {
			t.Fatalf("%q: not a cell's text", cell)
		}
		if strings.IndexAny(cell, "=+-@\t\r\x00") == 0 {
			t.Fatalf("%q begins like a formula", cell)
		}
		for _, r := range cell {
			if r != '\n' && r != '\t' && (r < ' ' || r == 0x7f) {
				t.Fatalf("%q holds the control character %q", cell, r)
			}
		}
		if texts.Cut > 0 || texts.Replaced > 0 {
			return
		}
		back := cell
		if dangerous(cell) {
			back = cell[1:]
		}
		if back != read {
			t.Fatalf("%q was read, %q stands, %q is had back", read, cell, back)
		}
	})
}
