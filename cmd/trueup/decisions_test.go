package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDecisionsAreOfFactsOnly decides the same facts in different folders, from the archive, and from files that are cut
// and ordered otherwise: the digest of what was decided is the same each time.
func TestDecisionsAreOfFactsOnly(t *testing.T) {
	asOf := []string{"--as-of", monday.Format("2006-01-02T15:04:05Z")}
	codes := []int{exitWithheld}
	first := newFolder(t, monday, "")
	want := first.plan(codes, asOf...)
	if want.Decisions == "" || len(want.Rows) == 0 {
		t.Fatalf("nothing was decided: %+v", want)
	}
	t.Run("another folder", func(t *testing.T) {
		sameDecisions(t, newFolder(t, monday, "").plan(codes, asOf...), want)
	})
	t.Run("offline", func(t *testing.T) {
		for _, name := range []string{"okta", "entra", "exports", "salesforce", "github", "google", "contracts.csv"} {
			if err := os.Rename(first.path(name), first.path(name+"-gone")); err != nil {
				t.Fatal(err)
			}
		}
		sameDecisions(t, first.plan(codes, append(asOf, "--offline")...), want)
	})
	t.Run("cut and ordered otherwise", func(t *testing.T) {
		other := newFolder(t, monday, "")
		other.divideTable("exports/hr-berlin.csv", "exports/hr-berlin-2.csv")
		other.divideTable("contracts.csv", "")
		other.divideLines("okta/system-log-01.jsonl.gz", "okta/system-log-99.jsonl.gz")
		sameDecisions(t, other.plan(codes, asOf...), want)
	})
	t.Run("other facts", func(t *testing.T) {
		other := newFolder(t, monday, "")
		other.replace("contracts.csv", "EUR", "CHF")
		if got := other.plan(codes, asOf...); got.Decisions == want.Decisions {
			t.Error("other contracts, and the same decisions")
		}
	})
}

func sameDecisions(t *testing.T, got, want *planDocument) {
	t.Helper()
	if got.Decisions == want.Decisions {
		return
	}
	t.Errorf("decisions %s, want %s", got.Decisions, want.Decisions)
	if len(got.Rows) != len(want.Rows) {
		t.Fatalf("%d rows, want %d", len(got.Rows), len(want.Rows))
	}
	for n := range got.Rows {
		if a, b := got.Rows[n].flat(), want.Rows[n].flat(); a != b {
			t.Fatalf("the first row that differs\n got  %s\n want %s", a, b)
		}
	}
}

// divideTable moves every second record of a CSV file to another file, and reverses the order of both. Without another
// file it reverses only.
func (s *site) divideTable(name, other string) {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n")+"\n", "\n")
	head, lines := lines[0], slices.DeleteFunc(lines[1:], func(l string) bool { return l == "" })
	slices.Reverse(lines)
	if other != "" {
		half := everySecond(&lines)
		s.write(other, []byte(head+strings.Join(half, "")))
	}
	s.write(name, []byte(head+strings.Join(lines, "")))
}

// divideLines does the same to a compressed file of lines.
func (s *site) divideLines(name, other string) {
	s.t.Helper()
	f, err := os.Open(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		s.t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(l string) bool { return l == "" })
	slices.Reverse(lines)
	half := everySecond(&lines)
	s.write(other, zipped(s.t, strings.Join(half, "")))
	s.write(name, zipped(s.t, strings.Join(lines, "")))
}

func everySecond(lines *[]string) (taken []string) {
	var left []string
	for n, line := range *lines {
		if n%2 == 0 {
			taken = append(taken, line)
		} else {
			left = append(left, line)
		}
	}
	*lines = left
	return taken
}

func (s *site) write(name string, body []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), body, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
