// Package google reads exports of a Google Workspace organisation: users of the Directory API, activities of the Reports
// API, and licence assignments of the Enterprise License Manager API, as their references describe them
// (developers.google.com/workspace/admin). Files are the APIs' pages as they come, arrays, or JSON lines; activities also
// in the flattened forms in which security tools store them, and users also as the table that the admin console downloads.
//
// Four things about Google decide how its data is read. Users and actors have an immutable id of up to 21 digits, which
// is text; licence assignments name the user by e-mail address only, so that the users are wanted beside them.
// A licence assignment has no date and no path: licences that Google assigned by itself look like all others. How many
// licences were bought stands in none of these answers, so there are no counters: contracts say it. And a list without
// elements has no member for them at all.
//
// Not verified against a live organisation: that lastLoginTime 1970-01-01 means never, and that it moves by sign-ins on
// the web only, not by phones and IMAP clients. Both are read the safe way: that moment is an absent one, and whoever
// wants to conclude idleness names the login log as the product's signal. Of the console's table the columns are
// documented and rows are not: a row with a time in another form is refused.
package google

import (
	"errors"
	"fmt"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const kind = "google"

// lag allows for activities that Google delivers late: its page on lag times (support.google.com/a/answer/7061566) speaks
// of minutes for most logs and of a few hours for the slowest, without a bound.
const lag = 6 * time.Hour

var feeds = []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedSignIns}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: kind, Title: "Google Workspace", Exports: feeds, Lag: lag, Open: open}
}

// Config is a Google source's section.
type Config struct {
	connectors.Exports `yaml:",inline"`
}

type source struct{ exports.Source }

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	files, err := exports.NewSource(section, &c.Exports, feeds, "files: {people: PATTERN, seats: PATTERN, sign-ins: PATTERN}")
	if err := errors.Join(err, exports.ReadOnly(kind, &c.Exports), exports.Untied(kind, &c.Exports)); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	s := &source{files}
	s.ReadBy(map[facts.Feed]exports.Reader{facts.FeedPeople: s.people, facts.FeedSeats: s.seats, facts.FeedSignIns: s.signIns})
	return s, nil
}

// instant reads a time; null, "", a missing one, and the beginning of 1970, which stands for never, are none.
func instant(v jsondoc.Value) facts.Instant {
	at, ok := jsondoc.ParseInstant(v.Text())
	if !ok || at <= 0 {
		return facts.NoInstant
	}
	return at
}
