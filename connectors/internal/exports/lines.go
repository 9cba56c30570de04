package exports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"trueup/connectors"
)

// Block is some whole lines of a file, the last of which may lack its newline at the end of the file. Its bytes are
// the callback's until that returns, to change as it likes.
type Block struct {
	Line  int64 // 1-based number of the first line
	Bytes []byte
}

// blockSize is how much a block normally holds.
const blockSize = mebibyte

// Lines reads the rest of the file in blocks of about 1 MiB of whole lines and gives them to workers goroutines, each
// numbered from 0; with one worker it calls each itself, in order. Memory is bounded by workers and the record limit. A
// line beyond the limit is rejected and skipped without being held. Lines stops at the first error of each.
func (f *File) Lines(ctx context.Context, workers int, each func(worker int, block Block) error) error {
	return f.Blocks(ctx, workers, lastLine, each)
}

// lastLine returns the length of the whole lines in b.
func lastLine(b []byte) int { return bytes.LastIndexByte(b, '\n') + 1 }

// Blocks is [File.Lines] for records that may span lines. Whole returns the length of the whole records at the start of
// b, which always starts with a record; 0 if there is none. What stands behind the last whole record at the end of the
// file is a block of its own.
func (f *File) Blocks(ctx context.Context, workers int, whole func(b []byte) int, each func(worker int, block Block) error) error {
	c := f.cut(whole)
	if workers <= 1 {
		return c.alone(ctx, each)
	}
	return c.shared(ctx, workers, each)
}

// First returns the first record of a file: a header. Blocks or Lines then go on behind it. One returns the length of the
// first record in b, 0 if it is not whole. At the end of the file the record may lack its end.
func (f *File) First(ctx context.Context, one func(b []byte) int) (Block, error) {
	return f.cut(one).next(ctx, nil)
}

func (f *File) cut(whole func(b []byte) int) *cutter {
	f.cutter.file, f.cutter.whole, f.cutter.line = f, whole, max(f.cutter.line, 1)
	return &f.cutter
}

func (c *cutter) alone(ctx context.Context, each func(worker int, block Block) error) error {
	var buf []byte
	for {
		block, err := c.next(ctx, buf)
		if err != nil || block.Bytes == nil {
			return err
		}
		if err := each(0, block); err != nil {
			return err
		}
		buf = block.Bytes[:0]
	}
}

func (c *cutter) shared(ctx context.Context, workers int, each func(worker int, block Block) error) error {
	group, ctx := errgroup.WithContext(ctx)
	blocks := make(chan Block, workers)
	spare := make(chan []byte, 2*workers+1) // as many as can be in use at a time
	for worker := range workers {
		group.Go(func() error {
			for block := range blocks {
				if err := each(worker, block); err != nil {
					return err
				}
				select {
				case spare <- block.Bytes[:0]:
				default:
				}
			}
			return nil
		})
	}
	err := c.feed(ctx, blocks, spare)
	close(blocks)
	if failed := group.Wait(); failed != nil {
		return failed
	}
	return err
}

func (c *cutter) feed(ctx context.Context, blocks chan<- Block, spare <-chan []byte) error {
	for {
		var buf []byte
		select {
		case buf = <-spare:
		default:
		}
		block, err := c.next(ctx, buf)
		if err != nil || block.Bytes == nil {
			return err
		}
		select {
		case blocks <- block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cutter cuts a stream into blocks.
type cutter struct {
	file  *File
	whole func(b []byte) int
	line  int64  // number of the line that comes next
	rest  []byte // what was read beyond the last block
	ended bool
}

// next returns the next block in buf, or in a larger one; a block without bytes is the end.
func (c *cutter) next(ctx context.Context, buf []byte) (Block, error) {
	most := c.file.limits.Record + 1
	if cap(buf) != min(blockSize, most) {
		buf = make([]byte, 0, max(min(blockSize, most), len(c.rest)))
	}
	buf = append(buf[:0], c.rest...)
	c.rest = c.rest[:0]
	for {
		if err := ctx.Err(); err != nil {
			return Block{}, err
		}
		var err error
		if buf, err = c.fill(buf); err != nil {
			return Block{}, err
		}
		n := c.whole(buf)
		switch {
		case n > 0:
			return c.cut(buf, n), nil
		case n == 0 && len(buf) >= most:
			if buf, err = c.skip(ctx, buf); err != nil {
				return Block{}, err
			}
		case c.ended && len(buf) > 0:
			return c.cut(buf, len(buf)), nil
		case c.ended:
			return Block{}, nil
		default:
			buf = append(make([]byte, 0, min(2*cap(buf), most)), buf...)
		}
	}
}

func (c *cutter) cut(buf []byte, n int) Block {
	c.rest = append(c.rest, buf[n:]...)
	block := Block{Line: c.line, Bytes: buf[:n]}
	c.line += int64(bytes.Count(block.Bytes, []byte{'\n'}))
	return block
}

// fill reads until buf is full or the stream ends.
func (c *cutter) fill(buf []byte) ([]byte, error) {
	for !c.ended && len(buf) < cap(buf) {
		n, err := c.file.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case errors.Is(err, io.EOF):
			c.ended = true
		case err != nil:
			return buf, err
		}
	}
	return buf, nil
}

// skip rejects the record that buf starts with and returns what stands behind the end of its line.
func (c *cutter) skip(ctx context.Context, buf []byte) ([]byte, error) {
	c.file.Reject(c.line, fmt.Sprintf("longer than %d bytes", c.file.limits.Record))
	if n := bytes.Count(buf, []byte{'\n'}); n > 0 {
		return nil, c.file.Fault(connectors.Incomplete, c.line, fmt.Sprintf("a record of more than %d lines does not end", n),
			"look for a quotation mark that is not closed")
	}
	for !c.ended {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if buf, err = c.fill(buf[:0]); err != nil {
			return nil, err
		}
		if n := bytes.IndexByte(buf, '\n'); n >= 0 {
			c.line++
			return buf[:copy(buf, buf[n+1:])], nil
		}
	}
	return nil, nil
}
