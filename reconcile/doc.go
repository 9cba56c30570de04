// Package reconcile decides. From a frozen [facts.Snapshot], a [Catalogue] of products and a [Policy] it works out who
// is who, what was used, which verdict each seat gets and what should happen to it, what every product's position is and
// what that is worth, and which guards withhold what. The result is a [Plan]: data that can be printed, stored, hashed
// and compared.
//
// Everything here is a pure function of its arguments. The package knows no context, clock, database, network or log;
// the as-of stands in the snapshot. The same snapshot, catalogue and policy give the same decisions digest on any
// machine and in any order of rows.
//
// The decision table is docs/decisions/0001-verdicts.md. Where it leaves a doubt, the safe reading holds: ignorance never
// revokes and never issues.
package reconcile
