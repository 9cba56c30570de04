package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"trueup/connectors"
	"trueup/facts"
	"trueup/store"
)

// archive gives the pipeline what it asks of an archive. Inputs go to raw, which may only hash them (archive_inputs:
// reference); what a plan was decided from always goes to kept.
type archive struct {
	raw  *store.Archive
	kept *store.Archive
	path func(name string) string // where an input lies that is kept by reference
}

// Create begins an input.
func (a archive) Create(ctx context.Context, name string) (connectors.RawWriter, error) {
	return a.raw.Create(ctx, name)
}

// Keep begins an object that must be kept whatever happens to inputs.
func (a archive) Keep(ctx context.Context, name string) (connectors.RawWriter, error) {
	return a.kept.Create(ctx, name)
}

// Open opens an object, or the operator's own file where the archive only has a reference.
func (a archive) Open(ctx context.Context, file facts.File) (io.ReadCloser, error) {
	r, err := a.kept.Open(ctx, file.SHA256)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	f, fileErr := os.Open(a.path(file.Name))
	if fileErr != nil {
		return nil, errors.Join(err, fileErr)
	}
	return &referenced{File: f, name: file.Name, sum: sha256.New(), want: file.SHA256}, nil
}

// referenced is a file that must still be what it was.
type referenced struct {
	*os.File
	name string
	sum  hash.Hash
	want facts.Digest
}

// Read fails at the end if the bytes are not those of the reference.
func (r *referenced) Read(p []byte) (int, error) {
	n, err := r.File.Read(p)
	r.sum.Write(p[:n])
	if err == io.EOF && facts.Digest(r.sum.Sum(nil)) != r.want {
		return n, &connectors.Error{Class: connectors.Permanent, Place: r.name, Reason: "is not the file that was read then",
			Hint: "the archive keeps references only (archive_inputs: reference); put the file of that time back"}
	}
	return n, err
}

// runID is sortable by start and unique enough for one organisation: the time to the millisecond and the process.
func (a *app) runID() string {
	return fmt.Sprintf("%s-%05d", a.now().UTC().Format("20060102T150405.000Z"), os.Getpid()%100000)
}
