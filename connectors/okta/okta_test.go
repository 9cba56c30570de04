package okta

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

const samples = "../../fixtures/samples/okta/"

func section(dir, config string) connectors.Section {
	return connectors.Section{Name: "okta", Dir: dir, Calendar: facts.NewCalendar(time.UTC),
		Decode: func(into any) error { return yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()) }}
}

// asOf is after all sample events.
var asOf = facts.At(time.Date(2024, 9, 1, 0, 0, 0, 0, time.UTC))

// pull reads a feed of a source in dir that is configured so.
func pull(t *testing.T, dir string, feed facts.Feed, config string) *facts.Observation {
	t.Helper()
	source, err := Descriptor().Open(section(dir, config))
	if err != nil {
		t.Fatal(err)
	}
	o, err := source.Pull(t.Context(), connectors.Pull{Feed: feed, AsOf: asOf, Observed: asOf, Raw: &connectortest.Raw{}, Workers: 2,
		Calendar: facts.NewCalendar(time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func peopleOf(o *facts.Observation) (rows []string) {
	p, text := &o.People, o.Strings.Text
	for n := range p.Len() {
		row := fmt.Sprintf("%s %s %s %s/%s last=%s", text(p.ID[n]), text(p.Email[n]), text(p.Name[n]), p.Kind[n], p.Status[n], p.LastSignIn[n])
		for _, alias := range p.Aliases.At(n) {
			row += " alias=" + text(alias)
		}
		for _, f := range []struct {
			key string
			sym facts.Sym
		}{{"number", p.EmployeeID[n]}, {"dept", p.Department[n]}, {"cc", p.CostCentre[n]}, {"manager", p.Manager[n]}, {"role", p.Role[n]}} {
			if f.sym != 0 {
				row += " " + f.key + "=" + text(f.sym)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func signInsOf(o *facts.Observation) (rows []string) {
	s, text := &o.SignIns, o.Strings.Text
	for n := range s.Len() {
		rows = append(rows, fmt.Sprintf("%s %s %s %s %s %d", text(s.Account[n]), text(s.Login[n]), text(s.Application[n]), s.Mode[n], s.Last[n], s.Count[n]))
	}
	slices.Sort(rows)
	return rows
}

func TestSamplePeople(t *testing.T) {
	o := pull(t, samples, facts.FeedPeople, "files: {people: ListUsers*.json}")
	connectortest.Same(t, "people", peopleOf(o),
		"00u118oQYT4TBTemp0g4 alice.smith@example.com Alice Smith employee/active last=2022-05-04T19:50:52Z",
		"00u1xke1apZnmHgpB1d7 ben.richler@example.com Ben Richler employee/active last= dept=Engineering",
		"00u269cmneNMFHCH51d7 janice.benson@gmail.com Janice Benson employee/active last= dept=Engineering")
	connectortest.Same(t, "notes", o.Notes, "no deactivated users: Okta leaves them out unless it is asked for them")
	if o.Rows != 3 || o.Rejected != 0 || !o.Complete || len(o.Files) != 2 {
		t.Errorf("%d rows, %d rejected, complete %v, %d files", o.Rows, o.Rejected, o.Complete, len(o.Files))
	}
}

func TestPeople(t *testing.T) {
	dir := connectortest.Folder(t, "users.jsonl", `{"id":"1","status":"DEPROVISIONED","lastLogin":null,"profile":{"login":"a@x","email":"A@X","secondEmail":"a@y","employeeNumber":4711,"displayName":"Ana \"A\" Müller","department":"R&D","costCenter":"007","managerId":"2","manager":"Bo","title":"Chief","userType":"Contractor"}}
{"id":"2","status":"SUSPENDED","lastLogin":"2024-01-02T03:04:05.49Z","profile":{"login":"b@x","email":"b@y","secondEmail":"B@Y","manager":"Bo","userType":"wizard"}}
{"status":"ACTIVE"}
{"id":"2","status":"ACTIVE"}
{"id":"3","status":"FROZEN","profile":{"login":"=1+1"}}
{"id":"4","status":"LOCKED_OUT","profile":null}
{"id":"5","status":"PASSWORD_EXPIRED"}
{"id":"6","status":"RECOVERY"}
{"id":"7"
`)
	o := pull(t, dir, facts.FeedPeople, "feed: people\nfiles: users.jsonl")
	connectortest.Same(t, "people", peopleOf(o),
		`1 a@x Ana "A" Müller contractor/leaver last= alias=a@y number=4711 dept=R&D cc=007 manager=2 role=Chief`,
		"2 b@x  unknown/suspended last=2024-01-02T03:04:05.49Z alias=b@y manager=Bo",
		"3 =1+1  employee/unknown last=",
		"4   employee/active last=",
		"5   employee/active last=",
		"6   employee/active last=")
	connectortest.Same(t, "rejections", connectortest.Rejects(o), "users.jsonl:3: a user without an id", "users.jsonl:4: a user who has been read already",
		"users.jsonl:9: ends before its last bracket")
	connectortest.Same(t, "notes", o.Notes, `status "FROZEN" is not known, they are neither active nor leavers: 1 users`,
		`userType "wizard" is no kind of ours, their kind is unknown: 1 users`)
}

func TestSampleSystemLog(t *testing.T) {
	o := pull(t, samples, facts.FeedSignIns, "files: {sign-ins: [ListLogs.json, system_log.ndjson, get_logs_response.json]}")
	connectortest.Same(t, "sign-ins", signInsOf(o),
		"00ubewfku1EX0WCFk697 casey.hill@hey.com Okta unknown 2024-04-02T19:17:37.621Z 1",
		"00uttidj01jqL21aM1d6 john.doe@example.com Okta unknown 2024-08-13T15:58:20.353Z 1")
	connectortest.Same(t, "rejections", connectortest.Rejects(o),
		"system_log.ndjson:16: an event without a time in published",
		"system_log.ndjson:17: an event without a time in published",
		"system_log.ndjson:18: an event without a time in published")
	if o.Rows != 22 || !o.Complete || o.Lag != time.Hour {
		t.Errorf("%d rows, complete %v, lag %s", o.Rows, o.Complete, o.Lag)
	}
	if first, last := o.Daily.First.String(), o.Daily.Last.String(); first != "2020-11-25T21:27:03.496Z" || last != "2024-08-13T15:58:20.353Z" {
		t.Errorf("events from %s to %s", first, last)
	}
	if n := o.Daily.On(facts.Date(2022, 3, 22)); n != 3 {
		t.Errorf("%d events on 2022-03-22, want 3: events that do not count as use show that the log was written", n)
	}
}

// event is a System Log event with what a test varies.
func event(sort, result, actor, targets string) string {
	return fmt.Sprintf(`{"uuid":"x","published":"2024-08-01T10:00:00.5Z","eventType":%q,"outcome":{"result":%q},"actor":%s,"target":%s}`,
		sort, result, actor, targets)
}

func TestEvents(t *testing.T) {
	const user = `{"id":"u1","type":"User","alternateId":"a@x","displayName":"A"}`
	const figma = `[{"type":"User","displayName":"no"},{"displayName":"Figma","alternateId":"Figma prod","type":"AppInstance"}]`
	tests := []struct {
		name, line, want string // want "" means logged, not counted
	}{
		{"sign-in to Okta", event("user.session.start", "SUCCESS", user, "null"), "u1 a@x Okta"},
		{"sign-in to an application", event("user.authentication.sso", "SUCCESS", user, figma), "u1 a@x Figma"},
		{"application without a display name", event("user.authentication.sso", "SUCCESS", user, `[{"type":"AppInstance","alternateId":"Figma","displayName":null}]`), "u1 a@x Figma"},
		{"no application", event("user.authentication.sso", "SUCCESS", user, `[{"type":"AppUser","displayName":"Figma"}]`), ""},
		{"failure", event("user.authentication.sso", "FAILURE", user, figma), ""},
		{"challenge", event("user.authentication.sso", "CHALLENGE", user, figma), ""},
		{"policy evaluation", event("policy.evaluate_sign_on", "ALLOW", user, figma), ""},
		{"factor", event("user.authentication.auth_via_mfa", "SUCCESS", user, figma), ""},
		{"impersonation", event("user.session.impersonation.initiate", "SUCCESS", user, figma), ""},
		{"system", event("user.session.start", "SUCCESS", `{"id":"s","type":"SystemPrincipal","alternateId":"system@okta.com"}`, "null"), ""},
		{"public client", event("user.authentication.sso", "SUCCESS", `{"id":"c","type":"PublicClientApp"}`, figma), ""},
		{"a name that does not exist", event("user.session.start", "SUCCESS", `{"id":"unknown","type":"User","alternateId":"admin"}`, "null"), ""},
		{"no id", event("user.session.start", "SUCCESS", `{"type":"User","alternateId":"a@x"}`, "null"), "a@x a@x Okta"},
		{"nobody", event("user.session.start", "SUCCESS", `{"type":"User"}`, "null"), ""},
		{"escapes", event("user.session.start", "SUCCESS", `{"id":"u\u0031","type":"\u0055ser","alternateId":"\"a\"@x"}`, "[]"), `u1 "a"@x Okta`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := pull(t, connectortest.Folder(t, "log.jsonl", test.line+"\n"), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
			var want []string
			if test.want != "" {
				want = []string{test.want + " unknown 2024-08-01T10:00:00.5Z 1"}
			}
			connectortest.Same(t, "sign-ins", signInsOf(o), want...)
			if o.Daily.On(facts.Date(2024, 8, 1)) != 1 || o.Rejected != 0 {
				t.Errorf("%d events on the day, %d rejected", o.Daily.On(facts.Date(2024, 8, 1)), o.Rejected)
			}
		})
	}
}

func TestRejectedEvents(t *testing.T) {
	lines := []string{
		event("user.session.start", "SUCCESS", `{"id":"u1","type":"User"}`, "null"),
		`{"eventType":"user.session.start"}`,
		`{"eventType":"user.session.start","published":"yesterday"}`,
		`{"published":"2024-08-01T10:00:00Z"}`,
		`{"published":"1969-08-01T10:00:00Z","eventType":"x"}`,
		`{"published":"2034-08-01T10:00:00Z","eventType":"x"}`,
		`{"published":"2024-09-01T10:00:00Z","eventType":"x"}`, // after the as-of: left out, not refused
		"EVENT_TYPE",
		`{"published":"2024-08-01T10:00:00Z","eventType":"` + "\xff" + `"}`,
	}
	o := pull(t, connectortest.Folder(t, "log.jsonl", strings.Join(lines, "\n")+"\n"), facts.FeedSignIns,
		"coverage: {from: 2024-01-01, to: 2024-08-31}\nfiles: {sign-ins: log.jsonl}")
	connectortest.Same(t, "rejections", connectortest.Rejects(o),
		"log.jsonl:2: an event without a time in published",
		"log.jsonl:3: an event without a time in published",
		"log.jsonl:4: an event without eventType",
		"log.jsonl:5: an event before 1970 or more than a day after the run",
		"log.jsonl:6: an event before 1970 or more than a day after the run",
		"log.jsonl:8: not a JSON object",
		"log.jsonl:9: malformed JSON: text is not UTF-8")
	if o.Later != 1 || o.Rows != 9 || !o.Complete {
		t.Errorf("%d later, %d rows, complete %v", o.Later, o.Rows, o.Complete)
	}
	if o.From.String() != "2024-01-01T00:00:00Z" || o.To.String() != "2024-08-31T23:59:59.999Z" {
		t.Errorf("declared from %s to %s", o.From, o.To)
	}
}

func TestTruncatedLog(t *testing.T) {
	whole := event("user.session.start", "SUCCESS", `{"id":"u1","type":"User"}`, "null")
	for _, text := range []string{whole + "\n" + whole[:60], "[" + whole + "," + whole[:60]} {
		source, err := Descriptor().Open(section(connectortest.Folder(t, "log.json", text), "files: {sign-ins: log.json}"))
		if err != nil {
			t.Fatal(err)
		}
		o, err := source.Pull(t.Context(), connectors.Pull{Feed: facts.FeedSignIns, AsOf: asOf, Raw: &connectortest.Raw{}, Calendar: facts.NewCalendar(time.UTC)})
		if connectors.ClassOf(err) != connectors.Incomplete || o == nil || o.Complete || o.SignIns.Len() != 1 {
			t.Errorf("error %v, observation %+v", err, o)
		}
	}
}

func TestSampleSeats(t *testing.T) {
	o := pull(t, samples, facts.FeedSeats, "files: {seats: {salesforce: AppUserList.json}}")
	connectortest.Same(t, "seats", connectortest.Seats(o), "00u1dnq5S0CfjlkpABCD saml.test@example.com salesforce direct 2024-01-31T18:25:03Z")
}

func TestSeats(t *testing.T) {
	dir := connectortest.Folder(t, "figma.json", `[
{"id":"1","scope":"USER","status":"ACTIVE","created":"2024-01-01T00:00:00.000Z","statusChanged":null,"profile":{"email":"a@x"}},
{"id":"2","scope":"GROUP","status":"PROVISIONED","created":null,"_links":{"group":{"name":"Design","href":"https://x.okta.com/api/v1/groups/00g1"}}},
{"id":"3","scope":"GROUP","status":"STAGED","_links":{"group":{"href":"https://x.okta.com/api/v1/groups/00g1"}}},
{"id":"4","scope":"GROUP","status":"ACTIVE"},
{"id":"5","scope":"USER","status":"DEPROVISIONED"},
{"id":"6","scope":"USER","status":"INACTIVE"},
{"scope":"USER","status":"ACTIVE"},
{"id":"8","status":"ACTIVE"}
]`)
	o := pull(t, dir, facts.FeedSeats, "files: {seats: {figma: figma.json}}")
	connectortest.Same(t, "seats", connectortest.Seats(o), "1 a@x figma direct 2024-01-01T00:00:00Z", "2  figma group:Design ", "3  figma group:00g1 ", "4  figma group:okta ")
	connectortest.Same(t, "rejections", connectortest.Rejects(o), "figma.json:8: a user of an application without an id",
		"figma.json:9: a user of an application with a scope that is neither USER nor GROUP")
}

func TestConfig(t *testing.T) {
	tests := map[string]string{
		"files: {people: x}\ncoverage: {from: 2026-01-02, to: 2026-01-01}": "coverage: ends before it begins",
		"kind: okta":                                   "no files are named",
		"files: {seats: users.json}":                   "files.seats: users.json is not tied to a product",
		"kind: okta\nfiles: {counters: x.json}":        "kind okta has no counters feed",
		"kind: okta\nfiles: x.json":                    "want a mapping from feed to files",
		"files: {people: x.json}\nwrite: true":         "kind okta only reads files",
		"files: {people: x.json}\ntoken: env:T":        "token",
		"kind: okta\nfeeds: [people]":                  "kind okta reads files",
		"feed: sign-ins\nfiles: {people: users*.json}": "names feeds already",
	}
	for config, want := range tests {
		if _, err := Descriptor().Open(section(".", config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", config, err, want)
		}
	}
	source, err := Descriptor().Open(section(".", "files: {sign-ins: a, people: [b, c], seats: {figma: d}}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := source.Feeds(); !slices.Equal(got, []facts.Feed{facts.FeedPeople, facts.FeedSeats, facts.FeedSignIns}) {
		t.Errorf("feeds %v", got)
	}
	err = source.(connectors.Checker).Check(t.Context())
	for _, file := range []string{"okta: a: ", "okta: b: ", "okta: d: "} {
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("check: error %v, want one about %s", err, file)
		}
	}
}

func TestEventsAllocateNothing(t *testing.T) {
	b, err := os.ReadFile(samples + "system_log.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	lines = append(lines, []byte(event("user.authentication.sso", "SUCCESS", `{"id":"u1","type":"User","alternateId":"\"a\"@x"}`,
		`[{"displayName":"Figma \u0026 Co","type":"AppInstance"}]`)))
	r := newReader(connectors.Pull{Calendar: facts.NewCalendar(time.UTC), AsOf: asOf})
	read := func() {
		for _, line := range lines {
			_ = r.add(line) // some are refused
		}
	}
	read() // the lane meets its keys
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations in %d events", n, len(lines))
	}
}

func BenchmarkEvents(b *testing.B) {
	text, err := os.ReadFile(samples + "system_log.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	r := newReader(connectors.Pull{Calendar: facts.NewCalendar(time.UTC), AsOf: asOf})
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for _, line := range lines {
			_ = r.add(line) // some are refused
		}
	}
}

// FuzzEvents checks that no input makes the converter panic or count what it refuses.
func FuzzEvents(f *testing.F) {
	b, err := os.ReadFile(samples + "system_log.ndjson")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		f.Add(line)
	}
	f.Add([]byte(event("user.authentication.sso", "SUCCESS", `{"id":"u1","type":"User"}`, `[{"displayName":"Figma","type":"AppInstance"}]`)))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := newReader(connectors.Pull{Calendar: facts.NewCalendar(time.UTC), AsOf: asOf})
		err := r.add(doc)
		o := facts.NewObservation("okta", facts.FeedSignIns, asOf)
		o.Join(r.lane)
		if err != nil && (o.Daily.First.Known() || o.SignIns.Len() > 0) {
			t.Fatalf("%q: refused with %v and counted", doc, err)
		}
		for n := range o.SignIns.Len() {
			if o.SignIns.Account[n] == 0 || o.SignIns.Application[n] == 0 || o.SignIns.Last[n] > asOf {
				t.Fatalf("%q: counted as %v", doc, signInsOf(o))
			}
		}
	})
}
