// Package facts holds what was observed, and nothing that was concluded from it: directory rows, seats, sign-ins rolled
// up, the vendor's own counters, purchases, and how much of the world each observation covers.
//
// Facts are columnar. Strings are interned once per [Observation] and again once per distinct string when observations
// are frozen into a [Snapshot]; rows hold dense integers. No row owns a map or a pointer, so a million seats are a few
// slices to the garbage collector.
//
// The path of a fact is: a connector appends to the [Observation] of one feed of one source; [Freeze] merges the
// observations of a run into one Snapshot with a fixed as-of; package reconcile reads the Snapshot and never the clock.
//
// Instants are UTC, days are calendar days in the organisation's time zone; both are distinct integer types so that the
// compiler refuses to mix them.
package facts
