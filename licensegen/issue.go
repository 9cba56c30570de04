package licensegen

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Signer signs messages with an Ed25519 key: pure Ed25519, so it gets the message and not a hash of it. A key file is
// one ([PrivateKey]); a key management service is another.
type Signer interface {
	Public() PublicKey
	Sign(message []byte) ([]byte, error)
}

// Issuer makes licences.
type Issuer struct {
	catalogue *Catalogue
	signer    Signer
	throwaway PrivateKey
}

// NewIssuer returns an issuer for a catalogue and a signer. It fails if the catalogue is not valid.
func NewIssuer(c *Catalogue, signer Signer) (*Issuer, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	// What the throwaway key signs is never released and no verifier trusts it, so it need not be secret; a fixed one
	// keeps linting deterministic.
	seed := sha256.Sum256([]byte("licence lint key: known to everybody, trusted by nobody"))
	throwaway, err := newPrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return nil, err
	}
	return &Issuer{catalogue: c, signer: signer, throwaway: throwaway}, nil
}

// Draft is a licence that was linted and waits for its signature. It can be redeemed once, at the issuer that made it.
type Draft struct {
	issuer  *Issuer
	license License
	spent   atomic.Bool
}

// License returns what will be signed, for a dry run. It has no token.
func (d *Draft) License() License { return d.license }

// ErrSpent is a draft that was redeemed before or was made by another issuer.
var ErrSpent = errors.New("the draft was already redeemed or is another issuer's")

// LintError is a licence that would have been wrong and was therefore not signed.
type LintError struct {
	Line LineID
	Err  error
}

func (e *LintError) Error() string {
	return fmt.Sprintf("order line %s: the licence would be wrong: %v", e.Line, e.Err)
}

func (e *LintError) Unwrap() error { return e.Err }

// Prepare derives the licence for an order line that stands, encodes it, signs it with a throwaway key and lints the
// result as a customer would see it. former is the licence it supersedes, nil for the first of its line.
//
// The licence is issued, by its own word, at the start of the day on which the line was last amended. Its id is the
// first 128 bits, in base32, of SHA-256 over the issuer, the digest of the terms and the id of the former licence, each
// followed by a line feed: the same step always has the same id, and going back to earlier terms is another step.
func (i *Issuer) Prepare(line *OrderLine, former *License) (*Draft, error) {
	if line.Status != Active {
		return nil, fmt.Errorf("order line %s is %s: no licence is issued for it", line.ID, line.Status)
	}
	terms, err := line.Terms(i.catalogue)
	if err != nil {
		return nil, err
	}
	digest, err := terms.Digest()
	if err != nil {
		return nil, err
	}
	l := License{Issuer: i.catalogue.Issuer, Terms: terms, Digest: digest, NotBefore: line.Begins(), Expires: line.Ends(),
		Issued: line.Amended.StartIn(line.Zone), KeyID: i.signer.Public().ID()}
	if former != nil {
		if former.Terms.Line != line.ID {
			return nil, fmt.Errorf("order line %s: the former licence is of order line %s", line.ID, former.Terms.Line)
		}
		l.Supersedes = former.ID
	}
	l.ID = licenseID(l.Issuer, digest, l.Supersedes)
	if err := i.lint(l, line); err != nil {
		return nil, &LintError{Line: line.ID, Err: err}
	}
	return &Draft{issuer: i, license: l}, nil
}

func licenseID(issuer string, terms Digest, former LicenseID) LicenseID {
	sum := sha256.Sum256([]byte(issuer + "\n" + terms.String() + "\n" + string(former) + "\n"))
	return LicenseID(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16])))
}

// lint signs the licence with the throwaway key and reads it back as a customer would: it must be accepted in its first
// and last second, refused just outside of them, and say what the line says.
func (i *Issuer) lint(l License, line *OrderLine) error {
	l.KeyID = i.throwaway.Public().ID()
	file, err := sign(&l, i.throwaway)
	if err != nil {
		return err
	}
	got, err := NewVerifier(l.Issuer, i.throwaway.Public()).Authenticate(file)
	if err != nil {
		return err
	}
	if !got.Terms.Equal(&l.Terms) || got.ID != l.ID || got.Supersedes != l.Supersedes || !got.Issued.Equal(l.Issued) {
		return errors.New("it does not say what was meant")
	}
	allows := func(at time.Time) error { return got.Allows(Use{At: at, Product: line.Product, Host: line.Host}) }
	if err := allows(line.Begins()); err != nil {
		return fmt.Errorf("in the first second of its term: %w", err)
	}
	if !errors.Is(allows(line.Begins().Add(-time.Second)), ErrNotYet) {
		return errors.New("it is accepted before its term begins")
	}
	end := line.Ends()
	if end.IsZero() {
		return nil
	}
	if err := allows(end.Add(-time.Second)); err != nil {
		return fmt.Errorf("in the last second of its term: %w", err)
	}
	if !errors.Is(allows(end), ErrExpired) {
		return errors.New("it is accepted after its term")
	}
	return nil
}

// Issue signs a draft and checks the signature. A draft can be redeemed once, even if signing then fails.
func (i *Issuer) Issue(d *Draft) (*License, error) {
	if d.issuer != i || d.spent.Swap(true) {
		return nil, ErrSpent
	}
	file, err := sign(&d.license, i.signer)
	if err != nil {
		return nil, fmt.Errorf("order line %s: sign: %w", d.license.Terms.Line, err)
	}
	l, err := NewVerifier(i.catalogue.Issuer, i.signer.Public()).Authenticate(file)
	if err != nil {
		return nil, fmt.Errorf("order line %s: the signer's own key does not verify its signature: %w", d.license.Terms.Line, err)
	}
	return l, nil
}

// sign returns the licence's file.
func sign(l *License, signer Signer) ([]byte, error) {
	message, err := l.message()
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(message)
	if err != nil {
		return nil, err
	}
	message = append(message, '.')
	return append(encoding.AppendEncode(message, signature), '\n'), nil
}
