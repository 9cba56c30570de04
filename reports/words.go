package reports

import "trueup/reconcile"

// The words of this file say in plain language what the words of the closed lists mean. They stand in the workbook, in
// the text summary and in explanations, so that no reader needs the program's documentation to read a report.

// verdictWords are indexed by verdict.
var verdictWords = [...]string{
	reconcile.Protected:     "Kept on purpose: not a person's everyday account, on leave, or covered by an exemption. The cost is still shown.",
	reconcile.Disputed:      "The account fits several people, or its keys contradict each other. A person has to say whose it is.",
	reconcile.Orphan:        "The account belongs to nobody in the directory, and the directory was read whole.",
	reconcile.Leaver:        "The holder has left (or was deleted) and the days of grace are over.",
	reconcile.Expired:       "The contract for the product has ended.",
	reconcile.NotEntitled:   "The product has rules for who should hold it, and none of them fits the holder.",
	reconcile.Duplicate:     "Another licence of the same holder already includes this one.",
	reconcile.OverTier:      "Used, but nothing that needs this edition: a smaller one would do.",
	reconcile.UnderTier:     "Used for something that the holder's edition does not include.",
	reconcile.InUse:         "Used recently enough.",
	reconcile.New:           "Not used yet, but the licence or the holder is still new.",
	reconcile.NeverUsed:     "Not used once since it was given, and the sign-in records have no gap since then.",
	reconcile.Idle:          "Not used for longer than the limit, and the sign-in records have no gap in that time.",
	reconcile.Unknown:       "The evidence does not decide. Nothing is done; the reasons say what is missing.",
	reconcile.Missing:       "The holder should have the product by rule and has no licence for it.",
	reconcile.UnlicensedUse: "The product was used without a licence and without a right to one.",
}

// VerdictMeaning says in plain words what a verdict means.
func VerdictMeaning(v reconcile.Verdict) string { return word(verdictWords[:], v) }

// verdictPhrases are indexed by verdict.
var verdictPhrases = [...]string{
	reconcile.Protected:     "kept on purpose",
	reconcile.Disputed:      "unclear whose account it is",
	reconcile.Orphan:        "nobody's account",
	reconcile.Leaver:        "the holder has left",
	reconcile.Expired:       "the contract has ended",
	reconcile.NotEntitled:   "no right to it",
	reconcile.Duplicate:     "held twice",
	reconcile.OverTier:      "a smaller edition would do",
	reconcile.UnderTier:     "needs a larger edition",
	reconcile.InUse:         "used recently",
	reconcile.New:           "too new to tell",
	reconcile.NeverUsed:     "never used",
	reconcile.Idle:          "not used for too long",
	reconcile.Unknown:       "the evidence does not decide",
	reconcile.Missing:       "a right to it, but no licence",
	reconcile.UnlicensedUse: "used without licence or right",
}

// VerdictPhrase says in a few words what a verdict means, where there is no room for [VerdictMeaning].
func VerdictPhrase(v reconcile.Verdict) string { return word(verdictPhrases[:], v) }

var kindWords = [...]string{
	reconcile.Keep:      "Nothing is to be done.",
	reconcile.Review:    "For a person to look at.",
	reconcile.Revoke:    "Take the licence away.",
	reconcile.Downgrade: "Change to a smaller edition.",
	reconcile.Upgrade:   "Change to a larger edition.",
	reconcile.Issue:     "Give a licence.",
}

// KindMeaning says in plain words what an action does.
func KindMeaning(k reconcile.ActionKind) string { return word(kindWords[:], k) }

var stateWords = [...]string{
	reconcile.Proposed:  "For information: nothing is carried out.",
	reconcile.Notice:    "The holder has been given until the due date.",
	reconcile.Approval:  "Waits for the named role to approve.",
	reconcile.Ready:     "Will be carried out by the next run that may act.",
	reconcile.Manual:    "The program may not change this system: a person has to.",
	reconcile.Blocked:   "Cannot be done this way, say because a group gives it.",
	reconcile.Withheld:  "Held back by a safety limit or because a source was incomplete.",
	reconcile.Sent:      "The vendor was asked; the answer is not known yet.",
	reconcile.Done:      "Carried out, and confirmed by reading it back.",
	reconcile.Failed:    "The vendor refused.",
	reconcile.Kept:      "The holder or manager wants to keep it.",
	reconcile.Rejected:  "The approver said no.",
	reconcile.Cancelled: "Called off: use or a change was seen just before.",
	reconcile.Lapsed:    "The notice or approval ran out without effect.",
	reconcile.Undone:    "Carried out, then taken back.",
}

// StateMeaning says in plain words what an action waits for, or how it ended.
func StateMeaning(s reconcile.State) string { return word(stateWords[:], s) }

var reasonWords = [...]string{
	reconcile.KindProtected:       "A service, shared, resource or emergency account.",
	reconcile.AwayOnLeave:         "The holder is on leave.",
	reconcile.Exempted:            "An exemption covers it; the rule says which.",
	reconcile.SeveralPersons:      "The account fits more than one person.",
	reconcile.KeyContradiction:    "One key of the account says one person, another key somebody else.",
	reconcile.NoPerson:            "No person fits the account.",
	reconcile.LastDayPassed:       "The last day of work and the grace after it are over.",
	reconcile.DeletionRecord:      "The directory says that the person was deleted.",
	reconcile.LeaverGrace:         "The last day of work is over, the grace after it is not.",
	reconcile.Vanished:            "Known before, and gone from the directory without a record.",
	reconcile.StatusContradiction: "Active, although the last day of work is past.",
	reconcile.StatusUnmapped:      "The directory gives a status that the configuration does not explain.",
	reconcile.DirectoryIncomplete: "The directory was not read whole.",
	reconcile.ContractEnded:       "No contract for the product is in force.",
	reconcile.RenewalUnconfirmed:  "The contract renewed itself, and nobody has confirmed that.",
	reconcile.NoRuleHolds:         "None of the rules for the product fits the holder.",
	reconcile.EligibleByRule:      "A rule says that the holder should have the product.",
	reconcile.CoveredBySuite:      "Another product of the holder includes this one.",
	reconcile.CoveredByTier:       "The holder has a larger edition of the same product.",
	reconcile.SecondAccount:       "The holder has the same licence on another account that is used more.",
	reconcile.RedundantPath:       "The same licence is given both directly and by a group.",
	reconcile.TierUnneeded:        "Nothing was used that needs this edition.",
	reconcile.TierNeeded:          "Something was used that needs a larger edition.",
	reconcile.RecentUse:           "Used within the limit.",
	reconcile.IdlePastThreshold:   "Not used within the limit, and the records of that time are whole.",
	reconcile.NoUseSinceAssigned:  "Not used since the licence was given, and the records since then are whole.",
	reconcile.YoungSeat:           "The licence, the hire or the return is recent.",
	reconcile.FutureStarter:       "The holder has not started yet.",
	reconcile.CoverageGap:         "The sign-in records do not cover the whole time in question.",
	reconcile.NoSignal:            "It is not configured what counts as use, or no such record was read.",
	reconcile.OutcomeUntold:       "The records do not tell successful from failed sign-ins.",
	reconcile.AssignmentUnknown:   "It is not known since when the holder has the licence.",
	reconcile.NoSeat:              "The holder has no licence for the product.",
	reconcile.ProvenNeed:          "No licence, and yet used.",
	reconcile.ClockRestarted:      "Back from leave or hired again: days without use count from there.",
	reconcile.ObservedLater:       "The source was read after the date of the report.",
	reconcile.PolicyError:         "A rule could not be evaluated for this row.",
	reconcile.LegalHold:           "A legal hold protects the licence even though the holder has left.",
}

// ReasonMeaning says in plain words what a reason means.
func ReasonMeaning(r reconcile.Reason) string { return word(reasonWords[:], r) }

var guardStateWords = [...]string{
	reconcile.GuardHeld:         "Within the limit.",
	reconcile.GuardTripped:      "Beyond the limit: what depends on it is held back.",
	reconcile.GuardNotEvaluated: "There is nothing yet to compare with.",
	reconcile.GuardRaised:       "Beyond the limit, and let through for this run by name.",
}

// GuardStateMeaning says in plain words what became of a guard.
func GuardStateMeaning(s reconcile.GuardState) string { return word(guardStateWords[:], s) }

// GuardMeaning says in plain words what a guard of [reconcile.GuardNames] looks at; "" for another name.
func GuardMeaning(name string) string {
	switch name {
	case "shrink":
		return "Rows that the source lost since the last good run, as a share."
	case "growth":
		return "Rows that the source gained since the last good run, as a share."
	case "rejected":
		return "Share of the source's rows that could not be read."
	case "match_rate":
		return "Share of the source's accounts that belong to somebody known."
	case "watermark":
		return "Age of the source's newest record."
	case "incomplete":
		return "Whether the source was read whole; 1 if it was not."
	case "run":
		return "People who would lose something in this run."
	case "run_percent":
		return "Share of the people with a licence who would lose one."
	case "days_7":
		return "People who lost something within 7 days."
	case "days_30":
		return "People who lost something within 30 days."
	case "product_percent":
		return "Share of one product's licences that would be taken."
	case "department_percent":
		return "Share of one department's people who would lose something."
	case "verdict_percent":
		return "Share of the licences that would be taken for one verdict."
	}
	return ""
}

// FlagMeaning says in plain words what a flag of [reconcile.PositionFlags] means; "" for another.
func FlagMeaning(flag string) string {
	switch flag {
	case "over-allocated":
		return "More licences are given out than were bought."
	case "surplus":
		return "More licences are free, even at the peak of a concurrent product, than the buffer asks for."
	case "shortage":
		return "Fewer licences are free, at the peak of a concurrent product, than the buffer asks for."
	case "counter-mismatch":
		return "The vendor's own count differs from the contract or from the licences read."
	case "renewal-due":
		return "The notice date is near."
	case "renewal-unconfirmed":
		return "The contract renewed itself, and nobody has confirmed that."
	case "contract-ended":
		return "The contract has ended."
	}
	return ""
}

// FindingMeaning says in plain words what a finding of [reconcile.FindingCodes] is about; "" for another code.
func FindingMeaning(code string) string {
	switch code {
	case "application-never-seen":
		return "An application that should count as use never occurs in the sign-in records."
	case "item-unmapped":
		return "A licence that the vendor lists belongs to no configured product."
	case "rows-rejected":
		return "Rows could not be read."
	case "outcome-untold":
		return "Sign-in records do not tell success from failure, so they count nothing."
	case "feed-missing":
		return "A configured source was not read at all."
	case "feed-incomplete":
		return "A source was not read whole."
	case "source-note":
		return "A source said something that a person should know."
	case "purchase-unknown-product":
		return "A contract names a product that is not configured."
	case "policy-error":
		return "A rule could not be evaluated."
	case "counter-mismatch":
		return "The vendor's own count differs from the contract or from the licences read."
	case "person-disputed":
		return "Two directory entries claim to be the same person."
	case "events-after-as-of":
		return "Sign-ins after the date of the report were left out."
	case "configured-unused":
		return "Something configured is used by nothing."
	case "target-has-no-item":
		return "A change to another edition is planned, and the vendor has no such item."
	case "not-freed":
		return "A change would not free a licence."
	case "contract-overlap":
		return "Contract rows for the same product overlap."
	case "denied":
		return "People wanted a concurrent licence and there was none."
	case "pool-unknown":
		return "Contracts name a pool, and nobody said who is in it: the product is counted as a whole."
	case "use-not-covered":
		return "Too little is known of the use of a concurrent product to say how many licences it needs."
	}
	return ""
}

// word returns words[n]; "" for a number that has no word.
func word[T ~uint8](words []string, n T) string {
	if int(n) >= len(words) {
		return ""
	}
	return words[n]
}
