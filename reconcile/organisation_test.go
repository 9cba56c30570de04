package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"trueup/facts"
)

// organisation is a small world, written as text, one fact a line:
//
//	person ID [key=value...]                    in hr, unless source=NAME; active, employee, hired 2020-01-01
//	seat SOURCE ACCOUNT ITEM [key=value...]     assigned=DAY, path=group:NAME, login=NAME, cost_centre=NAME
//	use SOURCE ACCOUNT APPLICATION DAY [mode]   a successful sign-in at noon
//	log SOURCE FROM TO [key=value...]           a hundred events a day from FROM to TO; silent=DAY, lag=36h, stale=336h
//	feed SOURCE FEED [key=value...]             what is known of a feed: incomplete, rejected=N, later, declared=FROM..TO
//	contract PRODUCT QUANTITY [key=value...]    price=12.00 per=month currency=EUR billing=prepaid start= end= …
//	counter SOURCE ITEM PURCHASED CONSUMED
//	concurrent SOURCE ITEM FROM TO [key=value...]   each day: peak= limit= reserved= denied= unseen=
//	reader SOURCE                               the source is not written to
//	prior rows SOURCE FEED N | case ID STATE OPENED DUE | loss HOLDER DAY | linked SOURCE ACCOUNT PERSON
//
// It is the night of 2026-11-22 in UTC. Unless told otherwise there is a keeper K0 with a figma seat in use, so that no
// feed is empty, and the log of okta reaches from 2025-11-01 to the as-of.
type organisation struct {
	t        testing.TB
	asOf     facts.Instant
	calendar *facts.Calendar
	feeds    map[string]*facts.Observation // by source and feed
	logs     map[string]bool
	readers  map[string]bool
	prior    facts.Prior
	identity Identity
	closures []Closure
	raised   []Raise
	products string
	policy   string
	later    map[string]bool
	signIns  map[string][]facts.SignIn
}

const orgProducts = `products:
  - {id: figma, family: design, tier: 2, seats_from: {figma: [pro]}, activity: {okta: [Figma]}}
  - {id: figma-view, family: design, tier: 1, seats_from: {figma: [view]}, activity: {okta: [Figma]}}
  - {id: e3, family: m365, tier: 2, seats_from: {entra: [E3]}, activity: {okta: [Office]}}
  - {id: e5, family: m365, tier: 3, covers: [pbi], seats_from: {entra: [E5]}, activity: {okta: [Office]}, needs: {okta: [Defender]}}
  - {id: pbi, seats_from: {entra: [PBI]}, activity: {okta: [PowerBI]}}
  - {id: silent, seats_from: {figma: [silent]}}
  - {id: tablet, metric: device, seats_from: {figma: [tablet]}, activity: {okta: [Tablet]}}
  - {id: pool, metric: concurrent, seats_from: {figma: [pool]}}
`

const orgPolicy = `version: 1
mode: act
reclaim:
  - {product: "*", idle_after: 90d, never_used_after: 45d, notice: 14d, action: revoke}
leaver: {grace: 24h, action: revoke}
approval: {unattended: [leaver, duplicate], roles: {idle: manager, not-entitled: app-owner}}
`

const orgKeeper = `person K0 email=k0@x.com
seat figma k0 pro login=k0@x.com assigned=2024-01-01
seat entra k0 OTHER login=k0@x.com assigned=2024-01-01
use okta k0@x.com Figma 2026-11-20
`

func newOrganisation(t testing.TB, text string) *organisation {
	o := &organisation{t: t, calendar: facts.NewCalendar(time.UTC), feeds: map[string]*facts.Observation{},
		logs: map[string]bool{}, readers: map[string]bool{}, later: map[string]bool{}, signIns: map[string][]facts.SignIn{},
		identity: Identity{Authoritative: Names{"hr"}}, products: orgProducts, policy: orgPolicy}
	o.asOf = o.day("2026-11-22").at(o, 6)
	o.add(text)
	return o
}

type testDay facts.Day

func (o *organisation) day(s string) testDay {
	o.t.Helper()
	d, err := facts.ParseDay(s)
	if err != nil {
		o.t.Fatal(err)
	}
	return testDay(d)
}

func (d testDay) at(o *organisation, hour int) facts.Instant {
	return o.calendar.Start(facts.Day(d)).Add(time.Duration(hour) * time.Hour)
}

// add reads further lines.
func (o *organisation) add(text string) {
	o.t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			o.line(line)
		}
	}
}

// fields splits a line; values may be quoted to hold blanks.
func fields(line string) (plain []string, named map[string]string) {
	named = map[string]string{}
	for _, word := range splitQuoted(line) {
		if key, value, ok := strings.Cut(word, "="); ok && !strings.Contains(key, "@") {
			named[key] = value
			continue
		}
		plain = append(plain, word)
	}
	return plain, named
}

func splitQuoted(line string) []string {
	var words []string
	word, quoted := "", false
	for _, r := range line + " " {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word != "" {
				words = append(words, word)
			}
			word = ""
		default:
			word += string(r)
		}
	}
	return words
}

func (o *organisation) line(line string) {
	o.t.Helper()
	word, named := fields(line)
	switch word[0] {
	case "person":
		o.person(word[1], named)
	case "seat":
		o.seat(word[1:], named)
	case "use":
		mode := facts.ModeUnknown
		if len(word) > 5 && word[5] == "interactive" {
			mode = facts.Interactive
		}
		if len(word) > 5 && word[5] == "non-interactive" {
			mode = facts.NonInteractive
		}
		o.signIns[word[1]] = append(o.signIns[word[1]], facts.SignIn{Account: []byte(word[2]), Application: []byte(word[3]),
			At: o.day(word[4]).at(o, 12), Success: named["outcome"] != "failure", Mode: mode, Login: []byte(named["login"])})
	case "log":
		o.log(word[1:], named, line)
	case "feed":
		o.feed(word[1:], named)
	case "contract":
		o.contract(word[1:], named)
	case "counter":
		f := o.observation(word[1], facts.FeedCounters)
		f.AddCounter(facts.Counter{Product: word[2], Purchased: o.number(word[3]), Consumed: o.number(word[4])})
		f.Rows++
	case "concurrent":
		f := o.observation(word[1], facts.FeedCounters)
		for day := o.dayOf(word[3]); day <= o.dayOf(word[4]); day++ {
			f.AddConcurrentDay(o.concurrentDay(word[2], day, named))
		}
		f.Rows++
	case "reader":
		o.readers[word[1]] = true
	case "prior":
		o.remember(word[1:])
	default:
		o.t.Fatalf("no such fact: %s", line)
	}
}

func (o *organisation) concurrentDay(item string, day facts.Day, named map[string]string) facts.ConcurrentDay {
	d := facts.ConcurrentDay{Product: item, Day: day, Limit: facts.NotTold, Reserved: facts.NotTold, Denied: facts.NotTold}
	for key, value := range named {
		*map[string]*int64{"peak": &d.Peak, "limit": &d.Limit, "reserved": &d.Reserved, "denied": &d.Denied, "unseen": &d.Unseen}[key] = o.number(value)
	}
	return d
}

func (o *organisation) number(s string) int64 {
	o.t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

func (o *organisation) observation(source string, feed facts.Feed) *facts.Observation {
	key := source + "/" + feed.String()
	if o.feeds[key] == nil {
		o.feeds[key] = facts.NewObservation(source, feed, o.asOf)
	}
	return o.feeds[key]
}

func (o *organisation) dayOf(s string) facts.Day {
	if s == "" {
		return facts.NoDay
	}
	return facts.Day(o.day(s))
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}

func (o *organisation) person(id string, v map[string]string) {
	o.t.Helper()
	source, status, kind, hired := "hr", "active", "employee", "2020-01-01"
	for key, into := range map[string]*string{"source": &source, "status": &status, "kind": &kind, "hired": &hired} {
		if given, ok := v[key]; ok {
			*into = given
		}
	}
	if _, given := v["kind"]; !given && source != "hr" {
		kind = "unknown"
	}
	p := facts.Person{ID: id, Email: v["email"], Aliases: split(v["aliases"]), EmployeeID: v["employee_id"], Name: v["name"],
		Department: v["department"], CostCentre: v["cost_centre"], Groups: split(v["groups"]), Hired: o.dayOf(hired),
		Left: o.dayOf(v["left"]), LeaveFrom: o.dayOf(v["leave_from"]), LeaveTo: o.dayOf(v["leave_to"]),
		LastSignIn: facts.NoInstant, Deleted: v["deleted"] != ""}
	p.Status, _ = facts.ParseStatus(status)
	p.Kind, _ = facts.ParseKind(kind)
	if v["last"] != "" {
		p.LastSignIn = o.day(v["last"]).at(o, 12)
	}
	f := o.observation(source, facts.FeedPeople)
	f.AddPerson(&p)
	f.Rows++
}

func (o *organisation) seat(word []string, v map[string]string) {
	assigned := facts.NoInstant
	if v["assigned"] != "" {
		assigned = o.day(v["assigned"]).at(o, 9)
	}
	f := o.observation(word[0], facts.FeedSeats)
	f.AddSeat(facts.Seat{Account: []byte(word[1]), Login: []byte(v["login"]), Product: []byte(word[2]), Path: []byte(v["path"]),
		CostCentre: []byte(v["cost_centre"]), Assigned: assigned})
	f.Rows++
}

func (o *organisation) log(word []string, v map[string]string, line string) {
	o.logs[word[0]] = true
	f := o.observation(word[0], facts.FeedSignIns)
	f.Daily = facts.NewDaily()
	silent := map[facts.Day]bool{}
	for _, part := range splitQuoted(line) {
		if days, ok := strings.CutPrefix(part, "silent="); ok {
			from, to, ranged := strings.Cut(days, "..")
			if !ranged {
				to = from
			}
			for d := o.dayOf(from); d <= o.dayOf(to); d++ {
				silent[d] = true
			}
		}
	}
	daily := uint32(100)
	if v["events"] != "" {
		daily = uint32(o.number(v["events"]))
	}
	from, to := o.dayOf(word[1]), o.dayOf(word[2])
	for d := from; d <= to; d++ {
		if !silent[d] {
			f.Daily.Add(d, daily)
			f.Rows += int64(daily)
		}
	}
	if from <= to {
		f.Daily.First, f.Daily.Last = o.calendar.Start(from), min(o.calendar.End(to), o.asOf)
	}
	f.Lag, f.Stale = o.duration(v["lag"]), o.duration(v["stale"])
}

func (o *organisation) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if s != "" && err != nil {
		o.t.Fatal(err)
	}
	return d
}

func (o *organisation) feed(word []string, v map[string]string) {
	var feed facts.Feed
	if err := feed.UnmarshalText([]byte(word[1])); err != nil {
		o.t.Fatal(err)
	}
	f := o.observation(word[0], feed)
	f.Stale, f.Lag = o.duration(v["stale"]), o.duration(v["lag"])
	if v["rejected"] != "" {
		f.Rejected = o.number(v["rejected"])
		f.Rows += f.Rejected
	}
	if from, to, ok := strings.Cut(v["declared"], ".."); ok {
		f.From, f.To = o.calendar.Start(o.dayOf(from)), o.calendar.End(o.dayOf(to))
	}
	if v["rows"] != "" {
		f.Rows = o.number(v["rows"])
	}
	for _, word := range word[2:] {
		switch word {
		case "incomplete":
			f.Complete = false
		case "later":
			f.Observed = o.asOf.Add(48 * time.Hour)
		case "untold":
			f.Outcomes = false
		default:
			o.t.Fatalf("no such word: %s", word)
		}
	}
}

func (o *organisation) contract(word []string, v map[string]string) {
	p := facts.Purchase{Product: word[0], Quantity: o.number(word[1]), Contract: "C1", Per: facts.PerMonth, Currency: "EUR",
		Billing: facts.Prepaid, Start: o.dayOf("2026-01-01"), End: o.dayOf("2026-12-31"), Notice: o.dayOf(v["notice"]),
		Pool: v["pool"], CostCentre: v["cost_centre"], Order: v["order"], AutoRenew: v["auto_renew"] != "", TrueDown: v["true_down"] != ""}
	if v["price"] != "" {
		p.Price, p.Priced = decimal.MustParse(v["price"]), true
	}
	for key, into := range map[string]*string{"currency": &p.Currency, "contract": &p.Contract} {
		if v[key] != "" {
			*into = v[key]
		}
	}
	if v["per"] != "" {
		p.Per, _ = facts.ParsePeriod(v["per"])
	}
	if v["billing"] != "" {
		name, days, _ := strings.Cut(v["billing"], ":")
		p.Billing, _ = facts.ParseBilling(name)
		p.ActiveDays, _ = strconv.Atoi(days)
	}
	if start, ok := v["start"]; ok {
		p.Start = o.dayOf(start)
	}
	if end, ok := v["end"]; ok {
		p.End = o.dayOf(end)
	}
	if v["floor"] != "" {
		p.CommitFloor = o.number(v["floor"])
	}
	if v["renew"] != "" {
		p.RenewMonths = int(o.number(v["renew"]))
	}
	source := "contracts"
	if v["source"] != "" {
		source = v["source"]
	}
	f := o.observation(source, facts.FeedPurchases)
	f.AddPurchase(p)
	f.Rows++
}

func (o *organisation) remember(word []string) {
	switch word[0] {
	case "rows":
		var feed facts.Feed
		if err := feed.UnmarshalText([]byte(word[2])); err != nil {
			o.t.Fatal(err)
		}
		o.prior.Inputs = append(o.prior.Inputs, facts.PriorInput{Source: word[1], Feed: feed, Rows: o.number(word[3])})
	case "loss":
		o.prior.Losses = append(o.prior.Losses, facts.Loss{Holder: word[1], At: o.day(word[2]).at(o, 2)})
	case "linked":
		o.prior.Linked = append(o.prior.Linked, facts.Link{Source: word[1], Account: word[2], Person: word[3]})
	default:
		o.t.Fatalf("no such memory: %v", word)
	}
}

// freeze makes the snapshot.
func (o *organisation) freeze() *facts.Snapshot {
	o.t.Helper()
	for source, events := range o.signIns {
		f := o.observation(source, facts.FeedSignIns)
		daily := f.Daily
		lane := facts.NewLane(o.calendar, o.asOf)
		for _, e := range events {
			if !lane.Add(e) {
				o.t.Fatalf("sign-in of %s is not believed", e.Account)
			}
		}
		f.Join(lane)
		if o.logs[source] {
			f.Daily = daily
		}
		if f.Rows == 0 {
			f.Rows = int64(len(events))
		}
	}
	frame := facts.Frame{Organisation: "Example", Calendar: o.calendar, AsOf: o.asOf, Prior: o.prior}
	var observations []*facts.Observation
	names := map[string]bool{"hr": true, "okta": true, "figma": true, "entra": true, "contracts": true}
	for _, key := range slices.Sorted(maps.Keys(o.feeds)) {
		f := o.feeds[key]
		names[f.Source] = true
		f.Files = []facts.File{{Name: key, SHA256: facts.Digest{byte(len(key))}, Rows: f.Rows}}
		observations = append(observations, f)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		frame.Sources = append(frame.Sources, facts.Source{Name: name, Kind: "csv", Writes: !o.readers[name]})
	}
	s, err := facts.Freeze(frame, observations)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

// parsed are the rules that some test has read already: reading them takes longer than a decision.
var parsed sync.Map // of texts to ruleBook

type ruleBook struct {
	catalogue *Catalogue
	policy    *Policy
}

// rules parses products and policy.
func (o *organisation) rules() (*Catalogue, *Policy) {
	o.t.Helper()
	texts := [2]string{o.products, o.policy}
	if known, ok := parsed.Load(texts); ok {
		return known.(ruleBook).catalogue, known.(ruleBook).policy
	}
	c, err := ParseCatalogue("products.yaml", []byte(o.products))
	if err != nil {
		o.t.Fatal(err)
	}
	p, err := ParsePolicy("policy.yaml", []byte(o.policy), c)
	if err != nil {
		o.t.Fatal(err)
	}
	parsed.Store(texts, ruleBook{c, p})
	return c, p
}

func (o *organisation) decide() *Plan {
	o.t.Helper()
	c, p := o.rules()
	plan, err := Decide(o.freeze(), c, p, Options{Identity: o.identity, Closures: o.closures, Raised: o.raised, Build: "test"})
	if err != nil {
		o.t.Fatal(err)
	}
	return plan
}

// keeper adds the keeper and the log of okta, unless the organisation has one of its own.
func (o *organisation) keeper() *organisation {
	o.add(orgKeeper)
	if !o.logs["okta"] {
		o.add("log okta 2025-11-01 2026-11-22")
	}
	return o
}

// verdicts writes the rows, but those of the keeper: holder, product, verdict, reasons.
func verdicts(p *Plan) string {
	return rowLines(p, func(n int) string {
		return fmt.Sprintf("%s %s", p.Rows[n].Verdict, p.Rows[n].Reasons)
	})
}

func rowLines(p *Plan, say func(n int) string) string {
	var lines []string
	for n := range p.Rows {
		if p.Holder(n) != "K0" {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s: %s", p.Holder(n), p.ProductOf(n).ID, say(n))))
		}
	}
	return strings.Join(lines, "\n")
}

// actions writes what the rows call for: kind, target, state, what it waits for.
func actions(p *Plan) string {
	return rowLines(p, func(n int) string {
		row := &p.Rows[n]
		text := row.Verdict.String() + ", " + row.Kind.String()
		if row.To != NoProductID {
			text += " to " + p.Catalogue.Products[row.To].ID
		}
		if row.Action < 0 {
			return text
		}
		x := &p.Actions[row.Action]
		text += " " + x.State.String()
		if x.Due.Known() {
			text += " until " + x.Due.String()
		}
		for _, more := range []string{x.Role, x.By} {
			if more != "" {
				text += " (" + more + ")"
			}
		}
		return text
	})
}
