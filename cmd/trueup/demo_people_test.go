package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A demo of too few people is a mistake of usage, and nothing is written.
func TestDemoNeedsItsPeople(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	r := invoke(t.Context(), time.Now, "demo", dir, "--people", "599")
	if r.code != exitUsage || !strings.Contains(r.err, "600 is the least") || !strings.Contains(r.err, "hint: ") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
