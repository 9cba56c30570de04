package jsonl

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestConformance(t *testing.T) {
	people := []string{`{"id": 1, "name": "Ana", "profile": {"login": "ana@example.com"}, "groups": ["dev", "a;b"]}`,
		`{"id": "2", "name": "N\u00fa\u00f1ez, \"Ben\" 𝄞", "profile": {"login": "=1+1"}, "groups": "dev;ops"}`}
	signIns := []string{`{"time": "2026-11-20T08:00:00Z", "account": "ana", "application": "Figma", "outcome": "success"}`,
		`{"time": "2026-11-21T08:00:00Z", "account": "ana", "application": "Figma", "outcome": "success", "interactive": true}`,
		`{"time": "2026-11-19T08:00:00Z", "account": "ben", "application": "Figma", "outcome": "failure"}`}
	const columns = "\ncolumns: {email: profile.login}"
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "people by line", Feed: facts.FeedPeople, Config: "kind: jsonl\nfeed: people\nfiles: in/*" + columns,
			Separator: "\n", Tail: "\n", Records: people},
		{Name: "people in an array", Feed: facts.FeedPeople, Config: "kind: jsonl\nfeed: people\nfiles: in/*" + columns,
			Head: "[\n", Separator: ",\n", Tail: "\n]\n", Records: people},
		{Name: "people in a page", Feed: facts.FeedPeople, Config: "kind: jsonl\nfeed: people\nfiles: in/*\njsonl: {array: Resources}" + columns,
			Head: `{"totalResults": 2, "Resources": [`, Separator: ", ", Tail: "]}", Records: people},
		{Name: "sign-ins by line", Feed: facts.FeedSignIns, Config: "kind: jsonl\nfeed: sign-ins\nfiles: in/*", Separator: "\n", Tail: "\n",
			Records: signIns},
		{Name: "sign-ins in a page", Feed: facts.FeedSignIns, Config: "kind: jsonl\nfeed: sign-ins\nfiles: in/*", Head: `{"value": [`,
			Separator: ",\n", Tail: "]}", Records: signIns},
		{Name: "seats", Feed: facts.FeedSeats, Config: "kind: jsonl\nfiles: {seats: {figma: in/*}}", Product: "figma", Separator: "\n", Tail: "\n",
			Records: []string{`{"account": 123456789012345678901, "assigned": "2026-01-01"}`, `{"account": "ben", "path": ["direct", "group:A;B"]}`}},
	}})
}
