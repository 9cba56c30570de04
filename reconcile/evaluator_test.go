package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/facts"
)

// testWorld is a small organisation with every attribute varied.
type testWorld struct {
	snapshot  *facts.Snapshot
	people    []Person
	accounts  []Account
	catalogue *Catalogue
	texts     []facts.Sym // for paths and cost centres
}

func newTestWorld(t testing.TB, size int) *testWorld {
	t.Helper()
	people := facts.NewObservation("hr", facts.FeedPeople, 0)
	for n := range size {
		person := facts.Person{ID: fmt.Sprintf("E%d", n), Email: fmt.Sprintf("p%d@example.com", n), EmployeeID: fmt.Sprint(n / 2),
			Name: fmt.Sprintf("Person %d", n/3), Kind: facts.Kind(n % len(facts.KindNames())),
			Status: facts.Status(n % len(facts.StatusNames())), Department: fmt.Sprintf("D%d", n%12),
			CostCentre: fmt.Sprint(n % 4), Manager: fmt.Sprintf("E%d", n/10), Role: []string{"", "lead", "engineer"}[n%3],
			Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant}
		for g := range n % 4 {
			person.Groups = append(person.Groups, fmt.Sprintf("g%d", (n+g*g)%7))
		}
		people.AddPerson(&person)
	}
	for _, text := range []string{"direct", "group:all", "group:g1", "4711"} {
		people.Strings.InternString(text)
	}
	frame := facts.Frame{Organisation: "Example", Calendar: facts.NewCalendar(time.UTC), AsOf: facts.At(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)),
		Sources: []facts.Source{{Name: "hr", Kind: "csv"}, {Name: "okta", Kind: "okta"}}}
	s, err := facts.Freeze(frame, []*facts.Observation{people})
	if err != nil {
		t.Fatal(err)
	}
	w := &testWorld{snapshot: s, catalogue: testCatalogue(t)}
	for n := range size {
		w.people = append(w.people, Person{ID: s.People.ID[n], Row: int32(n)})
		w.accounts = append(w.accounts, Account{Source: facts.SourceID(n % 2), Key: s.People.ID[n], Login: s.People.Email[n],
			Person: PersonID(n), Kind: facts.Kind(n % 3), Row: -1})
	}
	for _, text := range []string{"", "direct", "group:all", "group:g1", "4711"} {
		sym, ok := s.Strings.LookupString(text)
		if !ok {
			t.Fatalf("%q is not in the snapshot", text)
		}
		w.texts = append(w.texts, sym)
	}
	return w
}

func (w *testWorld) evaluator() *Evaluator {
	return NewEvaluator(w.snapshot, w.people, w.accounts, w.catalogue)
}

func (w *testWorld) subject(t *rapid.T) Subject {
	return Subject{
		Person:     PersonID(rapid.IntRange(-1, len(w.people)-1).Draw(t, "person")),
		Account:    AccountID(rapid.IntRange(-1, len(w.accounts)-1).Draw(t, "account")),
		Product:    ProductID(rapid.IntRange(-1, len(w.catalogue.Products)-1).Draw(t, "product")),
		Held:       rapid.Bool().Draw(t, "held"),
		Inherited:  rapid.Bool().Draw(t, "inherited"),
		Path:       rapid.SampledFrom(w.texts).Draw(t, "path"),
		CostCentre: rapid.SampledFrom(w.texts).Draw(t, "cost centre"),
		IdleDays:   rapid.Int32Range(-1, 4).Draw(t, "idle days") * 45,
		Ever:       rapid.Bool().Draw(t, "ever"),
	}
}

// testRules name every attribute at least once; some fail for some subjects.
var testRules = []string{
	`true`,
	`person.known && person.kind in ["employee", "contractor"]`,
	`person.department == "D3" || person.status == "leaver"`,
	`"g1" in person.groups && !seat.inherited`,
	`person.groups.exists(g, g.startsWith("g") && person.role == "lead")`,
	`person.groups[1] == "g3"`, // fails for people with fewer groups
	`product.family == "m365" && product.tier > 2`,
	`product.vendor == "GitHub" || product.category == "office" || product.name.contains("BI") || product.id == "matlab"`,
	`usage.idle_days > 60 && usage.ever`,
	`100 / usage.idle_days > 1`, // fails at 0
	`usage.idle_days == -45 || seat.held`,
	`account.source == "okta" && account.kind == "employee"`,
	`account.login.endsWith("7@example.com") || account.id == "E4"`,
	`seat.path.startsWith("group:") || seat.cost_centre == person.cost_centre`,
	`person.id < person.manager && person.email != person.name`,
	`person.employee_id == "3" && person.name == "Person 2" && person.email.size() > 3`,
	`[person.id, person.email, person.name, person.department, person.role, person.manager, person.cost_centre].exists(v, v == "lead") == seat.held`,
	`(person.groups.size() > 2 ? person.id : account.id) == account.id && usage.idle_days < 90`,
	`contract.known || contract.ended || contract.unconfirmed || contract.billing == "prepaid"`,
	`contract.purchased / contract.days_to_end == 1 && contract.days_to_notice < 30 && person.known`,
}

func TestRulesNameEveryAttribute(t *testing.T) {
	named := map[string]bool{}
	for _, source := range testRules {
		for _, name := range compile(t, source).Names() {
			named[name] = true
		}
	}
	for n := range attributes {
		if !named[attributes[n].name] {
			t.Errorf("no test rule names %s", attributes[n].name)
		}
	}
}

// The remembered answer is the one that a fresh evaluation gives, whatever was asked before.
func TestEvaluatorRemembersTheTruth(t *testing.T) {
	w := newTestWorld(t, 40)
	rules := make([]*Expression, len(testRules))
	for n, source := range testRules {
		rules[n] = compile(t, source)
	}
	long := w.evaluator()
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(rules).Draw(t, "rule")
		s := w.subject(t)
		want, wantErr := w.evaluator().Holds(e, s)
		got, err := long.Holds(e, s)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, %v; a fresh evaluator says %v, %v", e.Source, got, err, want, wantErr)
		}
		if err != nil && got {
			t.Fatalf("%s: holds in spite of %v", e.Source, err)
		}
		forked, forkErr := long.Fork().Holds(e, s)
		if forked != want || (forkErr == nil) != (wantErr == nil) {
			t.Fatalf("%s: a fork says %v, %v, want %v, %v", e.Source, forked, forkErr, want, wantErr)
		}
	})
}

func TestHolds(t *testing.T) {
	w := newTestWorld(t, 40)
	product := func(id string) ProductID {
		n, ok := w.catalogue.Lookup(id)
		if !ok {
			t.Fatalf("no product %s", id)
		}
		return n
	}
	nobody := Subject{Person: NoPersonID, Account: NoAccountID, Product: NoProductID, IdleDays: -1}
	e5 := Subject{Person: 1, Account: 1, Product: product("m365-e5"), Held: true, Path: w.texts[2], CostCentre: w.texts[4], IdleDays: 45, Ever: true}
	tests := []struct {
		rule    string
		subject Subject
		want    bool
	}{
		{`person.known`, nobody, false},
		{`person.kind == "" && person.status == "" && person.id == "" && person.groups == []`, nobody, true},
		{`account.source == "" && account.kind == "" && account.id == ""`, nobody, true},
		{`product.id == "" && product.tier == 0`, nobody, true},
		{`usage.idle_days == -1 && !usage.ever && !seat.held`, nobody, true},
		{`person.known && person.id == "E1" && person.kind == "employee" && person.status == "active"`, e5, true},
		{`person.department == "D1" && person.cost_centre == "1" && person.manager == "E0" && person.role == "lead"`, e5, true},
		{`person.groups == ["g1"]`, e5, true},
		{`account.id == "E1" && account.login == "p1@example.com" && account.source == "okta"`, e5, true},
		{`product.name == "Microsoft 365 E5" && product.vendor == "Microsoft" && product.family == "m365" && product.tier == 3`, e5, true},
		{`seat.path == "group:all" && seat.cost_centre == "4711" && seat.held && !seat.inherited`, e5, true},
		{`usage.idle_days == 45 && usage.ever`, e5, true},
		{`product.tier >= 4`, e5, false},
	}
	ev := w.evaluator()
	for _, test := range tests {
		got, err := ev.Holds(compile(t, test.rule), test.subject)
		if err != nil || got != test.want {
			t.Errorf("%s: %v, %v; want %v", test.rule, got, err, test.want)
		}
	}
	if got, err := ev.Holds(nil, nobody); !got || err != nil {
		t.Errorf("no expression: %v, %v; want it to hold", got, err)
	}
}

// Groups are a set: neither their order nor repetition in a directory shows.
func TestGroupsAreASet(t *testing.T) {
	w := newTestWorld(t, 40)
	o := facts.NewObservation("hr", facts.FeedPeople, 0)
	o.AddPerson(&facts.Person{ID: "a", Groups: []string{"y", "x", "y"}})
	o.AddPerson(&facts.Person{ID: "b", Groups: []string{"x", "y"}})
	s, err := facts.Freeze(facts.Frame{Calendar: facts.NewCalendar(time.UTC), Sources: w.snapshot.Sources}, []*facts.Observation{o})
	if err != nil {
		t.Fatal(err)
	}
	ev := NewEvaluator(s, []Person{{Row: 0}, {Row: 1}}, nil, w.catalogue)
	e := compile(t, `person.groups == ["x", "y"]`)
	for p := range PersonID(2) {
		if got, err := ev.Holds(e, Subject{Person: p, Account: NoAccountID, Product: NoProductID}); !got || err != nil {
			t.Errorf("person %d: %v, %v", p, got, err)
		}
	}
	if n := ev.memoOf(e).narrow.used; n != 1 {
		t.Errorf("%d evaluations of equal sets, want 1", n)
	}
}

// Forks answer side by side what one evaluator answers alone.
func TestForksSideBySide(t *testing.T) {
	w := newTestWorld(t, 40)
	e := compile(t, `person.groups.exists(g, g == "g3") && usage.idle_days > 45`)
	ev := w.evaluator()
	var wanted, got [4][40]bool
	var group sync.WaitGroup
	for fork := range got {
		group.Go(func() {
			mine := ev.Fork()
			for p := range got[fork] {
				got[fork][p], _ = mine.Holds(e, Subject{Person: PersonID(p), Account: NoAccountID, Product: NoProductID, IdleDays: int32(p * 3)})
			}
		})
	}
	group.Wait()
	for fork := range wanted {
		for p := range wanted[fork] {
			wanted[fork][p], _ = ev.Holds(e, Subject{Person: PersonID(p), Account: NoAccountID, Product: NoProductID, IdleDays: int32(p * 3)})
		}
	}
	if got != wanted {
		t.Errorf("forks say %v, want %v", got, wanted)
	}
}

func TestCostLimit(t *testing.T) {
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 100), ",") + "]"
	e := compile(t, fmt.Sprintf("%s.all(a, %s.all(b, %s.all(c, a + b + c == usage.idle_days)))", list, list, list))
	w := newTestWorld(t, 1)
	got, err := w.evaluator().Holds(e, Subject{Person: NoPersonID, Account: NoAccountID, Product: NoProductID, IdleDays: 3})
	if got || err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("a million steps: %v, %v; want the cost limit", got, err)
	}
}

func TestCanonicalSpelling(t *testing.T) {
	a, b := compile(t, `person.kind=='guest'  && (usage.idle_days>3)`), compile(t, "person.kind == \"guest\" &&\n usage.idle_days > 3")
	if a.String() != b.String() || a.String() == "" {
		t.Errorf("%q and %q differ", a, b)
	}
	if c := compile(t, `person.kind == "guest" && usage.idle_days > 4`); c.String() == a.String() {
		t.Errorf("%q is the same as %q", c, a)
	}
	if (*Expression)(nil).String() != "" || (*Expression)(nil).Names() != nil {
		t.Error("no expression has a text or names")
	}
	if names := a.Names(); !slices.Equal(names, []string{"person.kind", "usage.idle_days"}) {
		t.Errorf("names %v", names)
	}
}

func compile(t testing.TB, source string) *Expression {
	t.Helper()
	e, err := Compile(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return e
}

// Ten rules over a million subjects with about ten thousand distinct inputs, in scattered order.
func BenchmarkTenRules(b *testing.B) {
	const subjects = 1_000_000
	w := newTestWorld(b, 20_000)
	var rules []*Expression
	for _, source := range []string{
		`person.department == "D3" && person.kind in ["employee", "contractor"]`,
		`usage.idle_days > 90 && !("g1" in person.groups) && product.tier == 3`,
		`product.family == "m365" && person.status == "active"`,
		`person.kind == "break-glass"`,
		`person.groups.exists(g, g.startsWith("g5"))`,
		`usage.idle_days > 60 && person.department == "D7"`,
		`seat.inherited && seat.path == "group:all"`,
		`person.cost_centre == seat.cost_centre`,
		`account.source == "okta" && !usage.ever`,
		`person.role == "lead" && product.vendor == "GitHub" && person.department != "D1"`,
	} {
		e := compile(b, source)
		e.number = len(rules)
		rules = append(rules, e)
	}
	list := make([]Subject, subjects)
	state := uint64(1)
	for n := range list {
		state = state*6364136223846793005 + 1442695040888963407
		p := int32(state >> 33 % uint64(len(w.people)))
		list[n] = Subject{Person: PersonID(p), Account: AccountID(p), Product: ProductID(state >> 20 % 5), Held: true,
			Inherited: state>>50%2 == 0, Path: w.texts[state>>40%4], IdleDays: int32(state >> 25 % 180), Ever: state>>60%2 == 0}
	}
	var distinct int
	for b.Loop() {
		ev := w.evaluator()
		for n := range list {
			for _, e := range rules {
				if _, err := ev.Holds(e, list[n]); err != nil {
					b.Fatal(err)
				}
			}
		}
		distinct = 0
		for _, m := range ev.memos {
			distinct += m.narrow.used + len(m.wide)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/subjects, "ns/subject")
	b.ReportMetric(float64(distinct), "evaluations")
}
