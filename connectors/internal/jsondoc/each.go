package jsondoc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"trueup/connectors"
)

// Doc is one JSON object of a stream.
type Doc struct {
	Line  int64  // 1-based line on which it starts
	Bytes []byte // borrowed: they change after the call
}

// DefaultMaxDocument is how long a document may be unless [Options] say otherwise, in bytes.
const DefaultMaxDocument = 16 << 20

// Options say how [Each] reads.
type Options struct {
	// Members are names under which a page keeps its array: "value", "Records". An object without an array of such a
	// name is a document itself.
	Members []string
	// Envelope, if set, is told what a page holds besides the array: an object without that member, borrowed.
	Envelope func(line int64, rest []byte) error
	// Workers is how many goroutines may be given documents side by side; at least 1. Only objects on lines of their own
	// are spread.
	Workers int
	// MaxDocument bounds a document's length in bytes, and with it the memory used; 0 means [DefaultMaxDocument].
	MaxDocument int
	// Accept, if set, is told of documents that were taken, a number at a time, from any of the goroutines.
	Accept func(n int64)
	// Reject, if set, is told of each refused document, from any of the goroutines.
	Reject func(line int64, reason string)

	block int // bytes read at once; 0 means blockSize
}

const blockSize = 1 << 20

// Each calls each for every JSON object in r, which gives UTF-8 without a byte order mark. Worker is below
// Options.Workers and used by one goroutine at a time. The function should run a [Scanner] over the document: Each
// itself looks no further than it must to find its end.
//
// A document that each refuses as [Malformed], that is no object or that is too long goes to Options.Reject, and
// reading goes on; any other error from each ends it. So does a malformed container, as a [*connectors.Error] of class
// Permanent, a stream that ends within a document or a container, of class Incomplete, and a fault of r, as it is; all
// documents before the fault have been given to each by then. Places are left to the caller.
func Each(ctx context.Context, r io.Reader, o Options, each func(worker int, d Doc) error) error {
	if o.MaxDocument == 0 {
		o.MaxDocument = DefaultMaxDocument
	}
	if o.block == 0 {
		o.block = blockSize
	}
	if o.Accept == nil {
		o.Accept = func(int64) {}
	}
	if o.Reject == nil {
		o.Reject = func(int64, string) {}
	}
	head, end, err := fill(r, make([]byte, 0, o.block))
	if onLines(head, end, &o) {
		return readLines(ctx, r, head, err, &o, each)
	}
	return readStream(ctx, r, head, err, &o, each)
}

// fill reads until buf is full or the stream ends.
func fill(r io.Reader, buf []byte) (filled []byte, end bool, err error) {
	for len(buf) < cap(buf) {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, true, nil
		}
		if err != nil {
			return buf, false, err
		}
	}
	return buf, false, nil
}

// onLines reports whether a stream that begins with head has its objects on lines of their own: its first line is one
// object, or its first line is faulty and the second begins another object.
func onLines(head []byte, end bool, o *Options) bool {
	head = head[space(head, 0):]
	first, rest, ended := bytes.Cut(head, newline)
	if len(first) == 0 || first[0] == '[' || !ended && !end {
		return false
	}
	s := NewScanner(newMembers(o.Members))
	switch why, _ := errors.AsType[Malformed](s.Scan(first)); why {
	case "": // unless it is a page
		return !slices.ContainsFunc(s.values, func(v Value) bool { return v.Kind == Array })
	case trailing: // objects one after the other
		return false
	case Truncated: // unless it goes on
		if first = bytes.TrimSpace(first); bytes.IndexByte([]byte("{[,:"), first[len(first)-1]) >= 0 {
			return false
		}
	}
	rest = rest[space(rest, 0):]
	return len(rest) > 0 && rest[0] == '{'
}

var newline = []byte("\n")

// call gives a document to each and returns why it was refused, "" if it was not.
func call(each func(int, Doc) error, worker int, d Doc) (Malformed, error) {
	err := each(worker, d)
	if err == nil {
		return "", nil
	}
	if why, ok := errors.AsType[Malformed](err); ok {
		return why, nil
	}
	return "", err
}

func (o *Options) tooLong() string { return fmt.Sprintf("longer than %d bytes", o.MaxDocument) }

func cutOff(line int64, reason string) error {
	return &connectors.Error{Class: connectors.Incomplete, Line: line, Reason: reason, Hint: "export or copy the file again"}
}
