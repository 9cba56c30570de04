package reports

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"trueup/facts"
)

// Logs of one feed that have no time in common cover nothing, and the summary does not turn that into a span.
func TestLogsWithoutCommonTimeCoverNothing(t *testing.T) {
	early, late := facts.At(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)), facts.At(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC))
	for want, span := range map[string][2]facts.Instant{"nothing": {late, early}, "2026-01-02 to 2026-03-04": {early, late}, "0\n": {facts.NoInstant, facts.NoInstant}} {
		var b strings.Builder
		p := &printer{out: bufio.NewWriter(&b), width: 80}
		p.inputs(&Summary{Complete: true, Inputs: []InputLine{{Source: "google", Feed: facts.FeedSignIns, From: span[0], To: span[1]}}})
		if err := p.out.Flush(); err != nil || !strings.HasSuffix(strings.TrimRight(b.String(), " \n")+"\n", strings.TrimSuffix(want, "\n")+"\n") {
			t.Errorf("%v: %q, %v; want %q at its end", span, b.String(), err, want)
		}
		text := signalText(ExplainedSignal{Source: "google", From: span[0], To: span[1], Complete: true})
		if covers := strings.Contains(text, "covers nothing"); covers != (want == "nothing") {
			t.Errorf("%v: %s", span, text)
		}
	}
}
