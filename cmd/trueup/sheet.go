package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// sheet is a small table, for a terminal or for Markdown.
type sheet struct {
	title string
	head  []string
	rows  [][]string
	note  string // what follows the table
}

func (s *sheet) add(cells ...string) { s.rows = append(s.rows, cells) }

// writeText writes the table for people at a terminal.
func (s *sheet) writeText(out io.Writer) error {
	if s.title != "" {
		fmt.Fprintf(out, "\n%s\n", s.title)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range s.lines() {
		line := make([]string, len(row))
		for n, cell := range row {
			line[n] = dash(plainText(cell))
		}
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.note != "" {
		fmt.Fprintf(out, "  %s\n", s.note)
	}
	return nil
}

// lines are the rows under their head; none if there are no rows.
func (s *sheet) lines() [][]string {
	if len(s.rows) == 0 {
		return nil
	}
	return append([][]string{s.head}, s.rows...)
}

// writeMarkdown writes the table in GitHub's Markdown. What people or vendors named stands in code spans, so that no name
// becomes a mention, a link or a tag.
func (s *sheet) writeMarkdown(out io.Writer) error {
	if s.title != "" {
		fmt.Fprintf(out, "\n### %s\n\n", s.title)
	}
	if len(s.rows) > 0 {
		fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(s.head, " | "), strings.Repeat("---|", len(s.head)))
	}
	for _, row := range s.rows {
		cells := make([]string, len(row))
		for n, cell := range row {
			cells[n] = codeSpan(cell)
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
	if s.note != "" && len(s.rows) > 0 {
		fmt.Fprintln(out)
	}
	if s.note != "" {
		fmt.Fprintln(out, s.note)
	}
	return nil
}

// codeSpan quotes text for a cell of a Markdown table; figures and plain words stand as they are.
func codeSpan(s string) string {
	harmless := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune(" .,-+%", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(plainText(s)) + "`"
}

// plainText replaces what a terminal or a renderer would act on.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
