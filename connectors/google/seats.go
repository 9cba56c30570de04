package google

import (
	"context"
	"encoding/json"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	licenseUser = iota
	licenseProduct
	licenseSKU
	licenseeID
)

var licensePaths = jsondoc.NewPaths("userId", "productId", "skuId", "primaryEmail")

// seats reads licence assignments (developers.google.com/workspace/admin/licensing/reference/rest/v1/licenseAssignments). A
// seat's product is the SKU. Its account is the user's id where the feed's files also hold the users, since an assignment
// names its user by address only; else that address.
func (s *source) seats(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	l := licenses{scan: jsondoc.NewScanner(licensePaths), seen: map[license]struct{}{}, ids: map[string]string{}}
	err := s.records(ctx, p, o, nil, func(_ int, doc []byte) (string, error) { return l.add(doc) })
	l.settle(o)
	return err
}

// license is an assignment, by the user's address, or by the user's id.
type license struct{ user, sku string }

// licenses collects assignments until all users are known.
type licenses struct {
	scan *jsondoc.Scanner
	list []license
	seen map[license]struct{}
	ids  map[string]string // by address, folded
}

// add reads an assignment or a user, and returns to which list it belongs.
func (l *licenses) add(doc []byte) (string, error) {
	if err := l.scan.Scan(doc); err != nil {
		return "", err
	}
	if l.scan.Value(licenseeID).Kind != jsondoc.Absent {
		return "the users", l.addUser(doc)
	}
	this := license{string(l.scan.Text(licenseUser)), string(l.scan.Text(licenseSKU))}
	if this.user == "" || this.sku == "" {
		return "", jsondoc.Malformed("a licence assignment without userId or skuId")
	}
	if _, twice := l.seen[this]; twice {
		return "", jsondoc.Malformed("a licence assignment that has been read already")
	}
	l.seen[this] = struct{}{}
	l.list = append(l.list, this)
	return string(l.scan.Text(licenseProduct)), nil
}

// addUser notes under which addresses a user is known.
func (l *licenses) addUser(doc []byte) error {
	var u struct {
		ID      string   `json:"id"`
		Primary string   `json:"primaryEmail"`
		Aliases []string `json:"aliases"`
	}
	switch err := json.Unmarshal(doc, &u); {
	case err != nil:
		return wrongType
	case u.ID == "":
		return noID
	}
	for _, address := range u.Aliases {
		if fold := strings.ToLower(address); l.ids[fold] == "" {
			l.ids[fold] = u.ID
		}
	}
	l.ids[strings.ToLower(u.Primary)] = u.ID // which nobody else can have
	return nil
}

// settle adds the seats.
func (l *licenses) settle(o *facts.Observation) {
	held := map[license]bool{}
	for _, this := range l.list {
		seat := facts.Seat{Account: []byte(this.user), Product: []byte(this.sku), Path: []byte("direct"), Assigned: facts.NoInstant}
		if id := l.ids[strings.ToLower(this.user)]; id != "" {
			seat.Account, seat.Login = []byte(id), []byte(this.user)
		}
		if key := (license{string(seat.Account), this.sku}); !held[key] { // by two addresses of one user
			held[key] = true
			o.AddSeat(seat)
		}
	}
}
