package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exposed is the highest exposure, times ten, that systemd-analyze security may give a service; 100 is no protection at all.
// systemd 252 gives 12: the rest is the network, which the job is about.
const exposed = "15"

func analyze(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("needs systemd-analyze, of Debian's package systemd")
	}
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", args...)
	cmd.Env = append(os.Environ(), "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0")
	if out, err := cmd.CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
		t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func units(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "deploy/systemd", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no units: %v", err)
	}
	return paths
}

func TestUnitsAreValid(t *testing.T) {
	path, _ := program(t)
	dir := t.TempDir()
	var copies []string
	for _, unit := range units(t, "*") {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		// verify wants the program to be there; that it lies at /usr/bin is the package's business
		text = bytes.ReplaceAll(text, []byte("/usr/bin/trueup "), []byte(path+" "))
		name := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, name)
	}
	analyze(t, append([]string{"verify", "--man=no"}, copies...)...)
}

func TestServicesAreSandboxed(t *testing.T) {
	for _, unit := range units(t, "*.service") {
		analyze(t, "security", "--offline=true", "--threshold="+exposed, unit)
	}
}

// settings reads a unit; a key that stands more than once has several values.
func settings(t *testing.T, unit string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(string(readFile(t, "deploy/systemd/"+unit))) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			found[key] = append(found[key], value)
		}
	}
	return found
}

// TestServicesAreAlike: run and serve are the same program on the same data, so they are confined alike.
func TestServicesAreAlike(t *testing.T) {
	own := []string{"Description", "Conflicts", "Type", "ExecStart", "SuccessExitStatus", "TimeoutStartSec", "Restart", "RestartSec",
		"RestartPreventExitStatus", "Nice", "IOSchedulingClass", "WantedBy"}
	a, b := settings(t, "trueup.service"), settings(t, "trueup-serve.service")
	for key := range a {
		if !slices.Contains(own, key) && !slices.Equal(a[key], b[key]) {
			t.Errorf("%s is %q in trueup.service and %q in trueup-serve.service", key, a[key], b[key])
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok && !slices.Contains(own, key) {
			t.Errorf("%s stands in trueup-serve.service only", key)
		}
	}
}

// TestCommandsOfUnits makes sure that the program knows what the units tell it.
func TestCommandsOfUnits(t *testing.T) {
	path, _ := program(t)
	for _, unit := range units(t, "*.service") {
		line := settings(t, filepath.Base(unit))["ExecStart"]
		if len(line) != 1 {
			t.Fatalf("%s: ExecStart %q", unit, line)
		}
		understands(t, path, strings.Fields(line[0])[1:])
	}
}

// understands fails if the program does not know a command or flag. It is asked for help, so nothing is done.
func understands(t *testing.T, path string, args []string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), path, append(slices.Clone(args), "--help")...).CombinedOutput(); err != nil ||
		!strings.Contains(string(out), "trueup "+args[0]) {
		t.Errorf("trueup %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
