package deploy

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// bare is a root as the image's last stage lays it out and nothing else: no shell, no /etc/passwd, no /tmp, no /proc. It is
// mounted read-only but for the folders of VOLUME, and the program runs in it as the image's user with no environment.
type bare struct {
	im  image
	dir string // the root, seen from outside
}

func newBare(t *testing.T) bare {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount and to change the root")
	}
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("needs a mount namespace: unshare: %v", err)
	}
	b := bare{im: readImage(t), dir: t.TempDir()}
	path, _ := program(t)
	for target, source := range b.im.copies {
		if err := os.MkdirAll(filepath.Join(b.dir, filepath.Dir(target)), 0o755); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(source, "/trueup"):
			b.copy(t, path, target, 0o755)
		case strings.HasSuffix(target, "/"): // an empty tree that the user owns
			b.folders(t, target)
		default: // from the build stage's system; this one's stands for it
			b.copy(t, source, target, 0o644)
		}
	}
	for _, dir := range []string{b.dir, filepath.Dir(b.dir)} { // the user has to get there
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b bare) copy(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Skipf("this machine has no %s to put into the root", from)
	}
	if err := os.WriteFile(filepath.Join(b.dir, to), content, mode); err != nil {
		t.Fatal(err)
	}
}

// folders makes the volumes below target and gives them to the image's user.
func (b bare) folders(t *testing.T, target string) {
	t.Helper()
	for _, folder := range append([]string{target}, b.im.volumes...) {
		if !strings.HasPrefix(folder, target) {
			t.Errorf("volume %s is not below %s, so the user would not own it", folder, target)
		}
		path := filepath.Join(b.dir, folder)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := exec.CommandContext(t.Context(), "chown", b.im.user, path).Run(); err != nil {
			t.Fatal(err)
		}
	}
}

// write lays a file into the root, as somebody who prepares a volume would.
func (b bare) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// confine remounts the root read-only, the folders named after the user writable, and leaves for good.
const confine = `set -e
root=$1 user=$2 work=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind "$root$1" "$root$1"; shift; done; shift
mount -o remount,bind,ro "$root"
cd "$root"
exec env -i /usr/sbin/chroot --userspec="$user" --groups= . "$@"`

// run runs the program and returns its exit code. extra are more folders that may be written to.
func (b bare) run(t *testing.T, extra []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	full := append([]string{"--mount", "sh", "-c", confine, "sh", b.dir, b.im.user, b.im.workdir}, b.im.volumes...)
	full = append(append(append(full, extra...), "--"), b.im.entrypoint...)
	cmd := exec.CommandContext(t.Context(), "unshare", append(full, args...)...)
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), diagnostics.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), diagnostics.String()
}

func (b bare) must(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, stdout, stderr := b.run(t, nil, args...)
	if code != want {
		t.Errorf("trueup %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout + stderr
}

// TestWholeJobInBareRoot does everything a night does where nothing is but the program, its certificates and two folders.
func TestWholeJobInBareRoot(t *testing.T) {
	b := newBare(t)
	const done, withheld, unreachable = 0, 3, 5
	config := "/trueup/var/demo/trueup.yaml"
	b.must(t, done, "init", "/trueup/var/new")
	b.must(t, done, "demo", "/trueup/var/demo")
	b.must(t, unreachable, "check", "--config", config) // the demo's vendor is gone once the demo is
	b.must(t, withheld, "plan", "--config", config)
	b.must(t, withheld, "run", "--config", config)
	b.must(t, done, "ledger", "verify", "--config", config)
	b.must(t, done, "report", "latest", "--config", config, "--out", "/trueup/out/again")
	if runs := b.must(t, done, "runs", "show", "latest", "--output", "json", "--config", config); !strings.Contains(runs, "uid 65532@") {
		t.Errorf("the run does not say whose it was: %s", runs)
	}
	books, err := filepath.Glob(filepath.Join(b.dir, "trueup/var/demo/out/run=*/*.xlsx"))
	if err != nil || len(books) != 2 {
		t.Errorf("workbooks %v (%v); want those of demo and run", books, err)
	}
	if left, _ := filepath.Glob(filepath.Join(b.dir, "trueup/var/demo/var/archive/.spool/*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestRootIsReadOnly makes sure that the root of these tests is what it is said to be.
func TestRootIsReadOnly(t *testing.T) {
	b := newBare(t)
	if out := b.must(t, 4, "init", "/trueup/new"); !strings.Contains(out, "read-only") {
		t.Errorf("writing beside the volumes: %s", out)
	}
	if out := b.must(t, 4, "init", "/usr/new"); !strings.Contains(out, "read-only") && !strings.Contains(out, "permission denied") {
		t.Errorf("writing into the system: %s", out)
	}
}

// TestConfigMapInBareRoot runs the manifests' configuration as Kubernetes lays it: files are links into a hidden folder that
// is swapped as a whole, none of it can be written to, and all that is written goes to the volume.
func TestConfigMapInBareRoot(t *testing.T) {
	b := newBare(t)
	spec := manifestsOf(t, "nightly").pod.Spec
	mounted := map[string]string{} // by volume
	for _, mount := range spec.Containers[0].VolumeMounts {
		mounted[mount.Name] = mount.MountPath
	}
	config, data := mounted["config"], mounted["data"]
	for name, content := range configFiles(t) {
		b.write(t, config+"/..2026_06_29/"+name, content)
		if err := os.Symlink("..data/"+name, filepath.Join(b.dir, config, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..2026_06_29", filepath.Join(b.dir, config, "..data")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"hr-2026.csv": "Employee ID,Work Email,Status,Dept,CC,Start Date,End Date\n1,ana@example.com,Active,Design,100,2020-01-01,\n",
		"okta/users.json": `[{"id":"00u1","status":"ACTIVE","created":"2020-01-01T00:00:00.000Z","profile":` +
			`{"login":"ana@example.com","email":"ana@example.com","employeeNumber":"1"}}]`,
		"okta/system-log.jsonl": `{"uuid":"1","published":"2026-06-28T08:00:00.000Z","eventType":"user.authentication.sso",` +
			`"outcome":{"result":"SUCCESS"},"actor":{"id":"00u1","type":"User","alternateId":"ana@example.com"},` +
			`"target":[{"id":"0oa1","type":"AppInstance","displayName":"Figma"}]}` + "\n",
		"figma-seats.csv": "account,product,assigned\nana@example.com,figma,2024-01-01\n",
	} {
		b.write(t, data+"/exports/"+name, content)
	}
	writable := []string{data, mounted["temporary"]}
	for _, folder := range writable {
		path := filepath.Join(b.dir, folder)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o777); err != nil { // fsGroup does it there
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		want []int
	}{
		{[]string{"check", "--config", config + "/trueup.yaml"}, []int{0}},
		{spec.Containers[0].Args, []int{0, 3}}, // the log of one day proves nothing idle
	} {
		code, stdout, stderr := b.run(t, writable, c.args...)
		if !slices.Contains(c.want, code) {
			t.Errorf("trueup %s: exit %d, want %v\n%s%s", strings.Join(c.args, " "), code, c.want, stdout, stderr)
		}
	}
	if books, _ := filepath.Glob(filepath.Join(b.dir, data, "out/run=*/*.xlsx")); len(books) != 1 {
		t.Errorf("workbooks %v; want one", books)
	}
}

// configFiles is what the manifests' ConfigMap holds.
func configFiles(t *testing.T) map[string]string {
	t.Helper()
	for id, object := range manifestsOf(t, "nightly").objects {
		if m, ok := object.(*corev1.ConfigMap); ok && strings.HasPrefix(id, "ConfigMap/trueup-") {
			return m.Data
		}
	}
	t.Fatal("no ConfigMap")
	return nil
}
