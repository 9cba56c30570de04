package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// verdictCase is a sentence of the decision table and a small organisation to which it applies.
type verdictCase struct {
	says string
	org  string
	want string // holder, product, verdict and reasons, one row a line
	// change, if not nil, adjusts what the text cannot say.
	change func(*organisation)
}

func runVerdicts(t *testing.T, cases []verdictCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			got := verdicts(o.keeper().decide())
			if diff := cmp.Diff(trimLines(c.want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func trimLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for n := range lines {
		lines[n] = strings.TrimSpace(lines[n])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

const ana = "person E1 email=ana@x.com\n"
const anasSeat = ana + "seat figma ana pro login=ana@x.com assigned=2025-12-01\n"

func TestEveryVerdict(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{says: "a shared mailbox is protected", org: `person E1 email=ana@x.com kind=shared
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: protected kind-protected"},
		{says: "an account that matches several people is disputed", org: `person E1 email=ana@x.com
			person E2 email=ana@x.com
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "ana@x.com figma: disputed several-persons"},
		{says: "an account that matches nobody is an orphan", org: `seat figma ana pro login=ana@x.com assigned=2025-12-01`,
			want: "ana@x.com figma: orphan no-person"},
		{says: "a leaver whose grace is over is a leaver", org: `person E1 email=ana@x.com status=leaver left=2026-10-31
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: leaver last-day-passed"},
		{says: "a seat of a product whose contract has ended is expired", org: anasSeat + `contract figma 10 end=2026-06-30`,
			want: "E1 figma: expired contract-ended"},
		{says: "a seat to which no rule gives a right is not entitled", org: anasSeat,
			change: func(o *organisation) {
				o.policy += "eligibility: [{product: figma, when: 'person.department == \"Design\" || person.id == \"K0\"'}]\n"
			}, want: "E1 figma: not-entitled no-rule-holds"},
		{says: "a seat that a suite covers is a duplicate", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			seat entra ana PBI login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Office 2026-11-20
			use okta ana@x.com Defender 2026-11-20`,
			want: "E1 e5: in-use recent-use\nE1 pbi: duplicate covered-by-suite"},
		{says: "a tier whose own use is absent is over-tier", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Office 2026-11-20`, want: "E1 e5: over-tier tier-unneeded recent-use"},
		{says: "use of a higher tier without it is under-tier", org: ana + `seat entra ana E3 login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Office 2026-11-20
			use okta ana@x.com Defender 2026-11-20`, want: "E1 e3: under-tier tier-needed recent-use"},
		{says: "use within the threshold is in use", org: anasSeat + "use okta ana@x.com Figma 2026-09-01",
			want: "E1 figma: in-use recent-use"},
		{says: "a young seat without use is new", org: ana + "seat figma ana pro login=ana@x.com assigned=2026-11-01",
			want: "E1 figma: new young-seat"},
		{says: "no use since the assignment, all covered, is never used", org: anasSeat,
			want: "E1 figma: never-used no-use-since-assigned"},
		{says: "no use for longer than the threshold, all covered, is idle", org: anasSeat + "use okta ana@x.com Figma 2026-03-01",
			want: "E1 figma: idle idle-past-threshold"},
		{says: "what the evidence does not decide is unknown", org: ana + "seat figma ana silent login=ana@x.com assigned=2025-12-01",
			want: "E1 silent: unknown no-signal"},
		{says: "a right without a seat is missing", org: ana, change: designersAreEligible,
			want: "E1 figma: missing eligible-by-rule no-seat"},
		{says: "use without a seat or a right is unlicensed use", org: ana + "use okta ana@x.com PowerBI 2026-11-20",
			want: "E1 pbi: unlicensed-use no-seat"},
	})
}

func designersAreEligible(o *organisation) {
	o.policy += "eligibility: [{product: figma, when: 'true'}]\n"
}
