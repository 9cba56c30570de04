// Package github reads exports of GitHub: Copilot seats of an organisation or enterprise, the licences that an enterprise
// consumes, its audit log, and the daily usage reports of Copilot by user, as the REST reference describes them
// (docs.github.com/rest). Files are the API's pages as they come, arrays, or JSON lines. A feed may mix them: each record
// is known by its members.
//
//   - people: consumed licences, which tell the addresses that go with a login, and Copilot seats, which tell the last
//     activity there
//   - seats: Copilot seats, as products copilot-business, copilot-enterprise or, where the plan is not told, copilot; and
//     consumed licences, as the licence type in lower case, such as enterprise, with -server behind it for users of
//     Enterprise Server only
//   - counters: consumed licences, which say how many were bought
//   - sign-ins: the audit log, and usage reports as application GitHub Copilot
//
// Accounts are keyed by login, the one key that all of these files have: consumed licences know no ids, audit events do
// not always. GitHub lets logins be changed; files of one day agree.
//
// What GitHub says about Copilot's use comes from telemetry (docs.github.com/copilot/reference/metrics-data). A developer
// who switched it off in the editor is in no usage report, and last_activity_at is forgotten after 90 days, so that null is
// never taken for unused. Not verified against a live enterprise: whether all pages of consumed licences together hold as
// many users as licences are consumed. Fewer are taken for a page that is missing.
package github

import (
	"errors"
	"fmt"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const kind = "github"

var feeds = []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedCounters, facts.FeedSignIns}

// Descriptor describes the kind. GitHub documents no lag of its audit log.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: kind, Title: "GitHub", Exports: feeds, Lag: usageLag, Open: open}
}

// Config is a GitHub source's section.
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
	s.ReadBy(map[facts.Feed]exports.Reader{facts.FeedPeople: s.people, facts.FeedSeats: s.seats, facts.FeedCounters: s.counters,
		facts.FeedSignIns: s.signIns})
	return s, nil
}

// instant reads a time that may be null.
func instant(text string) facts.Instant {
	at, ok := jsondoc.ParseInstant([]byte(text))
	if !ok || at <= 0 {
		return facts.NoInstant
	}
	return at
}
