package reports

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"trueup/facts"
	"trueup/reconcile"
)

// Explanation is one row with everything that led to its verdict, for people and, as JSON, for programs.
type Explanation struct {
	Holder    string               `json:"holder"`
	Name      string               `json:"name,omitempty"`
	Person    *ExplainedPerson     `json:"person"` // null where no person is linked
	Situation reconcile.Situation  `json:"situation"`
	MatchedBy string               `json:"matched_by,omitempty"` // the key that linked the account to the person
	Source    string               `json:"source,omitempty"`
	Account   string               `json:"account,omitempty"`
	Product   string               `json:"product"`
	Pool      string               `json:"pool,omitempty"`
	Paths     []string             `json:"paths"`
	Verdict   reconcile.Verdict    `json:"verdict"`
	Meaning   string               `json:"meaning"`
	Reasons   []ExplainedReason    `json:"reasons"`
	Rule      string               `json:"rule,omitempty"`
	LastUse   facts.Instant        `json:"last_activity"`
	IdleDays  int                  `json:"idle_days"` // -1 where not known
	Signals   []ExplainedSignal    `json:"signals"`
	Covering  string               `json:"covered_by,omitempty"`
	Action    reconcile.ActionKind `json:"action"`
	To        string               `json:"to,omitempty"`
	State     reconcile.State      `json:"state"`
	StateText string               `json:"state_meaning"`
	Due       facts.Day            `json:"due"`
	By        string               `json:"by,omitempty"`
	Role      string               `json:"role,omitempty"`
	Detail    string               `json:"detail,omitempty"`
}

// ExplainedPerson is what the directory says of the holder.
type ExplainedPerson struct {
	Source     string       `json:"source"`
	Email      string       `json:"email,omitempty"`
	EmployeeID string       `json:"employee_id,omitempty"`
	Kind       facts.Kind   `json:"kind"`
	Status     facts.Status `json:"status"`
	Department string       `json:"department,omitempty"`
	Hired      facts.Day    `json:"hired"`
	Left       facts.Day    `json:"left"`
	LeaveFrom  facts.Day    `json:"leave_from"`
	LeaveTo    facts.Day    `json:"leave_to"`
}

// ExplainedReason is a reason with its meaning.
type ExplainedReason struct {
	Reason  reconcile.Reason `json:"reason"`
	Meaning string           `json:"meaning"`
}

// ExplainedSignal is a source of activity with what it saw and covers.
type ExplainedSignal struct {
	Source   string        `json:"source"` // "" if it was not read
	Last     facts.Instant `json:"last"`
	From     facts.Instant `json:"from"`
	To       facts.Instant `json:"to"`
	Complete bool          `json:"complete"`
}

// Explain returns the explanations of every row whose holder, person's address, or account is called holder, compared
// as texts are compared everywhere, case-folded and in one normal form; with a product only that one's.
func Explain(v *View, holder, product string) []Explanation {
	folder := cases.Fold()
	fold := func(name string) string { return folder.String(norm.NFC.String(name)) }
	wanted := fold(holder)
	var all []Explanation
	for row := range v.Rows() {
		if product != "" && row.Product.ID != product {
			continue
		}
		if !slices.ContainsFunc(v.namesOf(row), func(name string) bool { return name != "" && fold(name) == wanted }) {
			continue
		}
		all = append(all, v.explain(row))
	}
	return all
}

// namesOf lists everything by which a person might ask for a row.
func (v *View) namesOf(row *Row) []string {
	r := &v.Plan.Rows[row.Index]
	text := v.Plan.Snapshot.Strings.Text
	names := []string{row.Holder, row.Email, row.Account}
	if r.Account >= 0 {
		names = append(names, text(v.Plan.Accounts[r.Account].Key))
	}
	if r.Person >= 0 {
		at := v.Plan.People[r.Person].Row
		names = append(names, text(v.Plan.Snapshot.People.EmployeeID[at]))
		for _, alias := range v.Plan.Snapshot.People.Aliases.At(int(at)) {
			names = append(names, text(alias))
		}
	}
	return names
}

func (v *View) explain(row *Row) Explanation {
	r := &v.Plan.Rows[row.Index]
	e := Explanation{Holder: row.Holder, Name: row.Name, Situation: row.Situation, Source: row.Source, Account: row.Account,
		Product: row.Product.ID, Pool: row.Pool, Paths: slices.Clone(row.Paths), Verdict: row.Verdict, Meaning: VerdictMeaning(row.Verdict),
		Rule: row.Rule, LastUse: row.LastUse, IdleDays: row.IdleDays, Covering: row.Covering, Action: row.Action.Kind,
		To: row.Action.To, State: row.Action.State, StateText: StateMeaning(row.Action.State), Due: row.Action.Due,
		By: row.Action.By, Role: row.Action.Role, Detail: row.Action.Detail}
	if !e.Due.Known() {
		e.Due = row.Due
	}
	for _, reason := range row.Reasons {
		e.Reasons = append(e.Reasons, ExplainedReason{reason, ReasonMeaning(reason)})
	}
	for _, s := range row.Signals {
		e.Signals = append(e.Signals, ExplainedSignal(s))
	}
	if r.Account >= 0 {
		e.MatchedBy = v.Plan.Accounts[r.Account].By.String()
	}
	if r.Person >= 0 {
		e.Person = v.explainPerson(r.Person)
	}
	return e
}

func (v *View) explainPerson(person reconcile.PersonID) *ExplainedPerson {
	s, at := v.Plan.Snapshot, v.Plan.People[person].Row
	p, text := &s.People, s.Strings.Text
	return &ExplainedPerson{Source: s.Sources[p.Source[at]].Name, Email: text(p.Email[at]), EmployeeID: text(p.EmployeeID[at]),
		Kind: p.Kind[at], Status: p.Status[at], Department: text(p.Department[at]), Hired: p.Hired[at], Left: p.Left[at],
		LeaveFrom: p.LeaveFrom[at], LeaveTo: p.LeaveTo[at]}
}

// WriteExplanations writes explanations for people, those of one holder together.
func WriteExplanations(w io.Writer, all []Explanation, color bool) error {
	t := &printer{out: bufio.NewWriter(w), width: 100, color: color}
	for n, e := range all {
		if n == 0 || all[n-1].Holder != e.Holder {
			t.holder(&e)
		}
		t.explanation(&e)
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("reports: write explanations: %w", err)
	}
	return nil
}

func (t *printer) holder(e *Explanation) {
	title := e.Holder
	if e.Name != "" {
		title += ", " + e.Name
	}
	t.heading(printable(title))
	p := e.Person
	if p == nil {
		fmt.Fprintln(t.out, "  no person of the directory is linked")
		return
	}
	words := []string{p.Kind.String(), p.Status.String()}
	for _, w := range []string{p.Department, p.Email} {
		if w != "" {
			words = append(words, printable(w))
		}
	}
	for _, d := range []struct {
		name string
		day  facts.Day
	}{{"hired", p.Hired}, {"last day", p.Left}, {"leave from", p.LeaveFrom}, {"leave to", p.LeaveTo}} {
		if d.day.Known() {
			words = append(words, d.name+" "+d.day.String())
		}
	}
	fmt.Fprintf(t.out, "  %s (%s)\n", strings.Join(words, ", "), printable(p.Source))
}

func (t *printer) explanation(e *Explanation) {
	action := e.Action.String()
	if e.To != "" {
		action += " to " + e.To
	}
	fmt.Fprintf(t.out, "\n  %s: %s, so %s (%s)\n", t.paint(bold, printable(e.Product)), t.paint(bold, e.Verdict.String()), action, e.State)
	line := func(name, text string) {
		if text != "" {
			t.wrap(printable(text), 15, fmt.Sprintf("    %-10s ", name))
		}
	}
	line("means", e.Meaning)
	for n, reason := range e.Reasons {
		name := "because"
		if n > 0 {
			name = ""
		}
		line(name, reason.Meaning)
	}
	line("rule", e.Rule)
	line("covered by", e.Covering)
	line("account", account(e))
	line("pool", e.Pool)
	line("paths", strings.Join(e.Paths, ", "))
	line("last use", e.LastUse.String())
	if e.IdleDays >= 0 {
		line("idle", fmt.Sprintf("%d days on which the holder could have used it", e.IdleDays))
	}
	for _, s := range e.Signals {
		line("signal", signalText(s))
	}
	line("state", e.StateText)
	line("held by", e.By)
	line("waits for", e.Role)
	line("date", e.Due.String())
	line("detail", e.Detail)
}

func account(e *Explanation) string {
	if e.Account == "" {
		return ""
	}
	text := fmt.Sprintf("%s at %s, %s", e.Account, e.Source, e.Situation)
	if e.MatchedBy != "" && e.MatchedBy != reconcile.MatchNone.String() {
		text += " by " + e.MatchedBy
	}
	return text
}

func signalText(s ExplainedSignal) string {
	if s.Source == "" {
		return "a source that was not read"
	}
	text := s.Source + ": "
	if s.Last.Known() {
		text += "last " + s.Last.String()
	} else {
		text += "no use seen"
	}
	switch {
	case s.From.Known() && s.To < s.From:
		text += "; covers nothing"
	case s.From.Known() && s.To.Known():
		text += fmt.Sprintf("; covers %s to %s", s.From, s.To)
	}
	if !s.Complete {
		text += ", not the whole window"
	}
	return text
}
