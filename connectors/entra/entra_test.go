package entra

import (
	"bytes"
	"errors"
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

const samples = "../../fixtures/samples/entra/"

func section(dir, config string) connectors.Section {
	return connectors.Section{Name: "entra", Dir: dir, Calendar: facts.NewCalendar(time.UTC),
		Decode: func(into any) error { return yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()) },
		Secret: func(reference string) (string, error) {
			if reference != "env:ENTRA_SECRET" {
				return "", errors.New(reference + " is not set")
			}
			return "s3cret", nil
		}}
}

// asOf is after all sample events.
var asOf = facts.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))

// try pulls a feed of a source in dir that is configured so.
func try(t *testing.T, dir string, feed facts.Feed, config string) (*facts.Observation, error) {
	t.Helper()
	source, err := Descriptor().Open(section(dir, config))
	if err != nil {
		t.Fatal(err)
	}
	return source.Pull(t.Context(), pulled(feed))
}

func pulled(feed facts.Feed) connectors.Pull {
	return connectors.Pull{Feed: feed, AsOf: asOf, Observed: asOf, Raw: &connectortest.Raw{}, Workers: 2, Calendar: connectortest.Berlin()}
}

func pullFrom(t *testing.T, source connectors.Source, feed facts.Feed) *facts.Observation {
	t.Helper()
	o, err := source.Pull(t.Context(), pulled(feed))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func pull(t *testing.T, dir string, feed facts.Feed, config string) *facts.Observation {
	t.Helper()
	o, err := try(t, dir, feed, config)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func peopleOf(o *facts.Observation) (rows []string) {
	p, text := &o.People, o.Strings.Text
	for n := range p.Len() {
		row := fmt.Sprintf("%s %s %s %s/%s", text(p.ID[n]), text(p.Email[n]), text(p.Name[n]), p.Kind[n], p.Status[n])
		for _, alias := range p.Aliases.At(n) {
			row += " alias=" + text(alias)
		}
		for _, f := range []struct{ key, text string }{{"number", text(p.EmployeeID[n])}, {"dept", text(p.Department[n])},
			{"cc", text(p.CostCentre[n])}, {"manager", text(p.Manager[n])}, {"role", text(p.Role[n])}, {"hired", p.Hired[n].String()},
			{"left", p.Left[n].String()}, {"last", p.LastSignIn[n].String()}} {
			if f.text != "" {
				row += " " + f.key + "=" + f.text
			}
		}
		if p.Deleted[n] {
			row += " deleted"
		}
		rows = append(rows, row)
	}
	return rows
}

func signInsOf(o *facts.Observation) (rows []string) {
	s, text := &o.SignIns, o.Strings.Text
	for n := range s.Len() {
		rows = append(rows, fmt.Sprintf("%s %s %q %s %s %d", text(s.Account[n]), text(s.Login[n]), text(s.Application[n]), s.Mode[n], s.Last[n], s.Count[n]))
	}
	slices.Sort(rows)
	return rows
}

func TestSamplePeople(t *testing.T) {
	o := pull(t, samples, facts.FeedPeople, "files: {people: users.*.json}")
	connectortest.Same(t, "people", peopleOf(o),
		"cb4954e8-467f-4a6d-a8c8-28b9034fadbc admin@contoso.com  employee/unknown",
		"81a133c2-bdf2-4e67-8755-7264366b04ee DebraB@contoso.com  employee/unknown",
		"39807bd1-3dde-48f3-8165-81ddd4e46de0 AdeleV@adatum.com Adele Vance employee/unknown",
		"1aecaf40-dc3a-461f-88a8-d06994e12898 AdeleV@contoso.com Adele Vance employee/unknown", // attempts only: no last sign-in
		"f0662ee5-84b1-43d6-8338-769cce1bc141 AlexW@contoso.com Alex Wilber employee/unknown")
	connectortest.Same(t, "notes", o.Notes, "accountEnabled was not selected, their status is unknown: 5 users")
	guest := pull(t, samples, facts.FeedPeople, "files: {people: users.guest.json}")
	connectortest.Same(t, "notes of the guest page", guest.Notes, "@odata.count says 2 records, the pages hold 1",
		"accountEnabled was not selected, their status is unknown: 1 users")
}

func TestPeople(t *testing.T) {
	dir := connectortest.Folder(t, "users.json", `{"@odata.context":"x","value":[
{"id":"AAAAAAAA-0000-0000-0000-000000000001","userPrincipalName":"ana@x","mail":"Ana@X","displayName":"Ana","accountEnabled":true,"userType":"Member","employeeId":"0042","employeeType":"Contractor","department":"R&D","employeeOrgData":{"costCenter":"CC1"},"jobTitle":"Chief","manager":{"id":"BBBBBBBB-0000-0000-0000-000000000001"},"employeeHireDate":"2020-01-01T00:00:00Z","employeeLeaveDateTime":"2026-06-29T22:30:00Z","proxyAddresses":["SMTP:ana@x","smtp:ana.m@y","X500:/o=x"],"otherMails":["ana@home","ANA.M@Y"],"signInActivity":{"lastSignInDateTime":"2026-02-03T00:00:00Z","lastSuccessfulSignInDateTime":"2026-02-01T10:00:00Z"}},
{"id":"2","userPrincipalName":"bo_home.com#EXT#@x","mail":"bo@home.com","accountEnabled":false,"userType":"Guest","employeeType":"Employee","employeeHireDate":"0001-01-01T00:00:00Z","employeeLeaveDateTime":null,"signInActivity":{"lastSuccessfulSignInDateTime":"0001-01-01T00:00:00Z"}},
{"id":"3","userPrincipalName":"gone@x","accountEnabled":false,"employeeType":"Wizard","deletedDateTime":"2026-01-05T00:00:00Z","manager":{"mail":"boss@x"}},
{"id":"4","userPrincipalName":"x@x","accountEnabled":true,"employeeHireDate":"01.02.2020"},
{"id":"5","userPrincipalName":"x@x","accountEnabled":true,"otherMails":[1]},
{"userPrincipalName":"x@x"},
{"id":"3","userPrincipalName":"gone@x"}]}`)
	o := pull(t, dir, facts.FeedPeople, "feed: people\nfiles: users.json")
	connectortest.Same(t, "people", peopleOf(o),
		"aaaaaaaa-0000-0000-0000-000000000001 ana@x Ana contractor/active alias=ana.m@y alias=ana@home number=0042 dept=R&D cc=CC1 "+
			"manager=bbbbbbbb-0000-0000-0000-000000000001 role=Chief hired=2020-01-01 left=2026-06-30 last=2026-02-01T10:00:00Z",
		"2 bo_home.com#EXT#@x  guest/suspended alias=bo@home.com",
		"3 gone@x  unknown/leaver manager=boss@x deleted")
	connectortest.Same(t, "rejections", connectortest.Rejects(o),
		"users.json:5: employeeHireDate is not a time",
		"users.json:6: proxyAddresses or otherMails is not a list of texts",
		"users.json:7: a user without an id",
		"users.json:8: a user who has been read already")
	connectortest.Same(t, "notes", o.Notes, `employeeType "wizard" is no kind of ours, their kind is unknown: 1 users`)
}

// TestCutExports checks that a set of pages counts as whole only with a page that has no next one.
func TestCutExports(t *testing.T) {
	page := func(id string, next string) string {
		return fmt.Sprintf(`{"@odata.nextLink":%q,"value":[{"id":%q,"accountEnabled":true,"assignedLicenses":[{"skuId":"S"}]}]}`, next, id)
	}
	for _, feed := range []facts.Feed{facts.FeedPeople, facts.FeedSeats} {
		config := fmt.Sprintf("feed: %s\nfiles: users*.json", feed)
		o, err := try(t, connectortest.Folder(t, "users1.json", page("1", "https://x?2"), "users2.json", page("2", "https://x?3")), feed, config)
		if connectors.ClassOf(err) != connectors.Incomplete || o.Complete || o.Rows != 2 {
			t.Errorf("%s: error %v, observation %+v", feed, err, o)
		}
		if o = pull(t, connectortest.Folder(t, "users1.json", page("1", "https://x?2"), "users2.json", page("2", "")), feed, config); !o.Complete || o.Rows != 2 {
			t.Errorf("%s: complete %v, %d rows", feed, o.Complete, o.Rows)
		}
	}
}

func TestSampleSignIns(t *testing.T) {
	o := pull(t, samples, facts.FeedSignIns, "files: {sign-ins: [signIns.page1.json, diagnostic_signin_logs.ndjson]}")
	connectortest.Same(t, "sign-ins", signInsOf(o),
		`26be570a-ae82-4189-b4e2-a37c6808512d testaccount1@contoso.com "Graph explorer" interactive 2020-03-13T19:15:41.619Z 1`,
		`3b4e2783-2b5d-4f1f-a3d9-ddc0ed1c623f jane.doe@example.com "Custom App" non-interactive 2026-02-18T07:32:50.552Z 1`,
		`8105c513-d24b-4b8d-9035-f8d48854d703 homer.simpson@springfield.org "Office 365 Exchange Online" interactive 2023-07-21T05:03:52.16Z 2`,
		`user-123 gandalf@lotr.com "Custom Graph App" interactive 2025-01-15T09:35:20.456Z 1`,
		`user-123 gandalf@lotr.com "Legacy Application" non-interactive 2025-01-15T09:30:25.123Z 1`,
		`user-456 employee@company.com "Office 365" interactive 2025-01-15T10:00:30.789Z 1`,
		`user-abc-123 sam@lotr.com "Visual Studio Code" non-interactive 2025-01-15T14:30:25.123Z 1`,
		`user-ghi-789 dyoung@lotr.com "Visual Studio Code" non-interactive 2025-01-15T16:20:35.789Z 1`,
		`user-iot-456 iotdevice@company.com "Azure CLI" non-interactive 2025-01-15T11:20:15.789Z 1`,
		`user-normal-456 normaluser@company.com "" interactive 2025-01-15T10:00:30.012Z 1`,
		`user-victim-123 aragorn@lotr.com "" interactive 2025-01-15T09:35:45.789Z 1`,
		`user-victim-123 aragorn@lotr.com "Microsoft Authentication Broker" interactive 2025-01-15T09:30:45.123Z 1`,
		`user123-456-789 john@justice.org "00000002-0000-0ff1-ce00-111111111111" interactive 2025-01-15T14:23:10.123Z 1`,
		`user234-567-890 cross@lotr.com "00000002-0000-0ff1-ce00-111111111111" interactive 2025-01-15T17:10:15.234Z 1`)
	connectortest.Same(t, "notes", o.Notes, "every page has an @odata.nextLink: the last page is missing")
	if o.Rows != 26 || o.Rejected != 0 || !o.Complete || o.Lag != 2*time.Hour {
		t.Errorf("%d rows, %d rejected, complete %v, lag %s", o.Rows, o.Rejected, o.Complete, o.Lag)
	}
	// Failures and service principals do not count, but show that the log was written.
	if n := o.Daily.On(facts.Date(2023, 7, 27)); n != 7 {
		t.Errorf("%d sign-ins on 2023-07-27, want 7", n)
	}
}

func TestSignIns(t *testing.T) {
	const who = `"createdDateTime":"2026-02-01T10:00:00.1234567Z","userId":"U1","userPrincipalName":"a@x","appDisplayName":"Teams","appId":"id1","resourceDisplayName":"Graph"`
	tests := []struct{ name, line, want string }{ // want "" means logged, not counted
		{"success", `{` + who + `,"status":{"errorCode":0,"failureReason":"Other."}}`, `u1 a@x "Teams" unknown`},
		{"failure", `{` + who + `,"status":{"errorCode":50126}}`, ""},
		{"interrupt", `{` + who + `,"status":{"errorCode":50140}}`, ""},
		{"no status", `{` + who + `}`, ""},
		{"code as text", `{` + who + `,"status":{"errorCode":"0"}}`, `u1 a@x "Teams" unknown`},
		{"interactive", `{` + who + `,"isInteractive":true,"status":{"errorCode":0}}`, `u1 a@x "Teams" interactive`},
		{"types", `{` + who + `,"signInEventTypes":["nonInteractiveUser"],"status":{"errorCode":0}}`, `u1 a@x "Teams" non-interactive`},
		{"interactive type", `{` + who + `,"signInEventTypes":["interactiveUser"],"status":{"errorCode":0}}`, `u1 a@x "Teams" interactive`},
		{"service principal type", `{` + who + `,"signInEventTypes":["servicePrincipal"],"status":{"errorCode":0}}`, ""},
		{"managed identity", `{"category":"ManagedIdentitySignInLogs","properties":{` + who + `,"status":{"errorCode":0}}}`, ""},
		{"wrapped", `{"time":"2026-02-01T10:03:00Z","category":"NonInteractiveUserSignInLogs","resultType":"0","properties":{` + who + `}}`, `u1 a@x "Teams" non-interactive`},
		{"wrapped failure", `{"category":"SignInLogs","resultType":"50126","properties":{` + who + `}}`, ""},
		{"wrapped number", `{"category":"SignInLogs","resultType":0,"properties":{` + who + `}}`, `u1 a@x "Teams" interactive`},
		{"code before result", `{"category":"SignInLogs","resultType":"0","properties":{` + who + `,"status":{"errorCode":50126}}}`, ""},
		{"nobody", `{"createdDateTime":"2026-02-01T10:00:00.1234567Z","userId":"00000000-0000-0000-0000-000000000000","userPrincipalName":"","status":{"errorCode":0}}`, ""},
		{"login only", `{"createdDateTime":"2026-02-01T10:00:00.1234567Z","userPrincipalName":"a@x","appId":"id1","status":{"errorCode":0}}`, `a@x a@x "id1" unknown`},
		{"offset", `{"createdDateTime":"2026-02-01T05:00:00.1234567-05:00","userId":"u1","status":{"errorCode":0}}`, `u1  "" unknown`},
		{"time of the wrapper", `{"time":"2026-02-01T10:00:00.123Z","resultType":"Success","properties":{"userId":"u1"}}`, `u1  "" unknown`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := pull(t, connectortest.Folder(t, "log.jsonl", test.line+"\n"), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
			var want []string
			if test.want != "" {
				want = []string{test.want + " 2026-02-01T10:00:00.123Z 1"}
			}
			connectortest.Same(t, "sign-ins", signInsOf(o), want...)
			if o.Daily.On(facts.Date(2026, 2, 1)) != 1 || o.Rejected != 0 {
				t.Errorf("%d sign-ins on the day, rejected %v", o.Daily.On(facts.Date(2026, 2, 1)), o.Rejects)
			}
		})
	}
}

func TestRejectedSignIns(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "log.jsonl", `{"userId":"u1"}
{"createdDateTime":"soon"}
{"createdDateTime":"1/9/2007 9:41:00 AM"}
{"createdDateTime":"1969-01-01T00:00:00Z"}
{"createdDateTime":"2126-01-01T00:00:00Z"}
[]
`), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
	connectortest.Same(t, "rejections", connectortest.Rejects(o),
		"log.jsonl:1: a sign-in without a time in createdDateTime",
		"log.jsonl:2: a sign-in without a time in createdDateTime",
		"log.jsonl:4: a sign-in before 1970 or more than a day after the run",
		"log.jsonl:5: a sign-in before 1970 or more than a day after the run",
		"log.jsonl:6: not a JSON object")
	if o.Daily.First.String() != "2007-01-09T09:41:00Z" {
		t.Errorf("first event %s", o.Daily.First)
	}
}

func TestSampleSeats(t *testing.T) {
	o := pull(t, samples, facts.FeedSeats, "files: {seats: users.assignedLicenses.json}")
	connectortest.Same(t, "seats", connectortest.Seats(o),
		"cb4954e8-467f-4a6d-a8c8-28b9034fadbc admin@contoso.com cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46 direct ",
		"81a133c2-bdf2-4e67-8755-7264366b04ee DebraB@contoso.com cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46 direct ")
	if _, err := try(t, samples, facts.FeedSeats, "files: {seats: users.guest.json}"); connectors.ClassOf(err) != connectors.Incomplete {
		t.Errorf("a page without licences is taken for users who hold none: %v", err)
	}
}

func TestSeats(t *testing.T) {
	dir := connectortest.Folder(t, "users.json", `{"value":[
{"id":"U1","userPrincipalName":"a@x","assignedLicenses":[{"skuId":"E5"},{"skuId":"VISIO"},{"skuId":"STALE"}],"licenseAssignmentStates":[
 {"skuId":"e5","assignedByGroup":null,"state":"Active","error":"None","lastUpdatedDateTime":"2026-01-01T00:00:00Z"},
 {"skuId":"E5","assignedByGroup":"G1","state":"ActiveWithError","error":"Other","lastUpdatedDateTime":null},
 {"skuId":"bi","assignedByGroup":"g2","state":"Error","error":"CountViolation"},
 {"skuId":"stale","assignedByGroup":null,"state":"Disabled"}]},
{"id":"U2","mail":"b@x","assignedLicenses":[],"licenseAssignmentStates":null},
{"id":"U3","userPrincipalName":"c@x"},
{"id":"U4","assignedLicenses":[{"skuId":""}]},
{"id":"U5","assignedLicenses":[7]},
{"id":"u1","assignedLicenses":[]},
{"assignedLicenses":[]}]}`)
	o := pull(t, dir, facts.FeedSeats, "files: {seats: users.json}")
	connectortest.Same(t, "seats", connectortest.Seats(o), "u1 a@x e5 direct 2026-01-01T00:00:00Z", "u1 a@x e5 group:g1 ", "u1 a@x visio direct ")
	connectortest.Same(t, "rejections", connectortest.Rejects(o),
		"users.json:8: a user without assignedLicenses, which has to be selected",
		"users.json:9: a licence without skuId",
		"users.json:10: assignedLicenses or licenseAssignmentStates is not what Graph writes",
		"users.json:11: a user who has been read already",
		"users.json:12: a user without an id")
}

func TestSampleCounters(t *testing.T) {
	o := pull(t, samples, facts.FeedCounters, "files: {counters: subscribedSkus.json}")
	want := []facts.Counter{{Product: "c7df2760-2c81-4ef7-b578-5b5392b571df", Purchased: 25, Consumed: 14},
		{Product: "d17b27af-3f49-4822-99f9-56a661538792", Purchased: 0, Consumed: 14}} // suspended units cannot be assigned
	if !slices.Equal(o.Counters, want) {
		t.Errorf("counters %+v", o.Counters)
	}
}

func TestCounters(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "skus.json", `{"value":[
{"skuId":"A","skuPartNumber":"E5","appliesTo":"User","consumedUnits":7,"prepaidUnits":{"enabled":5,"warning":1,"suspended":9}},
{"skuId":"B","skuPartNumber":"TENANT","appliesTo":"Company","consumedUnits":0,"prepaidUnits":{"enabled":1}},
{"skuId":"C","consumedUnits":7},
{"skuId":"D","consumedUnits":"7","prepaidUnits":{}}]}`), facts.FeedCounters, "files: {counters: skus.json}")
	if want := []facts.Counter{{Product: "a", Purchased: 6, Consumed: 7}}; !slices.Equal(o.Counters, want) {
		t.Errorf("counters %+v", o.Counters)
	}
	connectortest.Same(t, "notes", o.Notes, "TENANT applies to the company and has no seats: left out")
	if len(o.Rejects) != 2 || o.Rows != 4 {
		t.Errorf("%d rows, rejections %v", o.Rows, o.Rejects)
	}
}

func TestConfig(t *testing.T) {
	whole := "files: {people: u.json}\nwrite: true\ntenant: contoso.onmicrosoft.com\nclient_id: i\nclient_secret: env:ENTRA_SECRET\n"
	tests := map[string]string{
		"files: {people: x}\ncoverage: {from: 2026-01-02, to: 2026-01-01}": "coverage: ends before it begins",
		"kind: entra":                                     "no files are named",
		"files: {purchases: x}":                           "has no purchases feed",
		"files: {people: x}\nwrite: true":                 "tenant: want",
		strings.Replace(whole, "contoso", "../x", 1):      "tenant: want",
		strings.Replace(whole, "client_id: i\n", "", 1):   "client_id: missing",
		strings.Replace(whole, "client_secret", "#", 1):   "client_secret: want a reference",
		whole + "endpoint: http://graph.microsoft.com":    "endpoint: ",
		whole + "login: https://u:p@login.microsoft.com/": "login: ",
		whole + "secret: x":                               "secret",
	}
	for config, want := range tests {
		if _, err := Descriptor().Open(section(".", config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", config, err, want)
		}
	}
	source, err := Descriptor().Open(section(".", whole))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := source.(connectors.Revoker); !ok {
		t.Error("a source with write: true cannot be written to")
	}
	if source, err = Descriptor().Open(section(".", strings.Replace(whole, "true", "false", 1))); err != nil {
		t.Fatal(err)
	}
	if _, ok := source.(connectors.Revoker); ok {
		t.Error("a source without write: true can be written to")
	}
}

func TestSignInsAllocateNothing(t *testing.T) {
	b, err := os.ReadFile(samples + "diagnostic_signin_logs.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	r := newReader(signInPaths(), connectors.Pull{Calendar: facts.NewCalendar(time.UTC), AsOf: asOf})
	read := func() {
		for _, line := range lines {
			if err := r.add(line); err != nil {
				t.Fatal(err)
			}
		}
	}
	read() // the lane meets its keys
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations in %d sign-ins", n, len(lines))
	}
}

// FuzzSignIns checks that no input makes the converter panic or count what it refuses.
func FuzzSignIns(f *testing.F) {
	b, err := os.ReadFile(samples + "diagnostic_signin_logs.ndjson")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		f.Add(line)
	}
	f.Add([]byte(`{"createdDateTime":"2026-02-01T10:00:00Z","userId":"u1","appDisplayName":"Teams","status":{"errorCode":0}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := newReader(signInPaths(), connectors.Pull{Calendar: facts.NewCalendar(time.UTC), AsOf: asOf})
		err := r.add(doc)
		o := facts.NewObservation("entra", facts.FeedSignIns, asOf)
		o.Join(r.lane)
		if err != nil && (o.Daily.First.Known() || o.SignIns.Len() > 0) {
			t.Fatalf("%q: refused with %v and counted", doc, err)
		}
		for n := range o.SignIns.Len() {
			if o.SignIns.Account[n] == 0 || o.SignIns.Last[n] > asOf {
				t.Fatalf("%q: counted as %v", doc, signInsOf(o))
			}
		}
	})
}
