package reports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"trueup/facts"
	"trueup/reconcile"
)

// The types of this file are the plan as JSON, field by field in the order in which they are written. What is not known
// is null, what does not apply is left out; docs/plan.schema.json says which is which.

type head struct {
	Plan         string            `json:"plan"`
	Decisions    facts.Digest      `json:"decisions"`
	Digest       facts.Digest      `json:"digest"`
	AsOf         moment            `json:"as_of"`
	Build        string            `json:"build"`
	Policy       facts.Digest      `json:"policy"`
	Config       facts.Digest      `json:"config"`
	Products     facts.Digest      `json:"products"`
	Complete     bool              `json:"complete"`
	Organisation string            `json:"organisation"`
	Mode         reconcile.Mode    `json:"mode"`
	Inputs       []input           `json:"inputs"`
	Guards       []reconcile.Guard `json:"guards"`
}

type input struct {
	Source    string       `json:"source"`
	Feed      facts.Feed   `json:"feed"`
	Files     []facts.File `json:"files"`
	Rows      int64        `json:"rows"`
	Rejected  int64        `json:"rejected"`
	Observed  moment       `json:"observed"`
	Later     bool         `json:"later,omitempty"`
	Coverage  coverage     `json:"coverage"`
	MatchRate *float64     `json:"match_rate"`
	Failure   string       `json:"failure,omitempty"`
	Notes     []string     `json:"notes,omitempty"`
}

type coverage struct {
	From     moment          `json:"from"`
	To       moment          `json:"to"`
	Complete bool            `json:"complete"`
	Gaps     []reconcile.Gap `json:"gaps"`
}

type line struct {
	Holder       string              `json:"holder"`
	Name         string              `json:"name,omitempty"`
	Department   string              `json:"department,omitempty"`
	CostCentre   string              `json:"cost_centre,omitempty"`
	Pool         string              `json:"pool,omitempty"`
	Situation    reconcile.Situation `json:"situation"`
	Account      string              `json:"account"`
	Source       string              `json:"source,omitempty"`
	Product      string              `json:"product"`
	Paths        []string            `json:"paths"`
	Verdict      reconcile.Verdict   `json:"verdict"`
	Reasons      []reconcile.Reason  `json:"reasons"`
	Rule         string              `json:"rule"`
	LastActivity moment              `json:"last_activity"`
	IdleDays     *int                `json:"idle_days"`
	Due          string              `json:"due,omitempty"`
	Covering     string              `json:"covering,omitempty"`
	Signals      []signal            `json:"signals"`
	Action       action              `json:"action"`
	Money        *money              `json:"money,omitempty"`
}

type signal struct {
	Source   string `json:"source"`
	Last     moment `json:"last"`
	From     moment `json:"from"`
	To       moment `json:"to"`
	Complete bool   `json:"complete"`
}

type action struct {
	ID     string               `json:"id,omitempty"`
	Kind   reconcile.ActionKind `json:"kind"`
	To     string               `json:"to,omitempty"`
	State  reconcile.State      `json:"state"`
	Due    string               `json:"due,omitempty"`
	Role   string               `json:"role,omitempty"`
	By     string               `json:"by,omitempty"`
	After  int                  `json:"after,omitempty"`
	Detail string               `json:"detail,omitempty"`
}

type money struct {
	Currency     string `json:"currency"`
	Exposure     string `json:"exposure"`
	Reassignable string `json:"reassignable"`
	Reducible    string `json:"reducible"`
	Effective    date   `json:"effective"`
}

type tail struct {
	Positions []position          `json:"positions"`
	Findings  []reconcile.Finding `json:"findings"`
	Totals    totals              `json:"totals"`
}

type position struct {
	Product          string   `json:"product"`
	Pool             string   `json:"pool"`
	Purchased        *int64   `json:"purchased"`
	CounterPurchased *int64   `json:"counter_purchased"`
	CounterConsumed  *int64   `json:"counter_consumed"`
	Assigned         *int64   `json:"assigned"`
	Active           *int64   `json:"active"`
	Idle             *int64   `json:"idle"`
	Spare            *int64   `json:"spare"`
	Peak             *int64   `json:"peak"`
	Reserved         *int64   `json:"reserved"`
	Denied           *int64   `json:"denied"`
	DaysAtLimit      *int64   `json:"days_at_limit"`
	Needed           *int64   `json:"needed"`
	Reducible        *int64   `json:"reducible"`
	Flags            []string `json:"flags"`
	Notice           date     `json:"notice"`
	Ends             date     `json:"ends"`
	Reclaimable      *int64   `json:"reclaimable"`
	Currency         string   `json:"currency,omitempty"`
	UnitPrice        string   `json:"unit_price,omitempty"`
}

type totals struct {
	People         int                   `json:"people"`
	PeopleWithRows int                   `json:"people_with_rows"`
	PeopleWithout  []reconcile.Unplaced  `json:"people_without"`
	Seats          int                   `json:"seats"`
	Rows           int                   `json:"rows"`
	Missing        int                   `json:"missing"`
	UnlicensedUse  int                   `json:"unlicensed_use"`
	Verdicts       map[string]int        `json:"verdicts"`
	Actions        map[string]int        `json:"actions"`
	States         map[string]int        `json:"states"` // of the actions that are not keep, as of the newest outcomes
	Money          map[string]moneyTotal `json:"money"`
}

type moneyTotal struct {
	Exposure     string `json:"exposure"`
	Reassignable string `json:"reassignable"`
	Reducible    string `json:"reducible"`
}

// moment is an instant that is null where absent.
type moment facts.Instant

// MarshalJSON writes RFC 3339 in UTC, or null.
func (m moment) MarshalJSON() ([]byte, error) { return quoteOrNull(facts.Instant(m).String()), nil }

// date is a day that is null where absent.
type date facts.Day

// MarshalJSON writes YYYY-MM-DD, or null.
func (d date) MarshalJSON() ([]byte, error) { return quoteOrNull(facts.Day(d).String()), nil }

func quoteOrNull(s string) []byte {
	if s == "" {
		return []byte("null")
	}
	return strconv.AppendQuote(make([]byte, 0, len(s)+2), s)
}

// WriteJSON streams the plan as one JSON object (RFC 8259, UTF-8) that docs/plan.schema.json describes, one row a line.
// Its bytes depend on the plan and the outcomes alone, not on the run that made them.
func WriteJSON(w io.Writer, v *View) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if err := v.writeJSON(out); err != nil {
		return fmt.Errorf("reports: write plan as JSON: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("reports: write plan as JSON: %w", err)
	}
	return nil
}

func (v *View) writeJSON(out *bufio.Writer) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.head()); err != nil {
		return err
	}
	out.Write(bytes.TrimSuffix(buf.Bytes(), []byte("}\n")))
	out.WriteString(",\n\"rows\":[")
	var l line
	separator := "\n"
	for row := range v.Rows() {
		l.fill(row)
		buf.Reset()
		if err := enc.Encode(&l); err != nil {
			return err
		}
		out.WriteString(separator)
		if _, err := out.Write(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))); err != nil {
			return err
		}
		separator = ",\n"
	}
	buf.Reset()
	if err := enc.Encode(v.tail()); err != nil {
		return err
	}
	out.WriteString("],\n")
	_, err := out.Write(buf.Bytes()[1:])
	return err
}

func (v *View) head() head {
	p := v.Plan
	h := head{Plan: p.ID, Decisions: p.Decisions, Digest: p.Digest, AsOf: moment(p.AsOf), Build: p.Build, Policy: p.Policy,
		Config: p.Config, Products: p.Products, Complete: p.Complete, Organisation: p.Organisation, Mode: p.Mode,
		Inputs: make([]input, len(p.Inputs)), Guards: append([]reconcile.Guard{}, p.Guards...)}
	for n := range p.Inputs {
		in, state := &p.Snapshot.Inputs[n], &p.Inputs[n]
		h.Inputs[n] = input{Source: p.Snapshot.Sources[in.Source].Name, Feed: in.Feed,
			Files: append([]facts.File{}, in.Files...), Rows: in.Rows, Rejected: in.Rejected, Observed: moment(in.Observed),
			Later: in.Later, Failure: in.Failure, Notes: in.Notes,
			Coverage: coverage{From: moment(state.From), To: moment(state.To), Complete: state.Complete,
				Gaps: append([]reconcile.Gap{}, state.Gaps...)}}
		if state.MatchRate >= 0 {
			h.Inputs[n].MatchRate = &state.MatchRate
		}
	}
	return h
}

func (v *View) tail() tail {
	t := tail{Positions: make([]position, len(v.Plan.Positions)),
		Findings: append([]reconcile.Finding{}, v.Plan.Findings...), Totals: v.totals()}
	for n := range v.Plan.Positions {
		p := &v.Plan.Positions[n]
		t.Positions[n] = position{Product: v.Plan.Catalogue.Products[p.Product].ID, Pool: p.Pool, Purchased: p.Purchased,
			CounterPurchased: p.CounterPurchased, CounterConsumed: p.CounterConsumed, Assigned: p.Assigned, Active: p.Active,
			Idle: p.Idle, Spare: p.Spare, Peak: p.Peak, Reserved: p.Reserved, Denied: p.Denied,
			DaysAtLimit: p.DaysAtLimit, Needed: p.Needed, Reducible: p.Reducible,
			Flags: append([]string{}, p.Flags...), Notice: date(p.Notice), Ends: date(p.Ends), Reclaimable: p.Reclaimable,
			Currency: p.Currency, UnitPrice: p.UnitPrice}
	}
	return t
}

func (v *View) totals() totals {
	p := &v.Plan.Totals
	t := totals{People: p.People, PeopleWithRows: p.PeopleWithRows, Seats: p.Seats, Rows: p.Rows, Missing: p.Missing,
		UnlicensedUse: p.UnlicensedUse, PeopleWithout: append([]reconcile.Unplaced{}, v.Plan.Unplaced...),
		Verdicts: map[string]int{}, Actions: map[string]int{}, States: map[string]int{}, Money: map[string]moneyTotal{}}
	for n, verdict := range reconcile.Verdicts() {
		t.Verdicts[verdict.String()] = p.Verdicts[n]
	}
	for n, kind := range reconcile.ActionKinds() {
		t.Actions[kind.String()] = p.Actions[n]
	}
	for _, state := range reconcile.States() {
		t.States[state.String()] = 0
	}
	for _, c := range v.states {
		t.States[c.State.String()] += c.Count
	}
	for _, m := range p.Money {
		t.Money[m.Currency] = moneyTotal{Exposure: Amount(m.Exposure, m.Currency),
			Reassignable: Amount(m.Reassignable, m.Currency), Reducible: Amount(m.Reducible, m.Currency)}
	}
	return t
}

// fill copies a row, reusing the slices of l.
func (l *line) fill(r *Row) {
	*l = line{Holder: r.Holder, Name: r.Name, Department: r.Department, CostCentre: r.CostCentre, Pool: r.Pool, Situation: r.Situation,
		Account: r.Account, Source: r.Source, Product: r.Product.ID, Paths: nonNil(r.Paths), Verdict: r.Verdict,
		Reasons: nonNil(r.Reasons), Rule: r.Rule, LastActivity: moment(r.LastUse), Due: r.Due.String(),
		Covering: r.Covering, Signals: nonNil(l.Signals[:0])}
	if r.IdleDays >= 0 {
		l.IdleDays = &r.IdleDays
	}
	for _, s := range r.Signals {
		l.Signals = append(l.Signals, signal{Source: s.Source, Last: moment(s.Last), From: moment(s.From),
			To: moment(s.To), Complete: s.Complete})
	}
	a := &r.Action
	l.Action = action{Kind: a.Kind, To: a.To, State: a.State, Due: a.Due.String(), Role: a.Role, By: a.By, After: a.After, Detail: a.Detail}
	if a.Kind != reconcile.Keep {
		l.Action.ID = a.ID.String()
	}
	if m := &r.Money; m.Currency != "" {
		l.Money = &money{Currency: m.Currency, Exposure: Amount(m.Exposure, m.Currency),
			Reassignable: Amount(m.Reassignable, m.Currency), Reducible: Amount(m.Reducible, m.Currency),
			Effective: date(m.Effective)}
	}
}

// nonNil makes an absent list an empty one, which JSON writes as [] and not as null.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
