package reconcile

import "testing"

// The sentences of the specification on rows and the order of the table, each with the smallest organisation that shows it.
func TestOrderOfTheTable(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{says: "protected stands before leaver", org: `person E1 email=ana@x.com kind=service status=leaver left=2026-01-31
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: protected kind-protected"},
		{says: "the kind of the account's own directory row protects too", org: `person a1 source=okta email=svc@x.com kind=service
			seat okta a1 SVC
			seat figma svc pro login=svc@x.com assigned=2025-12-01
			person svc source=figma email=svc@x.com kind=service`, want: "svc@x.com figma: protected kind-protected"},
		{says: "on leave is protected", org: `person E1 email=ana@x.com leave_from=2026-11-01 leave_to=2026-11-22
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: protected on-leave"},
		{says: "leave dates win over the status", org: `person E1 email=ana@x.com status=on-leave leave_from=2026-01-01 leave_to=2026-03-31
			seat figma ana pro login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use recent-use"},
		{says: "orphan stands before expired", org: `contract figma 5 end=2026-06-30
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "ana@x.com figma: orphan no-person"},
		{says: "leaver stands before expired", org: `person E1 email=ana@x.com status=leaver left=2026-10-31
			contract figma 5 end=2026-06-30
			seat figma ana pro login=ana@x.com assigned=2025-12-01`, want: "E1 figma: leaver last-day-passed"},
		{says: "expired stands before not entitled", org: anasSeat + `contract figma 5 end=2026-06-30`, change: nobodyIsEligible,
			want: "E1 figma: expired contract-ended"},
		{says: "not entitled stands before duplicate and use", org: ana + `seat figma ana pro login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Figma 2026-11-20`, change: nobodyIsEligible, want: "E1 figma: not-entitled no-rule-holds"},
		{says: "duplicate stands before use, whatever it costs", org: ana + `seat figma ana pro login=ana@x.com assigned=2025-12-01
			seat figma ana view login=ana@x.com assigned=2025-12-01
			contract figma-view 9 price=90.00
			use okta ana@x.com Figma 2026-11-20`,
			want: "E1 figma: in-use recent-use\nE1 figma-view: duplicate covered-by-tier"},
		{says: "recent use proves use whatever the coverage", org: anasSeat + `log okta 2026-11-01 2026-11-22
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use recent-use"},
		{says: "never used stands before idle", org: anasSeat, want: "E1 figma: never-used no-use-since-assigned"},
		{says: "idle also where older use cannot be known", org: ana + `log okta 2026-06-01 2026-11-22
			seat figma ana pro login=ana@x.com assigned=2024-01-01`, want: "E1 figma: idle idle-past-threshold"},
		{says: "a product without contract rows is never expired", org: anasSeat + "use okta ana@x.com Figma 2026-11-20",
			want: "E1 figma: in-use recent-use"},
		{says: "a contract that renews itself continues, flagged", org: anasSeat + `contract figma 5 end=2026-06-30 auto_renew=yes
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use renewal-unconfirmed recent-use"},
		{says: "auto renewal ends where a later row says otherwise", org: anasSeat + `contract figma 5 start=2025-01-01 end=2025-12-31 auto_renew=yes
			contract figma 5 start=2026-01-01 end=2026-06-30`, want: "E1 figma: expired contract-ended"},
		{says: "no rules, never not entitled", org: anasSeat + "use okta ana@x.com Figma 2026-11-20",
			want: "E1 figma: in-use recent-use"},
		{says: "one account, two paths, one seat", org: ana + `seat figma ana pro login=ana@x.com assigned=2025-12-01
			seat figma ana pro login=ana@x.com assigned=2025-12-01 path=group:Designers
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use redundant-path recent-use"},
	})
}

func nobodyIsEligible(o *organisation) {
	o.policy += "eligibility: [{product: figma, when: 'person.id == \"K0\"'}]\n"
}

func TestRows(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{says: "activity counts for the person over all linked accounts", org: `person E1 email=ana@x.com aliases=anna@x.com
			seat figma f-1 pro login=anna@x.com assigned=2025-12-01
			use okta 00u1 Figma 2026-11-20 login=ana@x.com`, want: "E1 figma: in-use recent-use"},
		{says: "accounts of one folded name without a person are one holder", org: `seat figma F1 pro login=Bob@X.com assigned=2025-12-01
			seat entra B2 PBI login=bob@x.com assigned=2025-12-01`,
			want: "Bob@X.com figma: orphan no-person\nBob@X.com pbi: orphan no-person"},
		{says: "concurrent products have no rows", org: ana + "seat figma ana pool login=ana@x.com", want: ""},
		{says: "a device seat is no orphan", org: "seat figma ipad-7 tablet assigned=2026-11-01", want: "ipad-7 tablet: new young-seat"},
		{says: "a device is matched to its user where known", org: `person E1 email=ana@x.com
			seat figma ipad-7 tablet login=ana@x.com assigned=2026-11-01`, want: "E1 tablet: new young-seat"},
		{says: "two devices of one user are no duplicates", org: `person E1 email=ana@x.com
			seat figma ipad-7 tablet login=ana@x.com assigned=2025-12-01
			seat figma ipad-8 tablet login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Tablet 2026-11-20`, want: "E1 tablet: in-use recent-use\nE1 tablet: in-use recent-use"},
		{says: "use of what only this suite gives is use of it", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			use okta ana@x.com PowerBI 2026-11-20`, want: "E1 e5: in-use recent-use"},
		{says: "use that needs the tier is use of it", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Defender 2026-11-20`, want: "E1 e5: in-use recent-use"},
		{says: "no tier is taken with which something would go that is used", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Office 2026-11-20
			use okta ana@x.com PowerBI 2026-11-20`, want: "E1 e5: in-use recent-use"},
		{says: "what has a seat of its own is no use of the suite", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			seat entra ana PBI login=ana@x.com assigned=2025-12-01
			use okta ana@x.com PowerBI 2026-11-20`, want: "E1 e5: never-used no-use-since-assigned\nE1 pbi: duplicate covered-by-suite"},
		{says: "unlicensed use is not for devices", org: ana + "use okta ana@x.com Tablet 2026-11-20", want: ""},
		{says: "a holder without a person can use without a seat", org: "use okta ghost@x.com PowerBI 2026-11-20",
			want: "ghost@x.com pbi: unlicensed-use no-seat"},
		{says: "a suite answers for what it covers", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Office 2026-11-20
			use okta ana@x.com Defender 2026-11-20
			use okta ana@x.com PowerBI 2026-11-20`, want: "E1 e5: in-use recent-use"},
		{says: "a seat of the family answers for the family", org: ana + `seat figma ana view login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Figma 2026-11-20`, change: designersAreEligible, want: "E1 figma-view: in-use recent-use"},
		{says: "activity of somebody missing a seat is proven need", org: ana + "use okta ana@x.com Figma 2026-11-20",
			change: designersAreEligible,
			want:   "E1 figma: missing eligible-by-rule no-seat proven-need\nE1 figma-view: unlicensed-use no-seat"},
		{says: "no complete seats feed, no missing and no unlicensed use", org: ana + `feed figma seats incomplete
			use okta ana@x.com Figma 2026-11-20`, change: designersAreEligible, want: ""},
	})
}

func TestLeaving(t *testing.T) {
	seat := "\nseat figma ana pro login=ana@x.com assigned=2025-12-01\n"
	used := seat + "use okta ana@x.com Figma 2026-11-20\n"
	runVerdicts(t, []verdictCase{
		{says: "a future last day is not yet a leaver", org: "person E1 email=ana@x.com status=leaver left=2026-12-31" + used,
			want: "E1 figma: in-use recent-use"},
		{says: "the last day is inclusive", org: "person E1 email=ana@x.com status=leaver left=2026-11-22" + used,
			want: "E1 figma: in-use recent-use"},
		{says: "inside the grace the row keeps", org: "person E1 email=ana@x.com status=leaver left=2026-11-21" + seat,
			want: "E1 figma: unknown leaver-grace"},
		{says: "inside the grace what is in use is in use", org: "person E1 email=ana@x.com status=leaver left=2026-11-21" + used,
			want: "E1 figma: in-use leaver-grace recent-use"},
		{says: "the grace counts hours after the end of the last day", org: "person E1 email=ana@x.com status=leaver left=2026-11-20" + seat,
			want: "E1 figma: leaver last-day-passed"},
		{says: "active with the last day past is a contradiction", org: "person E1 email=ana@x.com left=2026-10-31" + seat,
			want: "E1 figma: unknown status-contradiction"},
		{says: "a later hire explains it", org: "person E1 email=ana@x.com left=2026-03-31 hired=2026-06-01" + used,
			want: "E1 figma: in-use recent-use"},
		{says: "an explicit deletion record is a leaver", org: "person E1 email=ana@x.com status=unknown deleted=yes left=2026-10-01" + seat,
			want: "E1 figma: leaver last-day-passed deletion-record"},
		{says: "somebody who merely vanished is unknown", org: "prior linked figma ana E1" + seat, want: "ana@x.com figma: unknown vanished"},
		{says: "a gap in the directory turns leaver into unknown", org: "feed hr people incomplete\nperson E1 email=ana@x.com status=leaver left=2026-10-01" + seat,
			want: "E1 figma: unknown directory-incomplete"},
		{says: "a gap in the directory turns orphan into unknown", org: "feed hr people incomplete" + seat,
			want: "ana@x.com figma: unknown no-person directory-incomplete"},
		{says: "an unmapped status is neither active nor leaver", org: "person E1 email=ana@x.com status=unknown" + used,
			want: "E1 figma: in-use status-unmapped recent-use"},
		{says: "for an unmapped status nothing changes", org: "person E1 email=ana@x.com status=unknown" + seat,
			want: "E1 figma: unknown status-unmapped"},
		{says: "an unmapped status is never missing", org: "person E1 email=ana@x.com status=unknown", change: designersAreEligible, want: ""},
		{says: "an unmapped kind is not protected", org: "person E1 email=ana@x.com kind=unknown" + seat,
			want: "E1 figma: never-used no-use-since-assigned"},
		{says: "leavers are never missing", org: "person E1 email=ana@x.com status=leaver left=2026-10-01", change: designersAreEligible, want: ""},
		{says: "suspended people are never missing", org: "person E1 email=ana@x.com status=suspended", change: designersAreEligible, want: ""},
		{says: "people on leave are never missing", org: "person E1 email=ana@x.com status=on-leave", change: designersAreEligible, want: ""},
		{says: "protected people are never missing", org: "person E1 email=ana@x.com kind=shared", change: designersAreEligible, want: ""},
		{says: "who has not started is not missing without a lead time", org: "person E1 email=ana@x.com status=future hired=2026-11-30",
			change: designersAreEligible, want: ""},
		{says: "who starts within the lead time is missing", org: "person E1 email=ana@x.com status=future hired=2026-11-30",
			change: func(o *organisation) { designersAreEligible(o); o.policy += "future: 14d\n" },
			want:   "E1 figma: missing eligible-by-rule future-starter no-seat"},
		{says: "seats of future people are new", org: "person E1 email=ana@x.com status=future hired=2026-12-01" + seat,
			want: "E1 figma: new future-starter"},
		{says: "somebody who left when observed later is not a leaver then", org: "feed hr people later\nperson E1 email=ana@x.com status=leaver" + seat,
			want: "E1 figma: unknown observed-later"},
	})
}

func TestClocksAndCoverage(t *testing.T) {
	seat := "\nseat figma ana pro login=ana@x.com assigned=2025-12-01\n"
	runVerdicts(t, []verdictCase{
		{says: "idle days equal to the threshold are in use", org: anasSeat + "use okta ana@x.com Figma 2026-08-24",
			want: "E1 figma: in-use recent-use"},
		{says: "one day more is idle", org: anasSeat + "use okta ana@x.com Figma 2026-08-23", want: "E1 figma: idle idle-past-threshold"},
		{says: "the clock starts at the hire", org: "person E1 email=ana@x.com hired=2026-11-10" + seat, want: "E1 figma: new young-seat"},
		{says: "the clock starts at the return from leave", org: "person E1 email=ana@x.com leave_from=2026-01-01 leave_to=2026-10-31" + seat,
			want: "E1 figma: new young-seat"},
		{says: "use before the return still counts, idle days run from it", org: "person E1 email=ana@x.com leave_from=2026-01-01 leave_to=2026-10-31" + seat +
			"use okta ana@x.com Figma 2025-12-20", want: "E1 figma: in-use clock-restarted"},
		{says: "use before a rehire still counts", org: "person E1 email=ana@x.com left=2026-02-28 hired=2026-10-01" + seat +
			"use okta ana@x.com Figma 2026-02-20", want: "E1 figma: in-use clock-restarted"},
		{says: "suspension does not stop the clock", org: "person E1 email=ana@x.com status=suspended" + seat +
			"use okta ana@x.com Figma 2026-03-01", want: "E1 figma: idle idle-past-threshold"},
		{says: "new lasts as long as the longer of both windows", org: ana + "seat figma ana pro login=ana@x.com assigned=2026-10-08",
			want: "E1 figma: new young-seat"},
		{says: "a day later it is never used", org: ana + "seat figma ana pro login=ana@x.com assigned=2026-10-07",
			want: "E1 figma: never-used no-use-since-assigned"},
		{says: "a log that is too short makes it unknown", org: anasSeat + "log okta 2026-10-01 2026-11-22", want: "E1 figma: unknown coverage-gap"},
		{says: "whole to the end less 36 hours", org: anasSeat + "log okta 2025-11-01 2026-11-20", want: "E1 figma: never-used no-use-since-assigned"},
		{says: "older than the lag is not whole", org: anasSeat + "log okta 2025-11-01 2026-11-19", want: "E1 figma: unknown coverage-gap"},
		{says: "the documented lag counts", org: anasSeat + "log okta 2025-11-01 2026-11-21 lag=2h", want: "E1 figma: unknown coverage-gap"},
		{says: "a silent day is a gap", org: anasSeat + "log okta 2025-11-01 2026-11-22 silent=2026-10-13", want: "E1 figma: unknown coverage-gap"},
		{says: "a gap before the window does not matter for idle", org: anasSeat + `log okta 2025-11-01 2026-11-22 silent=2026-05-13
			use okta ana@x.com Figma 2026-03-01`, want: "E1 figma: idle idle-past-threshold"},
		{says: "a gap that is a closure is none", org: anasSeat + "log okta 2025-11-01 2026-11-22 silent=2026-10-13",
			change: func(o *organisation) {
				day := o.dayOf("2026-10-13")
				o.closures = []Closure{{From: day, To: day}}
			}, want: "E1 figma: never-used no-use-since-assigned"},
		{says: "a weekday that is always quiet is no gap", org: anasSeat + "log okta 2025-11-01 2026-11-22 events=9 silent=2026-10-13",
			want: "E1 figma: never-used no-use-since-assigned"},
		{says: "a long silence does not become its own excuse", org: anasSeat + "log okta 2025-11-01 2026-11-22 silent=2026-01-15..2026-11-20",
			want: "E1 figma: unknown coverage-gap"},
		{says: "an incomplete log proves no absence", org: anasSeat + "feed okta sign-ins incomplete", want: "E1 figma: unknown coverage-gap"},
		{says: "a log of which many records were refused proves no absence", org: anasSeat + "feed okta sign-ins rejected=2000", want: "E1 figma: unknown coverage-gap"},
		{says: "it proves use all the same", org: anasSeat + `feed okta sign-ins rejected=2000
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use recent-use"},
		{says: "one refused record in a hundred is borne", org: anasSeat + "feed okta sign-ins rejected=100", want: "E1 figma: never-used no-use-since-assigned"},
		{says: "a log without outcomes counts nothing", org: anasSeat + `feed okta sign-ins untold
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: unknown outcome-untold"},
		{says: "declared coverage counts instead of the events'", org: anasSeat + `log okta 2026-11-01 2026-11-22 events=5
			feed okta sign-ins declared=2025-11-01..2026-11-22`, want: "E1 figma: never-used no-use-since-assigned"},
		{says: "a log without an event proves nothing", org: anasSeat + "log okta 2026-11-22 2026-11-21\nfeed okta sign-ins declared=2025-01-01..2026-11-22",
			want: "E1 figma: unknown coverage-gap"},
		{says: "values that may be old need a longer window", org: anasSeat + `log okta 2025-11-01 2026-11-22 stale=336h
			use okta ana@x.com Figma 2026-08-15`, want: "E1 figma: unknown coverage-gap"},
		{says: "beyond that window it is idle", org: anasSeat + `log okta 2025-11-01 2026-11-22 stale=336h
			use okta ana@x.com Figma 2026-08-01`, want: "E1 figma: idle idle-past-threshold"},
		{says: "the hire stands in for an assignment that nobody knows", org: "person E1 email=ana@x.com hired=2026-01-10\nseat figma ana pro login=ana@x.com",
			want: "E1 figma: never-used no-use-since-assigned"},
		{says: "neither known is unknown", org: "person E1 email=ana@x.com hired=\nseat figma ana pro login=ana@x.com",
			want: "E1 figma: unknown assignment-unknown"},
		{says: "a seat given after the as-of was not there yet", org: ana + `feed figma seats later
			seat figma ana pro login=ana@x.com assigned=2026-11-23`, want: ""},
		{says: "a feed observed later marks its rows", org: anasSeat + `feed figma seats later
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use recent-use observed-later"},
	})
}

const stateProducts = `products:
  - {id: figma, seats_from: {figma: [pro]}, activity: {ad: {}}}
`

func TestStateFeeds(t *testing.T) {
	state := func(o *organisation) { o.products = stateProducts }
	runVerdicts(t, []verdictCase{
		{says: "a last sign-in counts as use", org: anasSeat + "person a1 source=ad email=ana@x.com last=2026-11-01", change: state,
			want: "E1 figma: in-use recent-use"},
		{says: "an old value proves idleness", org: anasSeat + "person a1 source=ad email=ana@x.com last=2026-03-01", change: state,
			want: "E1 figma: idle idle-past-threshold"},
		{says: "an absent value is not a never", org: anasSeat + "person a1 source=ad email=ana@x.com", change: state,
			want: "E1 figma: unknown coverage-gap"},
		{says: "one account without a value leaves it open", org: anasSeat + `person a1 source=ad email=ana@x.com last=2026-03-01
			person a2 source=ad email=ana@x.com`, change: state, want: "E1 figma: unknown coverage-gap"},
		{says: "a value that may be 14 days old needs 104", org: anasSeat + `feed ad people stale=336h
			person a1 source=ad email=ana@x.com last=2026-08-15`, change: state, want: "E1 figma: unknown coverage-gap"},
		{says: "a filter on applications does not count a last sign-in", org: anasSeat + "person a1 source=ad email=ana@x.com last=2026-11-01",
			change: func(o *organisation) {
				o.products = "products:\n  - {id: figma, seats_from: {figma: [pro]}, activity: {ad: [Figma]}}\n"
			}, want: "E1 figma: unknown no-signal"},
	})
}
