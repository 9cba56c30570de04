package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// office is a small organisation in a folder: people in a CSV file; figma with seats and sign-ins in CSV files; slack with
// both from Okta; visio with seats and sign-ins from Entra. Of each product one seat is used, one idle and one a leaver's.
type office struct {
	t     *testing.T
	dir   string
	clock *clock
}

const officeConfig = `organisation: Office & Söhne
timezone: Europe/Berlin
identity: {authoritative: hr}
sources:
  - {name: hr, kind: csv, feed: people, files: "hr.csv*"}
  - {name: seats, kind: csv, feed: seats, files: "seats.csv*"}
  - {name: log, kind: csv, feed: sign-ins, files: "log.csv*", coverage: {from: 2026-01-01, to: 2026-06-30}}
  - name: okta
    kind: okta
    coverage: {from: 2026-01-01, to: 2026-06-30}
    files: {people: "okta/users.json*", sign-ins: "okta/log.json*", seats: {slack: "okta/slack.json*"}}
  - name: entra
    kind: entra
    coverage: {from: 2026-01-01, to: 2026-06-30}
    files: {people: "entra/users.json*", seats: "entra/users.json*", sign-ins: "entra/log.json*"}
`

const officeProducts = `products:
  - {id: figma, name: Figma, vendor: Figma, seats_from: {seats: [figma]}, activity: {log: [Figma]}}
  - {id: slack, name: Slack, vendor: Slack, seats_from: {okta: [slack]}, activity: {okta: [Slack]}}
  - {id: visio, name: Visio, vendor: Microsoft, seats_from: {entra: [c5928f49-12ba-48f7-ada3-0d743a3601d5]}, activity: {entra: [Microsoft Visio]}}
`

const officePolicy = `version: 1
mode: act
reclaim:
  - {product: "*", idle_after: 60d, never_used_after: 30d, action: revoke}
leaver: {grace: 24h, action: revoke}
approval: {unattended: [leaver, idle, never-used, duplicate, missing]}
`

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), clock: &clock{base: time.Date(2026, 6, 30, 22, 5, 0, 0, time.UTC)}}
	for name, text := range map[string]string{"trueup.yaml": officeConfig, "products.yaml": officeProducts, "policy.yaml": officePolicy} {
		o.write(name, text)
	}
	o.reset()
	return o
}

func (o *office) write(name, text string) {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		o.t.Fatal(err)
	}
}

// files are the good exports.
func (o *office) files() map[string]string {
	people := []string{"ada", "bob", "eve"} // uses, does not use, has left
	var hr, seats, log, users, slack, events, members, signIns strings.Builder
	hr.WriteString("id,email,name,kind,status,department,hired,left\n")
	seats.WriteString("account,product,assigned,path\n")
	log.WriteString("time,account,application,outcome,interactive\n")
	for n, name := range people {
		status, left, last := "active", "", "2026-06-29"
		switch name {
		case "bob":
			last = "2026-02-02"
		case "eve":
			status, left, last = "leaver", "2026-05-31", "2026-05-29"
		}
		fmt.Fprintf(&hr, "E%d,%s@example.com,%s,employee,%s,Design,2020-01-01,%s\n", n+1, name, name, status, left)
		fmt.Fprintf(&seats, "%s@example.com,figma,2025-01-01,direct\n", name)
		fmt.Fprintf(&log, "%sT08:00:00Z,%s@example.com,Figma,success,true\n", last, name)
		fmt.Fprintf(&users, `%s{"id":"00u%d","status":"ACTIVE","created":"2025-01-01T00:00:00.000Z","profile":{"login":"%s@example.com","email":"%[3]s@example.com"}}`, comma(n), n, name)
		fmt.Fprintf(&slack, `%s{"id":"00u%d","status":"ACTIVE","created":"2025-01-01T00:00:00.000Z","scope":"USER","credentials":{"userName":"%s@example.com"},"profile":{}}`, comma(n), n, name)
		fmt.Fprintf(&events, `%s{"uuid":"u%d","eventType":"user.authentication.sso","published":"%sT08:00:00.000Z","actor":{"id":"00u%[2]d","type":"User","alternateId":"%[4]s@example.com"},"outcome":{"result":"SUCCESS"},"target":[{"id":"0oa1","type":"AppInstance","alternateId":"Slack","displayName":"Slack"}]}`, comma(n), n, last, name)
		fmt.Fprintf(&members, `%s{"id":"aaaaaaaa-0000-4000-8000-%012d","userPrincipalName":"%s@example.com","mail":"%[3]s@example.com","accountEnabled":true,"userType":"Member","assignedLicenses":[{"skuId":"c5928f49-12ba-48f7-ada3-0d743a3601d5","disabledPlans":[]}],"licenseAssignmentStates":[{"skuId":"c5928f49-12ba-48f7-ada3-0d743a3601d5","assignedByGroup":null,"state":"Active","error":"None","lastUpdatedDateTime":"2025-01-01T00:00:00Z"}]}`, comma(n), n, name)
		fmt.Fprintf(&signIns, `%s{"id":"s%d","createdDateTime":"%sT08:00:00Z","userPrincipalName":"%s@example.com","userId":"aaaaaaaa-0000-4000-8000-%012[2]d","appDisplayName":"Microsoft Visio","isInteractive":true,"status":{"errorCode":0}}`, comma(n), n, last, name)
	}
	return map[string]string{"hr.csv": hr.String(), "seats.csv": seats.String(), "log.csv": log.String(),
		"okta/users.json": "[" + users.String() + "]", "okta/slack.json": "[" + slack.String() + "]", "okta/log.json": "[" + events.String() + "]",
		"entra/users.json": `{"value":[` + members.String() + "]}", "entra/log.json": `{"value":[` + signIns.String() + "]}"}
}

func comma(n int) string {
	if n == 0 {
		return ""
	}
	return ","
}

// reset puts the good exports back.
func (o *office) reset() {
	o.t.Helper()
	for _, pattern := range []string{"*.csv*", "okta/*", "entra/*"} {
		names, err := filepath.Glob(filepath.Join(o.dir, pattern))
		if err != nil {
			o.t.Fatal(err)
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				o.t.Fatal(err)
			}
		}
	}
	for name, text := range o.files() {
		o.write(name, text)
	}
}

func (o *office) trueup(args ...string) result {
	return invoke(o.t.Context(), o.clock.now, append(args, "--config", filepath.Join(o.dir, "trueup.yaml"))...)
}

func (o *office) plan() (*planDocument, result) {
	o.t.Helper()
	r := o.trueup("plan", "--output", "json")
	if r.out == "" {
		o.t.Fatalf("no plan, exit %d\n%s", r.code, r.err)
	}
	return parsePlan(o.t, r.out), r
}

func squeezed(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}
