// Package okta reads exports of an Okta organisation: answers of its Users API (GET /api/v1/users), its System Log
// (GET /api/v1/logs, as pages or as JSON lines), and the users of one application (GET /api/v1/apps/{id}/users), as
// described in Okta's API reference (developer.okta.com/docs/api).
//
// Three things about Okta decide how its data is read. An immutable id names each user, while login and e-mail may
// change, so accounts are keyed by id. The System Log is kept for 90 days and says nothing about what it no longer
// holds, so an export covers what is in it and not those 90 days. And an application assignment is a right to sign on,
// given to a user directly (scope USER) or through a group (scope GROUP).
package okta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const kind = "okta"

// lag allows for events that Okta writes late. Its documents call the System Log near real-time without a figure.
const lag = time.Hour

var feeds = []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedSignIns}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: kind, Title: "Okta", Exports: feeds, Lag: lag, Open: open}
}

// Config is an Okta source's section. Files of seats are given by product, since an application's list of users does
// not name the application.
type Config struct {
	connectors.Exports `yaml:",inline"`
}

type source struct {
	name     string
	dir      string
	coverage connectors.Coverage
	files    map[facts.Feed][]connectors.Pattern
}

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	files, err := c.Patterns(feeds)
	errs := []error{err}
	wrong := func(key, reason, hint string) {
		errs = append(errs, &connectors.Error{Place: key, Reason: reason, Hint: hint})
	}
	if c.Write {
		wrong("write", "kind okta only reads files", "leave it out; actions on this source become a work list")
	}
	if err == nil && len(files) == 0 {
		wrong("files", "no files are named", "write files: {people: PATTERN, sign-ins: PATTERN}")
	}
	if v := c.Coverage; v.From != 0 && v.To != 0 && v.To < v.From {
		wrong("coverage", "ends before it begins", "")
	}
	for _, p := range files[facts.FeedSeats] {
		if p.Product == "" {
			wrong("files.seats", p.Glob+" is not tied to a product", "write seats: {PRODUCT: "+p.Glob+"}")
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	return &source{name: section.Name, dir: section.Dir, coverage: c.Coverage, files: files}, nil
}

// Feeds lists the feeds that have files.
func (s *source) Feeds() []facts.Feed { return slices.Sorted(maps.Keys(s.files)) }

// Pull reads one feed from its files.
func (s *source) Pull(ctx context.Context, p connectors.Pull) (*facts.Observation, error) {
	o := facts.NewObservation(s.name, p.Feed, p.Observed)
	var err error
	switch p.Feed {
	case facts.FeedPeople:
		err = s.people(ctx, p, o)
	case facts.FeedSeats:
		err = s.seats(ctx, p, o)
	case facts.FeedSignIns:
		err = s.signIns(ctx, p, o)
	default:
		return nil, fmt.Errorf("%s: %w", s.name, &connectors.Error{Reason: fmt.Sprintf("has no %s feed", p.Feed)})
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s.name, err)
	}
	return o, err
}

// Check reports files that are missing or cannot be read.
func (s *source) Check(ctx context.Context) error {
	var errs []error
	for _, feed := range s.Feeds() {
		if err := exports.Check(ctx, s.dir, s.files[feed]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// text returns a string, or a number as it is written: custom attributes may be of either type.
func text(v jsondoc.Value) string {
	if v.Kind != jsondoc.String && v.Kind != jsondoc.Number {
		return ""
	}
	return string(v.Bytes)
}

// instant reads a time that may be null.
func instant(v jsondoc.Value) facts.Instant {
	at, ok := jsondoc.ParseInstant(v.Text())
	if !ok {
		return facts.NoInstant
	}
	return at
}
