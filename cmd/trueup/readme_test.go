package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestReadmeIsCurrent checks, and with -update rewrites, the table of kinds and the transcript in the README. The
// transcript is what the test of the demo saw.
func TestReadmeIsCurrent(t *testing.T) {
	const path = "../../README.md"
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceBetween(string(readme), "<!-- capabilities -->\n", "<!-- /capabilities -->", capabilityTable())
	if err != nil {
		t.Fatal(err)
	}
	if want, err = replaceBetween(want, "<!-- transcript -->\n", "<!-- /transcript -->", transcript(t)); err != nil {
		t.Fatal(err)
	}
	if want == string(readme) {
		return
	}
	if !*update {
		t.Fatal("README.md is not current: make generate")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replaceBetween replaces what stands between two marks.
func replaceBetween(text, from, to, with string) (string, error) {
	head, rest, ok := strings.Cut(text, from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		return "", fmt.Errorf("no %s … %s", strings.TrimSpace(from), to)
	}
	return head + from + with + to + tail, nil
}

func transcript(t *testing.T) string {
	t.Helper()
	said, err := os.ReadFile("testdata/demo.golden")
	if err != nil {
		t.Fatal(err)
	}
	return "```text\n" + strings.ReplaceAll(string(said), "DEMO/", "trueup-demo/") + "```\n"
}

func capabilityTable() string {
	var b strings.Builder
	b.WriteString("| kind | what | from files | live | writes | log may lag |\n|---|---|---|---|---|---|\n")
	for _, c := range capabilities() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", c.Kind, c.Title, words(c.Exports), words(c.Live), words(c.Writes), c.Lag)
	}
	return b.String()
}
