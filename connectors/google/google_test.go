package google

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

var update = flag.Bool("update", false, "write the golden files")

const samples = "../../fixtures/samples/google/"

// try pulls a feed of a source in dir that is configured so.
func try(t *testing.T, dir string, feed facts.Feed, config string) (*facts.Observation, error) {
	t.Helper()
	source, err := Descriptor().Open(connectortest.Section(dir, config))
	if err != nil {
		t.Fatal(err)
	}
	return source.Pull(t.Context(), connectortest.Pull(feed, 2, &connectortest.Raw{}))
}

func pull(t *testing.T, dir string, feed facts.Feed, config string) *facts.Observation {
	t.Helper()
	o, err := try(t, dir, feed, config)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func same(t *testing.T, what, got string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.TrimSpace(got)); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// TestSamples holds the facts of the published samples against the golden file.
func TestSamples(t *testing.T) {
	var got bytes.Buffer
	for _, sample := range []struct {
		file string
		feed facts.Feed
	}{
		{"directory_user.json", facts.FeedPeople},
		{"licensing_assignment.json", facts.FeedSeats},
		{"licensing_list_page.json", facts.FeedSeats},
		{"reports_login.json", facts.FeedSignIns},
		{"reports_activities_flattened.ndjson", facts.FeedSignIns},
	} {
		o, err := try(t, samples, sample.feed, fmt.Sprintf("feed: %s\nfiles: %s", sample.feed, sample.file))
		fmt.Fprintf(&got, "== %s: %s\n%s%s\n", sample.file, sample.feed, connectortest.Said(o), connectortest.Print(o))
		if err != nil {
			fmt.Fprintf(&got, "error %s: %v\n", connectors.ClassOf(err), err)
		}
	}
	connectortest.Golden(t, filepath.Join("testdata", "samples.golden"), got.String(), *update)
}

func TestPeople(t *testing.T) {
	dir := connectortest.Folder(t, "users.json", `{"users":[
{"id":"1","primaryEmail":"ana@x","name":{"fullName":"Ana"},"suspended":false,"archived":false,"orgUnitPath":"/R&D","aliases":["a@x","ANA@X"],"nonEditableAliases":["ana@x.test"],"emails":[{"address":"ana@x","primary":true},{"address":"ana@home","type":"home"}],"externalIds":[{"value":"k","type":"account"},{"value":"0042","type":"organization"}],"relations":[{"value":"boss@x","type":"manager"}],"organizations":[{"department":"Old"},{"department":"R&D","costCenter":"CC1","title":"Chief","primary":true}],"lastLoginTime":"2026-02-01T10:00:00.000Z"},
{"id":"2","primaryEmail":"bo@x","name":{"givenName":"Bo","familyName":"B"},"suspended":true,"suspensionReason":"ADMIN","orgUnitPath":"/","lastLoginTime":"1970-01-01T00:00:00.000Z"},
{"id":"3","primaryEmail":"arc@x","suspended":false,"archived":true},
{"id":"4","primaryEmail":"gone@x","suspended":false,"deletionTime":"2026-01-05T00:00:00.000Z"},
{"id":"5","primaryEmail":"thin@x","emails":"thin@x","lastLoginTime":"soon"},
{"id":"4","primaryEmail":"gone@x","suspended":false},
{"primaryEmail":"x@x","suspended":false},
{"id":6,"primaryEmail":"x@x","suspended":false},
{"id":"7","primaryEmail":"x@x","suspended":"false"}]}`)
	o := pull(t, dir, facts.FeedPeople, "files: {people: users.json}")
	person := func(text, rest string) string { return `person ` + text + " hired= left= leave=.. " + rest }
	same(t, "people", connectortest.Print(o),
		person(`"1" email="ana@x" aliases=["a@x" "ana@home" "ana@x.test"] employee="0042" name="Ana" kind=employee status=active department="R&D" centre="CC1" manager="boss@x" role="Chief" groups=["/R&D"]`, `last=2026-02-01T10:00:00Z deleted=false`),
		person(`"2" email="bo@x" aliases=[] employee="" name="Bo B" kind=employee status=suspended department="" centre="" manager="" role="" groups=[]`, `last= deleted=false`),
		person(`"3" email="arc@x" aliases=[] employee="" name="" kind=employee status=suspended department="" centre="" manager="" role="" groups=[]`, `last= deleted=false`),
		person(`"4" email="gone@x" aliases=[] employee="" name="" kind=employee status=leaver department="" centre="" manager="" role="" groups=[]`, `last= deleted=true`),
		person(`"5" email="thin@x" aliases=[] employee="" name="" kind=employee status=unknown department="" centre="" manager="" role="" groups=[]`, `last= deleted=false`))
	same(t, "the rest", connectortest.Said(o),
		"9 rows, 4 rejected, complete true, from  to , lag 0s",
		"rejected users.json:7: a user who has been read already",
		"rejected users.json:8: a user without an id",
		"rejected users.json:9: a user with a field of the wrong type",
		"rejected users.json:10: a user with a field of the wrong type",
		"note whether they are suspended is not told, their status is unknown: 1 users",
		"note archived, taken for suspended: 1 users",
		"note emails, externalIds, organizations or relations is not what Google writes and was left out: 1 users")
}

// TestConsole reads the table of the admin console, with the header that Google documents and rows made after it.
func TestConsole(t *testing.T) {
	const header = "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Password Hash Function [UPLOAD ONLY]," +
		"Org Unit Path [Required],New Primary Email [UPLOAD ONLY],Status [READ ONLY],Last Sign In [READ ONLY],Recovery Email,Employee ID,Employee Title," +
		"Manager Email,Department,Cost Center,2sv Enrolled [READ ONLY],New Status [UPLOAD ONLY]"
	dir := connectortest.Folder(t, "User_Download.csv", "\ufeff"+header+`
Ana,"Núñez, A",ana@x,****,,/R&D,,Active,2026/07/01 10:00:00,,0042,Chief,boss@x,R&D,CC1,True,
Bo,,bo@x,****,,/,,Suspended,Never logged in,,,,,,,False,
Cy,,cy@x,****,,,,Archived,,,,,,,,,
Di,,di@x,****,,,,Deleted,2016/04/04 00:24:13,,,,,,,,
Ed,,ed@x,****,,,,Active,4/4/2016,,,,,,,,
Ana,,ANA@x,****,,,,Active,,,,,,,,,
Fe,,,****,,,,Active,,,,,,,,,
Gi,,gi@x
`)
	o := pull(t, dir, facts.FeedPeople, "files: {people: User_*.csv}")
	person := func(text, rest string) string {
		return `person ` + text + " hired= left= leave=.. " + rest + " deleted=false"
	}
	same(t, "people", connectortest.Print(o),
		person(`"ana@x" email="ana@x" aliases=[] employee="0042" name="Ana Núñez, A" kind=employee status=active department="R&D" centre="CC1" manager="boss@x" role="Chief" groups=["/R&D"]`, `last=2026-07-01T08:00:00Z`),
		person(`"bo@x" email="bo@x" aliases=[] employee="" name="Bo" kind=employee status=suspended department="" centre="" manager="" role="" groups=[]`, `last=`),
		person(`"cy@x" email="cy@x" aliases=[] employee="" name="Cy" kind=employee status=suspended department="" centre="" manager="" role="" groups=[]`, `last=`),
		person(`"di@x" email="di@x" aliases=[] employee="" name="Di" kind=employee status=unknown department="" centre="" manager="" role="" groups=[]`, `last=2016-04-03T22:24:13Z`))
	same(t, "the rest", connectortest.Said(o), "8 rows, 4 rejected, complete true, from  to , lag 0s",
		"rejected User_Download.csv:6: Last Sign In is not a time",
		"rejected User_Download.csv:7: a user who has been read already",
		"rejected User_Download.csv:8: a user without an address",
		"rejected User_Download.csv:9: has 3 fields, the header has 17",
		"note whether they are suspended is not told, their status is unknown: 1 users",
		"note archived, taken for suspended: 1 users")
	if _, err := try(t, connectortest.Folder(t, "a.csv", "login,secret\na,b\n"), facts.FeedPeople, "files: {people: a.csv}"); err == nil || !strings.Contains(err.Error(), "Email Address") {
		t.Errorf("a table of something else: %v", err)
	}
}

func TestSeats(t *testing.T) {
	dir := connectortest.Folder(t, "licenses.json", `{"items":[
{"userId":"a@x","productId":"Google-Apps","skuId":"1010020020"},
{"userId":"a@x","productId":"101034","skuId":"1010340001"},
{"userId":"a@x","productId":"Google-Apps","skuId":"1010020020"},
{"userId":"b@x","productId":"Google-Apps"},
{"userId":7,"skuId":"1010020020"}]}`)
	o := pull(t, dir, facts.FeedSeats, "files: {seats: licenses.json}")
	same(t, "seats", connectortest.Print(o),
		`seat "a@x" login="" product="1010020020" path="direct" centre="" assigned=`,
		`seat "a@x" login="" product="1010340001" path="direct" centre="" assigned=`)
	same(t, "the rest", connectortest.Said(o),
		"5 rows, 3 rejected, complete true, from  to , lag 0s",
		"rejected licenses.json:4: a licence assignment that has been read already",
		"rejected licenses.json:5: a licence assignment without userId or skuId",
		"rejected licenses.json:6: a licence assignment without userId or skuId")
}

// TestSeatsOfUsers checks that seats are keyed by id where the users are known, whatever the order of the files.
func TestSeatsOfUsers(t *testing.T) {
	const licenses = `{"items":[{"userId":"Ana@x","productId":"A","skuId":"s"},{"userId":"old@x","productId":"A","skuId":"s"},
{"userId":"bo@x","productId":"A","skuId":"s"},{"userId":"nobody@x","productId":"A","skuId":"s"}]}`
	const users = `{"users":[{"id":"1","primaryEmail":"ana@x","aliases":["old@x","bo@x"]},{"id":"2","primaryEmail":"bo@x"},
{"primaryEmail":"c@x"},{"id":7,"primaryEmail":"d@x"}]}`
	for _, dir := range []string{connectortest.Folder(t, "1.json", licenses, "2.json", users), connectortest.Folder(t, "1.json", users, "2.json", licenses)} {
		o := pull(t, dir, facts.FeedSeats, `files: {seats: "*.json"}`)
		same(t, "seats", connectortest.Print(o),
			`seat "1" login="Ana@x" product="s" path="direct" centre="" assigned=`,
			`seat "2" login="bo@x" product="s" path="direct" centre="" assigned=`, // a primary address comes before an alias
			`seat "nobody@x" login="" product="s" path="direct" centre="" assigned=`)
		if o.Rows != 8 || o.Rejected != 2 {
			t.Errorf("%s", connectortest.Said(o))
		}
	}
	const next = `{"nextPageToken":"x","users":[{"id":"1","primaryEmail":"ana@x"}]}`
	if _, err := try(t, connectortest.Folder(t, "1.json", licenses, "2.json", next), facts.FeedSeats, `files: {seats: "*.json"}`); connectors.ClassOf(err) != connectors.Incomplete ||
		!strings.Contains(err.Error(), "every page of the users has a nextPageToken") {
		t.Errorf("error %v", err)
	}
}

// TestPages checks that each list counts as whole only with a page that has no next one.
func TestPages(t *testing.T) {
	page := func(product, user, next string) string {
		return fmt.Sprintf(`{"kind":"licensing#licenseAssignmentList","nextPageToken":%q,"items":[{"userId":%q,"productId":%q,"skuId":"s-%s"}]}`, next, user, product, product)
	}
	const none = `{"kind":"licensing#licenseAssignmentList","etag":"x"}`
	tests := []struct {
		name  string
		pages []string
		want  string // of the error; "" if the list is whole
	}{
		{"one page", []string{page("A", "1", "")}, ""},
		{"two pages", []string{page("A", "1", "x"), page("A", "2", "")}, ""},
		{"two pages in one file", []string{page("A", "1", "x") + "\n" + page("A", "2", "")}, ""},
		{"the last one missing", []string{page("A", "1", "x"), page("A", "2", "y")}, "every page of A has a nextPageToken"},
		{"another list is whole", []string{page("A", "1", "x"), page("B", "1", "")}, "every page of A has a nextPageToken"},
		{"an empty last page", []string{page("A", "1", "x"), none}, ""},
		{"nobody has it", []string{page("A", "1", ""), none}, ""},
		{"an empty page with a next one", []string{page("A", "1", "x"), `{"kind":"licensing#licenseAssignmentList","nextPageToken":"y"}`}, "every page of A has a nextPageToken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var files []string
			for n, text := range test.pages {
				files = append(files, fmt.Sprintf("page-%d.json", n), text)
			}
			o, err := try(t, connectortest.Folder(t, files...), facts.FeedSeats, "files: {seats: page-*.json}")
			if test.want == "" && (err != nil || !o.Complete || o.Rejected > 0) {
				t.Errorf("error %v, %s", err, connectortest.Said(o))
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || connectors.ClassOf(err) != connectors.Incomplete || o.Complete) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// TestEmptyOrganisation checks that lists without records are no error, and not taken for records that were refused.
func TestEmptyOrganisation(t *testing.T) {
	for feed, text := range map[facts.Feed]string{facts.FeedPeople: `{"kind":"admin#directory#users","etag":"x"}`,
		facts.FeedSeats: `{"kind":"licensing#licenseAssignmentList","items":[]}`, facts.FeedSignIns: `{"kind":"admin#reports#activities","etag":"x"}`} {
		o, err := try(t, connectortest.Folder(t, "page.json", text), feed, fmt.Sprintf("feed: %s\nfiles: page.json", feed))
		if o.Rejected > 0 || o.People.Len()+o.Seats.Len()+o.SignIns.Len() > 0 || o.Daily.First.Known() {
			t.Errorf("%s: %v, %s", feed, err, connectortest.Said(o))
		}
	}
}

func TestActivities(t *testing.T) {
	record := func(log, actor, events string) string {
		return fmt.Sprintf(`{"id":{"time":"2026-02-01T10:00:00.123Z","uniqueQualifier":"1","applicationName":%q},"actor":%s,%s}`, log, actor, events)
	}
	const who = `{"email":"a@x","profileId":"1"}`
	event := func(sort, name, parameters string) string {
		return fmt.Sprintf(`"events":[{"type":%q,"name":%q,"parameters":[%s]}]`, sort, name, parameters)
	}
	used := func(account, login, application, mode string) string {
		return fmt.Sprintf("sign-in %q login=%q application=%q mode=%s last=2026-02-01T10:00:00.123Z count=1", account, login, application, mode)
	}
	const app, client = `{"name":"app_name","value":"Miro"}`, `{"name":"client_id","value":"77.apps"}`
	tests := []struct{ name, line, want string }{ // want "" means logged, not counted
		{"login", record("login", who, event("login", "login_success", `{"name":"is_suspicious","boolValue":false},{"name":"login_type","value":"google_password"}`)), used("1", "a@x", Application, "interactive")},
		{"exchange", record("login", who, event("login", "login_success", `{"name":"login_type","value":"exchange"}`)), used("1", "a@x", Application, "non-interactive")},
		{"login of another type", record("login", who, event("login", "login_success", `{"name":"login_type","value":"turbo-snail"}`)), used("1", "a@x", Application, "unknown")},
		{"failure", record("login", who, event("login", "login_failure", `{"name":"login_type","value":"google_password"}`)), ""},
		{"challenge", record("login", who, event("login", "login_challenge", "")), ""},
		{"verification", record("login", who, event("login", "login_verification", "")), ""},
		{"logout", record("login", who, event("login", "logout", "")), ""},
		{"warning", record("login", who, event("account_warning", "login_success", "")), ""},
		{"saml", record("saml", who, event("login", "login_success", `{"name":"application_name","value":"Figma"}`)), used("1", "a@x", "Figma", "interactive")},
		{"saml failure", record("saml", who, event("login", "login_failure", `{"name":"application_name","value":"Figma"}`)), ""},
		{"saml to nothing", record("saml", who, event("login", "login_success", "")), ""},
		{"authorize", record("token", who, event("auth", "authorize", client+","+app)), used("1", "a@x", "Miro", "interactive")},
		{"authorize by id", record("token", who, event("auth", "authorize", client)), used("1", "a@x", "77.apps", "interactive")},
		{"token activity", record("token", who, event("auth", "activity", app)), used("1", "a@x", "Miro", "non-interactive")},
		{"revoke", record("token", who, event("auth", "revoke", app)), ""},
		{"another log", record("admin", who, event("login", "login_success", "")), ""},
		{"nobody", record("login", `{"profileId":"105250506097979753968"}`, event("login", "login_success", "")), ""},
		{"nobody with an address", record("login", `{"email":"a@x","profileId":"105250506097979753968"}`, event("login", "login_success", "")), used("a@x", "a@x", Application, "unknown")},
		{"no id", record("login", `{"email":"a@x"}`, event("login", "login_success", "")), used("a@x", "a@x", Application, "unknown")},
		{"robot", record("token", `{"callerType":"KEY","key":"k","email":"a@x"}`, event("auth", "authorize", app)), ""},
		{"one object for events", record("login", who, `"events":{"type":"login","name":"login_success","parameters":{"login_type":"saml"}}`), used("1", "a@x", Application, "interactive")},
		{"flattened", record("saml", who, `"type":"login","name":"login_success","parameters":{"application_name":"Figma"}`), used("1", "a@x", "Figma", "interactive")},
		{"flattened, nothing told", record("saml", who, `"type":"login","name":"login_success","parameters":null`), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := pull(t, connectortest.Folder(t, "log.jsonl", test.line+"\n"), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
			want := []string{"day 2026-02-01 events=1", "events from 2026-02-01T10:00:00.123Z to 2026-02-01T10:00:00.123Z, later 0, outcomes true"}
			if test.want != "" {
				want = append(want, test.want)
			}
			same(t, "sign-ins", connectortest.Print(o), want...)
		})
	}
}

// TestSeveralEvents checks that every event of an activity counts, and none of one that cannot be understood.
func TestSeveralEvents(t *testing.T) {
	const id = `"id":{"time":"2026-02-01T10:00:00Z","applicationName":"token"},"actor":{"profileId":"1"}`
	const first, second = `{"name":"authorize","parameters":[{"name":"app_name","value":"A"}]}`, `{"name":"authorize","parameters":[{"name":"app_name","value":"B"}]}`
	o := pull(t, connectortest.Folder(t, "log.jsonl", `{`+id+`,"events":[`+first+`, `+second+`]}
{`+id+`,"events":[`+first+`,{"type":"auth"}]}
{`+id+`,"events":[`+first+`,7]}
{`+id+`,"events":[]}
{`+id+`,"events":null}
`), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
	same(t, "sign-ins", connectortest.Print(o), "day 2026-02-01 events=2",
		"events from 2026-02-01T10:00:00Z to 2026-02-01T10:00:00Z, later 0, outcomes true",
		`sign-in "1" login="" application="A" mode=interactive last=2026-02-01T10:00:00Z count=1`,
		`sign-in "1" login="" application="B" mode=interactive last=2026-02-01T10:00:00Z count=1`)
	same(t, "the rest", connectortest.Said(o), "5 rows, 4 rejected, complete true, from 2026-02-01T10:00:00Z to 2026-02-01T10:00:00Z, lag 6h0m0s",
		"rejected log.jsonl:2: an activity without an event", "rejected log.jsonl:3: not a JSON object",
		"rejected log.jsonl:4: an activity without an event", "rejected log.jsonl:5: an activity without an event")
}

// TestCoverage checks that several logs cover together only what each of them covers.
func TestCoverage(t *testing.T) {
	line := func(log, at string) string {
		return fmt.Sprintf(`{"id":{"time":%q,"applicationName":%q},"actor":{"profileId":"1"},"events":[{"type":"login","name":"logout"}]}`+"\n", at, log)
	}
	login := line("login", "2026-01-01T00:00:00Z") + line("login", "2026-11-21T20:00:00Z")
	saml := line("saml", "2026-06-01T00:00:00Z") + line("saml", "2026-11-21T19:00:00Z")
	rare := line("admin", "2026-07-01T00:00:00Z")
	tests := []struct{ name, text, more, from, to string }{
		{"one log", login, "", "2026-01-01T00:00:00Z", "2026-11-21T20:00:00Z"},
		{"two logs", login + saml, "", "2026-06-01T00:00:00Z", "2026-11-21T19:00:00Z"},
		{"a log that shows no use", login + rare, "", "2026-01-01T00:00:00Z", "2026-11-21T20:00:00Z"},
		{"declared", login + saml, "\ncoverage: {from: 2026-02-01, to: 2026-11-21}", "2026-01-31T23:00:00Z", "2026-11-21T22:59:59.999Z"},
		{"later than the as-of", login + line("saml", "2026-11-22T10:00:00Z"), "", "2026-01-01T00:00:00Z", "2026-11-21T20:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := pull(t, connectortest.Folder(t, "log.jsonl", test.text), facts.FeedSignIns, "files: {sign-ins: log.jsonl}"+test.more)
			if o.From.String() != test.from || o.To.String() != test.to || o.Lag != 6*time.Hour {
				t.Errorf("from %v to %v, lag %v; want %s to %s", o.From, o.To, o.Lag, test.from, test.to)
			}
		})
	}
}

func TestRejectedActivities(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "log.jsonl", `{"id":{"applicationName":"login"},"events":[{"name":"logout"}]}
{"id":{"time":"soon"},"events":[{"name":"logout"}]}
{"id":{"time":"1969-01-01T00:00:00Z"},"events":[{"name":"logout"}]}
{"id":{"time":"2126-01-01T00:00:00Z"},"events":[{"name":"logout"}]}
{"id":{"time":"2026-01-01T00:00:00Z"},"events":[{"name":"logout"}]}
[]
`), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
	var got []string
	for _, r := range o.Rejects {
		got = append(got, fmt.Sprintf("%d: %s", r.Line, r.Reason))
	}
	want := []string{"1: an activity without a time in id.time", "2: an activity without a time in id.time",
		"3: an activity before 1970 or more than a day after the run", "4: an activity before 1970 or more than a day after the run", "6: not a JSON object"}
	if !slices.Equal(got, want) {
		t.Errorf("rejections %q", got)
	}
}

func TestConfig(t *testing.T) {
	for config, want := range map[string]string{
		"kind: google":                                    "no files are named",
		"files: {counters: x}":                            "has no counters feed",
		"files: {people: x}\nwrite: true":                 "write: kind google only reads files",
		"files: {seats: {workspace: x}}":                  "files.seats: files of kind google name their products themselves",
		"files: {people: x}\ntenant: y":                   "tenant",
		"files: {people: x}\ncoverage: {from: yesterday}": "yesterday",
	} {
		if _, err := Descriptor().Open(connectortest.Section(".", config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", config, err, want)
		}
	}
}

// TestCheck checks that missing and empty files are found before a run.
func TestCheck(t *testing.T) {
	dir := connectortest.Folder(t, "users.json", "{}", "empty.json", "")
	for config, want := range map[string]string{"files: {people: users.json}": "", "files: {people: none*.json}": "matches no file",
		"files: {seats: empty.json}": "empty"} {
		source, err := Descriptor().Open(connectortest.Section(dir, config))
		if err != nil {
			t.Fatal(err)
		}
		err = source.(connectors.Checker).Check(t.Context())
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// lines are the flattened samples and some of the API's form, the latter as lines too.
func lines(t testing.TB) [][]byte {
	b, err := os.ReadFile(samples + "reports_activities_flattened.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Split(bytes.TrimSpace(b), []byte("\n")),
		[]byte(`{"id":{"time":"2026-02-01T10:00:00Z","applicationName":"saml"},"actor":{"profileId":"1"},"events":[{"type":"login","name":"login_success","parameters":[{"name":"application_name","value":"Fi\u0067ma"}]}]}`),
		[]byte(`{"id":{"time":"2026-02-01T10:00:00Z","applicationName":"login"},"actor":{"email":"a@x"},"events":[{"type":"login","name":"login_success"},{"name":"logout"}]}`))
}

func TestActivitiesAllocateNothing(t *testing.T) {
	r, all := newReader(connectortest.Pull(facts.FeedSignIns, 1, nil)), lines(t)
	read := func() {
		for _, line := range all {
			_ = r.add(line) // some are refused
		}
	}
	read() // the lane meets its keys
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations in %d activities", n, len(all))
	}
}

func BenchmarkActivities(b *testing.B) {
	text, err := os.ReadFile(samples + "reports_login.json")
	if err != nil {
		b.Fatal(err)
	}
	text = text[bytes.IndexByte(text, '{') : bytes.Index(text, []byte("\n  },\n  {"))+4]
	r := newReader(connectortest.Pull(facts.FeedSignIns, 1, nil))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := r.add(text); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzActivities checks that no input makes the converter panic or count what it refuses.
func FuzzActivities(f *testing.F) {
	for _, line := range lines(f) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		p := connectortest.Pull(facts.FeedSignIns, 1, nil)
		r := newReader(p)
		err := r.add(doc)
		o := facts.NewObservation("google", facts.FeedSignIns, p.AsOf)
		o.Join(r.lane)
		r.spans.Declare(o)
		if err != nil && (o.Daily.First.Known() || o.SignIns.Len() > 0 || o.From.Known()) {
			t.Fatalf("%q: refused with %v and counted", doc, err)
		}
		for n := range o.SignIns.Len() {
			if o.SignIns.Account[n] == 0 || o.SignIns.Application[n] == 0 || o.SignIns.Last[n] > p.AsOf {
				t.Fatalf("%q: counted as %s", doc, connectortest.Print(o))
			}
		}
	})
}

// FuzzUsers checks that no input makes the converter panic, or take in a user without an id.
func FuzzUsers(f *testing.F) {
	b, err := os.ReadFile(samples + "directory_user.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"id":"1","suspended":true,"emails":[{"address":"a"}],"organizations":[{"primary":true}],"lastLoginTime":"1970-01-01T00:00:00.000Z"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		o := facts.NewObservation("google", facts.FeedPeople, 0)
		d := directory{o: o, seen: map[string]struct{}{}}
		if err := d.add(doc); (err == nil) != (o.People.Len() == 1) || err == nil && o.People.ID[0] == 0 {
			t.Fatalf("%q: %v, %s", doc, err, connectortest.Print(o))
		}
	})
}
