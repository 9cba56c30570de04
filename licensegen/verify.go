package licensegen

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What can be wrong with a licence. A [Verifier]'s errors wrap exactly one of them.
var (
	ErrMalformed  = errors.New("not a licence")
	ErrUnknownKey = errors.New("signed with a key that is not known here")
	ErrSignature  = errors.New("the signature does not fit: the licence was changed or is forged")
	ErrIssuer     = errors.New("a licence of another vendor")
	ErrProduct    = errors.New("a licence for another product")
	ErrHost       = errors.New("a licence for another host")
	ErrNotYet     = errors.New("the licence is not valid yet")
	ErrExpired    = errors.New("the licence has expired")
)

// Verifier checks licences against a fixed set of public keys, normally the current one and the next. It needs neither
// network nor clock nor time zone data and is safe for concurrent use.
type Verifier struct {
	issuer string
	keys   []PublicKey
}

// NewVerifier returns a verifier for one vendor's licences.
func NewVerifier(issuer string, keys ...PublicKey) *Verifier {
	return &Verifier{issuer: issuer, keys: append([]PublicKey{}, keys...)}
}

// Use is what a licence is to allow.
type Use struct {
	At      time.Time // when; a licence counts from its first instant and up to, not including, its expiry
	Product ProductID
	Host    string // id of the machine; matters to a licence that is bound to a host
}

// Authenticate reads a licence file and checks its form, signature and issuer, and nothing else: the licence may have
// expired or be for something else.
func (v *Verifier) Authenticate(file []byte) (*License, error) {
	line, ok := bytes.CutSuffix(file, []byte("\n"))
	if !ok {
		return nil, fmt.Errorf("%w: the file does not end with a line feed", ErrMalformed)
	}
	token := string(line)
	if strings.ContainsAny(token, "\r\n") {
		return nil, fmt.Errorf("%w: the file has several lines or foreign line ends", ErrMalformed)
	}
	e, err := open(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	key, ok := v.key(e.kid)
	if !ok {
		return nil, fmt.Errorf("%w: kid %q", ErrUnknownKey, e.kid)
	}
	if !key.verify([]byte(e.message), e.signature) {
		return nil, ErrSignature
	}
	l, err := parse(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if l.Issuer != v.issuer {
		return nil, fmt.Errorf("%w: %q", ErrIssuer, l.Issuer)
	}
	return l, nil
}

// Verify reads a licence file and checks that it allows the use. It returns no licence beside an error.
func (v *Verifier) Verify(file []byte, use Use) (*License, error) {
	l, err := v.Authenticate(file)
	if err != nil {
		return nil, err
	}
	if err := l.Allows(use); err != nil {
		return nil, err
	}
	return l, nil
}

// Allows says why the licence does not allow the use; nil if it does.
func (l *License) Allows(use Use) error {
	switch {
	case l.Terms.Product != use.Product:
		return fmt.Errorf("%w: %q", ErrProduct, l.Terms.Product)
	case l.Terms.Host != "" && l.Terms.Host != BindHost(use.Product, use.Host):
		return ErrHost
	case use.At.Before(l.NotBefore):
		return fmt.Errorf("%w: it begins at %s", ErrNotYet, l.NotBefore.Format(time.RFC3339))
	case !l.Expires.IsZero() && !use.At.Before(l.Expires):
		return fmt.Errorf("%w: at %s, the end of %s in %s", ErrExpired, l.Expires.Format(time.RFC3339), l.Terms.End, l.Terms.Zone)
	}
	return nil
}

func (v *Verifier) key(id KeyID) (PublicKey, bool) {
	for _, k := range v.keys {
		if k.id == id {
			return k, true
		}
	}
	return PublicKey{}, false
}
