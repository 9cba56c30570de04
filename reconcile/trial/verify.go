package trial

import (
	"fmt"
	"slices"
	"strings"

	"trueup/facts"
	"trueup/reconcile"
)

// Bench is what the cases of a suite are tried on.
type Bench struct {
	Catalogue *reconcile.Catalogue
	Policy    *reconcile.Policy
	Options   reconcile.Options // of the organisation; without authoritative sources people come from "directory"
	Calendar  *facts.Calendar
}

// Result is what became of one case.
type Result struct {
	Case       *Case
	Plan       *reconcile.Plan
	Rows       []int // of the plan that are about the case's holder
	Mismatches []Mismatch
	Rules      []string // that decided a row, or entitle its holder; each once, sorted
}

// Mismatch is one thing that was concluded otherwise than expected.
type Mismatch struct {
	Product string `json:"product"`
	Row     int    `json:"-"` // of the plan; -1 if there is none
	Field   string `json:"field"`
	Want    string `json:"want"`
	Got     string `json:"got"`
}

// Verify decides one case by [reconcile.Decide] and compares. It fails only where the engine does.
func (b *Bench) Verify(x *Case) (*Result, error) {
	options := b.Options
	if len(options.Identity.Authoritative) == 0 {
		options.Identity.Authoritative = reconcile.Names{"directory"}
	}
	s, err := snapshot(x, b.Catalogue, b.Calendar, options.Identity.Authoritative)
	if err != nil {
		return nil, fmt.Errorf("case %q: %w", x.Name, err)
	}
	plan, err := reconcile.Decide(s, b.Catalogue, b.Policy, options)
	if err != nil {
		return nil, fmt.Errorf("case %q: %w", x.Name, err)
	}
	r := &Result{Case: x, Plan: plan}
	for n := range plan.Rows {
		if !strings.HasPrefix(plan.Holder(n), bystander) {
			r.Rows = append(r.Rows, n)
		}
	}
	for n := range x.Expect {
		r.compare(&x.Expect[n])
	}
	r.Rules = b.rules(r)
	return r, nil
}

// compare looks for the row of an expectation and notes what differs.
func (r *Result) compare(e *Expectation) {
	var rows []int
	var found []string
	for _, n := range r.Rows {
		if (e.Product == "" || r.Plan.ProductOf(n).ID == e.Product) && (e.Account == "" || r.Plan.AccountName(n) == e.Account) {
			rows = append(rows, n)
			found = append(found, fmt.Sprintf("%s %s", r.Plan.ProductOf(n).ID, r.Plan.Rows[n].Verdict))
		}
	}
	switch {
	case e.Verdict.None && len(rows) == 0:
	case e.Verdict.None:
		r.mismatch(e, rows[0], "rows", "none", strings.Join(found, ", "))
	case len(rows) == 0:
		r.mismatch(e, -1, "rows", "a row that is "+e.Verdict.Verdict.String(), "none")
	case len(rows) > 1:
		r.mismatch(e, -1, "rows", "one row; name its product or account", strings.Join(found, ", "))
	default:
		r.compareRow(e, rows[0])
	}
}

func (r *Result) compareRow(e *Expectation, n int) {
	row := &r.Plan.Rows[n]
	differ := func(field, want, got string) {
		if want != got {
			r.mismatch(e, n, field, want, got)
		}
	}
	differ("verdict", e.Verdict.Verdict.String(), row.Verdict.String())
	if e.Action != nil {
		differ("action", e.Action.String(), row.Kind.String())
	}
	if e.To != nil {
		to := ""
		if row.To != reconcile.NoProductID {
			to = r.Plan.Catalogue.Products[row.To].ID
		}
		differ("to", *e.To, to)
	}
	if e.Rule != nil {
		rule := ""
		if row.Rule >= 0 {
			rule = r.Plan.Rules[row.Rule]
		}
		differ("rule", *e.Rule, rule)
	}
	for _, reason := range e.Reasons {
		if !row.Reasons.Has(reason) {
			r.mismatch(e, n, "reasons", reason.String(), row.Reasons.String())
		}
	}
}

func (r *Result) mismatch(e *Expectation, row int, field, want, got string) {
	product := e.Product
	if row >= 0 {
		product = r.Plan.ProductOf(row).ID
	}
	r.Mismatches = append(r.Mismatches, Mismatch{Product: product, Row: row, Field: field, Want: want, Got: got})
}

// rules lists the rules that the case's rows name, and the eligibility rules by which the holder has a right to them.
func (b *Bench) rules(r *Result) []string {
	var names []string
	ev := reconcile.NewEvaluator(r.Plan.Snapshot, r.Plan.People, r.Plan.Accounts, r.Plan.Catalogue)
	for _, n := range r.Rows {
		row := &r.Plan.Rows[n]
		if row.Rule >= 0 {
			names = append(names, r.Plan.Rules[row.Rule])
		}
		if row.Person == reconcile.NoPersonID {
			continue
		}
		right, _, err := b.Policy.Eligible(ev, reconcile.Subject{Person: row.Person, Account: reconcile.NoAccountID, Product: row.Product, IdleDays: -1})
		if err == nil && right != nil {
			names = append(names, right.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Rule is a rule of the policy, and whether a case hit it.
type Rule struct {
	Name    string `json:"rule"`
	Product string `json:"product"`
	Hit     bool   `json:"hit"`
}

// Coverage lists the policy's eligibility, reclaim and exemption rules, in order, with whether any of the results hit it.
func Coverage(p *reconcile.Policy, results []*Result) []Rule {
	hit := map[string]bool{}
	for _, r := range results {
		for _, name := range r.Rules {
			hit[name] = true
		}
	}
	var rules []Rule
	add := func(name, product string) { rules = append(rules, Rule{name, product, hit[name]}) }
	for n := range p.Eligibility {
		add(p.Eligibility[n].Name, p.Eligibility[n].Product)
	}
	for n := range p.Reclaim {
		add(p.Reclaim[n].Name, p.Reclaim[n].Product)
	}
	for n := range p.Exempt {
		product := p.Exempt[n].Product
		if product == "" {
			product = reconcile.AnyProduct
		}
		add(p.Exempt[n].Name, product)
	}
	return rules
}
