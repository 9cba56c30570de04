package github

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// Copilot is the application under which Copilot's usage reports count.
const Copilot = "GitHub Copilot"

// usageLag is how late a day's usage report may be: three full days in UTC
// (docs.github.com/copilot/concepts/copilot-metrics), and the day itself.
const usageLag = 96 * time.Hour

// usageStale is by how much the date of a use may be too early, in zones ahead of UTC.
const usageStale = 24 * time.Hour

const dayMillis = 86_400_000

// Members of audit events and of usage reports. The latter count what was done in a day, and say which parts were used.
const (
	eventAction = iota
	eventTime
	eventCreated
	eventCopied
	eventActor
	eventBot
	eventToken
	usageDay
	usageLogin
	usageCounts // the first of several
)

var eventPaths = jsondoc.NewPaths("action", "@timestamp", "created_at", "at_sign_timestamp", "actor", "actor_is_bot", "programmatic_access_type",
	"day", "user_login",
	"user_initiated_interaction_count", "code_generation_activity_count", "code_acceptance_activity_count",
	"used_agent", "used_chat", "used_cli", "used_copilot_coding_agent", "used_copilot_cloud_agent")

// usageEnd is behind the last of the paths.
const usageEnd = usageCounts + 8

const (
	noAction  jsondoc.Malformed = "neither an audit event with an action nor a user's day with user_login"
	noTime    jsondoc.Malformed = "an audit event without a time in @timestamp or created_at"
	noDay     jsondoc.Malformed = "a user's day without a date in day"
	wrongTime jsondoc.Malformed = "an event before 1970 or more than a day after the run"
)

// The logs of the feed.
const (
	auditLog = iota
	usageLog
	logs
)

// reader rolls up the records of one goroutine.
type reader struct {
	scan     *jsondoc.Scanner
	lane     *facts.Lane
	spans    exports.Spans
	calendar *facts.Calendar
	asOf     facts.Instant
	name     []byte // Copilot
}

func newReader(p connectors.Pull) *reader {
	return &reader{scan: jsondoc.NewScanner(eventPaths), lane: p.Lane(),
		spans: exports.NewSpans(logs), calendar: p.Calendar, asOf: p.AsOf, name: []byte(Copilot)}
}

// signIns reads audit events and usage reports. A feed of both covers what both cover.
func (s *source) signIns(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	readers := make([]*reader, max(1, p.Workers))
	lanes := make([]*facts.Lane, len(readers))
	for n := range readers {
		readers[n] = newReader(p)
		lanes[n] = readers[n].lane
	}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		options := jsondoc.Options{Members: members, Workers: f.Workers, MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		return jsondoc.Each(ctx, f, options, func(worker int, doc jsondoc.Doc) error { return readers[f.Lane+worker].add(doc.Bytes) })
	})
	o.Join(lanes...)
	for _, r := range readers[1:] {
		readers[0].spans.Widen(r.spans)
	}
	spans := readers[0].spans
	if spans[usageLog].First.Known() {
		o.Lag, o.Stale = usageLag, usageStale
		o.Notes = append(o.Notes, "usage reports come from telemetry: developers who switched it off in the editor are in none of them")
	}
	spans.Declare(o)
	return err
}

// add reads one record.
func (r *reader) add(doc []byte) error {
	if err := r.scan.Scan(doc); err != nil {
		return err
	}
	switch {
	case len(r.scan.Text(eventAction)) > 0:
		return r.addEvent()
	case len(r.scan.Text(usageLogin)) > 0:
		return r.addUsage()
	}
	return noAction
}

// addEvent takes the audit event just scanned. All show that the log was being written. What its actor did is use of the
// application that the category of the action names, the part of it before the first dot: git, repo, pull_request. An
// action that failed, and what a bot did, is none.
func (r *reader) addEvent() error {
	at, ok := r.time()
	if !ok {
		return noTime
	}
	action, actor := r.scan.Text(eventAction), r.scan.Text(eventActor)
	category, rest, _ := bytes.Cut(action, []byte("."))
	e := facts.SignIn{At: at, Account: actor, Application: category, Mode: r.mode(),
		Success: len(actor) > 0 && len(category) > 0 && !failed(rest) && !r.bot(actor)}
	if !r.lane.Add(e) {
		return wrongTime
	}
	if at <= r.asOf {
		r.spans.Add(auditLog, at)
	}
	return nil
}

// time is the event's: @timestamp or created_at in milliseconds since 1970, or, from publishers that rewrite times, as
// text in UTC.
func (r *reader) time() (facts.Instant, bool) {
	for _, n := range []int{eventTime, eventCreated, eventCopied} {
		v := r.scan.Value(n)
		if v.Kind == jsondoc.Number {
			ms, err := strconv.ParseInt(string(v.Bytes), 10, 64)
			return facts.Instant(ms), err == nil
		}
		if at, ok := jsondoc.ParseInstant(v.Text()); ok {
			return at, true
		}
	}
	return facts.NoInstant, false
}

// failed reports whether the second part of an action names a failure, as in user.failed_login.
func failed(action []byte) bool {
	return bytes.HasPrefix(action, []byte("failed")) || bytes.HasSuffix(action, []byte("_failed")) || bytes.HasSuffix(action, []byte("_failure"))
}

// bot holds for applications that act as themselves.
func (r *reader) bot(actor []byte) bool {
	if v := r.scan.Value(eventBot); v.Kind == jsondoc.Bool && v.Bytes[0] == 't' {
		return true
	}
	return bytes.HasSuffix(actor, []byte("[bot]")) || bytes.HasSuffix(r.scan.Text(eventToken), []byte("server-to-server token")) ||
		string(r.scan.Text(eventToken)) == "github_app"
}

// mode is non-interactive for what was done with a token.
func (r *reader) mode() facts.Mode {
	if len(r.scan.Text(eventToken)) > 0 {
		return facts.NonInteractive
	}
	return facts.Interactive
}

// addUsage takes the user's day just scanned. GitHub's days are those of UTC; a day stands for the same date of the
// organisation, so that closures and silent days fall where they belong, and for its last moment.
func (r *reader) addUsage() error {
	day, err := facts.ParseDay(string(r.scan.Text(usageDay)))
	if err != nil {
		return noDay
	}
	start := facts.Instant(day) * dayMillis
	e := facts.SignIn{At: min(start+dayMillis-1, r.calendar.End(day)), Account: r.scan.Text(usageLogin), Application: r.name, Success: r.active()}
	if !r.lane.Add(e) {
		return wrongTime
	}
	if e.At <= r.asOf {
		r.spans.Add(usageLog, max(start, r.calendar.Start(day)))
		r.spans.Add(usageLog, e.At)
	}
	return nil
}

// active reports whether anything was counted or used.
func (r *reader) active() bool {
	for n := usageCounts; n < usageEnd; n++ {
		switch v := r.scan.Value(n); {
		case v.Kind == jsondoc.Bool && v.Bytes[0] == 't', v.Kind == jsondoc.Number && string(v.Bytes) != "0":
			return true
		}
	}
	return false
}
