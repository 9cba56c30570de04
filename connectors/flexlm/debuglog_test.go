package flexlm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

const logStart = ` 7:00:00 (lmgrd) -----------------------------------------------
 7:00:00 (lmgrd) FlexNet Licensing (v11.19.6 build 1 x64_lsb) started on lic1 (linux) (11/16/2026)
 7:00:01 (MLM) FlexNet Licensing version v11.19.6 build 1 x64_lsb
 7:00:01 (MLM) Server started on lic1 for:	MATLAB
 7:00:01 (MLM) EXTERNAL FILTERS are OFF
`

// beats are the TIMESTAMP lines of whole days.
func beats(days ...string) string {
	text := ""
	for _, day := range days {
		for _, hour := range []string{" 0", " 6", "12", "18"} {
			text += fmt.Sprintf("%s:01:00 (lmgrd) TIMESTAMP %s\n", hour, day)
		}
	}
	return text
}

func TestDebugLog(t *testing.T) {
	config := "files: {counters: '*.log'}"
	for _, c := range []struct {
		says  string
		files []string
		want  []string
		notes []string
	}{
		{says: "what is out at midnight is out on both days; the day of the start is seen from then on",
			files: []string{"a.log", logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n11:00:00 (MLM) OUT: \"MATLAB\" ben@pc2  (2 licenses)\n" +
				"16:00:00 (MLM) IN: \"MATLAB\" ana@pc1  (USER_EXITED)\n22:00:00 (lmgrd) TIMESTAMP 11/16/2026\n 2:00:00 (MLM) IN: \"MATLAB\" ben@pc2  (2 licenses)\n" +
				" 8:00:00 (lmgrd) TIMESTAMP 11/17/2026\n14:00:00 (lmgrd) TIMESTAMP 11/17/2026\n20:00:00 (lmgrd) TIMESTAMP 11/17/2026\n 0:30:00 (lmgrd) TIMESTAMP 11/18/2026\n"},
			want: []string{"MATLAB 2026-11-16 3/-1 r-1 d0 n0 u420", "MATLAB 2026-11-17 2/-1 r-1 d0 n0 u0", "MATLAB 2026-11-18 0/-1 r-1 d0 n0 u1410"}},
		{says: "a daemon that starts again has nothing out",
			files: []string{"a.log", logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n10:01:00 (MLM) OUT: \"MATLAB\" ben@pc2\n" +
				"11:00:00 (lmgrd) Restarted MLM (internet tcp_port 1 pid 2)\n11:00:01 (MLM) Server started on lic1 for:	MATLAB\n" +
				"12:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n12:30:00 (MLM) IN: \"MATLAB\" ben@pc2\n"},
			want:  []string{"MATLAB 2026-11-16 2/-1 r-1 d0 n0 u690"},
			notes: []string{"1 licences were given back that the log never showed taken"}},
		{says: "denials for want of a licence count, others are told",
			files: []string{"a.log", logStart + "10:00:00 (MLM) DENIED: \"MATLAB\" ana@pc1  (Licensed number of users already reached. (-4,342))\n" +
				"10:05:00 (MLM) DENIED: \"MATLAB\" ana@pc1  (Licensed number of users already reached. (-4,342:10054 \"x\"))\n" +
				"10:06:00 (MLM) DENIED: \"MATLAB\" ana@pc1  (User/host not on INCLUDE list for feature. (-39,147))\n12:00:00 (lmgrd) TIMESTAMP 11/16/2026\n"},
			want:  []string{"MATLAB 2026-11-16 0/-1 r-1 d2 n0 u720"},
			notes: []string{"1 requests were denied for another reason than want of a licence (error -39)"}},
		{says: "a log that begins in the middle: what is given back was out before, and no day is covered",
			files: []string{"a.log", " 9:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n10:00:00 (MLM) IN: \"MATLAB\" ben@pc2\n11:00:00 (MLM) TIMESTAMP 11/16/2026\n"},
			want:  []string{"MATLAB 2026-11-16 2/-1 r-1 d-1 n0 u1440"}},
		{says: "a log goes on in the next file",
			files: []string{"a.log", logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n14:00:00 (lmgrd) TIMESTAMP 11/16/2026\n18:00:00 (lmgrd) TIMESTAMP 11/16/2026\n",
				"b.log", "19:00:00 (lmgrd) TIMESTAMP 11/16/2026\n20:00:00 (MLM) OUT: \"MATLAB\" ben@pc2\n23:59:59 (lmgrd) TIMESTAMP 11/16/2026\n"},
			want: []string{"MATLAB 2026-11-16 2/-1 r-1 d0 n0 u420"}},
		{says: "but not over a gap",
			files: []string{"a.log", logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n12:00:00 (lmgrd) TIMESTAMP 11/16/2026\n",
				"b.log", "12:00:00 (lmgrd) TIMESTAMP 11/18/2026\n20:00:00 (MLM) OUT: \"MATLAB\" ben@pc2\n"},
			want: []string{"MATLAB 2026-11-16 1/-1 r-1 d0 n0 u720", "MATLAB 2026-11-18 1/-1 r-1 d-1 n0 u1440"}},
		{says: "silence is not seen, but for a server that was not running",
			files: []string{"a.log", logStart + " 8:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n 9:00:00 (MLM) IN: \"MATLAB\" ana@pc1\n23:59:59 (lmgrd) TIMESTAMP 11/16/2026\n" +
				beats("11/17/2026") + " 9:00:00 (lmgrd) TIMESTAMP 11/18/2026\n" +
				"23:30:00 (lmgrd) FlexNet Licensing (v11.19.6 build 1 x64_lsb) started on lic1 (linux) (11/18/2026)\n23:59:59 (lmgrd) TIMESTAMP 11/18/2026\n"},
			want: []string{"MATLAB 2026-11-16 1/-1 r-1 d0 n0 u900", "MATLAB 2026-11-17 0/-1 r-1 d0 n0 u359", "MATLAB 2026-11-18 0/-1 r-1 d0 n0 u540"}},
		{says: "a licence file says how many stood, and which features nobody took",
			files: []string{"a.log", logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n12:00:00 (lmgrd) TIMESTAMP 11/16/2026\n",
				"b.log", "INCREMENT MATLAB MLM 47 permanent 5 SIGN=1\nINCREMENT Toolbox MLM 47 permanent 2\nINCREMENT Else other 1 permanent 3\n"},
			want: []string{"MATLAB 2026-11-16 1/5 r-1 d0 n0 u720", "Toolbox 2026-11-16 0/2 r-1 d0 n0 u720"}},
		{says: "lmstat and the log together", files: []string{"a.log", logStart + "10:00:00 (MLM) OUT: \"MATLAB\" ana@pc1\n12:00:00 (lmgrd) TIMESTAMP 11/16/2026\n",
			"b.log", answer("Mon 11/16/2026 14:00", "40 licenses issued;  Total of 7 licenses", "")},
			want: []string{"MATLAB 2026-11-16 7/40 r0 d0 n1 u600"}},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := good(t, connectortest.Folder(t, c.files...), facts.FeedCounters, config)
			connectortest.Same(t, "days", daysOf(o), c.want...)
			connectortest.Same(t, "notes", o.Notes, c.notes...)
			connectortest.Same(t, "rejections", connectortest.Rejects(o))
		})
	}
}

func TestDebugLogDates(t *testing.T) {
	o := good(t, connectortest.Folder(t, "a.log", "23:50:00 (MLM) OUT: \"A\" ana@pc1\n 0:10:00 (MLM) OUT: \"B\" ana@pc1\n23:59:59 (lmgrd) other\n 0:20:00 (MLM) TIMESTAMP 10/26/2026\n"+
		" 2:30:00 (MLM) OUT: \"C\" x y@pc1\n"), facts.FeedSignIns, "files: {sign-ins: a.log}")
	connectortest.Same(t, "sign-ins", signInsOf(o), "ana A 2026-10-25T22:50:00Z 1", "ana B 2026-10-25T23:10:00Z 1", "x y C 2026-10-26T01:30:00Z 1")

	// On the night in which clocks go back, 2:30 is shown twice; the later one counts, and no day is lost.
	o = good(t, connectortest.Folder(t, "a.log", " 2:30:00 (MLM) TIMESTAMP 10/25/2026\n 2:10:00 (MLM) OUT: \"A\" ana@pc1\n 3:10:00 (MLM) OUT: \"B\" ana@pc1\n"),
		facts.FeedSignIns, "files: {sign-ins: a.log}")
	connectortest.Same(t, "sign-ins", signInsOf(o), "ana A 2026-10-25T01:10:00Z 1", "ana B 2026-10-25T02:10:00Z 1")

	for text, want := range map[string]string{
		"10:00:00 (MLM) OUT: \"A\" ana@pc1\n": "lic: a.log: is a debug log without a date: no header and no TIMESTAMP line",
		"INCREMENT A v 1 permanent 1 \\\n":    "lic: a.log: ends in a line that goes on",
		"10:00:00 (MLM) TIMESTAMP 10/25/2026\n10:00:00 (MLM) OUT: A ana@pc1\n10:00:01 (MLM) OUT: \"A\" ana\n": "a.log:2 a.log:3",
	} {
		o, err := pull(t, connectortest.Folder(t, "a.log", text), facts.FeedCounters, "files: {counters: a.log}", asOf)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprintf("%s:%d %s:%d", o.Rejects[0].File, o.Rejects[0].Line, o.Rejects[1].File, o.Rejects[1].Line)
		}
		if got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// move is a checkout of some licences, or their return, at a minute after the start.
type move struct {
	minute, who int
	out         bool
	n           int64
}

// TestPeaks compares the sweep over a debug log with counting what is out at every minute.
func TestPeaks(t *testing.T) {
	const days = 3
	rapid.Check(t, func(t *rapid.T) {
		held := map[int]int64{}
		var moves []move
		minute := 0
		for range rapid.IntRange(0, 40).Draw(t, "moves") {
			minute += rapid.IntRange(1, 300).Draw(t, "pause")
			who := rapid.IntRange(0, 3).Draw(t, "who")
			m := move{minute, who, held[who] == 0 || rapid.Bool().Draw(t, "out"), rapid.Int64Range(1, 3).Draw(t, "n")}
			if !m.out {
				m.n = min(m.n, held[who])
			}
			if minute >= days*24*60 {
				break
			}
			held[who] += map[bool]int64{true: m.n, false: -m.n}[m.out]
			moves = append(moves, m)
		}
		calendar := facts.NewCalendar(time.UTC)
		tally := newTally(calendar, calendar, asOf)
		sweep := newSweep(tally)
		log := &debugLog{clock: calendar, event: sweep.event}
		for n, line := range logLines(moves, days) {
			if _, reason := log.line(line); reason != "" {
				t.Fatalf("line %d %q: %s", n, line, reason)
			}
		}
		sweep.close()
		first := facts.Date(2026, 11, 10)
		for day := range facts.Day(days) {
			want := brute(moves, int(day))
			got := int64(0)
			if f := tally.features["F"]; f != nil && f.days[first+day] != nil {
				got = f.days[first+day].logged
			}
			if got != want {
				t.Fatalf("day %d: %d out, want %d; %v", day, got, want, moves)
			}
		}
	})
}

// logLines writes the log of a server that starts at midnight on 10 November 2026.
func logLines(moves []move, days int) []string {
	lines := []string{" 0:00:00 (lmgrd) FlexNet Licensing (v11) started on lic1 (linux) (11/10/2026)", " 0:00:00 (V) Server started on lic1 for: F"}
	type stamped struct {
		minute int
		text   string
	}
	var all []stamped
	for hour := 6; hour <= days*24; hour += 6 {
		date := facts.Date(2026, 11, 10) + facts.Day(hour/24)
		y, m, d := date.Civil()
		all = append(all, stamped{hour * 60, fmt.Sprintf("(lmgrd) TIMESTAMP %d/%d/%d", int(m), d, y)})
	}
	for _, m := range moves {
		word := map[bool]string{true: "OUT", false: "IN"}[m.out]
		all = append(all, stamped{m.minute, fmt.Sprintf("(V) %s: \"F\" u%d@pc  (%d licenses)", word, m.who, m.n)})
	}
	slices.SortStableFunc(all, func(a, b stamped) int { return a.minute - b.minute })
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%2d:%02d:00 %s", s.minute/60%24, s.minute%60, s.text))
	}
	return lines
}

// brute counts what is out at each minute of a day.
func brute(moves []move, day int) (peak int64) {
	for minute := day * 24 * 60; minute < (day+1)*24*60; minute++ {
		out := int64(0)
		for _, m := range moves {
			switch {
			case m.minute > minute:
			case m.out:
				out += m.n
			default:
				out -= m.n
			}
		}
		peak = max(peak, out)
	}
	return peak
}
