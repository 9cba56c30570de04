package workbook

import (
	"strings"

	"trueup/facts"
)

// use is what the sheet of concurrent use comes to for one product.
type use struct{ peak, denied int64 }

// concurrent lists the days on which the positions of concurrent products rest. There is no such sheet without them.
func (b *book) concurrent() error {
	if len(b.view.Plan.Concurrent) == 0 {
		return nil
	}
	s := b.styles
	t, err := b.newTable(concurrentSheet, blue, 2, []column{{"Product", 18, s.text, false}, {"Product name", 28, s.text, false},
		{"Day", 12, s.date, true}, {"Peak", 8, s.count, true}, {"Licences", 10, s.count, true}, {"Reserved", 10, s.count, true},
		{"Denied", 8, s.count, true}, {"Seen all day", 12, s.text, false}})
	if err != nil {
		return err
	}
	b.used, b.uses = t, map[string]use{}
	for n := range b.view.Plan.Concurrent {
		c := &b.view.Plan.Concurrent[n]
		id := b.view.Plan.Catalogue.Products[c.Product].ID
		for k := range c.Days {
			d := &c.Days[k]
			seen := "no"
			if d.Seen {
				seen = "yes"
			}
			if err := t.add(b.texts.safe(id), b.productName(c.Product), serial(d.Day), d.Peak, figure(d.Limit), figure(d.Reserved),
				figure(d.Denied), seen); err != nil {
				return err
			}
			sum := b.uses[id]
			b.uses[id] = use{peak: max(sum.peak, d.Peak), denied: sum.denied + max(d.Denied, 0)}
		}
	}
	return t.finish()
}

const concurrentSheet = "Concurrent use"

// figure is a number, or an empty cell where it is not told.
func figure(n int64) any {
	if n == facts.NotTold {
		return nil
	}
	return n
}

// concurrentChecks compare peaks and denials of the days with those of the positions. Excel compares text without regard
// to case: products that differ in nothing else are left out.
func (b *book) concurrentChecks() []check {
	plan := b.view.Plan
	same := map[string]int{}
	for id := range b.uses {
		same[strings.ToLower(id)]++
	}
	var list []check
	for n := range plan.Positions {
		p := &plan.Positions[n]
		id := plan.Catalogue.Products[p.Product].ID
		is, listed := b.uses[id]
		if p.Peak == nil || !listed || same[strings.ToLower(id)] > 1 {
			continue
		}
		tables := []*table{b.used}
		list = append(list, check{group: "Peak of", what: b.texts.safe(id), is: float64(is.peak), want: float64(*p.Peak),
			formula: over(tables, "SUMPRODUCT(MAX((%T[Product]=%W)*%T[Peak]))"), how: "most licences out at one time, on the sheet Positions"})
		if p.Denied != nil {
			list = append(list, check{group: "Denied of", what: b.texts.safe(id), is: float64(is.denied), want: float64(*p.Denied),
				formula: over(tables, "SUMIFS(%T[Denied],%T[Product],%W)"), how: "requests refused for want of a licence, on the sheet Positions"})
		}
	}
	return list
}
