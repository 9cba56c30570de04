package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestHelp reads the help of every command: it says what the command is for, shows how to call it and lists its exit
// codes, all of them known ones.
func TestHelp(t *testing.T) {
	a := &app{environment: environment{stdout: io.Discard, stderr: io.Discard}}
	code := regexp.MustCompile(`(?m)^ +(\d+)  (.+)$`)
	names := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if !cmd.HasParent() {
			return
		}
		names++
		r := invoke(t.Context(), time.Now, append(strings.Fields(cmd.CommandPath())[1:], "--help")...)
		if r.code != exitDone || r.err != "" {
			t.Errorf("%s --help exits with %d\n%s", cmd.CommandPath(), r.code, r.err)
		}
		for _, part := range []string{"Usage:", "Examples:\n  trueup ", "Exit codes:\n", "    0  done\n"} {
			if !strings.Contains(r.out, part) {
				t.Errorf("%s --help lacks %q", cmd.CommandPath(), part)
			}
		}
		_, list, _ := strings.Cut(r.out, "Exit codes:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for _, line := range code.FindAllStringSubmatch(list, -1) {
			known := false
			for _, meaning := range exitMeanings {
				known = known || meaning == line[2]
			}
			if !known {
				t.Errorf("%s --help: %s is no exit code", cmd.CommandPath(), line[0])
			}
		}
	}
	visit(a.root())
	if names < 15 {
		t.Errorf("only %d commands", names)
	}
}

// TestCompletion asks for the script of each shell, and has the shells that are there read theirs.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		t.Run(shell, func(t *testing.T) {
			r := invoke(t.Context(), time.Now, "completion", shell)
			if r.code != exitDone || !strings.Contains(r.out, "trueup") {
				t.Fatalf("exit %d: %s", r.code, r.err)
			}
			if shell == "powershell" {
				return // it is not to be had on the systems that run the tests
			}
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s to read the script with", shell)
			}
			check := exec.Command(path, "-n")
			check.Stdin = strings.NewReader(r.out)
			if said, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s refuses the script: %v\n%s", shell, err, said)
			}
		})
	}
	if r := invoke(t.Context(), time.Now, "completion", "tcsh"); r.code != exitUsage || !strings.Contains(r.err, "hint: bash, zsh, fish") {
		t.Errorf("an unknown shell: exit %d, %s", r.code, r.err)
	}
	if r := invoke(t.Context(), time.Now, "__complete", "pl"); !strings.Contains(r.out, "plan\t") {
		t.Errorf("pl completes to %q", r.out)
	}
}

// TestVoice listens to what is said on standard error in its forms.
func TestVoice(t *testing.T) {
	o := newOffice(t)
	o.write("log.csv", "")
	loud := o.trueup("plan")
	if !strings.Contains(loud.err, "warning: log sign-ins: ") || !strings.Contains(loud.err, "\nhint: ") {
		t.Errorf("a warning with a hint, not %q", loud.err)
	}
	if quiet := o.trueup("plan", "--quiet"); quiet.err != "" || quiet.code != loud.code || quiet.out == "" {
		t.Errorf("quiet: exit %d, %q", quiet.code, quiet.err)
	}
	said := entries(t, o.trueup("run", "--log-format", "json", "--verbose").err)
	for _, level := range []string{"debug", "info", "warning"} {
		if !slices.ContainsFunc(said, func(e map[string]any) bool { return e["level"] == level }) {
			t.Errorf("nothing of level %s in %v", level, said)
		}
	}
	failed := o.trueup("explain", "nobody", "--log-format", "json", "--quiet")
	if said := entries(t, failed.err); len(said) != 1 || said[0]["level"] != "error" || said[0]["exit"] != float64(exitUsage) ||
		said[0]["hint"] == "" || failed.out != "" {
		t.Errorf("an error is %v, and on standard output %q", said, failed.out)
	}
	for _, id := range []string{"nonsense", ""} {
		for _, command := range [][]string{{"runs", "show"}, {"apply"}, {"report"}} {
			if r := o.trueup(append(command, id)...); r.code != exitUsage || !strings.Contains(r.err, "hint: ") || r.out != "" {
				t.Errorf("%v %q: exit %d, %q", command, id, r.code, r.err)
			}
		}
	}
}

// entries reads lines of JSON.
func entries(t *testing.T, text string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// TestColour checks that colours appear only where they are wanted.
func TestColour(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		name     string
		colour   bool
		args     []string
		coloured bool
	}{
		{"terminal", true, nil, true}, {"no terminal", false, nil, false}, {"--no-color", true, []string{"--no-color"}, false},
		{"JSON", true, []string{"--output", "json"}, false}, {"CSV", true, []string{"--output", "csv"}, false},
	} {
		var out, err strings.Builder
		code := execute(t.Context(), environment{args: append(c.args, "plan", "--config", o.dir+"/trueup.yaml"), stdout: &out, stderr: &err,
			colour: c.colour, getenv: func(string) string { return "" }, now: o.clock.now, who: "tester@here", build: "test", workers: 2})
		if coloured := strings.Contains(out.String(), "\x1b["); code != exitDone || coloured != c.coloured {
			t.Errorf("%s: exit %d, coloured %v, want %v\n%s", c.name, code, coloured, c.coloured, err.String())
		}
	}
}
