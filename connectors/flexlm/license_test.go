package flexlm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestLicenseFiles(t *testing.T) {
	for _, c := range []struct {
		says, file string
		want       []string
		rejected   string
	}{
		{says: "increments add up, whatever their version", file: "SERVER lic1 00505 27000\nVENDOR MLM PORT=27001\nUSE_SERVER\n# a comment\n" +
			"INCREMENT MATLAB MLM 47 31-dec-2027 10 SN=1 SIGN=\"AB CD\"\nincrement MATLAB MLM 48 permanent 5 SN=2 \\\n\t\tSTART=1-mar-2026 \\\n\tSIGN=EF\n",
			want: []string{"MLM MATLAB 10 ..2027-12-31", "MLM MATLAB 5 2026-03-01.."}},
		{says: "the first feature line of a name counts", file: "FEATURE F v 1 1-jan-0 3\nFEATURE F v 1 permanent 30\nFEATURE G v 1 01-jan-0000 1\n",
			want: []string{"v F 3 ..", "v G 1 .."}},
		{says: "a line that stands twice counts once", file: "INCREMENT F v 1 permanent 3 SIGN=1\nINCREMENT  F  v 1 permanent 3 SIGN=1\nINCREMENT F v 1 permanent 3 SIGN=2\n",
			want: []string{"v F 3 ..", "v F 3 .."}},
		{says: "superseded lines are replaced, those of the same day are not",
			file: "INCREMENT F v 1 permanent 3 ISSUED=1-jan-2025\nINCREMENT F v 2 permanent 4 ISSUED=1-jan-2026 SUPERSEDE\nINCREMENT F v 2 permanent 5 ISSUED=1-jan-2026\n" +
				"INCREMENT G v 1 permanent 6 ISSUED=1-jan-2025\nINCREMENT F other 1 permanent 7 ISSUED=1-jan-2025\n",
			want: []string{"other F 7 2025-01-01..", "v F 4 2026-01-01..", "v F 5 2026-01-01..", "v G 6 2025-01-01.."}},
		{says: "a line may supersede others by name", file: "INCREMENT F v 1 permanent 3 ISSUED=1-jan-2025\nINCREMENT G v 1 permanent 4\n" +
			"INCREMENT H v 2 permanent 5 ISSUED=1-jan-2026 SUPERSEDE=\"F G\"\n", want: []string{"v H 5 2026-01-01.."}},
		{says: "a package gives its components", file: "PACKAGE Suite v 1 COMPONENTS=\"A B:1.0:2\" OPTIONS=SUITE SIGN=1\nINCREMENT Suite v 1 31-dec-2027 4 SIGN=2\n",
			want: []string{"v A 4 ..2027-12-31", "v B 8 ..2027-12-31", "v Suite 4 ..2027-12-31"}},
		{says: "uncounted lines and upgrades give no number", file: "INCREMENT F v 1 permanent uncounted HOSTID=ANY\nINCREMENT G v 1 permanent 0 HOSTID=ANY\n" +
			"UPGRADE H v 1 2 permanent 5\nINCREMENT H v 1 permanent 5\n", want: []string{"v H 5 .."}},
		{says: "what cannot be understood is refused", file: "INCREMENT A v 1 permanent 1\nINCREMENT F v 1 31-foo-2027 1\nINCREMENT F v 1 30-feb-2027 1\nINCREMENT F v 1 permanent many\n" +
			"INCREMENT F v 1 permanent\nINCREMENT F v 1 permanent 1 NOTICE=\"open\nFEATURE F v 1 1-jan-95 1\nINCREMENT F v 1 permanent 1 START=soon\nPlease save this file.\n",
			want: []string{"v A 1 .."}, rejected: "2 3 4 5 6 7 8 9"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			o := good(t, connectortest.Folder(t, "license.dat", c.file), facts.FeedPurchases, "files: {purchases: license.dat}")
			connectortest.Same(t, "purchases", purchasesOf(o), c.want...)
			lines := make([]string, len(o.Rejects))
			for n, r := range o.Rejects {
				lines[n] = fmt.Sprint(r.Line)
			}
			if got := strings.Join(lines, " "); got != c.rejected {
				t.Errorf("rejected %s: %v", got, o.Rejects)
			}
			orders := map[string]bool{}
			for _, p := range o.Purchases {
				if orders[p.Order] {
					t.Errorf("order %s stands twice: the later line would replace the earlier one", p.Order)
				}
				orders[p.Order] = true
			}
		})
	}
}

func TestLmstat(t *testing.T) {
	head := "Flexible License Manager status on Fri 11/20/2026 8:00\n"
	for _, c := range []struct {
		says      string
		files     []string
		days      []string
		counters  []string
		rejected  []string
		notes     []string
		at        facts.Instant
		wantLater int64
	}{
		{says: "a series of answers gives the peak, the most reserved, and how long nobody looked",
			files: []string{"a", answer("Fri 11/20/2026 0:00", "40 licenses issued;  Total of 1 license", "") + answer("Fri 11/20/2026 12:00", "38 licenses issued;  Total of 9 licenses",
				"\t2 RESERVATIONs for GROUP lab (lic1/27000)\n\t1 RESERVATION for HOST pc9 (lic1/27000)\n"),
				"b", answer("Fri 11/20/2026 18:00", "40 licenses issued;  Total of 9 licenses", "")},
			days: []string{"MATLAB 2026-11-20 9/38 r3 d-1 n3 u720"}, counters: []string{"MATLAB 40 9"}},
		{says: "a feature of two daemons is one pool", files: []string{"a", head + "Users of F:  (Total of 2 licenses issued;  Total of 1 license in use)\nUsers of F:  (Total of 3 licenses issued;  Total of 3 licenses in use)\n"},
			days: []string{"F 2026-11-20 4/5 r0 d-1 n1 u960"}, counters: []string{"F 5 4"}},
		{says: "one moment in two files was looked at once", files: []string{"a", answer("Fri 11/20/2026 8:00", "2 licenses issued;  Total of 1 license", ""), "b", answer("Fri 11/20/2026 8:00", "2 licenses issued;  Total of 1 license", "")},
			days: []string{"MATLAB 2026-11-20 1/2 r0 d-1 n1 u960"}, counters: []string{"MATLAB 2 1"}},
		{says: "the server is down", files: []string{"a", answer("Fri 11/20/2026 8:00", "2 licenses issued;  Total of 1 license", ""),
			"b", head + "Error getting status: Cannot connect to license server system. (-15,10:10061 \"WinSock: Connection refused\")\n"},
			days: []string{"MATLAB 2026-11-20 1/2 r0 d-1 n1 u960"}, counters: []string{"MATLAB 2 1"}},
		{says: "after the as-of", files: []string{"a", answer("Fri 11/20/2026 8:00", "2 licenses issued;  Total of 1 license", "") + answer("Sat 11/21/2026 8:00", "2 licenses issued;  Total of 2 licenses", "")},
			days: []string{"MATLAB 2026-11-20 1/2 r0 d-1 n1 u480"}, counters: []string{"MATLAB 2 1"}, at: facts.Instant(1795186800000), wantLater: 1},
		{says: "what cannot be understood is refused, the rest counts", files: []string{"a", "Users of A:  (Total of 1 license issued;  Total of 1 license in use)\n" + head +
			"Users of B:  (Total of x licenses issued;  Total of 1 license in use)\nUsers of C: \nUsers of D:  (Total of 2 licenses issued;  Total of 1 license in use)\n" +
			"    broken (v1), start Fri 11/20 7:00\n\tmany RESERVATIONs for HOST x (a/b)\nFlexible License Manager status on Sat 11/20/2026 8:00\n"},
			days: []string{"D 2026-11-20 1/2 r0 d-1 n1 u960"}, counters: []string{"D 2 1"},
			rejected: []string{"a:1: is a feature before the line that says when lmstat looked", "a:3: does not say how many licenses are issued and in use",
				"a:4: is a feature without its counts", "a:6: is a checkout that cannot be understood", "a:7: is a reservation without a number",
				"a:8: does not say when lmstat looked, as Fri 10/20/2017 17:02"}},
		{says: "the licence file says otherwise", files: []string{"a", answer("Fri 11/20/2026 8:00", "2 licenses issued;  Total of 1 license", ""), "l.dat", "INCREMENT MATLAB MLM 1 permanent 5\n"},
			days: []string{"MATLAB 2026-11-20 1/2 r0 d-1 n1 u960"}, counters: []string{"MATLAB 2 1"}, notes: []string{"MATLAB: the server serves 2 licences, its licence file has 5"}},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			if c.at == 0 {
				c.at = asOf
			}
			o, err := pull(t, connectortest.Folder(t, c.files...), facts.FeedCounters, "files: {counters: '*'}", c.at)
			if err != nil {
				t.Fatal(err)
			}
			connectortest.Same(t, "days", daysOf(o), c.days...)
			connectortest.Same(t, "counters", countersOf(o), c.counters...)
			connectortest.Same(t, "rejections", connectortest.Rejects(o), c.rejected...)
			connectortest.Same(t, "notes", o.Notes, c.notes...)
			if o.Later != c.wantLater {
				t.Errorf("later %d", o.Later)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for config, want := range map[string]string{
		"files: {people: x}":                              "lic: files: kind  has no people feed",
		"files: {counters: x}\ntimezone: Mars":            `lic: timezone: "Mars" is no time zone`,
		"files: {counters: x}\ntimezone: Local":           `lic: timezone: "Local" is no time zone`,
		"kind: flexlm\nfiles: {counters: x}\nwrite: true": "lic: write: kind flexlm only reads files",
	} {
		if _, err := Descriptor().Open(section(t.TempDir(), config)); err == nil || err.Error() != want {
			t.Errorf("%q: %v", config, err)
		}
	}
}

// TestClockChanges: on the nights on which clocks change, somebody who looks every half hour sees all of the day.
func TestClockChanges(t *testing.T) {
	for day, looks := range map[string]int64{"2026-03-29": 46, "2026-10-25": 48, "2026-06-01": 48} {
		date, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		berlin := zone(t, "Europe/Berlin").Zone()
		file := ""
		for at := date.Add(-time.Hour * 6); at.Before(date.Add(30 * time.Hour)); at = at.Add(30 * time.Minute) {
			file += answer(at.In(berlin).Format("Mon 1/2/2006 15:04"), "2 licenses issued;  Total of 1 license", "")
		}
		o := good(t, connectortest.Folder(t, "a", file), facts.FeedCounters, "files: {counters: a}")
		d := o.Concurrent.At(1, o.Strings)
		if d.Day.String() != day || d.Unseen > 30 || d.Samples != looks {
			t.Errorf("%s: %+v", day, d)
		}
	}
}
