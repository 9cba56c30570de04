// Package flexlm reads what a FlexNet (FLEXlm) licence server tells about itself: the answers of lmstat -a and lmstat -i,
// its licence files, and its debug log, as described in Revenera's FlexNet Publisher License Administration Guide. Files
// are recognised by what is in them, so that one pattern may name all of them.
//
// One source is one licence server, or three redundant ones. Its clock is local and no file names its zone; the source's
// timezone does, else it is the organisation's. A floating licence has no assignee: what is read is how many licences of a
// feature were out at a time, day by day, and who took one when.
//
// The encrypted report log cannot be read, by anybody but Revenera's own tools.
package flexlm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

const kind = "flexlm"

// lag is how late a series of lmstat's answers may be: as late as the job that writes it, which runs every few minutes.
const lag = time.Hour

var feeds = []facts.Feed{facts.FeedCounters, facts.FeedPurchases, facts.FeedSignIns}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: kind, Title: "FlexNet licence server", Exports: feeds, Lag: lag, Open: open}
}

// Config is a licence server's section.
type Config struct {
	connectors.Exports `yaml:",inline"`
	// Timezone is the IANA name of the zone of the licence server's clock; the organisation's if it is not given.
	Timezone string `yaml:"timezone"`
}

type source struct {
	exports.Source
	clock *facts.Calendar // the server's; nil for the organisation's
}

func open(section connectors.Section) (connectors.Source, error) {
	var c Config
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	files, err := exports.NewSource(section, &c.Exports, feeds, "files: {counters: PATTERN}")
	s := &source{Source: files}
	errs := []error{err, exports.ReadOnly(kind, &c.Exports)}
	if c.Timezone != "" {
		zone, err := time.LoadLocation(c.Timezone)
		if err != nil || c.Timezone == "Local" {
			errs = append(errs, &connectors.Error{Place: "timezone", Reason: fmt.Sprintf("%q is no time zone", c.Timezone),
				Hint: "write an IANA name, as Europe/Berlin"})
		} else {
			s.clock = facts.NewCalendar(zone)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", section.Name, err)
	}
	s.ReadBy(map[facts.Feed]exports.Reader{facts.FeedCounters: s.counters, facts.FeedPurchases: s.purchases,
		facts.FeedSignIns: s.signIns})
	return s, nil
}

// clockOf returns the calendar by which the server's clock is read.
func (s *source) clockOf(p connectors.Pull) *facts.Calendar {
	if s.clock != nil {
		return s.clock
	}
	return p.Calendar
}

// counters reads all files: lmstat's answers and debug logs tell what was out, licence files and lmstat -i what stands.
func (s *source) counters(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	o.Lag = lag
	t := newTally(p.Calendar, s.clockOf(p), p.AsOf)
	sweep := newSweep(t)
	book := &book{}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		sweep.nextFile()
		answer := book.answer()
		return s.read(ctx, p, f, sinks{snapshot: t.snapshot, event: sweep.event, grant: func(g grant) { book.add(g, answer) }})
	})
	sweep.close()
	t.report(o, book.standing(), sweep)
	o.Notes = append(o.Notes, book.notes()...)
	return err
}

// purchases reads licence files, or answers of lmstat -i, as what was bought.
func (s *source) purchases(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	book := &book{}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		answer := book.answer()
		return s.read(ctx, p, f, sinks{grant: func(g grant) { book.add(g, answer) }})
	})
	book.purchases(o)
	o.Notes = append(o.Notes, book.notes()...)
	return err
}
