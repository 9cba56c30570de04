package csv

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
	if err := os.WriteFile(filepath.Join(dir, "in.csv"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := open(connectortest.Section(dir, config+"\nfiles: in.csv\n"))
	if err != nil {
		t.Fatal(err)
	}
	return source.Pull(t.Context(), connectortest.Pull(source.Feeds()[0], workers, &connectortest.Raw{}))
}

func rejected(o *facts.Observation) string {
	var all []string
	for _, r := range o.Rejects {
		all = append(all, connectorsLine(r))
	}
	return strings.Join(all, "\n")
}

func connectorsLine(r facts.Rejection) string {
	return (&connectors.Error{Place: r.File, Line: r.Line, Reason: r.Reason}).Error()
}

func TestPeople(t *testing.T) {
	config := `feed: people
csv: {delimiter: ";", dates: dmy}
columns: {id: Nummer, employee_id: Nummer, email: E-Mail, status: Status, hired: Eintritt, left: Austritt, groups: Gruppen}
values: {status: {Aktiv: active, "In Elternzeit": on-leave, Ausgetreten: leaver}}`
	content := "Nummer;E-Mail;Name;Status;Eintritt;Austritt;Gruppen;kind\r\n" +
		"0017;ana@example.com;\"Núñez, Ana\r\n\"\"die Ältere\"\"\";aktiv;1.2.2020;;\"dev; ops;\";\r\n" +
		"0018;=cmd|'/C calc'!A0;Ben;IN ELTERNZEIT;2020-02-01;0000-00-00;;contractor\r\n" +
		"\r\n" +
		"0019;c@example.com;Cem;Sabbatical;31.12.2021;31.12.2026 18:00;;robot\r\n" +
		"4,32E+18;d@example.com;Dee;aktiv;;;;\r\n" +
		";e@example.com;Eve;aktiv;;;;\r\n" +
		"0020;f@example.com;Fay;aktiv;31.02.2021;;;\r\n" +
		"0021;g@example.com;Gus;aktiv\r\n" +
		"0022;h\x00@example.com;Hal;aktiv;;;;\r\n" +
		"0023;\xff@example.com;Ida;aktiv;;;;\r\n" +
		"0024;j@example.com;J\"ay;aktiv;;;;\r\n" +
		"Nummer;E-Mail;Name;Status;Eintritt;Austritt;Gruppen;kind\r\n" +
		"0025;k@example.com;Kit;Ausgetreten;;2026-10-01;;service"
	o, err := pull(t, config, content, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := `person "0017" email="ana@example.com" aliases=[] employee="0017" name="Núñez, Ana\n\"die Ältere\"" kind=employee status=active department="" centre="" manager="" role="" groups=["dev" "ops"] hired=2020-02-01 left= leave=.. last= deleted=false
person "0018" email="=cmd|'/C calc'!A0" aliases=[] employee="0018" name="Ben" kind=contractor status=on-leave department="" centre="" manager="" role="" groups=[] hired=2020-02-01 left= leave=.. last= deleted=false
person "0019" email="c@example.com" aliases=[] employee="0019" name="Cem" kind=unknown status=unknown department="" centre="" manager="" role="" groups=[] hired=2021-12-31 left=2026-12-31 leave=.. last= deleted=false
person "0025" email="k@example.com" aliases=[] employee="0025" name="Kit" kind=service status=leaver department="" centre="" manager="" role="" groups=[] hired= left=2026-10-01 leave=.. last= deleted=false`
	if diff := cmp.Diff(want, connectortest.Print(o)); diff != "" {
		t.Error(diff)
	}
	wantRejects := `in.csv:7: id was damaged by a spreadsheet: it looks like 9,99a+99
in.csv:8: id is empty
in.csv:9: hired is no date or time that is understood: it looks like 99.99.9999
in.csv:10: has 4 fields, the header has 8
in.csv:11: holds a NUL
in.csv:12: is not valid UTF-8
in.csv:13: has a quotation mark in a field that does not start with one
in.csv:14: repeats the header`
	if diff := cmp.Diff(wantRejects, rejected(o)); diff != "" {
		t.Error(diff)
	}
	wantNotes := []string{`1 people are of unknown kind: "robot" (1); map the words under values: {kind: …}`,
		`1 people are of unknown status: "Sabbatical" (1); map the words under values: {status: …}`}
	if diff := cmp.Diff(wantNotes, o.Notes); diff != "" {
		t.Error(diff)
	}
	if !o.Complete || o.Rows != 12 || o.Rejected != 8 || o.Files[0].Rows != 12 {
		t.Errorf("complete %t, %d rows, %d rejected, %+v", o.Complete, o.Rows, o.Rejected, o.Files)
	}
}

func TestSignIns(t *testing.T) {
	config := "feed: sign-ins\ncoverage: {from: 2026-05-01, to: 2026-11-21}\nvalues: {outcome: {OK: success, NOK: failure}}"
	content := "time,account,application,outcome,interactive\n" +
		"2026-11-20T08:00:00Z,ana,Figma,OK,true\n" +
		"2026-11-20 10:30,ana,Figma,ok,true\n" +
		"2026-11-19T23:30:00.5+01:00,\"ben,\n\"\"b\"\"\",Figma,success,false\n" +
		"2026-11-21,cem,Miro,OK,\n" +
		"2026-11-21T10:00:00Z,cem,Miro,NOK,\n" +
		"2026-11-21T10:00:00Z,,Miro,NOK,\n" +
		"2026-11-21T10:00:00Z,,Miro,OK,\n" +
		"2026-11-21T10:00:00Z,dee,Miro,MAYBE,\n" +
		"2026-11-21T10:00:00Z,dee,Miro,,\n" +
		"21/11/2026 10:00,dee,Miro,OK,\n" +
		"2027-11-21T10:00:00Z,dee,Miro,OK,\n" +
		"2026-11-22T10:00:00Z,dee,Miro,OK,\n"
	for _, workers := range []int{1, 3} {
		o, err := pull(t, config, content, workers)
		if err != nil {
			t.Fatal(err)
		}
		want := `day 2026-11-19 events=1
day 2026-11-20 events=2
day 2026-11-21 events=3
events from 2026-11-19T22:30:00.5Z to 2026-11-21T10:00:00Z, later 1, outcomes true
sign-in "ana" login="" application="Figma" mode=interactive last=2026-11-20T09:30:00Z count=2
sign-in "ben,\n\"b\"" login="" application="Figma" mode=non-interactive last=2026-11-19T22:30:00.5Z count=1
sign-in "cem" login="" application="Miro" mode=unknown last=2026-11-20T23:00:00Z count=1`
		if diff := cmp.Diff(want, connectortest.Print(o)); diff != "" {
			t.Error(diff)
		}
		wantRejects := `in.csv:9: account is empty
in.csv:10: outcome "MAYBE" is neither success nor failure: map it under values: {outcome: …}
in.csv:11: outcome is empty
in.csv:12: time could be day-first or month-first (it looks like 99/99/9999 99:99): say dates: dmy or dates: mdy
in.csv:13: time is not to be believed: absent, before 1970, or more than a day after the as-of and the pull`
		if diff := cmp.Diff(wantRejects, rejected(o)); diff != "" {
			t.Error(diff)
		}
		if o.From.String() != "2026-04-30T22:00:00Z" || o.To.String() != "2026-11-21T22:59:59.999Z" || o.Lag != connectors.DefaultLag {
			t.Errorf("covers %v to %v, lag %v", o.From, o.To, o.Lag)
		}
	}
}

func TestSignInsWithoutOutcome(t *testing.T) {
	o, err := pull(t, "feed: sign-ins", "time|account|application\n2026-11-20T08:00:00Z|ana|Figma\n", 1)
	if err != nil || o.Outcomes || o.SignIns.Len() != 0 || o.Daily.On(facts.Date(2026, 11, 20)) != 1 {
		t.Errorf("error %v, outcomes %t, %s", err, o.Outcomes, connectortest.Print(o))
	}
	if want := []string{"in.csv does not tell success from failure: nothing counts as use"}; !cmp.Equal(o.Notes, want) {
		t.Errorf("notes %q", o.Notes)
	}
}

func TestSeatsAndCounters(t *testing.T) {
	o, err := pull(t, "feed: seats", "account\tproduct\tassigned\tpath\tcost_centre\n"+
		"ana\tfigma\t2026-01-02\t\t4100\nben\tfigma\t2026-01-02T03:04:05Z\tdirect;group:Design\t\ncem\tfigma\t\tDesign Guild\t\n", 1)
	if err != nil {
		t.Fatal(err)
	}
	want := `seat "ana" login="" product="figma" path="direct" centre="4100" assigned=2026-01-01T23:00:00Z
seat "ben" login="" product="figma" path="direct" centre="" assigned=2026-01-02T03:04:05Z
seat "ben" login="" product="figma" path="group:Design" centre="" assigned=2026-01-02T03:04:05Z
seat "cem" login="" product="figma" path="group:Design Guild" centre="" assigned=`
	if diff := cmp.Diff(want, connectortest.Print(o)); diff != "" {
		t.Error(diff)
	}
	o, err = pull(t, "feed: counters\ncsv: {decimal: \",\"}", "product;purchased;consumed\nE5;1.200;1.187\nE3;x;1\n", 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("counter \"E5\" purchased=1200 consumed=1187", connectortest.Print(o)); diff != "" {
		t.Error(diff)
	}
	if got := rejected(o); got != "in.csv:3: purchased is no number: it looks like a" {
		t.Error(got)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct{ name, config, content, want, hint string }{
		{"missing column", "feed: people\ncolumns: {id: Employee ID}", "Employe_ID,Name\n1,Ana\n",
			`source: in.csv:1: no column "Employee ID" for id; found "Employe_ID", "Name"`, `did you mean "Employe_ID"? columns: {id: "Employe_ID"}`},
		{"column twice", "feed: people", "id,name,id\n1,Ana,2\n", `source: in.csv:1: column "id" stands twice`,
			"remove one of them, or name another column under columns:"},
		{"two delimiters", "feed: people", "id;x,id,y\n1;x,2,y\n", `source: in.csv:1: the header can be read with several delimiters`, `name it: csv: {delimiter: ";"}`},
		{"open quote", "feed: people", "id,name\n1,Ana\n2,\"Ben\n3,Cem\n", `source: in.csv:3: the file ends inside quotation marks that open here`,
			"transfer or export the file again, or mend the quotation mark"},
		{"header only", "feed: people", "id,name\n", `source: in.csv: no records`,
			"an export without records says nothing; see what was rejected and why, or export it again"},
		{"blank lines only", "feed: people", "\n\r\n", "source: in.csv: has no header", "export it again; the first line names the columns"},
		{"binary header", "feed: people", "id,n\xff\n1,2\n", "source: in.csv:1: the header is not valid UTF-8 text", "export the file as UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, err := pull(t, test.config, test.content, 2)
			if err == nil || err.Error() != test.want || connectors.HintOf(err) != test.hint {
				t.Errorf("error %v\nhint %s", err, connectors.HintOf(err))
			}
			if o.Complete {
				t.Error("the observation is complete")
			}
		})
	}
}

func TestConfiguration(t *testing.T) {
	tests := []struct{ name, config, want string }{
		{"write", "feed: people\nfiles: a\nwrite: true", "source: write: kind csv only reads files"},
		{"no files", "", "source: files: no files are named"},
		{"no feed", "files: a", "source: files: want a mapping from feed to files, or the feed under feed:"},
		{"feed twice", "feed: people\nfiles: {people: a}", "source: feed: files: names feeds already"},
		{"unknown column", "feed: people\nfiles: a\ncolumns: {emial: E}", "source: columns.emial: no such column"},
		{"column of another feed", "feed: seats\nfiles: a\ncolumns: {email: E}", "source: columns.email: no such column"},
		{"unknown word", "feed: people\nfiles: a\nvalues: {status: {x: gone}}", `source: values.status.x: "gone" is no status`},
		{"words that differ in case", "feed: people\nfiles: a\nvalues: {status: {x: active, X: leaver}}",
			`source: values.status: "X" and "x" differ in case only and mean different things`},
		{"delimiter", "feed: people\nfiles: a\ncsv: {delimiter: '::'}", `source: csv.delimiter: "::" is no delimiter`},
		{"decimal and dates", "feed: people\nfiles: a\ncsv: {decimal: x, dates: ymd}",
			"source: decimal: \"x\" is no decimal mark\ndates: \"ymd\" is no way to write dates"},
		{"coverage", "feed: people\nfiles: a\ncoverage: {from: 2026-02-01, to: 2026-01-01}", "source: coverage: ends before it begins"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, err := open(connectortest.Section("", "kind: csv\n"+test.config))
			if err == nil || err.Error() != test.want || source != nil {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	days, err := pull(t, "feed: counters\ncsv: {dates: dmy}\ncolumns: {peak: Most}", "product,day,Most,limit,reserved,denied,samples,unseen,purchased,consumed\nML,20.11.2026,17,40,2,1,96,15,,\n"+
		"ML,21.11.2026,3,,,,,,,\nML,31.12.2026,3,,,,,,,\nML,,,,,,,,40,5\nML,20.11.2026,,40,,,,,,\nML,20.11.2026,-1,40,,,,,,\nML,soon,1,40,,,,,,\n", 1)
	if err != nil {
		t.Fatal(err)
	}
	want := "concurrent {Product:ML Day:2026-11-20 Peak:17 Limit:40 Reserved:2 Denied:1 Samples:96 Unseen:15}\n" +
		"concurrent {Product:ML Day:2026-11-21 Peak:3 Limit:-1 Reserved:-1 Denied:-1 Samples:0 Unseen:0}\ncounter \"ML\" purchased=40 consumed=5"
	if diff := cmp.Diff(want, connectortest.Print(days)); diff != "" || days.Later != 1 {
		t.Errorf("later %d; %s", days.Later, diff)
	}
	if got := rejected(days); got != "in.csv:6: peak is empty\nin.csv:7: peak is negative\nin.csv:8: day is no date or time that is understood: it looks like aaaa" {
		t.Error(got)
	}
	if _, err := pull(t, "feed: counters", "product,day,limit\nML,2026-11-20,3\n", 1); err == nil || !strings.Contains(err.Error(), "purchased") {
		t.Errorf("neither counters nor peaks: %v", err)
	}
}
