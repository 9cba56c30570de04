package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// TestNoSecretLeaks runs the job with secrets from a file and from the environment, right and wrong ones, and looks for
// them, and for what the vendor handed out for them, in everything that is said and everything that is written.
func TestNoSecretLeaks(t *testing.T) {
	s := newSite(t, monday)
	const wrong = "canary-3f1c9a7e"
	t.Setenv("TRUEUP_TEST_SECRET", wrong)
	right := strings.TrimSpace(read(t, s.path("keys/entra.secret")))
	key := read(t, s.path("keys/licences/signing.key"))
	secrets := []string{right, wrong, "fake.1.token", strings.Split(key, "\n")[1]}

	var said strings.Builder
	hear := func(r result) { said.WriteString(r.out + r.err) }
	commands := [][]string{{"check"}, {"check", "--output", "json"}, {"pull", "--verbose"}, {"plan", "--verbose"}, {"plan", "--output", "json"},
		{"run", "--verbose"}, {"runs"}, {"runs", "show", "latest", "--output", "json"}, {"explain", "E0181"}, {"apply", "latest"},
		{"run", "--log-format", "json", "--verbose"}, {"report", "latest", "--out", s.path("report")}}
	for _, command := range commands {
		hear(s.trueup(command...))
	}
	if len(s.vendor.Effects()) == 0 {
		t.Fatal("the secret was not used")
	}
	for _, reference := range []string{"env:TRUEUP_TEST_SECRET", "env:TRUEUP_TEST_UNSET", "file:keys/none", wrong} {
		text := read(t, s.path("trueup.yaml"))
		s.replace("trueup.yaml", "client_secret: file:keys/entra.secret", "client_secret: "+reference)
		for _, command := range [][]string{{"check", "--output", "json"}, {"run", "--verbose"}, {"apply", "latest"}} {
			hear(s.trueup(command...))
		}
		s.write("trueup.yaml", []byte(text))
	}
	for _, place := range []string{"store: sqlite:var/trueup.db", "archive: file:var/archive", "publish: [file:out]"} {
		text := read(t, s.path("trueup.yaml"))
		name, _, _ := strings.Cut(place, ":")
		s.replace("trueup.yaml", place, name+": [postgres://user:"+wrong+"@db.example/x]")
		if name != "publish" {
			s.replace("trueup.yaml", "["+"postgres://user:"+wrong+"@db.example/x]", "postgres://user:"+wrong+"@db.example/x")
		}
		r := s.must(exitUsage, "plan")
		if !strings.Contains(r.err, "holds a password") {
			t.Errorf("a password under %s: %s", name, r.err)
		}
		hear(r)
		s.write("trueup.yaml", []byte(text))
	}
	for _, secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("%.8s… was said", secret)
		}
	}
	for _, dir := range []string{"var", "out", "report"} {
		everyFile(t, s.path(dir), func(path string, body []byte) {
			for _, secret := range secrets {
				if bytes.Contains(body, []byte(secret)) {
					t.Errorf("%.8s… stands in %s", secret, path)
				}
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everyFile visits the files below a folder, as they are and unpacked.
func everyFile(t *testing.T, dir string, visit func(path string, body []byte)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		visit(path, body)
		unpacked, err := unpack(path, body)
		if err == nil && unpacked != nil {
			visit(path, unpacked)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%s: %d files, %v", dir, files, err)
	}
}

func unpack(path string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch filepath.Ext(path) {
	case ".zst":
		r, err = zstd.NewReader(bytes.NewReader(body))
	case ".gz":
		r, err = gzip.NewReader(bytes.NewReader(body))
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestSecretFromSystemd hands a secret over as systemd does: in a folder that only the environment names.
func TestSecretFromSystemd(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "secret_entra"), []byte("canary\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	const reference = "file:${CREDENTIALS_DIRECTORY}/secret_entra"
	for given, want := range map[string]string{folder: "canary", "": "", "relative": ""} {
		a := &app{environment: environment{getenv: func(string) string { return given }}}
		got, err := a.secret(&settings{dir: t.TempDir()})(reference)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("CREDENTIALS_DIRECTORY=%q: %q, %v; want %q", given, got, err, want)
		}
		if err != nil && !strings.Contains(hint(err), "LoadCredential") {
			t.Errorf("hint %q", hint(err))
		}
	}
}
