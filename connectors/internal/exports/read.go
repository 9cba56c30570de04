package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"trueup/connectors"
	"trueup/facts"
)

// Read reads every file that patterns name below dir, or p.Archived in their place, with the default [Limits]. See
// [Limits.Read].
func Read(ctx context.Context, p connectors.Pull, o *facts.Observation, dir string, patterns []connectors.Pattern,
	each func(ctx context.Context, f *File) error) error {
	return Limits{}.Read(ctx, p, o, dir, patterns, each)
}

// Read gives every file to each and appends it to o.Files, with the digest and size of all its bytes as received, even
// where each stopped early. Files, counts and rejections are appended to o in the order of the patterns, then of the
// names, whatever was finished first.
//
// Each must call AddRows or Reject once for each record. Files of the sign-ins feed are read side by side: each may touch
// only what belongs to its lanes (see [File]). Files of all other feeds are read one after the other, so that each may
// append to o.
//
// A file that cannot be found, read, decompressed or decoded, and an error of each, make the observation incomplete; the
// other files are read all the same, and all errors are returned joined. So is it an error if nothing was accepted at
// all, except in a purchases feed, where it is only noted: an empty export must never look like an empty world.
func (l Limits) Read(ctx context.Context, p connectors.Pull, o *facts.Observation, dir string, patterns []connectors.Pattern,
	each func(ctx context.Context, f *File) error) error {
	files, err := resolve(p, dir, patterns)
	if err != nil {
		o.Complete = false
		return err
	}
	r := &reading{pull: p, limits: l.orDefaults(), each: each}
	for _, f := range files {
		r.total += f.size
	}
	if p.Progress != nil {
		p.Progress(0, r.total)
	}
	outcomes := r.all(ctx, files)
	errs := make([]error, 0, 1)
	accepted := int64(0)
	for _, out := range outcomes {
		accepted += out.merge(o)
		if out.err != nil {
			errs = append(errs, out.err)
		}
	}
	if len(errs) == 0 && accepted == 0 {
		errs = append(errs, nothing(o, files))
	}
	if err := join(ctx, errs); err != nil {
		o.Complete = false
		return err
	}
	return nil
}

// nothing says that files without a fault held nothing either.
func nothing(o *facts.Observation, files []located) error {
	text := fmt.Sprintf("no records in %d files", len(files))
	if len(files) == 1 {
		text = "no records"
	}
	if o.Rejected > 0 {
		text = fmt.Sprintf("all %d records were rejected", o.Rejected)
	} else if o.Feed == facts.FeedPurchases {
		o.Notes = append(o.Notes, text)
		return nil
	}
	return &connectors.Error{Class: connectors.Incomplete, Place: files[0].name, Reason: text,
		Hint: "an export without records says nothing; see what was rejected and why, or export it again"}
}

// join returns the context's error alone if that is why the reading ended.
func join(ctx context.Context, errs []error) error {
	kept := errs[:0]
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	switch {
	case len(kept) == 0:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case len(kept) == 1:
		return kept[0]
	}
	return errors.Join(kept...)
}

func isDone(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// reading is one call of Read.
type reading struct {
	pull   connectors.Pull
	limits Limits
	each   func(ctx context.Context, f *File) error
	total  int64
}

// outcome is what became of one file.
type outcome struct {
	file *File // nil if it could not be opened
	kept bool  // its bytes were kept and hashed
	fact facts.File
	err  error
}

// all reads the files, side by side where the feed allows it. A file that holds more than a worker's share is read alone
// with all workers; the others share them out.
func (r *reading) all(ctx context.Context, files []located) []outcome {
	outcomes := make([]outcome, len(files))
	workers := max(1, r.pull.Workers)
	if r.pull.Feed != facts.FeedSignIns {
		for n, f := range files {
			outcomes[n] = r.one(ctx, f, 0, workers)
		}
		return outcomes
	}
	var small []int
	for n, f := range files {
		if f.size*int64(workers) > r.total || len(files) == 1 {
			outcomes[n] = r.one(ctx, f, 0, workers)
		} else {
			small = append(small, n)
		}
	}
	if len(small) == 0 {
		return outcomes
	}
	side := min(workers, len(small)) // files at a time
	share := workers / side
	lanes := make(chan int, side)
	for k := range side {
		lanes <- k * share
	}
	var group errgroup.Group
	for _, n := range small {
		lane := <-lanes
		group.Go(func() error {
			outcomes[n] = r.one(ctx, files[n], lane, share)
			lanes <- lane
			return nil
		})
	}
	_ = group.Wait() // the goroutines return nil: outcomes hold the errors
	return outcomes
}

// one reads one file.
func (r *reading) one(ctx context.Context, at located, lane, workers int) outcome {
	if err := ctx.Err(); err != nil {
		return outcome{err: err}
	}
	raw, err := at.open(ctx)
	if err != nil {
		return outcome{err: unreadable(at.name, err)}
	}
	defer func() { _ = raw.Close() }() // it was only read
	keep, err := r.pull.Raw.Create(ctx, at.name)
	if err != nil {
		return outcome{err: placed(at.name, err)}
	}
	in := open(ctx, raw, keep, func(n int64) {
		if r.pull.Progress != nil {
			r.pull.Progress(n, r.total)
		}
	})
	f := &File{Name: at.name, Product: at.product, Lane: lane, Workers: workers, limits: r.limits}
	err = f.decode(ctx, in, r.each)
	digest, size, broken := in.finish()
	if broken != nil {
		return outcome{file: f, err: unreadable(at.name, broken)}
	}
	if at.digest != nil && *at.digest != digest {
		err = errors.Join(err, f.Fault(connectors.Permanent, 0, "is not what was archived: its SHA-256 differs", ""))
	}
	return outcome{file: f, kept: true, err: err,
		fact: facts.File{Name: at.name, SHA256: digest, Bytes: size, Product: at.product}}
}

// decode gives the text of in to each, and reads on to the end of the text so that a fault behind the point where each
// stopped is found too.
func (f *File) decode(ctx context.Context, in *input, each func(ctx context.Context, f *File) error) error {
	content, free, err := unpack(in, f.limits)
	if err != nil {
		return f.place(err)
	}
	defer free()
	f.r, err = text(content)
	if err != nil {
		return f.place(err)
	}
	if err := each(ctx, f); err != nil {
		return f.place(err)
	}
	if f.fault == nil {
		_, _ = io.Copy(io.Discard, f) // Read keeps the error
	}
	return f.fault
}

// unreadable places a fault of the file system or the archive.
func unreadable(name string, err error) error {
	if _, typed := errors.AsType[*connectors.Error](err); typed || isDone(err) {
		return placed(name, err)
	}
	e := &connectors.Error{Class: connectors.Permanent, Place: name, Err: err}
	if cause, ok := errors.AsType[*os.PathError](err); ok {
		e.Err = cause.Err // the name is in Place, relative to the configuration
	}
	if errors.Is(err, os.ErrPermission) {
		e.Class, e.Hint = connectors.Unauthorised, "let the account that runs trueup read the file"
	}
	return e
}

// merge adds the outcome to o and returns how many records were accepted.
func (out *outcome) merge(o *facts.Observation) int64 {
	f := out.file
	if f == nil {
		return 0
	}
	f.trim()
	accepted := f.accepted.Load()
	o.Rows += accepted + f.refused
	o.Rejected += f.refused - int64(len(f.rejects))
	for _, reject := range f.rejects {
		o.Reject(reject.File, reject.Line, reject.Reason)
	}
	if out.kept {
		out.fact.Rows = accepted + f.refused
		o.Files = append(o.Files, out.fact)
	}
	return accepted
}
