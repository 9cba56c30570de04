package mapping

import (
	"bytes"

	"trueup/facts"
)

// Positions of the columns of sign-ins.
const (
	signInTime = iota
	signInAccount
	signInLogin
	signInApplication
	signInOutcome
	signInInteractive
)

func (in *Intake) addSignIn(lane *facts.Lane, row Row) string {
	if len(row[signInTime]) == 0 {
		return "time is empty"
	}
	at, fault := in.moment(row[signInTime])
	if fault != "" {
		return "time " + fault
	}
	e := facts.SignIn{Account: row[signInAccount], Login: row[signInLogin], Application: row[signInApplication], At: at.at}
	switch outcome := row[signInOutcome]; {
	case outcome == nil: // no such column: see Present
	case bytes.EqualFold(outcome, success):
		e.Success = true
	case len(outcome) == 0:
		return "outcome is empty"
	case !bytes.EqualFold(outcome, failure):
		return "outcome " + quote(string(outcome)) + " is neither success nor failure: map it under values: {outcome: …}"
	}
	if e.Success && len(e.Account) == 0 {
		return "account is empty"
	}
	if reason := in.spoilt(row, signInAccount); reason != "" {
		return reason
	}
	if interactive, ok := yes(row[signInInteractive]); ok {
		e.Mode = facts.NonInteractive
		if interactive {
			e.Mode = facts.Interactive
		}
	}
	if !lane.Add(e) {
		return "time is not to be believed: absent, before 1970, or more than a day after the as-of and the pull"
	}
	return ""
}

var (
	success = []byte("success")
	failure = []byte("failure")
)
