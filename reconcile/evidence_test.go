package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEvidenceOfFeeds: what a log or a directory must be like so that the absence of use can be concluded from it.
func TestEvidenceOfFeeds(t *testing.T) {
	const never, unknown = "E1 figma: never-used no-use-since-assigned", "E1 figma: unknown coverage-gap"
	byMail := func(o *organisation) {
		o.products = strings.Replace(orgProducts, "seats_from: {figma: [pro]}, activity: {okta: [Figma]}", "seats_from: {figma: [pro]}, activity: {mail: [Figma]}", 1)
	}
	byDirectory := func(o *organisation) {
		o.products = strings.Replace(orgProducts, "seats_from: {figma: [pro]}, activity: {okta: [Figma]}", "seats_from: {figma: [pro]}, activity: {ad: {}}", 1)
	}
	refused := func(n int64) func(*organisation) {
		return func(o *organisation) { f := o.feeds["okta/sign-ins"]; f.Rows, f.Rejected = 1000, n }
	}
	mail := anasSeat + "log mail 2025-11-01 2026-11-22\nuse mail stranger@q.com Else 2026-11-20\n"
	value := anasSeat + "person a1 source=ad email=ana@x.com last=2026-03-01\n"
	whole := anasSeat + "log okta 2025-11-01 2026-11-22\n"
	runVerdicts(t, []verdictCase{
		{says: "a log that knows some of us", org: mail + "use mail k0@x.com Figma 2026-11-20", change: byMail, want: never},
		{says: "a log that knows none of us", org: mail, change: byMail, want: unknown},
		{says: "one record in a hundred refused", org: whole, change: refused(10), want: never},
		{says: "more than that", org: whole, change: refused(11), want: unknown},
		{says: "the day of the as-of is not over", org: anasSeat + "log okta 2025-11-01 2026-11-22 silent=2026-11-22", want: never},
		{says: "a directory that was read whole", org: value, change: byDirectory, want: "E1 figma: idle idle-past-threshold"},
		{says: "one that was not", org: value + "feed ad people incomplete", change: byDirectory, want: unknown},
	})
}

// TestGapsOfALog: silent days that follow one another are one gap.
func TestGapsOfALog(t *testing.T) {
	p := newOrganisation(t, "log okta 2025-11-01 2026-11-22 silent=2026-10-12..2026-10-13 silent=2026-10-20").keeper().decide()
	var got []string
	for n := range p.Inputs {
		for _, gap := range p.Inputs[n].Gaps {
			got = append(got, gap.From.String()+".."+gap.To.String())
		}
	}
	if diff := cmp.Diff("2026-10-12..2026-10-13 2026-10-20..2026-10-20", strings.Join(got, " ")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWithoutADirectory: nobody is an orphan unless every authoritative source was read.
func TestWithoutADirectory(t *testing.T) {
	sources := func(names ...string) func(*organisation) {
		return func(o *organisation) { o.identity.Authoritative = names }
	}
	const seat, unknown = "seat figma z9 pro", "z9 figma: unknown no-person directory-incomplete"
	runVerdicts(t, []verdictCase{
		{says: "read", org: seat, change: sources("hr"), want: "z9 figma: orphan no-person"},
		{says: "one of two not configured", org: seat, change: sources("hr", "staff"), want: unknown},
		{says: "one of two, the first, not configured", org: seat, change: sources("staff", "hr"), want: unknown},
		{says: "one of two not read", org: seat, change: sources("hr", "okta"), want: unknown},
	})
	o := newOrganisation(t, seat)
	o.identity.Authoritative = nil
	if got := verdicts(o.keeper().decide()); strings.Contains(got, "orphan") {
		t.Errorf("without an authoritative source: %s", got)
	}
}

// TestTwoRowsOfOnePerson: one row says that they left, another that they are there.
func TestTwoRowsOfOnePerson(t *testing.T) {
	const seat = "\nseat figma ana pro login=ana@x.com assigned=2025-12-01\nuse okta ana@x.com Figma 2026-11-20"
	const used, torn = "E1 figma: in-use recent-use", "E1 figma: unknown status-contradiction"
	const there, gone = "person E1 email=ana@x.com hired=", "\nperson E1 email=ana@x.com status=leaver left="
	runVerdicts(t, []verdictCase{
		{says: "hired after the last day", org: there + "2026-05-02" + gone + "2026-05-01" + seat, want: used},
		{says: "hired on the last day", org: there + "2026-05-01" + gone + "2026-05-01" + seat, want: torn},
		{says: "hired on a day that is not known", org: there + gone + "2026-05-01" + seat, want: torn},
		{says: "left on a day that is not known", org: there + "2026-05-02" + gone + seat, want: torn},
		{says: "both there", org: there + "2026-05-02\n" + there + "2020-01-01" + seat, want: used},
		{says: "both gone", org: gone + "2026-05-01" + gone + "2026-04-01" + seat, want: "E1 figma: leaver last-day-passed"},
	})
}
