// Package licensegen is a software vendor's back office: a [Catalogue] of what is sold, [OrderLine]s as the sales system
// exports them, the [Terms] that follow from a line, and the signed [License] that carries the terms to the customer.
//
// The path of a licence is: [Orders] reads and judges the order files; [Issuer.Prepare] derives the terms, encodes them,
// signs them with a throwaway key and lints the result; [Issuer.Issue] signs that same content once with the real key; a
// [Register] keeps it for ever as the next link in the chain of its order line. [Issuer.Ensure] does all of that, and
// nothing where the newest licence already grants what the line says. A [Verifier] is the customer's side; it needs the
// files verify.go, license.go, terms.go, date.go and publickey.go and nothing else of this package.
//
// Everything is deterministic: the same order line, the same former licence and the same key give the same bytes, so a
// step that is repeated after a crash repeats its result. No function here reads the clock.
//
// A licence is a JWS in compact form (RFC 7515) signed with Ed25519 (RFC 8032, RFC 8037); docs/formats/license.md
// describes every member.
package licensegen
