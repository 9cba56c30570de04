package blob

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func folder(t *testing.T) (*Folder, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

func put(t *testing.T, s Store, key, content string) error {
	t.Helper()
	return s.Put(t.Context(), key, strings.NewReader(content), sha256.Sum256([]byte(content)))
}

// broken gives some bytes, then fails.
type broken struct{ *strings.Reader }

var errBroken = errors.New("line lost")

func (b broken) Read(p []byte) (int, error) {
	if b.Len() == 0 {
		return 0, errBroken
	}
	return b.Reader.Read(p)
}

// Whatever becomes of a put, no draft of it stays; [blobtest.Exercise] has the rest.
func TestNoDraftsAreLeft(t *testing.T) {
	f, dir := folder(t)
	first := put(t, f, "a", "first")
	other := put(t, f, "a", "second")
	tampered := f.Put(t.Context(), "b", strings.NewReader("tampered"), sha256.Sum256([]byte("real")))
	half := f.Put(t.Context(), "c", broken{strings.NewReader("half")}, sha256.Sum256([]byte("half")))
	if first != nil || other == nil || tampered == nil || !errors.Is(half, errBroken) {
		t.Errorf("%v, %v, %v, %v; want that only the first one is put", first, other, tampered, half)
	}
	if left, err := os.ReadDir(filepath.Join(dir, partial)); len(left) != 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("drafts left behind: %v, %v", left, err)
	}
}

func TestDraftsAreNotVisible(t *testing.T) {
	f, dir := folder(t)
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, partial), 0o755), os.WriteFile(filepath.Join(dir, partial, "of-a-killed-process"), []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for info, err := range f.List(t.Context(), "") {
		t.Errorf("listed %v, %v; want nothing", info, err)
	}
	if _, err := f.Get(t.Context(), partial+"/of-a-killed-process"); err == nil {
		t.Error("a draft can be read")
	}
}

func TestKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"a": true, "runs/run=20261122T020000Z-abc/book.xlsx": true, "A_b-c.d": true,
		"": false, "/a": false, "a/": false, "a//b": false, "..": false, "a/../b": false, "a/.hidden": false,
		"a b": false, "a\\b": false, "ä": false, "a\x00": false, strings.Repeat("a", 1025): false,
	} {
		if err := CheckKey(key); (err == nil) != want {
			t.Errorf("CheckKey(%q) = %v, want accepted %v", key, err, want)
		}
	}
}

func TestKeysCannotLeaveTheFolder(t *testing.T) {
	f, dir := folder(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := put(t, f, "link/a", "x"); err == nil {
		t.Error("a symbolic link leads out of the folder")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("written outside: %v", left)
	}
}

func TestLocations(t *testing.T) {
	base := t.TempDir()
	s, err := Open(t.Context(), "file:out/books", Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, "a", "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(base, "out", "books", "a")); err != nil {
		t.Error(err)
	}
	for _, location := range []string{"s3:bucket", "s3://", "s3://B", "s3://bucket/a//b", "s3://bucket/a b", "out", "file:", "ftp:there"} {
		_, err := Open(t.Context(), location, Options{Base: base})
		if fault, ok := errors.AsType[*Error](err); !ok || fault.Hint == "" {
			t.Errorf("open %q: %v; want an error with a hint", location, err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), "file:file/below", Options{Base: base}); err == nil {
		t.Error("a folder below a file was opened")
	}
}

func TestSweepRemovesOldDraftsOnly(t *testing.T) {
	f, dir := folder(t)
	day := time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC)
	if err := f.Sweep(t.Context(), day); err != nil {
		t.Errorf("nothing was ever written: %v", err)
	}
	if err := put(t, f, "kept", "published"); err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]time.Time{partial + "/dead": day.Add(-time.Second), partial + "/alive": day, "kept": day.AddDate(-1, 0, 0)} {
		path := filepath.Join(dir, name)
		if name != "kept" {
			if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Sweep(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{partial + "/dead": false, partial + "/alive": true, "kept": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v; want it to be there: %t", name, err, want)
		}
	}
}
