package reportstest

import (
	"fmt"
	"time"

	"github.com/govalues/decimal"

	"trueup/facts"
	"trueup/reconcile"
)

// names describes the holders of ids in [Lines]: name, department, cost centre.
var names = map[string][3]string{
	"E1001": {"Ana Petrović", "Engineering", "CC-100"},
	"E1002": {"Björn Lindqvist", "Engineering", "CC-100"},
	"E1003": {"Chiara Rossi", "Design", "CC-210"},
	"E1004": {"David Okafor", "Finance", "CC-300"},
	"E1005": {"Élodie Martin", "Sales", "CC-400"},
	"E1006": {"Farid Haddad", "Sales", "CC-400"},
	"E1007": {"Greta Schmidt", "Legal", "CC-500"},
	"S2001": {"Build service", "Engineering", "CC-100"},
}

// Catalogue is the products of all plans made here.
func Catalogue() *reconcile.Catalogue {
	return &reconcile.Catalogue{SHA256: Digest("products"), Products: []reconcile.Product{
		{ID: "figma-pro", Name: "Figma Professional", Vendor: "Figma", Metric: reconcile.NamedUser},
		{ID: "github-copilot", Name: "GitHub Copilot", Vendor: "GitHub", Metric: reconcile.ActiveUser},
		{ID: "m365-e3", Name: "Microsoft 365 E3", Vendor: "Microsoft", Family: "m365", Tier: 2, Metric: reconcile.NamedUser},
		{ID: "m365-e5", Name: "Microsoft 365 E5", Vendor: "Microsoft", Family: "m365", Tier: 3, Metric: reconcile.NamedUser},
		{ID: "matlab", Name: "MATLAB network licence", Vendor: "MathWorks", Metric: reconcile.Concurrent},
		{ID: "tableau", Name: "Tableau Creator", Vendor: "Salesforce", Metric: reconcile.NamedUser},
	}}
}

// Lines are rows of every verdict, in three currencies of two scales.
func Lines() []Line {
	direct := []string{"direct"}
	use := func(reasons ...reconcile.Reason) []reconcile.Reason { return reasons }
	return []Line{
		{Person: "E1001", Account: "ana@example.com", Product: "m365-e5", Verdict: reconcile.Idle,
			Reasons: use(reconcile.IdlePastThreshold), Rule: "reclaim[1]", Paths: direct, LastUse: "2026-06-30T08:11:02Z",
			Idle: 145, Kind: reconcile.Downgrade, State: reconcile.Notice, To: "m365-e3", ActionDue: "2026-12-06",
			Currency: "EUR", Exposure: 5475, Reassignable: 5475, Effective: "2027-03-31"},
		{Person: "E1001", Account: "ana@example.com", Product: "figma-pro", Verdict: reconcile.InUse,
			Reasons: use(reconcile.RecentUse), Paths: direct, LastUse: "2026-11-20T15:42:10.5Z", Idle: 2,
			Currency: "USD", Exposure: 4500},
		{Person: "E1001", Product: "github-copilot", Verdict: reconcile.Missing,
			Reasons: use(reconcile.EligibleByRule, reconcile.NoSeat), Rule: "eligibility[0]", Idle: -1,
			Kind: reconcile.Issue, State: reconcile.Approval, Role: "app-owner"},
		{Person: "E1002", Account: "bjorn@example.com", Product: "github-copilot", Verdict: reconcile.New,
			Reasons: use(reconcile.YoungSeat, reconcile.EligibleByRule), Paths: direct, Idle: -1,
			Currency: "USD", Exposure: 1900},
		{Person: "E1002", Account: "bjorn@example.com", Product: "m365-e3", Verdict: reconcile.Duplicate,
			Reasons: use(reconcile.CoveredByTier, reconcile.RedundantPath), Paths: []string{"direct", "group:All staff"},
			LastUse: "2026-11-19T07:00:00Z", Idle: 3, Covering: "m365-e5", Kind: reconcile.Revoke, State: reconcile.Blocked,
			By: "group:All staff", Detail: "take the group's licence or the person out of the group",
			Currency: "EUR", Exposure: 3380, Reassignable: 3380, Reducible: 3380, Effective: "2027-03-31"},
		{Person: "E1002", Account: "bjorn@example.com", Product: "m365-e5", Verdict: reconcile.OverTier,
			Reasons: use(reconcile.RecentUse, reconcile.TierUnneeded), Paths: direct, CostCentre: "CC-199",
			LastUse: "2026-11-19T07:00:00Z", Idle: 3, Kind: reconcile.Downgrade, State: reconcile.Proposed, To: "m365-e3",
			Currency: "EUR", Exposure: 5475, Reassignable: 5475},
		{Person: "E1003", Account: "chiara@example.com", Product: "figma-pro", Verdict: reconcile.Leaver,
			Reasons: use(reconcile.LastDayPassed), Rule: "leaver", Paths: direct, LastUse: "2026-10-30T16:00:00Z", Idle: 23,
			Kind: reconcile.Revoke, State: reconcile.Ready, Currency: "USD", Exposure: 4500, Reassignable: 4500,
			Reducible: 4500, Effective: "2026-12-31"},
		{Person: "E1003", Account: "chiara@example.com", Product: "tableau", Verdict: reconcile.Expired,
			Reasons: use(reconcile.ContractEnded), Paths: direct, LastUse: "2026-10-12T09:30:00Z", Idle: 41,
			Kind: reconcile.Review, State: reconcile.Proposed},
		{Person: "E1004", Account: "david@example.com", Product: "figma-pro", Verdict: reconcile.NotEntitled,
			Reasons: use(reconcile.NoRuleHolds), Paths: direct, LastUse: "2026-11-02T11:00:00Z", Idle: 20,
			Kind: reconcile.Revoke, State: reconcile.Approval, Role: "app-owner", Currency: "USD", Exposure: 4500,
			Reassignable: 4500},
		{Person: "E1004", Account: "david@example.com", Product: "m365-e3", Verdict: reconcile.UnderTier,
			Reasons: use(reconcile.RecentUse, reconcile.TierNeeded), Paths: direct, LastUse: "2026-11-21T18:20:00Z", Idle: 1,
			Kind: reconcile.Upgrade, State: reconcile.Proposed, To: "m365-e5", Currency: "EUR", Exposure: 3380},
		{Person: "E1005", Account: "elodie@example.com", Product: "m365-e5", Verdict: reconcile.NeverUsed,
			Reasons: use(reconcile.NoUseSinceAssigned), Rule: "reclaim[0]", Paths: direct, Idle: 132, Kind: reconcile.Revoke,
			State: reconcile.Withheld, By: "guard shrink of hr/people", Currency: "EUR", Exposure: 5475, Reassignable: 5475,
			Reducible: 5475, Effective: "2027-03-31"},
		{Person: "E1005", Account: "elodie@example.com", Product: "tableau", Verdict: reconcile.Unknown,
			Reasons: use(reconcile.CoverageGap), Paths: direct, Idle: -1, Gap: true, Currency: "JPY", Exposure: 9800},
		{Person: "E1006", Account: "farid@example.com", Product: "figma-pro", Verdict: reconcile.Protected,
			Reasons: use(reconcile.AwayOnLeave), Paths: direct, LastUse: "2026-07-31T10:00:00Z", Idle: 12,
			Currency: "USD", Exposure: 4500},
		{Person: "E1006", Product: "tableau", Verdict: reconcile.UnlicensedUse, Reasons: use(reconcile.NoSeat, reconcile.ProvenNeed),
			LastUse: "2026-11-18T13:05:00Z", Idle: 4, Kind: reconcile.Review, State: reconcile.Proposed},
		{Person: "E1007", Account: "greta@example.com", Product: "tableau", Verdict: reconcile.Disputed,
			Reasons: use(reconcile.KeyContradiction), Paths: direct, LastUse: "2026-11-18T13:05:00Z", Idle: 4,
			Kind: reconcile.Review, State: reconcile.Proposed, Currency: "JPY", Exposure: 9800},
		{Account: "old.intern@example.com", Product: "figma-pro", Verdict: reconcile.Orphan,
			Reasons: use(reconcile.NoPerson), Paths: direct, Idle: -1, Kind: reconcile.Review, State: reconcile.Proposed,
			Currency: "USD", Exposure: 4500},
		{Person: "S2001", Account: "svc-build@example.com", Product: "github-copilot", Verdict: reconcile.Protected,
			Reasons: use(reconcile.KindProtected), Paths: direct, Idle: -1, Currency: "USD", Exposure: 1900},
	}
}

// Outcomes are what became of some actions of [Lines]: an older failure and the success that followed it.
func Outcomes() []reconcile.Outcome {
	leaver := CaseOf(Line{Person: "E1003", Account: "chiara@example.com", Product: "figma-pro", Kind: reconcile.Revoke})
	return []reconcile.Outcome{
		{Action: leaver, Run: Run().ID, Attempt: 2, At: AsOf.Add(2*time.Hour + 30*time.Second), State: reconcile.Done,
			Request: "req-8842", Detail: "read back: the seat is gone"},
		{Action: leaver, Run: Run().ID, Attempt: 1, At: AsOf.Add(2*time.Hour + 10*time.Second), State: reconcile.Failed,
			Request: "req-8841", Detail: "503 from the vendor"},
		{Action: Digest("another plan's"), State: reconcile.Done},
	}
}

func freeze(lines []Line) *facts.Snapshot {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	hr := facts.NewObservation("hr", facts.FeedPeople, AsOf.Add(-time.Hour))
	hr.Rows, hr.Rejected = 1512, 2
	hr.Files = []facts.File{{Name: "exports/hr-2026-11-22.csv", SHA256: Digest("hr"), Bytes: 311_042, Rows: 1512}}
	hr.Rejects = []facts.Rejection{{File: "exports/hr-2026-11-22.csv", Line: 77, Reason: "start date: 31/02/2026"}}
	seats := facts.NewObservation("okta", facts.FeedSeats, AsOf.Add(-time.Hour))
	seats.Rows = int64(len(lines))
	seats.Files = []facts.File{{Name: "okta/apps/figma-users.json", SHA256: Digest("seats"), Bytes: 40_100, Rows: 17}}
	log := facts.NewObservation("okta", facts.FeedSignIns, AsOf.Add(-time.Hour))
	log.Rows = 48_211
	log.Files = []facts.File{
		{Name: "okta/system-log-1.jsonl.gz", SHA256: Digest("log 1"), Bytes: 5_200_311, Rows: 30_000},
		{Name: "okta/system-log-2.jsonl.gz", SHA256: Digest("log 2"), Bytes: 3_100_007, Rows: 18_211}}
	purchases := facts.NewObservation("contracts", facts.FeedPurchases, AsOf.Add(-time.Hour))
	purchases.Rows = 1
	purchases.AddPurchase(facts.Purchase{Contract: "C-7", Product: "tableau", Quantity: 10, Price: decimal.MustParse("9800"),
		Priced: true, Per: facts.PerMonth, Currency: "JPY", Start: facts.Date(2026, 1, 1), End: facts.Date(2026, 12, 31),
		Notice: facts.NoDay, CostCentre: "CC-900"})
	known := map[string]bool{}
	for _, l := range lines {
		if l.Person != "" && !known[l.Person] {
			known[l.Person] = true
			about := names[l.Person]
			hr.AddPerson(&facts.Person{ID: l.Person, Name: about[0], Department: about[1], CostCentre: about[2],
				Kind: facts.Employee, Status: facts.Active, Hired: facts.NoDay, Left: facts.NoDay, LeaveFrom: facts.NoDay,
				LeaveTo: facts.NoDay, LastSignIn: facts.NoInstant})
		}
		hr.Strings.InternString(l.Currency)
		seats.Strings.InternString(l.Account)
		for _, path := range l.Paths {
			seats.AddSeat(facts.Seat{Account: []byte(l.Account), Product: []byte(l.Product), Path: []byte(path),
				CostCentre: []byte(l.CostCentre), Assigned: AsOf.Add(-400 * 24 * time.Hour)})
		}
	}
	snapshot, err := facts.Freeze(facts.Frame{Organisation: "Example Research GmbH", Calendar: facts.NewCalendar(zone),
		AsOf: AsOf, Sources: []facts.Source{{Name: "hr", Kind: "csv"}, {Name: "okta", Kind: "okta", Writes: true},
			{Name: "contracts", Kind: "csv"}}}, []*facts.Observation{hr, seats, log, purchases})
	if err != nil {
		panic(err)
	}
	return snapshot
}

// inputStates are parallel to the frozen inputs: contracts/purchases, hr/people, okta/seats, okta/sign-ins.
func inputStates() []reconcile.InputState {
	none := reconcile.InputState{From: facts.NoInstant, To: facts.NoInstant, Complete: true, MatchRate: -1}
	seats, people := none, none
	seats.MatchRate = 0.9375
	people.Complete = false
	return []reconcile.InputState{none, people, seats, {From: AsOf.Add(-180 * 24 * time.Hour), To: AsOf.Add(-time.Hour),
		Gaps: []reconcile.Gap{{From: facts.Date(2026, 9, 3), To: facts.Date(2026, 9, 4)}}, MatchRate: 0.98}}
}

func guards() []reconcile.Guard {
	number := func(f float64) *float64 { return &f }
	return []reconcile.Guard{
		{Name: "shrink", Scope: "hr/people", Value: number(0.4), Limit: 0.1, State: reconcile.GuardTripped, Withholds: 1,
			Why: "1512 rows, 2520 in the last good run"},
		{Name: "match_rate", Scope: "okta/seats", Value: number(0.9375), Limit: 0.95, State: reconcile.GuardRaised},
		{Name: "growth", Scope: "okta/seats", Limit: 0.5, State: reconcile.GuardNotEvaluated, Why: "no earlier good run"},
		{Name: "run", Scope: "plan", Value: number(4), Limit: 200, State: reconcile.GuardHeld},
	}
}

func positions() []reconcile.Position {
	number := func(n int64) *int64 { return &n }
	return []reconcile.Position{
		{Product: 0, Purchased: number(20), Assigned: number(5), Active: number(3), Idle: number(0), Spare: number(15),
			Reclaimable: number(2), Flags: []string{"surplus", "renewal-due"}, Notice: facts.Date(2026, 12, 31),
			Ends: facts.Date(2027, 1, 31), Currency: "USD", UnitPrice: "45.00"},
		{Product: 3, Purchased: number(2), CounterPurchased: number(2), CounterConsumed: number(3), Assigned: number(3),
			Active: number(1), Idle: number(1), Spare: number(-1), Reclaimable: number(3), Flags: []string{"over-allocated"},
			Notice: facts.Date(2027, 2, 28), Ends: facts.NoDay, Currency: "EUR", UnitPrice: "54.75"},
		{Product: 4, Pool: "lab", Purchased: number(25), Peak: number(25), Reserved: number(4), Denied: number(17),
			DaysAtLimit: number(1), Flags: []string{"shortage"}, Notice: facts.NoDay, Ends: facts.NoDay},
		{Product: 5, Purchased: number(10), Notice: facts.NoDay, Ends: facts.Date(2026, 12, 31), Currency: "JPY",
			UnitPrice: "9800"},
	}
}

// concurrent are the days that the position of the concurrent product rests on; one was not seen.
func concurrent() []reconcile.Concurrency {
	day := facts.Date(2026, 11, 18)
	return []reconcile.Concurrency{{Product: 4, From: day - 1, To: day + 1, Missing: []reconcile.Gap{{From: day - 1, To: day - 1}},
		Limits: true, Denials: true, Days: []reconcile.ConcurrentUse{
			{Day: day, Peak: 25, Limit: 25, Reserved: 4, Denied: 17, Full: true, Seen: true},
			{Day: day + 1, Peak: 11, Limit: 25, Reserved: 4, Denied: facts.NotTold, Seen: true}}}}
}

func findings() []reconcile.Finding {
	return []reconcile.Finding{
		{Code: "application-never-seen", Subject: "figma-pro", Text: "no sign-in to “Figma Desktop” was ever seen at okta"},
		{Code: "rows-rejected", Subject: "hr/people", Text: "2 of 1512 records were refused, the first in line 77"},
	}
}

// Many are n rows of people of one product, every third idle.
func Many(n int) []Line {
	lines := make([]Line, n)
	for k := range lines {
		id := fmt.Sprintf("P%07d", k)
		lines[k] = Line{Person: id, Account: id + "@example.com", Product: "m365-e5", Verdict: reconcile.InUse,
			Reasons: []reconcile.Reason{reconcile.RecentUse}, Paths: []string{"direct"}, LastUse: "2026-11-20T15:42:10Z", Idle: 2,
			Currency: "EUR", Exposure: 5475}
		if k%3 == 0 {
			lines[k].Verdict, lines[k].Kind, lines[k].Idle = reconcile.Idle, reconcile.Revoke, 120
			lines[k].State, lines[k].Rule, lines[k].LastUse = reconcile.Ready, "reclaim[0]", "2026-07-25T08:00:00Z"
			lines[k].Reasons = []reconcile.Reason{reconcile.IdlePastThreshold}
		}
	}
	return lines
}
