package reports

import (
	"fmt"
	"iter"

	"trueup/facts"
	"trueup/reconcile"
)

// Row is one row of a plan with its references resolved. The strings are the facts as they were read: renderers escape
// or neutralise what their format calls for.
type Row struct {
	Index     int    // in Plan.Rows
	Holder    string // the person's id, or the account where no person is linked
	Name      string // of the person; "" where none is linked
	Email     string
	Situation reconcile.Situation
	Account   string // what the vendor calls the user; "" without an account
	Source    string // where the seat or account is; "" without both
	Product   *reconcile.Product
	Held      bool     // the holder has a seat of the product
	Paths     []string // "direct" or "group:NAME"

	Department string
	CostCentre string // the seat's, else the person's, else the contract's
	Pool       string // of the contract; "" where the product is not divided into pools

	Verdict  reconcile.Verdict
	Reasons  []reconcile.Reason
	Rule     string        // name of the rule that decided; "" if none did
	LastUse  facts.Instant // NoInstant if no counted use is known
	IdleDays int           // -1 where not known
	Signals  []Signal
	Due      facts.Day // a date to know, such as the end of a grace; NoDay if there is none
	Covering string    // id of the product that covers this seat; "" unless the verdict is duplicate

	FirstOfPerson bool // the first row of a linked person: such rows count the people with rows

	Action Action
	Money  Money
}

// Signal is one source of activity as it bears on a row.
type Signal struct {
	Source         string // "" if its feed was not read
	Last, From, To facts.Instant
	Complete       bool
}

// Action is what a row calls for.
type Action struct {
	ID      facts.Digest // zero for keep
	Kind    reconcile.ActionKind
	State   reconcile.State
	To      string    // id of the target product; ""
	Due     facts.Day // end of the notice; NoDay
	Role    string    // who must approve
	By      string    // what withholds or blocks it
	After   int       // so many seats of the product, and pool, must be taken back and confirmed first
	Detail  string    // what to do where a person has to, or what the vendor said
	Source  string    // where it is carried out; "" for keep
	Request string    // the vendor's request id, once it was called
	At      facts.Instant
}

// Money is what a row is worth per month, in minor units of the currency.
type Money struct {
	Currency                          string // ISO 4217; "" without a price: then no figure is meant
	Exposure, Reassignable, Reducible int64
	Effective                         facts.Day
}

// Rows iterates over all rows in the plan's order. The row is reused: it and its slices are good until the next one.
func (v *View) Rows() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		var row Row
		seen := make([]bool, len(v.Plan.People))
		for n := range v.Plan.Rows {
			v.fill(&row, n)
			if person := v.Plan.Rows[n].Person; person >= 0 {
				row.FirstOfPerson = !seen[person]
				seen[person] = true
			}
			if !yield(&row) {
				return
			}
		}
	}
}

// fill resolves row n into r, reusing its slices.
func (v *View) fill(r *Row, n int) {
	plan, row := v.Plan, &v.Plan.Rows[n]
	*r = Row{Index: n, Holder: plan.Holder(n), Account: plan.AccountName(n), Product: plan.ProductOf(n),
		Department: plan.Department(n), CostCentre: plan.CostCentre(n), Pool: plan.Pool(n, row.Product), Held: row.Held, Situation: row.Situation,
		Verdict: row.Verdict, LastUse: row.LastUse, IdleDays: int(row.IdleDays), Due: row.Due,
		Paths: append(r.Paths[:0], plan.RowPaths(n)...), Reasons: r.Reasons[:0], Signals: r.Signals[:0]}
	v.fillWho(r, row)
	if row.Rule >= 0 {
		r.Rule = plan.Rules[row.Rule]
	}
	if row.Covering >= 0 {
		r.Covering = plan.Catalogue.Products[row.Covering].ID
	}
	for reason := range reconcile.Reason(64) {
		if row.Reasons.Has(reason) {
			r.Reasons = append(r.Reasons, reason)
		}
	}
	for _, s := range plan.RowSignals(n) {
		r.Signals = append(r.Signals, v.signal(s))
	}
	r.Action = v.action(row.Action)
	m := plan.Money(n)
	r.Money = Money{Effective: m.Effective}
	if m.Currency != 0 {
		r.Money = Money{Currency: plan.Snapshot.Strings.Text(m.Currency), Exposure: m.Exposure, Reassignable: m.Reassignable,
			Reducible: m.Reducible, Effective: m.Effective}
	}
}

// fillWho takes name, address and source from the person's directory row, or else from the account's.
func (v *View) fillWho(r *Row, row *reconcile.Row) {
	s := v.Plan.Snapshot
	at := int32(-1)
	if row.Account >= 0 {
		account := &v.Plan.Accounts[row.Account]
		r.Source, at = s.Sources[account.Source].Name, account.Row
	}
	if row.Held {
		r.Source = s.Sources[s.Seats.Source[v.Plan.Seat(r.Index)]].Name
	}
	if row.Person >= 0 {
		at = v.Plan.People[row.Person].Row
	}
	if at >= 0 {
		r.Name, r.Email = s.Strings.Text(s.People.Name[at]), s.Strings.Text(s.People.Email[at])
	}
}

func (v *View) signal(s reconcile.Signal) Signal {
	out := Signal{Last: s.Last, From: facts.NoInstant, To: facts.NoInstant, Complete: s.Complete}
	if s.Input >= 0 {
		out.From, out.To = v.Plan.Inputs[s.Input].From, v.Plan.Inputs[s.Input].To
		out.Source = v.Plan.Snapshot.Sources[v.Plan.Snapshot.Inputs[s.Input].Source].Name
	}
	return out
}

func (v *View) action(n int32) Action {
	if n < 0 {
		return Action{Kind: reconcile.Keep, State: reconcile.Proposed, Due: facts.NoDay, At: facts.NoInstant}
	}
	a := &v.Plan.Actions[n]
	out := Action{ID: a.ID, Kind: a.Kind, State: a.State, Due: a.Due, Role: a.Role, By: a.By, After: int(a.After), Detail: a.Detail,
		Source: v.Plan.Snapshot.Sources[a.Source].Name, At: facts.NoInstant}
	if a.To >= 0 {
		out.To = v.Plan.Catalogue.Products[a.To].ID
	}
	if row := &v.Plan.Rows[a.Row]; a.After > 0 {
		wait := fmt.Sprintf("takes a seat that this plan takes back: begun once %d of %s are", a.After, v.Plan.Catalogue.Products[row.Claims()].ID)
		if pool := v.Plan.Pool(int(a.Row), row.Claims()); pool != "" {
			wait += " in pool " + pool
		}
		if out.Detail != "" {
			wait = out.Detail + "; " + wait
		}
		out.Detail = wait
	}
	if o, ok := v.Outcome(n); ok {
		out.State, out.Request, out.At = o.State, o.Request, o.At
		if o.Detail != "" {
			out.Detail = o.Detail
		}
	}
	return out
}
