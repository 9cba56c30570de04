package flexlm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

// FuzzLines reads the lines of anything as what they look like: it ends in facts that make sense.
func FuzzLines(f *testing.F) {
	for _, name := range []string{"lmstat_app4.txt", "lmstat_i_app1.txt", "lmstat_i_app2.txt", "lmstat_server_down.txt", "portworx_increments.lic"} {
		content, err := os.ReadFile(filepath.Join(samples, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	f.Add(logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n 9:00:00 (MLM) IN: \"MATLAB\" ana@pc1  (2 licenses)\n 9:00:00 (MLM) DENIED: \"F\" x@y  (full (-4,342))\n")
	f.Add(answer("Fri 11/20/2026 8:00", "40 licenses issued;  Total of 2 licenses", "    a b c (v) (h/p 1), start Mon 2/29 1:00, 3 licenses\n\t1 RESERVATION for HOST x (a/b)\n"))
	f.Add("PACKAGE S v 1 COMPONENTS=\"A B:1:2\"\nINCREMENT S v 1 permanent 4 SUPERSEDE=\"F G\" ISSUED=1-jan-2026 \\\n START=1-jan-2025\n")
	berlin := connectortest.Berlin()
	pull := connectors.Pull{AsOf: asOf, Calendar: berlin}
	f.Fuzz(func(t *testing.T, content string) {
		o := facts.NewObservation("lic", facts.FeedCounters, asOf)
		tally, book := newTally(berlin, berlin, asOf), &book{}
		sweep := newSweep(tally)
		to := sinks{snapshot: tally.snapshot, event: sweep.event, grant: func(g grant) { book.add(g, 1) }}
		var shape form
		for line := range strings.SplitSeq(content, "\n") {
			if strings.TrimSpace(line) == "" || !readable([]byte(line)) {
				continue
			}
			if shape == nil {
				shape = (&source{}).formOf(line, pull, to)
			}
			if shape != nil {
				shape.line(line)
			}
		}
		if shape != nil {
			shape.end()
		}
		sweep.close()
		tally.report(o, book.standing(), sweep)
		book.purchases(o)
		for n := range o.Concurrent.Len() {
			if d := o.Concurrent.At(n, o.Strings); d.Peak < 0 || d.Limit < facts.NotTold || d.Unseen < 0 || d.Unseen > 26*60 || d.Denied < facts.NotTold {
				t.Errorf("%+v", d)
			}
		}
		for _, p := range o.Purchases {
			if p.Quantity < 0 {
				t.Errorf("%+v", p)
			}
		}
	})
}
