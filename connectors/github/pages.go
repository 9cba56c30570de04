package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// members are the names under which pages keep their records: seats of Copilot, users of consumed licences, day_totals of
// usage reports.
var members = []string{"seats", "users", "day_totals"}

// holdings reads the records of people, seats and counters: Copilot seats and licensed users. Pages name no next one, so
// the totals on them tell whether all are there.
type holdings struct {
	seats    int64               // total of Copilot's pages
	licensed int64               // licences consumed, by the pages of consumed licences
	bought   int64               // licences bought; -1: no page says
	differ   bool                // the pages of consumed licences do not agree
	assigned map[string]struct{} // logins with a Copilot seat, folded
	unheld   int64               // Copilot seats of nobody
	read     map[string]struct{} // licensed users, by account
}

// record is a Copilot seat or a licensed user: the one that is not nil.
type record struct {
	seat *copilotSeat
	user *licensedUser
}

// holdings gives every record of the feed's files to each, and fails if totals say that some are missing.
func (s *source) holdings(ctx context.Context, p connectors.Pull, o *facts.Observation, each func(record)) (*holdings, error) {
	h := &holdings{bought: -1, assigned: map[string]struct{}{}, read: map[string]struct{}{}}
	scan := jsondoc.NewScanner(jsondoc.NewPaths("assignee", "license_type"))
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		options := jsondoc.Options{Members: members, Envelope: h.page, MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		return jsondoc.Each(ctx, f, options, func(_ int, doc jsondoc.Doc) error {
			if err := scan.Scan(doc.Bytes); err != nil { // its reasons never show a value
				return err
			}
			r, err := h.decode(scan, doc.Bytes)
			if err == nil {
				each(r)
			}
			return err
		})
	})
	if err == nil {
		err = h.judge(o)
	}
	return h, err
}

// decode reads a record that scan has just passed.
func (h *holdings) decode(scan *jsondoc.Scanner, doc []byte) (record, error) {
	switch {
	case scan.Value(0).Kind != jsondoc.Absent:
		seat, err := decodeSeat(doc)
		if errors.Is(err, errUnheld) {
			h.unheld++
		}
		if err != nil {
			return record{}, err
		}
		h.assigned[strings.ToLower(seat.Assignee.Login)] = struct{}{}
		return record{seat: seat}, nil
	case scan.Value(1).Kind != jsondoc.Absent:
		user, err := decodeUser(doc)
		if err != nil {
			return record{}, err
		}
		account := strings.ToLower(user.account())
		if _, twice := h.read[account]; twice {
			return record{}, jsondoc.Malformed("a user who has been read already")
		}
		h.read[account] = struct{}{}
		return record{user: user}, nil
	}
	return record{}, jsondoc.Malformed("neither a Copilot seat with an assignee nor a user with a license_type")
}

// page reads what a page holds besides its records.
func (h *holdings) page(line int64, envelope []byte) error {
	var page struct {
		Seats    *int64 `json:"total_seats"`
		Licensed *int64 `json:"total_seats_consumed"`
		Bought   *int64 `json:"total_seats_purchased"`
	}
	if err := json.Unmarshal(envelope, &page); err != nil {
		return &connectors.Error{Class: connectors.Permanent, Line: line, Reason: "not a page of GitHub's: a total is no number", Err: err}
	}
	if page.Seats != nil {
		h.seats = max(h.seats, *page.Seats)
	}
	if page.Licensed != nil && page.Bought != nil {
		h.differ = h.differ || h.bought >= 0 && (h.bought != *page.Bought || h.licensed != *page.Licensed)
		h.licensed, h.bought = max(h.licensed, *page.Licensed), max(h.bought, *page.Bought)
	}
	return nil
}

// judge compares totals with what was read. Copilot's total counts people, its pages a record for each team or
// organisation that gave somebody the seat.
func (h *holdings) judge(o *facts.Observation) error {
	if o.Feed == facts.FeedCounters {
		return nil
	}
	for _, part := range []struct {
		name       string
		total, got int64
	}{
		{"total_seats", h.seats, int64(len(h.assigned)) + h.unheld},
		{"total_seats_consumed", h.licensed, int64(len(h.read))},
	} {
		if part.got < part.total {
			o.Complete = false
			return &connectors.Error{Class: connectors.Incomplete, Hint: "export all pages",
				Reason: fmt.Sprintf("%s says %d, the pages hold %d", part.name, part.total, part.got)}
		}
	}
	return nil
}
