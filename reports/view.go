package reports

import (
	"fmt"

	"trueup/facts"
	"trueup/reconcile"
)

// View is a plan as people and programs see it: the states of actions are those of the newest outcomes. It refers to the
// plan and must not outlive changes to it. Once built it is immutable and safe for concurrent use.
type View struct {
	Plan   *reconcile.Plan
	Run    reconcile.Run
	Policy *reconcile.Policy // what the parameters are printed from; nil: they are not printed

	outcomes []reconcile.Outcome // by index into Plan.Actions; State of one without an outcome is not looked at
	known    []bool              // whether outcomes holds one
	states   []ActionCount
}

// ActionCount says how many actions of one kind are in one state.
type ActionCount struct {
	Kind  reconcile.ActionKind
	State reconcile.State
	Count int
}

// Build makes the view of a plan. Outcomes are those recorded for the plan's actions since it was made, in any order:
// of several for one action the latest counts, by time and then by attempt; those of other actions are ignored. Policy
// may be nil. It fails if the plan refers to something that it does not hold, as a damaged or foreign file may.
func Build(plan *reconcile.Plan, run reconcile.Run, outcomes []reconcile.Outcome, policy *reconcile.Policy) (*View, error) {
	if err := whole(plan); err != nil {
		return nil, fmt.Errorf("reports: plan %s: %w", plan.ID, err)
	}
	v := &View{Plan: plan, Run: run, Policy: policy}
	v.overlay(outcomes)
	v.states = v.countActions()
	return v, nil
}

// overlay keeps the latest outcome of each action.
func (v *View) overlay(outcomes []reconcile.Outcome) {
	v.outcomes = make([]reconcile.Outcome, len(v.Plan.Actions))
	v.known = make([]bool, len(v.Plan.Actions))
	byCase := make(map[facts.Digest]int, len(v.Plan.Actions))
	for n := range v.Plan.Actions {
		byCase[v.Plan.Actions[n].ID] = n
	}
	for _, o := range outcomes {
		n, ok := byCase[o.Action]
		if !ok {
			continue
		}
		have := &v.outcomes[n]
		if !v.known[n] || o.At > have.At || o.At == have.At && o.Attempt >= have.Attempt {
			*have, v.known[n] = o, true
		}
	}
}

// State returns the state of an action by its index in the plan: the latest outcome's, else the plan's.
func (v *View) State(action int32) reconcile.State {
	if v.known[action] {
		return v.outcomes[action].State
	}
	return v.Plan.Actions[action].State
}

// Outcome returns the latest outcome of an action by its index in the plan, and whether there is one.
func (v *View) Outcome(action int32) (reconcile.Outcome, bool) {
	return v.outcomes[action], v.known[action]
}

// Actions counts the actions that are not keep by kind and state as of the newest outcomes, in the order of both lists.
func (v *View) Actions() []ActionCount { return v.states }

func (v *View) countActions() []ActionCount {
	var counts [256][256]int
	for n := range v.Plan.Actions {
		counts[v.Plan.Actions[n].Kind][v.State(int32(n))]++
	}
	var list []ActionCount
	for _, kind := range reconcile.ActionKinds() {
		for _, state := range reconcile.States() {
			if n := counts[kind][state]; n > 0 {
				list = append(list, ActionCount{Kind: kind, State: state, Count: n})
			}
		}
	}
	return list
}
