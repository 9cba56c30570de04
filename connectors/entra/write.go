package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/saas"
)

// writer is a source whose licences can be changed. Only a user's own licences can: what a group gives is taken away at
// the group.
type writer struct {
	*source
	graph *saas.Client
}

var _ interface {
	connectors.Source
	connectors.Revoker
	connectors.Assigner
	connectors.Swapper
	connectors.Prober
	connectors.Checker
} = (*writer)(nil)

// Check looks at the files and reads subscribedSkus, which needs the credentials and a permission on licences.
func (w *writer) Check(ctx context.Context) error {
	return errors.Join(w.source.Check(ctx), w.reach(ctx))
}

func (w *writer) reach(ctx context.Context) error {
	answer, err := w.graph.Do(ctx, http.MethodGet, "/v1.0/subscribedSkus?$select=skuId", nil)
	if err == nil && answer.Status != http.StatusOK {
		err = refusal(answer)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	return nil
}

// user is what Graph answers about a user's licences.
type user struct {
	ID       string         `json:"id"`
	Name     string         `json:"userPrincipalName"`
	Licenses []license      `json:"assignedLicenses"`
	States   []licenseState `json:"licenseAssignmentStates"`
}

// seats lists the user's licences, one row a path.
func (u *user) seats() ([]connectors.Seat, error) {
	paths, err := joinPaths(u.Licenses, u.States)
	seats := make([]connectors.Seat, 0, len(paths))
	for _, l := range paths {
		seats = append(seats, connectors.Seat{Account: strings.ToLower(u.ID), Login: u.Name, Product: l.SKU, Path: l.path()})
	}
	return seats, err
}

// path of a user's resource below the endpoint.
func (w *writer) path(account string) (string, error) {
	if account == "" || account == "." || account == ".." {
		return "", &connectors.Error{Class: connectors.Permanent, Place: w.Name, Reason: fmt.Sprintf("account %q is no user's id", account),
			Answered: true}
	}
	return "/v1.0/users/" + url.PathEscape(account), nil
}

// Probe reads the licences of a user, by id.
func (w *writer) Probe(ctx context.Context, account, _ string) ([]connectors.Seat, error) {
	path, err := w.path(account)
	if err != nil {
		return nil, err
	}
	answer, err := w.graph.Do(ctx, http.MethodGet, path+"?$select=id,userPrincipalName,assignedLicenses,licenseAssignmentStates", nil)
	if err != nil {
		return nil, err
	}
	u, err := userOf(answer)
	if err != nil {
		return nil, err
	}
	return u.seats()
}

// Revoke takes a user's own licence away.
func (w *writer) Revoke(ctx context.Context, seat connectors.Seat, _ string) (connectors.Receipt, error) {
	if err := own(seat); err != nil {
		return connectors.Receipt{}, err
	}
	u, receipt, err := w.assign(ctx, seat.Account, "", seat.Product)
	if lacks(err) {
		return connectors.Receipt{Already: true, Request: receipt.Request, Detail: "Graph: the user does not hold the licence"}, nil
	}
	if err != nil {
		return receipt, err
	}
	return w.taken(ctx, u, seat, receipt)
}

// Assign gives a user a licence. It reads the user first: assigning what is held would switch on service plans that
// somebody switched off.
func (w *writer) Assign(ctx context.Context, seat connectors.Seat, _ string) (connectors.Receipt, error) {
	held, err := w.Probe(ctx, seat.Account, seat.Login)
	if err != nil {
		return connectors.Receipt{}, changed(err, true)
	}
	if slices.ContainsFunc(held, func(s connectors.Seat) bool { return strings.EqualFold(s.Product, seat.Product) }) {
		return connectors.Receipt{Already: true, Detail: "the user holds the licence"}, nil
	}
	u, receipt, err := w.assign(ctx, seat.Account, seat.Product, "")
	if err != nil {
		return receipt, err
	}
	return receipt, u.given(seat.Product)
}

// Swap replaces a user's own licence by another in one call.
func (w *writer) Swap(ctx context.Context, seat connectors.Seat, to string, _ string) (connectors.Receipt, error) {
	if err := own(seat); err != nil {
		return connectors.Receipt{}, err
	}
	u, receipt, err := w.assign(ctx, seat.Account, to, seat.Product)
	if err != nil {
		return receipt, err
	}
	if err := u.given(to); err != nil {
		return receipt, err
	}
	return w.taken(ctx, u, seat, receipt)
}

// assign calls user: assignLicense. Add and remove are SKUs; either may be empty.
func (w *writer) assign(ctx context.Context, account, add, remove string) (*user, connectors.Receipt, error) {
	type addition struct {
		SKU           string   `json:"skuId"`
		DisabledPlans []string `json:"disabledPlans"`
	}
	body := struct {
		Add    []addition `json:"addLicenses"` // both arrays are required
		Remove []string   `json:"removeLicenses"`
	}{[]addition{}, []string{}}
	if add != "" {
		body.Add = append(body.Add, addition{add, []string{}})
	}
	if remove != "" {
		body.Remove = append(body.Remove, remove)
	}
	path, err := w.path(account)
	if err != nil {
		return nil, connectors.Receipt{}, err
	}
	answer, err := w.graph.Do(ctx, http.MethodPost, path+"/assignLicense", body)
	if err != nil {
		return nil, connectors.Receipt{}, err
	}
	receipt := connectors.Receipt{Request: answer.Header.Get("request-id")}
	u, err := userOf(answer)
	return u, receipt, err
}

// userOf reads an answer that is a user.
func userOf(answer *saas.Answer) (*user, error) {
	if answer.Status != http.StatusOK {
		return nil, refusal(answer)
	}
	u := new(user)
	if err := json.Unmarshal(answer.Body, u); err != nil {
		return nil, &connectors.Error{Class: connectors.Permanent, Place: answer.Place, Reason: "the answer is not a user", Err: err}
	}
	return u, nil
}

// own refuses a seat that comes through a group, without asking Graph.
func own(seat connectors.Seat) error {
	if seat.Path == "" || seat.Path == direct {
		return nil
	}
	return &connectors.Error{Class: connectors.Refused, Place: "assignLicense", Answered: true,
		Reason: "the licence is inherited by the path " + seat.Path, Hint: "take the user out of the group that gives the licence"}
}

func (u *user) holds(sku string) bool {
	return slices.ContainsFunc(u.Licenses, func(l license) bool { return strings.EqualFold(l.SKU, sku) })
}

// given fails if the answer to a change does not show the licence that was given.
func (u *user) given(sku string) error {
	if u.holds(sku) {
		return nil
	}
	return &connectors.Error{Class: connectors.Transient, Place: "assignLicense", Reason: "Graph answered 200 and does not show licence " + sku}
}

// taken fails if the user still has a licence of their own that was taken away. The answer to a change shows licences
// without their paths; if it still shows this one, the paths are read.
func (w *writer) taken(ctx context.Context, u *user, seat connectors.Seat, receipt connectors.Receipt) (connectors.Receipt, error) {
	if !u.holds(seat.Product) {
		return receipt, nil
	}
	seats, err := w.Probe(ctx, seat.Account, seat.Login)
	if err != nil {
		return receipt, changed(err, false)
	}
	for _, s := range seats {
		switch {
		case !strings.EqualFold(s.Product, seat.Product):
		case s.Path == direct:
			return receipt, &connectors.Error{Class: connectors.Transient, Place: "assignLicense",
				Reason: "Graph answered 200 and still shows licence " + seat.Product}
		default:
			receipt.Detail = "the user still holds the licence by " + s.Path
		}
	}
	return receipt, nil
}

// changed corrects what an error of a reading call says about writing: nothing was written before it, or something was.
func changed(err error, nothing bool) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		e.Answered = nothing
	}
	return err
}
