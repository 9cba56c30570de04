package reconcile

import (
	"testing"

	"pgregory.net/rapid"

	"trueup/facts"
)

// grounds say, for each reason, what must be seen of a row that gives it, from the row itself, its signals, and the
// records of its person and seat: enough for an auditor who has nothing else.
var grounds = map[Reason]func(p *Plan, row *Row, n int) bool{
	KindProtected: func(p *Plan, row *Row, n int) bool {
		return row.Verdict == Protected && (row.Account != NoAccountID && spared(p.Accounts[row.Account].Kind) || aRowSays(p, row, func(at int) bool { return spared(p.Snapshot.People.Kind[at]) }))
	},
	AwayOnLeave: func(p *Plan, row *Row, _ int) bool {
		return row.Verdict == Protected && ofPerson(p, row, func(x *facts.SourcedPeople, at int32) bool {
			return x.Status[at] == facts.OnLeave || x.LeaveFrom[at].Known() || x.LeaveTo[at].Known()
		})
	},
	Exempted: func(p *Plan, row *Row, _ int) bool {
		return row.Verdict == Protected && row.Rule >= 0 && row.Reasons != 1<<Exempted // what it is exempt from is told too
	},
	LegalHold:           func(_ *Plan, row *Row, _ int) bool { return row.Verdict == Protected && row.Reasons.Has(Exempted) },
	SeveralPersons:      func(_ *Plan, row *Row, _ int) bool { return row.Situation == SituationDisputed },
	KeyContradiction:    func(_ *Plan, row *Row, _ int) bool { return row.Situation == SituationDisputed },
	NoPerson:            func(_ *Plan, row *Row, _ int) bool { return row.Person == NoPersonID },
	Vanished:            func(_ *Plan, row *Row, _ int) bool { return row.Person == NoPersonID && row.Verdict == Unknown },
	DirectoryIncomplete: func(_ *Plan, row *Row, _ int) bool { return row.Verdict == Unknown },
	LastDayPassed: func(p *Plan, row *Row, _ int) bool {
		return ofPerson(p, row, func(x *facts.SourcedPeople, at int32) bool {
			return x.Left[at].Known() && x.Left[at] < p.Snapshot.Today() || !x.Left[at].Known() && x.Status[at] == facts.Leaver
		})
	},
	DeletionRecord: func(p *Plan, row *Row, _ int) bool {
		return row.Situation == Deleted && ofPerson(p, row, func(x *facts.SourcedPeople, at int32) bool { return x.Deleted[at] })
	},
	LeaverGrace: func(p *Plan, row *Row, _ int) bool { return row.Due >= p.Snapshot.Today() && row.Kind == Keep },
	StatusContradiction: func(p *Plan, row *Row, _ int) bool {
		return row.Verdict == Unknown && aRowSays(p, row, func(at int) bool {
			x := &p.Snapshot.People
			return x.Left[at].Known() && x.Left[at] < p.Snapshot.Today() || x.Deleted[at] || x.Status[at] == facts.Leaver
		})
	},
	StatusUnmapped: func(p *Plan, row *Row, _ int) bool {
		return !row.Kind.Effective() && ofPerson(p, row, func(x *facts.SourcedPeople, at int32) bool { return x.Status[at] == facts.StatusUnknown })
	},
	ContractEnded: func(p *Plan, row *Row, n int) bool { // an open row may have been amended under its order
		return everyContract(p, n, func(c *facts.Purchase) bool {
			return c.End.Known() || c.Start > p.Snapshot.Today() || c.Order != ""
		})
	},
	RenewalUnconfirmed: func(p *Plan, row *Row, n int) bool {
		return !everyContract(p, n, func(c *facts.Purchase) bool { return !c.AutoRenew })
	},
	NoRuleHolds:    func(_ *Plan, row *Row, _ int) bool { return row.Held && row.Person != NoPersonID },
	EligibleByRule: func(_ *Plan, row *Row, _ int) bool { return row.Verdict == Missing && row.Rule >= 0 },
	CoveredBySuite: func(p *Plan, row *Row, _ int) bool {
		return row.Covering != NoProductID && p.Catalogue.Covers(row.Covering, row.Product)
	},
	CoveredByTier: func(p *Plan, row *Row, n int) bool {
		return row.Covering != NoProductID && p.Catalogue.Covers(row.Covering, row.Product) && p.Catalogue.Products[row.Covering].Family == p.ProductOf(n).Family
	},
	SecondAccount: func(_ *Plan, row *Row, _ int) bool { return row.Covering == row.Product },
	RedundantPath: func(p *Plan, _ *Row, n int) bool { return len(p.RowPaths(n)) > 1 },
	TierUnneeded:  func(p *Plan, _ *Row, n int) bool { return len(p.ProductOf(n).Needs) > 0 },
	TierNeeded: func(p *Plan, row *Row, _ int) bool {
		return row.To == NoProductID || len(p.Catalogue.Products[row.To].Needs) > 0 && p.Catalogue.Products[row.To].Tier > p.Catalogue.Products[row.Product].Tier
	},
	RecentUse: func(p *Plan, row *Row, n int) bool {
		return row.LastUse.Known() && row.IdleDays >= 0 && used(p, row, n)
	},
	IdlePastThreshold: func(p *Plan, row *Row, n int) bool {
		return row.IdleDays > 10 && whole(p, n) && (!row.LastUse.Known() || p.Snapshot.Today()-p.Snapshot.Calendar().Day(row.LastUse) >= facts.Day(row.IdleDays))
	},
	NoUseSinceAssigned: func(p *Plan, row *Row, n int) bool { return !row.LastUse.Known() && whole(p, n) },
	YoungSeat: func(p *Plan, row *Row, _ int) bool {
		return !row.LastUse.Known() && row.Clock.Known() && row.IdleDays <= 45+14
	},
	FutureStarter: func(p *Plan, row *Row, _ int) bool {
		return ofPerson(p, row, func(x *facts.SourcedPeople, at int32) bool {
			return x.Hired[at] > p.Snapshot.Today() || x.Status[at] == facts.Future
		})
	},
	CoverageGap: func(p *Plan, row *Row, n int) bool { return row.Verdict == Unknown && len(p.RowSignals(n)) > 0 },
	NoSignal: func(p *Plan, row *Row, n int) bool {
		for _, s := range p.RowSignals(n) {
			if s.Input < 0 {
				return true
			}
		}
		return len(p.RowSignals(n)) == 0
	},
	OutcomeUntold: func(p *Plan, _ *Row, n int) bool {
		for _, s := range p.RowSignals(n) {
			if s.Input >= 0 && !p.Snapshot.Inputs[s.Input].Outcomes {
				return true
			}
		}
		return false
	},
	AssignmentUnknown: func(_ *Plan, row *Row, _ int) bool { return !row.Clock.Known() },
	NoSeat:            func(_ *Plan, row *Row, _ int) bool { return !row.Held },
	ProvenNeed:        func(_ *Plan, row *Row, _ int) bool { return row.Verdict == Missing && row.LastUse.Known() },
	ClockRestarted: func(p *Plan, row *Row, _ int) bool {
		return row.LastUse.Known() && p.Snapshot.Calendar().Day(row.LastUse) < row.Clock
	},
	ObservedLater: func(p *Plan, _ *Row, _ int) bool {
		for n := range p.Snapshot.Inputs {
			if p.Snapshot.Inputs[n].Later {
				return true
			}
		}
		return false
	},
	PolicyError: func(p *Plan, row *Row, _ int) bool {
		for _, f := range p.Findings {
			if f.Code == "policy-error" {
				return row.Kind == Keep || row.Verdict == UnlicensedUse
			}
		}
		return false
	},
}

func ofPerson(p *Plan, row *Row, holds func(x *facts.SourcedPeople, at int32) bool) bool {
	return row.Person != NoPersonID && holds(&p.Snapshot.People, p.People[row.Person].Row)
}

// aRowSays reports whether some directory row says so; which rows describe the person the row does not tell.
func aRowSays(p *Plan, row *Row, says func(at int) bool) bool {
	for at := range p.Snapshot.People.Len() {
		if row.Person != NoPersonID && says(at) {
			return true
		}
	}
	return false
}

func everyContract(p *Plan, n int, is func(*facts.Purchase) bool) bool {
	for k := range p.Snapshot.Purchases {
		if c := &p.Snapshot.Purchases[k]; c.Product == p.ProductOf(n).ID && !is(c) {
			return false
		}
	}
	return true
}

// whole reports whether every signal of the product itself covers the row's window.
func whole(p *Plan, n int) bool {
	signals := p.RowSignals(n)
	for k := range len(p.ProductOf(n).Activity) {
		if k >= len(signals) || !signals[k].Complete {
			return false
		}
	}
	return len(signals) > 0
}

// used reports whether one of the row's signals shows the use.
func used(p *Plan, row *Row, n int) bool {
	for _, s := range p.RowSignals(n) {
		if s.Last == row.LastUse {
			return true
		}
	}
	return false
}

// TestReasonsCanBeDerivedAgain: every reason of every row is borne out by what the row shows.
func TestReasonsCanBeDerivedAgain(t *testing.T) {
	for _, r := range Reasons() {
		if grounds[r] == nil {
			t.Fatalf("nobody says what bears out %s", r)
		}
	}
	worlds := worlds()
	rapid.Check(t, func(r *rapid.T) {
		w := worlds.Draw(r, "world")
		p := w.organisation(t).decide()
		for n := range p.Rows {
			row := &p.Rows[n]
			for _, reason := range row.Reasons.List() {
				if !grounds[reason](p, row, n) {
					r.Errorf("%s %s: %s %s: nothing bears out %s\n%s", p.Holder(n), p.ProductOf(n).ID, row.Verdict, row.Reasons, reason, w)
				}
			}
		}
	})
}
