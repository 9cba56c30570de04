package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
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

func content(t *testing.T, s Store, key string) string {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPutIsCreateOnly(t *testing.T) {
	f, dir := folder(t)
	for range 2 { // the second time is success without effect
		if err := put(t, f, "runs/run=1/book.xlsx", "first"); err != nil {
			t.Fatal(err)
		}
	}
	err := put(t, f, "runs/run=1/book.xlsx", "second")
	exists, ok := errors.AsType[*ExistsError](err)
	if !ok || exists.Key != "runs/run=1/book.xlsx" || exists.Have != sha256.Sum256([]byte("first")) {
		t.Errorf("put of other content: %v; want an ExistsError that names the object", err)
	}
	if got := content(t, f, "runs/run=1/book.xlsx"); got != "first" {
		t.Errorf("content %q, want the first", got)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, partial)); len(left) != 0 {
		t.Errorf("drafts left behind: %v", left)
	}
}

func TestPutRefusesBytesThatAreNotTheAnnounced(t *testing.T) {
	f, dir := folder(t)
	err := f.Put(t.Context(), "a", strings.NewReader("tampered"), sha256.Sum256([]byte("real")))
	if _, ok := errors.AsType[*MismatchError](err); !ok {
		t.Errorf("error %v, want a MismatchError", err)
	}
	if _, err := f.Stat(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v, want that nothing is there", err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, partial)); len(left) != 0 {
		t.Errorf("drafts left behind: %v", left)
	}
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

func TestNothingHalfWrittenIsVisible(t *testing.T) {
	f, dir := folder(t)
	err := f.Put(t.Context(), "a", broken{strings.NewReader("half")}, sha256.Sum256([]byte("half and half")))
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v, want the reader's", err)
	}
	if err := os.WriteFile(filepath.Join(dir, partial, "of-a-killed-process"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for info, err := range f.List(t.Context(), "") {
		t.Errorf("listed %v, %v; want nothing", info, err)
	}
	if _, err := f.Get(t.Context(), partial+"/of-a-killed-process"); err == nil {
		t.Error("a draft can be read")
	}
}

// Many writers with different content race for one name, each through a store of its own: one wins, its object is whole,
// all others are told.
func TestRacingWritersLeaveOneWholeObject(t *testing.T) {
	_, dir := folder(t)
	const writers = 32
	contents := make([]string, writers)
	results := make([]error, writers)
	var start, all sync.WaitGroup
	start.Add(1)
	for n := range writers {
		contents[n] = strings.Repeat(fmt.Sprintf("writer %d;", n), 20_000)
		f, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		all.Go(func() {
			start.Wait()
			results[n] = put(t, f, "latest/book", contents[n])
		})
	}
	start.Done()
	all.Wait()
	winner := -1
	for n, err := range results {
		if err == nil {
			if winner >= 0 {
				t.Errorf("writers %d and %d both won", winner, n)
			}
			winner = n
		} else if _, ok := errors.AsType[*ExistsError](err); !ok {
			t.Errorf("writer %d: %v, want an ExistsError", n, err)
		}
	}
	f, _ := OpenFolder(dir)
	defer f.Close()
	if winner < 0 || content(t, f, "latest/book") != contents[winner] {
		t.Errorf("winner %d, and the object is not what it wrote", winner)
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

func TestListIsInOrderOfKeys(t *testing.T) {
	f, _ := folder(t)
	keys := []string{"a/b", "a.b", "a/c/d", "a-b", "b", "a/c.d"}
	for _, key := range keys {
		if err := put(t, f, key, key); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "a", "a/", "a/c", "a/c/d", "b", "c"} {
		var want, got []string
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		for info, err := range f.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if info.Bytes != int64(len(info.Key)) {
				t.Errorf("%s: %d bytes, want %d", info.Key, info.Bytes, len(info.Key))
			}
			got = append(got, info.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("list %q: %v, want %v", prefix, got, want)
		}
	}
}

func TestPutStopsWithItsContext(t *testing.T) {
	f, _ := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Put(ctx, "a", bytes.NewReader(nil), sha256.Sum256(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
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
