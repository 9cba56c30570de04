package okta

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestConformance(t *testing.T) {
	users := []string{`{"id":"00u1","status":"ACTIVE","lastLogin":"2026-11-20T08:00:00.000Z","profile":{"login":"ana@example.com","email":"ana@example.com","firstName":"Ana"}}`,
		`{"id":"00u2","status":"DEPROVISIONED","profile":{"login":"=1+1","displayName":"N\u00fa\u00f1ez, \"Ben\" 𝄞","employeeNumber":"0042"}}`}
	events := []string{
		`{"uuid":"1","published":"2026-11-20T08:00:00.49Z","eventType":"user.authentication.sso","outcome":{"result":"SUCCESS"},"actor":{"id":"00u1","type":"User","alternateId":"ana@example.com"},"target":[{"type":"AppInstance","displayName":"Figma"}]}`,
		`{"uuid":"2","published":"2026-11-21T08:00:00.000Z","eventType":"user.session.start","outcome":{"result":"SUCCESS"},"actor":{"id":"00u2","type":"User","alternateId":"=1+1"},"target":null}`,
		`{"uuid":"3","published":"2026-11-19T08:00:00.000Z","eventType":"policy.evaluate_sign_on","outcome":{"result":"ALLOW"},"actor":{"id":"00u1","type":"User"}}`}
	seats := []string{`{"id":"00u1","scope":"USER","status":"ACTIVE","created":"2026-01-01T00:00:00.000Z","credentials":{"userName":"ana@example.com"}}`,
		`{"id":"00u2","scope":"GROUP","status":"ACTIVE","_links":{"group":{"name":"Design"}}}`}
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "people", Feed: facts.FeedPeople, Config: "kind: okta\nfiles: {people: in/*}", Head: "[", Separator: ",", Tail: "]", Records: users},
		{Name: "sign-ins by line", Feed: facts.FeedSignIns, Config: "kind: okta\nfiles: {sign-ins: in/*}", Separator: "\n", Tail: "\n", Records: events},
		{Name: "sign-ins in pages", Feed: facts.FeedSignIns, Config: "kind: okta\nfiles: {sign-ins: in/*}", Head: "[\n  ", Separator: ",\n  ", Tail: "\n]\n",
			Records: events},
		{Name: "seats", Feed: facts.FeedSeats, Config: "kind: okta\nfiles: {seats: {figma: in/*}}", Product: "figma", Head: "[", Separator: ",\n", Tail: "]",
			Records: seats},
	}})
}
