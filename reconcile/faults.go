package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong in a file that a person wrote: where it stands, what is wrong, and what to do.
type Fault struct {
	File   string // as the operator names it
	Line   int    // 1-based; 0 where the file as a whole is meant
	Column int    // 1-based, in characters
	Key    string // path of the key, "reclaim[1].to"; "" where the file as a whole is meant
	Reason string // what is wrong, in words that follow the key
	Hint   string // what to do; may be empty
}

// String writes "file:line:column: key: reason", without the hint.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	b.WriteString(": " + f.Reason)
	return b.String()
}

// Faults are all that is wrong in one or several files. As an error it reads one fault a line, each hint on an indented
// line of its own.
type Faults []Fault

func (f Faults) Error() string {
	var lines []string
	for _, fault := range f {
		lines = append(lines, fault.String())
		if fault.Hint != "" {
			lines = append(lines, "    hint: "+fault.Hint)
		}
	}
	return strings.Join(lines, "\n")
}

// Err returns f as an error, nil if there is no fault.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f Faults) sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Report takes one fault of a value that is being checked. The key is relative to the value; "" is the value itself.
type Report func(key, reason, hint string)

// didYouMean returns a hint that names the word closest to got, or, where none is close, all of them if they are few.
func didYouMean(got string, known []string) string {
	const few = 16
	if hint := closest(got, known); hint != "" || len(known) == 0 || len(known) > few {
		return hint
	}
	return "known are " + strings.Join(known, ", ")
}

// closest returns a hint that names the word closest to got; "" if none is close.
func closest(got string, known []string) string {
	best, least := "", max(1, len(got)/3)+1
	for _, word := range known {
		if d := distance(strings.ToLower(got), strings.ToLower(word)); d < least {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string
// alignment). Long words are compared by their first characters only.
func distance(a, b string) int {
	const longest = 64
	s, t := []rune(a), []rune(b)
	s, t = s[:min(len(s), longest)], t[:min(len(t), longest)]
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

// DidYouMean returns a hint that names the word closest to got, or, where none is close, all of them if they are few.
func DidYouMean(got string, known []string) string { return didYouMean(got, known) }
