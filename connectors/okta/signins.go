package okta

import (
	"context"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// Application is the name under which signing in to Okta itself counts, for a product that is Okta.
const Application = "Okta"

const (
	eventType = iota
	eventPublished
	eventResult
	eventActorID
	eventActorType
	eventActorName
	eventAppName
	eventAppAlternate
)

var eventPaths = jsondoc.NewPaths("eventType", "published", "outcome.result", "actor.id", "actor.type", "actor.alternateId",
	"target[type=AppInstance].displayName", "target[type=AppInstance].alternateId")

const (
	noType    jsondoc.Malformed = "an event without eventType"
	noTime    jsondoc.Malformed = "an event without a time in published"
	wrongTime jsondoc.Malformed = "an event before 1970 or more than a day after the run"
)

// reader rolls up the events of one goroutine.
type reader struct {
	scan *jsondoc.Scanner
	lane *facts.Lane
	okta []byte // Application
}

func newReader(p connectors.Pull) *reader {
	return &reader{jsondoc.NewScanner(eventPaths), p.Lane(), []byte(Application)}
}

func (s *source) signIns(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	o.Lag = lag
	readers := make([]*reader, max(1, p.Workers))
	lanes := make([]*facts.Lane, len(readers))
	for n := range readers {
		readers[n] = newReader(p)
		lanes[n] = readers[n].lane
	}
	err := s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		options := jsondoc.Options{Workers: f.Workers, MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		return jsondoc.Each(ctx, f, options, func(worker int, doc jsondoc.Doc) error {
			return readers[f.Lane+worker].add(doc.Bytes)
		})
	})
	o.Join(lanes...)
	return err
}

// add reads one event of any type. All events show that the log was being written; only sign-ins count as use.
func (r *reader) add(doc []byte) error {
	if err := r.scan.Scan(doc); err != nil {
		return err
	}
	e, err := r.event()
	if err != nil {
		return err
	}
	if !r.lane.Add(e) {
		return wrongTime
	}
	return nil
}

// event converts the event just scanned. A success is user.session.start, which is signing in to Okta, or
// user.authentication.sso, which is signing in to the application among the targets, by a user, with the outcome
// SUCCESS. Policy evaluations, factors, impersonation, what systems do, and names that do not exist (actor "unknown")
// are not use.
func (r *reader) event() (facts.SignIn, error) {
	at, ok := jsondoc.ParseInstant(r.scan.Text(eventPublished))
	if !ok {
		return facts.SignIn{}, noTime
	}
	sort := r.scan.Text(eventType)
	if len(sort) == 0 {
		return facts.SignIn{}, noType
	}
	e := facts.SignIn{At: at, Account: r.scan.Text(eventActorID), Login: r.scan.Text(eventActorName)}
	switch string(sort) {
	case "user.session.start":
		e.Application = r.okta
	case "user.authentication.sso":
		if e.Application = r.scan.Text(eventAppName); len(e.Application) == 0 {
			e.Application = r.scan.Text(eventAppAlternate)
		}
	default:
		return e, nil
	}
	if len(e.Account) == 0 {
		e.Account = e.Login
	}
	e.Success = string(r.scan.Text(eventResult)) == "SUCCESS" && string(r.scan.Text(eventActorType)) == "User" &&
		string(e.Account) != "unknown" && len(e.Application) > 0
	return e, nil
}
