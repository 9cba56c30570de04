package google

import (
	"testing"

	"trueup/connectors/connectortest"
	"trueup/facts"
)

// FuzzConsole checks that no row makes the reader of the console's table panic, or is taken in without an address.
func FuzzConsole(f *testing.F) {
	f.Add("ana@x", "Active", "2016/04/04 00:24:13")
	f.Add("", "Suspended", "Never logged in")
	f.Add("=1+1", "Archived", "0000/00/00 00:00:00")
	f.Fuzz(func(t *testing.T, address, status, last string) {
		d := &directory{o: facts.NewObservation("google", facts.FeedPeople, 0), calendar: connectortest.Berlin(), seen: map[string]struct{}{}}
		row := make([][]byte, columns)
		row[columnAddress], row[columnStatus], row[columnLast] = []byte(address), []byte(status), []byte(last)
		reason := d.Add(nil, 0, row)
		if people := d.o.People; (reason == "") != (people.Len() == 1) || reason == "" && (people.ID[0] == 0 || people.LastSignIn[0].Known() && people.LastSignIn[0] < -86_400_000) {
			t.Fatalf("%q, %q, %q: %q, %s", address, status, last, reason, connectortest.Print(d.o))
		}
	})
}
