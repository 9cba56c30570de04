package github

import (
	"context"
	"fmt"

	"trueup/connectors"
	"trueup/facts"
)

// seats reads Copilot seats and consumed licences. A Copilot seat that was cancelled is held, and paid for, until its last
// day is over.
func (s *source) seats(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	today := p.Calendar.Day(p.Observed)
	cancelled, over := 0, 0
	_, err := s.holdings(ctx, p, o, func(r record) {
		if r.user != nil {
			o.AddSeat(r.user.seat())
			return
		}
		switch ends, _ := r.seat.ends(); {
		case ends.Known() && ends < today:
			over++
			return
		case ends.Known():
			cancelled++
		}
		o.AddSeat(facts.Seat{Account: []byte(r.seat.Assignee.Login), Product: []byte(r.seat.product()), Path: []byte(r.seat.path()),
			Assigned: instant(r.seat.Created)})
	})
	if cancelled > 0 {
		o.Notes = append(o.Notes, fmt.Sprintf("cancelled at GitHub already and held until the end of the billing cycle: %d Copilot seats", cancelled))
	}
	if over > 0 {
		o.Notes = append(o.Notes, fmt.Sprintf("left out, since their pending_cancellation_date is past: %d Copilot seats", over))
	}
	return err
}

// seat is the licence of a user, of which no date is told.
func (u *licensedUser) seat() facts.Seat {
	s := facts.Seat{Account: []byte(u.account()), Product: []byte(u.product()), Path: []byte(u.path()), Assigned: facts.NoInstant}
	if emails := u.emails(); len(emails) > 0 && emails[0] != u.account() {
		s.Login = []byte(emails[0])
	}
	return s
}

// counters reads how many licences the enterprise bought and consumes. Of Copilot GitHub tells no such figure: it charges
// what is assigned.
func (s *source) counters(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	product := ""
	h, err := s.holdings(ctx, p, o, func(r record) {
		if r.user != nil && product == "" && !(r.user.Server && !r.user.Cloud) {
			product = r.user.product()
		}
	})
	switch {
	case err != nil:
		return err
	case h.bought < 0:
		return refuse(o, "no page says total_seats_purchased", "export GET /enterprises/ENTERPRISE/consumed-licenses")
	case h.differ:
		return refuse(o, "the pages do not agree on how many licences were bought and consumed", "export them again, one enterprise a source")
	}
	if product == "" {
		product = "enterprise"
	}
	o.AddCounter(facts.Counter{Product: product, Purchased: h.bought, Consumed: h.licensed})
	return nil
}

func refuse(o *facts.Observation, reason, hint string) error {
	o.Complete = false
	return &connectors.Error{Class: connectors.Incomplete, Reason: reason, Hint: hint}
}
