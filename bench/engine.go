package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/govalues/decimal"
	"golang.org/x/sync/errgroup"

	"trueup/facts"
	"trueup/reconcile"
)

// engine is the second benchmark: the decision alone, from facts in memory to the plan with its digests, beside a peer
// that joins and classifies the same tables in SQL. Neither side's loading counts.
//
// Everything about a person and a product follows from their numbers, so both sides can make the same facts.
type engine struct {
	size
	rules int // further reclaim rules, none of which holds
}

// engineResult is what a run of either side prints.
type engineResult struct {
	Seconds   float64        `json:"seconds"` // of the decision, without loading
	CPU       float64        `json:"cpu,omitempty"`
	Rows      int            `json:"rows"`
	FactsMB   float64        `json:"facts_mb,omitempty"` // resident before the decision
	Verdicts  map[string]int `json:"verdicts"`
	Positions [][]any        `json:"positions"` // product, purchased, assigned, active, idle, spare
}

// draw returns a number that looks random and is the same for the same person, product and purpose.
func draw(user, product, purpose int) uint64 {
	r := uint64(user)*0x9E3779B97F4A7C15 ^ uint64(product+1)*0xC2B2AE3D27D4EB4F ^ uint64(purpose+1)*0x165667B19E3779F9
	r ^= r >> 29
	r *= 0xBF58476D1CE4E5B9
	return (r ^ r>>32) >> 8
}

// seat returns the account by which a person holds a product, when it was given, and whether also by a group.
func (e engine) seat(b []byte, user, product int) (account []byte, assigned facts.Instant, twice, held bool) {
	if float64(draw(user, product, 0)%1_000_000) >= e.density*1_000_000 {
		return b, 0, false, false
	}
	switch n := draw(user, product, 1) % 1000; {
	case n < 10: // 1 % of accounts are in no directory
		b = append(b, "ghost"...)
		b = append(b, login(user)...)
	case n < 30: // 2 % are written with a capital
		b = append(b, login(user)...)
		b[len(b)-len(login(user))] = 'U'
	default:
		b = append(b, login(user)...)
	}
	days := 1 + draw(user, product, 2)%900
	return b, facts.At(asOf) - facts.Instant(days)*86_400_000, draw(user, product, 3)%1000 < 5, true
}

// use returns when a person last signed in to a product: most of those who have a seat did of late, one in ten never, and
// one in thirty without a seat did too.
func (e engine) use(user, product int) (facts.Instant, bool) {
	n := draw(user, product, 4) % 1000
	days := uint64(0)
	switch held := float64(draw(user, product, 0)%1_000_000) < e.density*1_000_000; {
	case !held && n >= 33, n < 100 && held:
		return 0, false
	case n < 250:
		days = 60 + draw(user, product, 5)%120
	default:
		days = draw(user, product, 5) % 60
	}
	return facts.At(asOf) - facts.Instant(days)*86_400_000 - facts.Instant(1+draw(user, product, 6)%86_000_000), true
}

func (e engine) status(user int) (facts.Status, string) {
	if user%25 == 7 { // 4 %
		return facts.Leaver, "DEPROVISIONED"
	}
	return facts.Active, "ACTIVE"
}

// snapshot makes the facts in memory.
func (e engine) snapshot() (*facts.Snapshot, error) {
	at := facts.At(asOf)
	s, err := facts.Freeze(facts.Frame{Organisation: "Bench", Calendar: facts.NewCalendar(time.UTC), AsOf: at,
		Sources: []facts.Source{{Name: "contracts"}, {Name: "hr"}, {Name: "log"}, {Name: "seats", Writes: true}}}, e.observations(at))
	if err != nil {
		return nil, err
	}
	e.addSeats(s)
	e.addUses(s)
	return s, nil
}

// observations are the small feeds; of seats and sign-ins only the coverage. Their rows go to the snapshot directly, or
// they would stand in memory twice.
func (e engine) observations(at facts.Instant) []*facts.Observation {
	hr := facts.NewObservation("hr", facts.FeedPeople, at)
	_ = scatter(e.users, func(user int) error {
		status, _ := e.status(user)
		hr.AddPerson(&facts.Person{ID: oktaID(user), Email: login(user), Kind: facts.Employee, Status: status, Department: fmt.Sprintf("Dept %d", user%40),
			Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay, LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant})
		hr.Rows++
		return nil
	})
	log := facts.NewObservation("log", facts.FeedSignIns, at)
	log.From = at.Add(-1000 * 24 * time.Hour)
	for day := range facts.Day(eventDays) {
		log.Daily.Add(facts.NewCalendar(time.UTC).Day(at)-1-day, 1000)
	}
	log.Daily.First, log.Daily.Last = at.Add(-eventDays*24*time.Hour), at-1
	seats := facts.NewObservation("seats", facts.FeedSeats, at)
	contracts := facts.NewObservation("contracts", facts.FeedPurchases, at)
	for product := range e.products {
		contracts.AddPurchase(facts.Purchase{Contract: fmt.Sprintf("C%02d", product), Product: fmt.Sprintf("p%02d", product), Quantity: e.purchased(product),
			Billing: facts.Prepaid, Start: facts.Date(2026, 1, 1), End: facts.Date(2026, 12, 31), Notice: facts.Date(2026, 11, 30), Currency: "EUR", Price: decimal.MustNew(int64(600+120*product), 1), Per: facts.PerYear, Priced: true})
	}
	contracts.Rows = int64(e.products)
	return []*facts.Observation{hr, log, seats, contracts}
}

func (e engine) purchased(product int) int64 {
	return int64(float64(e.users)*e.density) + int64(product*10)
}

// addSeats adds seats by product, people in no order, as vendors export them.
func (e engine) addSeats(s *facts.Snapshot) {
	source, _ := s.SourceNamed("seats")
	x := &s.Seats
	room := int(float64(e.users*e.products)*e.density*1.01) + 1000
	for _, column := range []*[]facts.Sym{&x.Account, &x.Login, &x.Product, &x.Path, &x.CostCentre} {
		*column = make([]facts.Sym, 0, room)
	}
	x.Assigned, x.Source = make([]facts.Instant, 0, room), make([]facts.SourceID, 0, room)
	direct, everybody := s.Strings.InternString("direct"), s.Strings.InternString("group:everybody")
	var buf []byte
	for product := range e.products {
		item := s.Strings.InternString(fmt.Sprintf("p%02d", product))
		_ = scatter(e.users, func(user int) error {
			account, assigned, twice, held := e.seat(buf[:0], user, product)
			buf = account
			if !held {
				return nil
			}
			add := func(path facts.Sym) {
				x.Account = append(x.Account, s.Strings.Intern(account))
				x.Login, x.CostCentre, x.Product = append(x.Login, 0), append(x.CostCentre, 0), append(x.Product, item)
				x.Path, x.Assigned, x.Source = append(x.Path, path), append(x.Assigned, assigned), append(x.Source, source)
			}
			if add(direct); twice { // 0.5 % stand twice: direct and by a group
				add(everybody)
			}
			return nil
		})
	}
	e.count(s, facts.FeedSeats, x.Len())
}

// addUses adds the rolled-up sign-ins, in no order at all.
func (e engine) addUses(s *facts.Snapshot) {
	source, _ := s.SourceNamed("log")
	x := &s.SignIns
	room := int(float64(e.users*e.products)*(e.density*0.91+(1-e.density)*0.034)) + 1000
	for _, column := range []*[]facts.Sym{&x.Account, &x.Login, &x.Application} {
		*column = make([]facts.Sym, 0, room)
	}
	x.Mode, x.Last, x.Count = make([]facts.Mode, 0, room), make([]facts.Instant, 0, room), make([]uint32, 0, room)
	x.Source = make([]facts.SourceID, 0, room)
	applications := make([]facts.Sym, e.products)
	for product := range applications {
		applications[product] = s.Strings.InternString(fmt.Sprintf("App %02d", product))
	}
	_ = scatter(e.users*e.products, func(pair int) error {
		user, product := pair/e.products, pair%e.products
		if last, used := e.use(user, product); used {
			x.Account, x.Login = append(x.Account, s.Strings.InternString(login(user))), append(x.Login, 0)
			x.Application, x.Mode = append(x.Application, applications[product]), append(x.Mode, facts.ModeUnknown)
			x.Last, x.Count, x.Source = append(x.Last, last), append(x.Count, 1), append(x.Source, source)
		}
		return nil
	})
	e.count(s, facts.FeedSignIns, x.Len())
}

func (e engine) count(s *facts.Snapshot, feed facts.Feed, rows int) {
	for n := range s.Inputs {
		if s.Inputs[n].Feed == feed {
			s.Inputs[n].Rows = int64(rows)
		}
	}
}

// definitions are the catalogue and the policy; with further rules, each on another attribute of person and product.
func (e engine) definitions() (*reconcile.Catalogue, *reconcile.Policy, error) {
	products := "products:\n"
	for p := range e.products {
		products += fmt.Sprintf("  - {id: p%02d, seats_from: {seats: [p%02d]}, activity: {log: [App %02d]}}\n", p, p, p)
	}
	catalogue, err := reconcile.ParseCatalogue("products.yaml", []byte(products))
	if err != nil {
		return nil, nil, err
	}
	rules := "version: 1\nmode: observe\nleaver: {grace: 24h, action: revoke}\napproval: {unattended: [leaver]}\n" +
		"guards: {actions: {run: 200, run_percent: 5, days_30: 1000, product_percent: 10, department_percent: 20}}\nreclaim:\n"
	for n := range e.rules {
		rules += fmt.Sprintf("  - {product: \"*\", idle_after: 30d, action: review, when: '%s'}\n", []string{
			`person.department == "Nowhere" && product.tier == 5`, `usage.idle_days > 5000 && person.kind == "employee"`,
			`person.status == "future" || product.vendor == "Nobody"`, `seat.inherited && person.department.startsWith("X")`,
			`account.source == "elsewhere" && usage.idle_days > 10`}[n%5])
	}
	rules += "  - {product: \"*\", idle_after: 60d, never_used_after: 30d, action: revoke}\n"
	policy, err := reconcile.ParsePolicy("policy.yaml", []byte(rules), catalogue)
	return catalogue, policy, err
}

// decide makes the facts, decides once, and prints what came of it and what it took.
func (e engine) decide(w io.Writer) error {
	s, err := e.snapshot()
	if err != nil {
		return err
	}
	catalogue, policy, err := e.definitions()
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what making the facts left behind is not theirs
	r := engineResult{FactsMB: resident(), Verdicts: map[string]int{}}
	if e.profile != "" {
		f, err := os.Create(e.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	begin, cpu := time.Now(), processor()
	plan, err := reconcile.Decide(s, catalogue, policy, reconcile.Options{Identity: reconcile.Identity{Authoritative: reconcile.Names{"hr"}}})
	if err != nil {
		return err
	}
	r.Seconds, r.CPU, r.Rows = time.Since(begin).Seconds(), processor()-cpu, len(plan.Rows)
	for _, v := range reconcile.Verdicts() {
		if n := plan.Totals.Verdicts[v]; n > 0 {
			r.Verdicts[v.String()] = n
		}
	}
	for _, p := range plan.Positions {
		r.Positions = append(r.Positions, []any{catalogue.Products[p.Product].ID, *p.Purchased, *p.Assigned, *p.Active, *p.Idle, *p.Spare})
	}
	fmt.Fprintf(os.Stderr, "%d rows, %d actions, decisions %s\n", len(plan.Rows), len(plan.Actions), plan.Decisions)
	err = json.NewEncoder(w).Encode(r)
	runtime.KeepAlive(s)
	return err
}

// tables writes the same facts as CSV, for the peer to load.
func (e engine) tables(ctx context.Context) error {
	mark, label := filepath.Join(e.dir, "size"), fmt.Sprintf("engine %d %d %g 1\n", e.users, e.products, e.density)
	if b, err := os.ReadFile(mark); err == nil && string(b) == label {
		return nil
	}
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for name, write := range map[string]func(context.Context, *bufio.Writer) error{"people.csv": e.writePeople, "seats.csv": e.writeSeats, "uses.csv": e.writeUses,
		"purchases.csv": e.writePurchases} {
		group.Go(func() error { return writeTo(ctx, filepath.Join(e.dir, name), write) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return os.WriteFile(mark, []byte(label), 0o644)
}

func (e engine) writePeople(_ context.Context, w *bufio.Writer) error {
	return scatter(e.users, func(user int) error {
		_, status := e.status(user)
		_, err := fmt.Fprintf(w, "%s,%s,%s\n", oktaID(user), login(user), status)
		return err
	})
}

func (e engine) writeSeats(_ context.Context, w *bufio.Writer) error {
	var line []byte
	for product := range e.products {
		err := scatter(e.users, func(user int) error {
			account, assigned, twice, held := e.seat(line[:0], user, product)
			line = account
			if !held {
				return nil
			}
			line = fmt.Appendf(line, ",p%02d,%s,direct\n", product, assigned)
			if twice {
				line = append(slices.Grow(line, len(line)), line[:len(line)-len("direct\n")]...)
				line = append(line, "group:everybody\n"...)
			}
			_, err := w.Write(line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e engine) writeUses(_ context.Context, w *bufio.Writer) error {
	var line []byte
	return scatter(e.users*e.products, func(pair int) error {
		user, product := pair/e.products, pair%e.products
		last, used := e.use(user, product)
		if !used {
			return nil
		}
		line = fmt.Appendf(line[:0], "%s,App %02d,%s\n", login(user), product, last)
		_, err := w.Write(line)
		return err
	})
}

func (e engine) writePurchases(_ context.Context, w *bufio.Writer) error {
	for product := range e.products {
		fmt.Fprintf(w, "p%02d,%d\n", product, e.purchased(product))
	}
	return nil
}
