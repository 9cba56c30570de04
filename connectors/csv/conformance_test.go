package csv

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Subject{Open: open, Samples: []connectortest.Sample{
		{Name: "people", Feed: facts.FeedPeople, Config: "kind: csv\nfeed: people\nfiles: in/*\ncsv: {delimiter: ';'}",
			Head: "id;name;email;groups;hired\n", Separator: "\n", Tail: "\n", Records: []string{
				"1;Ana;ana@example.com;dev;2020-01-01", "2;\"Núñez; \"\"Ben\"\"\";=1+1;\"dev;ops\";", "3;\"two\nlines 𝄞\";;;2020-02-29"}},
		{Name: "sign-ins", Feed: facts.FeedSignIns, Config: "kind: csv\nfiles: {sign-ins: in/*}", Head: "time,account,application,outcome\n",
			Separator: "\n", Tail: "\n", Records: []string{"2026-11-20T08:00:00Z,ana,Figma,success", "2026-11-21T08:00:00Z,ana,Figma,success",
				"2026-11-19T08:00:00Z,\"b\"\"e\nn\",Figma,failure", "2026-11-19T08:00:00Z,\"b\"\"e\nn\",Miro,success"}},
		{Name: "seats", Feed: facts.FeedSeats, Config: "kind: csv\nfiles: {seats: {figma: in/*}}", Product: "figma", Head: "account,assigned\n",
			Separator: "\n", Tail: "\n", Records: []string{"ana,2026-01-01", "ben,"}},
		{Name: "counters", Feed: facts.FeedCounters, Config: "kind: csv\nfeed: counters\nfiles: in/*", Head: "product\tpurchased\tconsumed\n",
			Separator: "\n", Tail: "\n", Records: []string{"E5\t500\t512", "E3\t10\t1"}},
		{Name: "concurrent use", Feed: facts.FeedCounters, Config: "kind: csv\nfeed: counters\nfiles: in/*", Head: "product,day,peak,limit,denied\n",
			Separator: "\n", Tail: "\n", Records: []string{"MATLAB,2026-11-20,17,40,0", "MATLAB,2026-11-21,0,40,"}},
		{Name: "purchases", Feed: facts.FeedPurchases, Config: "kind: csv\nfeed: purchases\nfiles: in/*",
			Head: "contract,product,quantity,unit_price,price_per,currency\n", Separator: "\n", Tail: "\n",
			Records: []string{"C-1,figma,50,12.50,month,EUR", "C-2,miro,5,,,"}},
	}})
}
