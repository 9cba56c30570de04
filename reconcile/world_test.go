package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/facts"
)

// world is an organisation with its rules, drawn at random: small, and full of what goes wrong.
type world struct {
	lines    []string
	policy   string
	zone     string
	identity Identity
	closed   bool
}

const worldProducts = `products:
  - {id: figma, family: design, tier: 2, seats_from: {figma: [pro]}, activity: {okta: [Figma]}}
  - {id: figma-view, family: design, tier: 1, seats_from: {figma: [view]}, activity: {okta: [Figma]}}
  - {id: figma-org, family: design, tier: 3, covers: [fonts, pbi], seats_from: {figma: [org]}, activity: {okta: [Figma]}, needs: {okta: [Admin]}}
  - {id: fonts, seats_from: {figma: [fonts]}, activity: {okta: [Fonts]}}
  - {id: e3, family: m365, tier: 2, seats_from: {entra: [E3]}, activity: {okta: [Office]}}
  - {id: e5, family: m365, tier: 3, covers: [pbi], seats_from: {entra: [E5]}, activity: {okta: [Office]}, needs: {okta: [Defender]}}
  - {id: e7, family: m365, tier: 4, seats_from: {entra: [E7]}, activity: {okta: [Office]}, needs: {okta: [Copilot]}}
  - {id: pbi, seats_from: {entra: [PBI]}, activity: {okta: [PowerBI]}}
  - {id: silent, seats_from: {figma: [silent]}}
  - {id: lost, seats_from: {figma: [lost]}, activity: {elsewhere: [Lost]}}
  - {id: tablet, metric: device, seats_from: {figma: [tablet]}, activity: {okta: [Tablet]}}
  - {id: pool, metric: concurrent, seats_from: {figma: [pool]}}
  - {id: desk, metric: active-user, seats_from: {figma: [desk]}, activity: {ad: {}}}
  - {id: mail, seats_from: {entra: [MAIL]}, activation_window: 10d, activity: {okta: {applications: [mail], events: [interactive]}, ad: {}}}
`

// worlds draws.
func worlds() *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world {
		if rapid.IntRange(0, 3).Draw(t, "healthy") == 0 {
			return healthy(draw{t})
		}
		d := draw{t}
		w := world{zone: d.one("zone", "UTC", "UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"), closed: d.one("closed", "", "", "yes") != ""}
		people := rapid.IntRange(1, 5).Draw(t, "people")
		for n := range people {
			w.lines = append(w.lines, d.person(n, people)...)
		}
		for range rapid.IntRange(1, 10).Draw(t, "seats") {
			w.lines = append(w.lines, d.seat(people)...)
		}
		for range rapid.IntRange(0, 12).Draw(t, "uses") {
			w.lines = append(w.lines, d.use(people))
		}
		w.lines = append(w.lines, d.feeds()...)
		w.policy = d.policy()
		w.identity = d.identity()
		return w
	})
}

// healthy draws a world in which nothing is wrong with people and feeds, so that everything hangs on seats and use.
func healthy(d draw) world {
	w := world{zone: "Europe/Berlin", identity: Identity{Authoritative: Names{"hr"}}}
	for n := range 3 {
		w.lines = append(w.lines, fmt.Sprintf("person E%d email=p%d@x.com aliases=q%d@x.com department=A", n, n, n)+d.one("hired", "", "", " hired=2026-10-20"))
	}
	for range d.number("seats", 1, 8) {
		item := d.one("item", "figma f%d pro", "figma f%d view", "figma f%d org", "figma f%d fonts", "entra e%d E3", "entra e%d E5", "entra e%d E7", "entra e%d PBI", "entra g%d E5", "entra e%d MAIL")
		n := d.number("who", 0, 2)
		login := fmt.Sprintf(" login=%s%d@x.com", d.one("name", "p", "p", "p", "q"), n)
		w.lines = append(w.lines, "seat "+fmt.Sprintf(item, n)+login+d.one("assigned", "", " assigned=2025-12-01", " assigned=2026-01-01", " assigned=2026-10-01", " assigned=2026-08-01"))
	}
	for range d.number("uses", 1, 10) {
		w.lines = append(w.lines, fmt.Sprintf("use okta %s%d@x.com %s %s", d.one("user", "p", "p", "q"), d.number("who", 0, 2),
			d.one("application", "Figma", "Admin", "Fonts", "Office", "Office", "Office", "Defender", "Copilot", "PowerBI", "Mail"),
			d.one("day", "2026-11-20", "2026-11-20", "2026-11-20", "2026-09-01", "2026-08-15", "2026-08-24", "2026-08-23", "2026-06-01")))
	}
	w.lines = append(w.lines, d.one("log", "", "", "log okta 2025-11-01 2026-11-22 stale=336h", "log okta 2026-08-24 2026-11-22", "log okta 2026-08-25 2026-11-22", "log okta 2025-11-01 2026-11-22 silent=2026-09-01"),
		d.one("ended", "", "", "contract e5 3 end=2026-06-30", "contract figma-org 3 end=2026-11-21"))
	w.policy = "version: 1\nmode: act\n" + d.one("reclaim", "reclaim:\n  - {product: \"*\", idle_after: 90d, never_used_after: 45d, notice: 14d, action: revoke}\n", "",
		"reclaim:\n  - {product: e5, idle_after: 90d, action: review}\n  - {product: \"*\", idle_after: 90d, action: revoke}\n",
		"reclaim:\n  - {product: e7, idle_after: 90d, action: downgrade, to: e3}\n  - {product: m365, idle_after: 60d, action: keep}\n") +
		d.one("approval", "", "approval: {unattended: [duplicate, over-tier, under-tier, idle]}\n")
	return w
}

// draw draws words.
type draw struct{ t *rapid.T }

func (d draw) one(label string, of ...string) string { return rapid.SampledFrom(of).Draw(d.t, label) }

func (d draw) number(label string, from, to int) int {
	return rapid.IntRange(from, to).Draw(d.t, label)
}

func (d draw) person(n, people int) []string {
	line := fmt.Sprintf("person E%d email=p%d@x.com", n, d.number("mail", 0, people))
	if d.one("own mail", "yes", "yes", "yes", "no") == "yes" {
		line = fmt.Sprintf("person E%d email=%s%d@%s.com", n, d.one("case", "p", "p", "P"), n, d.one("domain", "x", "x", "x", "old"))
	}
	line += d.one("kind", "", "", "", "", "", " kind=shared", " kind=service", " kind=break-glass", " kind=unknown", " kind=contractor")
	line += d.one("status", "", "", "", "", "", " status=leaver left=2026-10-01", " status=leaver left=2026-11-21", " status=leaver left=2026-11-20",
		" status=leaver left=2026-11-22", " status=leaver left=2026-12-24", " status=leaver", " left=2026-10-01", " left=2026-11-21",
		" left=2026-03-31 hired=2026-10-20", " status=leaver left=2026-03-31 hired=2026-10-20", " status=suspended", " status=suspended left=2026-10-01",
		" status=on-leave", " status=on-leave left=2026-10-01", " status=future hired=2026-12-01", " status=future", " hired=2026-12-01", " hired=2026-11-01", " hired=",
		" status=unknown", " status=unknown left=2026-10-01", " status=unknown deleted=yes left=2026-10-01", " status=unknown deleted=yes left=2026-12-24", " deleted=yes", " deleted=yes left=2026-11-21",
		" left=2026-10-01 hired=2026-12-01")
	if !strings.Contains(line, "status=leaver left=2026-03") {
		line += d.one("leave", "", "", "", "", " leave_from=2026-01-01 leave_to=2026-08-31", " leave_from=2026-11-01", " leave_from=2026-11-01 leave_to=2026-11-22",
			" leave_from=2026-01-01 leave_to=2026-11-21", " leave_to=2026-12-31", " leave_from=2026-12-01")
	}
	line += d.one("department", " department=A", " department=A", " department=B", "") + d.one("groups", "", " groups=Lab", " groups=Lab;Staff", " groups=Staff")
	line += d.one("alias", "", "", fmt.Sprintf(" aliases=q%d@x.com", n), fmt.Sprintf(" aliases=p%d@x.com", d.number("somebody", 0, people)))
	line += d.one("number", "", "", fmt.Sprintf(" employee_id=%d", d.number("employee", 0, people)))
	lines := []string{line}
	switch d.one("elsewhere", "", "", "", "", "contractor", "ad", "ad", "okta", "vendor", "again") {
	case "contractor":
		lines = append(lines, fmt.Sprintf("person c%d source=contractors email=p%d@x.com kind=contractor", n, n)+
			d.one("status there", " status=active hired=2026-10-20", " status=active hired=2026-03-01", " status=leaver left=2026-10-10", " status=active hired="))
	case "ad":
		lines = append(lines, fmt.Sprintf("person a%d source=ad email=p%d@x.com hired= status=unknown", n, n)+
			d.one("last", "", " last=2026-11-20", " last=2026-08-20", " last=2026-03-01", " last=2026-11-20"))
	case "okta":
		lines = append(lines, fmt.Sprintf("person o%d source=okta email=p%d@x.com hired= status=unknown", n, d.number("known as", 0, people))+
			d.one("employee there", "", fmt.Sprintf(" employee_id=%d", n), fmt.Sprintf(" employee_id=E%d", n)))
	case "vendor":
		lines = append(lines, fmt.Sprintf("person f%d source=figma email=p%d@x.com hired= status=unknown", n, n)+
			d.one("kind there", "", " kind=service", " kind=employee", fmt.Sprintf(" employee_id=%d", n), fmt.Sprintf(" aliases=q%d@x.com", n)))
	case "again":
		lines = append(lines, line+d.one("second row", "", " status=leaver left=2026-10-01", " hired=2026-11-01"))
	}
	return lines
}

func (d draw) who(people int) (account, login string) {
	n := d.number("who", 0, people)
	account = fmt.Sprintf("%s%d", d.one("account", "f", "f", "f", "g"), n)
	return account, fmt.Sprintf("%s%d@%s.com", d.one("name", "p", "p", "p", "p", "P", "q"), n, d.one("domain", "x", "x", "x", "x", "old"))
}

func (d draw) seat(people int) []string {
	account, login := d.who(people)
	item := d.one("item", "figma pro", "figma pro", "figma pro", "figma view", "figma org", "figma fonts", "figma silent", "figma lost", "figma tablet", "figma pool",
		"figma desk", "figma desk", "entra E3", "entra E3", "entra E5", "entra E5", "entra E7", "entra PBI", "entra MAIL")
	source, sku, _ := strings.Cut(item, " ")
	if source == "entra" {
		account = "e" + account
	}
	line := fmt.Sprintf("seat %s %s %s", source, account, sku)
	if d.one("has login", "yes", "yes", "yes", "no") == "yes" {
		line += " login=" + login
	} else {
		line = fmt.Sprintf("seat %s %s %s", source, login, sku)
	}
	line += d.one("assigned", "", " assigned=2025-12-01", " assigned=2025-12-01", " assigned=2025-12-01", " assigned=2026-11-01", " assigned=2026-06-15", " assigned=2026-10-08",
		" assigned=2026-10-07")
	lines := []string{line + d.one("path", "", "", "", " path=direct", " path=group:G")}
	if d.one("second path", "", "", "", "yes") != "" {
		lines = append(lines, line+" path=group:H"+d.one("assigned too", "", " assigned=2026-08-01", " assigned=2025-01-01"))
	}
	return lines
}

func (d draw) use(people int) string {
	_, login := d.who(people)
	line := fmt.Sprintf("use okta %s %s %s", login, d.one("application", "Figma", "figma", "Figma", "Office", "Office", "Defender", "Copilot", "PowerBI", "Tablet", "Else", "Fonts", "Admin", "Mail", "Mail"),
		d.one("day", "2026-11-20", "2026-11-20", "2026-11-21", "2026-09-01", "2026-08-24", "2026-08-23", "2026-08-10", "2026-03-01", "2025-12-24", "2026-11-22"))
	return line + d.one("mode", "", "", " interactive", " non-interactive") + d.one("outcome", "", "", "", "", " outcome=failure")
}

func (d draw) feeds() []string {
	var lines []string
	for _, product := range []string{"figma", "figma-view", "e3", "e5", "pbi", "fonts"} {
		for range d.number("contracts", 0, 2) {
			line := "contract " + product + d.one("quantity", " 3", " 1", " 0") + d.one("price", "", " price=10.00", " price=7.77 currency=USD")
			line += d.one("term", "", "", "", " end=2026-06-30", " end=2026-11-21", " end=2026-11-22", " end=2026-06-30 auto_renew=yes", " start=2026-12-01", " start=2025-01-01 end=2025-12-31 auto_renew=yes", " start= end=")
			lines = append(lines, line+d.one("contract", "", "", " contract=C2", " pool=North", " order=O1"))
		}
	}
	lines = append(lines, d.one("log", "", "", "", "log okta 2026-10-01 2026-11-22", "log okta 2025-11-01 2026-11-22 silent=2026-10-13", "log okta 2025-11-01 2026-11-22 silent=2026-05-12",
		"log okta 2025-11-01 2026-11-20", "log okta 2025-11-01 2026-11-19", "log okta 2025-11-01 2026-11-22 stale=336h", "log okta 2025-11-01 2026-11-21 lag=2h",
		"log okta 2025-11-01 2026-11-22 events=9 silent=2026-10-13", "log okta 2025-11-01 2026-11-22 silent=2026-02-01..2026-08-01", "log okta 2026-08-24 2026-11-22", "log okta 2026-08-25 2026-11-22",
		"log okta 2026-11-20 2026-11-22 events=3"))
	lines = append(lines, d.one("feed", "", "", "", "", "", "feed okta sign-ins untold", "feed okta sign-ins incomplete", "feed okta sign-ins rejected=2000",
		"feed okta sign-ins declared=2025-11-01..2026-11-22", "feed okta people incomplete", "feed okta people rows=0"))
	lines = append(lines, d.one("directory", "", "", "", "", "", "", "feed hr people incomplete", "feed hr people later", "feed hr people rejected=1"))
	lines = append(lines, d.one("seats", "", "", "", "", "", "feed figma seats incomplete", "feed entra seats incomplete", "feed figma seats later"))
	lines = append(lines, d.one("active directory", "", "", "feed ad people stale=336h", "feed ad people incomplete"))
	lines = append(lines, d.one("memory", "", "", "prior linked figma f1 E9", "prior linked entra ef1 E9", "prior linked figma f1 E1"))
	return lines
}

func (d draw) policy() string {
	text := "version: 1\nmode: act\nreclaim:\n" +
		d.one("reclaim of one", "", "", "  - {product: figma, idle_after: 60d, action: keep, when: 'person.department == \"A\"'}\n", "  - {product: design, idle_after: 120d, action: review}\n",
			"  - {product: e5, idle_after: 90d, action: downgrade, to: e3, when: 'person.id == \"E1\"'}\n", "  - {product: figma, idle_after: 30d, action: revoke, when: 'person.groups[0] == \"Lab\"'}\n",
			"  - {product: figma, idle_after: 90d, action: downgrade, to: figma-view}\n", "  - {product: figma-org, idle_after: 90d, action: downgrade, to: figma}\n") +
		d.one("reclaim", "  - {product: \"*\", idle_after: 90d, never_used_after: 45d, notice: 14d, action: revoke}\n", "  - {product: \"*\", idle_after: 90d, never_used_after: 45d, action: revoke}\n",
			"  - {product: \"*\", idle_after: 10d, action: revoke}\n", "  - {product: pbi, idle_after: 90d, action: revoke}\n", "  - {product: \"*\", idle_after: 90d, action: review}\n")
	text += d.one("leaver", "leaver: {grace: 24h, action: revoke}\n", "leaver: {grace: 72h, action: revoke}\n", "leaver: {grace: 36h, action: review}\n", "")
	text += d.one("expired", "", "", "expired: {action: revoke}\n")
	text += d.one("future", "", "", "future: 14d\n", "future: 8d\n")
	text += d.one("approval", "approval: {unattended: [leaver, duplicate], roles: {idle: manager, not-entitled: app-owner}}\n", "approval: {unattended: [never-used, missing, idle]}\n", "")
	var eligibility, exempt string
	for _, rule := range []string{`{product: figma, when: 'person.department == "A"'}`, `{product: figma, when: 'person.groups[0] == "Lab"'}`, `{product: design, when: 'true'}`,
		`{product: e5, when: 'person.department == "B"'}`, `{product: m365, when: 'person.id == "E1"'}`, `{product: desk, when: person.known}`, `{product: tablet, when: 'person.department == "B"'}`, `{product: "*", when: 'person.department == "A"'}`} {
		if d.one("eligible", "", "", "", "", "yes") != "" {
			eligibility += "  - " + rule + "\n"
		}
	}
	for n, rule := range []string{`when: 'person.id == "E1"', until: 2026-12-31`, `when: 'person.department == "A"', until: 2026-11-22, from: [leaver, idle, never-used], legal_hold: true`,
		`product: design, until: 2026-11-21`, `product: figma, when: 'person.groups[0] == "Lab"', until: 2027-01-01`, `product: m365, until: 2026-12-01, from: [orphan, disputed, expired]`,
		`when: 'person.known', until: 2026-12-01, from: [under-tier, over-tier]`} {
		if d.one("exempt", "", "", "", "", "", "yes") != "" {
			exempt += fmt.Sprintf("  - {name: x%d, reason: r, author: a, %s}\n", n, rule)
		}
	}
	if eligibility != "" {
		text += "eligibility:\n" + eligibility
	}
	if exempt != "" {
		text += "exempt:\n" + exempt
	}
	return text
}

func (d draw) identity() Identity {
	i := Identity{Authoritative: Names{"hr"}}
	if d.one("sources", "", "", "two") != "" {
		i.Authoritative = Names{"hr", "contractors"}
	}
	if d.one("domains", "", "equal") != "" {
		i.Domains = map[string]string{"old.com": "x.com"}
	}
	switch d.one("mapping", "", "", "", "person", "nobody") {
	case "person":
		i.Mapping = []Mapping{{Source: "figma", Account: "F1", Person: "e0"}}
	case "nobody":
		i.Mapping = []Mapping{{Account: "P1@x.com", Person: "E99"}}
	}
	if d.one("keys", "", "", "other") != "" {
		i.Match = []MatchKey{MatchEmail, MatchAlias, MatchEmployeeID}
	}
	return i
}

// organisation builds the world.
func (w world) organisation(t testing.TB) *organisation {
	t.Helper()
	zone, err := time.LoadLocation(w.zone)
	if err != nil {
		t.Fatal(err)
	}
	o := newOrganisation(t, "")
	o.calendar = facts.NewCalendar(zone)
	o.asOf = o.day("2026-11-22").at(o, 6)
	o.products, o.policy, o.identity = worldProducts, w.policy, w.identity
	if w.closed {
		o.closures = []Closure{{From: o.dayOf("2026-10-12"), To: o.dayOf("2026-10-14")}}
	}
	o.add(strings.Join(w.lines, "\n"))
	return o.keeper()
}

func (w world) String() string {
	return fmt.Sprintf("%s\n%s\nin %s, %+v, closed %t", strings.Join(w.lines, "\n"), w.policy, w.zone, w.identity, w.closed)
}
