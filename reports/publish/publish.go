// Package publish puts the finished files of a run where people and auditors find them, once. Files are only ever
// created: publishing the same bytes again succeeds and changes nothing, other bytes under a published name are refused.
//
// A run's files stand under "run=<id>/". The manifest comes last, so whoever finds it finds everything that it names.
package publish

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"trueup/facts"
)

// ManifestName is the name of the file that lists the others.
const ManifestName = "manifest.json"

// Store is where files are published. Put creates an object whose bytes have that SHA-256; it succeeds if the same
// object is there already and fails if another is. [trueup/blob.Store] is one.
type Store interface {
	Put(ctx context.Context, key string, body io.ReadSeeker, sum [sha256.Size]byte) error
}

// File is one file to be published. Name is a single part of a path: letters, digits, dot, dash, underscore. Body is read
// twice from its beginning.
type File struct {
	Name string
	Body io.ReadSeeker
}

// Manifest says what was published.
type Manifest struct {
	Run    string       `json:"run"`
	Plan   string       `json:"plan"`
	Digest facts.Digest `json:"digest"` // of the plan
	Files  []Entry      `json:"files"`  // by name
}

// Entry is one published file.
type Entry struct {
	Name   string       `json:"name"`
	SHA256 facts.Digest `json:"sha256"`
	Bytes  int64        `json:"bytes"`
}

// Key is where a file of a run is published.
func Key(run, name string) string { return "run=" + run + "/" + name }

// Publish puts the files and then the manifest, whose Files it fills in. What was put before an error stays: publishing
// again goes on from there.
func Publish(ctx context.Context, store Store, m Manifest, files []File) (Manifest, error) {
	m.Files = nil
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	if err := check(m.Run, files); err != nil {
		return m, fmt.Errorf("publish: %w", err)
	}
	for _, f := range files {
		entry, err := put(ctx, store, m.Run, f)
		if err != nil {
			return m, fmt.Errorf("publish: %s: %w", f.Name, err)
		}
		m.Files = append(m.Files, entry)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, fmt.Errorf("publish: %s: %w", ManifestName, err)
	}
	text = append(text, '\n')
	if err := store.Put(ctx, Key(m.Run, ManifestName), bytes.NewReader(text), sha256.Sum256(text)); err != nil {
		return m, fmt.Errorf("publish: %s: %w", ManifestName, err)
	}
	return m, nil
}

func put(ctx context.Context, store Store, run string, f File) (Entry, error) {
	if _, err := f.Body.Seek(0, io.SeekStart); err != nil {
		return Entry{}, err
	}
	hash := sha256.New()
	size, err := io.Copy(hash, f.Body)
	if err != nil {
		return Entry{}, err
	}
	if _, err := f.Body.Seek(0, io.SeekStart); err != nil {
		return Entry{}, err
	}
	entry := Entry{Name: f.Name, SHA256: facts.Digest(hash.Sum(nil)), Bytes: size}
	return entry, store.Put(ctx, Key(run, f.Name), f.Body, entry.SHA256)
}

// check refuses what would not be one clean folder of files, before anything is put.
func check(run string, files []File) error {
	if !clean(run) {
		return fmt.Errorf("run %q: want letters, digits, dots, dashes and underscores", run)
	}
	if len(files) == 0 {
		return errors.New("no files")
	}
	for n, f := range files {
		switch {
		case !clean(f.Name):
			return fmt.Errorf("file %q: want letters, digits, dots, dashes and underscores", f.Name)
		case f.Name == ManifestName:
			return fmt.Errorf("file %q: the name is the manifest's", f.Name)
		case n > 0 && f.Name == files[n-1].Name:
			return fmt.Errorf("file %q: given twice", f.Name)
		}
	}
	return nil
}

// clean reports whether name is one part of a key: not empty, no dot in front, nothing that means something to a path.
func clean(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return name != "" && name[0] != '.' && strings.Trim(name, letters) == ""
}
