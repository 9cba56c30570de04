package saas

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"trueup/connectors"
)

// Waits that an answer asks for are bounded; one that asks without saying how long gets defaultWait.
const (
	maxWait     = 15 * time.Minute
	defaultWait = 10 * time.Second
)

// maxReason bounds how much of a service's own words goes into an error.
const maxReason = 500

// Fault is what an answer that is no success means. Only an answer in the 400s says for certain that nothing was changed.
func (a *Answer) Fault(reason, hint string) *connectors.Error {
	e := &connectors.Error{Place: a.Place, Hint: hint, Reason: fmt.Sprintf("status %d", a.Status),
		Answered: a.Status >= 400 && a.Status < 500}
	if reason = strings.ToValidUTF8(strings.TrimSpace(reason), "\ufffd"); reason != "" {
		if len(reason) > maxReason {
			reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
		}
		e.Reason += ": " + reason
	}
	retry := a.Header.Get("Retry-After")
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Class = connectors.Unauthorised
	case http.StatusTooManyRequests:
		e.Class, e.After = connectors.Throttled, a.wait(retry)
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Class = connectors.Transient
		if retry != "" {
			e.Class, e.After = connectors.Throttled, a.wait(retry)
		}
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusPreconditionFailed, http.StatusInternalServerError,
		http.StatusBadGateway:
		e.Class = connectors.Transient
	}
	if a.Status >= 300 && a.Status < 400 {
		e.Reason = fmt.Sprintf("status %d: redirects are not followed", a.Status)
		e.Hint = "name the address it leads to, if it is to be trusted"
	}
	return e
}

// wait reads a Retry-After header (RFC 9110 section 10.2.3): seconds, or a date, which is compared with the answer's own.
func (a *Answer) wait(retry string) time.Duration {
	if seconds, err := strconv.ParseUint(retry, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxWait)
	}
	until, err := http.ParseTime(retry)
	if err != nil {
		return defaultWait
	}
	now, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return defaultWait
	}
	return min(max(until.Sub(now), 0), maxWait)
}
