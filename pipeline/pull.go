package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"trueup/connectors"
	"trueup/facts"
	"trueup/reconcile"
)

// Pull reads every feed of the named sources (all, without names), side by side, and records what was read, as observed
// at that instant. A feed that fails is an observation that is not complete and a fault; it never keeps the others from
// being read. The error is for what stops the run: ctx done, or the ledger or archive not working.
func (l *Line) Pull(ctx context.Context, run string, asOf, observed facts.Instant, names ...string) ([]*facts.Observation, []Fault, error) {
	defer l.Progress.Step("pull")()
	var jobs []job
	for _, source := range l.Sources {
		if len(names) > 0 && !slices.Contains(names, source.Name) {
			continue
		}
		for _, feed := range source.Driver.Feeds() {
			jobs = append(jobs, job{source: source, feed: feed, observed: observed, raw: l.Archive})
		}
	}
	observations, faults, err := l.read(ctx, asOf, jobs)
	if err != nil {
		return nil, nil, err
	}
	pulls := make([]reconcile.PulledInput, len(observations))
	for n, o := range observations {
		pulls[n] = reconcile.PulledInput{Run: run, Source: o.Source, Kind: l.kindOf(o.Source), Feed: o.Feed, Observed: o.Observed,
			Complete: o.Complete, Failure: o.Failure, Rows: o.Rows, Rejected: o.Rejected, Files: o.Files}
	}
	if err := l.Ledger.SavePull(ctx, pulls); err != nil {
		return nil, nil, fmt.Errorf("record the pull: %w", err)
	}
	return observations, faults, nil
}

// Replay reads again, from the archive, what earlier pulls read: for each feed the pull that holds for asOf.
func (l *Line) Replay(ctx context.Context, asOf facts.Instant) ([]*facts.Observation, []Fault, error) {
	return l.again(ctx, asOf, false)
}

// History is [Line.Replay] with the sign-ins of each day kept apart, so that earlier days can be looked at too. A log
// whose source does not keep them apart is not whole, and a fault.
func (l *Line) History(ctx context.Context, asOf facts.Instant) ([]*facts.Observation, []Fault, error) {
	observations, faults, err := l.again(ctx, asOf, true)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range observations {
		if o.Feed == facts.FeedSignIns && !o.ByDay && o.Failure == "" && o.SignIns.Len() > 0 {
			o.Complete, o.Failure = false, "its days cannot be told apart"
			faults = append(faults, Fault{Source: o.Source, Feed: o.Feed, Err: &connectors.Error{Class: connectors.Incomplete,
				Place: o.Source, Reason: o.Failure, Hint: "what rests on this log is not replayed"}})
		}
	}
	return observations, faults, nil
}

func (l *Line) again(ctx context.Context, asOf facts.Instant, byDay bool) ([]*facts.Observation, []Fault, error) {
	defer l.Progress.Step("read from the archive")()
	pulls, err := l.Ledger.Pulls(ctx, asOf)
	if err != nil {
		return nil, nil, fmt.Errorf("find earlier pulls: %w", err)
	}
	var jobs []job
	for _, source := range l.Sources {
		for _, feed := range source.Driver.Feeds() {
			k := slices.IndexFunc(pulls, func(p reconcile.PulledInput) bool { return p.Source == source.Name && p.Feed == feed })
			if k < 0 {
				jobs = append(jobs, job{source: source, feed: feed, observed: asOf, never: true})
				continue
			}
			pull := pulls[k]
			jobs = append(jobs, job{source: source, feed: feed, observed: pull.Observed, raw: hashOnly{}, earlier: &pull,
				archived: l.archived(pull.Files), byDay: byDay})
		}
	}
	return l.read(ctx, asOf, jobs)
}

func (l *Line) archived(files []facts.File) []connectors.Archived {
	archived := make([]connectors.Archived, len(files))
	for n, file := range files {
		archived[n] = connectors.Archived{File: file, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return l.Archive.Open(ctx, file)
		}}
	}
	return archived
}

// job is one feed to be read.
type job struct {
	source   Source
	feed     facts.Feed
	observed facts.Instant
	raw      connectors.Raw
	archived []connectors.Archived
	earlier  *reconcile.PulledInput // what the archive was filled by
	never    bool                   // there is nothing to read
	byDay    bool                   // sign-ins are wanted day by day
}

func (l *Line) read(ctx context.Context, asOf facts.Instant, jobs []job) ([]*facts.Observation, []Fault, error) {
	observations := make([]*facts.Observation, len(jobs))
	errs := make([]error, len(jobs))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(l.Workers)
	for n, j := range jobs {
		group.Go(func() error {
			observations[n], errs[n] = l.readOne(inner, asOf, j)
			return context.Cause(inner)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var faults []Fault
	for n, err := range errs {
		if err != nil {
			faults = append(faults, Fault{Source: jobs[n].source.Name, Feed: jobs[n].feed, Err: err})
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Feed, b.Feed)) })
	return observations, faults, nil
}

// readOne reads a feed. Whatever goes wrong it returns an observation, which then says that it is not complete and why.
func (l *Line) readOne(ctx context.Context, asOf facts.Instant, j job) (*facts.Observation, error) {
	var o *facts.Observation
	var err error
	switch {
	case j.never:
		err = &connectors.Error{Class: connectors.Permanent, Reason: "was never pulled", Hint: "run without --offline once"}
	case j.earlier != nil && j.earlier.Failure != "" && len(j.archived) == 0:
		err = errors.New(j.earlier.Failure)
	default:
		o, err = j.source.Driver.Pull(ctx, connectors.Pull{Feed: j.feed, AsOf: asOf, Observed: j.observed, Calendar: l.Calendar,
			ByDay: j.byDay, Raw: j.raw, Archived: j.archived, Workers: l.Workers, Progress: l.bytes()})
	}
	if o == nil {
		o = facts.NewObservation(j.source.Name, j.feed, j.observed)
	}
	if err != nil {
		o.Complete, o.Failure = false, err.Error()
	} else if j.earlier != nil && !j.earlier.Complete {
		// The bytes that are there read well; what was missing when they were pulled is still missing.
		o.Complete, o.Failure = false, j.earlier.Failure
	}
	return o, err
}

// bytes returns the progress of one pull, which says how much there is in all, as additions to that of the whole line.
func (l *Line) bytes() func(read, total int64) {
	var known atomic.Int64
	return func(read, total int64) { l.Progress.Bytes(read, total-known.Swap(total)) }
}

func (l *Line) kindOf(source string) string {
	for _, s := range l.Sources {
		if s.Name == source {
			return s.Descriptor.Kind
		}
	}
	return ""
}

// hashOnly is a Raw that keeps nothing, for bytes that are kept already.
type hashOnly struct{}

func (hashOnly) Create(context.Context, string) (connectors.RawWriter, error) {
	return &hashWriter{sum: sha256.New()}, nil
}

type hashWriter struct {
	sum  hash.Hash
	size int64
}

func (w *hashWriter) Write(p []byte) (int, error) {
	w.size += int64(len(p))
	return w.sum.Write(p)
}

func (w *hashWriter) Commit() (facts.Digest, int64, error) {
	return facts.Digest(w.sum.Sum(nil)), w.size, nil
}

func (w *hashWriter) Abort() {}
