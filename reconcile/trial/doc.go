// Package trial tries a policy out before anybody loses a seat by it: on cases that say what it must conclude ([Suite]),
// against another policy on the facts of a run ([Compare]), and on the days that lie behind ([Replay]).
//
// It has no rule of its own: whatever it says was decided by [reconcile.Decide]. Like that it is pure.
package trial
