package reconcile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIdentitySection(t *testing.T) {
	var settings struct {
		Identity Identity `yaml:"identity"`
	}
	text := "identity: {authoritative: hr, match: [email, employee_id], domains: {old.example: example.com}, mapping: people-map.csv}"
	if _, err := DecodeStrict("trueup.yaml", []byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	want := Identity{Authoritative: Names{"hr"}, Match: []MatchKey{MatchEmail, MatchEmployeeID},
		Domains: map[string]string{"old.example": "example.com"}, MappingFile: "people-map.csv"}
	if diff := cmp.Diff(want, settings.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	usual := []MatchKey{MatchID, MatchEmployeeID, MatchEmail, MatchAlias}
	if got := new(Identity).Keys(); !cmp.Equal(got, usual) {
		t.Errorf("keys %v, want %v", got, usual)
	}
	if got := settings.Identity.Keys(); !cmp.Equal(got, want.Match) {
		t.Errorf("keys %v, want %v", got, want.Match)
	}
}

func TestIdentitySectionRefuses(t *testing.T) {
	var settings struct {
		Identity Identity `yaml:"identity"`
	}
	const text = `identity:
  authoritative: [hr, hr]
  match: [mail, alias, alias]
  domains: {a.example: b.example, b.example: c.example, C.example: d.example}
  mapping: [x]
`
	const want = `trueup.yaml:2:3: identity.authoritative: "hr" is empty or stands twice
trueup.yaml:3:11: identity.match[0]: "mail" is no key
    hint: did you mean "email"?
trueup.yaml:3:24: identity.match[2]: alias stands twice
trueup.yaml:4:24: identity.domains.a.example: b.example is itself an old domain
    hint: name the domain that counts now
trueup.yaml:4:68: identity.domains.C.example: C.example: d.example is not a pair of domains
    hint: write old.example: example.com
trueup.yaml:5:12: identity.mapping: is a list, want one value`
	_, err := DecodeStrict("trueup.yaml", []byte(text), &settings)
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant:\n%s", err, want)
	}
}

func TestParseMapping(t *testing.T) {
	got, err := ParseMapping("people-map.csv", []byte("\uFEFFAccount, Person ,source\n ana@example.com ,E1,okta\n\"bo, ltd\",E2,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Mapping{{"okta", "ana@example.com", "E1"}, {"", "bo, ltd", "E2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

func TestParseMappingRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "m.csv:1:1: is empty\n    hint: the first row is source,account,person"},
		{"account,email\n", "m.csv:1:1: column \"email\" is unknown or stands twice\n    hint: the first row is source,account,person"},
		{"account\n", "m.csv:1:1: has no column person\n    hint: the first row is source,account,person"},
		{"account,person\na,E1\nb\nc,\na,E2\n", `m.csv:3:1: wrong number of fields
m.csv:4:1: a row needs an account and a person
m.csv:5:1: "a" stands twice; first on line 2`},
		{"account,person\na,\"E1\n", `m.csv:2:7: extraneous or missing " in quoted-field`},
		{"account,person\n\xff,E1\n", "m.csv: is not UTF-8\n    hint: save the file as UTF-8"},
	}
	for _, test := range tests {
		_, err := ParseMapping("m.csv", []byte(test.text))
		if err == nil || err.Error() != test.want {
			t.Errorf("%q:\n%v\nwant:\n%s", test.text, err, test.want)
		}
	}
}
