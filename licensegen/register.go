package licensegen

import (
	"context"
	"errors"
	"fmt"
)

// Register keeps every licence ever issued, as one chain per order line: licence n supersedes licence n-1. Nothing is
// replaced or deleted; the last of a chain is the current one.
type Register interface {
	// Chain returns the licence files of an order line, oldest first; none is not an error.
	Chain(ctx context.Context, line LineID) ([][]byte, error)
	// Append keeps a licence file as number n, counted from 0, of its line. It is durable when Append returns. If the line
	// has a number n already, Append changes nothing: it succeeds where the bytes are the same, and else fails with an error
	// that wraps [ErrTaken].
	Append(ctx context.Context, line LineID, n int, file []byte) error
}

// ErrTaken is a place in a register that another licence has: the order line changed, and somebody else issued at the same
// time.
var ErrTaken = errors.New("the register has another licence in this place")

// ErrChain is a register whose licences of one order line do not follow from one another: something was lost or put in
// by hand. Nothing is issued on top of it.
var ErrChain = errors.New("the licences of the order line do not form a chain")

// Chain reads and authenticates all licences of an order line, oldest first, and checks that each supersedes the one
// before it.
func Chain(ctx context.Context, r Register, v *Verifier, line LineID) ([]*License, error) {
	files, err := r.Chain(ctx, line)
	if err != nil {
		return nil, fmt.Errorf("order line %s: register: %w", line, err)
	}
	chain := make([]*License, 0, len(files))
	var former LicenseID
	for n, file := range files {
		l, err := v.Authenticate(file)
		if err != nil {
			return nil, fmt.Errorf("order line %s: register: licence %d: %w", line, n, err)
		}
		if l.Terms.Line != line || l.Supersedes != former {
			return nil, fmt.Errorf("order line %s: register: %w: licence %d is of line %s and supersedes %q", line, ErrChain, n,
				l.Terms.Line, l.Supersedes)
		}
		chain = append(chain, l)
		former = l.ID
	}
	return chain, nil
}

// Grants reports whether the licence grants exactly what the order line says now.
func (l *License) Grants(line *OrderLine, c *Catalogue) (bool, error) {
	terms, err := line.Terms(c)
	if err != nil {
		return false, err
	}
	return l.Terms.Equal(&terms), nil
}

// Ensure returns the current licence of an order line. If there is none, or it grants something else than the line says
// now, it issues one that supersedes it and appends that to the register; else already is true. Repeating Ensure after a
// crash, or running it twice side by side, gives the same licence.
func (i *Issuer) Ensure(ctx context.Context, r Register, v *Verifier, line *OrderLine) (l *License, already bool, err error) {
	chain, err := Chain(ctx, r, v, line.ID)
	if err != nil {
		return nil, false, err
	}
	var former *License
	if len(chain) > 0 {
		former = chain[len(chain)-1]
		if current, err := former.Grants(line, i.catalogue); err != nil || current {
			return former, current, err
		}
	}
	draft, err := i.Prepare(line, former)
	if err != nil {
		return nil, false, err
	}
	if l, err = i.Issue(draft); err != nil {
		return nil, false, err
	}
	if err := r.Append(ctx, line.ID, len(chain), l.File()); err != nil {
		return nil, false, fmt.Errorf("order line %s: register: %w", line.ID, err)
	}
	return l, false, nil
}
