package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBoundaries are the last day on which something still holds, and the first on which it does not.
func TestBoundaries(t *testing.T) {
	stale := "log okta 2025-11-01 2026-11-22 stale=336h\n"
	e5 := "\nseat entra ana E5 login=ana@x.com%s\nuse okta ana@x.com Office 2026-11-20"
	tier := func(assigned string) string { return strings.Replace(ana+e5, "%s", assigned, 1) }
	soon := func(o *organisation) { designersAreEligible(o); o.policy += "future: 14d\n" }
	seat := "\nseat figma ana pro login=ana@x.com assigned=2025-12-01\n"
	used := seat + "use okta ana@x.com Figma 2026-11-20\n"
	runVerdicts(t, []verdictCase{
		{says: "threshold and age of values together are not idle", org: anasSeat + stale + "use okta ana@x.com Figma 2026-08-10", want: "E1 figma: unknown coverage-gap"},
		{says: "a day more is", org: anasSeat + stale + "use okta ana@x.com Figma 2026-08-09", want: "E1 figma: idle idle-past-threshold"},
		{says: "a seat as old as its window is not over-tier", org: tier(" assigned=2026-10-08"), want: "E1 e5: in-use recent-use"},
		{says: "one a day older is", org: tier(" assigned=2026-10-07"), want: "E1 e5: over-tier tier-unneeded recent-use"},
		{says: "who starts on the last day of the lead time is missing", org: "person E1 email=ana@x.com status=future hired=2026-12-06", change: soon,
			want: "E1 figma: missing eligible-by-rule future-starter no-seat"},
		{says: "who starts a day later is not", org: "person E1 email=ana@x.com status=future hired=2026-12-07", change: soon, want: ""},
		{says: "who starts today has started", org: "person E1 email=ana@x.com hired=2026-11-22", change: soon, want: "E1 figma: missing eligible-by-rule no-seat"},
		{says: "on the first day of leave", org: "person E1 email=ana@x.com leave_from=2026-11-22" + used, want: "E1 figma: protected on-leave"},
		{says: "on the day before it", org: "person E1 email=ana@x.com leave_from=2026-11-23" + used, want: "E1 figma: in-use recent-use"},
		{says: "an open leave lasts through the last day", org: "person E1 email=ana@x.com leave_from=2026-11-01 left=2026-11-22" + used, want: "E1 figma: protected on-leave"},
		{says: "a hire on the last day is no rehire", org: "person E1 email=ana@x.com left=2026-10-31 hired=2026-10-31" + used, want: "E1 figma: unknown status-contradiction"},
		{says: "a return on the day of the hire restarts nothing", org: "person E1 email=ana@x.com hired=2026-10-01 leave_to=2026-09-30" + seat + "use okta ana@x.com Figma 2026-09-20",
			want: "E1 figma: in-use recent-use"},
		{says: "a contract that begins today is in force", org: anasSeat + "contract figma 5 start=2025-01-01 end=2025-12-31\ncontract figma 5 start=2026-11-22\nuse okta ana@x.com Figma 2026-11-20",
			want: "E1 figma: in-use recent-use"},
		{says: "one that begins tomorrow is not", org: anasSeat + "contract figma 5 start=2025-01-01 end=2025-12-31\ncontract figma 5 start=2026-11-23\nuse okta ana@x.com Figma 2026-11-20",
			want: "E1 figma: expired contract-ended"},
		{says: "one that ends today is in force", org: anasSeat + "contract figma 5 end=2026-11-22\nuse okta ana@x.com Figma 2026-11-20", want: "E1 figma: in-use recent-use"},
		{says: "one that ended yesterday is not", org: anasSeat + "contract figma 5 end=2026-11-21\nuse okta ana@x.com Figma 2026-11-20", want: "E1 figma: expired contract-ended"},
		{says: "a row that starts on the day another ends says nothing of its renewal",
			org:  anasSeat + "contract figma 5 start=2025-01-01 end=2026-01-01 auto_renew=yes\ncontract figma 5 start=2026-01-01 end=2026-06-30\nuse okta ana@x.com Figma 2026-11-20",
			want: "E1 figma: in-use renewal-unconfirmed recent-use"},
		{says: "a contract yet to begin is none", org: anasSeat + "contract figma 5 start=2026-12-01\nuse okta ana@x.com Figma 2026-11-20", want: "E1 figma: in-use recent-use"},
		{says: "ten events on the same weekdays make a silent day a gap", org: anasSeat + "log okta 2025-11-01 2026-11-22 events=10 silent=2026-10-13", want: "E1 figma: unknown coverage-gap"},
		{says: "a young log is compared with the weeks after", org: anasSeat + "log okta 2026-08-20 2026-11-22 silent=2026-08-24\nuse okta ana@x.com Figma 2026-08-21", want: "E1 figma: unknown coverage-gap"},
		{says: "a closure ends with its last day", org: anasSeat + "log okta 2025-11-01 2026-11-22 silent=2026-10-13..2026-10-14",
			change: func(o *organisation) {
				o.closures = []Closure{{From: o.dayOf("2026-10-12"), To: o.dayOf("2026-10-13")}}
			}, want: "E1 figma: unknown coverage-gap"},
		{says: "nor does it hold before its first", org: anasSeat + "log okta 2025-11-01 2026-11-22 silent=2026-10-12..2026-10-13",
			change: func(o *organisation) {
				o.closures = []Closure{{From: o.dayOf("2026-10-13"), To: o.dayOf("2026-10-14")}}
			}, want: "E1 figma: unknown coverage-gap"},
		{says: "a higher tier that is in force covers only while the person has it", org: ana + `seat figma ana view login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma-view: in-use recent-use"},
	})
}

// TestLeastCoverage: a log that reaches to the as-of less its lag is whole, to the minute.
func TestLeastCoverage(t *testing.T) {
	for to, want := range map[string]string{"whole": "E1 figma: never-used no-use-since-assigned", "short": "E1 figma: unknown coverage-gap"} {
		o := newOrganisation(t, anasSeat+"log okta 2025-11-01 2026-11-20").keeper()
		f := o.feeds["okta/sign-ins"]
		f.Daily.Last = o.asOf - 36*3600*1000
		if to == "short" {
			f.Daily.Last--
		}
		if got := verdicts(o.decide()); got != want {
			t.Errorf("%s: %s, want %s", to, got, want)
		}
	}
}

// TestGraceToTheMinute: the grace lasts as long as it says after the end of the last day.
func TestGraceToTheMinute(t *testing.T) {
	for grace, want := range map[string]string{"6h1m": "unknown leaver-grace", "6h": "leaver last-day-passed"} {
		o := newOrganisation(t, "person E1 email=ana@x.com status=leaver left=2026-11-21\nseat figma ana pro login=ana@x.com assigned=2025-12-01")
		o.policy = strings.Replace(o.policy, "grace: 24h", "grace: "+grace, 1)
		if diff := cmp.Diff("E1 figma: "+want, verdicts(o.keeper().decide())); diff != "" {
			t.Errorf("%s (-want +got)\n%s", grace, diff)
		}
	}
}

// TestNameOfAnAccount: the e-mail of its directory row, else the login of its seats, the first of several, else that of its
// newest sign-in, else its id.
func TestNameOfAnAccount(t *testing.T) {
	for want, org := range map[string]string{
		"row@x.com":   "person f1 source=figma email=row@x.com\nseat figma f1 pro login=seat@x.com",
		"a@x.com":     "seat figma f1 pro login=b@x.com\nseat figma f1 pro login=a@x.com path=group:G",
		"new@x.com":   "use okta f1 PowerBI 2026-11-01 login=old@x.com\nuse okta f1 PowerBI 2026-11-20 login=new@x.com",
		"newer@x.com": "use okta f1 PowerBI 2026-11-20 login=newer@x.com\nuse okta f1 Office 2026-11-01 login=a@x.com",
		"both@x.com":  "use okta f1 PowerBI 2026-11-20 login=both@x.com\nuse okta f1 Office 2026-11-20 login=other@x.com",
		"f1":          "seat figma f1 pro",
	} {
		p := newOrganisation(t, org).keeper().decide()
		for _, a := range p.Accounts {
			if p.Snapshot.Strings.Text(a.Key) == "f1" {
				if got := p.Snapshot.Strings.Text(a.Login); got != want {
					t.Errorf("%s is called %s, want %s", org, got, want)
				}
			}
		}
	}
}
