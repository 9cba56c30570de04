package licensegen

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// CustomerID is the vendor's id of a customer.
type CustomerID string

// ProductID is the id of a product in the catalogue.
type ProductID string

// LineID names an order line; orders are numbered by the vendor, lines within an order.
type LineID struct{ Order, Line string }

// MaxLineID is how many bytes the number of an order, and that of a line, may have: a register makes file names of them.
const MaxLineID = 64

func (l LineID) String() string { return l.Order + "/" + l.Line }

// Model is how a product is licensed.
type Model string

// The models that an order line can name.
const (
	Perpetual    Model = "perpetual"    // without an end
	Subscription Model = "subscription" // until the end of what is paid
	Trial        Model = "trial"        // until an end, unpaid
	NamedUser    Model = "named-user"   // quantity is people
	NodeLocked   Model = "node-locked"  // bound to one host
	Floating     Model = "floating"     // quantity is shared, served from one host
)

// rules say what a line of a model must have and must not have; ok is false if m is no model.
func (m Model) rules() (r struct{ needsEnd, noEnd, needsHost bool }, ok bool) {
	switch m {
	case Perpetual:
		r.noEnd = true
	case Subscription, Trial:
		r.needsEnd = true
	case NodeLocked, Floating:
		r.needsHost = true
	case NamedUser:
	default:
		return r, false
	}
	return r, true
}

// Terms are what a licence grants: everything on an order line that bears on the customer's rights, and nothing that
// does not (a customer's name, the date of an amendment). Two lines with equal terms need one licence.
type Terms struct {
	Customer CustomerID
	Line     LineID
	Product  ProductID
	Features []string // sorted, without repetition
	Model    Model
	Quantity int64
	Host     string // what [BindHost] returned; "" if not bound
	Start    Date   // first day, in Zone
	End      Date   // last day, in Zone; absent: no end
	Zone     string // IANA name
}

// MaxQuantity is the largest quantity that a licence can carry.
const MaxQuantity = 1_000_000_000

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String writes "sha256:" and lower-case hexadecimal digits.
func (d Digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// termsJSON lists its members in the order of their names, as RFC 8785 wants them.
type termsJSON struct {
	Customer string   `json:"customer"`
	End      string   `json:"end,omitempty"`
	Features []string `json:"features"`
	Host     string   `json:"host,omitempty"`
	Line     string   `json:"line"`
	Model    string   `json:"model"`
	Order    string   `json:"order"`
	Product  string   `json:"product"`
	Quantity int64    `json:"quantity"`
	Start    string   `json:"start"`
	Zone     string   `json:"zone"`
}

// Canonical returns the one encoding of t: JSON by RFC 8785, with the members customer, end, features, host, line,
// model, order, product, quantity, start and zone; end and host are left out where absent. It fails where t is not valid.
func (t *Terms) Canonical() ([]byte, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	return canonical(termsJSON{Customer: string(t.Customer), End: t.End.String(), Features: append([]string{}, t.Features...),
		Host: t.Host, Line: t.Line.Line, Model: string(t.Model), Order: t.Line.Order, Product: string(t.Product),
		Quantity: t.Quantity, Start: t.Start.String(), Zone: t.Zone})
}

// Digest returns the SHA-256 of [Terms.Canonical].
func (t *Terms) Digest() (Digest, error) {
	b, err := t.Canonical()
	if err != nil {
		return Digest{}, err
	}
	return sha256.Sum256(b), nil
}

func (t *Terms) validate() error {
	for _, m := range []struct{ name, text string }{{"customer", string(t.Customer)}, {"order", t.Line.Order},
		{"line", t.Line.Line}, {"product", string(t.Product)}, {"zone", t.Zone}} {
		if err := checkText(m.text); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	rules, ok := t.Model.rules()
	switch {
	case len(t.Line.Order) > MaxLineID || len(t.Line.Line) > MaxLineID:
		return fmt.Errorf("order and line: have more than %d bytes", MaxLineID)
	case !ok:
		return fmt.Errorf("model: %q is not one", t.Model)
	case t.Quantity < 1 || t.Quantity > MaxQuantity:
		return fmt.Errorf("quantity: %d is not between 1 and %d", t.Quantity, MaxQuantity)
	case t.Start.IsZero():
		return fmt.Errorf("start: is missing")
	case rules.needsEnd && t.End.IsZero():
		return fmt.Errorf("end: is missing, and a %s licence needs one", t.Model)
	case rules.noEnd && !t.End.IsZero():
		return fmt.Errorf("end: is %s, and a %s licence has none", t.End, t.Model)
	case !t.End.IsZero() && t.End.Before(t.Start):
		return fmt.Errorf("end: %s is before the start, %s", t.End, t.Start)
	case rules.needsHost && t.Host == "":
		return fmt.Errorf("host: is missing, and a %s licence needs one", t.Model)
	case t.Host != "" && !isHostBinding(t.Host):
		return fmt.Errorf("host: is not a binding of 64 hexadecimal digits")
	}
	return t.validateFeatures()
}

func (t *Terms) validateFeatures() error {
	for n, feature := range t.Features {
		if err := checkText(feature); err != nil {
			return fmt.Errorf("features: %w", err)
		}
		if n > 0 && t.Features[n-1] >= feature {
			return fmt.Errorf("features: %q stands after %q", feature, t.Features[n-1])
		}
	}
	return nil
}

// BindHost returns what a licence says of the host it is bound to: HMAC-SHA-256, in hexadecimal, of the host's id under
// the product's id. The id itself does not leave the vendor, and two products' licences for one host cannot be linked.
// Ids are compared without regard to case and surrounding space.
func BindHost(product ProductID, host string) string {
	mac := hmac.New(sha256.New, []byte(product))
	mac.Write([]byte(strings.ToLower(strings.TrimSpace(host))))
	return hex.EncodeToString(mac.Sum(nil))
}

func isHostBinding(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// maxText is the longest name or id, in bytes.
const maxText = 128

// checkText says why s cannot be a name or id in a licence. What it lets through encodes the same in every JSON encoder
// that follows RFC 8785.
func checkText(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("is missing")
	case len(s) > maxText:
		return fmt.Errorf("has %d bytes, more than %d", len(s), maxText)
	case !utf8.ValidString(s):
		return fmt.Errorf("is not UTF-8")
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("%q begins or ends with a space", s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("contains the character %U, which does not print", r)
		}
	}
	return nil
}

// canonical encodes v, whose members must stand in the order of their names and whose texts passed checkText.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// seconds returns t as a NumericDate of RFC 7519; nil if t is zero.
func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}

// Equal reports whether t and u grant the same.
func (t *Terms) Equal(u *Terms) bool {
	return t.Customer == u.Customer && t.Line == u.Line && t.Product == u.Product && slices.Equal(t.Features, u.Features) &&
		t.Model == u.Model && t.Quantity == u.Quantity && t.Host == u.Host && t.Start == u.Start && t.End == u.End && t.Zone == u.Zone
}
