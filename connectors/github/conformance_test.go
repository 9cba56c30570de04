package github

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestConformance(t *testing.T) {
	seats := []string{
		`{"created_at":"2021-08-03T18:00:00-06:00","pending_cancellation_date":null,"last_activity_at":"2026-10-14T00:53:32-06:00","plan_type":"business","assignee":{"login":"octocat","id":1,"type":"User"},"assigning_team":{"id":1,"name":"Justice League","slug":"justice-league"}}`,
		`{"created_at":"2021-09-23T18:00:00Z","pending_cancellation_date":"2026-12-01","last_activity_at":null,"assignee":{"login":"=1+1","id":2,"type":"User"}}`}
	users := []string{
		`{"github_com_login":"octocat","github_com_name":"N\u00fa\u00f1ez, \"Ana\" 𝄞","enterprise_server_user_ids":[],"github_com_user":true,"enterprise_server_user":false,"visual_studio_subscription_user":false,"license_type":"enterprise","github_com_member_roles":["org:Owner"],"github_com_verified_domain_emails":["ana@example.com"],"github_com_saml_name_id":"ana@example.com"}`,
		`{"github_com_login":"","enterprise_server_user_ids":["host:1"],"github_com_user":false,"enterprise_server_user":true,"license_type":"enterprise","enterprise_server_emails":["=1+1"]}`}
	events := []string{
		`{"@timestamp":1795248000123,"_document_id":"a","action":"git.clone","actor":"octocat","actor_id":1,"created_at":1795248000123,"org":"o","programmatic_access_type":"OAuth access token"}`,
		`{"@timestamp":1795161600000,"_document_id":"b","action":"pull_request.create","actor":"=1+1","created_at":1795161600000,"org":"o"}`,
		`{"at_sign_timestamp":"2026-11-19 18:41:19.605000000","action":"user.failed_login","actor":"octocat"}`}
	usage := []string{
		`{"user_id":1,"user_login":"octocat","day":"2026-11-19","user_initiated_interaction_count":24,"code_generation_activity_count":25,"totals_by_ide":[],"used_chat":false}`,
		`{"user_id":2,"user_login":"=1+1","day":"2026-11-20","user_initiated_interaction_count":0,"used_cli":true,"totals_by_cli":{"session_count":16}}`}
	const consumed = `{"total_seats_consumed":2,"total_seats_purchased":5,"users":[`
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "people of Copilot", Feed: facts.FeedPeople, Config: "kind: github\nfiles: {people: in/*}", Head: `[`, Separator: ",", Tail: "]", Records: seats},
		{Name: "people of the enterprise", Feed: facts.FeedPeople, Config: "kind: github\nfiles: {people: in/*}", Head: `{"users":[`, Separator: ",", Tail: "]}", Records: users},
		{Name: "seats of Copilot", Feed: facts.FeedSeats, Config: "kind: github\nfiles: {seats: in/*}", Head: `{"total_seats":2,"seats":[`, Separator: ",\n", Tail: "]}", Records: seats},
		{Name: "seats of the enterprise", Feed: facts.FeedSeats, Config: "kind: github\nfiles: {seats: in/*}", Head: consumed, Separator: ",\n", Tail: "]}", Records: users},
		{Name: "counters", Feed: facts.FeedCounters, Config: "kind: github\nfiles: {counters: in/*}", Head: consumed, Separator: ",", Tail: "]}", Records: users},
		{Name: "audit log by line", Feed: facts.FeedSignIns, Config: "kind: github\nfiles: {sign-ins: in/*}", Separator: "\n", Tail: "\n", Records: events},
		{Name: "audit log in an array", Feed: facts.FeedSignIns, Config: "kind: github\nfiles: {sign-ins: in/*}", Head: "[", Separator: ",\n", Tail: "]\n", Records: events},
		{Name: "usage report", Feed: facts.FeedSignIns, Config: "kind: github\nfiles: {sign-ins: in/*}", Head: `{"report_start_day":"2026-11-19","day_totals":[`, Separator: ",\n", Tail: "]}", Records: usage},
	}})
}
