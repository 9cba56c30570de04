package csv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

// TestSeatsMakeNoGarbage checks that reading a seat costs no allocation of its own, so that a million seats cost the
// columns they fill and little else.
func TestSeatsMakeNoGarbage(t *testing.T) {
	const rows = 50_000
	content := "account,product,assigned,path\n" + strings.Repeat("ana@example.com,figma,2026-01-02T03:04:05Z,direct\n", rows)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "seats.csv"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := open(connectortest.Section(dir, "feed: seats\nfiles: seats.csv"))
	if err != nil {
		t.Fatal(err)
	}
	p := connectortest.Pull(facts.FeedSeats, 1, &connectortest.Raw{})
	allocations := testing.AllocsPerRun(1, func() {
		if o, err := source.Pull(t.Context(), p); err != nil || o.Seats.Len() != rows {
			t.Errorf("%d seats, error %v", o.Seats.Len(), err)
		}
	})
	if allocations > rows/50 {
		t.Errorf("%.0f allocations for %d seats", allocations, rows)
	}
}
