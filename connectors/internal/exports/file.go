package exports

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"trueup/connectors"
	"trueup/facts"
)

// File is one input while it is being read: a stream of UTF-8 text without a byte order mark. Reading belongs to the
// goroutine that was given the file; Reject and AddRows may be called from any.
type File struct {
	Name    string // relative to the configuration, slash-separated
	Product string // to which the configuration ties the file; "" if it does not
	// Lane is the first of the lanes that belong to this file while it is read, Workers how many they are. Lanes are
	// numbered from 0 to the Workers of the pull; what is indexed by them needs no lock.
	Lane    int
	Workers int

	limits Limits
	r      io.Reader
	ahead  []byte // read by Peek and not yet by Read
	fault  error  // of the stream, unless it was the end
	cutter cutter

	accepted atomic.Int64
	mu       sync.Mutex
	refused  int64
	rejects  []facts.Rejection
}

// Read gives decoded text. Its errors are of type [*connectors.Error], or the context's.
func (f *File) Read(p []byte) (int, error) {
	if len(f.ahead) > 0 {
		n := copy(p, f.ahead)
		f.ahead = f.ahead[n:]
		return n, nil
	}
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.place(err)
		f.fault = err
	}
	return n, err
}

// Peek returns the first byte of the text that is no white space, by which a kind may know its formats apart, and takes
// nothing; 0 if there is none near the start. It must come before the first Read.
func (f *File) Peek() (byte, error) {
	ahead := make([]byte, 0, 4096)
	for len(ahead) < cap(ahead) {
		n, err := f.Read(ahead[len(ahead):cap(ahead)])
		ahead = ahead[:len(ahead)+n]
		if text := bytes.TrimLeft(ahead, " \t\r\n"); len(text) > 0 {
			f.ahead = ahead
			return text[0], nil
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	f.ahead = ahead
	return 0, nil
}

// AddRows counts n accepted records.
func (f *File) AddRows(n int64) { f.accepted.Add(n) }

// Reject counts one refused record, which starts on line (1-based), and lists it if it is among the first
// [facts.KeptRejections] lines that were refused. The reason must not show values that could be secret.
func (f *File) Reject(line int64, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused++
	if len(f.rejects) == 2*facts.KeptRejections {
		f.trim()
	}
	f.rejects = append(f.rejects, facts.Rejection{File: f.Name, Line: line, Reason: reason})
}

// trim keeps the rejections of the first lines, whoever found them first.
func (f *File) trim() {
	slices.SortFunc(f.rejects, func(a, b facts.Rejection) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Reason, b.Reason))
	})
	f.rejects = f.rejects[:min(len(f.rejects), facts.KeptRejections)]
}

// Fault returns an error about this file; line is 1-based, 0 if there is none.
func (f *File) Fault(class connectors.Class, line int64, reason, hint string) *connectors.Error {
	return &connectors.Error{Class: class, Place: f.Name, Line: line, Reason: reason, Hint: hint}
}

// place says of which file err speaks, if it does not say so itself.
func (f *File) place(err error) error { return placed(f.Name, err) }

func placed(name string, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	switch {
	case ok && e.Place != "":
		return err
	case ok:
		return &connectors.Error{Class: e.Class, Place: name, Line: e.Line, Hint: e.Hint, After: e.After, Err: err}
	case isDone(err):
		return err
	}
	return &connectors.Error{Class: connectors.Permanent, Place: name, Err: err}
}

// Record is how many bytes a record may have.
func (f *File) Record() int { return f.limits.Record }
