// Package store keeps what must outlive a run: the ledger, in SQLite or PostgreSQL, and the archive of raw inputs, in a [blob.Store].
//
// # Ledger
//
// The table "ledger" is append-only and hash-chained: the hash of an entry covers the entry and the hash of the one
// before it. Every start and end of a run, every pull, plan, change of a case, intent and outcome is an entry, written
// in the same transaction as the tables that are read from, its projections. [DB.VerifyLedger] recomputes the chain and
// compares the projections with it.
//
// Nothing personal stands in the chain, since what stands there can never be taken back. A case has a random salt in its
// projection; the chain knows it only by its commitment, HMAC-SHA-256 under the salt of the case's id, holder, source,
// account and login. Texts for people (an outcome's detail, why a pull failed) are committed to likewise, the run's with
// the run's salt. Whoever has the salt and the clear value can open a commitment; were both overwritten in the
// projection, the hashes of the chain would still hold and say nothing about anybody. Nothing overwrites them yet, and
// [DB.VerifyLedger] expects every commitment to open. Operators (who ran it, on which host) stand in clear: they answer
// for what they do.
//
// # Several processes
//
// One process at a time acts, by [DB.Acquire]. The lease has a fencing epoch that only grows; [DB.Claim] refuses an
// intent of an older one. Reading needs no lease.
//
// Instants are stored as milliseconds UTC, days as numbers since 1970-01-01 in the organisation's zone, digests as text
// "sha256:…", money in minor units.
package store
