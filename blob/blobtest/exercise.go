package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"trueup/blob"
)

// Exercise is what every store must pass. empty returns a way to open one and the same place, which nobody has used; it
// is called once for each part.
func Exercise(t *testing.T, empty func(t *testing.T) (open func() blob.Store)) {
	for name, part := range map[string]func(t *testing.T, open func() blob.Store){
		"create only": createOnly, "announced bytes": announcedBytes, "broken body": brokenBody, "racing writers": racingWriters,
		"order": order, "absent": absent, "cancelled": cancelled, "sizes": sizes, "probe": probe, "odd keys": oddKeys,
	} {
		t.Run(name, func(t *testing.T) { part(t, empty(t)) })
	}
}

// Put puts text under a key.
func Put(ctx context.Context, s blob.Store, key, text string) error {
	return s.Put(ctx, key, strings.NewReader(text), sha256.Sum256([]byte(text)))
}

// Read returns what stands under a key.
func Read(t *testing.T, s blob.Store, key string) string {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Keys lists.
func Keys(t *testing.T, s blob.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func createOnly(t *testing.T, open func() blob.Store) {
	s := open()
	for range 2 { // the second time is success without effect
		if err := Put(t.Context(), s, "runs/run=1/book.xlsx", "first"); err != nil {
			t.Fatal(err)
		}
	}
	err := Put(t.Context(), s, "runs/run=1/book.xlsx", "second")
	exists, ok := errors.AsType[*blob.ExistsError](err)
	if !ok || exists.Key != "runs/run=1/book.xlsx" || exists.Have != sha256.Sum256([]byte("first")) {
		t.Errorf("put of other content: %v; want an ExistsError that names the object", err)
	}
	if got := Read(t, s, "runs/run=1/book.xlsx"); got != "first" {
		t.Errorf("content %q, want the first", got)
	}
}

func announcedBytes(t *testing.T, open func() blob.Store) {
	s := open()
	err := s.Put(t.Context(), "a", strings.NewReader("tampered"), sha256.Sum256([]byte("real")))
	if _, ok := errors.AsType[*blob.MismatchError](err); !ok {
		t.Errorf("error %v, want a MismatchError", err)
	}
	if _, err := s.Stat(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v, want that nothing is there", err)
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

// WriteTo is hidden, so that the body is read.
func (b broken) WriteTo(io.Writer) (int64, error) { return 0, errBroken }

func brokenBody(t *testing.T, open func() blob.Store) {
	s := open()
	err := s.Put(t.Context(), "a", broken{strings.NewReader("half")}, sha256.Sum256([]byte("half and half")))
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v, want the reader's", err)
	}
	if keys := Keys(t, s, ""); len(keys) > 0 {
		t.Errorf("listed %v, want nothing", keys)
	}
}

// racingWriters lets many writers with different content race for one name, each through a store of its own: one wins,
// its object is whole, all others are told.
func racingWriters(t *testing.T, open func() blob.Store) {
	const writers = 32
	contents, results := make([]string, writers), make([]error, writers)
	var start, all sync.WaitGroup
	start.Add(1)
	for n := range writers {
		contents[n] = strings.Repeat(fmt.Sprintf("writer %d;", n), 20_000)
		s := open()
		all.Go(func() {
			start.Wait()
			results[n] = Put(t.Context(), s, "latest/book", contents[n])
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
		} else if _, ok := errors.AsType[*blob.ExistsError](err); !ok {
			t.Errorf("writer %d: %v, want an ExistsError", n, err)
		}
	}
	if winner < 0 || Read(t, open(), "latest/book") != contents[winner] {
		t.Errorf("winner %d, and the object is not what it wrote", winner)
	}
}

func order(t *testing.T, open func() blob.Store) {
	s := open()
	keys := []string{"a/b", "a.b", "a/c/d", "a-b", "b", "a/c.d", "a=b", "a/B"}
	for _, key := range keys {
		if err := Put(t.Context(), s, key, key); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "a", "a/", "a/c", "a/c/d", "b", "c"} {
		want := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !strings.HasPrefix(key, prefix) })
		var got []string
		for info, err := range s.List(t.Context(), prefix) {
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
	for range s.List(t.Context(), "a") {
		break // whoever has seen enough may leave
	}
}

func absent(t *testing.T, open func() blob.Store) {
	s := open()
	if err := Put(t.Context(), s, "objects/abc.zst", "x"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"objects/ab", "objects/abc", "objects", "objects/abc.zst.more", "none"} {
		if info, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v, %v; want that it does not exist", key, info, err)
		}
		if _, err := s.Get(t.Context(), key); key != "objects" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: %v; want that it does not exist", key, err)
		}
	}
	if keys := Keys(t, s, "none/"); len(keys) > 0 {
		t.Errorf("listed %v", keys)
	}
}

func cancelled(t *testing.T, open func() blob.Store) {
	s := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "a", bytes.NewReader(nil), sha256.Sum256(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want cancelled", err)
	}
	if _, err := s.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("get: %v, want cancelled", err)
	}
	if _, err := s.Stat(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("stat: %v, want cancelled", err)
	}
	for _, err := range s.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: %v, want cancelled", err)
		}
	}
}

// sizes puts nothing, a byte, and more than is sent before the store says that it wants it, from the middle of a body.
func sizes(t *testing.T, open func() blob.Store) {
	s := open()
	for _, size := range []int{0, 1, 3 << 20} {
		text := strings.Repeat("x", size)
		body := strings.NewReader(text)
		if _, err := body.Seek(int64(size/2), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("size/%d", size)
		if err := s.Put(t.Context(), key, body, sha256.Sum256([]byte(text))); err != nil {
			t.Fatal(err)
		}
		if info, err := s.Stat(t.Context(), key); err != nil || info != (blob.Info{Key: key, Bytes: int64(size)}) {
			t.Errorf("stat: %v, %v", info, err)
		}
		if Read(t, s, key) != text {
			t.Errorf("%d bytes come back as others", size)
		}
	}
}

// probe asks twice, and looks whether more than the marker is left.
func probe(t *testing.T, open func() blob.Store) {
	for range 2 {
		if err := open().Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if keys := Keys(t, open(), ""); len(keys) > 1 || len(keys) == 1 && !strings.HasPrefix(keys[0], "trueup-check") {
		t.Errorf("left behind: %v", keys)
	}
}

func oddKeys(t *testing.T, open func() blob.Store) {
	s := open()
	for _, key := range []string{"", "..", "a/../b", "/a", "a//b", "a b", ".partial/x", "ä"} {
		if err := Put(t.Context(), s, key, "x"); err == nil {
			t.Errorf("put under %q", key)
		}
		if _, err := s.Get(t.Context(), key); err == nil {
			t.Errorf("got %q", key)
		}
	}
	if keys := Keys(t, s, ""); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
}
