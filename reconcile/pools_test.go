package reconcile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoPools = "pools:\n  north: {cost_centres: [\"0\"], departments: [Design]}\n  south: {cost_centres: [\"1\"]}\n"

func divided(o *organisation) { o.products += twoPools }

// TestPools: where the catalogue says who is in the pools of a contract, each has a position of its own.
func TestPools(t *testing.T) {
	const seats = `person E1 email=e1@x.com cost_centre=0
		seat figma e1 pro login=e1@x.com assigned=2025-12-01
		person E2 email=e2@x.com cost_centre=1
		seat figma e2 pro login=e2@x.com assigned=2025-12-01
		use okta e2@x.com Figma 2026-11-20
		person E3 email=e3@x.com department=design
		seat figma e3 pro login=e3@x.com assigned=2025-12-01
		use okta e3@x.com Figma 2026-11-20
		`
	for _, c := range []struct {
		says, org, want string
		change          func(*organisation)
	}{ // purchased, vendor's purchased and consumed, assigned, active, idle, spare, reclaimable
		{says: "seats by cost centre, then by department; the keeper is in none", org: seats + "contract figma 4 pool=north\ncontract figma 1 pool=south",
			want: "5 - - 4 3 1 1 1 surplus\ncommon: 0 - - 1 1 0 -1 0 over-allocated shortage\nnorth: 4 - - 2 1 1 2 1 surplus\nsouth: 1 - - 1 1 0 0 0"},
		{says: "rows without a pool are the common one's", org: seats + "contract figma 4 pool=north\ncontract figma 2",
			want: "6 - - 4 3 1 2 1 surplus\ncommon: 2 - - 2 2 0 0 0\nnorth: 4 - - 2 1 1 2 1 surplus"},
		{says: "and so are those that say so", org: seats + "contract figma 4 pool=north\ncontract figma 2 pool=common",
			want: "6 - - 4 3 1 2 1 surplus\ncommon: 2 - - 2 2 0 0 0\nnorth: 4 - - 2 1 1 2 1 surplus"},
		{says: "the seat's own cost centre comes first", org: seats + "seat figma e9 pro cost_centre=1\nperson E9 email=e9 cost_centre=0\ncontract figma 9 pool=north\ncontract figma 1 pool=south\ncontract figma 1",
			want: "11 - - 5 3 2 6 2 surplus\ncommon: 1 - - 1 1 0 0 0\nnorth: 9 - - 2 1 1 7 1 surplus\nsouth: 1 - - 2 1 1 -1 1 over-allocated shortage"},
		{says: "a pool that nobody described divides nothing", org: seats + "contract figma 4 pool=north\ncontract figma 1 pool=west",
			want: "5 - - 4 3 1 1 1 surplus\nnorth: 4 - - - - - - -\nwest: 1 - - - - - - -"},
		{says: "without contracts of pools there is one lot", org: seats + "contract figma 5", want: "5 - - 4 3 1 1 1 surplus"},
		{says: "each pool has its notice date", org: seats + "contract figma 4 pool=north notice=2026-12-01\ncontract figma 2 notice=2027-06-01",
			want: "6 - - 4 3 1 2 1 surplus renewal-due\ncommon: 2 - - 2 2 0 0 0\nnorth: 4 - - 2 1 1 2 1 surplus renewal-due"},
		{says: "a buffer in percent holds in each, one of seats for the product", org: seats + "contract figma 4 pool=north\ncontract figma 3",
			change: policyWith("buffers: {figma: {spare: 50%}}\n"), want: "7 - - 4 3 1 3 1 shortage\ncommon: 3 - - 2 2 0 1 0 shortage\nnorth: 4 - - 2 1 1 2 1"},
		{says: "seats that were not read whole are known in none", org: seats + "contract figma 4 pool=north\ncontract figma 2\nfeed figma seats incomplete",
			want: "6 - - - - - - -\ncommon: 2 - - - - - - -\nnorth: 4 - - - - - - -"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			divided(o)
			if c.change != nil {
				c.change(o)
			}
			if diff := cmp.Diff(c.want, position(o.keeper().decide(), "figma")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestMissingSeatsComeFromTheirOwnPool: neither spare nor freed seats of one pool go to another.
func TestMissingSeatsComeFromTheirOwnPool(t *testing.T) {
	for _, c := range []struct{ says, org, want string }{
		{says: "a spare seat elsewhere helps nobody", org: someLeaving(0, 2) + "contract figma 1 pool=north\ncontract figma 0 pool=south\ncontract figma 1",
			want: "M0 figma: issue ready after 0\nM1 figma: issue withheld after 0 (no spare seat of figma)"},
		{says: "nor does one that is freed there", org: someLeaving(1, 2) + "contract figma 1 pool=north\ncontract figma 0 pool=south\ncontract figma 1",
			want: "L0 figma: revoke\nM0 figma: issue ready after 1\nM1 figma: issue withheld after 0 (no spare seat of figma)"},
		{says: "over-allocation of the whole product stands against it too", org: someLeaving(0, 1) + "contract figma 1 pool=north\ncontract figma 0 pool=south",
			want: "M0 figma: issue withheld after 0 (no spare seat of figma)"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			divided(o)
			unattendedIssues(o)
			if diff := cmp.Diff(c.want, queued(o.keeper().decide())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestPoolsReduceEachForItself: who waits in one pool keeps no other from being reduced, and each keeps to its own floor.
func TestPoolsReduceEachForItself(t *testing.T) {
	const two = "contract figma 1 pool=north price=10\ncontract figma 1 pool=south price=10\ncontract figma 1 price=10\n"
	for _, c := range []struct {
		says, org string
		want      int64
	}{
		{says: "both", org: someLeaving(2, 0) + two, want: 2000},
		{says: "one waits in the north", org: someLeaving(2, 1) + two, want: 1000},
		{says: "three wait, one in the south", org: someLeaving(2, 3) + two, want: 0},
		{says: "two leave the north, nobody the south", org: strings.ReplaceAll(someLeaving(2, 0), "cost_centre=1", "cost_centre=0") + two, want: 1000},
		{says: "a floor in the south", org: someLeaving(2, 0) + strings.Replace(two, "pool=south", "pool=south floor=1", 1), want: 1000},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			divided(o)
			unattendedIssues(o)
			if got := o.keeper().decide().Totals.Money[0].Reducible; got != c.want {
				t.Errorf("reducible %d, want %d", got, c.want)
			}
		})
	}
}

func TestPoolsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"pools: {common: {departments: [A]}}":                                 "pools.common: cannot have members",
		"pools: {north: {}}":                                                  "pools.north: has no members",
		"pools: {north: {departments: [A]}, south: {departments: [a]}}":       `pools.south.departments[0]: "a" is already in pool north`,
		"pools: {north: {cost_centres: [\"\"]}}":                              "pools.north.cost_centres[0]: is empty",
		"pools: {north: {cost_centre: [\"1\"]}}":                              "pools.north.cost_centre",
		"pools: {north: {departments: [A], cost_centres: [A]}}\nproducts: []": "",
	} {
		_, err := ParseCatalogue("products.yaml", []byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
