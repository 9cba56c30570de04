package google

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestConformance(t *testing.T) {
	users := []string{
		`{"kind":"admin#directory#user","id":"113088517730792434177","primaryEmail":"ana@example.com","name":{"givenName":"Ana","familyName":"N\u00fa\u00f1ez, \"A\" 𝄞"},"suspended":false,"aliases":["a@example.com"],"lastLoginTime":"2026-11-20T08:00:00.000Z"}`,
		`{"kind":"admin#directory#user","id":"113088517730792434178","primaryEmail":"=1+1","suspended":true,"archived":true,"lastLoginTime":"1970-01-01T00:00:00.000Z","externalIds":[{"value":"0042","type":"organization"}]}`}
	licenses := []string{
		`{"kind":"licensing#licenseAssignment","userId":"ana@example.com","productId":"Google-Apps","skuId":"1010020020","skuName":"Google Workspace Enterprise Plus"}`,
		`{"kind":"licensing#licenseAssignment","userId":"=1+1","productId":"Google-Apps","skuId":"1010020026"}`}
	activities := []string{
		`{"kind":"admin#reports#activity","id":{"time":"2026-11-20T08:00:00.123Z","uniqueQualifier":"-5","applicationName":"login","customerId":"C1"},"actor":{"email":"ana@example.com","profileId":"113088517730792434177"},"events":[{"type":"login","name":"login_success","parameters":[{"name":"login_type","value":"google_password"}]},{"type":"login","name":"login_verification"}]}`,
		`{"kind":"admin#reports#activity","id":{"time":"2026-11-21T08:00:00.000Z","uniqueQualifier":"5","applicationName":"saml"},"actor":{"email":"=1+1","profileId":"113088517730792434178"},"events":[{"type":"login","name":"login_success","parameters":[{"name":"orgunit_path","value":"/"},{"name":"application_name","value":"Figma"}]}]}`,
		`{"id":{"time":"2026-11-19 08:00:00.000000000","applicationName":"token"},"actor":{"email":"ana@example.com"},"type":"auth","name":"authorize","parameters":{"app_name":"Miro","client_id":"1"}}`}
	console := []string{`Ana,"Núñez, ""A"" 𝄞",ana@example.com,****,/R&D,Active,2026/11/20 08:00:00`, `Ben,,=1+1,****,/,Suspended,Never logged in`}
	const head, tail = `{"kind":"admin#directory#users","etag":"x","users":[`, "]}"
	const items = `{"kind":"admin#reports#activities","etag":"x","items":[`
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "people in pages", Feed: facts.FeedPeople, Config: "kind: google\nfiles: {people: in/*}", Head: head, Separator: ",", Tail: tail, Records: users},
		{Name: "people by line", Feed: facts.FeedPeople, Config: "kind: google\nfiles: {people: in/*}", Separator: "\n", Tail: "\n", Records: users},
		{Name: "people in an array", Feed: facts.FeedPeople, Config: "kind: google\nfiles: {people: in/*}", Head: "[\n", Separator: ",\n", Tail: "\n]\n", Records: users},
		{Name: "people of the console", Feed: facts.FeedPeople, Config: "kind: google\nfiles: {people: in/*}", Separator: "\n", Tail: "\n", Records: console,
			Head: "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Org Unit Path [Required],Status [READ ONLY],Last Sign In [READ ONLY]\n"},
		{Name: "seats", Feed: facts.FeedSeats, Config: "kind: google\nfiles: {seats: in/*}", Head: `{"kind":"licensing#licenseAssignmentList","items":[`, Separator: ",\n", Tail: tail, Records: licenses},
		{Name: "seats with their users", Feed: facts.FeedSeats, Config: "kind: google\nfiles: {seats: in/*}", Head: "[", Separator: ",\n", Tail: "]",
			Records: append(licenses, users[0])},
		{Name: "sign-ins in pages", Feed: facts.FeedSignIns, Config: "kind: google\nfiles: {sign-ins: in/*}", Head: items, Separator: ",\n", Tail: tail, Records: activities},
		{Name: "sign-ins by line", Feed: facts.FeedSignIns, Config: "kind: google\nfiles: {sign-ins: in/*}", Separator: "\n", Tail: "\n", Records: activities},
	}})
}
