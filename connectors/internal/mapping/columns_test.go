package mapping

import (
	"slices"
	"testing"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/facts"
)

// TestPositions checks that the constants beside the converters are the positions of the columns.
func TestPositions(t *testing.T) {
	for _, test := range []struct {
		feed facts.Feed
		at   map[int]string
		last int
	}{
		{facts.FeedPeople, map[int]string{personID: "id", personKind: "kind", personManager: "manager", personLeaveTo: "leave_to"}, personLeaveTo},
		{facts.FeedSeats, map[int]string{seatAccount: "account", seatPath: "path", seatAssigned: "assigned"}, seatAssigned},
		{facts.FeedCounters, map[int]string{counterProduct: "product", counterConsumed: "consumed", counterDay: "day", counterPeak: "peak", counterUnseen: "unseen"}, counterUnseen},
		{facts.FeedPurchases, map[int]string{purchaseContract: "contract", purchaseNotice: "notice", purchaseOrder: "order"}, purchaseOrder},
		{facts.FeedSignIns, map[int]string{signInTime: "time", signInOutcome: "outcome", signInInteractive: "interactive"}, signInInteractive},
	} {
		all := columns(test.feed)
		if len(all) != test.last+1 {
			t.Errorf("%s has %d columns, want %d", test.feed, len(all), test.last+1)
		}
		for n, name := range test.at {
			if all[n].Name != name {
				t.Errorf("%s: column %d is %s, want %s", test.feed, n, all[n].Name, name)
			}
		}
	}
}

func TestBind(t *testing.T) {
	all, err := New([]facts.Feed{facts.FeedSeats}, Settings{Columns: map[string]string{"account": "User", "assigned": "Since"}}, Writing{})
	if err != nil {
		t.Fatal(err)
	}
	m := all[facts.FeedSeats]
	tests := []struct {
		name, product string
		header        []string
		at            []int
		fault, hint   string
	}{
		{"exactly", "", []string{"Since", "product", "User"}, []int{2, -1, 1, -1, -1, 0}, "", ""},
		{"by case", "", []string{" USER ", "Product", "x"}, []int{0, -1, 1, -1, -1, -1}, "", ""},
		{"exactly before by case", "", []string{"user", "User", "product"}, []int{1, -1, 2, -1, -1, -1}, "", ""},
		{"product of the file", "figma", []string{"User"}, []int{0, -1, -1, -1, -1, -1}, "", ""},
		{"other columns twice", "", []string{"User", "x", "x", "product", ""}, []int{0, -1, 3, -1, -1, -1}, "", ""},
		{"twice", "", []string{"User", "product", "User"}, nil, `f:1: column "User" stands twice`,
			"remove one of them, or name another column under columns:"},
		{"twice by case", "", []string{"USER", "product", "user"}, nil, `f:1: column "User" stands twice`, "write it under columns: exactly as the file does"},
		{"missing", "", []string{"User", "Produkt", "x"}, nil, `f:1: no column "product" for product; found "User", "Produkt", "x"`,
			`did you mean "Produkt"? columns: {product: "Produkt"}`},
		{"missing, nothing like it", "", []string{"product", "zzz"}, nil, `f:1: no column "User" for account; found "product", "zzz"`,
			"name the file's column: columns: {account: …}"},
		{"data", "", []string{"ana@example.com", "hunter2"}, nil, "f:1: the first line looks like a record, not like a header",
			`export it with a header; column "User" is wanted for account`},
	}
	for _, test := range tests {
		header := make([][]byte, len(test.header))
		for n := range header {
			header[n] = []byte(test.header[n])
		}
		at, err := m.Bind(&exports.File{Name: "f", Product: test.product}, header)
		if test.fault != "" {
			if err == nil || err.Error() != test.fault || connectors.HintOf(err) != test.hint {
				t.Errorf("%s: %v, hint %s", test.name, err, connectors.HintOf(err))
			}
			continue
		}
		if err != nil || !slices.Equal(at, test.at) {
			t.Errorf("%s: %v %v, want %v", test.name, at, err, test.at)
		}
	}
}

func TestSpoilt(t *testing.T) {
	for text, want := range map[string]bool{"4.32E+18": true, "4,32E+18": true, "#N/A": true, "#REF!": true, "E+18": false, "4.32e18": false,
		"1E+": false, "A1E+18": false, "#1": false, "1042": false, "": false} {
		in := intake(t, facts.FeedSeats, Writing{})
		row := make(Row, len(in.columns))
		row[seatAccount] = []byte(text)
		if got := in.spoilt(row, seatAccount) != ""; got != want {
			t.Errorf("%q: spoilt %t, want %t", text, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"status", "staus", 1}, {"email", "emial", 2}, {"kitten", "sitting", 3}} {
		if got, back := distance(test.a, test.b), distance(test.b, test.a); got != test.want || back != test.want {
			t.Errorf("from %s to %s: %d and %d, want %d", test.a, test.b, got, back, test.want)
		}
	}
}
