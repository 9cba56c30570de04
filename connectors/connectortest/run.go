// Package connectortest is the conformance suite of connectors: what every kind that reads exports must do with good,
// damaged and hostile files, whatever the vendor. A kind's test calls [Run] with a sample of each of its feeds.
package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/connectors"
	"trueup/facts"
)

// Subject is a kind under test.
type Subject struct {
	Open    func(connectors.Section) (connectors.Source, error)
	Samples []Sample
}

// Sample is a well-formed export of one feed, in a form in which it can be taken to pieces: a file is Head, some Records
// with Separator between them, and Tail. All records together must be accepted without a rejection.
type Sample struct {
	Name   string
	Feed   facts.Feed
	Config string // the source's section in YAML; its files are in/*
	// Product is the product to which Config ties the files; normally "".
	Product string
	Head    string // a header, an opening bracket
	Tail    string // what must stand at the end; "" or a line end where a shorter file is a good one
	// Separator stands between records: a line end, a comma.
	Separator string
	Records   []string // at least two
}

func (s *Sample) file(records ...string) []byte {
	return []byte(s.Head + strings.Join(records, s.Separator) + s.Tail)
}

// Run tests a kind.
func Run(t *testing.T, subject Subject) {
	for _, sample := range subject.Samples {
		t.Run(sample.Name, func(t *testing.T) {
			c := &conformance{subject: subject, sample: sample}
			c.base = c.good(t, c.pull(t, c.folder(t, map[string][]byte{"a": sample.file(sample.Records...)}), 1))
			for _, part := range []struct {
				name string
				test func(*testing.T)
			}{
				{"the source says what it reads", c.feeds},
				{"the form of the file does not matter", c.forms},
				{"the split into files does not matter", c.splits},
				{"the archive gives the same again", c.archive},
				{"a part is never taken for the whole", c.parts},
				{"an unreadable file", c.unreadable},
				{"a cancelled context", c.cancelled},
				{"hostile records", c.hostileRecords},
				{"hostile files", c.hostileFiles},
				{"memory is bounded", c.memory},
			} {
				t.Run(part.name, part.test)
			}
		})
	}
}

// conformance tests one sample of one kind.
type conformance struct {
	subject Subject
	sample  Sample
	base    string // the facts of the sample in one plain file
}

// result is what a pull gave.
type result struct {
	o   *facts.Observation
	err error
	raw *Raw
}

func (c *conformance) folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, "in", name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (c *conformance) source(t *testing.T, dir string) connectors.Source {
	t.Helper()
	source, err := c.subject.Open(Section(dir, c.sample.Config))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func (c *conformance) pull(t *testing.T, dir string, workers int) result {
	t.Helper()
	raw := &Raw{}
	o, err := c.source(t, dir).Pull(t.Context(), Pull(c.sample.Feed, workers, raw))
	return result{o, err, raw}
}

// good checks what holds of every good pull and returns its facts.
func (c *conformance) good(t *testing.T, r result) string {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if !r.o.Complete || r.o.Rejected != 0 || r.o.Rows == 0 || r.o.Feed != c.sample.Feed || r.o.Source != "source" {
		t.Errorf("complete %t, rejected %v, %d rows, %s of %q", r.o.Complete, r.o.Rejects, r.o.Rows, r.o.Feed, r.o.Source)
	}
	rows := int64(0)
	for _, f := range r.o.Files {
		rows += f.Rows
		kept, ok := r.raw.Kept(f.Name)
		if !ok || f.SHA256 != sha256.Sum256(kept) || f.Bytes != int64(len(kept)) {
			t.Errorf("%s: %+v is not what was kept", f.Name, f)
		}
	}
	if rows != r.o.Rows || len(r.o.Files) != r.raw.Len() {
		t.Errorf("%d rows in %d files, %d rows in all, %d files kept", rows, len(r.o.Files), r.o.Rows, r.raw.Len())
	}
	return Print(r.o)
}

// bad checks what holds of every pull that failed: the error is typed and says what and where, nothing is claimed to be
// complete, and nothing is said that only the file may say.
func (c *conformance) bad(t *testing.T, r result) {
	t.Helper()
	if _, typed := errors.AsType[*connectors.Error](r.err); !typed {
		t.Errorf("error %v, want a *connectors.Error", r.err)
		return
	}
	if r.o != nil && r.o.Complete {
		t.Errorf("complete in spite of %v", r.err)
	}
	c.discreet(t, r)
}

func (c *conformance) feeds(t *testing.T) {
	if feeds := c.source(t, t.TempDir()).Feeds(); !slices.Contains(feeds, c.sample.Feed) {
		t.Errorf("feeds %v", feeds)
	}
	_, err := c.source(t, t.TempDir()).Pull(t.Context(), Pull(c.sample.Feed, 1, &Raw{}))
	if e, typed := errors.AsType[*connectors.Error](err); !typed || e.Hint == "" || !strings.Contains(err.Error(), "in/*") {
		t.Errorf("without a file: error %v", err)
	}
}

func (c *conformance) forms(t *testing.T) {
	plain := c.sample.file(c.sample.Records...)
	forms := map[string][]byte{
		"gzip": Gzip(plain), "zstd": Zstd(plain), "byte order mark": append([]byte("\xef\xbb\xbf"), plain...),
		"UTF-16 little endian": UTF16(plain, false), "UTF-16 big endian": UTF16(plain, true),
		"CRLF": bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")), "no line end": bytes.TrimRight(plain, "\n"),
		"zstd of UTF-16": Zstd(UTF16(plain, false)),
	}
	for name, form := range forms {
		for _, workers := range []int{1, 3} {
			r := c.pull(t, c.folder(t, map[string][]byte{"a": form}), workers)
			if diff := cmp.Diff(c.base, c.good(t, r)); diff != "" {
				t.Errorf("%s, %d workers: %s", name, workers, diff)
			}
		}
	}
}

func (c *conformance) splits(t *testing.T) {
	all := c.sample.Records
	single := map[string][]byte{}
	for n, record := range all {
		single[string(rune('a'+n%26))+strings.Repeat("z", n/26)] = c.sample.file(record)
	}
	splits := []map[string][]byte{
		{"a": c.sample.file(all[:1]...), "b": c.sample.file(all[1:]...)},
		{"a": Gzip(c.sample.file(all[1:]...)), "b": Zstd(c.sample.file(all[:1]...))},
		single,
	}
	for n, files := range splits {
		for _, workers := range []int{1, 2, 5} {
			r := c.pull(t, c.folder(t, files), workers)
			if diff := cmp.Diff(c.base, c.good(t, r)); diff != "" {
				t.Errorf("split %d, %d workers: %s", n, workers, diff)
			}
			if !slices.IsSortedFunc(r.o.Files, func(a, b facts.File) int { return strings.Compare(a.Name, b.Name) }) {
				t.Errorf("split %d: files are not in the order of their names: %v", n, r.o.Files)
			}
		}
	}
}

func (c *conformance) archive(t *testing.T) {
	all := c.sample.Records
	first := c.pull(t, c.folder(t, map[string][]byte{"a": Gzip(c.sample.file(all[:1]...)), "b": c.sample.file(all[1:]...)}), 2)
	c.good(t, first)
	p := Pull(c.sample.Feed, 2, &Raw{})
	for _, f := range first.o.Files {
		kept, _ := first.raw.Kept(f.Name)
		p.Archived = append(p.Archived, connectors.Archived{File: f, Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(kept)), nil
		}})
	}
	again, err := c.source(t, t.TempDir()).Pull(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Print(first.o), Print(again)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(first.o.Files, again.Files); diff != "" {
		t.Error(diff)
	}
}

// parts are files that were cut short, or never filled.
func (c *conformance) parts(t *testing.T) {
	plain := c.sample.file(c.sample.Records...)
	gz, zst := Gzip(plain), Zstd(plain)
	parts := map[string][]byte{"empty": {}, "empty gzip": Gzip(nil), "only a byte order mark": []byte("\xef\xbb\xbf"),
		"gzip without its end": gz[:len(gz)-5], "half a gzip": gz[:len(gz)/2], "zstd without its end": zst[:len(zst)-5],
		"half a zstd": zst[:len(zst)/2], "half of UTF-16": UTF16(plain, false)[:len(plain)|1]}
	if tail := strings.TrimSpace(c.sample.Tail); tail != "" {
		parts["no tail"] = plain[:bytes.LastIndex(plain, []byte(tail))]
	}
	for name, part := range parts {
		t.Run(name, func(t *testing.T) {
			r := c.pull(t, c.folder(t, map[string][]byte{"a": plain, "b": part}), 2)
			c.bad(t, r)
			if class := connectors.ClassOf(r.err); class != connectors.Incomplete {
				t.Errorf("%v is %s, want incomplete", r.err, class)
			}
			if r.o == nil || r.o.Rows == 0 {
				t.Error("the other file was lost")
			}
		})
	}
}

func (c *conformance) unreadable(t *testing.T) {
	dir := c.folder(t, map[string][]byte{"a": c.sample.file(c.sample.Records...)})
	Unreadable(t, filepath.Join(dir, "in", "a"))
	c.bad(t, c.pull(t, dir, 1))
}

func (c *conformance) cancelled(t *testing.T) {
	dir := c.folder(t, map[string][]byte{"a": c.sample.file(slices.Repeat(c.sample.Records, 20_000)...)})
	ctx, cancel := context.WithCancel(t.Context())
	p := Pull(c.sample.Feed, 2, &Raw{})
	p.Progress = func(read, _ int64) {
		if read > 0 {
			cancel()
		}
	}
	o, err := c.source(t, dir).Pull(ctx, p)
	if !errors.Is(err, context.Canceled) || o != nil && o.Complete {
		t.Errorf("error %v", err)
	}
}
