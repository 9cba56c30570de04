// Package all lists the kinds of source. A new kind is one line here.
package all

import (
	"trueup/connectors"
	"trueup/connectors/csv"
	"trueup/connectors/entra"
	"trueup/connectors/flexlm"
	"trueup/connectors/github"
	"trueup/connectors/google"
	"trueup/connectors/jsonl"
	"trueup/connectors/licensegen"
	"trueup/connectors/okta"
)

// Kinds returns the descriptors of all kinds, by name.
func Kinds() []connectors.Descriptor {
	return []connectors.Descriptor{
		csv.Descriptor(),
		entra.Descriptor(),
		flexlm.Descriptor(),
		github.Descriptor(),
		google.Descriptor(),
		jsonl.Descriptor(),
		licensegen.Descriptor(),
		okta.Descriptor(),
	}
}

// Find returns the descriptor of a kind and whether there is one.
func Find(kind string) (connectors.Descriptor, bool) {
	for _, d := range Kinds() {
		if d.Kind == kind {
			return d, true
		}
	}
	return connectors.Descriptor{}, false
}
