package exports

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"trueup/connectors"
	"trueup/facts"
)

// chunkSize is how much is read at a time, chunkCount how many chunks one file may have in flight.
const (
	chunkSize  = 256 << 10
	chunkCount = 4
)

// input reads a file ahead in a goroutine of its own, which also keeps and hashes the bytes as received, so that both
// overlap with decoding. It is an [io.Reader] of the raw bytes for one goroutine.
type input struct {
	full   chan []byte // chunks in order; closed at the end
	free   chan []byte
	now    []byte // what is left of the current chunk
	chunk  []byte // the current chunk
	taken  atomic.Int64
	fault  error // what Read answered, unless it was the end
	digest facts.Digest
	size   int64
	err    error // of reading or keeping; valid once full is closed
}

// open starts reading from r into w. The caller must call finish.
func open(ctx context.Context, r io.Reader, w connectors.RawWriter, progress func(int64)) *input {
	in := &input{full: make(chan []byte, chunkCount), free: make(chan []byte, chunkCount)}
	for range chunkCount {
		in.free <- nil
	}
	go in.run(ctx, r, w, progress)
	return in
}

func (in *input) run(ctx context.Context, r io.Reader, w connectors.RawWriter, progress func(int64)) {
	defer close(in.full)
	in.err = in.copy(ctx, r, w, progress)
	if in.err != nil {
		w.Abort()
		return
	}
	in.digest, in.size, in.err = w.Commit()
}

func (in *input) copy(ctx context.Context, r io.Reader, w connectors.RawWriter, progress func(int64)) error {
	for {
		chunk := <-in.free
		if chunk == nil {
			chunk = make([]byte, chunkSize)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, chunk[:chunkSize])
		if n > 0 {
			if _, err := w.Write(chunk[:n]); err != nil {
				return err
			}
			progress(int64(n))
			in.full <- chunk[:n]
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Read gives the raw bytes.
func (in *input) Read(p []byte) (int, error) {
	for len(in.now) == 0 {
		if in.chunk != nil {
			in.free <- in.chunk
			in.chunk = nil
		}
		chunk, ok := <-in.full
		if !ok {
			if in.err != nil {
				in.fault = in.err
				return 0, in.err
			}
			return 0, io.EOF
		}
		in.chunk, in.now = chunk, chunk
	}
	n := copy(p, in.now)
	in.now = in.now[n:]
	in.taken.Add(int64(n))
	return n, nil
}

// finish takes what nobody read, so that the hash is of the whole file, and returns the file's digest and size.
func (in *input) finish() (facts.Digest, int64, error) {
	if in.chunk != nil {
		in.free <- in.chunk
		in.chunk, in.now = nil, nil
	}
	for chunk := range in.full {
		in.free <- chunk
	}
	return in.digest, in.size, in.err
}
