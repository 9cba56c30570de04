package reconcile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"trueup/facts"
)

// large makes an organisation in scattered order: people in hr and in okta, seats of products at their vendors by login,
// and a rolled-up sign-in for most seats. One person in fifty has left, one seat in eight is unused, and one sign-in in a
// hundred is to a product without a seat.
func large(b testing.TB, people, products int) (*facts.Snapshot, *Catalogue, *Policy) {
	random := rand.New(rand.NewPCG(1, 2))
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	calendar := facts.NewCalendar(zone)
	asOf := facts.At(time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC))
	today := calendar.Day(asOf)
	holds := func(person, product int) bool { return (person*31+product*17)%7 < 4 && (person+product)%9 > 0 }
	hr := facts.NewObservation("hr", facts.FeedPeople, asOf)
	directory := facts.NewObservation("okta", facts.FeedPeople, asOf)
	for _, n := range random.Perm(people) {
		p := facts.Person{ID: fmt.Sprintf("E%06d", n), Email: fmt.Sprintf("Person.%d@example.com", n), Kind: facts.Employee,
			Status: facts.Active, Department: fmt.Sprintf("D%d", n%40), CostCentre: fmt.Sprintf("CC%d", n%200), Hired: today - 2000,
			Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant}
		if n%50 == 49 {
			p.Status, p.Left = facts.Leaver, today-30
		}
		hr.AddPerson(&p)
		p.ID, p.EmployeeID, p.Email = fmt.Sprintf("00u%07x", n*7919), p.ID, strings.ToLower(p.Email)
		p.Kind, p.Hired, p.Left = facts.KindUnknown, facts.NoDay, facts.NoDay
		directory.AddPerson(&p)
	}
	hr.Rows, directory.Rows = int64(people), int64(people)
	var text strings.Builder
	text.WriteString("products:\n")
	observations := []*facts.Observation{hr, directory}
	sources := []facts.Source{{Name: "hr"}, {Name: "okta"}, {Name: "contracts"}}
	contracts := facts.NewObservation("contracts", facts.FeedPurchases, asOf)
	lane := facts.NewLane(calendar, asOf)
	for n := range products {
		vendor := fmt.Sprintf("vendor%02d", n/4)
		fmt.Fprintf(&text, "  - {id: p%02d, seats_from: {%s: [sku%02d]}, activity: {okta: [App %d]}}\n", n, vendor, n, n)
	}
	for v := range (products + 3) / 4 {
		vendor := fmt.Sprintf("vendor%02d", v)
		sources = append(sources, facts.Source{Name: vendor, Writes: true})
		seats := facts.NewObservation(vendor, facts.FeedSeats, asOf)
		for _, n := range random.Perm(people) {
			for p := v * 4; p < min(products, v*4+4); p++ {
				if !holds(n, p) {
					continue
				}
				seats.AddSeat(facts.Seat{Account: fmt.Appendf(nil, "person.%d@example.com", n), Product: fmt.Appendf(nil, "sku%02d", p),
					Assigned: asOf.Add(-time.Duration(random.IntN(900)+1) * 24 * time.Hour)})
				seats.Rows++
			}
		}
		observations = append(observations, seats)
	}
	for _, n := range random.Perm(people) {
		for p := range products {
			if holds(n, p) && random.IntN(8) > 0 || random.IntN(200) == 0 {
				lane.Add(facts.SignIn{Account: fmt.Appendf(nil, "00u%07x", n*7919), Login: fmt.Appendf(nil, "person.%d@example.com", n),
					Application: fmt.Appendf(nil, "App %d", p), At: asOf.Add(-time.Duration(random.IntN(85*24)) * time.Hour),
					Mode: facts.Interactive, Success: true})
			}
		}
	}
	log := facts.NewObservation("okta", facts.FeedSignIns, asOf)
	log.Join(lane)
	log.Rows, log.From = 4_000_000, asOf.Add(-400*24*time.Hour)
	for p := range products {
		contracts.AddPurchase(facts.Purchase{Contract: "C", Product: fmt.Sprintf("p%02d", p), Quantity: int64(people), Billing: facts.Prepaid,
			Start: today - 300, End: today + 65, Notice: today + 35, Currency: "EUR"})
		contracts.Rows++
	}
	observations = append(observations, log, contracts)
	s, err := facts.Freeze(facts.Frame{Organisation: "Large", Calendar: calendar, AsOf: asOf, Sources: sources}, observations)
	if err != nil {
		b.Fatal(err)
	}
	c, err := ParseCatalogue("products.yaml", []byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	policy, err := ParsePolicy("policy.yaml", []byte(`version: 1
mode: act
eligibility:
  - {product: p00, when: 'person.department != "D1" && person.kind in ["employee","contractor"]'}
  - {product: p01, when: 'person.department in ["D2","D3"] || person.cost_centre == "CC7"'}
reclaim:
  - {product: "*", idle_after: 90d, never_used_after: 45d, notice: 14d, action: revoke}
  - {product: p03, idle_after: 60d, action: review, when: 'person.department == "D5"'}
exempt:
  - {name: lab, when: 'person.department == "D7"', reason: shared lab, author: ops@example.com, until: 2027-06-30}
leaver: {grace: 24h, action: revoke}
approval: {unattended: [leaver, duplicate]}
guards: {actions: {run: 200, run_percent: 5, product_percent: 10}}
`), c)
	if err != nil {
		b.Fatal(err)
	}
	return s, c, policy
}

// BenchmarkDecide decides about 100,000 people and a million seats, from the frozen snapshot to the plan with digests.
func BenchmarkDecide(b *testing.B) {
	s, c, p := large(b, 100_000, 20)
	b.ReportMetric(float64(s.Seats.Len()), "seats")
	b.ReportAllocs()
	b.ResetTimer()
	var plan *Plan
	for b.Loop() {
		var err error
		if plan, err = Decide(s, c, p, Options{Identity: Identity{Authoritative: Names{"hr"}}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(plan.Rows)), "rows")
	b.ReportMetric(float64(len(plan.Actions)), "actions")
	b.ReportMetric(float64(s.SignIns.Len()), "sign-ins")
}
