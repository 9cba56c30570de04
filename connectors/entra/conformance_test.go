package entra

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestConformance(t *testing.T) {
	users := []string{`{"id":"u1","userPrincipalName":"ana@example.com","accountEnabled":true,"displayName":"N\u00fa\u00f1ez, \"Ana\" 𝄞","assignedLicenses":[{"disabledPlans":[],"skuId":"E5"}]}`,
		`{"id":"u2","userPrincipalName":"=1+1","accountEnabled":false,"assignedLicenses":[],"licenseAssignmentStates":[{"skuId":"e3","assignedByGroup":"g1","state":"Active"}]}`}
	signIns := []string{`{"createdDateTime":"2026-11-20T08:00:00.1234567Z","userId":"u1","userPrincipalName":"ana@example.com","appDisplayName":"Teams","isInteractive":true,"status":{"errorCode":0,"failureReason":"Other."}}`,
		`{"createdDateTime":"2026-11-21T08:00:00Z","userId":"u1","userPrincipalName":"ana@example.com","appDisplayName":"Teams","isInteractive":false,"status":{"errorCode":0}}`,
		`{"createdDateTime":"2026-11-19T08:00:00Z","userId":"u2","status":{"errorCode":50126}}`}
	diagnostics := []string{`{"time":"2026-11-20T08:02:00Z","category":"SignInLogs","resultType":"0","properties":` + signIns[0] + `}`,
		`{"time":"2026-11-21T08:02:00Z","category":"ServicePrincipalSignInLogs","resultType":"0","properties":{"createdDateTime":"2026-11-21T08:00:00Z","servicePrincipalId":"s1"}}`}
	skus := []string{`{"skuId":"E5","skuPartNumber":"SPE_E5","appliesTo":"User","consumedUnits":512,"prepaidUnits":{"enabled":500,"warning":0,"suspended":0}}`,
		`{"skuId":"E3","skuPartNumber":"SPE_E3","appliesTo":"User","consumedUnits":1,"prepaidUnits":{"enabled":10,"warning":2,"suspended":0}}`}
	const head, tail = `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#x","value":[`, "]}"
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "people", Feed: facts.FeedPeople, Config: "kind: entra\nfiles: {people: in/*}", Head: head, Separator: ",", Tail: tail, Records: users},
		{Name: "seats", Feed: facts.FeedSeats, Config: "kind: entra\nfiles: {seats: in/*}", Head: head, Separator: ",\n", Tail: tail, Records: users},
		{Name: "counters", Feed: facts.FeedCounters, Config: "kind: entra\nfiles: {counters: in/*}", Head: head, Separator: ",", Tail: tail, Records: skus},
		{Name: "sign-ins in pages", Feed: facts.FeedSignIns, Config: "kind: entra\nfiles: {sign-ins: in/*}", Head: head, Separator: ",\n", Tail: tail, Records: signIns},
		{Name: "sign-ins by line", Feed: facts.FeedSignIns, Config: "kind: entra\nfiles: {sign-ins: in/*}", Separator: "\n", Tail: "\n", Records: signIns},
		{Name: "diagnostic records", Feed: facts.FeedSignIns, Config: "kind: entra\nfiles: {sign-ins: in/*}", Separator: "\n", Tail: "\n", Records: diagnostics},
	}})
}
