package exports

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

// kept is an archive in memory.
type kept struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (k *kept) Create(_ context.Context, name string) (connectors.RawWriter, error) {
	return &keptWriter{kept: k, name: name}, nil
}

type keptWriter struct {
	bytes.Buffer
	kept *kept
	name string
}

func (w *keptWriter) Commit() (facts.Digest, int64, error) {
	w.kept.mu.Lock()
	defer w.kept.mu.Unlock()
	w.kept.files[w.name] = w.Bytes()
	return sha256.Sum256(w.Bytes()), int64(w.Len()), nil
}

func (w *keptWriter) Abort() {}

func pull(feed facts.Feed, workers int) (connectors.Pull, *kept) {
	k := &kept{files: map[string][]byte{}}
	return connectors.Pull{Feed: feed, Raw: k, Workers: workers}, k
}

func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gz(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zst(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func utf16le(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func utf16be(s string) []byte {
	out := utf16le(s)
	for n := 0; n < len(out); n += 2 {
		out[n], out[n+1] = out[n+1], out[n]
	}
	return out
}

// slurp reads files whole and counts a record a line.
func slurp(into map[string]string) func(context.Context, *File) error {
	var mu sync.Mutex
	return func(_ context.Context, f *File) error {
		b, err := io.ReadAll(f)
		mu.Lock()
		defer mu.Unlock()
		into[f.Name] = string(b)
		f.AddRows(int64(bytes.Count(b, []byte("\n"))))
		return err
	}
}

func TestReadDecodes(t *testing.T) {
	const content = "time,account\r\n2026-01-02,ünï 𝄞 = €\r\n"
	dir := folder(t, map[string][]byte{
		"in/a.csv": []byte(content), "in/b.csv.gz": gz(t, []byte(content)), "in/c.csv.zst": zst(t, []byte(content)),
		"in/d.csv": []byte("\xef\xbb\xbf" + content), "in/e.csv": utf16le(content), "in/f.csv": utf16be(content),
		"in/g.misnamed": gz(t, utf16le(content)), "in/h.csv.gz": append(gz(t, []byte(content[:10])), gz(t, []byte(content[10:]))...),
	})
	for _, feed := range []facts.Feed{facts.FeedPeople, facts.FeedSignIns} {
		p, archive := pull(feed, 3)
		o := facts.NewObservation("hr", feed, 0)
		got := map[string]string{}
		if err := Read(t.Context(), p, o, dir, []connectors.Pattern{{Glob: "in/*"}, {Glob: "in/a*"}}, slurp(got)); err != nil {
			t.Fatal(err)
		}
		if len(got) != 8 || len(o.Files) != 8 || o.Rows != 16 || !o.Complete {
			t.Errorf("%s: %d texts, %d files, %d rows, complete %t", feed, len(got), len(o.Files), o.Rows, o.Complete)
		}
		for n, f := range o.Files {
			if got[f.Name] != content {
				t.Errorf("%s: %s is %q", feed, f.Name, got[f.Name])
			}
			raw, err := os.ReadFile(filepath.Join(dir, f.Name))
			if err != nil {
				t.Fatal(err)
			}
			if f.SHA256 != sha256.Sum256(raw) || f.Bytes != int64(len(raw)) || !bytes.Equal(archive.files[f.Name], raw) || f.Rows != 2 {
				t.Errorf("%s: %+v is not of the bytes as received", feed, f)
			}
			if want := "in/" + string(rune('a'+n)); !strings.HasPrefix(f.Name, want) {
				t.Errorf("file %d is %s, want %s…", n, f.Name, want)
			}
		}
	}
}

func TestReadFaults(t *testing.T) {
	good := []byte("a\nb\n")
	long := bytes.Repeat([]byte("0123456789abcdef line of text that repeats\n"), 100_000)
	noise := make([]byte, 0, 200_000)
	for n := range 50_000 {
		sum := sha256.Sum256(fmt.Append(nil, n))
		noise = fmt.Appendf(noise, "%x\n", sum[:2])
	}
	tests := []struct {
		name   string
		bytes  []byte
		limits Limits
		class  connectors.Class
		want   string
	}{
		{"empty", nil, Limits{}, connectors.Incomplete, "bad: is empty"},
		{"only a mark", []byte("\xef\xbb\xbf"), Limits{}, connectors.Incomplete, "bad: is empty"},
		{"only a wide mark", []byte("\xff\xfe"), Limits{}, connectors.Incomplete, "bad: is empty"},
		{"empty gzip", gz(t, nil), Limits{}, connectors.Incomplete, "bad: is empty"},
		{"truncated gzip", gz(t, noise)[:60_000], Limits{}, connectors.Incomplete, "bad: gzip stream ends early"},
		{"truncated gzip header", gz(t, long)[:5], Limits{}, connectors.Incomplete, "bad: gzip stream ends early"},
		{"truncated zstd", zst(t, noise)[:60_000], Limits{}, connectors.Incomplete, "bad: zstd stream ends early"},
		{"damaged gzip", append(append(bytes.Clone(gz(t, noise)[:5000]), "damage"...), gz(t, noise)[5006:]...), Limits{},
			connectors.Incomplete, "bad: gzip stream is damaged"},
		{"gzip and rubbish", append(gz(t, good), "rubbish behind it"...), Limits{}, connectors.Incomplete, "bad: gzip stream is damaged"},
		{"bomb", gz(t, bytes.Repeat([]byte("a"), 1<<20)), Limits{Grace: 1 << 16, Ratio: 100}, connectors.Permanent, "decompression bomb"},
		{"too much", zst(t, long), Limits{Decompressed: 1 << 20}, connectors.Permanent, "zstd gives more than 1048576 bytes"},
		{"binary", bytes.Repeat([]byte{1, 0, 7, 0}, 100), Limits{}, connectors.Permanent, "is binary, not text"},
		{"workbook", []byte("PK\x03\x04rest"), Limits{}, connectors.Permanent, "Excel workbook"},
		{"UTF-32", []byte("\xff\xfe\x00\x00a\x00\x00\x00"), Limits{}, connectors.Permanent, "is UTF-32"},
		{"odd UTF-16", utf16le("abc")[:7], Limits{}, connectors.Incomplete, "ends in the middle of a character"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string][]byte{"bad": test.bytes, "good": good})
			p, _ := pull(facts.FeedPeople, 1)
			o := facts.NewObservation("hr", facts.FeedPeople, 0)
			got := map[string]string{}
			err := test.limits.Read(t.Context(), p, o, dir, []connectors.Pattern{{Glob: "bad"}, {Glob: "good"}}, slurp(got))
			if err == nil || connectors.ClassOf(err) != test.class || !strings.Contains(err.Error(), test.want) || connectors.HintOf(err) == "" {
				t.Errorf("error %v, class %s, hint %q", err, connectors.ClassOf(err), connectors.HintOf(err))
			}
			if o.Complete {
				t.Error("the observation is complete")
			}
			if got["good"] != string(good) {
				t.Errorf("the other file is %q", got["good"])
			}
			if len(o.Files) != 2 || o.Files[0].SHA256 != sha256.Sum256(test.bytes) {
				t.Errorf("files %+v", o.Files)
			}
		})
	}
}

func TestReadNothing(t *testing.T) {
	dir := folder(t, map[string][]byte{"a": []byte("header"), "sub/b": []byte("x")})
	none := func(context.Context, *File) error { return nil }
	refused := func(_ context.Context, f *File) error { f.Reject(1, "no"); return nil }
	stop := func(context.Context, *File) error { return errors.New("stop") }
	tests := []struct {
		name, glob string
		feed       facts.Feed
		each       func(context.Context, *File) error
		want       string
	}{
		{"no match", "b*", facts.FeedPeople, none, "b*: matches no file"},
		{"folder only", "su*", facts.FeedPeople, none, "su*: matches no file"},
		{"bad pattern", "[", facts.FeedPeople, none, "[: syntax error in pattern"},
		{"no records", "a", facts.FeedSeats, none, "a: no records"},
		{"all rejected", "a", facts.FeedPurchases, refused, "a: all 1 records were rejected"},
		{"no purchases", "a", facts.FeedPurchases, none, ""},
		{"the reader's error", "a", facts.FeedSignIns, stop, "a: stop"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, _ := pull(test.feed, 2)
			o := facts.NewObservation("hr", test.feed, 0)
			err := Read(t.Context(), p, o, dir, []connectors.Pattern{{Glob: test.glob}}, test.each)
			if got := fmt.Sprint(err); err == nil != (test.want == "") || err != nil && got != test.want {
				t.Errorf("error %q, want %q", got, test.want)
			}
			if o.Complete != (test.want == "") {
				t.Errorf("complete %t", o.Complete)
			}
		})
	}
}

func TestReadArchived(t *testing.T) {
	content := []byte("a\nb\n")
	earlier := connectors.Archived{File: facts.File{Name: "x.csv", SHA256: sha256.Sum256(content), Product: "figma"},
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
	p, _ := pull(facts.FeedSeats, 1)
	p.Archived = []connectors.Archived{earlier}
	o := facts.NewObservation("hr", facts.FeedSeats, 0)
	got := map[string]string{}
	if err := Read(t.Context(), p, o, "", nil, slurp(got)); err != nil {
		t.Fatal(err)
	}
	want := []facts.File{{Name: "x.csv", SHA256: sha256.Sum256(content), Bytes: 4, Rows: 2, Product: "figma"}}
	if diff := cmp.Diff(want, o.Files); diff != "" {
		t.Error(diff)
	}
	p.Archived[0].File.SHA256[0]++
	if err := Read(t.Context(), p, o, "", nil, slurp(got)); err == nil || o.Complete {
		t.Errorf("another file than was archived: error %v, complete %t", err, o.Complete)
	}
}

func TestReadStopsEarlyButHashesAll(t *testing.T) {
	content := bytes.Repeat([]byte("some text\n"), 1_000_000)
	dir := folder(t, map[string][]byte{"a": content})
	p, _ := pull(facts.FeedPeople, 1)
	o := facts.NewObservation("hr", facts.FeedPeople, 0)
	var read int64
	p.Progress = func(n, total int64) {
		read += n
		if total != int64(len(content)) {
			t.Errorf("total %d", total)
		}
	}
	err := Read(t.Context(), p, o, dir, []connectors.Pattern{{Glob: "a"}}, func(_ context.Context, f *File) error {
		f.AddRows(1)
		_, err := io.ReadFull(f, make([]byte, 100))
		return err
	})
	if err != nil || o.Files[0].SHA256 != sha256.Sum256(content) || read != int64(len(content)) {
		t.Errorf("error %v, files %+v, progress %d", err, o.Files, read)
	}
}

func TestReadCancelled(t *testing.T) {
	dir := folder(t, map[string][]byte{"a": bytes.Repeat([]byte("some text\n"), 1_000_000), "b": []byte("b")})
	for _, feed := range []facts.Feed{facts.FeedPeople, facts.FeedSignIns} {
		ctx, cancel := context.WithCancel(t.Context())
		p, _ := pull(feed, 2)
		o := facts.NewObservation("hr", feed, 0)
		err := Read(ctx, p, o, dir, []connectors.Pattern{{Glob: "*"}}, func(ctx context.Context, f *File) error {
			return f.Lines(ctx, f.Workers, func(int, Block) error {
				f.AddRows(1)
				cancel()
				return nil
			})
		})
		if !errors.Is(err, context.Canceled) || o.Complete {
			t.Errorf("%s: error %v, complete %t", feed, err, o.Complete)
		}
	}
}

func TestReadUnreadable(t *testing.T) {
	dir := folder(t, map[string][]byte{"a": []byte("x\n")})
	connectortest.Unreadable(t, filepath.Join(dir, "a"))
	p, _ := pull(facts.FeedPeople, 1)
	o := facts.NewObservation("hr", facts.FeedPeople, 0)
	err := Read(t.Context(), p, o, dir, []connectors.Pattern{{Glob: "a"}}, slurp(map[string]string{}))
	if connectors.ClassOf(err) != connectors.Unauthorised || o.Complete || strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, complete %t", err, o.Complete)
	}
}

// TestRejectsAreTheFirst checks that the listed rejections do not depend on who finds them first.
func TestRejectsAreTheFirst(t *testing.T) {
	dir := folder(t, map[string][]byte{"a": []byte("x"), "b": []byte("x")})
	p, _ := pull(facts.FeedSignIns, 2)
	o := facts.NewObservation("hr", facts.FeedSignIns, 0)
	err := Read(t.Context(), p, o, dir, []connectors.Pattern{{Glob: "*"}}, func(_ context.Context, f *File) error {
		f.AddRows(1)
		for line := int64(5000); line > 0; line-- {
			f.Reject(line, "why")
		}
		return nil
	})
	if err != nil || o.Rejected != 10_000 || o.Rows != 10_002 || len(o.Rejects) != facts.KeptRejections {
		t.Fatalf("error %v, rejected %d, rows %d, listed %d", err, o.Rejected, o.Rows, len(o.Rejects))
	}
	for n, r := range o.Rejects {
		if r.File != "a" || r.Line != int64(n+1) {
			t.Fatalf("rejection %d is %+v", n, r)
		}
	}
}
