package reports_test

import (
	"testing"

	"trueup/reconcile"
	"trueup/reports"
)

// TestEveryWordIsExplained fails when a closed list grows and its explanation does not.
func TestEveryWordIsExplained(t *testing.T) {
	explained(t, reconcile.Verdicts(), reports.VerdictMeaning)
	explained(t, reconcile.Verdicts(), reports.VerdictPhrase)
	explained(t, reconcile.Reasons(), reports.ReasonMeaning)
	explained(t, reconcile.ActionKinds(), reports.KindMeaning)
	explained(t, reconcile.States(), reports.StateMeaning)
	explained(t, []reconcile.GuardState{reconcile.GuardHeld, reconcile.GuardTripped, reconcile.GuardNotEvaluated,
		reconcile.GuardRaised}, reports.GuardStateMeaning)
	explained(t, reconcile.GuardNames(), reports.GuardMeaning)
	explained(t, reconcile.PositionFlags(), reports.FlagMeaning)
	explained(t, reconcile.FindingCodes(), reports.FindingMeaning)
}

func explained[T any](t *testing.T, list []T, meaning func(T) string) {
	t.Helper()
	for _, word := range list {
		if meaning(word) == "" {
			t.Errorf("%v is not explained", word)
		}
	}
}
