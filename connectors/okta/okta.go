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
	"errors"
	"fmt"
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

type source struct{ exports.Source }

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	files, err := exports.NewSource(section, &c.Exports, feeds, "files: {people: PATTERN, sign-ins: PATTERN}")
	errs := []error{err, exports.ReadOnly(kind, &c.Exports)}
	for _, p := range files.Patterns(facts.FeedSeats) {
		if p.Product == "" {
			errs = append(errs, &connectors.Error{Place: "files.seats", Reason: p.Glob + " is not tied to a product",
				Hint: "write seats: {PRODUCT: " + p.Glob + "}"})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	s := &source{files}
	s.ReadBy(map[facts.Feed]exports.Reader{facts.FeedPeople: s.people, facts.FeedSeats: s.seats, facts.FeedSignIns: s.signIns})
	return s, nil
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
