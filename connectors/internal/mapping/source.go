package mapping

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// Source is a source of files whose columns the operator names. What is in them is a [Reader]'s business.
type Source struct {
	name     string
	dir      string
	patterns map[facts.Feed][]connectors.Pattern
	coverage connectors.Coverage
	mappings map[facts.Feed]*Mapping
	read     Reader
}

// Reader gives the records of one file to in. For sign-ins it may use the file's workers side by side.
type Reader func(ctx context.Context, f *exports.File, in *Intake) error

// Open checks a source's section and returns the source. All errors are returned joined, each naming its key.
func Open(section connectors.Section, e *connectors.Exports, s Settings, w Writing, read Reader) (*Source, error) {
	patterns, err := e.Patterns(facts.Feeds())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	source := &Source{name: section.Name, dir: section.Dir, patterns: patterns, coverage: e.Coverage, read: read}
	var errs []error
	wrong := func(key, reason, hint string) {
		errs = append(errs, &connectors.Error{Place: key, Reason: reason, Hint: hint})
	}
	if e.Write {
		wrong("write", fmt.Sprintf("kind %s only reads files", e.Kind), "leave it out; actions on this source become a work list")
	}
	if len(patterns) == 0 {
		wrong("files", "no files are named", "write feed: people and files: PATTERN")
	}
	if c := e.Coverage; c.From > 0 && c.To > 0 && c.To < c.From {
		wrong("coverage", "ends before it begins", "")
	}
	source.mappings, err = New(source.Feeds(), s, w)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	return source, nil
}

// Feeds lists the feeds for which the section names files.
func (s *Source) Feeds() []facts.Feed {
	return slices.DeleteFunc(facts.Feeds(), func(feed facts.Feed) bool { return s.patterns[feed] == nil })
}

// Pull reads the files of one feed.
func (s *Source) Pull(ctx context.Context, p connectors.Pull) (*facts.Observation, error) {
	m := s.mappings[p.Feed]
	if m == nil {
		return nil, fmt.Errorf("%s: %w", s.name, &connectors.Error{Reason: fmt.Sprintf("has no %s feed", p.Feed)})
	}
	o := facts.NewObservation(s.name, p.Feed, p.Observed)
	s.coverage.Declare(o, p.Calendar)
	o.Lag = connectors.DefaultLag
	in := m.Intake(o, p)
	err := exports.Read(ctx, p, o, s.dir, s.patterns[p.Feed], func(ctx context.Context, f *exports.File) error {
		return s.read(ctx, f, in)
	})
	in.Close()
	if err != nil {
		err = fmt.Errorf("%s: %w", s.name, err)
	}
	return o, err
}

// Check reports files that are missing or cannot be read.
func (s *Source) Check(ctx context.Context) error {
	var errs []error
	for _, feed := range s.Feeds() {
		if err := exports.Check(ctx, s.dir, s.patterns[feed]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}
