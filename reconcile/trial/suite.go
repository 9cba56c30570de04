package trial

import (
	"fmt"
	"slices"

	"trueup/facts"
	"trueup/reconcile"
)

// Suite is a file of cases, as docs/formats/policy-tests.md describes it. Use [ParseSuite] to make one.
type Suite struct {
	Version int       `yaml:"version"` // 1
	AsOf    facts.Day `yaml:"as_of"`   // the cases are decided at the end of this day
	Cases   []Case    `yaml:"cases"`
	File    string    `yaml:"-"`
}

// Case is facts about one holder, and what must be concluded from them.
type Case struct {
	Name   string    `yaml:"name"`
	AsOf   facts.Day `yaml:"as_of"` // the suite's if not given
	Given  given     `yaml:"given"`
	Expect expected  `yaml:"expect"`
	Line   int       `yaml:"-"`
}

// Expectation is what must be concluded about one product. What is nil is not looked at.
type Expectation struct {
	Product string                `yaml:"product"` // may be left out where the case comes to one row
	Account string                `yaml:"account"` // which of several, as the vendor writes it
	Verdict Conclusion            `yaml:"verdict"`
	Action  *reconcile.ActionKind `yaml:"action"`
	To      *string               `yaml:"to"`      // target of a downgrade or upgrade
	Rule    *string               `yaml:"rule"`    // "": no rule decides
	Reasons []reconcile.Reason    `yaml:"reasons"` // at least these
}

// Conclusion is a verdict, or none where no row is expected.
type Conclusion struct {
	Verdict reconcile.Verdict
	None    bool
	given   bool
}

// UnmarshalText reads a verdict or "none".
func (c *Conclusion) UnmarshalText(b []byte) error {
	*c = Conclusion{given: true, None: string(b) == "none"}
	if c.None {
		return nil
	}
	return c.Verdict.UnmarshalText(b)
}

// expected is one expectation or a list.
type expected []Expectation

// UnmarshalYAML reads either form.
func (e *expected) UnmarshalYAML(unmarshal func(any) error) error {
	var form any
	if err := unmarshal(&form); err != nil {
		return err
	}
	if _, list := form.([]any); list {
		return unmarshal((*[]Expectation)(e))
	}
	var one Expectation
	err := unmarshal(&one)
	*e = expected{one}
	return err
}

// ParseSuite reads a file of cases against a catalogue; name is the file's name in errors. The error is
// [reconcile.Faults], with everything that is wrong.
func ParseSuite(name string, data []byte, c *reconcile.Catalogue) (*Suite, error) {
	s := &Suite{AsOf: facts.NoDay, File: name}
	doc, _ := reconcile.DecodeStrict(name, data, s)
	switch {
	case !doc.Has("version"):
		doc.Fault("version", "is missing", "write version: 1")
	case s.Version != 1:
		doc.Fault("version", fmt.Sprintf("is %d; this program reads version 1", s.Version), "")
	}
	if !s.AsOf.Known() {
		doc.Fault("as_of", "is missing", "write as_of: 2026-06-30, so that the cases mean the same on any day")
	}
	if len(s.Cases) == 0 {
		doc.Fault("cases", "there are none", "")
	}
	names := map[string]int{}
	for n := range s.Cases {
		s.check(doc, c, n, names)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Suite) check(doc *reconcile.Document, c *reconcile.Catalogue, n int, names map[string]int) {
	key := fmt.Sprintf("cases[%d]", n)
	x := &s.Cases[n]
	x.Line = doc.Line(key)
	if !doc.Has(key+".as_of") || !x.AsOf.Known() {
		x.AsOf = s.AsOf
	}
	first, twice := names[x.Name]
	switch {
	case x.Name == "":
		doc.Fault(key+".name", "is missing", "say what the case is about")
	case twice:
		doc.Fault(key+".name", fmt.Sprintf("%q stands twice; first in cases[%d]", x.Name, first), "")
	}
	names[x.Name] = n
	check := checks{doc, c, x.AsOf}
	check.given(key+".given", &x.Given)
	if len(x.Expect) == 0 {
		doc.Fault(key+".expect", "is missing", "write expect: {verdict: idle, action: revoke}")
	}
	for k := range x.Expect {
		at := key + ".expect"
		if doc.Has(at + "[0]") {
			at = fmt.Sprintf("%s[%d]", at, k)
		}
		check.expectation(at, &x.Expect[k], len(x.Expect) > 1)
	}
}

// checks reports what in a case does not fit the catalogue.
type checks struct {
	doc       *reconcile.Document
	catalogue *reconcile.Catalogue
	asOf      facts.Day
}

func (c checks) expectation(key string, e *Expectation, several bool) {
	if !e.Verdict.given {
		c.doc.Fault(key+".verdict", "is missing", "name a verdict, or none where no row is expected")
	}
	if e.Verdict.None && (e.Action != nil || e.To != nil || e.Rule != nil || e.Reasons != nil) {
		c.doc.Fault(key+".verdict", "none leaves nothing else to expect", "remove the other keys")
	}
	if several && e.Product == "" {
		c.doc.Fault(key+".product", "is missing", "of several expectations each names its product")
	}
	if e.Product != "" {
		c.product(key+".product", e.Product)
	}
	if e.To != nil && *e.To != "" {
		c.product(key+".to", *e.To)
	}
}

func (c checks) product(key, id string) *reconcile.Product {
	n, known := c.catalogue.Lookup(id)
	if known {
		return &c.catalogue.Products[n]
	}
	var ids []string
	for k := range c.catalogue.Products {
		ids = append(ids, c.catalogue.Products[k].ID)
	}
	slices.Sort(ids)
	c.doc.Fault(key, fmt.Sprintf("no product %q", id), reconcile.DidYouMean(id, ids))
	return nil
}
