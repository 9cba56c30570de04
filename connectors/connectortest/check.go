package connectortest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// Folder puts files, given by name and content in turn, into a new folder and returns its path.
func Folder(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for n := 0; n < len(files); n += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[n]), []byte(files[n+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Same fails the test unless the lines are those that are wanted.
func Same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// Golden compares got with a file, which it writes first if update is set.
func Golden(t testing.TB, path, got string, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// Rejects writes what was refused, a line each: file, line and reason.
func Rejects(o *facts.Observation) []string {
	var lines []string
	for _, r := range o.Rejects {
		lines = append(lines, fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Reason))
	}
	return lines
}

// Seats writes the seats in the order in which they were read: account, login, item, path and when it was given.
func Seats(o *facts.Observation) []string {
	var lines []string
	s, text := &o.Seats, o.Strings.Text
	for n := range s.Len() {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", text(s.Account[n]), text(s.Login[n]), text(s.Product[n]), text(s.Path[n]), s.Assigned[n]))
	}
	return lines
}

// Said writes what an observation says beside its facts: counts, coverage, rejections, notes.
func Said(o *facts.Observation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, %d rejected, complete %t, from %v to %v, lag %v\n", o.Rows, o.Rejected, o.Complete, o.From, o.To, o.Lag)
	for _, line := range Rejects(o) {
		fmt.Fprintf(&b, "rejected %s\n", line)
	}
	for _, note := range o.Notes {
		fmt.Fprintf(&b, "note %s\n", note)
	}
	return b.String()
}
