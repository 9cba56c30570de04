package flexlm

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

// answer is what lmstat -a says of one feature at one moment.
func answer(at, counts, rows string) string {
	return "lmutil - Copyright (c) 1989-2024 Flexera. All Rights Reserved.\nFlexible License Manager status on " + at +
		"\n\nLicense server status: 27000@lic1\n    License file(s) on lic1: /opt/license.dat:\n\nlic1: license server UP (MASTER) v11.19.6\n\n" +
		"Vendor daemon status (on lic1):\n\n     MLM: UP v11.19.6\nFeature usage info:\n\n" +
		"Users of MATLAB:  (Total of " + counts + " in use)\n\n  \"MATLAB\" v47, vendor: MLM, expiry: 01-jan-2028\n  floating license\n\n" + rows + "\n"
}

func TestConformance(t *testing.T) {
	answers := []string{
		answer("Fri 11/20/2026 8:00", "40 licenses issued;  Total of 2 licenses", "    ana pc1 pc1 (v47) (lic1/27000 101), start Fri 11/20 7:55\n"+
			"    Ben \"=1+1\" Núñez pc2 :0 (v47) (lic1/27000 102), start Thu 11/19 17:55\n"),
		answer("Fri 11/20/2026 8:15", "40 licenses issued;  Total of 3 licenses", "    ana pc1 pc1 (v47) (lic1/27000 101), start Fri 11/20 7:55\n"+
			"    carl pc3 pc3 (v47) (lic1/27000 103), start Fri 11/20 8:02 (linger: 3600 / 1800)\n\t1 RESERVATION for GROUP lab (lic1/27000)\n"),
		answer("Sat 11/21/2026 9:00", "41 licenses issued;  Total of 0 licenses", "")}
	log := []string{"8:00:00 (MLM) TIMESTAMP 11/19/2026\n 8:10:00 (MLM) OUT: \"MATLAB\" ana@pc1  (2 licenses)\n 9:00:00 (MLM) IN: \"MATLAB\" ana@pc1  (2 licenses)",
		"8:00:00 (MLM) TIMESTAMP 11/20/2026\n 8:10:00 (MLM) DENIED: \"MATLAB\" ben núñez@pc2  (Licensed number of users already reached. (-4,342))",
		"23:59:00 (MLM) TIMESTAMP 11/20/2026\n 0:10:00 (MLM) OUT: \"MATLAB\" ana@pc1\n 9:00:00 (MLM) IN: \"MATLAB\" ana@pc1"}
	lines := []string{"SERVER lic1 0050569c0001 27000", "INCREMENT MATLAB MLM 47 01-jan-2028 40 SN=1 \\\n\tVENDOR_STRING=\"a b\" SIGN=0123456789AB",
		"INCREMENT MATLAB MLM 47 permanent 5 START=1-jan-2026 SN=2"}
	config := func(feed string) string { return "kind: flexlm\nfiles: {" + feed + ": in/*}" }
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "lmstat", Feed: facts.FeedCounters, Config: config("counters"), Separator: "\n", Records: answers},
		{Name: "lmstat checkouts", Feed: facts.FeedSignIns, Config: config("sign-ins"), Separator: "\n", Records: answers},
		{Name: "log", Feed: facts.FeedCounters, Config: config("counters"), Separator: "\n", Tail: "\n", Records: log},
		{Name: "log checkouts", Feed: facts.FeedSignIns, Config: config("sign-ins"), Separator: "\n", Tail: "\n", Records: log},
		{Name: "license file", Feed: facts.FeedPurchases, Config: config("purchases"), Separator: "\n", Tail: "\n", Records: lines},
	}})
}
