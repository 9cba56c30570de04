// Package licensegen joins a vendor's back office (package trueup/licensegen) with the nightly run: customers are
// people, order lines are purchases, licences in the register are seats, and giving a seat is issuing or reissuing the
// licences that are lacking. docs/formats/license.md describes the files and the mapping.
//
// The register takes part in a pull like an export: the newest licence of every order line is kept with the raw inputs,
// and so are the public keys and the catalogue, so that a run can be performed again without them.
package licensegen

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"trueup/connectors"
	"trueup/connectors/internal/chains"
	"trueup/facts"
	"trueup/licensegen"
)

// Config is the section of a source of this kind. Paths are relative to the configuration.
type Config struct {
	Name      string           `yaml:"name"`
	Kind      string           `yaml:"kind"`
	Orders    connectors.Files `yaml:"orders"`    // glob or list of globs
	Catalogue string           `yaml:"catalogue"` // file, YAML or JSON
	Keys      string           `yaml:"keys"`      // folder, see [licensegen.Keyring]
	Register  string           `yaml:"register"`  // folder
	Write     bool             `yaml:"write"`
}

// Descriptor describes the kind.
func Descriptor() connectors.Descriptor {
	return connectors.Descriptor{
		Kind:    "licensegen",
		Title:   "Licences we sell",
		Exports: []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedPurchases},
		Writes:  []connectors.Verb{connectors.VerbAssign, connectors.VerbProbe},
		Open:    open,
	}
}

func open(section connectors.Section) (connectors.Source, error) {
	s := &source{dir: section.Dir, calendar: section.Calendar, now: section.Now}
	if err := section.Decode(&s.config); err != nil {
		return nil, err
	}
	c := &s.config
	refuse := func(reason, hint string) error {
		return &connectors.Error{Class: connectors.Permanent, Place: c.Name, Reason: reason, Hint: hint}
	}
	var faults []error
	if len(c.Orders.Single) == 0 {
		faults = append(faults, refuse("orders: names no files", "write orders: licences/orders*.csv"))
	}
	for _, path := range []struct{ key, value, hint string }{{"catalogue", c.Catalogue, "write catalogue: licences/catalogue.yaml"},
		{"keys", c.Keys, "write keys: keys/licences"}, {"register", c.Register, "write register: var/licences"}} {
		if path.value == "" {
			faults = append(faults, refuse(path.key+": is missing", path.hint))
		}
	}
	if c.Write && section.Now == nil {
		faults = append(faults, refuse("write: there is no clock to tell which order lines have ended", ""))
	}
	return s, errors.Join(faults...)
}

// source is one vendor's back office.
type source struct {
	config   Config
	dir      string
	calendar *facts.Calendar
	now      func() facts.Instant
}

// Feeds implements [connectors.Source].
func (s *source) Feeds() []facts.Feed {
	return []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedPurchases}
}

func (s *source) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.dir, p)
}

// Check implements [connectors.Checker]: everything that issuing needs is there and fits together.
func (s *source) Check(ctx context.Context) error {
	ring, err := licensegen.ReadKeyring(s.path(s.config.Keys))
	if err != nil {
		return s.keyFault(err)
	}
	b, err := s.books(ctx, facts.FeedSeats)
	if err != nil || !s.config.Write {
		return err
	}
	_, _, err = s.issuer(b.catalogue, ring)
	return err
}

// issuer returns what signs, and what verifies what was signed before.
func (s *source) issuer(c *licensegen.Catalogue, ring *licensegen.Keyring) (*licensegen.Issuer, *licensegen.Verifier, error) {
	if ring.Signing == nil {
		return nil, nil, &connectors.Error{Class: connectors.Unauthorised, Place: s.config.Keys, Reason: "has no " + licensegen.SigningKeyFile,
			Hint: "licences can be verified here and not issued; bring the key, or take write out of the source"}
	}
	issuer, err := licensegen.NewIssuer(c, ring.Signing)
	if err != nil {
		return nil, nil, &connectors.Error{Class: connectors.Permanent, Place: s.config.Catalogue, Err: err}
	}
	return issuer, licensegen.NewVerifier(c.Issuer, ring.Public...), nil
}

func (s *source) keyFault(err error) error {
	e := &connectors.Error{Class: connectors.Unauthorised, Place: s.config.Keys, Err: err}
	if file, ok := errors.AsType[*licensegen.KeyFileError](err); ok {
		e.Place, e.Err, e.Hint = file.Path, file.Err, file.Hint
	}
	return e
}

// register is the folder of all licences.
type register struct{ *chains.Folder }

func (s *source) register() (register, error) {
	folder, err := chains.Open(s.path(s.config.Register), ".license")
	if err != nil {
		return register{}, &connectors.Error{Class: connectors.Permanent, Place: s.config.Register, Err: err,
			Hint: "name a folder that trueup may write to"}
	}
	return register{folder}, nil
}

// Chain implements [licensegen.Register].
func (r register) Chain(ctx context.Context, line licensegen.LineID) ([][]byte, error) {
	return r.Read(ctx, []string{line.Order, line.Line})
}

// Append implements [licensegen.Register].
func (r register) Append(ctx context.Context, line licensegen.LineID, n int, file []byte) error {
	err := r.Folder.Append(ctx, []string{line.Order, line.Line}, n, file)
	if errors.Is(err, chains.ErrTaken) {
		return licensegen.ErrTaken
	}
	return err
}

// account returns the customer a write is about.
func account(seat connectors.Seat) licensegen.CustomerID {
	return licensegen.CustomerID(cmp.Or(seat.Account, seat.Login))
}
