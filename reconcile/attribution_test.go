package reconcile

import (
	"strings"
	"testing"
)

// TestWhichOne: where there are several, the one that is named is the one that the words say.
func TestWhichOne(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{says: "what covers a tier of a family from outside is a suite", org: ana + `seat entra ana E5 login=ana@x.com assigned=2025-12-01
			seat figma ana view login=ana@x.com assigned=2025-12-01
			use okta ana@x.com Defender 2026-11-20`,
			change: func(o *organisation) {
				o.products = strings.Replace(orgProducts, "covers: [pbi]", "covers: [pbi, figma-view]", 1)
			}, want: "E1 e5: in-use recent-use\nE1 figma-view: duplicate covered-by-suite"},
		{says: "a path that is only called group is direct", org: ana + `seat figma ana pro login=ana@x.com path=group:
			seat figma ana pro login=ana@x.com path=group:G
			use okta ana@x.com Figma 2026-11-20`, want: "E1 figma: in-use redundant-path recent-use"},
	})
	for says, c := range map[string]struct{ org, account string }{
		"the account of the newest use":                  {ana + "person o1 source=okta email=ana@x.com\nuse okta ana@x.com PowerBI 2026-11-01\nuse okta o1 PowerBI 2026-11-20", "o1"},
		"the account of the newest use, read first":      {ana + "use okta ana@x.com PowerBI 2026-11-20\nperson o1 source=okta email=ana@x.com\nuse okta o1 PowerBI 2026-11-01", "ana@x.com"},
		"of two of one instant the first by name and id": {ana + "use okta ana@x.com PowerBI 2026-11-20\nperson o1 source=okta email=ana@x.com\nuse okta o1 PowerBI 2026-11-20", "ana@x.com"},
	} {
		p := newOrganisation(t, c.org).keeper().decide()
		for n := range p.Rows {
			if p.Holder(n) != "E1" || p.Rows[n].Verdict != UnlicensedUse {
				continue
			}
			if key := p.Snapshot.Strings.Text(p.Accounts[p.Rows[n].Account].Key); key != c.account {
				t.Errorf("%s: %s, want %s", says, key, c.account)
			}
		}
	}
}

// TestSignalsThroughOthers: a seat that is used through what it covers lists that use with where it was seen; one that is
// used by itself does not list what is older.
func TestSignalsThroughOthers(t *testing.T) {
	for use, want := range map[string]int{
		"use okta ana@x.com PowerBI 2026-11-20":                                       2,
		"use okta ana@x.com Office 2026-11-20\nuse okta ana@x.com PowerBI 2026-11-01": 1,
		"use okta ana@x.com Office 2026-11-20\nuse okta ana@x.com PowerBI 2026-11-20": 1,
	} {
		p := newOrganisation(t, ana+"seat entra ana E5 login=ana@x.com assigned=2025-12-01\n"+use).keeper().decide()
		for n := range p.Rows {
			if p.Holder(n) == "E1" && p.Rows[n].Held && len(p.RowSignals(n)) != want {
				t.Errorf("%s: %d signals, want %d", use, len(p.RowSignals(n)), want)
			}
		}
	}
}

// TestKnownShare: the share of a feed's accounts that are known is counted for the first feed of all, too.
func TestKnownShare(t *testing.T) {
	p := newOrganisation(t, "seat aaa ana SKU login=ana@x.com\nseat aaa bob SKU login=bob@x.com\nperson E1 email=ana@x.com").keeper().decide()
	if got := p.Inputs[0].MatchRate; got != 0.5 {
		t.Errorf("%g, want a half", got)
	}
}
