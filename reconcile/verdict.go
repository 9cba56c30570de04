package reconcile

import (
	"fmt"
	"strings"
)

// Verdict is what a row is found to be. Exactly one holds for each row.
type Verdict uint8

// The verdicts, in the order of the decision table.
const (
	Protected Verdict = iota
	Disputed
	Orphan
	Leaver
	Expired
	NotEntitled
	Duplicate
	OverTier
	UnderTier
	InUse
	New
	NeverUsed
	Idle
	Unknown
	Missing
	UnlicensedUse
)

var verdictNames = [...]string{"protected", "disputed", "orphan", "leaver", "expired", "not-entitled", "duplicate",
	"over-tier", "under-tier", "in-use", "new", "never-used", "idle", "unknown", "missing", "unlicensed-use"}

// Verdicts lists all verdicts in order.
func Verdicts() []Verdict { return enumerate[Verdict](len(verdictNames)) }

func (v Verdict) String() string { return verdictNames[v] }

// MarshalText writes the verdict's word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ParseVerdict returns the verdict of a word and whether it is one.
func ParseVerdict(s string) (Verdict, bool) { return parse[Verdict](verdictNames[:], s) }

// Reason is one cause of a verdict, from a closed list.
type Reason uint8

// The reasons. A row may have several.
const (
	KindProtected       Reason = iota // service, shared, resource or break-glass
	AwayOnLeave                       // on leave on the as-of
	Exempted                          // an exemption names the verdict that would have been given; the rule says which
	SeveralPersons                    // the account matches more than one person
	KeyContradiction                  // one key says one person, another key somebody else
	NoPerson                          // no person matches
	LastDayPassed                     // last day plus grace is over
	DeletionRecord                    // the authoritative source says deleted
	LeaverGrace                       // last day passed, grace not yet over
	Vanished                          // known before, gone from the directory without a record
	StatusContradiction               // active, but the last day is past and no later hire is known
	StatusUnmapped                    // the source's status is not one that is mapped
	DirectoryIncomplete               // the authoritative source was not read whole
	ContractEnded                     // no contract row of the product is in force
	RenewalUnconfirmed                // the contract renewed itself and nobody has confirmed it
	NoRuleHolds                       // the product has eligibility rules, none fits the holder
	EligibleByRule                    // an eligibility rule fits
	CoveredBySuite                    // another seat of the holder covers this product
	CoveredByTier                     // the holder has a higher tier of the same family
	SecondAccount                     // an equal seat of the holder on another account is used more
	RedundantPath                     // the same seat is held both directly and by a group
	TierUnneeded                      // no use that needs this tier
	TierNeeded                        // use that needs a higher tier
	RecentUse                         // counted use within the threshold
	IdlePastThreshold                 // no counted use within the threshold, coverage whole
	NoUseSinceAssigned                // no counted use at all since the seat was given, coverage whole
	YoungSeat                         // the seat, the hire or the return is younger than the window
	FutureStarter                     // the holder has not started yet
	CoverageGap                       // a signal does not cover the window; the row says which interval
	NoSignal                          // the product has no activity definition, or none of its sources was read
	OutcomeUntold                     // a log does not tell success from failure, so it counts nothing
	AssignmentUnknown                 // the seat's date is not known, and neither is the hire
	NoSeat                            // the holder has no seat of the product
	ProvenNeed                        // no seat, yet counted use
	ClockRestarted                    // return from leave or rehire: idle days run from there
	ObservedLater                     // the feed was observed after the as-of
	PolicyError                       // a rule could not be evaluated for this row
	LegalHold                         // shielded even as a leaver
)

var reasonNames = [...]string{"kind-protected", "on-leave", "exempt", "several-persons", "key-contradiction", "no-person",
	"last-day-passed", "deletion-record", "leaver-grace", "vanished", "status-contradiction", "status-unmapped",
	"directory-incomplete", "contract-ended", "renewal-unconfirmed", "no-rule-holds", "eligible-by-rule",
	"covered-by-suite", "covered-by-tier", "second-account", "redundant-path", "tier-unneeded", "tier-needed",
	"recent-use", "idle-past-threshold", "no-use-since-assigned", "young-seat", "future-starter", "coverage-gap",
	"no-signal", "outcome-untold", "assignment-unknown", "no-seat", "proven-need", "clock-restarted", "observed-later",
	"policy-error", "legal-hold"}

// Reasons lists all reasons in order.
func Reasons() []Reason { return enumerate[Reason](len(reasonNames)) }

func (r Reason) String() string { return reasonNames[r] }

// MarshalText writes the reason's word.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// ReasonSet is a set of reasons; it reads and prints in the order of the list.
type ReasonSet uint64

// With returns the set with more reasons in it.
func (s ReasonSet) With(reasons ...Reason) ReasonSet {
	for _, r := range reasons {
		s |= 1 << r
	}
	return s
}

// Has reports whether r is in the set.
func (s ReasonSet) Has(r Reason) bool { return s&(1<<r) != 0 }

// List returns the reasons in order.
func (s ReasonSet) List() []Reason {
	var list []Reason
	for r := range Reason(len(reasonNames)) {
		if s.Has(r) {
			list = append(list, r)
		}
	}
	return list
}

func (s ReasonSet) String() string {
	var words []string
	for _, r := range s.List() {
		words = append(words, r.String())
	}
	return strings.Join(words, " ")
}

// ActionKind is the final effect that a row calls for.
type ActionKind uint8

// The kinds of action. Keep is explicit: it was looked at, and nothing is to be done.
const (
	Keep ActionKind = iota
	Review
	Revoke
	Downgrade
	Upgrade
	Issue
)

var actionKindNames = [...]string{"keep", "review", "revoke", "downgrade", "upgrade", "issue"}

// ActionKinds lists all kinds of action in order.
func ActionKinds() []ActionKind { return enumerate[ActionKind](len(actionKindNames)) }

func (k ActionKind) String() string { return actionKindNames[k] }

// MarshalText writes the kind's word.
func (k ActionKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// ParseActionKind returns the kind of a word and whether it is one.
func ParseActionKind(s string) (ActionKind, bool) { return parse[ActionKind](actionKindNames[:], s) }

// Effective reports whether the kind changes something at a vendor.
func (k ActionKind) Effective() bool { return k >= Revoke }

// State says what an action waits for, or how it ended.
type State uint8

// The states of an action; docs/states.md has the transitions.
const (
	Proposed  State = iota // nothing to carry out: keep and review
	Notice                 // the holder has until a date
	Approval               // a named role must approve
	Ready                  // may be carried out unattended
	Manual                 // the source is not written to: a person has to
	Blocked                // by this path the vendor cannot; the path is named
	Withheld               // a guard or an incomplete source holds it back
	Sent                   // the call was made, its outcome is not known
	Done                   // carried out and read back
	Failed                 // the vendor refused
	Kept                   // the holder or manager wants to keep it
	Rejected               // the approver said no
	Cancelled              // activity or a change was seen just before
	Lapsed                 // the notice or approval ran out without effect
	Undone                 // carried out and taken back
)

var stateNames = [...]string{"proposed", "notice", "approval", "ready", "manual", "blocked", "withheld", "sent", "done",
	"failed", "kept", "rejected", "cancelled", "lapsed", "undone"}

// States lists all states in order.
func States() []State { return enumerate[State](len(stateNames)) }

func (s State) String() string { return stateNames[s] }

// MarshalText writes the state's word.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseState returns the state of a word and whether it is one.
func ParseState(s string) (State, bool) { return parse[State](stateNames[:], s) }

// Situation says how an account relates to persons.
type Situation uint8

// The correlation situations.
const (
	Linked            Situation = iota // to exactly one person
	Unlinked                           // no person matches, and the directory is complete
	Unmatched                          // no person matches, but the directory is not complete, or a person without account
	SituationDisputed                  // several persons match, or keys contradict
	Deleted                            // linked to a person who is recorded as deleted
)

var situationNames = [...]string{"linked", "unlinked", "unmatched", "disputed", "deleted"}

// Situations lists all situations in order.
func Situations() []Situation { return enumerate[Situation](len(situationNames)) }

func (s Situation) String() string { return situationNames[s] }

// MarshalText writes the situation's word.
func (s Situation) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func enumerate[T ~uint8](n int) []T {
	list := make([]T, n)
	for k := range list {
		list[k] = T(k)
	}
	return list
}

func parse[T ~uint8](names []string, s string) (T, bool) {
	for n, name := range names {
		if s == name {
			return T(n), true
		}
	}
	return 0, false
}

// UnmarshalText reads the kind's word.
func (k *ActionKind) UnmarshalText(b []byte) error { return unmarshal(k, actionKindNames[:], b) }

// UnmarshalText reads the state's word.
func (s *State) UnmarshalText(b []byte) error { return unmarshal(s, stateNames[:], b) }

// UnmarshalText reads the reason's word.
func (r *Reason) UnmarshalText(b []byte) error { return unmarshal(r, reasonNames[:], b) }

// UnmarshalText reads the verdict's word.
func (v *Verdict) UnmarshalText(b []byte) error { return unmarshal(v, verdictNames[:], b) }

func unmarshal[T ~uint8](into *T, names []string, b []byte) error {
	v, ok := parse[T](names, string(b))
	if !ok {
		return &hinted{fmt.Sprintf("%q is not one of %s", b, strings.Join(names, ", ")), closest(string(b), names)}
	}
	*into = v
	return nil
}
