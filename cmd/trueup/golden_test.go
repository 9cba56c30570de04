package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"trueup/blob"
	"trueup/facts"
	"trueup/store"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares text with a file of testdata, or rewrites that.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs (go test -update accepts it); got:\n%s", path, text)
	}
}

func exitCodeOf(err error) string {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Sprint(e.ExitCode())
	}
	return err.Error()
}

func digestOf(body []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(body)) }

// archived reads an object from the archive of a site's folder.
func archived(t *testing.T, dir string, digest facts.Digest) (io.ReaderAt, int64) {
	t.Helper()
	objects, err := blob.Open(t.Context(), "file:var/archive", blob.Options{Base: dir})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.NewArchive(objects, "").Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(body), int64(len(body))
}
