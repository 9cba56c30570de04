package licensegen

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trueup/connectors"
	"trueup/facts"

	"trueup/licensegen"
)

// Assign implements [connectors.Assigner]: it issues, for every order line of the customer and product that is neither
// cancelled nor ended, the licence that grants what the line says now, superseding the former, and leaves alone what is
// current. A licence's content decides its bytes and its order line decides its place, so repeating Assign gives the same
// licences whatever the key; key is not used. If one line fails, the licences of the lines before it stand.
func (s *source) Assign(ctx context.Context, seat connectors.Seat, _ string) (connectors.Receipt, error) {
	if !s.config.Write {
		return connectors.Receipt{}, s.untouched(connectors.Refused, errors.New("the source is not written to"), "set write: true")
	}
	b, err := s.books(ctx, facts.FeedPeople)
	if err != nil {
		return connectors.Receipt{}, s.untouched(connectors.ClassOf(err), err, connectors.HintOf(err))
	}
	ring, err := licensegen.ReadKeyring(s.path(s.config.Keys))
	if err != nil {
		err = s.keyFault(err)
		return connectors.Receipt{}, s.untouched(connectors.ClassOf(err), err, connectors.HintOf(err))
	}
	issuer, verifier, err := s.issuer(b.catalogue, ring)
	if err != nil {
		return connectors.Receipt{}, s.untouched(connectors.ClassOf(err), err, connectors.HintOf(err))
	}
	customer, product := account(seat), licensegen.ProductID(seat.Product)
	var lines []*licensegen.OrderLine
	for _, line := range b.lines {
		if line.Customer == customer && line.Product == product && !line.Over(s.now().Time()) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return connectors.Receipt{}, s.untouched(connectors.Refused,
			fmt.Errorf("customer %q has no order line of %s in force", customer, product), "licences follow orders: see the order files")
	}
	r, err := s.register()
	if err != nil {
		return connectors.Receipt{}, s.untouched(connectors.ClassOf(err), err, connectors.HintOf(err))
	}
	defer func() { _ = r.Close() }() // read from, or durable already
	return s.ensure(ctx, issuer, verifier, r, lines)
}

func (s *source) ensure(ctx context.Context, issuer *licensegen.Issuer, v *licensegen.Verifier, r register, lines []*licensegen.OrderLine) (connectors.Receipt, error) {
	var made, ids []string
	for _, line := range lines {
		if err := ctx.Err(); err != nil {
			return connectors.Receipt{}, err
		}
		l, already, err := issuer.Ensure(ctx, r, v, line)
		switch {
		case err != nil && len(made) == 0:
			return connectors.Receipt{}, s.refused(err)
		case err != nil:
			return connectors.Receipt{}, fmt.Errorf("%w (before it: %s)", s.registerFault(err), strings.Join(made, ", "))
		case already:
			continue
		}
		word := "issued"
		if l.Supersedes != "" {
			word = "reissued"
		}
		made, ids = append(made, fmt.Sprintf("%s %s for order line %s", word, l.ID, line.ID)), append(ids, string(l.ID))
	}
	return connectors.Receipt{Already: len(made) == 0, Request: strings.Join(ids, " "), Detail: strings.Join(made, ", ")}, nil
}

// refused turns an error of issuing into one that says what to do. Except where the register itself failed, nothing was
// written.
func (s *source) refused(err error) error {
	for _, c := range []struct {
		kind error
		hint string
	}{
		{licensegen.ErrTaken, "the order changed meanwhile; the next run decides again"},
		{licensegen.ErrChain, "compare the order line's folder in the register with a backup of it"},
		{licensegen.ErrUnknownKey, "put the public key that signed the former licence back among the keys"},
		{licensegen.ErrSignature, "compare the order line's folder in the register with a backup of it"},
		{licensegen.ErrMalformed, "compare the order line's folder in the register with a backup of it"},
		{licensegen.ErrIssuer, "the catalogue's issuer was changed, or the register is another vendor's"},
	} {
		if errors.Is(err, c.kind) {
			return s.untouched(connectors.Refused, err, c.hint)
		}
	}
	if _, ok := errors.AsType[*licensegen.LintError](err); ok {
		return s.untouched(connectors.Refused, err, "correct the order line or the catalogue")
	}
	return s.registerFault(err)
}

// untouched is an error after which it is known that nothing was written.
func (s *source) untouched(class connectors.Class, err error, hint string) error {
	return &connectors.Error{Class: class, Place: s.config.Name, Err: err, Hint: hint, Answered: true}
}

// Probe implements [connectors.Prober]: it lists the products of which the customer has every licence it should, as the
// seats feed does, now.
func (s *source) Probe(ctx context.Context, id, login string) ([]connectors.Seat, error) {
	if s.now == nil {
		return nil, s.untouched(connectors.Permanent, errors.New("there is no clock to tell which order lines have ended"), "")
	}
	b, err := s.books(ctx, facts.FeedSeats)
	if err != nil {
		return nil, err
	}
	all, err := b.holdings(s.now().Time())
	if err != nil {
		return nil, err
	}
	customer := account(connectors.Seat{Account: id, Login: login})
	var seats []connectors.Seat
	for _, h := range all {
		if h.held && h.customer == customer {
			seats = append(seats, connectors.Seat{Account: string(customer), Product: string(h.product), Path: "direct"})
		}
	}
	return seats, nil
}

// The verbs that the descriptor declares, and the check.
var (
	_ connectors.Assigner = (*source)(nil)
	_ connectors.Prober   = (*source)(nil)
	_ connectors.Checker  = (*source)(nil)
)
