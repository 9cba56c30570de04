package licensegen

import (
	"slices"
	"strings"
	"time"

	"trueup/licensegen"
)

// holding is what one customer has of one product.
type holding struct {
	customer licensegen.CustomerID
	product  licensegen.ProductID
	lines    []*licensegen.OrderLine // neither cancelled nor ended
	stale    []*licensegen.OrderLine // of lines, those without a licence that grants just that
	issued   time.Time               // of the oldest licence that makes up the seat
	held     bool
}

// holdings works out who holds what at t, by customer and product.
func (b *books) holdings(t time.Time) ([]*holding, error) {
	type pair struct {
		customer licensegen.CustomerID
		product  licensegen.ProductID
	}
	found := map[pair]*holding{}
	of := func(customer licensegen.CustomerID, product licensegen.ProductID) *holding {
		key := pair{customer, product}
		if found[key] == nil {
			found[key] = &holding{customer: customer, product: product}
		}
		return found[key]
	}
	for _, line := range b.lines {
		if line.Over(t) {
			continue
		}
		h := of(line.Customer, line.Product)
		h.lines = append(h.lines, line)
		current, err := b.current(line)
		if err != nil {
			return nil, err
		}
		if !current {
			h.stale = append(h.stale, line)
			continue
		}
		h.count(b.licences[line.ID])
	}
	for _, l := range b.licences {
		// A licence that outlives its orders is held all the same.
		if h := of(l.Terms.Customer, l.Terms.Product); len(h.lines) == 0 && alive(l, t) {
			h.count(l)
		}
	}
	var all []*holding
	for _, h := range found {
		h.held = !h.issued.IsZero() && len(h.stale) == 0
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *holding) int {
		if c := strings.Compare(string(a.customer), string(b.customer)); c != 0 {
			return c
		}
		return strings.Compare(string(a.product), string(b.product))
	})
	return all, nil
}

func (h *holding) count(l *licensegen.License) {
	if h.issued.IsZero() || l.Issued.Before(h.issued) {
		h.issued = l.Issued
	}
}

func (b *books) current(line *licensegen.OrderLine) (bool, error) {
	l, ok := b.licences[line.ID]
	if !ok {
		return false, nil
	}
	return l.Grants(line, b.catalogue)
}

func alive(l *licensegen.License, t time.Time) bool { return l.Expires.IsZero() || t.Before(l.Expires) }
