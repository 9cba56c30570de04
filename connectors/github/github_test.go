package github

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

var update = flag.Bool("update", false, "write the golden files")

const samples = "../../fixtures/samples/github/"

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
		{"copilot_seats_organization.json", facts.FeedPeople},
		{"copilot_seats_organization.json", facts.FeedSeats},
		{"enterprise_consumed_licenses.json", facts.FeedPeople},
		{"enterprise_consumed_licenses.json", facts.FeedSeats},
		{"enterprise_consumed_licenses.json", facts.FeedCounters},
		{"audit_log.ndjson", facts.FeedSignIns},
		{"copilot_users_1_day_report.json", facts.FeedSignIns},
	} {
		o, err := try(t, samples, sample.feed, fmt.Sprintf("feed: %s\nfiles: %s", sample.feed, sample.file))
		fmt.Fprintf(&got, "== %s: %s\n%s%s\n", sample.file, sample.feed, connectortest.Said(o), connectortest.Print(o))
		if err != nil {
			fmt.Fprintf(&got, "error %s: %v\n", connectors.ClassOf(err), err)
		}
	}
	connectortest.Golden(t, filepath.Join("testdata", "samples.golden"), got.String(), *update)
}

// copilot is a file of Copilot seats of which every kind occurs.
const copilot = `{"total_seats":5,"seats":[
{"created_at":"2021-08-03T18:00:00-06:00","pending_cancellation_date":null,"last_activity_at":"2026-10-14T00:53:32-06:00","last_authenticated_at":"2026-10-15T00:00:00Z","plan_type":"enterprise","assignee":{"login":"Octocat","id":1,"type":"User"},"assigning_team":{"name":"Justice League","slug":"justice-league"},"organization":{"login":"acme"}},
{"created_at":"2021-08-04T00:00:00Z","last_activity_at":"2026-10-13T00:00:00Z","plan_type":"enterprise","assignee":{"login":"octocat","id":1,"type":"User"},"organization":{"login":"umbrella"}},
{"created_at":"2021-08-03T00:00:00Z","pending_cancellation_date":"2026-12-01","last_activity_at":null,"plan_type":"business","assignee":{"login":"leaving","type":"User"},"assigning_team":{"name":"The A Team"}},
{"created_at":"2021-08-03T00:00:00Z","pending_cancellation_date":"2026-11-21","assignee":{"login":"left"}},
{"created_at":"2021-08-03T00:00:00Z","plan_type":"unknown","assignee":{"login":"ci","type":"Bot"}},
{"created_at":"2021-08-03T00:00:00Z","assignee":null},
{"created_at":"2021-08-03T00:00:00Z","assignee":{"id":7}},
{"created_at":"2021-08-03T00:00:00Z","pending_cancellation_date":"soon","assignee":{"login":"torn"}},
{"created_at":7,"assignee":{"login":"typed"}},
{"login":"member"}]}`

const licensed = `{"total_seats_consumed":3,"total_seats_purchased":10,"users":[
{"github_com_login":"octocat","github_com_name":"Octo Cat","github_com_user":true,"enterprise_server_user":true,"enterprise_server_user_ids":["h:1"],"license_type":"Enterprise","github_com_member_roles":["acme:Owner"],"github_com_verified_domain_emails":["octo@x","cat@x"],"github_com_saml_name_id":"OCTO@x","enterprise_server_emails":["cat@old"]},
{"github_com_login":"","github_com_user":false,"enterprise_server_user":true,"enterprise_server_user_ids":["h:2"],"license_type":"enterprise","enterprise_server_emails":["server@x"]},
{"github_com_login":"","visual_studio_subscription_user":true,"visual_studio_subscription_email":"vs@x","license_type":""},
{"github_com_login":"OCTOCAT","license_type":"enterprise"},
{"github_com_login":"","license_type":"enterprise"},
{"github_com_login":"typed","license_type":"enterprise","github_com_member_roles":"acme:Owner"}]}`

func TestPeople(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "a.json", copilot, "b.json", licensed), facts.FeedPeople, "files: {people: [a.json, b.json]}")
	person := func(text, middle, last string) string {
		return fmt.Sprintf(`person %s department="" centre="" manager="" role="" groups=%s hired= left= leave=.. last=%s deleted=false`, text, middle, last)
	}
	same(t, "people", connectortest.Print(o),
		person(`"ci" email="" aliases=[] employee="" name="" kind=unknown status=active`, "[]", ""),
		person(`"h:2" email="server@x" aliases=[] employee="" name="" kind=employee status=active`, "[]", ""),
		person(`"leaving" email="" aliases=[] employee="" name="" kind=employee status=active`, "[]", ""),
		person(`"left" email="" aliases=[] employee="" name="" kind=employee status=active`, "[]", ""),
		person(`"octocat" email="octo@x" aliases=["cat@old" "cat@x"] employee="" name="Octo Cat" kind=employee status=active`, `["acme:Owner"]`, "2026-10-15T00:00:00Z"),
		person(`"vs@x" email="vs@x" aliases=[] employee="" name="" kind=employee status=active`, "[]", ""))
}

func TestSeats(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "a.json", copilot, "b.json", licensed), facts.FeedSeats, "files: {seats: [a.json, b.json]}")
	seat := func(account, login, product, path, assigned string) string {
		return fmt.Sprintf(`seat %q login=%q product=%q path=%q centre="" assigned=%s`, account, login, product, path, assigned)
	}
	same(t, "seats", connectortest.Print(o),
		seat("Octocat", "", "copilot-enterprise", "group:acme/justice-league", "2021-08-04T00:00:00Z"),
		seat("ci", "", "copilot", "direct", "2021-08-03T00:00:00Z"),
		seat("h:2", "server@x", "enterprise-server", "direct", ""),
		seat("leaving", "", "copilot-business", "group:The A Team", "2021-08-03T00:00:00Z"),
		seat("octocat", "", "copilot-enterprise", "direct", "2021-08-04T00:00:00Z"),
		seat("octocat", "octo@x", "enterprise", "direct", ""),
		seat("vs@x", "", "enterprise", subscription, ""))
	same(t, "the rest", connectortest.Said(o), "16 rows, 8 rejected, complete true, from  to , lag 0s",
		"rejected a.json:7: a Copilot seat without an assignee",
		"rejected a.json:8: a Copilot seat without an assignee",
		"rejected a.json:9: a Copilot seat whose pending_cancellation_date is no date",
		"rejected a.json:10: a Copilot seat with a member of the wrong type",
		"rejected a.json:11: neither a Copilot seat with an assignee nor a user with a license_type",
		"rejected b.json:5: a user who has been read already",
		"rejected b.json:6: a licensed user without a login, a server's id or an address",
		"rejected b.json:7: a licensed user with a member of the wrong type",
		"note cancelled at GitHub already and held until the end of the billing cycle: 1 Copilot seats",
		"note left out, since their pending_cancellation_date is past: 1 Copilot seats")
}

// TestMissingPages checks that the totals on the pages are believed.
func TestMissingPages(t *testing.T) {
	seat := func(login string) string {
		return fmt.Sprintf(`{"created_at":"2021-08-03T00:00:00Z","assignee":{"login":%q}}`, login)
	}
	seats := func(total int, list ...string) string {
		return fmt.Sprintf(`{"total_seats":%d,"seats":[%s]}`, total, strings.Join(list, ","))
	}
	tests := []struct {
		name, one, other string
		want             string // of the error; "" if the list is whole
	}{
		{"whole", seats(3, seat("a"), seat("b")), seats(3, seat("c")), ""},
		{"one missing", seats(3, seat("a")), seats(3, seat("c")), "total_seats says 3, the pages hold 2"},
		{"two teams give one seat", seats(2, seat("a"), seat("A")), seats(2, seat("a")), "total_seats says 2, the pages hold 1"},
		{"nobody's seat", seats(2, seat("a")), seats(2, `{"assignee":null}`), ""},
		{"licences", `{"total_seats_consumed":2,"total_seats_purchased":9,"users":[{"github_com_login":"a","license_type":"enterprise"}]}`,
			`{"total_seats_consumed":2,"total_seats_purchased":9,"users":[]}`, "total_seats_consumed says 2, the pages hold 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := connectortest.Folder(t, "1.json", test.one, "2.json", test.other)
			for _, feed := range []facts.Feed{facts.FeedPeople, facts.FeedSeats} {
				o, err := try(t, dir, feed, fmt.Sprintf("feed: %s\nfiles: \"*.json\"", feed))
				if test.want == "" && (err != nil || !o.Complete) {
					t.Errorf("%s: %v, complete %t", feed, err, o.Complete)
				}
				if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || connectors.ClassOf(err) != connectors.Incomplete || o.Complete) {
					t.Errorf("%s: error %v, want %s", feed, err, test.want)
				}
			}
		})
	}
}

func TestCounters(t *testing.T) {
	page := func(consumed, bought int, user string) string {
		return fmt.Sprintf(`{"total_seats_consumed":%d,"total_seats_purchased":%d,"users":[{"github_com_login":%q,"github_com_user":true,"license_type":"enterprise"}]}`, consumed, bought, user)
	}
	tests := []struct{ name, one, other, want string }{
		{"two pages", page(5000, 4500, "a"), page(5000, 4500, "b"), `counter "enterprise" purchased=4500 consumed=5000`},
		{"two enterprises", page(5000, 4500, "a"), page(10, 20, "b"), "the pages do not agree"},
		{"no totals", `{"users":[{"github_com_login":"a","license_type":"enterprise"}]}`, page(1, 1, "b"), `counter "enterprise" purchased=1 consumed=1`},
		{"Copilot only", `{"total_seats":1,"seats":[{"assignee":{"login":"a"}}]}`, `{"seats":[]}`, "no page says total_seats_purchased"},
		{"a total in words", `{"total_seats_purchased":"unlimited","users":[]}`, page(1, 1, "b"), "a total is no number"},
		{"a server's users first", `{"users":[{"github_com_login":"","enterprise_server_user":true,"enterprise_server_user_ids":["h:1"],"license_type":"enterprise"}]}`,
			page(2, 3, "b"), `counter "enterprise" purchased=3 consumed=2`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, err := try(t, connectortest.Folder(t, "1.json", test.one, "2.json", test.other), facts.FeedCounters, `files: {counters: "*.json"}`)
			got := connectortest.Print(o)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) || (err == nil) != o.Complete {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestAuditLog(t *testing.T) {
	const at = `"@timestamp":1795248000123,"created_at":1700000000000`
	used := func(account, application, mode string) string {
		return fmt.Sprintf("sign-in %q login=\"\" application=%q mode=%s last=2026-11-21T08:00:00.123Z count=1", account, application, mode)
	}
	tests := []struct{ name, line, want string }{ // want "" means logged, not counted
		{"a push", `{` + at + `,"action":"git.push","actor":"ana","actor_id":7}`, used("ana", "git", "interactive")},
		{"with a token", `{` + at + `,"action":"git.clone","actor":"ana","programmatic_access_type":"OAuth access token"}`, used("ana", "git", "non-interactive")},
		{"longer action", `{` + at + `,"action":"protected_branch.policy.override","actor":"ana"}`, used("ana", "protected_branch", "interactive")},
		{"action without a dot", `{` + at + `,"action":"staff","actor":"ana"}`, used("ana", "staff", "interactive")},
		{"done to somebody", `{` + at + `,"action":"org.add_member","actor":"ana","user":"bo"}`, used("ana", "org", "interactive")},
		{"created_at", `{"created_at":1795248000123,"action":"repo.create","actor":"ana"}`, used("ana", "repo", "interactive")},
		{"created_at as text", `{"created_at":"2026-11-21 08:00:00.123000000","action":"repo.create","actor":"ana"}`, used("ana", "repo", "interactive")},
		{"copied time", `{"at_sign_timestamp":"2026-11-21 08:00:00.123","action":"repo.create","actor":"ana"}`, used("ana", "repo", "interactive")},
		{"failure", `{` + at + `,"action":"user.failed_login","actor":"ana"}`, ""},
		{"other failure", `{` + at + `,"action":"external_identity.scim_api_failure","actor":"ana"}`, ""},
		{"bot", `{` + at + `,"action":"git.push","actor":"ana","actor_is_bot":true}`, ""},
		{"bot by name", `{` + at + `,"action":"git.push","actor":"dependabot[bot]"}`, ""},
		{"application", `{` + at + `,"action":"git.push","actor":"ana","programmatic_access_type":"GitHub App server-to-server token"}`, ""},
		{"application for a user", `{` + at + `,"action":"git.push","actor":"ana","programmatic_access_type":"GitHub App user-to-server token"}`, used("ana", "git", "non-interactive")},
		{"nobody", `{` + at + `,"action":"org.cancel_invitation"}`, ""},
		{"nobody either", `{` + at + `,"action":"org.cancel_invitation","actor":null}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := pull(t, connectortest.Folder(t, "log.jsonl", test.line+"\n"), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
			want := []string{"day 2026-11-21 events=1", "events from 2026-11-21T08:00:00.123Z to 2026-11-21T08:00:00.123Z, later 0, outcomes true"}
			if test.want != "" {
				want = append(want, test.want)
			}
			same(t, "sign-ins", connectortest.Print(o), want...)
			if o.Lag != 0 || len(o.Notes) > 0 {
				t.Errorf("lag %v, notes %q: GitHub documents none, and there is no usage report", o.Lag, o.Notes)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	day := func(login, day, rest string) string {
		return fmt.Sprintf(`{"user_login":%q,"day":%q,%s}`, login, day, rest)
	}
	o := pull(t, connectortest.Folder(t, "usage.jsonl", strings.Join([]string{
		day("ana", "2026-11-18", `"user_initiated_interaction_count":3`),
		day("ana", "2026-11-19", `"used_cli":true,"user_initiated_interaction_count":0`),
		day("bo", "2026-11-19", `"used_cli":false,"user_initiated_interaction_count":0,"code_acceptance_activity_count":0`),
		day("bo", "2026-11-22", `"used_chat":true`), // not over at the as-of
		day("bo", "yesterday", `"used_chat":true`),
		`{"user_login":"bo","used_chat":true}`,
		`{"user_id":7,"day":"2026-11-19","used_chat":true}`}, "\n")), facts.FeedSignIns, "files: {sign-ins: usage.jsonl}")
	same(t, "sign-ins", connectortest.Print(o), "day 2026-11-18 events=1", "day 2026-11-19 events=2",
		"events from 2026-11-18T22:59:59.999Z to 2026-11-19T22:59:59.999Z, later 1, outcomes true", // the last moment of the day in Berlin
		`sign-in "ana" login="" application="GitHub Copilot" mode=unknown last=2026-11-19T22:59:59.999Z count=2`)
	if o.Stale != usageStale {
		t.Errorf("stale by %v", o.Stale)
	}
	same(t, "the rest", connectortest.Said(o), "7 rows, 3 rejected, complete true, from 2026-11-18T00:00:00Z to 2026-11-19T22:59:59.999Z, lag 96h0m0s",
		"rejected usage.jsonl:5: a user's day without a date in day",
		"rejected usage.jsonl:6: a user's day without a date in day",
		"rejected usage.jsonl:7: neither an audit event with an action nor a user's day with user_login",
		"note usage reports come from telemetry: developers who switched it off in the editor are in none of them")
}

// TestCoverage checks that audit log and usage reports cover together only what both cover.
func TestCoverage(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "log.jsonl", `{"@timestamp":1700000000000,"action":"git.push","actor":"ana"}
{"@timestamp":1795248000123,"action":"git.push","actor":"ana"}
{"user_login":"ana","day":"2026-10-01","used_chat":true}
{"user_login":"ana","day":"2026-11-19","used_chat":true}
`), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
	if o.From.String() != "2026-10-01T00:00:00Z" || o.To.String() != "2026-11-19T22:59:59.999Z" || o.Lag != usageLag {
		t.Errorf("from %v to %v, lag %v", o.From, o.To, o.Lag)
	}
}

// TestUsageDayElsewhere checks that a day of UTC is the day of the same date wherever the organisation is, and no later
// than UTC's.
func TestUsageDayElsewhere(t *testing.T) {
	for zone, want := range map[string]string{"America/Los_Angeles": "2026-11-18T23:59:59.999Z", "UTC": "2026-11-18T23:59:59.999Z",
		"Asia/Tokyo": "2026-11-18T14:59:59.999Z", "Pacific/Kiritimati": "2026-11-18T09:59:59.999Z"} {
		at, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		p := connectortest.Pull(facts.FeedSignIns, 1, nil)
		p.Calendar = facts.NewCalendar(at)
		r := newReader(p)
		if err := r.add([]byte(`{"user_login":"ana","day":"2026-11-18","used_chat":true}`)); err != nil {
			t.Fatal(err)
		}
		o := facts.NewObservation("github", facts.FeedSignIns, p.AsOf)
		o.Join(r.lane)
		if o.Daily.On(facts.Date(2026, 11, 18)) != 1 || o.Daily.Last.String() != want {
			t.Errorf("%s: %v", zone, o.Daily)
		}
	}
}

func TestRejectedEvents(t *testing.T) {
	o := pull(t, connectortest.Folder(t, "log.jsonl", `{"action":"git.push","actor":"ana"}
{"@timestamp":"soon","action":"git.push","actor":"ana"}
{"@timestamp":1.7e12,"action":"git.push","actor":"ana"}
{"@timestamp":99999999999999999999,"action":"git.push","actor":"ana"}
{"@timestamp":-1,"action":"git.push","actor":"ana"}
{"@timestamp":4102444800000,"action":"git.push","actor":"ana"}
{"@timestamp":1795248000123,"actor":"ana"}
{"@timestamp":1795248000123,"action":7,"actor":"ana"}
{"@timestamp":1795248000123,"action":"git.push","actor":"ana"}
`), facts.FeedSignIns, "files: {sign-ins: log.jsonl}")
	var got []string
	for _, r := range o.Rejects {
		got = append(got, fmt.Sprintf("%d: %s", r.Line, r.Reason))
	}
	same(t, "rejections", strings.Join(got, "\n"), "1: "+string(noTime), "2: "+string(noTime), "3: "+string(noTime), "4: "+string(noTime),
		"5: "+string(wrongTime), "6: "+string(wrongTime), "7: "+string(noAction), "8: "+string(noAction))
}

func TestConfig(t *testing.T) {
	for config, want := range map[string]string{
		"kind: github":                                   "no files are named",
		"files: {purchases: x}":                          "has no purchases feed",
		"files: {people: x}\nwrite: true":                "write: kind github only reads files",
		"files: {seats: {copilot: x}}":                   "files.seats: files of kind github name their products themselves",
		"files: {people: x}\ntoken: y":                   "token",
		"files: {people: x}\ncoverage: {from: tomorrow}": "tomorrow",
	} {
		if _, err := Descriptor().Open(connectortest.Section(".", config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", config, err, want)
		}
	}
}

// TestCheck checks that missing and empty files are found before a run.
func TestCheck(t *testing.T) {
	dir := connectortest.Folder(t, "seats.json", copilot, "empty.json", "")
	for config, want := range map[string]string{"files: {seats: seats.json}": "", "files: {seats: none*.json}": "matches no file",
		"files: {sign-ins: empty.json}": "empty"} {
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

// lines are the sample events, and days of usage as lines too.
func lines(t testing.TB) [][]byte {
	b, err := os.ReadFile(samples + "audit_log.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Split(bytes.TrimSpace(b), []byte("\n")),
		[]byte(`{"user_login":"octocat","day":"2026-04-25","user_initiated_interaction_count":24,"used_cli":true}`),
		[]byte(`{"user_login":"octocat","day":"2026-04-26","user_initiated_interaction_count":0}`))
}

func TestEventsAllocateNothing(t *testing.T) {
	r, all := newReader(connectortest.Pull(facts.FeedSignIns, 1, nil)), lines(t)
	read := func() {
		for _, line := range all[:len(all)-2] {
			_ = r.add(line) // some are refused
		}
	}
	read() // the lane meets its keys
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations in %d events", n, len(all)-2)
	}
}

// FuzzEvents checks that no input makes the converter panic or count what it refuses.
func FuzzEvents(f *testing.F) {
	for _, line := range lines(f) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		p := connectortest.Pull(facts.FeedSignIns, 1, nil)
		r := newReader(p)
		err := r.add(doc)
		o := facts.NewObservation("github", facts.FeedSignIns, p.AsOf)
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

// FuzzHoldings checks that no input makes the converters panic, or take in a record without an account.
func FuzzHoldings(f *testing.F) {
	for _, list := range []string{copilot, licensed} {
		for line := range strings.Lines(list) {
			f.Add([]byte(strings.TrimRight(line, ",]}\n") + "}"))
		}
	}
	f.Add([]byte(`{"assignee":{"login":"a"},"pending_cancellation_date":"2026-12-01"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if s, err := decodeSeat(doc); err == nil {
			if ends, err := s.ends(); s.Assignee.Login == "" || s.path() == "" || err != nil || s.Ends == "" && ends != facts.NoDay {
				t.Fatalf("%q: %+v", doc, s)
			}
		}
		if u, err := decodeUser(doc); err == nil {
			if p := u.person(); p.ID == "" || p.ID != string(u.seat().Account) || len(u.seat().Product) == 0 {
				t.Fatalf("%q: %+v", doc, u)
			}
		}
	})
}
