package mapping

import (
	"context"
	"errors"
	"fmt"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// Source is a source of files whose columns the operator names. What is in them is a [Reader]'s business.
type Source struct {
	exports.Source
	mappings map[facts.Feed]*Mapping
	read     Reader
}

// Reader gives the records of one file to in. For sign-ins it may use the file's workers side by side.
type Reader func(ctx context.Context, f *exports.File, in *Intake) error

// Open checks a source's section and returns the source. All errors are returned joined, each naming its key.
func Open(section connectors.Section, e *connectors.Exports, s Settings, w Writing, read Reader) (*Source, error) {
	files, err := exports.NewSource(section, e, facts.Feeds(), "feed: people and files: PATTERN")
	source := &Source{Source: files, read: read}
	mappings, mappingErr := New(source.Feeds(), s, w)
	if err := errors.Join(err, exports.ReadOnly(e.Kind, e), mappingErr); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	source.mappings = mappings
	readers := map[facts.Feed]exports.Reader{}
	for _, feed := range source.Feeds() {
		readers[feed] = source.feed
	}
	source.ReadBy(readers)
	return source, nil
}

// feed reads the files of one feed.
func (s *Source) feed(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	o.Lag = connectors.DefaultLag
	in := s.mappings[p.Feed].Intake(o, p)
	defer in.Close()
	return s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error { return s.read(ctx, f, in) })
}
