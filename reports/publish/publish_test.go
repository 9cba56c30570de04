package publish_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trueup/blob"
	"trueup/facts"
	"trueup/reports/publish"
)

var about = publish.Manifest{Run: "20261122T020000Z-7f3a9c", Plan: "0123456789abcdef", Digest: facts.Digest{1, 2, 3}}

func files(content ...string) []publish.File {
	var list []publish.File
	for n, c := range content {
		list = append(list, publish.File{Name: []string{"licences.xlsx", "plan.json", "rows.parquet"}[n],
			Body: strings.NewReader(c)})
	}
	return list
}

func folder(t *testing.T) (*blob.Folder, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, filepath.Join(dir, "run="+about.Run)
}

func TestPublish(t *testing.T) {
	store, dir := folder(t)
	for range 2 { // the second time nothing changes
		m, err := publish.Publish(t.Context(), store, about, files("workbook", "plan"))
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Files) != 2 {
			t.Fatalf("%+v", m)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m publish.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.Run != about.Run || m.Plan != about.Plan || m.Digest != about.Digest || len(m.Files) != 2 {
		t.Errorf("manifest: %+v", m)
	}
	for _, f := range m.Files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if sha256.Sum256(content) != f.SHA256 || int64(len(content)) != f.Bytes {
			t.Errorf("%s is not what the manifest says", f.Name)
		}
	}
}

func TestOtherBytesAreRefused(t *testing.T) {
	store, dir := folder(t)
	if _, err := publish.Publish(t.Context(), store, about, files("workbook", "plan")); err != nil {
		t.Fatal(err)
	}
	_, err := publish.Publish(t.Context(), store, about, files("workbook", "another plan"))
	var exists *blob.ExistsError
	if !errors.As(err, &exists) {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "plan.json")); err != nil || string(content) != "plan" {
		t.Errorf("plan.json is %q, %v", content, err)
	}
	if _, err := publish.Publish(t.Context(), store, about, files("workbook", "plan", "rows")); !errors.As(err, &exists) {
		t.Errorf("a manifest of more files replaced the first: %v", err)
	}
}

// puts is a store that fails at the nth put.
type puts struct {
	keys []string
	fail int
}

func (p *puts) Put(_ context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) error {
	if len(p.keys) == p.fail {
		return errors.New("the disk is full")
	}
	p.keys = append(p.keys, key)
	content, err := io.ReadAll(body)
	if err == nil && sha256.Sum256(content) != sum {
		err = errors.New("other bytes than announced")
	}
	return err
}

// TestManifestIsLast stops at each put: without all files there is no manifest.
func TestManifestIsLast(t *testing.T) {
	for fail := range 4 {
		store := &puts{fail: fail}
		if _, err := publish.Publish(t.Context(), store, about, files("a", "b", "c")); err == nil {
			t.Errorf("stopped at %d, and no error", fail)
		}
		for _, key := range store.keys {
			if strings.HasSuffix(key, publish.ManifestName) {
				t.Errorf("stopped at %d: %v", fail, store.keys)
			}
		}
	}
	store := &puts{fail: -1}
	if _, err := publish.Publish(t.Context(), store, about, files("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	if last := store.keys[len(store.keys)-1]; last != publish.Key(about.Run, publish.ManifestName) || len(store.keys) != 4 {
		t.Errorf("put %v", store.keys)
	}
}

func TestRefusedNames(t *testing.T) {
	for _, name := range []string{"", "..", ".hidden", "a/b", `a\b`, "manifest.json", "a b", "naïve", "plan.json"} {
		store := &puts{fail: -1}
		list := append(files("a", "b"), publish.File{Name: name, Body: bytes.NewReader(nil)})
		if _, err := publish.Publish(t.Context(), store, about, list); err == nil || len(store.keys) > 0 {
			t.Errorf("%q: %v, put %v", name, err, store.keys)
		}
	}
	if _, err := publish.Publish(t.Context(), &puts{fail: -1}, publish.Manifest{Run: "../x"}, files("a")); err == nil {
		t.Error("a run with a path in its id is published")
	}
	if _, err := publish.Publish(t.Context(), &puts{fail: -1}, about, nil); err == nil {
		t.Error("nothing is published")
	}
}
