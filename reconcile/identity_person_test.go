package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// links writes to whom each account but the keeper's is linked, and by which key.
func links(p *Plan) string {
	var lines []string
	for _, a := range p.Accounts {
		person := facts.Sym(0)
		if a.Person != NoPersonID {
			person = p.People[a.Person].ID
		}
		if name := p.Snapshot.Strings.Text(a.Key); !strings.HasPrefix(name, "k0") {
			lines = append(lines, fmt.Sprintf("%s %s: %s %s by %s", p.Snapshot.Sources[a.Source].Name, name, p.Snapshot.Strings.Text(person), a.Situation, a.By))
		}
	}
	return strings.Join(lines, "\n")
}

// TestPeopleChange: what happens to people, and to which person their accounts belong afterwards.
func TestPeopleChange(t *testing.T) {
	for _, c := range []struct {
		says, org, want string
		change          func(*organisation)
	}{
		{says: "a marriage changes the address, the old one is kept as an alias", org: `person E1 email=ana.young@x.com aliases=ana.old@x.com
			seat figma f1 pro login=ana.old@x.com
			seat entra e1 E3 login=Ana.Young@x.com`, want: "entra e1: E1 linked by email\nfigma f1: E1 linked by alias"},
		{says: "a rename of which the vendor knows both names", org: `person E1 email=ana.young@x.com
			person f1 source=figma email=ana.old@x.com aliases=ana.young@x.com
			seat figma f1 pro`, want: "figma f1: E1 linked by alias"},
		{says: "a new principal name, the same immutable id in an authoritative directory", org: `person 00u1 source=okta status=active email=ana.young@x.com
			seat okta 00u1 SEAT login=ana.old@x.com`, change: func(o *organisation) { o.identity.Authoritative = Names{"hr", "okta"} }, want: "okta 00u1: 00u1 linked by id"},
		{says: "a new principal name, the same employee id", org: `person E1 email=ana.young@x.com employee_id=17
			person 00u1 source=okta email=ana.old@x.com employee_id=17
			use okta 00u1 Figma 2026-11-20 login=ana.old@x.com`, want: "okta 00u1: E1 linked by employee_id"},
		{says: "a rehire gets a new number, accounts have the old one", org: `person E1 email=ana@x.com employee_id=99 left=2026-03-31 hired=2026-06-01
			person 00u1 source=okta email=ana@x.com employee_id=17
			use okta 00u1 Figma 2026-11-20`, want: "okta 00u1: E1 linked by email"},
		{says: "a rehire under a new id whose old row has the account's number is disputed, not a leaver's", org: `person E1 email=ana@x.com employee_id=17 status=leaver left=2026-03-31
			person E7 email=ana@x.com employee_id=99 hired=2026-06-01
			person 00u1 source=okta email=ana@x.com employee_id=17
			use okta 00u1 Figma 2026-11-20`, want: "okta 00u1:  disputed by none"},
		{says: "until the operator says who it is", org: `person E1 email=ana@x.com employee_id=17 status=leaver left=2026-03-31
			person E7 email=ana@x.com employee_id=99 hired=2026-06-01
			person 00u1 source=okta email=ana@x.com employee_id=17
			use okta 00u1 Figma 2026-11-20`, change: func(o *organisation) { o.identity.Mapping = []Mapping{{Account: "Ana@x.com", Person: "e7"}} },
			want: "okta 00u1: E7 linked by mapping"},
		{says: "an address recycled after a leaver, the number being the new owner's", org: `person E1 email=ana@x.com employee_id=17 status=leaver left=2026-03-31
			person E7 email=ana@x.com employee_id=99 hired=2026-06-01
			person 00u1 source=okta email=ana@x.com employee_id=99
			use okta 00u1 Figma 2026-11-20`, want: "okta 00u1: E7 linked by employee_id"},
		{says: "one person, several accounts and domains", org: `person E1 email=ana@new.com aliases=a.n@new.com
			seat figma f1 pro login=ana@old.com
			seat figma f2 pro login=A.N@OLD.com
			seat entra e1 E3 login=ana@new.com`, change: func(o *organisation) { o.identity.Domains = map[string]string{"old.com": "new.com"} },
			want: "entra e1: E1 linked by email\nfigma f1: E1 linked by email\nfigma f2: E1 linked by alias"},
		{says: "letters composed otherwise, sharp s and dotless case", org: "person E1 email=STRA\u00dfE@x.com\nperson E2 email=zoe\u0308@x.com\nseat figma f1 pro login=strasse@x.com\nseat figma f2 pro login=ZO\u00cb@x.com",
			want: "figma f1: E1 linked by email\nfigma f2: E2 linked by email"},
		{says: "two people claim one account", org: `person E1 email=ana@x.com
			person E2 email=bob@x.com aliases=ana@x.com
			seat figma f1 pro login=ana@x.com`, want: "figma f1:  disputed by none"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			if diff := cmp.Diff(c.want, links(o.keeper().decide())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
