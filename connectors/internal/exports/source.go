package exports

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"trueup/connectors"
	"trueup/facts"
)

// Source is what every source of export files is made of; a kind embeds it and says how each feed is read.
type Source struct {
	Name     string // of the source in the configuration; goes into every error
	dir      string
	coverage connectors.Coverage
	files    map[facts.Feed][]connectors.Pattern
	readers  map[facts.Feed]Reader
}

// Reader reads one feed into an observation.
type Reader func(ctx context.Context, p connectors.Pull, o *facts.Observation) error

// NewSource checks the keys that all kinds which read files have in common. Can are the feeds that the kind reads from
// files, example what to write where none are named. All errors come joined, each naming its key.
func NewSource(section connectors.Section, e *connectors.Exports, can []facts.Feed, example string) (Source, error) {
	files, err := e.Patterns(can)
	errs := []error{err}
	if err == nil && len(files) == 0 {
		errs = append(errs, &connectors.Error{Place: "files", Reason: "no files are named", Hint: "write " + example})
	}
	if v := e.Coverage; v.From != 0 && v.To != 0 && v.To < v.From {
		errs = append(errs, &connectors.Error{Place: "coverage", Reason: "ends before it begins"})
	}
	return Source{Name: section.Name, dir: section.Dir, coverage: e.Coverage, files: files}, errors.Join(errs...)
}

// ReadOnly is the error of a section that says write: true though its kind only reads files; nil if it does not.
func ReadOnly(kind string, e *connectors.Exports) error {
	if !e.Write {
		return nil
	}
	return &connectors.Error{Place: "write", Reason: fmt.Sprintf("kind %s only reads files", kind),
		Hint: "leave it out; actions on this source become a work list"}
}

// Untied is the error of a section that ties files to products though its kind's files name their products themselves;
// nil if it does not.
func Untied(kind string, e *connectors.Exports) error {
	for _, feed := range facts.Feeds() {
		for _, p := range e.Files.ByFeed[feed] {
			if p.Product != "" {
				return &connectors.Error{Place: fmt.Sprintf("files.%s", feed), Reason: fmt.Sprintf("files of kind %s name their products themselves", kind),
					Hint: fmt.Sprintf("write %s: %s", feed, p.Glob)}
			}
		}
	}
	return nil
}

// ReadBy says how feeds are read. It must be called before the source is used.
func (s *Source) ReadBy(readers map[facts.Feed]Reader) { s.readers = readers }

// Feeds lists the feeds that have files, in reading order.
func (s *Source) Feeds() []facts.Feed { return slices.Sorted(maps.Keys(s.files)) }

// Patterns returns the patterns of a feed's files.
func (s *Source) Patterns(feed facts.Feed) []connectors.Pattern { return s.files[feed] }

// Pull reads one feed from its files. A log's declared coverage is that of its observation.
func (s *Source) Pull(ctx context.Context, p connectors.Pull) (*facts.Observation, error) {
	read, ok := s.readers[p.Feed]
	if !ok || s.files[p.Feed] == nil {
		return nil, fmt.Errorf("%s: %w", s.Name, &connectors.Error{Reason: fmt.Sprintf("has no %s feed", p.Feed)})
	}
	o := facts.NewObservation(s.Name, p.Feed, p.Observed)
	if p.Feed == facts.FeedSignIns {
		s.coverage.Declare(o, p.Calendar)
	}
	if err := read(ctx, p, o); err != nil {
		return o, fmt.Errorf("%s: %w", s.Name, err)
	}
	return o, nil
}

// Read hands each file of the pull's feed to each; see the function of that name.
func (s *Source) Read(ctx context.Context, p connectors.Pull, o *facts.Observation, each func(ctx context.Context, f *File) error) error {
	return Read(ctx, p, o, s.dir, s.files[p.Feed], each)
}

// Check reports files that are missing or cannot be read.
func (s *Source) Check(ctx context.Context) error {
	var errs []error
	for _, feed := range s.Feeds() {
		if err := Check(ctx, s.dir, s.files[feed]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}
