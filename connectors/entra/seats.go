package entra

import (
	"context"
	"encoding/json"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	holderID = iota
	holderName
	holderMail
	holderLicenses
	holderStates
)

var holderPaths = jsondoc.NewPaths("id", "userPrincipalName", "mail", "assignedLicenses", "licenseAssignmentStates")

// license is an element of assignedLicenses: what a user holds by whatever path.
type license struct {
	SKU string `json:"skuId"`
}

// licenseState is an element of licenseAssignmentStates: one path to a licence.
type licenseState struct {
	SKU     string  `json:"skuId"`
	Group   *string `json:"assignedByGroup"` // id; null where the licence is the user's own
	State   string  `json:"state"`
	Updated string  `json:"lastUpdatedDateTime"`
}

// path is "direct", or "group:" and the group's id.
func (l *licenseState) path() string {
	if l.Group == nil || *l.Group == "" {
		return direct
	}
	return "group:" + strings.ToLower(*l.Group)
}

// held reports whether the path leads to a licence: Error and Disabled do not.
func (l *licenseState) held() bool { return l.State == "Active" || l.State == "ActiveWithError" }

const direct = "direct"

func (s *source) seats(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	h := holders{o: o, scan: jsondoc.NewScanner(holderPaths), seen: map[string]struct{}{}}
	return s.records(ctx, p, o, func(_ int, doc []byte) error { return h.add(doc) })
}

// holders reads the licences of users.
type holders struct {
	o    *facts.Observation
	scan *jsondoc.Scanner
	seen map[string]struct{} // ids
}

// add reads one user. A page that was asked for without licences says nothing about them, and is refused.
func (h *holders) add(doc []byte) error {
	if err := h.scan.Scan(doc); err != nil {
		return err
	}
	id := strings.ToLower(string(h.scan.Text(holderID)))
	if id == "" {
		return noID
	}
	if _, ok := h.seen[id]; ok {
		return twice
	}
	licenses, states := h.scan.Value(holderLicenses), h.scan.Value(holderStates)
	if licenses.Kind != jsondoc.Array && states.Kind != jsondoc.Array {
		return jsondoc.Malformed("a user without assignedLicenses, which has to be selected")
	}
	paths, err := pathsOf(licenses, states)
	if err != nil {
		return err
	}
	h.seen[id] = struct{}{}
	login := h.scan.Text(holderName)
	if len(login) == 0 {
		login = h.scan.Text(holderMail)
	}
	for _, l := range paths {
		// The moment of the last update is the only one that Graph gives; it is never before the assignment.
		at, ok := jsondoc.ParseInstant([]byte(l.Updated))
		if !ok || at < 0 {
			at = facts.NoInstant
		}
		h.o.AddSeat(facts.Seat{Account: []byte(id), Login: login, Product: []byte(l.SKU), Path: []byte(l.path()), Assigned: at})
	}
	return nil
}

// pathsOf lists the paths by which a user holds licences. A licence that is held and of which no state speaks, because
// the states were not selected, is taken for direct.
func pathsOf(licenses, states jsondoc.Value) (paths []licenseState, err error) {
	var held []license
	var all []licenseState
	if licenses.Kind == jsondoc.Array && json.Unmarshal(licenses.Bytes, &held) != nil ||
		states.Kind == jsondoc.Array && json.Unmarshal(states.Bytes, &all) != nil {
		return nil, jsondoc.Malformed("assignedLicenses or licenseAssignmentStates is not what Graph writes")
	}
	return joinPaths(held, all)
}

func joinPaths(held []license, all []licenseState) (paths []licenseState, err error) {
	spoken := make(map[string]bool, len(all))
	for _, l := range all {
		if l.SKU = strings.ToLower(l.SKU); l.SKU == "" {
			return nil, noSKU
		}
		spoken[l.SKU] = true
		if l.held() {
			paths = append(paths, l)
		}
	}
	for _, l := range held {
		sku := strings.ToLower(l.SKU)
		if sku == "" {
			return nil, noSKU
		}
		if !spoken[sku] {
			paths = append(paths, licenseState{SKU: sku})
		}
	}
	return paths, nil
}

const noSKU jsondoc.Malformed = "a licence without skuId"
