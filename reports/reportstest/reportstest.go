// Package reportstest makes plans by hand for tests of what renders them: small, with every verdict, state of ignorance
// and currency scale in it, and with totals that it counts for itself.
package reportstest

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"trueup/facts"
	"trueup/reconcile"
)

// AsOf is the as-of of every plan made here.
var AsOf = facts.At(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))

// Line is one row of a plan to be made, in words.
type Line struct {
	Person, Account, Product string // Person "" is a row without a person; Account "" one without a seat
	Verdict                  reconcile.Verdict
	Reasons                  []reconcile.Reason
	Rule                     string
	Paths                    []string // nil: no seat
	CostCentre               string   // the seat's own
	LastUse                  string   // RFC 3339
	Idle                     int32    // -1: not known
	Gap                      bool     // the signal does not cover the window
	Due                      string
	Covering                 string
	Kind                     reconcile.ActionKind
	State                    reconcile.State
	To, ActionDue, Role, By  string
	Detail                   string
	Currency                 string
	Exposure, Reassignable   int64
	Reducible                int64
	Effective                string
}

// Run is the run that made the plans.
func Run() reconcile.Run {
	return reconcile.Run{ID: "20261122T020000Z-7f3a9c", Kind: "run", Started: AsOf.Add(2 * time.Hour),
		Finished: AsOf.Add(2*time.Hour + 41*time.Second), AsOf: AsOf, State: reconcile.RunDone, Plan: "0123456789abcdef",
		Exit: 3, Who: "svc-trueup@lic-01", Build: "trueup 1.0.0 (4f2c1d7)"}
}

// Policy is the policy whose parameters the reports print.
func Policy() *reconcile.Policy {
	return &reconcile.Policy{Version: 1, Mode: reconcile.Act,
		Reclaim: []reconcile.ReclaimRule{
			{Name: "reclaim[0]", Product: "*", IdleAfter: 90, NeverUsedAfter: 45, Notice: 14, Action: reconcile.Revoke},
			{Name: "reclaim[1]", Product: "m365-e5", IdleAfter: 60, Action: reconcile.Downgrade, To: "m365-e3"}},
		Eligibility: []reconcile.EligibilityRule{{Name: "eligibility[0]", Product: "github-copilot",
			When: &reconcile.Expression{Source: `person.department == "Engineering"`}}},
		Exempt: []reconcile.Exemption{{Name: "break-glass", Reason: "emergency access", Author: "secops@example.com",
			Until: facts.Date(2027, 6, 30), From: []reconcile.Verdict{reconcile.Idle, reconcile.NeverUsed}}},
		Leaver: reconcile.LeaverRule{Grace: 24 * time.Hour, Action: reconcile.Revoke},
		Approval: reconcile.ApprovalRule{Unattended: []reconcile.Verdict{reconcile.Leaver, reconcile.Duplicate},
			Roles: map[reconcile.Verdict]string{reconcile.Idle: "manager", reconcile.NotEntitled: "app-owner"}},
		Guards: reconcile.GuardLimits{Run: 200, RunPercent: 5, ShrinkPercent: 10, MatchRate: 0.95}}
}

// Plan makes a plan of the lines. Everything but the lines is the same in all plans.
func Plan(lines []Line) *reconcile.Plan {
	b := newBuilder(lines)
	for _, l := range lines {
		b.add(l)
	}
	b.finish()
	return b.plan
}

func day(s string) facts.Day {
	if s == "" {
		return facts.NoDay
	}
	d, err := facts.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

func instant(s string) facts.Instant {
	i := facts.NoInstant
	if err := i.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return i
}

// Digest is a made-up digest of words.
func Digest(words ...string) facts.Digest { return sha256.Sum256([]byte(strings.Join(words, "\x00"))) }

type builder struct {
	plan    *reconcile.Plan
	people  map[string]reconcile.PersonID
	seen    map[reconcile.PersonID]bool
	account map[string]reconcile.AccountID
	seats   int32
	held    map[reconcile.ProductID]int64
}

// newBuilder freezes a snapshot with the people and seats that the lines need.
func newBuilder(lines []Line) *builder {
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(cmp.Or(a.Person, a.Account), cmp.Or(b.Person, b.Account)),
			cmp.Compare(a.Account, b.Account))
	})
	b := &builder{people: map[string]reconcile.PersonID{}, seen: map[reconcile.PersonID]bool{},
		account: map[string]reconcile.AccountID{}, held: map[reconcile.ProductID]int64{}}
	snapshot := freeze(lines)
	b.plan = &reconcile.Plan{ID: "0123456789abcdef", Decisions: Digest("decisions"), Digest: Digest("plan"), AsOf: AsOf,
		Organisation: snapshot.Organisation, Build: "trueup 1.0.0 (4f2c1d7)", Policy: Digest("policy"),
		Config: Digest("config"), Products: Digest("products"), Complete: false, Mode: reconcile.Act,
		Snapshot: snapshot, Catalogue: Catalogue(), Inputs: inputStates(), Guards: guards(), Positions: positions(), Concurrent: concurrent(),
		Findings: findings(), Unplaced: []reconcile.Unplaced{{Reason: "no seat, no right to one and no sign-in", People: 7},
			{Reason: "left, and holds nothing", People: 2}}}
	for n := range snapshot.People.Len() {
		id := snapshot.People.ID[n]
		b.people[snapshot.Strings.Text(id)] = reconcile.PersonID(n)
		b.plan.People = append(b.plan.People, reconcile.Person{ID: id, Row: int32(n)})
	}
	return b
}

func (b *builder) add(l Line) {
	p := b.plan
	row := reconcile.Row{Person: reconcile.NoPersonID, Account: reconcile.NoAccountID, Product: b.product(l.Product),
		Verdict: l.Verdict, Rule: b.rule(l.Rule), Reasons: reconcile.ReasonSet(0).With(l.Reasons...), Path: uint32(len(p.SeatPaths)),
		IdleDays: l.Idle, LastUse: instant(l.LastUse), Signal: uint32(len(p.Signals)), Action: -1, Due: day(l.Due), Clock: facts.NoDay,
		Kind: l.Kind, To: reconcile.NoProductID,
		Covering: reconcile.NoProductID, Situation: reconcile.Linked}
	if l.Person != "" {
		row.Person = b.people[l.Person]
		if !b.seen[row.Person] {
			b.seen[row.Person] = true
			p.Totals.PeopleWithRows++
		}
	} else {
		row.Situation = reconcile.Unlinked
	}
	if l.Account != "" {
		row.Account = b.accountOf(l.Account, row.Person)
	}
	if l.Paths != nil {
		row.Held = true
		for range l.Paths {
			p.SeatPaths = append(p.SeatPaths, b.seats)
			b.seats++
		}
		p.Totals.Seats++
		b.held[row.Product]++
	}
	if l.Covering != "" {
		row.Covering = b.product(l.Covering)
	}
	p.Signals = append(p.Signals, reconcile.Signal{Input: 3, Last: row.LastUse, Complete: !l.Gap})
	b.addMoney(&row, l)
	b.addAction(&row, l)
	b.count(&row, l)
	p.Rows = append(p.Rows, row)
}

func (b *builder) addMoney(row *reconcile.Row, l Line) {
	row.Worth = uint32(len(b.plan.Worths))
	if l.Currency == "" {
		b.plan.Worths = append(b.plan.Worths, reconcile.Money{Effective: day(l.Effective)})
		return
	}
	currency, _ := b.plan.Snapshot.Strings.LookupString(l.Currency)
	b.plan.Worths = append(b.plan.Worths, reconcile.Money{Currency: currency, Exposure: l.Exposure, Reassignable: l.Reassignable,
		Reducible: l.Reducible, Effective: day(l.Effective)})
	totals := &b.plan.Totals
	n := slices.IndexFunc(totals.Money, func(m reconcile.MoneyTotal) bool { return m.Currency == l.Currency })
	if n < 0 {
		totals.Money = append(totals.Money, reconcile.MoneyTotal{Currency: l.Currency})
		n = len(totals.Money) - 1
	}
	totals.Money[n].Exposure += l.Exposure
	totals.Money[n].Reassignable += l.Reassignable
	totals.Money[n].Reducible += l.Reducible
}

func (b *builder) addAction(row *reconcile.Row, l Line) {
	b.plan.Totals.Actions[l.Kind]++
	if l.Kind == reconcile.Keep {
		return
	}
	b.plan.Totals.States[l.State]++
	row.Action = int32(len(b.plan.Actions))
	action := reconcile.Action{Row: int32(len(b.plan.Rows)), ID: CaseOf(l), Kind: l.Kind, State: l.State,
		To: reconcile.NoProductID, Due: day(l.ActionDue), Role: l.Role, By: l.By, Detail: l.Detail}
	if l.To != "" {
		action.To = b.product(l.To)
		row.To = action.To
	}
	action.Source, _ = b.plan.Snapshot.SourceNamed("okta")
	b.plan.Actions = append(b.plan.Actions, action)
}

// CaseOf is the id that the action of a line gets.
func CaseOf(l Line) facts.Digest {
	return Digest("case", l.Person, l.Account, l.Product, l.Kind.String(), l.To)
}

func (b *builder) count(row *reconcile.Row, l Line) {
	totals := &b.plan.Totals
	totals.Rows++
	totals.Verdicts[l.Verdict]++
	switch l.Verdict {
	case reconcile.Missing:
		totals.Missing++
	case reconcile.UnlicensedUse:
		totals.UnlicensedUse++
	}
}

func (b *builder) finish() {
	totals := &b.plan.Totals
	slices.SortFunc(totals.Money, func(a, b reconcile.MoneyTotal) int { return cmp.Compare(a.Currency, b.Currency) })
	totals.People = totals.PeopleWithRows
	for _, u := range b.plan.Unplaced {
		totals.People += u.People
	}
	for n := range b.plan.Positions { // licences that the lines do not hold are held by nobody
		p := &b.plan.Positions[n]
		if held := b.held[p.Product]; p.Assigned != nil {
			p.Assigned = &held
		}
	}
}

func (b *builder) product(id string) reconcile.ProductID {
	n := slices.IndexFunc(b.plan.Catalogue.Products, func(p reconcile.Product) bool { return p.ID == id })
	if n < 0 {
		panic("no product " + id)
	}
	return reconcile.ProductID(n)
}

func (b *builder) rule(name string) int16 {
	if name == "" {
		return -1
	}
	n := slices.Index(b.plan.Rules, name)
	if n < 0 {
		n = len(b.plan.Rules)
		b.plan.Rules = append(b.plan.Rules, name)
	}
	return int16(n)
}

func (b *builder) accountOf(login string, person reconcile.PersonID) reconcile.AccountID {
	id, ok := b.account[login]
	if !ok {
		id = reconcile.AccountID(len(b.plan.Accounts))
		b.account[login] = id
		sym, _ := b.plan.Snapshot.Strings.LookupString(login)
		source, _ := b.plan.Snapshot.SourceNamed("okta")
		holder := sym
		if person >= 0 {
			holder = b.plan.People[person].ID
		}
		b.plan.Accounts = append(b.plan.Accounts, reconcile.Account{Source: source, Key: sym, Login: sym, Person: person,
			Row: -1, Holder: holder})
	}
	return id
}
