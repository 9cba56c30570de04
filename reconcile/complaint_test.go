package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

// TestComplaints are wrongs that users of other tools have reported, each with the public issue, and what is decided here.
func TestComplaints(t *testing.T) {
	hashed := func() string {
		var b strings.Builder
		for _, who := range []string{"6b51d431", "9f86d081", "60303ae2", "fd61a03a"} {
			b.WriteString("use okta " + who + " Else 2026-11-20\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		issue, says, org, want string
		change                 func(*organisation)
	}{
		{issue: "https://github.com/MicrosoftDocs/entra-docs/issues/441", says: "failed sign-ins are no use",
			org:  anasSeat + "use okta ana@x.com Figma 2026-11-20 outcome=failure",
			want: "E1 figma: never-used, revoke notice until 2026-12-06"},
		{issue: "https://github.com/MicrosoftDocs/azure-docs/issues/71146", says: "non-interactive use is use",
			org: anasSeat + "use okta ana@x.com Figma 2026-11-20 non-interactive", want: "E1 figma: in-use, keep"},
		{issue: "https://github.com/AzureAD/MSIdentityTools/issues/63", says: "inactivity tests the age of the account",
			org: "person E1 email=ana@x.com hired=2026-11-01\nseat figma ana pro login=ana@x.com", want: "E1 figma: new, keep"},
		{issue: "https://github.com/discourse/discourse/pull/21688", says: "no last sign-in does not kill a new user",
			org:    ana + "seat figma ana pro login=ana@x.com assigned=2026-11-10\nperson a1 source=ad email=ana@x.com",
			change: func(o *organisation) { o.products = stateProducts }, want: "E1 figma: new, keep"},
		{issue: "https://github.com/pnp/Microsoft365-Analytics-Insights/issues/532", says: "people on leave are on no reclaim list",
			org: "person E1 email=ana@x.com leave_from=2026-05-01\nseat figma ana pro login=ana@x.com assigned=2025-12-01", want: "E1 figma: protected, keep"},
		{issue: "https://github.com/pnp/Microsoft365-Analytics-Insights/issues/536", says: "a reviewed false positive stays away until its date",
			org: anasSeat, change: policyWith("exempt: [{name: lab, when: 'person.id == \"E1\"', reason: exam, author: kim, until: 2027-01-31}]\n"),
			want: "E1 figma: protected, keep"},
		{issue: "https://github.com/KelvinTegelaar/CIPP/issues/6031", says: "a shared mailbox keeps its licence",
			org: "person E1 email=ana@x.com kind=shared\nseat entra a1 E3 login=ana@x.com assigned=2025-12-01", want: "E1 e3: protected, keep"},
		{issue: "https://github.com/KelvinTegelaar/CIPP/issues/4564", says: "a resource account never signs in",
			org: "person E1 email=ana@x.com kind=resource\nseat entra a1 E3 login=ana@x.com assigned=2025-12-01", want: "E1 e3: protected, keep"},
		{issue: "https://github.com/CyberDrain/CIPP/issues/186", says: "break-glass accounts by a pattern",
			org:    "person E1 email=bg-1@x.com\nseat entra a1 E3 login=bg-1@x.com assigned=2025-12-01",
			change: policyWith("exempt: [{name: break-glass, when: 'person.email.startsWith(\"bg-\")', reason: emergency, author: secops, until: 2027-06-30}]\n"),
			want:   "E1 e3: protected, keep"},
		{issue: "https://github.com/CyberDrain/CIPP/issues/186", says: "a longer threshold for the auditor who comes every three months",
			org:    "person E1 email=ana@x.com role=auditor department=Audit\nseat figma ana pro login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Figma 2026-08-10",
			change: policyFor("reclaim:\n", "reclaim:\n  - {product: \"*\", idle_after: 120d, action: revoke, when: 'person.department == \"Audit\"'}\n"),
			want:   "E1 figma: in-use, keep"},
		{issue: "https://github.com/KelvinTegelaar/CIPP/issues/4090", says: "an inherited licence cannot be taken directly",
			org:  "person E1 email=ana@x.com status=leaver left=2026-10-01\nseat entra a1 E3 login=ana@x.com path=group:All-Staff",
			want: "E1 e3: leaver, revoke blocked (group:All-Staff)"},
		{issue: "https://github.com/KelvinTegelaar/CIPP/issues/3937", says: "a device licence is no orphan",
			org: "seat figma ipad-7 tablet assigned=2026-11-01", want: "ipad-7 tablet: new, keep"},
		{issue: "https://github.com/opnsense/core/issues/10128", says: "an empty directory removes nobody",
			org:    "seat figma ana pro login=ana@x.com assigned=2025-12-01\nfeed staff people rows=0",
			change: func(o *organisation) { o.identity.Authoritative = Names{"staff"} }, want: "ana@x.com figma: unknown, keep\nk0@x.com figma: unknown, keep"},
		{issue: "https://github.com/keycloak/keycloak/issues/48781", says: "an unreachable directory removes nobody",
			org: gone + "feed hr people incomplete", want: "E1 figma: unknown, keep"},
		{issue: "https://github.com/localstack/localstack-docs/pull/665", says: "a partial list of seats issues none",
			org: ana + "feed figma seats incomplete\ncontract figma 9", change: designersAreEligible, want: ""},
		{issue: "https://github.com/microsoft/o365-moodle/issues/1156", says: "a rename keeps the link",
			org:  "person E1 email=ana.new@x.com aliases=Ana.Old@x.com\nseat figma f1 pro login=ana.old@X.COM assigned=2025-12-01\nuse okta ana.new@x.com Figma 2026-11-20",
			want: "E1 figma: in-use, keep"},
		{issue: "https://github.com/himmelblau-idm/himmelblau/issues/1680", says: "one person, two domains",
			org:    "person E1 email=ana@new.com\nseat figma f1 pro login=ana@old.com assigned=2025-12-01\nuse okta ana@new.com Figma 2026-11-20",
			change: func(o *organisation) { o.identity.Domains = map[string]string{"old.com": "new.com"} }, want: "E1 figma: in-use, keep"},
		{issue: "https://github.com/indigo-iam/iam/issues/768", says: "a leaver who starts again keeps what they hold",
			org:  "person E1 email=ana@x.com left=2026-09-30 hired=2026-11-15\nseat figma ana pro login=ana@x.com assigned=2025-12-01",
			want: "E1 figma: new, keep"},
		{issue: "https://github.com/googleapis/google-api-go-client/issues/1214", says: "not knowing what was purchased issues nothing by itself",
			org: ana + "person f1 source=figma email=ana@x.com", change: func(o *organisation) {
				designersAreEligible(o)
				policyFor("unattended: [leaver, duplicate]", "unattended: [missing]")(o)
			}, want: "E1 figma: missing, issue approval (operator)"},
		{issue: "https://github.com/microsoftgraph/microsoft-graph-docs/issues/14142", says: "a log of hashed names proves nobody idle",
			org: anasSeat + hashed(), change: limits("{match_rate: 0.9}"),
			want: "E1 figma: never-used, revoke withheld (guard match_rate of okta/sign-ins)"},
		{issue: "https://github.com/nextcloud/user_retention/issues/600", says: "what happened before the log began is not known",
			org: anasSeat + "log okta 2026-11-01 2026-11-22", want: "E1 figma: unknown, keep"},
		{issue: "https://github.com/grokability/snipe-it/issues/3765", says: "the last seat is given once",
			org:    "person E1 email=ana@x.com\nperson f1 source=figma email=ana@x.com\nperson E2 email=bob@x.com\nperson f2 source=figma email=bob@x.com\ncontract figma 2",
			change: designersAreEligible,
			want:   "E1 figma: missing, issue approval (operator)\nE2 figma: missing, issue withheld (no spare seat of figma)"},
		{issue: "https://github.com/pnp/Microsoft365-Analytics-Insights/issues/530", says: "proven demand earns the seat",
			org:    "person E1 email=ana@x.com\nperson f1 source=figma email=ana@x.com\nperson E2 email=bob@x.com\nperson f2 source=figma email=bob@x.com\ncontract figma 2\nuse okta bob@x.com Figma 2026-11-20",
			change: designersAreEligible,
			want:   "E1 figma: missing, issue withheld (no spare seat of figma)\nE2 figma: missing, issue approval (operator)\nE2 figma-view: unlicensed-use, review proposed"},
		{issue: "https://github.com/SpanningCloudApps/SB365-Powershell/issues/66", says: "a product that is never touched automatically",
			org: anasSeat, change: policyFor("reclaim:\n", "reclaim:\n  - {product: figma, idle_after: 90d, action: review}\n"),
			want: "E1 figma: never-used, review proposed"},
		{issue: "https://github.com/OpenNebula/one/issues/7093", says: "a log that stopped for everybody proves nobody idle",
			org:  "person E1 email=ana@x.com hired=2024-01-01\nseat figma ana pro login=ana@x.com assigned=2025-12-01\nlog okta 2025-11-01 2026-11-22 silent=2026-08-01..2026-11-21\nuse okta ana@x.com Figma 2026-07-31",
			want: "E1 figma: unknown, keep"},
		{issue: "https://github.com/glpi-project/glpi/issues/22231", says: "of the vendor's counter and our own count the lower is spare",
			org: ana + "person f1 source=figma email=ana@x.com\ncontract figma 9\ncounter figma pro 9 9", change: designersAreEligible,
			want: "E1 figma: missing, issue withheld (no spare seat of figma)"},
		{issue: "https://github.com/adobe-apiplatform/user-sync.py/issues/510", says: "with too few seats who waits longest is first",
			org: "person E1 email=ana@x.com\nperson f1 source=figma email=ana@x.com\nperson E2 email=bob@x.com\nperson f2 source=figma email=bob@x.com\ncontract figma 2",
			change: func(o *organisation) {
				designersAreEligible(o)
				first := newOrganisation(o.t, "person E2 email=bob@x.com\nperson f2 source=figma email=bob@x.com\ncontract figma 2")
				designersAreEligible(first)
				p := first.keeper().decide()
				o.prior.Cases = []facts.Case{{ID: p.Actions[0].ID, State: Approval.String(), Opened: o.dayOf("2026-11-01")}}
			},
			want: "E1 figma: missing, issue withheld (no spare seat of figma)\nE2 figma: missing, issue approval (operator)"},
		{issue: "https://github.com/mattermost/mattermost/pull/36587", says: "text that looks like a formula is a name",
			org: "seat figma -2+3 pro assigned=2025-12-01", want: "-2+3 figma: orphan, review proposed"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			if diff := cmp.Diff(c.want, actions(o.keeper().decide())); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.issue, diff)
			}
		})
	}
}

// TestAnnualTerm: unused seats on an annual term are worth nothing before the term can be cut; three figures say so.
// https://github.com/KelvinTegelaar/CIPP/issues/4071, https://github.com/pnp/Microsoft365-Analytics-Insights/issues/553
func TestAnnualTerm(t *testing.T) {
	p := newOrganisation(t, anasSeat+"contract figma 2 price=150.00 per=year start=2026-04-01 end=2027-03-31 notice=2027-02-28 auto_renew=yes true_down=yes").keeper().decide()
	if diff := cmp.Diff("E1 figma: EUR 1250/1250/1250 2027-03-31", worth(p)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := p.Positions[2].Notice.String(); got != "2027-02-28" {
		t.Errorf("notice date is %s", got)
	}
}

// TestNextRenewal: what can be given back is said with the day from which on it counts, never more than what is not assigned
// leaves, and a renewal that nobody may miss is flagged; what the vendor counts otherwise than we do is, too.
// https://github.com/KelvinTegelaar/CIPP/issues/6390, https://github.com/MicrosoftDocs/microsoft-365-docs/issues/2291,
// https://github.com/KelvinTegelaar/CIPP/issues/2009
func TestNextRenewal(t *testing.T) {
	p := newOrganisation(t, `person E1 email=ana@x.com status=leaver left=2026-10-01
		seat figma ana pro login=ana@x.com assigned=2025-12-01
		contract figma 2 price=150.00 per=year start=2026-01-01 end=2026-12-31 notice=2026-12-15 auto_renew=yes true_down=yes
		counter figma pro 3 2`).keeper().decide()
	if diff := cmp.Diff("E1 figma: EUR 1250/1250/1250 2026-12-31", worth(p)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := strings.Join(p.Positions[2].Flags, " "); !strings.Contains(got, "renewal-due") || !strings.Contains(got, "counter-mismatch") {
		t.Errorf("the position is flagged %q", got)
	}
	over := newOrganisation(t, `person E1 email=ana@x.com status=leaver left=2026-10-01
		seat figma ana pro login=ana@x.com assigned=2025-12-01
		contract figma 1 price=150.00 per=year`).keeper().decide()
	if diff := cmp.Diff("E1 figma: EUR 1250/1250/0 2026-12-31", worth(over)); diff != "" {
		t.Errorf("more assigned than purchased (-want +got)\n%s", diff)
	}
}

// TestDaysAreCalendarDays: a day is a day of the organisation's zone, 23 and 25 hours long where clocks change.
// https://github.com/lukevella/rally/pull/3033, https://github.com/chaoss/grimoirelab-elk/pull/872
func TestDaysAreCalendarDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]int32{
		"2026-08-23T21:59:00Z": 91, // 23:59 on 23 August in Berlin
		"2026-08-23T22:01:00Z": 90, // 00:01 on the 24th
		"2026-11-21T22:59:00Z": 1,  // winter time: 23:59
		"2026-11-21T23:01:00Z": 0,
	} {
		o := newOrganisation(t, "")
		o.calendar = facts.NewCalendar(zone)
		o.add(anasSeat)
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		o.signIns["okta"] = append(o.signIns["okta"], facts.SignIn{Account: []byte("ana@x.com"), Application: []byte("Figma"), At: facts.At(when), Success: true})
		p := o.keeper().decide()
		for n := range p.Rows {
			if p.Holder(n) == "E1" && p.Rows[n].IdleDays != want {
				t.Errorf("%s: %d idle days, want %d", at, p.Rows[n].IdleDays, want)
			}
		}
	}
}

// TestSignalsStandSideBySide: every source's view of a seat is shown, not only the winner.
// https://github.com/pnp/Microsoft365-Analytics-Insights/issues/535
func TestSignalsStandSideBySide(t *testing.T) {
	o := newOrganisation(t, anasSeat+"person a1 source=ad email=ana@x.com last=2026-10-01\nuse okta ana@x.com Figma 2026-11-01")
	o.products = "products:\n  - {id: figma, seats_from: {figma: [pro]}, activity: {okta: [Figma], ad: {}}}\n"
	p := o.keeper().decide()
	for n := range p.Rows {
		if p.Holder(n) != "E1" {
			continue
		}
		var got []string
		for _, s := range p.RowSignals(n) {
			got = append(got, p.Snapshot.Sources[p.Snapshot.Inputs[s.Input].Source].Name+" "+s.Last.String())
		}
		if diff := cmp.Diff([]string{"ad 2026-10-01T12:00:00Z", "okta 2026-11-01T12:00:00Z"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if p.Rows[n].LastUse.String() != "2026-11-01T12:00:00Z" {
			t.Errorf("last use is %s", p.Rows[n].LastUse)
		}
	}
}
