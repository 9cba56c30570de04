package trial

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/govalues/decimal"

	"trueup/facts"
	"trueup/reconcile"
)

// given are the facts of a case. What is not given has the value that makes the case simple: see [world].
type given struct {
	Person     person              `yaml:"person"`
	Accounts   []account           `yaml:"accounts"`
	Seats      []seat              `yaml:"seats"`
	SignIns    []signIn            `yaml:"sign_ins"`
	Coverage   map[string]coverage `yaml:"coverage"` // by source
	Contracts  []purchase          `yaml:"contracts"`
	Incomplete []string            `yaml:"incomplete"` // feeds that were not read whole, as hr/people
}

// person is a row of the directory, or none.
type person struct {
	none bool
	personKeys
}

type personKeys struct {
	Source     string   `yaml:"source"`
	ID         string   `yaml:"id"`
	Email      string   `yaml:"email"`
	Aliases    []string `yaml:"aliases"`
	EmployeeID string   `yaml:"employee_id"`
	Name       string   `yaml:"name"`
	Kind       string   `yaml:"kind"`
	Status     string   `yaml:"status"`
	Department string   `yaml:"department"`
	CostCentre string   `yaml:"cost_centre"`
	Manager    string   `yaml:"manager"`
	Role       string   `yaml:"role"`
	Groups     []string `yaml:"groups"`
	Hired      moment   `yaml:"hired"`
	Left       moment   `yaml:"left"`
	LeaveFrom  moment   `yaml:"leave_from"`
	LeaveTo    moment   `yaml:"leave_to"`
	Deleted    bool     `yaml:"deleted"`
}

// UnmarshalYAML reads the keys of a person, or none.
func (p *person) UnmarshalYAML(unmarshal func(any) error) (err error) {
	p.none, err = orNone(unmarshal, &p.personKeys)
	return err
}

// orNone reads the word none, or keys.
func orNone(unmarshal func(any) error, keys any) (none bool, err error) {
	var form any
	if err := unmarshal(&form); err != nil {
		return false, err
	}
	switch word, is := form.(string); {
	case is && word == "none":
		return true, nil
	case is:
		return false, fmt.Errorf("%q is neither none nor keys and values", word)
	}
	return false, unmarshal(keys)
}

// account is a row of another source's directory.
type account struct {
	Source     string `yaml:"source"`
	ID         string `yaml:"id"`
	Email      string `yaml:"email"`
	EmployeeID string `yaml:"employee_id"`
	Kind       string `yaml:"kind"`
	LastSignIn moment `yaml:"last_sign_in"`
}

type seat struct {
	Product    string `yaml:"product"`
	Source     string `yaml:"source"`
	Account    string `yaml:"account"`
	Assigned   moment `yaml:"assigned"`
	Path       string `yaml:"path"`
	CostCentre string `yaml:"cost_centre"`
}

type signIn struct {
	Product     string `yaml:"product"`
	Source      string `yaml:"source"`
	Application string `yaml:"application"`
	Account     string `yaml:"account"`
	Last        moment `yaml:"last"`
	Mode        string `yaml:"mode"`
}

// coverage is what the log of a source covers, or none where it was not read.
type coverage struct {
	none bool
	coverageKeys
}

type coverageKeys struct {
	From moment `yaml:"from"`
	To   moment `yaml:"to"`
	Gaps []gap  `yaml:"gaps"`
}

// UnmarshalYAML reads the keys of a coverage, or none.
func (c *coverage) UnmarshalYAML(unmarshal func(any) error) (err error) {
	c.none, err = orNone(unmarshal, &c.coverageKeys)
	return err
}

type gap struct {
	From moment `yaml:"from"`
	To   moment `yaml:"to"`
}

// purchase is a contract row in force.
type purchase struct {
	Product     string `yaml:"product"`
	Quantity    *int   `yaml:"quantity"`
	Price       amount `yaml:"price"`
	Per         string `yaml:"per"`
	Currency    string `yaml:"currency"`
	Billing     string `yaml:"billing"`
	Start       moment `yaml:"start"`
	End         moment `yaml:"end"`
	Notice      moment `yaml:"notice"`
	AutoRenew   bool   `yaml:"auto_renew"`
	TrueDown    bool   `yaml:"true_down"`
	CommitFloor int    `yaml:"commit_floor"`
}

type amount struct {
	value decimal.Decimal
	given bool
}

// UnmarshalText reads a decimal that is not negative.
func (a *amount) UnmarshalText(b []byte) (err error) {
	a.given = true
	if a.value, err = decimal.Parse(string(b)); err != nil || a.value.IsNeg() {
		return fmt.Errorf("%q is no price", b)
	}
	return nil
}

// moment is a day: a date, or a number of days before (100d) or after (in 14d) the as-of.
type moment struct {
	day   facts.Day
	days  facts.Day // after the as-of
	given bool
}

// UnmarshalText reads 2026-03-01, 0d, 100d or in 14d.
func (m *moment) UnmarshalText(b []byte) error {
	m.given, m.day = true, facts.NoDay
	text, after := strings.CutPrefix(string(b), "in ")
	if text == "0d" {
		return nil
	}
	var days reconcile.Days
	if err := days.UnmarshalText([]byte(text)); err == nil {
		if m.days = -facts.Day(days); after {
			m.days = facts.Day(days)
		}
		return nil
	}
	var err error
	if m.day, err = facts.ParseDay(text); err != nil || after {
		return errors.New(string(b) + " is no day: write 2026-03-01, 100d for days ago, or in 14d")
	}
	return nil
}

// on returns the day; without one that which lies otherwise days after the as-of.
func (m moment) on(asOf facts.Day, otherwise facts.Day) facts.Day {
	switch {
	case !m.given:
		return asOf + otherwise
	case m.day.Known():
		return m.day
	}
	return asOf + m.days
}

// orNever returns the day; absent where none is given.
func (m moment) orNever(asOf facts.Day) facts.Day {
	if !m.given {
		return facts.NoDay
	}
	return m.on(asOf, 0)
}

func (c checks) given(key string, g *given) {
	if p := &g.Person; !p.none {
		c.word(key+".person.kind", p.Kind, facts.KindNames())
		c.word(key+".person.status", p.Status, facts.StatusNames())
	}
	for n := range g.Accounts {
		at := fmt.Sprintf("%s.accounts[%d]", key, n)
		if g.Accounts[n].Source == "" {
			c.doc.Fault(at+".source", "is missing", "name the source that has the account")
		}
		c.word(at+".kind", g.Accounts[n].Kind, facts.KindNames())
	}
	for n := range g.Seats {
		c.seat(fmt.Sprintf("%s.seats[%d]", key, n), &g.Seats[n])
	}
	for n := range g.SignIns {
		c.signIn(fmt.Sprintf("%s.sign_ins[%d]", key, n), &g.SignIns[n])
	}
	for _, source := range slices.Sorted(maps.Keys(g.Coverage)) {
		if !slices.Contains(logSources(c.catalogue), source) {
			c.doc.Fault(key+".coverage."+source, "no product counts sign-ins of this source", reconcile.DidYouMean(source, logSources(c.catalogue)))
		}
	}
	for n := range g.Contracts {
		at, p := fmt.Sprintf("%s.contracts[%d]", key, n), &g.Contracts[n]
		c.product(at+".product", p.Product)
		c.word(at+".per", p.Per, []string{"month", "year", "term"})
		billing, _, _ := strings.Cut(p.Billing, ":")
		c.word(at+".billing", billing, []string{"per-assigned", "per-active", "prepaid", "flat"})
	}
	for n, feed := range g.Incomplete {
		_, name, two := strings.Cut(feed, "/")
		if !two || new(facts.Feed).UnmarshalText([]byte(name)) != nil {
			c.doc.Fault(fmt.Sprintf("%s.incomplete[%d]", key, n), fmt.Sprintf("%q is no feed", feed), "write SOURCE/people, SOURCE/seats, SOURCE/sign-ins or contracts/purchases")
		}
	}
}

func (c checks) word(key, word string, known []string) {
	if word != "" && !slices.Contains(known, word) {
		c.doc.Fault(key, fmt.Sprintf("%q is not known", word), reconcile.DidYouMean(word, known))
	}
}

func (c checks) seat(key string, s *seat) {
	p := c.product(key+".product", s.Product)
	if p == nil {
		return
	}
	sources := slices.Sorted(maps.Keys(p.SeatsFrom))
	switch {
	case len(sources) == 0:
		c.doc.Fault(key+".product", "no source says who holds it", "give it seats_from in products.yaml")
	case s.Source == "":
		s.Source = sources[0]
	case !slices.Contains(sources, s.Source):
		c.doc.Fault(key+".source", fmt.Sprintf("seats of %s do not come from %q", p.ID, s.Source), "they come from "+strings.Join(sources, ", "))
	}
}

// signIn completes a sign-in that names a product: it is then use of that product.
func (c checks) signIn(key string, s *signIn) {
	c.word(key+".mode", s.Mode, []string{"interactive", "non-interactive"})
	switch {
	case !s.Last.given:
		c.doc.Fault(key+".last", "is missing", "write last: 100d, or a date")
	case c.asOf.Known() && s.Last.on(c.asOf, 0) > c.asOf:
		c.doc.Fault(key+".last", "lies after the as-of", "")
	}
	if s.Product == "" {
		if !slices.Contains(logSources(c.catalogue), s.Source) {
			c.doc.Fault(key+".source", fmt.Sprintf("no product counts sign-ins of %q", s.Source), reconcile.DidYouMean(s.Source, logSources(c.catalogue)))
		}
		return
	}
	p := c.product(key+".product", s.Product)
	if p == nil {
		return
	}
	sources := slices.Sorted(maps.Keys(p.Activity))
	switch {
	case len(sources) == 0:
		c.doc.Fault(key+".product", "nothing counts as use of it", "give it activity in products.yaml")
		return
	case s.Source == "":
		s.Source = sources[0]
	case !slices.Contains(sources, s.Source):
		c.doc.Fault(key+".source", fmt.Sprintf("use of %s is not looked for at %q", p.ID, s.Source), "it is at "+strings.Join(sources, ", "))
	}
	if applications := p.Activity[s.Source].Applications; s.Application == "" && len(applications) > 0 {
		s.Application = applications[0]
	}
}

// logSources are the sources whose sign-ins count for some product, by name.
func logSources(c *reconcile.Catalogue) []string {
	named := map[string]bool{}
	for n := range c.Products {
		for source := range c.Products[n].Activity {
			named[source] = true
		}
		for source := range c.Products[n].Needs {
			named[source] = true
		}
	}
	return slices.Sorted(maps.Keys(named))
}

// seatSources are the sources that say who holds some product, by name.
func seatSources(c *reconcile.Catalogue) []string {
	named := map[string]bool{}
	for n := range c.Products {
		for source := range c.Products[n].SeatsFrom {
			named[source] = true
		}
	}
	return slices.Sorted(maps.Keys(named))
}
