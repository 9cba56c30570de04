package reconcile

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"trueup/facts"
)

// Catalogue is products.yaml: what is sold, how it is counted, where its seats come from and what counts as use. Use
// [ParseCatalogue] to make one.
type Catalogue struct {
	Products []Product              `yaml:"products"`
	Pools    map[string]PoolMembers `yaml:"pools"` // by the pool's name in contracts
	SHA256   facts.Digest           `yaml:"-"`     // of the file's bytes

	doc      *Document
	ids      map[string]ProductID
	families map[string][]ProductID // ascending tiers
	covers   []productSet           // all that each product covers
}

// Metric is the unit in which a product is counted.
type Metric string

// The metrics. Concurrent and consumption products have a position, never a row per holder.
const (
	NamedUser   Metric = "named-user"
	ActiveUser  Metric = "active-user"
	DeviceSeat  Metric = "device"
	Concurrent  Metric = "concurrent"
	Consumption Metric = "consumption"
)

// PerHolder reports whether the product has a row per seat.
func (m Metric) PerHolder() bool { return m == NamedUser || m == ActiveUser || m == DeviceSeat }

// Product is one sellable item of one vendor.
type Product struct {
	ID        string              `yaml:"id"`
	Name      string              `yaml:"name"` // the id if not given
	Vendor    string              `yaml:"vendor"`
	Category  string              `yaml:"category"`
	Family    string              `yaml:"family"` // tiers of one family replace one another
	Tier      int                 `yaml:"tier"`   // higher covers lower
	Covers    []string            `yaml:"covers"` // ids of products that this one includes
	Metric    Metric              `yaml:"metric"` // named-user if not given
	SeatsFrom map[string][]string `yaml:"seats_from"`
	Activity  map[string]Activity `yaml:"activity"`
	Needs     map[string]Activity `yaml:"needs"` // use that only this tier allows
	Owner     string              `yaml:"owner"`
	// ActivationWindow is how long a new seat may stay unused; ReversibleFor how long data is kept after a revoke.
	ActivationWindow Days `yaml:"activation_window"`
	ReversibleFor    Days `yaml:"reversible_for"`
}

// Activity is what counts as use at one source. In YAML a bare list means applications.
type Activity struct {
	Applications []string `yaml:"applications"` // compared case-folded; empty: any application of the source
	Events       []string `yaml:"events"`       // interactive, non-interactive; empty: both
}

// Days is a number of calendar days, written 90d.
type Days int

// The defaults of a product.
const (
	DefaultMetric           = NamedUser
	DefaultActivationWindow = Days(30)
)

// String writes 90d.
func (d Days) String() string { return strconv.Itoa(int(d)) + "d" }

// MarshalText writes [Days.String].
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 90d: at least one day, at most a hundred years.
func (d *Days) UnmarshalText(b []byte) error {
	const most = 36525
	text, found := strings.CutSuffix(string(b), "d")
	n, err := strconv.Atoi(text)
	switch {
	case !found || err != nil || text[0] == '+':
		return &hinted{fmt.Sprintf("%q is no number of days", b), "write calendar days, as 90d"}
	case n <= 0:
		return &hinted{fmt.Sprintf("%q is not a day or more", b), "remove the key for none"}
	case n > most:
		return &hinted{fmt.Sprintf("%q is more than a hundred years", b), ""}
	}
	*d = Days(n)
	return nil
}

// Metrics lists all metrics.
func Metrics() []Metric { return []Metric{NamedUser, ActiveUser, DeviceSeat, Concurrent, Consumption} }

// UnmarshalText reads the metric's word.
func (m *Metric) UnmarshalText(b []byte) error {
	if !slices.Contains(Metrics(), Metric(b)) {
		var words []string
		for _, known := range Metrics() {
			words = append(words, string(known))
		}
		return &hinted{fmt.Sprintf("%q is no metric", b), didYouMean(string(b), words)}
	}
	*m = Metric(b)
	return nil
}

// UnmarshalYAML reads a list of applications, or the keys applications and events.
func (a *Activity) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if unmarshal(&list) == nil {
		if len(list) == 0 {
			return &hinted{"is an empty list", "name applications, or write {} for any application"}
		}
		a.Applications = list
		return nil
	}
	type keys Activity
	return unmarshal((*keys)(a))
}

// Check reports events and applications that cannot be.
func (a *Activity) Check(report Report) {
	known := []string{facts.Interactive.String(), facts.NonInteractive.String()}
	for n, event := range a.Events {
		if !slices.Contains(known, event) {
			report(fmt.Sprintf("events[%d]", n), fmt.Sprintf("%q is no kind of event", event), didYouMean(event, known))
		}
	}
	if slices.Contains(a.Applications, "") {
		report("applications", "has an empty name", "")
	}
}

// Check reports what is wrong with a product by itself.
func (p *Product) Check(report Report) {
	switch {
	case p.ID == "":
		report("id", "is missing", "")
	case p.ID == AnyProduct || strings.ContainsAny(p.ID, " \t\r\n,=\"'"):
		report("id", fmt.Sprintf("%q cannot be an id", p.ID), "use letters, digits, dots and hyphens")
	}
	if p.Family == AnyProduct {
		report("family", `"*" cannot be a family`, "")
	}
	if p.Tier < 0 || p.Tier > math.MaxInt16 {
		report("tier", strconv.Itoa(p.Tier)+" is out of range", "write 1 for the lowest tier, higher for more")
	}
	for _, source := range slices.Sorted(maps.Keys(p.SeatsFrom)) {
		key := "seats_from." + source
		if len(p.SeatsFrom[source]) == 0 {
			report(key, "names no item", "give the source's SKU ids, or remove the key")
		}
		if slices.Contains(p.SeatsFrom[source], "") {
			report(key, "has an empty item", "")
		}
	}
}

// maxProducts keeps what covers what small.
const maxProducts = 8192

// AnyProduct stands for every product in a rule.
const AnyProduct = "*"

// ParseCatalogue reads products.yaml; name is the file's name in errors. The error is [Faults], with everything that is
// wrong. The format is described in docs/formats/policy.md.
func ParseCatalogue(name string, data []byte) (*Catalogue, error) {
	c := &Catalogue{SHA256: sha256.Sum256(data)}
	c.doc, _ = DecodeStrict(name, data, c)
	for n := range c.Products {
		p := &c.Products[n]
		if p.Name == "" {
			p.Name = p.ID
		}
		if p.Metric == "" {
			p.Metric = DefaultMetric
		}
		if p.ActivationWindow == 0 {
			p.ActivationWindow = DefaultActivationWindow
		}
	}
	c.index()
	c.checkItems()
	c.checkCovers()
	c.checkPools()
	if err := c.doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// index numbers ids and families.
func (c *Catalogue) index() {
	c.ids, c.families = map[string]ProductID{}, map[string][]ProductID{}
	if len(c.Products) > maxProducts {
		c.doc.Fault("products", fmt.Sprintf("has %d products; %d are the most", len(c.Products), maxProducts), "")
		c.Products = c.Products[:maxProducts]
	}
	for n, p := range c.Products {
		if first, twice := c.ids[p.ID]; twice && p.ID != "" {
			c.doc.Fault(fmt.Sprintf("products[%d].id", n), fmt.Sprintf("%q stands twice; first in products[%d]", p.ID, first), "")
			continue
		}
		c.ids[p.ID] = ProductID(n)
		if p.Family != "" {
			c.families[p.Family] = append(c.families[p.Family], ProductID(n))
		}
	}
	delete(c.ids, "")
	for family, members := range c.families {
		slices.SortStableFunc(members, func(a, b ProductID) int { return c.Products[a].Tier - c.Products[b].Tier })
		if n, ok := c.ids[family]; ok && !slices.Equal(members, []ProductID{n}) {
			c.doc.Fault(fmt.Sprintf("products[%d].id", n), fmt.Sprintf("%q is also a family with other products", family),
				"rename one: a rule could not tell them apart")
		}
	}
}

// checkItems reports items of a source that are claimed by two products.
func (c *Catalogue) checkItems() {
	type item struct{ source, id string }
	owner := map[item]int{}
	for n, p := range c.Products {
		for _, source := range slices.Sorted(maps.Keys(p.SeatsFrom)) {
			for k, id := range p.SeatsFrom[source] {
				if first, taken := owner[item{source, id}]; taken {
					c.doc.Fault(fmt.Sprintf("products[%d].seats_from.%s[%d]", n, source, k),
						fmt.Sprintf("%q is already an item of products[%d]", id, first), "an item of a source is one product")
					continue
				}
				owner[item{source, id}] = n
			}
		}
	}
}

// checkCovers resolves what covers what: what a product names, the lower tiers of its family, and all that these cover.
func (c *Catalogue) checkCovers() {
	direct := make([][]ProductID, len(c.Products))
	for n, p := range c.Products {
		for k, id := range p.Covers {
			key := fmt.Sprintf("products[%d].covers[%d]", n, k)
			covered, ok := c.ids[id]
			switch {
			case !ok:
				c.doc.Fault(key, fmt.Sprintf("no product %q", id), didYouMean(id, slices.Sorted(maps.Keys(c.ids))))
			case covered == ProductID(n):
				c.doc.Fault(key, "a product cannot cover itself", "")
			default:
				direct[n] = append(direct[n], covered)
			}
		}
		for _, sibling := range c.families[p.Family] {
			if c.Products[sibling].Tier < p.Tier {
				direct[n] = append(direct[n], sibling)
			}
		}
	}
	if n, cycle := cycleIn(direct); cycle != nil {
		ids := make([]string, len(cycle))
		for k, member := range cycle {
			ids[k] = c.Products[member].ID
		}
		c.doc.Fault(fmt.Sprintf("products[%d].covers", n), "goes in a circle: "+strings.Join(ids, " covers "),
			"a higher tier covers the lower ones of its family by itself")
		return
	}
	c.covers = closure(direct)
}

// cycleIn returns a cycle of the graph and its first node; nil if there is none.
func cycleIn(edges [][]ProductID) (ProductID, []ProductID) {
	const under, done = 1, 2
	state := make([]uint8, len(edges))
	var path []ProductID
	var visit func(ProductID) []ProductID
	visit = func(n ProductID) []ProductID {
		state[n] = under
		path = append(path, n)
		for _, next := range edges[n] {
			if state[next] == under {
				return append(slices.Clone(path[slices.Index(path, next):]), next)
			}
			if state[next] == 0 {
				if cycle := visit(next); cycle != nil {
					return cycle
				}
			}
		}
		state[n] = done
		path = path[:len(path)-1]
		return nil
	}
	for n := range edges {
		if state[n] == 0 {
			if cycle := visit(ProductID(n)); cycle != nil {
				return cycle[0], cycle
			}
		}
	}
	return 0, nil
}

// productSet is a set of products, one bit each; nil is empty.
type productSet []uint64

func (s productSet) has(p ProductID) bool { return s != nil && s[p/64]&(1<<(p%64)) != 0 }

// closure returns all nodes that can be reached from each node of a graph without cycles.
func closure(edges [][]ProductID) []productSet {
	reach := make([]productSet, len(edges))
	var visit func(ProductID) productSet
	visit = func(n ProductID) productSet {
		if reach[n] != nil || len(edges[n]) == 0 {
			return reach[n]
		}
		set := make(productSet, (len(edges)+63)/64)
		for _, next := range edges[n] {
			set[next/64] |= 1 << (next % 64)
			for k, word := range visit(next) {
				set[k] |= word
			}
		}
		reach[n] = set
		return set
	}
	for n := range edges {
		visit(ProductID(n))
	}
	return reach
}

// Lookup returns the number of the product with an id, and whether there is one.
func (c *Catalogue) Lookup(id string) (ProductID, bool) {
	n, ok := c.ids[id]
	if !ok {
		return NoProductID, false
	}
	return n, true
}

// Covers reports whether holding suite makes holding product needless: suite names it, or is a higher tier of its
// family, or covers something that covers it. No product covers itself.
func (c *Catalogue) Covers(suite, product ProductID) bool {
	return c.covers[suite].has(product)
}

// Family returns the products of one family, lowest tier first; nil for "". The result must not be changed.
func (c *Catalogue) Family(name string) []ProductID { return c.families[name] }

// CheckSources reports, as [Faults], each source that a product names and that is not among known.
func (c *Catalogue) CheckSources(known []string) error {
	for n, p := range c.Products {
		check := func(section string, names []string) {
			for _, name := range names {
				if !slices.Contains(known, name) {
					c.doc.Fault(fmt.Sprintf("products[%d].%s.%s", n, section, name), fmt.Sprintf("no source %q is configured", name),
						didYouMean(name, known))
				}
			}
		}
		check("seats_from", slices.Sorted(maps.Keys(p.SeatsFrom)))
		check("activity", slices.Sorted(maps.Keys(p.Activity)))
		check("needs", slices.Sorted(maps.Keys(p.Needs)))
	}
	return c.doc.Err()
}
