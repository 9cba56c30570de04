package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"trueup/blob"
	"trueup/facts"
)

func archive(t testing.TB) (*Archive, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := blob.OpenFolder(filepath.Join(dir, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return NewArchive(store, filepath.Join(dir, "spool")), dir
}

// keep archives content, written in pieces.
func keep(t testing.TB, a *Archive, content []byte, piece int) (facts.Digest, error) {
	t.Helper()
	w, err := a.Create(t.Context(), "hr.csv")
	if err != nil {
		return facts.Digest{}, err
	}
	for b := content; len(b) > 0; {
		n := min(piece, len(b))
		if _, err := w.Write(b[:n]); err != nil {
			w.Abort()
			return facts.Digest{}, err
		}
		b = b[n:]
	}
	got, size, err := w.Commit()
	if err == nil && size != int64(len(content)) {
		t.Errorf("size %d, want %d", size, len(content))
	}
	return got, err
}

func reading(t testing.TB, a *Archive, of facts.Digest) ([]byte, error) {
	t.Helper()
	r, err := a.Open(t.Context(), of)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchiveRoundTrip(t *testing.T) {
	text := strings.Repeat("E1042,ana@example.com,Active\r\n", 10_000)
	packer, _ := zstd.NewWriter(nil)
	for name, c := range map[string]struct {
		content []byte
		suffix  string
		at      int64 // most bytes that the object may have
	}{
		"text": {[]byte(text), ".zst", int64(len(text)) / 50},
		"gzip": {zipped(t, text), ".received.gz", int64(len(zipped(t, text)))},
		"zstd": {packer.EncodeAll([]byte(text), nil), ".received.zst", 10_000},
		"none": {nil, ".zst", 100},
		"one":  {[]byte{0x1f}, ".zst", 100},
	} {
		t.Run(name, func(t *testing.T) {
			a, dir := archive(t)
			for range 2 { // what is there already is not kept twice
				got, err := keep(t, a, c.content, 4096)
				if err != nil || got != sum(string(c.content)) {
					t.Fatalf("digest %s, %v; want %s", got, err, sum(string(c.content)))
				}
			}
			back, err := reading(t, a, sum(string(c.content)))
			if err != nil || !bytes.Equal(back, c.content) {
				t.Errorf("read back %d bytes, %v; want %d", len(back), err, len(c.content))
			}
			left := files(t, dir)
			if len(left) != 1 || !strings.HasSuffix(left[0], c.suffix) {
				t.Fatalf("files %v; want one object %s and an empty spool", left, c.suffix)
			}
			if info, _ := os.Stat(left[0]); info.Size() > c.at {
				t.Errorf("the object has %d bytes, at most %d were expected", info.Size(), c.at)
			}
		})
	}
}

func TestArchiveRoundTripOfAnyBytes(t *testing.T) {
	a, _ := archive(t)
	rapid.Check(t, func(r *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(r, "content")
		of, err := keep(t, a, content, rapid.IntRange(1, 600).Draw(r, "piece"))
		if err != nil {
			r.Fatal(err)
		}
		if back, err := reading(t, a, of); err != nil || !bytes.Equal(back, content) {
			r.Fatalf("read back %d bytes, %v; want %d", len(back), err, len(content))
		}
	})
}

func TestArchiveNoticesDamage(t *testing.T) {
	content := zipped(t, strings.Repeat("a line of an export\n", 5000))
	other, _ := zstd.NewWriter(nil)
	for name, damage := range map[string]func([]byte) []byte{
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"replaced":  func([]byte) []byte { return other.EncodeAll([]byte("something else"), nil) },
		"empty":     func([]byte) []byte { return nil },
	} {
		for _, content := range [][]byte{content, []byte(strings.Repeat("a line of an export\n", 5000))} {
			a, dir := archive(t)
			of, err := keep(t, a, content, 1000)
			if err != nil {
				t.Fatal(err)
			}
			object := files(t, dir)[0]
			b, err := os.ReadFile(object)
			if err != nil {
				t.Fatal(err)
			}
			write(t, object, string(damage(b)))
			if _, err := reading(t, a, of); err == nil {
				t.Errorf("%s: read without an error", name)
			} else if _, ok := errors.AsType[*CorruptError](err); !ok {
				t.Errorf("%s: %v, want a CorruptError", name, err)
			}
		}
	}
}

func TestArchiveForgets(t *testing.T) {
	a, dir := archive(t)
	w, err := a.Create(t.Context(), "hr.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := a.Open(t.Context(), sum("half")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open what was never kept: %v", err)
	}
}

func TestReferencingKeepsNothing(t *testing.T) {
	a, dir := archive(t)
	kept, err := keep(t, a, []byte("kept"), 10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keep(t, a.Referencing(), []byte("seen"), 2)
	if err != nil || got != sum("seen") || len(files(t, dir)) != 1 {
		t.Errorf("digest %s, %v, files %v", got, err, files(t, dir))
	}
	if b, err := reading(t, a.Referencing(), kept); err != nil || string(b) != "kept" {
		t.Errorf("what the archive has: %q, %v", b, err)
	}
	if got, err := keep(t, Discard(), []byte("seen"), 2); err != nil || got != (facts.Digest{}) {
		t.Errorf("discarded: %s, %v", got, err)
	}
}

// Several goroutines that keep the same bytes leave one object, and all get its digest.
func TestArchiveSideBySide(t *testing.T) {
	a, dir := archive(t)
	content := []byte(strings.Repeat("the same export, pulled by several\n", 50_000))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := keep(t, a, content, 64<<10); err != nil || got != sum(string(content)) {
				t.Errorf("digest %s, %v", got, err)
			}
		})
	}
	all.Wait()
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("files %v, want one", left)
	}
}

// faulty is a store whose objects break off while they are read, or that does not answer at all.
type faulty struct {
	blob.Store
	mute bool
}

var errMute = &blob.Error{Place: "s3://bucket/x", Reason: "does not answer", Hint: "check the line"}

func (f faulty) Stat(ctx context.Context, key string) (blob.Info, error) {
	if f.mute {
		return blob.Info{}, errMute
	}
	return f.Store.Stat(ctx, key)
}

func (f faulty) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := f.Store.Get(ctx, key)
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r, 10), iotest.ErrReader(errMute)), r}, err
}

// TestArchiveTellsLinesFromDamage: a store that does not answer says nothing of what it holds.
func TestArchiveTellsLinesFromDamage(t *testing.T) {
	a, _ := archive(t)
	of, err := keep(t, a, bytes.Repeat([]byte("some bytes, "), 1000), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, mute := range []bool{false, true} {
		there := a.store
		a.store = faulty{there, mute}
		_, err := reading(t, a, of)
		a.store = there
		if _, corrupt := errors.AsType[*CorruptError](err); corrupt || !errors.Is(err, errMute) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("mute %v: %v; want that the store does not answer", mute, err)
		}
	}
}

func TestSweepRemovesWhatKilledProcessesLeave(t *testing.T) {
	a, dir := archive(t)
	if _, err := keep(t, a, []byte("kept"), 4); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC)
	files := map[string]struct {
		changed time.Time
		stays   bool
	}{
		"spool/trueup-archive-dead":           {day.Add(-time.Second), false},
		"spool/trueup-report-dead/plan.json":  {day.Add(-time.Second), false},
		"spool/trueup-archive-alive":          {day, true},
		"spool/somebody-elses":                {day.Add(-time.Hour), true},
		"archive/.partial/HALFPUBLISHEDBYONE": {day.Add(-time.Second), false},
	}
	for name, file := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Chtimes(path, file.changed, file.changed), os.Chtimes(filepath.Dir(path), file.changed, file.changed)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Sweep(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != file.stays {
			t.Errorf("%s: %v; want it to be there: %t", name, err, file.stays)
		}
	}
	if r, err := a.Open(t.Context(), facts.Digest(sha256.Sum256([]byte("kept")))); err != nil {
		t.Errorf("what the archive keeps: %v", err)
	} else {
		r.Close()
	}
}
