package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNewestLoginNamesAnAccount: without a directory row and a seat an account is called as its newest sign-in calls it; of
// two at one instant the first in byte order, whichever application they were to.
func TestNewestLoginNamesAnAccount(t *testing.T) {
	for _, c := range []struct{ says, uses, want string }{
		{"the newest, first by application", "use okta f1 Access 2026-11-20 login=new@x.com\nuse okta f1 Zoom 2026-11-01 login=a@x.com", "new@x.com"},
		{"the newest, last by application", "use okta f1 Access 2026-11-01 login=a@x.com\nuse okta f1 Zoom 2026-11-20 login=new@x.com", "new@x.com"},
		{"the newest, first by name too", "use okta f1 Access 2026-11-20 login=a@x.com\nuse okta f1 Zoom 2026-11-01 login=old@x.com", "a@x.com"},
		{"of one instant the first by name", "use okta f1 Access 2026-11-20 login=a@x.com\nuse okta f1 Zoom 2026-11-20 login=b@x.com", "a@x.com"},
		{"in either order", "use okta f1 Access 2026-11-20 login=b@x.com\nuse okta f1 Zoom 2026-11-20 login=a@x.com", "a@x.com"},
		{"a newer one without a login says nothing", "use okta f1 Access 2026-11-01 login=a@x.com\nuse okta f1 Zoom 2026-11-20", "a@x.com"},
	} {
		p := newOrganisation(t, c.uses).keeper().decide()
		for _, a := range p.Accounts {
			if p.Snapshot.Strings.Text(a.Key) != "f1" {
				continue
			}
			if got := p.Snapshot.Strings.Text(a.Login); got != c.want {
				t.Errorf("%s: %s, want %s", c.says, got, c.want)
			}
		}
	}
}

// TestRowsOfOneAccount: of several directory rows of one account the one hired last describes it, wherever it stands.
func TestRowsOfOneAccount(t *testing.T) {
	rows := []string{"person f1 source=aaa email=earlier@x.com hired=2025-01-01 kind=service", "person f1 source=aaa email=later@x.com hired=2026-01-01"}
	for range rows {
		p := newOrganisation(t, strings.Join(rows, "\n")+"\nseat aaa f1 SKU").keeper().decide()
		for _, a := range p.Accounts {
			if p.Snapshot.Strings.Text(a.Key) == "f1" && p.Snapshot.Strings.Text(a.Login) != "later@x.com" {
				t.Errorf("%q: called %s", rows, p.Snapshot.Strings.Text(a.Login))
			}
		}
		slices.Reverse(rows)
	}
}

// TestRowsOfOnePersonInAnyOrder: two rows of a person that differ in one column only: the order in which they stand decides
// nothing.
func TestRowsOfOnePersonInAnyOrder(t *testing.T) {
	for _, column := range []string{"employee_id", "cost_centre", "name", "groups", "aliases", "leave_from", "last", "deleted"} {
		rows := []string{"person E1 email=ana@x.com status=leaver left=2026-10-01", "person E1 email=ana@x.com status=leaver left=2026-10-01"}
		value := map[string]string{"leave_from": "2026-12-01", "last": "2026-11-20", "deleted": "yes"}[column]
		if value == "" {
			value = "v"
		}
		rows[1] += fmt.Sprintf(" %s=%s", column, value)
		var chosen []string
		for range rows {
			p := newOrganisation(t, strings.Join(rows, "\n")+"\nseat figma ana pro login=ana@x.com").keeper().decide()
			for _, person := range p.People {
				if p.Snapshot.Strings.Text(person.ID) == "E1" {
					chosen = append(chosen, rows[person.Row])
				}
			}
			slices.Reverse(rows)
		}
		if len(chosen) != 2 || chosen[0] != chosen[1] {
			t.Errorf("%s: %q describes E1 in one order, %q in the other", column, chosen[0], chosen[1])
		}
	}
}

// TestKnownShareOfFeeds: an account of a feed is known if a person is, or if its source's own directory names it. Of
// directories themselves no share is given.
func TestKnownShareOfFeeds(t *testing.T) {
	p := newOrganisation(t, `person a1 source=aaa email=nobody@q.com
		seat aaa a1 SKU
		seat aaa a2 SKU
		seat aaa ana@x.com SKU
		seat aaa a3 SKU
		person E1 email=ana@x.com`).keeper().decide()
	for n := range p.Inputs {
		in := &p.Snapshot.Inputs[n]
		if p.Snapshot.Sources[in.Source].Name != "aaa" {
			continue
		}
		if want := map[string]float64{"people": -1, "seats": 0.5}[in.Feed.String()]; p.Inputs[n].MatchRate != want {
			t.Errorf("%s: %g, want %g", in.Feed, p.Inputs[n].MatchRate, want)
		}
	}
}

// TestLinksOfFormerRuns: a link that an earlier run made is remembered of its own source only.
func TestLinksOfFormerRuns(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{says: "of this source", org: "seat figma f1 pro\nprior linked figma f1 E9", want: "f1 figma: unknown vanished"},
		{says: "whose person is still there", org: "person E1 email=ana@x.com\nseat figma f1 pro\nprior linked figma f1 E1", want: "f1 figma: orphan no-person"},
		{says: "whose person is still there, described by another source", org: "person E1 email=ana@x.com\nperson c1 source=contractors email=ana@x.com status=active hired=2026-01-01\nseat figma f1 pro\nprior linked figma f1 E1",
			change: func(o *organisation) { o.identity.Authoritative = Names{"hr", "contractors"} }, want: "f1 figma: orphan no-person"},
		{says: "of a source that is no more", org: "seat figma f1 pro\nprior linked gone f1 E9", want: "f1 figma: orphan no-person"},
		{says: "of a source that is no more, there being one less", org: "seat aaa f1 pro\nprior linked gone f1 E9",
			change: func(o *organisation) { o.products = strings.Replace(orgProducts, "{figma: [pro]}", "{aaa: [pro]}", 1) }, want: "f1 figma: orphan no-person"},
	})
}

// TestNarrowingDown: keys that several people have, one after the other.
func TestNarrowingDown(t *testing.T) {
	const seat = "\nseat figma f1 pro"
	for _, c := range []struct {
		says, org, want string
		change          func(*organisation)
	}{
		{says: "a key of several, then one of one of them", org: `person E1 email=ana@x.com aliases=a1@x.com
			person E2 email=ana@x.com
			person f1 source=figma email=ana@x.com aliases=a1@x.com` + seat, want: "figma f1: E1 linked by email"},
		{says: "two keys of several who have one person in common", org: `person E1 email=ana@x.com
			person E2 email=ana@x.com aliases=a@x.com
			person E3 email=else@x.com aliases=a@x.com
			person f1 source=figma email=ana@x.com aliases=a@x.com` + seat, want: "figma f1: E2 linked by email"},
		{says: "two keys of the same several", org: `person E1 email=ana@x.com aliases=a@x.com
			person E2 email=ana@x.com aliases=a@x.com
			person f1 source=figma email=ana@x.com aliases=a@x.com` + seat, want: "figma f1:  disputed by none"},
		{says: "a directory that no product names has accounts as well", org: "person E1 email=ana@x.com\nperson d1 source=directory email=ana@x.com",
			want: "directory d1: E1 linked by email"},
		{says: "a mapping of one source says nothing of another", org: "person E1 email=ana@x.com\nperson E2 email=bob@x.com\nseat aaa f1 SKU\nseat figma f1 pro login=ana@x.com",
			change: func(o *organisation) { o.identity.Mapping = []Mapping{{Source: "aaa", Account: "f1", Person: "E2"}} },
			want:   "aaa f1: E2 linked by mapping\nfigma f1: E1 linked by email"},
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

// TestDisputedAccountsHoldIssuesBack: whoever is named by any key of a disputed account may have the seat that they seem to
// lack; whoever is named by none may not.
func TestDisputedAccountsHoldIssuesBack(t *testing.T) {
	const people = `person E1 email=e1@x.com department=A
		person E2 email=e2@x.com employee_id=22 department=A
		person E3 email=e3@x.com aliases=old@x.com department=A
		person E4 email=e4@x.com aliases=team@x.com department=A
		person E5 email=e5@x.com aliases=team@x.com department=A
		person E6 email=e6@x.com department=A
		contract figma 9
		seat figma f1 pro
		`
	for _, c := range []struct {
		says, account, want string
		change              func(*organisation)
	}{
		{says: "two keys of two", account: "email=e1@x.com employee_id=22", want: "E1 E2"},
		{says: "three keys of three", account: "email=e1@x.com employee_id=22 aliases=old@x.com", want: "E1 E2 E3"},
		{says: "a key of one and a key of several", account: "email=e1@x.com aliases=team@x.com", want: "E1 E4 E5"},
		{says: "a key of several, narrowed down, and a key of one", account: "aliases=team@x.com;e5@x.com;e1@x.com email=", want: "E1 E4 E5"},
		{says: "a key of several", account: "aliases=team@x.com email=", want: "E4 E5"},
		{says: "mapped to an id of several", account: "email=", want: "E1 E7",
			change: func(o *organisation) {
				o.add("person E1 source=staff email=e7@x.com department=A status=active kind=employee")
				o.identity.Authoritative = Names{"hr", "staff"}
				o.identity.Mapping = []Mapping{{Account: "f1", Person: "E1"}}
			}},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, people+"person f1 source=figma "+c.account)
			policyWith("eligibility: [{product: figma, when: 'person.department == \"A\" || person.id == \"K0\"'}]\n")(o)
			if c.change != nil {
				c.change(o)
			}
			p := o.keeper().decide()
			var held []string
			for n := range p.Actions {
				if p.Actions[n].By == "a disputed account may be theirs" {
					email := p.Snapshot.Strings.Text(p.Snapshot.People.Email[p.People[p.Rows[p.Actions[n].Row].Person].Row])
					held = append(held, strings.ToUpper(email[:2]))
				}
			}
			slices.Sort(held)
			if diff := cmp.Diff(c.want, strings.Join(held, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestAccountOfAnAbsentSeat: a seat that is missing would go to the holder's first account by name where it is sold; use
// without a seat is that of the account that used this product last, whatever else was used since.
func TestAccountOfAnAbsentSeat(t *testing.T) {
	const two = ana + "person a source=figma email=ana@x.com aliases=\nperson b source=figma email=ana@x.com\n"
	users := func(one, two string) string {
		return ana + "person o1 source=okta email=ana@x.com\nperson o2 source=okta email=ana@x.com\nuse okta o1 PowerBI " + one + "\nuse okta o2 PowerBI " + two
	}
	swapped := func(one, two string) string {
		return ana + "person o1 source=okta email=ana@x.com\nperson o2 source=okta email=ana@x.com\nuse okta o2 PowerBI " + two + "\nuse okta o1 PowerBI " + one
	}
	for _, c := range []struct {
		says, org, product, want string
		change                   func(*organisation)
	}{
		{says: "the first by id of two of one name", org: two, product: "figma", want: "a", change: designersAreEligible},
		{says: "the first by name, read last", org: ana + "person a source=figma employee_id=E1 email=z@x.com\nperson b source=figma employee_id=E1 email=y@x.com", product: "figma",
			want: "b", change: designersAreEligible},
		{says: "the newer of two, by the second account", org: users("2026-11-01", "2026-11-20"), product: "pbi", want: "o2"},
		{says: "the newer of two, by the first account", org: users("2026-11-20", "2026-11-01"), product: "pbi", want: "o1"},
		{says: "the newer of two, by the second account, read last", org: swapped("2026-11-01", "2026-11-20"), product: "pbi", want: "o2"},
		{says: "the newer of two, by the first account, read last", org: swapped("2026-11-20", "2026-11-01"), product: "pbi", want: "o1"},
		{says: "of one instant the first account", org: users("2026-11-20", "2026-11-20"), product: "pbi", want: "o1"},
		{says: "of one instant the first account by name", org: ana + "use okta z@x.com PowerBI 2026-11-20\nuse okta y@x.com PowerBI 2026-11-20", product: "pbi", want: "y@x.com",
			change: func(o *organisation) {
				o.identity.Mapping = []Mapping{{Account: "z@x.com", Person: "E1"}, {Account: "y@x.com", Person: "E1"}}
			}},
		{says: "use of the next product by another account", org: ana + "person o1 source=okta email=ana@x.com\nuse okta ana@x.com PowerBI 2026-11-01\nuse okta o1 Tablet 2026-11-20", product: "pbi", want: "ana@x.com"},
		{says: "use of an earlier product by another account", org: ana + "person o1 source=okta email=ana@x.com\nuse okta ana@x.com PowerBI 2026-11-01\nuse okta o1 Figma 2026-11-20", product: "pbi", want: "ana@x.com"},
	} {
		o := newOrganisation(t, c.org)
		if c.change != nil {
			c.change(o)
		}
		p := o.keeper().decide()
		got := ""
		for n := range p.Rows {
			if row := &p.Rows[n]; p.Holder(n) == "E1" && p.ProductOf(n).ID == c.product && row.Account != NoAccountID {
				got = p.Snapshot.Strings.Text(p.Accounts[row.Account].Key)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.says, got, c.want)
		}
	}
}

// TestSpellingsOfAnAccount: of several spellings of one id the first in byte order names the account.
func TestSpellingsOfAnAccount(t *testing.T) {
	for _, order := range []string{"f1 F1 f1", "F1 f1 F1", "f1 f1 F1"} {
		org := ""
		for _, id := range strings.Fields(order) {
			org += "seat figma " + id + " pro\n"
		}
		if diff := cmp.Diff("figma F1:  unlinked by none", links(newOrganisation(t, org).keeper().decide())); diff != "" {
			t.Errorf("%s (-want +got)\n%s", order, diff)
		}
	}
}

// TestRowsWithoutASeat: who is missing a seat, and whose use without one is said to be unlicensed.
func TestRowsWithoutASeat(t *testing.T) {
	starts := func(o *organisation) { designersAreEligible(o); o.policy += "future: 14d\n" }
	everybody := policyWith("eligibility: [{product: pbi, when: 'true'}]\n")
	runVerdicts(t, []verdictCase{
		{says: "a future starter without a date is not within any lead time", org: "person E1 email=ana@x.com status=future hired=", change: starts, want: ""},
		{says: "nor is one whose day to start has passed", org: "person E1 email=ana@x.com status=future hired=2026-11-01", change: starts, want: ""},
		{says: "one already active is", org: "person E1 email=ana@x.com hired=2026-12-01", change: starts, want: "E1 figma: missing eligible-by-rule future-starter no-seat"},
		{says: "one who is suspended is not", org: "person E1 email=ana@x.com status=suspended hired=2026-12-01", change: starts, want: ""},
		{says: "use that only says which tier is needed is no use of the product", org: ana + "use okta ana@x.com Defender 2026-11-20", want: ""},
		{says: "somebody suspended whom a rule entitles is neither", org: "person E1 email=ana@x.com status=suspended\nuse okta ana@x.com PowerBI 2026-11-20", change: everybody, want: ""},
		{says: "an account of nobody is entitled by no rule", org: "use okta zoe@q.com PowerBI 2026-11-20\nperson E1 email=ana@x.com status=suspended", change: everybody, want: "zoe@q.com pbi: unlicensed-use no-seat"},
		{says: "an account without a value in a directory has not used anything", org: ana + "person a1 source=ad email=ana@x.com\nseat figma z9 desk",
			change: func(o *organisation) {
				o.products += "  - {id: desk, seats_from: {figma: [desk]}, activity: {ad: {}}}\n"
			}, want: "z9 desk: orphan no-person"},
	})
}
