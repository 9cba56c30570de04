package licensegen

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// LicenseID names a licence: 26 characters of lower-case base32, see [Issuer.Prepare].
type LicenseID string

// License is a licence whose form is right. Only what [Verifier.Authenticate], [Verifier.Verify] or [Issuer.Issue]
// returns is also signed by a known key. It must not be changed.
type License struct {
	ID         LicenseID
	Issuer     string
	Terms      Terms
	Digest     Digest    // of Terms
	NotBefore  time.Time // first instant of the term, UTC
	Expires    time.Time // first instant after the term, UTC; zero: never
	Issued     time.Time // UTC
	Supersedes LicenseID // the former licence of the order line; "" if this is the first
	KeyID      KeyID

	token string
}

// Token returns the licence as one line of text, a JWS in compact form.
func (l *License) Token() string { return l.token }

// File returns the bytes of the licence's file: the token and a line feed, nothing else. A heading for people would be
// unsigned text that people trust, so there is none.
func (l *License) File() []byte { return []byte(l.token + "\n") }

// MaxMessage is the largest number of bytes signed in a licence, so that a key that lives in AWS KMS can sign it (raw
// messages up to 4,096 bytes); maxToken follows from it.
const (
	MaxMessage = 4096
	maxToken   = MaxMessage + 1 + (ed25519.SignatureSize*8+5)/6
)

// The protected header's constant members. RFC 9864 prefers "Ed25519" to "EdDSA"; verifiers in the field know the latter.
const (
	algorithm = "EdDSA"
	tokenType = "license+jwt"
	version   = 1
)

// header and claims list their members in the order of their names, as RFC 8785 wants them.
type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

type claims struct {
	End        string   `json:"end,omitempty"`
	Exp        *int64   `json:"exp,omitempty"`
	Features   []string `json:"features"`
	Host       string   `json:"host,omitempty"`
	Iat        *int64   `json:"iat"`
	Iss        string   `json:"iss"`
	Jti        string   `json:"jti"`
	Line       string   `json:"line"`
	Model      string   `json:"model"`
	Nbf        *int64   `json:"nbf"`
	Order      string   `json:"order"`
	Product    string   `json:"product"`
	Quantity   int64    `json:"quantity"`
	Start      string   `json:"start"`
	Sub        string   `json:"sub"`
	Supersedes string   `json:"supersedes,omitempty"`
	Terms      string   `json:"terms"`
	V          int      `json:"v"`
	Zone       string   `json:"zone"`
}

var encoding = base64.RawURLEncoding.Strict()

// message returns the bytes that are signed: header and claims, each in base64url, joined by a dot.
func (l *License) message() ([]byte, error) {
	if err := l.validate(); err != nil {
		return nil, err
	}
	head, err := canonical(header{Alg: algorithm, Kid: string(l.KeyID), Typ: tokenType})
	if err != nil {
		return nil, err
	}
	t := &l.Terms
	body, err := canonical(claims{End: t.End.String(), Exp: seconds(l.Expires), Features: append([]string{}, t.Features...),
		Host: t.Host, Iat: seconds(l.Issued), Iss: l.Issuer, Jti: string(l.ID), Line: t.Line.Line, Model: string(t.Model),
		Nbf: seconds(l.NotBefore), Order: t.Line.Order, Product: string(t.Product), Quantity: t.Quantity,
		Start: t.Start.String(), Sub: string(t.Customer), Supersedes: string(l.Supersedes), Terms: l.Digest.String(),
		V: version, Zone: t.Zone})
	if err != nil {
		return nil, err
	}
	m := encoding.AppendEncode(nil, head)
	m = append(m, '.')
	m = encoding.AppendEncode(m, body)
	if len(m) > MaxMessage {
		return nil, fmt.Errorf("the licence has %d bytes, more than the %d that can be signed: it has too many features", len(m), MaxMessage)
	}
	return m, nil
}

// validate says what is wrong with l, its own digest included.
func (l *License) validate() error {
	digest, err := l.Terms.Digest()
	switch {
	case err != nil:
		return err
	case digest != l.Digest:
		return fmt.Errorf("terms: the digest is %s and should be %s", l.Digest, digest)
	case !isLicenseID(l.ID):
		return fmt.Errorf("jti: %q is not a licence id", l.ID)
	case l.Supersedes != "" && !isLicenseID(l.Supersedes):
		return fmt.Errorf("supersedes: %q is not a licence id", l.Supersedes)
	case l.Supersedes == l.ID:
		return errors.New("supersedes: names the licence itself")
	case l.NotBefore.IsZero() || l.Issued.IsZero():
		return errors.New("nbf or iat is missing")
	case l.Expires.IsZero() != l.Terms.End.IsZero():
		return errors.New("exp: must be there exactly if end is")
	case !l.Expires.IsZero() && !l.NotBefore.Before(l.Expires):
		return errors.New("exp: is not after nbf")
	}
	if err := checkText(l.Issuer); err != nil {
		return fmt.Errorf("iss: %w", err)
	}
	return nil
}

func isLicenseID(id LicenseID) bool {
	return len(id) == 26 && strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// envelope is a token taken apart as far as is needed to find the key; nothing in it can be trusted yet.
type envelope struct {
	kid       KeyID
	message   string
	claims    string // base64url
	signature []byte
}

// open takes a token apart and pins the header.
func open(token string) (*envelope, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%d characters are more than a licence has", len(token))
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%d parts between dots instead of 3", len(parts))
	}
	var h header
	if err := decode(parts[0], &h); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	switch {
	case h.Alg != algorithm:
		return nil, fmt.Errorf("header: alg is %q instead of %q", h.Alg, algorithm)
	case h.Typ != tokenType:
		return nil, fmt.Errorf("header: typ is %q instead of %q", h.Typ, tokenType)
	}
	signature, err := encoding.DecodeString(parts[2])
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	if len(signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("signature: has %d bytes instead of %d", len(signature), ed25519.SignatureSize)
	}
	return &envelope{kid: KeyID(h.Kid), message: parts[0] + "." + parts[1], claims: parts[1], signature: signature}, nil
}

// parse reads a token strictly. Encoding the result again must give the same bytes, which rules out at one stroke
// repeated, reordered or differently spelled members, floats, escapes, line breaks and stray bits.
func parse(token string) (*License, error) {
	e, err := open(token)
	if err != nil {
		return nil, err
	}
	var c claims
	if err := decode(e.claims, &c); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if c.V != version {
		return nil, fmt.Errorf("claims: v is %d, and this verifier knows %d only", c.V, version)
	}
	l, err := c.license()
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	l.KeyID, l.token = e.kid, token
	again, err := l.message()
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if token != string(again)+"."+encoding.EncodeToString(e.signature) {
		return nil, errors.New("not in canonical form")
	}
	return l, nil
}

func (c *claims) license() (*License, error) {
	l := &License{ID: LicenseID(c.Jti), Issuer: c.Iss, Supersedes: LicenseID(c.Supersedes), NotBefore: instant(c.Nbf),
		Expires: instant(c.Exp), Issued: instant(c.Iat),
		Terms: Terms{Customer: CustomerID(c.Sub), Line: LineID{Order: c.Order, Line: c.Line}, Product: ProductID(c.Product),
			Features: c.Features, Model: Model(c.Model), Quantity: c.Quantity, Host: c.Host, Zone: c.Zone}}
	var err error
	if l.Terms.Start, err = ParseDate(c.Start); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if c.End != "" {
		if l.Terms.End, err = ParseDate(c.End); err != nil {
			return nil, fmt.Errorf("end: %w", err)
		}
	}
	if l.Digest, err = l.Terms.Digest(); err != nil {
		return nil, err
	}
	if c.Terms != l.Digest.String() {
		return nil, fmt.Errorf("terms: the digest is %q and should be %q", c.Terms, l.Digest)
	}
	return l, nil
}

// decode reads base64url of one JSON object without unknown members.
func decode(part string, into any) error {
	b, err := encoding.DecodeString(part)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func instant(seconds *int64) time.Time {
	if seconds == nil {
		return time.Time{}
	}
	return time.Unix(*seconds, 0).UTC()
}
