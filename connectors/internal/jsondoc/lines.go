package jsondoc

import (
	"bytes"
	"context"
	"io"

	"golang.org/x/sync/errgroup"
)

// lines reads objects on lines of their own: one goroutine cuts the stream into blocks of whole lines, the workers take
// them apart.
type lines struct {
	*Options
	each   func(int, Doc) error
	blocks chan block
	free   chan []byte
	unread error // fault of the reader; what was read before it is still worked on
	torn   int64 // line on which the stream ends within a document; 0 if it does not
}

// block is some whole lines.
type block struct {
	line  int64 // 1-based number of the first
	bytes []byte
	last  bool // the stream ends here
}

// readLines reads a stream that begins with head, or that failed after it.
func readLines(ctx context.Context, r io.Reader, head []byte, failed error, o *Options, each func(int, Doc) error) error {
	workers := max(1, o.Workers)
	spare := workers + 1
	l := &lines{Options: o, each: each, blocks: make(chan block), free: make(chan []byte, spare+1), unread: failed}
	for range spare {
		l.free <- nil // made when first needed
	}
	group, ctx := errgroup.WithContext(ctx)
	for worker := range workers {
		group.Go(func() error { return l.work(worker) })
	}
	group.Go(func() error {
		defer close(l.blocks)
		return l.divide(ctx, r, head)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if l.unread == nil && l.torn > 0 {
		return cutOff(l.torn, "ends within a record")
	}
	return l.unread
}

// divide hands blocks to the workers until the stream ends. It fails if ctx is done.
func (l *lines) divide(ctx context.Context, r io.Reader, buf []byte) error {
	line := int64(1)
	for end := false; !end; {
		if l.unread == nil {
			buf, end, l.unread = fill(r, buf)
		}
		whole := bytes.LastIndexByte(buf, '\n') + 1
		switch {
		case l.unread != nil: // what comes before the fault
			end = true
		case end:
			whole = len(buf)
		case whole == 0 && len(buf) <= l.MaxDocument:
			buf = append(make([]byte, 0, min(2*cap(buf), l.MaxDocument+l.block)), buf...)
			continue
		case whole == 0:
			l.Reject(line, l.tooLong())
			buf, l.unread = passLine(ctx, r, buf)
			line++
			continue
		}
		rest, err := l.keep(ctx, buf[whole:])
		if err != nil {
			return err
		}
		b := block{line, buf[:whole], end && l.unread == nil}
		select {
		case l.blocks <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		line += int64(bytes.Count(b.bytes, newline))
		buf = rest
	}
	return nil
}

// keep copies the beginning of a line into a free buffer.
func (l *lines) keep(ctx context.Context, rest []byte) ([]byte, error) {
	select {
	case buf := <-l.free:
		if need := max(l.block, 2*len(rest)); cap(buf) < need || cap(buf) > 2*need {
			buf = make([]byte, 0, need)
		}
		return append(buf[:0], rest...), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// passLine reads to the end of a line without keeping it and returns what was read beyond it, in buf.
func passLine(ctx context.Context, r io.Reader, buf []byte) (rest []byte, err error) {
	for end := false; !end; {
		if buf, end, err = fill(r, buf[:0]); err != nil {
			return buf[:0], err
		}
		if k := bytes.IndexByte(buf, '\n'); k >= 0 {
			return buf[:copy(buf, buf[k+1:])], nil
		}
		if err = ctx.Err(); err != nil {
			return buf[:0], err
		}
	}
	return buf[:0], nil
}

// work takes blocks apart; an error of it cancels the context by which divide knows.
func (l *lines) work(worker int) error {
	for b := range l.blocks {
		if err := l.take(worker, &b); err != nil {
			return err
		}
		l.free <- b.bytes
	}
	return nil
}

// take gives the documents of a block to each.
func (l *lines) take(worker int, b *block) error {
	line := b.line
	accepted := int64(0)
	defer func() { l.Accept(accepted) }()
	for rest := b.bytes; len(rest) > 0; line++ {
		doc, ended := rest, false
		if k := bytes.IndexByte(rest, '\n'); k >= 0 {
			doc, rest, ended = rest[:k], rest[k+1:], true
		} else {
			rest = nil
		}
		if space(doc, 0) == len(doc) {
			continue
		}
		if len(doc) > l.MaxDocument {
			l.Reject(line, l.tooLong())
			continue
		}
		why, err := call(l.each, worker, Doc{line, doc})
		switch {
		case err != nil:
			return err
		case why == Truncated && b.last && !ended:
			l.torn = line
		case why != "":
			l.Reject(line, string(why))
		default:
			accepted++
		}
	}
	return nil
}
