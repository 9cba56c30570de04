package licensegen

import (
	"context"
	"fmt"
	"slices"
	"time"

	"trueup/connectors"
	"trueup/facts"
	"trueup/licensegen"
)

// Pull implements [connectors.Source].
func (s *source) Pull(ctx context.Context, p connectors.Pull) (*facts.Observation, error) {
	b, err := s.read(ctx, p)
	if err != nil {
		return b.observed, err
	}
	switch p.Feed {
	case facts.FeedPeople:
		b.people(p.AsOf.Time())
	case facts.FeedSeats:
		if err := b.seats(p.AsOf.Time()); err != nil {
			b.observed.Complete = false
			return b.observed, &connectors.Error{Class: connectors.Permanent, Place: s.config.Catalogue, Err: err}
		}
	case facts.FeedPurchases:
		b.purchases()
	default:
		return nil, fmt.Errorf("%s: licensegen has no %s feed", s.config.Name, p.Feed)
	}
	return b.observed, nil
}

// people makes a person of every customer. What a customer does or leaves undone plays no part: only orders do.
func (b *books) people(t time.Time) {
	byCustomer := map[licensegen.CustomerID][]*licensegen.OrderLine{}
	var customers []licensegen.CustomerID
	for _, line := range b.lines {
		if byCustomer[line.Customer] == nil {
			customers = append(customers, line.Customer)
		}
		byCustomer[line.Customer] = append(byCustomer[line.Customer], line)
	}
	slices.Sort(customers)
	for _, id := range customers {
		b.observed.AddPerson(customer(id, byCustomer[id], t))
	}
}

func customer(id licensegen.CustomerID, lines []*licensegen.OrderLine, t time.Time) *facts.Person {
	p := &facts.Person{ID: string(id), Kind: facts.Customer, Status: facts.Suspended, Hired: facts.NoDay, Left: facts.NoDay,
		LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant}
	var named licensegen.Date
	cancelled, left := 0, facts.NoDay
	for _, line := range lines {
		if named.Before(line.Amended) {
			named, p.Name = line.Amended, line.CustomerName
		}
		if start := day(line.Start); !p.Hired.Known() || start < p.Hired {
			p.Hired = start
		}
		switch {
		case line.Status == licensegen.Cancelled:
			cancelled, left = cancelled+1, max(left, day(line.Amended))
		case line.Over(t):
		case line.Begins().After(t):
			p.Groups = append(p.Groups, string(line.Product))
			if p.Status != facts.Active {
				p.Status = facts.Future
			}
		default:
			p.Groups = append(p.Groups, string(line.Product))
			p.Status = facts.Active
		}
	}
	if cancelled == len(lines) {
		p.Status, p.Left = facts.Leaver, left
	}
	slices.Sort(p.Groups)
	p.Groups = slices.Compact(p.Groups)
	return p
}

// seats makes a seat of what a customer has of a product, unless something is lacking.
func (b *books) seats(t time.Time) error {
	all, err := b.holdings(t)
	if err != nil {
		return err
	}
	stale := 0
	for _, h := range all {
		stale += len(h.stale)
		if h.held {
			b.observed.AddSeat(facts.Seat{Account: []byte(h.customer), Product: []byte(h.product), Path: []byte("direct"),
				Assigned: facts.At(h.issued)})
		}
	}
	if stale > 0 {
		b.observed.Notes = append(b.observed.Notes, fmt.Sprintf("%d order lines have no licence that grants what they say", stale))
	}
	return nil
}

// purchases makes one purchased licence of every order line, for as long as the line stands.
func (b *books) purchases() {
	for _, line := range b.lines {
		p := facts.Purchase{Contract: line.ID.Order, Order: line.ID.String(), Product: string(line.Product), Quantity: 1,
			Start: day(line.Start), End: day(line.End), Notice: facts.NoDay}
		if line.Status == licensegen.Cancelled {
			last := day(line.Amended)
			if last < p.Start {
				continue // cancelled before it began
			}
			if !p.End.Known() || last < p.End {
				p.End = last
			}
		}
		b.observed.AddPurchase(p)
	}
}

func day(d licensegen.Date) facts.Day {
	if d.IsZero() {
		return facts.NoDay
	}
	return facts.Date(d.Year, d.Month, d.Day)
}
