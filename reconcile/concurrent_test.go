package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"trueup/facts"
)

// sized writes what a concurrent product comes to: purchased peak reserved denied days-at-limit spare needed reducible
// flags.
func sized(p *Plan, id string) string {
	for n := range p.Positions {
		x := &p.Positions[n]
		if p.Catalogue.Products[x.Product].ID != id {
			continue
		}
		line := ""
		for _, f := range []*int64{x.Purchased, x.Peak, x.Reserved, x.Denied, x.DaysAtLimit, x.Spare, x.Needed, x.Reducible} {
			if f == nil {
				line += "- "
			} else {
				line += fmt.Sprint(*f) + " "
			}
		}
		return strings.TrimSpace(line + strings.Join(x.Flags, " "))
	}
	return ""
}

// counted is a contract for ten licences that can be reduced, and a quiet pool of ten that was looked at on every day of
// the window: 90 days to 19 November, the last day that ended 36 hours before the as-of.
const counted = anasSeat + "contract pool 10 price=10 per=month currency=EUR billing=prepaid end=2027-02-28 notice=2027-01-31 auto_renew=yes true_down=yes\n" +
	"concurrent figma pool 2026-08-22 2026-11-19 peak=3 limit=10\n"

func TestConcurrentProducts(t *testing.T) {
	for _, c := range []struct {
		says, org, want string
		change          func(*organisation)
	}{
		{says: "needed is the peak, what is left can be dropped", org: counted, want: "10 3 - - 0 7 3 7 surplus renewal-due"},
		{says: "the buffer is kept", org: counted, change: policyWith("buffers: {\"*\": {spare: 15%}}\n"), want: "10 3 - - 0 7 5 5 surplus renewal-due"},
		{says: "and so is the commit floor", org: strings.Replace(counted, "true_down=yes", "true_down=yes floor=8", 1), want: "10 3 - - 0 7 3 2 surplus renewal-due"},
		{says: "a contract that renews itself and cannot be reduced", org: strings.Replace(counted, " true_down=yes", "", 1), want: "10 3 - - 0 7 3 0 surplus renewal-due"},
		{says: "one that ends can be replaced by a smaller one", org: strings.Replace(counted, "auto_renew=yes true_down=yes", "", 1), want: "10 3 - - 0 7 3 7 surplus renewal-due"},
		{says: "a flat price is not lower for fewer", org: strings.Replace(counted, "prepaid", "flat", 1), want: "10 3 - - 0 7 3 0 surplus renewal-due"},
		{says: "ignorance never trues down: a day that nobody looked", org: strings.Replace(counted, "2026-08-22 2026-11-19", "2026-08-23 2026-11-19", 1),
			want: "10 3 - - 0 - - - renewal-due"},
		{says: "nor one that was not seen all day", org: counted + "concurrent figma other 2026-09-01 2026-09-01 peak=1\n" +
			strings.Replace("concurrent figma pool D D peak=2 limit=10 unseen=61\n", "D", "2026-08-21", 2),
			change: func(o *organisation) { o.unsee("2026-10-03", 61) }, want: "10 3 - - 0 - - - renewal-due"},
		{says: "an hour is not much", org: counted, change: func(o *organisation) { o.unsee("2026-10-03", 60) }, want: "10 3 - - 0 7 3 7 surplus renewal-due"},
		{says: "a closure needs no look", org: strings.Replace(counted, "2026-08-22 2026-11-19", "2026-08-24 2026-11-19", 1),
			change: func(o *organisation) {
				o.closures = []Closure{{From: o.dayOf("2026-08-20"), To: o.dayOf("2026-08-23")}}
			}, want: "10 3 - - 0 7 3 7 surplus renewal-due"},
		{says: "a feed that was not read whole", org: counted + "feed figma counters incomplete\n", want: "10 3 - - 0 - - - renewal-due"},
		{says: "what happened counts whatever is not known", org: strings.Replace(counted, "2026-08-22 2026-11-19 peak=3", "2026-11-01 2026-11-02 peak=10", 1),
			change: policyWith("buffers: {\"*\": {spare: 1}}\n"), want: "10 10 - - 2 - - - shortage renewal-due"},
		{says: "the newest days count too, though not all of them need be known", org: counted + "concurrent figma pool 2026-11-20 2026-11-22 peak=9 limit=10 unseen=600\n",
			want: "10 9 - - 0 1 9 1 surplus renewal-due"},
		{says: "what was before the window does not", org: counted + "concurrent figma pool 2026-08-21 2026-08-21 peak=10 limit=10 denied=5\n",
			want: "10 3 - - 0 7 3 7 surplus renewal-due"},
		{says: "where somebody was refused nothing is too much", org: counted + "concurrent figma pool 2026-09-01 2026-09-02 peak=3 limit=10 denied=2\n",
			want: "10 3 - 4 0 7 3 0 renewal-due"},
		{says: "nobody was refused", org: strings.Replace(counted, "peak=3", "peak=3 denied=0 reserved=2", 1), want: "10 3 2 0 0 7 3 7 surplus renewal-due"},
		{says: "days at the limit", org: counted + "concurrent figma pool 2026-09-01 2026-09-03 peak=10 limit=10\n", want: "10 10 - - 3 0 10 0 renewal-due"},
		{says: "more in use than was bought is no over-allocation", org: counted + "concurrent figma pool 2026-09-01 2026-09-01 peak=12 limit=12\n",
			want: "10 12 - - 1 -2 12 0 shortage renewal-due"},
		{says: "nothing known of the window is no peak of nought", org: strings.Replace(counted, "2026-08-22 2026-11-19", "2026-07-01 2026-07-02", 1),
			want: "10 - - - - - - - renewal-due"},
		{says: "a limit that nobody tells", org: strings.Replace(counted, " limit=10", "", 1), want: "10 3 - - - 7 3 7 surplus renewal-due"},
		{says: "nothing bought, nothing to drop", org: anasSeat + "concurrent figma pool 2026-08-22 2026-11-19 peak=3 limit=10\n", want: "- 3 - - 0 - 3 -"},
		{says: "the item in another case", org: strings.Replace(counted, "figma pool 2026", "figma POOL 2026", 1), want: "10 3 - - 0 7 3 7 surplus renewal-due"},
		{says: "another source's item of that name", org: strings.Replace(counted, "concurrent figma", "concurrent entra", 1), want: "10 - - - - - - - renewal-due"},
		{says: "a purchase by the name of the item", org: anasSeat + "concurrent figma pool 2026-08-22 2026-11-19 peak=3 limit=10\ncontract Pool 7 source=figma\n", want: "7 3 - - 0 4 3 4 surplus"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			if c.change != nil {
				c.change(o)
			}
			if diff := cmp.Diff(c.want, sized(o.keeper().decide(), "pool")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// unsee says that nobody looked at any item for so many minutes of a day.
func (o *organisation) unsee(day string, minutes int64) {
	c := &o.feeds["figma/counters"].Concurrent
	for n := range c.Day {
		if c.Day[n] == o.dayOf(day) {
			c.Unseen[n] = minutes
		}
	}
}

// TestSeveralItems: the items of one product are one number, whichever source counts them.
func TestSeveralItems(t *testing.T) {
	both := counted + "concurrent meters core 2026-08-22 2026-11-19 peak=4 limit=4 denied=0\n"
	for _, c := range []struct{ says, org, want string }{
		{"their peaks add up, and one that is full is full", both, "10 7 - 0 90 3 7 3 surplus renewal-due"},
		{"all must be known", counted, "10 3 - - 0 - - - renewal-due"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := newOrganisation(t, c.org)
			o.products = strings.Replace(o.products, "{figma: [pool]}", "{figma: [pool], meters: [core]}", 1)
			if diff := cmp.Diff(c.want, sized(o.keeper().decide(), "pool")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestConcurrentFindings(t *testing.T) {
	o := newOrganisation(t, counted+"concurrent figma pool 2026-09-01 2026-09-02 peak=3 limit=10 denied=2\n")
	o.unsee("2026-10-03", 1440)
	var got []string
	for _, f := range o.keeper().decide().Findings {
		if f.Subject == "pool" {
			got = append(got, f.Code+": "+f.Text)
		}
	}
	want := []string{"denied: 4 requests between 2026-08-22 and 2026-11-22 were refused for want of a licence",
		"use-not-covered: too little is known of 1 of the 90 days from 2026-08-22 to 2026-11-19, the first gap from 2026-10-03 to 2026-10-03: nothing is proposed to be dropped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownDaysNeverTrueDown: whatever is forgotten of what is known of a product, no licence more is proposed to be
// dropped.
func TestUnknownDaysNeverTrueDown(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := newOrganisation(t, counted)
		c := &o.feeds["figma/counters"].Concurrent
		for n := range c.Len() {
			c.Peak[n] = rapid.Int64Range(0, 12).Draw(r, "peak")
			c.Denied[n] = rapid.SampledFrom([]int64{facts.NotTold, 0, 0, 0}).Draw(r, "denied")
		}
		before := o.keeper().decide()
		for range rapid.IntRange(1, 3).Draw(r, "forgotten") {
			n := rapid.IntRange(0, c.Len()-1).Draw(r, "day")
			if rapid.Bool().Draw(r, "whole") {
				c.Unseen[n] = 1440
				c.Peak[n] = rapid.Int64Range(0, c.Peak[n]).Draw(r, "less")
			} else {
				c.Product[n] = o.feeds["figma/counters"].Strings.InternString("elsewhere")
			}
		}
		after := o.decide()
		for n := range after.Positions {
			was, is := before.Positions[n].Reducible, after.Positions[n].Reducible
			if is != nil && *is > 0 && (was == nil || *is > *was) {
				t.Fatalf("%s: %d can be dropped once less is known", after.Catalogue.Products[after.Positions[n].Product].ID, *is)
			}
		}
	})
}
