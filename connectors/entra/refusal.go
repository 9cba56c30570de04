package entra

import (
	"encoding/json"
	"errors"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/saas"
)

// refusals are the messages by which Graph says why a licence cannot be changed; its error codes do not tell them apart.
var refusals = []struct {
	message string // a part of it, in lower case
	class   connectors.Class
	hint    string
}{
	{"inherited from a group", connectors.Refused, "take the user out of the group that gives the licence"},
	{notHeld, connectors.Permanent, "the user has no licence of this kind of their own any more; pull again"},
	{"does not have any available licenses", connectors.Permanent, "no unit is free: buy more, or revoke one first"},
	{"countviolation", connectors.Permanent, "no unit is free: buy more, or revoke one first"},
	{"usage location", connectors.Permanent, "set the user's usageLocation, then assign again"},
	{"usagelocation", connectors.Permanent, "set the user's usageLocation, then assign again"},
	{"depends on the service plan", connectors.Permanent, "another licence of the user needs this one: change both"},
	{"dependencyviolation", connectors.Permanent, "another licence of the user needs this one: change both"},
	{"conflicting service plans", connectors.Permanent, "the user holds a licence that excludes this one: swap them"},
	{"mutuallyexclusiveviolation", connectors.Permanent, "the user holds a licence that excludes this one: swap them"},
}

// notHeld is how Graph refuses to take away what a user does not hold.
const notHeld = "does not have a corresponding license"

// graphError is an error as Graph writes it.
type graphError struct {
	Error struct {
		Code    string `json:"code"` // may be empty
		Message string `json:"message"`
	} `json:"error"`
}

// refusal is the error of an answer that is no success.
func refusal(answer *saas.Answer) *connectors.Error {
	var g graphError
	reason := ""
	if json.Unmarshal(answer.Body, &g) == nil {
		reason = strings.TrimPrefix(strings.TrimSpace(g.Error.Code+": "+g.Error.Message), ": ")
	}
	fault := answer.Fault(reason, "")
	if fault.Class == connectors.Unauthorised {
		fault.Hint = "the app registration needs LicenseAssignment.ReadWrite.All and User.Read.All with admin consent"
	}
	if fault.Class == connectors.Permanent {
		lower := strings.ToLower(reason)
		for _, r := range refusals {
			if strings.Contains(lower, r.message) {
				fault.Class, fault.Hint = r.class, r.hint
				break
			}
		}
	}
	return fault
}

// lacks reports whether Graph refused because the user does not hold the licence.
func lacks(err error) bool {
	e, ok := errors.AsType[*connectors.Error](err)
	return ok && e.Answered && e.Class == connectors.Permanent && strings.Contains(strings.ToLower(e.Reason), notHeld)
}
