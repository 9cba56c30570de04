package reconcile

import (
	"maps"
	"slices"

	"trueup/facts"
)

// items says which of the vendors' items are which product, and which products' seats are known whole.
type items struct {
	product  []ProductID        // by row of Snapshot.Seats; NoProductID where the item is no product's or has no rows
	sources  [][]facts.SourceID // by product: where its seats are kept, by name
	whole    []bool             // by product: the seats feeds of all its sources were read whole
	told     []bool             // by product: and those of its family, and of what covers it
	exact    []bool             // by product: and none of their records was refused
	unmapped map[item]int       // seat paths of items that no product names
	pooled   []int64            // by product without rows: seat paths that name it
	seen     map[item]bool
}

// item is what a vendor sells, by the vendor's own id.
type item struct {
	source facts.SourceID
	sym    facts.Sym
}

func newItems(s *facts.Snapshot, fold *folding, c *Catalogue) *items {
	n := len(c.Products)
	x := &items{product: make([]ProductID, s.Seats.Len()), sources: make([][]facts.SourceID, n), whole: make([]bool, n),
		exact: make([]bool, n), unmapped: map[item]int{}, pooled: make([]int64, n), seen: map[item]bool{}}
	of := make([]map[name]ProductID, len(s.Sources))
	for p := range c.Products {
		x.sourcesOf(s, fold, c, ProductID(p), of)
	}
	x.told = slices.Clone(x.whole)
	for p, others := range c.speaks() {
		for _, other := range others {
			x.told[other] = x.told[other] && (x.whole[p] || len(c.Products[p].SeatsFrom) == 0)
		}
	}
	for source := range s.Sources {
		x.read(s, fold, c, facts.SourceID(source), of[source])
	}
	return x
}

func (x *items) sourcesOf(s *facts.Snapshot, fold *folding, c *Catalogue, p ProductID, of []map[name]ProductID) {
	from := c.Products[p].SeatsFrom
	x.whole[p], x.exact[p] = len(from) > 0, len(from) > 0
	for _, source := range slices.Sorted(maps.Keys(from)) {
		id, known := s.SourceNamed(source)
		if !known {
			x.whole[p], x.exact[p] = false, false
			continue
		}
		x.sources[p] = append(x.sources[p], id)
		input, read := s.Input(id, facts.FeedSeats)
		x.whole[p] = x.whole[p] && read && wholeFeed(s, input)
		x.exact[p] = x.exact[p] && read && wholeFeed(s, input) && input.Rejected == 0
		if of[id] == nil {
			of[id] = map[name]ProductID{}
		}
		for _, sku := range from[source] {
			if n := fold.configured(sku); n != noName {
				of[id][n] = p
			}
		}
	}
}

// read finds the product of each seat path of a source. Of a feed observed after the as-of, seats given after it are
// left out: they were not there yet.
func (x *items) read(s *facts.Snapshot, fold *folding, c *Catalogue, source facts.SourceID, of map[name]ProductID) {
	rows := rowsOf(s.Seats.Source, source)
	input, read := s.Input(source, facts.FeedSeats)
	later := read && input.Later
	last, product := facts.Sym(0), NoProductID
	for n := rows.from; n < rows.to; n++ {
		if sym := s.Seats.Product[n]; sym != last {
			known := false
			if product, known = of[fold.of(sym)]; !known {
				product = NoProductID
			}
			last = sym
		}
		x.product[n] = NoProductID
		switch {
		case later && s.Seats.Assigned[n] > s.AsOf:
		case product == NoProductID:
			x.unmapped[item{source, last}]++
		case !c.Products[product].Metric.PerHolder():
			x.pooled[product]++
		default:
			x.product[n] = product
		}
	}
}
