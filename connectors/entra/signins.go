package entra

import (
	"bytes"
	"context"
	"time"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// The values of a sign-in record. Diagnostic settings wrap the record: then the same stand below properties.
const (
	recordTime = iota
	recordUser
	recordName
	recordApplication
	recordApplicationID
	recordInteractive
	recordTypes
	recordErrorCode
	wrapped // how many there are, and where those below properties begin
)

// The wrapper's own values, which stand behind both.
const (
	wrapper = 2*wrapped + iota
	wrapperTime
	wrapperCategory
	wrapperResult
)

var recordPaths = []string{"createdDateTime", "userId", "userPrincipalName", "appDisplayName", "appId", "isInteractive",
	"signInEventTypes", "status.errorCode"}

func signInPaths() *jsondoc.Paths {
	all := append([]string(nil), recordPaths...)
	for _, path := range recordPaths {
		all = append(all, "properties."+path)
	}
	return jsondoc.NewPaths(append(all, "properties", "time", "category", "resultType")...)
}

const (
	noTime    jsondoc.Malformed = "a sign-in without a time in createdDateTime"
	wrongTime jsondoc.Malformed = "a sign-in before 1970 or more than a day after the run"
)

// reader rolls up the sign-ins of one goroutine.
type reader struct {
	scan *jsondoc.Scanner
	lane *facts.Lane
	id   []byte // of the account at hand, in lower case
}

func newReader(paths *jsondoc.Paths, p connectors.Pull) *reader {
	return &reader{scan: jsondoc.NewScanner(paths), lane: p.Lane()}
}

func (s *source) signIns(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	o.Lag = lag
	paths := signInPaths()
	readers := make([]*reader, max(1, p.Workers))
	lanes := make([]*facts.Lane, len(readers))
	for n := range readers {
		readers[n] = newReader(paths, p)
		lanes[n] = readers[n].lane
	}
	err := s.records(ctx, p, o, func(lane int, doc []byte) error { return readers[lane].add(doc) })
	o.Join(lanes...)
	return err
}

// add reads one sign-in of anybody or anything. All show that the log was being written; only the successful ones of users
// count as use.
func (r *reader) add(doc []byte) error {
	if err := r.scan.Scan(doc); err != nil {
		return err
	}
	from := 0
	if r.scan.Value(wrapper).Kind == jsondoc.Object {
		from = wrapped
	}
	at, ok := r.time(from)
	if !ok {
		return noTime
	}
	e := facts.SignIn{At: at, Account: r.account(from), Login: r.scan.Text(from + recordName),
		Application: r.scan.Text(from + recordApplication), Mode: r.mode(from)}
	if len(e.Account) == 0 {
		e.Account = e.Login
	}
	if len(e.Application) == 0 {
		e.Application = r.scan.Text(from + recordApplicationID)
	}
	e.Success = r.success(from) && !r.machine(from)
	if !r.lane.Add(e) {
		return wrongTime
	}
	return nil
}

// time is that of the sign-in; time on the wrapper runs minutes behind and holds only where there is no other.
func (r *reader) time(from int) (facts.Instant, bool) {
	text := r.scan.Text(from + recordTime)
	if len(text) == 0 && from > 0 {
		text = r.scan.Text(wrapperTime)
	}
	if at, ok := jsondoc.ParseInstant(text); ok {
		return at, true
	}
	// Exports that went through the portal have the American form, in UTC.
	at, err := time.Parse("1/2/2006 3:04:05 PM", string(text))
	return facts.At(at), err == nil
}

// nobody is the id that Entra writes where it could not tell the user.
const nobody = "00000000-0000-0000-0000-000000000000"

// account is the user's id in lower case, borrowed.
func (r *reader) account(from int) []byte {
	id := r.scan.Text(from + recordUser)
	if string(id) == nobody {
		return nil
	}
	r.id = r.id[:0]
	for _, c := range id {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		r.id = append(r.id, c)
	}
	return r.id
}

// success holds for error code 0, whatever the failure reason says beside it. Diagnostic records may have the result as
// text on the wrapper only.
func (r *reader) success(from int) bool {
	if code := r.scan.Value(from + recordErrorCode); code.Kind == jsondoc.Number || code.Kind == jsondoc.String {
		return string(code.Bytes) == "0"
	}
	if from == 0 {
		return false
	}
	result := r.scan.Value(wrapperResult)
	return string(result.Bytes) == "0" || bytes.EqualFold(result.Text(), []byte("Success"))
}

// machine holds for sign-ins of service principals and managed identities.
func (r *reader) machine(from int) bool {
	switch string(r.scan.Text(wrapperCategory)) {
	case "ServicePrincipalSignInLogs", "ManagedIdentitySignInLogs", "MicrosoftServicePrincipalSignInLogs":
		return true
	}
	types := r.scan.Value(from + recordTypes).Bytes
	return bytes.Contains(types, []byte(`"servicePrincipal"`)) || bytes.Contains(types, []byte(`"managedIdentity"`))
}

func (r *reader) mode(from int) facts.Mode {
	types := r.scan.Value(from + recordTypes).Bytes
	category := string(r.scan.Text(wrapperCategory))
	switch interactive := r.scan.Value(from + recordInteractive); {
	case interactive.Kind == jsondoc.Bool && interactive.Bytes[0] == 't':
		return facts.Interactive
	case interactive.Kind == jsondoc.Bool, bytes.Contains(types, []byte(`"nonInteractiveUser"`)), category == "NonInteractiveUserSignInLogs":
		return facts.NonInteractive
	case bytes.Contains(types, []byte(`"interactiveUser"`)), category == "SignInLogs":
		return facts.Interactive
	}
	return facts.ModeUnknown
}
