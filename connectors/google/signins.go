package google

import (
	"context"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// Application is the name under which signing in to Google itself counts, for a product that is Google Workspace.
const Application = "Google Workspace"

const (
	activityTime = iota
	activityLog
	actorID
	actorEmail
	actorType
	activityEvents
)

var activityPaths = jsondoc.NewPaths("id.time", "id.applicationName", "actor.profileId", "actor.email", "actor.callerType", "events")

// Parameters of an event stand in a list of names and values, as the API gives them, or, flattened, by name.
const (
	eventName = iota
	eventType
	loginType
	samlApplication
	tokenApplication
	tokenClient
	flat = 4 // from a listed parameter to the flattened one
)

var eventPaths = jsondoc.NewPaths("name", "type",
	"parameters[name=login_type].value", "parameters[name=application_name].value", "parameters[name=app_name].value", "parameters[name=client_id].value",
	"parameters.login_type", "parameters.application_name", "parameters.app_name", "parameters.client_id")

const (
	noTime    jsondoc.Malformed = "an activity without a time in id.time"
	noEvent   jsondoc.Malformed = "an activity without an event"
	wrongTime jsondoc.Malformed = "an activity before 1970 or more than a day after the run"
)

// The logs that show use, each an application of the Reports API with a lag and an export of its own.
const (
	loginLog = iota
	samlLog
	tokenLog
	logs
)

// nobody is what Google writes for actors who are no users of the organisation.
const nobody = "105250506097979753968"

// reader rolls up the activities of one goroutine.
type reader struct {
	activity *jsondoc.Scanner
	event    *jsondoc.Scanner
	lane     *facts.Lane
	spans    exports.Spans
	asOf     facts.Instant
	google   []byte // Application

	at  facts.SignIn // what the events of the activity at hand have in common
	log int          // of the activity at hand; -1 if it shows no use

	check, take func(event []byte) error // the methods of these names, bound once
}

func newReader(p connectors.Pull) *reader {
	r := &reader{activity: jsondoc.NewScanner(activityPaths), event: jsondoc.NewScanner(eventPaths),
		lane: p.Lane(), spans: exports.NewSpans(logs), asOf: p.AsOf, google: []byte(Application)}
	r.check, r.take = r.checkEvent, r.addEvent
	return r
}

// signIns reads activities (developers.google.com/workspace/admin/reports/reference/rest/v1/activities) of any
// application. Where there are several logs, the feed covers what all of them cover.
func (s *source) signIns(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	o.Lag = lag
	readers := make([]*reader, max(1, p.Workers))
	lanes := make([]*facts.Lane, len(readers))
	for n := range readers {
		readers[n] = newReader(p)
		lanes[n] = readers[n].lane
	}
	err := s.records(ctx, p, o, nil, func(lane int, doc []byte) (string, error) { return "", readers[lane].add(doc) })
	o.Join(lanes...)
	for _, r := range readers[1:] {
		readers[0].spans.Widen(r.spans)
	}
	readers[0].spans.Declare(o)
	return err
}

// add reads one activity, which may hold several events. All of them show that the log was being written.
func (r *reader) add(doc []byte) error {
	if err := r.activity.Scan(doc); err != nil {
		return err
	}
	at, ok := jsondoc.ParseInstant(r.activity.Text(activityTime))
	if !ok {
		return noTime
	}
	r.at = facts.SignIn{At: at, Account: r.activity.Text(actorID), Login: r.activity.Text(actorEmail)}
	if len(r.at.Account) == 0 || string(r.at.Account) == nobody {
		r.at.Account = r.at.Login
	}
	if string(r.activity.Text(actorType)) == "KEY" { // a robot
		r.at.Account = nil
	}
	r.log = logOf(r.activity.Text(activityLog))
	switch events := r.activity.Value(activityEvents); {
	case events.Kind == jsondoc.Array && string(events.Bytes) != "[]":
		if err := jsondoc.Elements(events.Bytes, r.check); err != nil { // before any is counted
			return err
		}
		return jsondoc.Elements(events.Bytes, r.take)
	case events.Kind == jsondoc.Object:
		return r.addEvent(events.Bytes)
	case events.Kind == jsondoc.Absent:
		return r.addEvent(doc)
	}
	return noEvent
}

// logOf returns which log an application of the Reports API is.
func logOf(application []byte) int {
	switch string(application) {
	case "login":
		return loginLog
	case "saml":
		return samlLog
	case "token":
		return tokenLog
	}
	return -1
}

// checkEvent says why an event is none.
func (r *reader) checkEvent(doc []byte) error {
	if err := r.event.Scan(doc); err != nil {
		return err
	}
	if len(r.event.Text(eventName)) == 0 {
		return noEvent
	}
	return nil
}

// addEvent reads one event of the activity just scanned: an object, or the activity itself where its publisher put the
// event's members beside its own.
func (r *reader) addEvent(doc []byte) error {
	if err := r.checkEvent(doc); err != nil {
		return err
	}
	e := r.at
	e.Application, e.Mode = r.use()
	e.Success = len(e.Application) > 0
	if !r.lane.Add(e) {
		return wrongTime
	}
	if r.log >= 0 && e.At <= r.asOf {
		r.spans.Add(r.log, e.At)
	}
	return nil
}

// use returns the application that the event just scanned is a use of; nil if it is none. Counted are signing in to
// Google, or through it to another application (login_success of the login and the saml log), and an application's being
// let in to the user's data (authorize) or using it (activity), which is the work of the application and only by its
// having been let in the user's. Failures, challenges, verifications, logouts, revocations and warnings are not use.
func (r *reader) use() ([]byte, facts.Mode) {
	name := string(r.event.Text(eventName))
	switch {
	case r.log == loginLog && name == "login_success" && string(r.event.Text(eventType)) == "login":
		return r.google, modeOf(r.parameter(loginType))
	case r.log == samlLog && name == "login_success":
		return r.parameter(samlApplication), facts.Interactive
	case r.log == tokenLog && (name == "authorize" || name == "activity"):
		application, mode := r.parameter(tokenApplication), facts.Interactive
		if len(application) == 0 {
			application = r.parameter(tokenClient)
		}
		if name == "activity" {
			mode = facts.NonInteractive
		}
		return application, mode
	}
	return nil, facts.ModeUnknown
}

// parameter returns the text of a parameter, in whichever form it stands.
func (r *reader) parameter(n int) []byte {
	if text := r.event.Text(n); len(text) > 0 {
		return text
	}
	return r.event.Text(n + flat)
}

// modeOf says what Google's login types mean. An exchange is one credential used to get another, without the user.
func modeOf(sort []byte) facts.Mode {
	switch string(sort) {
	case "google_password", "saml", "reauth":
		return facts.Interactive
	case "exchange":
		return facts.NonInteractive
	}
	return facts.ModeUnknown
}
