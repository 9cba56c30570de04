package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"trueup/facts"
	"trueup/fixtures/graph"
	"trueup/store"
)

// speech is what a program says while it runs.
type speech struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *speech) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *speech) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// await waits until something holds.
func await(t *testing.T, what string, said fmt.Stringer, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s\n%s", what, said)
		}
	}
}

var listening = regexp.MustCompile(`"msg":"serving","listen":"([^"]+)"`)

// server is trueup serve in this process, looking around every few milliseconds.
type server struct {
	t    *testing.T
	said speech
	url  string
	end  context.CancelFunc
	code chan int
}

// serve starts a server in the office.
func (o *office) serve() *server { return serveIn(o.t, o.dir, o.clock.now) }

// serveIn starts a server on the configuration in a folder, with a clock.
func serveIn(t *testing.T, dir string, now func() time.Time) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	v := &server{t: t, end: cancel, code: make(chan int, 1)}
	env := environment{args: []string{"serve", "--log-format", "json", "--config", filepath.Join(dir, "trueup.yaml")}, stdout: io.Discard,
		stderr: &v.said, getenv: os.Getenv, now: now, who: "server@here", build: "test", workers: 2, tick: 20 * time.Millisecond}
	go func() { v.code <- execute(ctx, env) }()
	t.Cleanup(func() { cancel(); v.stop() })
	await(t, "the server", &v.said, func() bool { return listening.MatchString(v.said.String()) || len(v.code) > 0 })
	m := listening.FindStringSubmatch(v.said.String())
	if m == nil {
		t.Fatalf("it does not serve\n%s", &v.said)
	}
	v.url = "http://" + m[1]
	return v
}

// stop ends the server and returns its exit code.
func (v *server) stop() int {
	v.t.Helper()
	v.end()
	select {
	case code := <-v.code:
		v.code <- code
		return code
	case <-time.After(30 * time.Second):
		v.t.Fatalf("the server does not stop\n%s", &v.said)
		return 0
	}
}

// ask returns status and text of an answer.
func (v *server) ask(path string) (int, string) {
	v.t.Helper()
	r, err := http.Get(v.url + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// metric returns the value of a metric with its labels, as the text format has it; "" if it is not there.
func (v *server) metric(name string) string {
	v.t.Helper()
	status, text := v.ask("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	_, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if status != http.StatusOK || err != nil {
		v.t.Fatalf("metrics: %d %v\n%s", status, err, text)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return value
		}
	}
	return ""
}

// scheduled gives the office a schedule that has been known since a time.
func (o *office) scheduled(section string, since time.Time) {
	o.t.Helper()
	o.write("trueup.yaml", officeConfig)
	appendSchedule(o.t, o.ledger(), filepath.Join(o.dir, "trueup.yaml"), section, since)
}

// appendSchedule adds a schedule, and an address to serve at, to a configuration, and has the ledger know it since a time.
func appendSchedule(t *testing.T, db *store.DB, path, section string, since time.Time) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(text, "\nschedule: %s\nserve: {listen: \"127.0.0.1:0\"}\n", section)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := (&app{config: path}).load()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.schedules {
		if _, err := db.SlotsSince(t.Context(), e.Name, e.Spec.String(), facts.At(since)); err != nil {
			t.Fatal(err)
		}
	}
}

func (o *office) ledger() *store.DB {
	o.t.Helper()
	db, err := store.Open(o.t.Context(), "sqlite:var/trueup.db", store.Options{Dir: o.dir})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { db.Close() })
	return db
}

// slotsOf returns the last slots of a schedule, newest first.
func slotsOf(t *testing.T, db *store.DB, name string) []store.Slot {
	t.Helper()
	all, err := db.Slots(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	var some []store.Slot
	for _, s := range all {
		if s.Schedule == name {
			some = append(some, s)
		}
	}
	return some
}

// ended waits until the newest slot of a schedule is that of a time and has ended, and returns it.
func (v *server) ended(db *store.DB, name string, at time.Time) store.Slot {
	v.t.Helper()
	var last store.Slot
	await(v.t, name+" of "+at.String(), &v.said, func() bool {
		slots := slotsOf(v.t, db, name)
		if len(slots) == 0 || slots[0].At != facts.At(at) || slots[0].State == store.SlotRunning {
			return false
		}
		last = slots[0]
		return true
	})
	return last
}

// Berlin's midnight of 1 July is five minutes before the office's clock.
var midnight = time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC)

// TestServe follows a server over four days: a run that is late, one that fails, a configuration that is broken and
// mended, and a restart.
func TestServe(t *testing.T) {
	o := newOffice(t)
	o.scheduled(`{run: "0 0 * * *"}`, midnight.AddDate(0, 0, -2).Add(-time.Hour))
	db, v := o.ledger(), o.serve()

	done := v.ended(db, "run", midnight)
	if done.State != store.SlotDone || done.Exit != exitDone || done.Text != "" {
		t.Errorf("the first night: %+v\n%s", done, &v.said)
	}
	run, err := db.Run(t.Context(), done.Run)
	if err != nil || run.Kind != "run" || run.Plan == "" || run.Workbook == "" {
		t.Errorf("its run: %+v, %v", run, err)
	}
	if missed := slotsOf(t, db, "run")[1]; missed.State != store.SlotMissed || missed.Count != 2 || missed.At != facts.At(midnight.AddDate(0, 0, -1)) {
		t.Errorf("before it: %+v", missed)
	}
	for path, want := range map[string]int{"/": 200, "/healthz": 200, "/readyz": 200, "/metrics": 200, "/nothing": 404} {
		if status, text := v.ask(path); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for name, want := range map[string]string{
		`trueup_slots_total{outcome="done",schedule="run"}`: "1", `trueup_slots_total{outcome="missed",schedule="run"}`: "2",
		`trueup_slots_total{outcome="failed",schedule="run"}`: "0", `trueup_source_rows{feed="people",source="hr"}`: "3",
		`trueup_source_complete{feed="sign-ins",source="okta"}`: "1", `trueup_verdict_rows{verdict="idle"}`: "3",
		`trueup_verdict_rows{verdict="leaver"}`: "3", `trueup_verdict_rows{verdict="orphan"}`: "0", `trueup_actions{kind="revoke",state="manual"}`: "6",
		`trueup_config_valid`: "1", `trueup_ledger_reachable`: "1", `trueup_lease_held`: "0", `trueup_open_intents`: "0", `trueup_run_exit_code{kind="run"}`: "0",
	} {
		if got := v.metric(name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}

	// The next night a source is not there: the slot has failed, says why, and the server goes on.
	if err := os.Remove(filepath.Join(o.dir, "hr.csv")); err != nil {
		t.Fatal(err)
	}
	o.clock.ticks.Add(24 * 3600 * 1000)
	failed := v.ended(db, "run", midnight.AddDate(0, 0, 1))
	if failed.State != store.SlotFailed || failed.Exit != exitUnreachable || failed.Run == "" || !strings.Contains(failed.Text, "hr people: ") {
		t.Errorf("without a source: %+v", failed)
	}
	if got := v.metric(`trueup_slots_total{outcome="failed",schedule="run"}`); got != "1" {
		t.Errorf("failed slots: %s", got)
	}
	shown := o.trueup("schedule")
	for _, want := range []string{"run: 0 0 * * *, Europe/Berlin\n", "next  Fri 2026-07-03 00:00 CEST", "Thu 2026-07-02 00:00 CEST  failed", "missed x2"} {
		if !strings.Contains(shown.out, want) {
			t.Errorf("the schedule lacks %q:\n%s%s", want, shown.out, shown.err)
		}
	}
	o.reset()

	// A configuration that is broken meanwhile is a slot that has failed, not a server.
	good, err := os.ReadFile(filepath.Join(o.dir, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("policy.yaml", "version: 1\nmodus: act\n")
	o.clock.ticks.Add(24 * 3600 * 1000)
	broken := v.ended(db, "run", midnight.AddDate(0, 0, 2))
	if broken.State != store.SlotFailed || broken.Exit != exitUsage || broken.Run != "" || !strings.Contains(broken.Text, "policy.yaml:2") {
		t.Errorf("with a broken policy: %+v", broken)
	}
	if status, text := v.ask("/readyz"); status != 503 || !strings.Contains(text, "configuration") || v.metric("trueup_config_valid") != "0" {
		t.Errorf("with a broken policy it is %d %s", status, text)
	}
	o.write("policy.yaml", string(good))
	await(t, "the policy to be taken", &v.said, func() bool { status, _ := v.ask("/readyz"); return status == 200 })
	o.clock.ticks.Add(24 * 3600 * 1000)
	last := v.ended(db, "run", midnight.AddDate(0, 0, 3))
	if last.State != store.SlotDone {
		t.Errorf("mended: %+v\n%s", last, &v.said)
	}

	// A new server knows what was before it.
	kept := []string{`trueup_schedule_last_success_timestamp_seconds{schedule="run"}`, `trueup_verdict_rows{verdict="unknown"}`,
		`trueup_source_observed_timestamp_seconds{feed="people",source="hr"}`, `trueup_slots_total{outcome="failed",schedule="run"}`}
	var before []string
	for _, name := range kept {
		before = append(before, v.metric(name))
	}
	if code := v.stop(); code != exitDone {
		t.Errorf("it ends with %d\n%s", code, &v.said)
	}
	v = o.serve()
	for n, name := range kept {
		if got := v.metric(name); got == "" || got == "0" || got != before[n] {
			t.Errorf("%s after a restart is %q, before %q", name, got, before[n])
		}
	}
	if code := v.stop(); code != exitDone {
		t.Errorf("with nothing to do it ends with %d", code)
	}
	if n := len(slotsOf(t, db, "run")); n != 5 {
		t.Errorf("%d slots in all, want 5", n)
	}
	if strings.Contains(v.said.String(), `"level":"ERROR"`) {
		t.Errorf("it complains\n%s", &v.said)
	}
}

// TestServePulls pulls a source by its own schedule: what is read stands in the ledger as after trueup pull, and the plan
// is decided from it.
func TestServePulls(t *testing.T) {
	o := newOffice(t)
	if r := o.trueup("pull"); r.code != exitDone {
		t.Fatal(r.err)
	}
	o.scheduled(`{pull: {hr: "*/30 * * * *"}}`, midnight.Add(-time.Hour))
	o.write("hr.csv", strings.Replace(o.files()["hr.csv"], "E1,ada@example.com,ada,employee,active", "E1,ada@example.com,ada,employee,leaver", 1))
	db, v := o.ledger(), o.serve()
	slot := v.ended(db, "pull hr", midnight)
	run, err := db.Run(t.Context(), slot.Run)
	if slot.State != store.SlotDone || err != nil || run.Kind != "pull" {
		t.Errorf("%+v, %+v, %v", slot, run, err)
	}
	plan, _ := o.planOf("--offline")
	if row := plan.find("E1", "", "figma"); row == nil || row.Verdict != "leaver" {
		t.Errorf("decided offline after the pull: %+v", row)
	}

	// Beside a run of somebody else a pull is skipped, and says who was in its way.
	lease, err := db.Acquire(t.Context(), "night-shift@ops-7", facts.At(time.Now()), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.metric("trueup_lease_held"); got != "1" {
		t.Errorf("lease held: %s", got)
	}
	o.clock.ticks.Add(30 * 60 * 1000)
	slot = v.ended(db, "pull hr", midnight.Add(30*time.Minute))
	if slot.State != store.SlotSkipped || slot.Exit != exitHeld || !strings.Contains(slot.Text, "night-shift@ops-7") {
		t.Errorf("beside a run: %+v", slot)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.clock.ticks.Add(30 * 60 * 1000)
	if slot = v.ended(db, "pull hr", midnight.Add(time.Hour)); slot.State != store.SlotDone {
		t.Errorf("after it: %+v", slot)
	}
}

// planOf makes a plan with further arguments.
func (o *office) planOf(args ...string) (*planDocument, result) {
	o.t.Helper()
	r := o.trueup(append([]string{"plan", "--output", "json"}, args...)...)
	return parsePlan(o.t, r.out), r
}

// TestServeWaits starts the nightly run while somebody else holds the lease: it waits, and is done once it is free.
func TestServeWaits(t *testing.T) {
	o := newOffice(t)
	o.scheduled(`{run: "0 0 * * *"}`, midnight.Add(-time.Hour))
	db := o.ledger()
	lease, err := db.Acquire(t.Context(), "night-shift@ops-7", facts.At(time.Now()), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	v := o.serve()
	await(t, "the run to wait", &v.said, func() bool { return strings.Contains(v.said.String(), "waits for the lease") })
	if slot := slotsOf(t, db, "run")[0]; slot.State != store.SlotRunning {
		t.Errorf("while it waits: %+v", slot)
	}
	if r := o.trueup("schedule"); !strings.Contains(r.out, "running") || !strings.Contains(r.out, "server@here") {
		t.Errorf("while it waits: %s%s", r.out, r.err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if slot := v.ended(db, "run", midnight); slot.State != store.SlotDone {
		t.Errorf("after it: %+v", slot)
	}
}

// TestServeThrottled has a vendor ask the server to wait, and looks for it in the metrics.
func TestServeThrottled(t *testing.T) {
	t.Parallel()
	s := newSite(t, monday)
	appendSchedule(t, s.ledger(), s.path("trueup.yaml"), `{run: "0 * * * *"}`, monday.Add(-time.Hour))
	s.vendor.Inject(graph.Fault{Kind: graph.Throttle, Times: 3, After: 7 * time.Second})
	v := serveIn(t, s.dir, s.clock.now)
	v.ended(s.ledger(), "run", monday)
	if n, wait := v.metric(`trueup_vendor_throttled_total{host="127.0.0.1"}`), v.metric(`trueup_vendor_throttle_wait_seconds_total{host="127.0.0.1"}`); n != "3" || wait != "21" {
		t.Errorf("throttled %s times, for %s seconds; want 3 and 21\n%s", n, wait, &v.said)
	}
	if n := v.metric(`trueup_action_outcomes_total{kind="revoke",state="done"}`); n == "" || n == "0" {
		t.Errorf("%s revokes are done", n)
	}
}

// TestServeChanges changes the schedule of a running server.
func TestServeChanges(t *testing.T) {
	o := newOffice(t)
	o.scheduled(`{run: "0 0 * * *"}`, midnight.AddDate(0, 0, 1))
	db, v := o.ledger(), o.serve()
	o.scheduled(`{run: "0 1 * * *"}`, midnight)
	await(t, "the other schedule", &v.said, func() bool { return strings.Contains(v.said.String(), "0 1 * * * Europe/Berlin") })
	o.clock.ticks.Add(3600 * 1000)
	if slot := v.ended(db, "run", midnight.Add(time.Hour)); slot.State != store.SlotDone {
		t.Errorf("by the other schedule: %+v", slot)
	}
	text, err := os.ReadFile(filepath.Join(o.dir, "trueup.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("trueup.yaml", strings.Replace(string(text), "timezone: Europe/Berlin", "timezone: Europe/Berlin\nstore: sqlite:other.db", 1))
	await(t, "the other store to be refused", &v.said, func() bool { return strings.Contains(v.said.String(), "restart trueup serve") })
	if status, _ := v.ask("/readyz"); status != 503 {
		t.Errorf("with another store it is %d", status)
	}
}

// TestServeReadsTheStoresAddressFromOutside starts a server whose configuration only says where the address stands.
func TestServeReadsTheStoresAddressFromOutside(t *testing.T) {
	o := newOffice(t)
	o.write("trueup.yaml", officeConfig+"store: file:keys/store\nserve: {listen: \"127.0.0.1:0\"}\nschedule: {run: \"0 0 * * *\"}\n")
	o.write("keys/store", "sqlite:var/trueup.db\n")
	v := o.serve()
	if code, text := v.ask("/readyz"); code != http.StatusOK {
		t.Errorf("not ready: %d %s", code, text)
	}
	if r := o.trueup("schedule"); r.code != exitDone || !strings.Contains(r.out, "run: 0 0 * * *") {
		t.Errorf("schedule: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if code := v.stop(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// TestServeRefuses starts servers that cannot be.
func TestServeRefuses(t *testing.T) {
	o := newOffice(t)
	o.scheduled(`{run: "0 0 * * *"}`, midnight.Add(time.Hour))
	v := o.serve()
	taken := strings.TrimPrefix(v.url, "http://")
	for section, want := range map[string]string{
		"serve: {listen: \"" + taken + "\"}":                           "listen at " + taken,
		"serve: {listen: \"8080\"}":                                    "no address to listen at",
		"serve: {listen: \"example.com:80\"}":                          "no address to listen at",
		"serve: {listen: \"127.0.0.1:http\"}":                          "no address to listen at",
		"serve: {listen: \"127.0.0.1:65536\"}":                         "no address to listen at",
		"schedule: {run: \"0 0 31 2 *\"}":                              "trueup.yaml:16:17: schedule.run: \"0 0 31 2 *\" is never due",
		"schedule: {run: \"CRON_TZ=\"}":                                "names a time zone of its own",
		"schedule: {run: \"TZ=Mars/Olympus 0 2 * * *\"}":               "hint: leave it out, and set timezone",
		"schedule: {run: nightly}":                                     "has 1 fields",
		"schedule: {pull: {okta: \"@every 10s\", nobody: \"@daily\"}}": "schedule.pull.nobody: \"nobody\" is no source",
	} {
		o.write("trueup.yaml", officeConfig+section+"\n")
		r := o.trueup("serve")
		if r.code != exitUsage || !strings.Contains(r.err, want) || !strings.Contains(r.err, "hint: ") {
			t.Errorf("%s: exit %d\n%s; want %q with a hint", section, r.code, r.err, want)
		}
		if checked := o.trueup("check"); !strings.HasPrefix(want, "listen at") && (checked.code != exitUsage || !strings.Contains(checked.err, want)) {
			t.Errorf("check of %s: exit %d\n%s", section, checked.code, checked.err)
		}
	}
	o.write("trueup.yaml", officeConfig+"schedule: {run: \"0 0 31 2 *\", pull: {okta: \"@every 10s\", nobody: \"@daily\"}}\nserve: {listen: x}\n")
	all := o.trueup("check")
	for _, want := range []string{"schedule.run: ", "schedule.pull.okta: ", "schedule.pull.nobody: ", "serve.listen: "} {
		if !strings.Contains(all.err, want) {
			t.Errorf("faults are told at once, yet %q is not among\n%s", want, all.err)
		}
	}
}
