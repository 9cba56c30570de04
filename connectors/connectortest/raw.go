package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"sync"

	"trueup/connectors"
	"trueup/facts"
)

// Raw keeps inputs in memory, by name. The zero value is empty and ready for use, from several goroutines.
type Raw struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// Create begins an input.
func (r *Raw) Create(_ context.Context, name string) (connectors.RawWriter, error) {
	return &rawWriter{raw: r, name: name}, nil
}

// Kept returns the bytes of an input and whether it was committed.
func (r *Raw) Kept(name string) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.kept[name]
	return b, ok
}

// Len returns how many inputs were committed.
func (r *Raw) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept)
}

type rawWriter struct {
	bytes.Buffer
	raw  *Raw
	name string
}

// Commit keeps the input.
func (w *rawWriter) Commit() (facts.Digest, int64, error) {
	w.raw.mu.Lock()
	defer w.raw.mu.Unlock()
	if w.raw.kept == nil {
		w.raw.kept = map[string][]byte{}
	}
	w.raw.kept[w.name] = w.Bytes()
	return sha256.Sum256(w.Bytes()), int64(w.Len()), nil
}

// Abort forgets the input.
func (w *rawWriter) Abort() {}
