package github

import (
	"encoding/json"
	"strings"

	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// copilotSeat is a record of GET /orgs/{org}/copilot/billing/seats or /enterprises/{enterprise}/copilot/billing/seats.
type copilotSeat struct {
	Assignee *struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"assignee"`
	Team *struct {
		Name string `json:"name"`
		Slug string `json:"slug"`
	} `json:"assigning_team"`
	Organisation *struct { // on the pages of an enterprise
		Login string `json:"login"`
	} `json:"organization"`
	Plan          string `json:"plan_type"`
	Created       string `json:"created_at"`
	LastActivity  string `json:"last_activity_at"`
	Authenticated string `json:"last_authenticated_at"`
	Ends          string `json:"pending_cancellation_date"` // the seat's last day; "" if it goes on
}

const errUnheld jsondoc.Malformed = "a Copilot seat without an assignee"

func decodeSeat(doc []byte) (*copilotSeat, error) {
	var s copilotSeat
	switch err := json.Unmarshal(doc, &s); {
	case err != nil:
		return nil, jsondoc.Malformed("a Copilot seat with a member of the wrong type")
	case s.Assignee == nil || s.Assignee.Login == "":
		return nil, errUnheld
	}
	if s.Ends != "" {
		if _, err := s.ends(); err != nil {
			return nil, jsondoc.Malformed("a Copilot seat whose pending_cancellation_date is no date")
		}
	}
	return &s, nil
}

// product is the plan, which some answers do not tell.
func (s *copilotSeat) product() string {
	switch plan := strings.ToLower(s.Plan); plan {
	case "", "unknown":
		return "copilot"
	default:
		return "copilot-" + plan
	}
}

// path names the team that gives the seat, with its organisation where the record tells it, since teams of two
// organisations may be called alike.
func (s *copilotSeat) path() string {
	if s.Team == nil {
		return "direct"
	}
	team := s.Team.Slug
	if team == "" {
		team = s.Team.Name
	}
	if s.Organisation != nil && s.Organisation.Login != "" {
		team = s.Organisation.Login + "/" + team
	}
	return "group:" + team
}

// used is when Copilot was last used, or signed in to, by what GitHub remembers.
func (s *copilotSeat) used() facts.Instant {
	return max(instant(s.LastActivity), instant(s.Authenticated))
}

// ends is the day on which a seat that was cancelled ends; NoDay if it was not. Answers have it with or without a time.
func (s *copilotSeat) ends() (facts.Day, error) {
	if s.Ends == "" {
		return facts.NoDay, nil
	}
	return facts.ParseDay(s.Ends[:min(len(s.Ends), len("2006-01-02"))])
}
