package licensegen

import (
	"errors"
	"fmt"
	"slices"
)

// Catalogue is what a vendor sells.
type Catalogue struct {
	Issuer   string    `yaml:"issuer"` // the vendor's name in every licence
	Products []Product `yaml:"products"`
}

// Product is one thing that is sold.
type Product struct {
	ID          ProductID `yaml:"id"`
	Name        string    `yaml:"name"`
	Parts       []string  `yaml:"parts"`        // part numbers by which order lines may name it
	Features    []string  `yaml:"features"`     // what a licence for it enables
	Models      []Model   `yaml:"models"`       // how it may be licensed; the first is the default
	MaxQuantity int64     `yaml:"max_quantity"` // of one order line; 0: [DefaultMaxQuantity]
}

// DefaultMaxQuantity is the largest quantity believed of an order line where its product does not say otherwise.
const DefaultMaxQuantity = 1_000_000

// Validate returns everything that is wrong with the catalogue, joined.
func (c *Catalogue) Validate() error {
	var all []error
	if err := checkText(c.Issuer); err != nil {
		all = append(all, fmt.Errorf("issuer: %w", err))
	}
	if len(c.Products) == 0 {
		all = append(all, errors.New("products: there are none"))
	}
	named := map[string]int{}
	for n := range c.Products {
		p := &c.Products[n]
		if err := p.validate(); err != nil {
			all = append(all, fmt.Errorf("products[%d]: %w", n, err))
		}
		for _, name := range append([]string{string(p.ID)}, p.Parts...) {
			if other, ok := named[name]; ok {
				all = append(all, fmt.Errorf("products[%d]: %q already names products[%d]", n, name, other))
			}
			named[name] = n
		}
	}
	return errors.Join(all...)
}

func (p *Product) validate() error {
	if err := checkText(string(p.ID)); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	for _, part := range p.Parts {
		if err := checkText(part); err != nil {
			return fmt.Errorf("parts: %w", err)
		}
	}
	for _, feature := range p.Features {
		if err := checkText(feature); err != nil {
			return fmt.Errorf("features: %w", err)
		}
	}
	if len(p.Models) == 0 {
		return errors.New("models: there are none")
	}
	for _, m := range p.Models {
		if _, ok := m.rules(); !ok {
			return fmt.Errorf("models: %q is not a model", m)
		}
	}
	if p.MaxQuantity < 0 || p.MaxQuantity > MaxQuantity {
		return fmt.Errorf("max_quantity: %d is not between 0 and %d", p.MaxQuantity, MaxQuantity)
	}
	return nil
}

// Product returns the product of an id or part number.
func (c *Catalogue) Product(name string) (*Product, bool) {
	for n := range c.Products {
		p := &c.Products[n]
		if string(p.ID) == name || slices.Contains(p.Parts, name) {
			return p, true
		}
	}
	return nil, false
}

func (p *Product) maxQuantity() int64 {
	if p.MaxQuantity > 0 {
		return p.MaxQuantity
	}
	return DefaultMaxQuantity
}

// features returns the product's features sorted and once each.
func (p *Product) features() []string {
	sorted := slices.Clone(p.Features)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
