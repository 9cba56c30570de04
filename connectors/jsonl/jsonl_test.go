package jsonl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

// pull reads one file with a section of the given YAML.
func pull(t *testing.T, config, content string, workers int) (*facts.Observation, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := open(connectortest.Section(dir, config+"\nfiles: in.json\n"))
	if err != nil {
		t.Fatal(err)
	}
	return source.Pull(t.Context(), connectortest.Pull(source.Feeds()[0], workers, &connectortest.Raw{}))
}

func rejected(o *facts.Observation) string {
	var all []string
	for _, r := range o.Rejects {
		all = append(all, (&connectors.Error{Place: r.File, Line: r.Line, Reason: r.Reason}).Error())
	}
	return strings.Join(all, "\n")
}

func TestPeople(t *testing.T) {
	config := `feed: people
columns: {email: profile.login, employee_id: id, groups: memberships, left: profile.end}
values: {status: {"true": active, "false": suspended}}`
	content := `{"id": 123456789012345678901, "profile": {"login": "ana@example.com", "end": null}, "status": true, "memberships": ["a;b", "c", null, 7]}
{"id": "2", "name": "=HYPERLINK(\"x\")", "profile": {"end": "2026-01-31"}, "status": "leaver", "kind": "contractor", "memberships": "x; y"}

{"id": {"n": 3}}
{"id": ["4"]}
{"id": "5\u0000"}
{"id": "6", "memberships": [{"name": "x"}]}
{"id": 4.32E+18}
{"name": "nobody"}
{"id": "7", "profile": {"end": "31/12/2026"}}
{"id": "8",}
[1, 2]
{"id": "9"}`
	o, err := pull(t, config, content, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := `person "123456789012345678901" email="ana@example.com" aliases=[] employee="123456789012345678901" name="" kind=employee status=active department="" centre="" manager="" role="" groups=["7" "a;b" "c"] hired= left= leave=.. last= deleted=false
person "2" email="" aliases=[] employee="2" name="=HYPERLINK(\"x\")" kind=contractor status=leaver department="" centre="" manager="" role="" groups=["x" "y"] hired= left=2026-01-31 leave=.. last= deleted=false
person "9" email="" aliases=[] employee="9" name="" kind=employee status=unknown department="" centre="" manager="" role="" groups=[] hired= left= leave=.. last= deleted=false`
	if diff := cmp.Diff(want, connectortest.Print(o)); diff != "" {
		t.Error(diff)
	}
	wantRejects := `in.json:4: id is an object; name a key inside it, as in profile.login
in.json:5: id is a list
in.json:6: id holds a NUL
in.json:7: groups is a list of other things than text and numbers
in.json:8: id was damaged by a spreadsheet: it looks like 9.99a+99
in.json:9: id is empty
in.json:10: left could be day-first or month-first (it looks like 99/99/9999): say dates: dmy or dates: mdy`
	if got := rejected(o); !strings.HasPrefix(got, wantRejects+"\n") || o.Rejected != 9 {
		t.Errorf("rejected %d:\n%s", o.Rejected, got)
	}
}

func TestSignIns(t *testing.T) {
	config := "feed: sign-ins\njsonl: {dates: unix-ms, array: events}\ncolumns: {time: ts, account: actor.id, application: app, outcome: ok}\n" +
		`values: {outcome: {"true": success, "false": failure}}`
	tests := []struct {
		name, content string
		outcomes      bool
		uses          int
	}{
		{"all tell", `{"events": [{"ts": 1795046400000, "actor": {"id": 7}, "app": "x", "ok": true}, {"ts": 1795046400001, "actor": {"id": 7}, "app": "x", "ok": false}]}`,
			true, 1},
		{"one does not", `{"events": [{"ts": 1795046400000, "actor": {"id": 7}, "app": "x", "ok": true}, {"ts": 1795046400001, "actor": {"id": 7}, "app": "x"}]}`,
			false, 1},
		{"none does", `{"ts": 1795046400000, "actor": {"id": 7}, "app": "x"}`, false, 0},
	}
	for _, test := range tests {
		for _, workers := range []int{1, 2} {
			o, err := pull(t, config, test.content, workers)
			if err != nil || o.Outcomes != test.outcomes || o.SignIns.Len() != test.uses || len(o.Notes) == 0 == !test.outcomes {
				t.Errorf("%s: error %v, outcomes %t, notes %q\n%s", test.name, err, o.Outcomes, o.Notes, connectortest.Print(o))
			}
		}
	}
}

func TestFaults(t *testing.T) {
	tests := []struct{ name, config, content, want, hint string }{
		{"missing key", "feed: people\ncolumns: {id: userId}", `{"user_id": "1", "profile": {"login": "x"}}` + "\n" + `{"user_id": "2"}`,
			`source: in.json:1: no column "userId" for id; found "profile.login", "user_id"`, `did you mean "user_id"? columns: {id: "user_id"}`},
		{"no records", "feed: people", "[]", "source: in.json: no records",
			"an export without records says nothing; see what was rejected and why, or export it again"},
		{"cut short", "feed: people", `[{"id": "1"}, {"id": "2"`, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, err := pull(t, test.config, test.content, 2)
			if err == nil || test.want != "" && (err.Error() != test.want || connectors.HintOf(err) != test.hint) {
				t.Errorf("error %v\nhint %s", err, connectors.HintOf(err))
			}
			if class := connectors.ClassOf(err); test.want == "" && class != connectors.Incomplete {
				t.Errorf("%v is %s", err, class)
			}
			if o.Complete {
				t.Error("the observation is complete")
			}
		})
	}
}

func TestConfiguration(t *testing.T) {
	for config, want := range map[string]string{
		"columns: {id: a..b}":            `source: columns.id: "a..b" is no path`,
		"columns: {id: 'a[0].b'}":        `source: columns.id: "a[0].b" is no path`,
		"columns: {email: a, name: a.b}": "",
		"write: true":                    "source: write: kind jsonl only reads files",
		"jsonl: {dates: ymd}":            `source: dates: "ymd" is no way to write dates`,
	} {
		_, err := open(connectortest.Section("", "kind: jsonl\nfeed: people\nfiles: a\n"+config))
		if err == nil != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}
