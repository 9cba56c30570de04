package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// TestCorrelation shows who an account is linked to, and by which key.
func TestCorrelation(t *testing.T) {
	seat := "seat figma f1 pro login=ana@x.com assigned=2026-11-01\n"
	for _, c := range []struct {
		says, org, want string // person, situation, key of the figma account f1
		change          func(*organisation)
	}{
		{says: "by e-mail, whatever its case", org: "person E1 email=Ana@X.com\n" + seat, want: "E1 linked email"},
		{says: "by e-mail in another normal form", org: "person E1 email=zoe\u0301@x.com\nseat figma f1 pro login=ZO\u00c9@x.com",
			want: "E1 linked email"},
		{says: "by alias after a rename", org: "person E1 email=ana.new@x.com aliases=ana@x.com\n" + seat, want: "E1 linked alias"},
		{says: "by employee id of the account's own directory", org: "person E1 email=\nperson f1 source=figma employee_id=e1 email=other@y.com\n" + seat,
			want: "E1 linked employee_id"},
		{says: "by an equal domain", org: "person E1 email=ana@y.com\n" + seat,
			change: func(o *organisation) { o.identity.Domains = map[string]string{"x.com": "Y.com"} }, want: "E1 linked email"},
		{says: "by id within an authoritative source", org: "person f1 source=figma status=active email=zz@z.com\n" + seat,
			change: func(o *organisation) { o.identity.Authoritative = Names{"hr", "figma"} }, want: "f1 linked id"},
		{says: "the operator's mapping stands before any key", org: "person E1 email=ana@x.com\nperson E2 email=bob@x.com\n" + seat,
			change: func(o *organisation) { o.identity.Mapping = []Mapping{{Source: "figma", Account: "F1", Person: "e2"}} },
			want:   "E2 linked mapping"},
		{says: "mapped to nobody is nobody", org: "person E1 email=ana@x.com\n" + seat,
			change: func(o *organisation) { o.identity.Mapping = []Mapping{{Account: "f1", Person: "E9"}} }, want: " unlinked none"},
		{says: "the configured order decides which key is named", org: "person E1 email=ana@x.com aliases=ana@x.com\n" + seat,
			change: func(o *organisation) { o.identity.Match = []MatchKey{MatchAlias, MatchEmail} }, want: "E1 linked alias"},
		{says: "several people are disputed", org: "person E1 email=ana@x.com\nperson E2 email=ANA@x.com\n" + seat, want: " disputed none"},
		{says: "contradicting keys are disputed", org: `person E1 email=ana@x.com
			person E2 email=bob@x.com employee_id=4711
			person f1 source=figma employee_id=4711 email=ana@x.com
			` + seat, want: " disputed none"},
		{says: "a second key narrows several down to one", org: `person E1 email=ana@x.com employee_id=1
			person E2 email=ana@x.com employee_id=2
			person f1 source=figma employee_id=2 email=ana@x.com
			` + seat, want: "E2 linked employee_id"},
		{says: "an address recycled after a leaver is disputed", org: `person E1 email=ana@x.com status=leaver left=2025-01-31
			person E2 email=ana@x.com hired=2026-09-01
			` + seat, want: " disputed none"},
		{says: "an alias recycled by somebody else is disputed", org: `person E1 email=ana.new@x.com
			person E2 email=ana@x.com
			person f1 source=figma email=ana.new@x.com aliases=ana@x.com
			` + seat, want: " disputed none"},
		{says: "nobody in a complete directory is unlinked", org: "person E1 email=bob@x.com\n" + seat, want: " unlinked none"},
		{says: "nobody in an incomplete one is unmatched", org: "feed hr people incomplete\n" + seat, want: " unmatched none"},
		{says: "a deletion record says deleted", org: "person E1 email=ana@x.com deleted=yes left=2026-01-31\n" + seat, want: "E1 deleted email"},
		{says: "a row of a later source that matches is the same person", org: `person E1 email=ana@x.com
			person c1 source=contractors email=ana@x.com status=active hired=2026-01-01
			` + seat, change: func(o *organisation) { o.identity.Authoritative = Names{"hr", "contractors"} }, want: "c1 linked email"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			p := o.keeper().decide()
			got := ""
			for _, a := range p.Accounts {
				if p.Snapshot.Strings.Text(a.Key) != "f1" || p.Snapshot.Sources[a.Source].Name != "figma" {
					continue
				}
				person := facts.Sym(0)
				if a.Person != NoPersonID {
					person = p.People[a.Person].ID
				}
				got = fmt.Sprintf("%s %s %s", p.Snapshot.Strings.Text(person), a.Situation, a.By)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSeveralAuthoritativeSources shows what becomes of people who stand in two.
func TestSeveralAuthoritativeSources(t *testing.T) {
	both := func(o *organisation) { o.identity.Authoritative = Names{"hr", "contractors"} }
	seat := "seat figma f1 pro login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Figma 2026-11-20\n"
	runVerdicts(t, []verdictCase{
		{says: "an employee who came back as a contractor is there", org: `person E1 email=ana@x.com status=leaver left=2026-03-31
			person c1 source=contractors email=ana@x.com status=active hired=2026-05-01
			` + seat, change: both, want: "c1 figma: in-use recent-use"},
		{says: "left by one, there by the other, is a contradiction", org: `person E1 email=ana@x.com status=leaver left=2026-03-31
			person c1 source=contractors email=ana@x.com status=active hired=2026-03-01
			` + seat, change: both, want: "c1 figma: unknown status-contradiction"},
		{says: "one source incomplete, nobody is a leaver", org: `person E1 email=ana@x.com status=leaver left=2026-03-31
			feed contractors people incomplete
			` + seat, change: both, want: "E1 figma: unknown directory-incomplete"},
		{says: "two rows of one id, the later hire explains the earlier end", org: `person E1 email=ana@x.com status=leaver hired=2020-01-01 left=2026-03-31
			person E1 email=ana@x.com hired=2026-05-01
			` + seat, want: "E1 figma: in-use recent-use"},
	})
}
