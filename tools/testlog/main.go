// Command testlog reads the output of go test -json and says what a person wants to know: each package on a line, the
// output of what failed, every skipped test with its reason, and a closing count. With TRUEUP_NO_SKIP set a skipped test
// is a failure.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

// event is a line of go test -json (cmd/test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

type key struct{ pkg, test string }

func main() {
	output := map[key][]string{}
	counts := map[string]int{}
	var failed, skipped []key
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // build output stands between the events
			continue
		}
		k := key{e.Package, e.Test}
		switch e.Action {
		case "output", "build-output":
			output[k] = append(output[k], e.Output)
		case "pass", "fail", "skip":
			if e.Test == "" {
				if len(output[k]) > 0 && e.Action != "skip" {
					fmt.Printf("%-5s %-40s %6.1f s\n", map[string]string{"pass": "ok", "fail": "FAIL"}[e.Action], e.Package, e.Elapsed)
				}
				if e.Action == "fail" {
					failed = append(failed, k)
				}
				continue
			}
			counts[e.Action]++
			switch e.Action {
			case "fail":
				failed = append(failed, k)
			case "skip":
				skipped = append(skipped, k)
			default:
				delete(output, k)
			}
		}
	}
	for _, k := range failed {
		fmt.Printf("\n=== %s %s\n%s", k.pkg, k.test, strings.Join(output[k], ""))
	}
	sort.Slice(skipped, func(a, b int) bool { return skipped[a].pkg+skipped[a].test < skipped[b].pkg+skipped[b].test })
	if len(skipped) > 0 {
		fmt.Println("\nskipped:")
	}
	for _, k := range skipped {
		fmt.Printf("  %s %s: %s\n", k.pkg, k.test, reason(output[k]))
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", counts["pass"], counts["fail"], counts["skip"])
	if len(failed) > 0 || lines.Err() != nil || os.Getenv("TRUEUP_NO_SKIP") != "" && len(skipped) > 0 {
		os.Exit(1)
	}
}

// reason finds what t.Skip was told.
func reason(lines []string) string {
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if _, after, ok := strings.Cut(text, ".go:"); ok && !strings.HasPrefix(text, "===") && !strings.HasPrefix(text, "---") {
			if _, said, ok := strings.Cut(after, ": "); ok {
				return said
			}
		}
	}
	return "no reason given"
}
