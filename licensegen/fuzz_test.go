package licensegen

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzParse: what parses encodes to the same bytes, and nothing panics.
func FuzzParse(f *testing.F) {
	line := testLine(f)
	f.Add(issue(f, newIssuer(f, testKey(f)), line, nil).Token())
	line.Model, line.End, line.Host, line.Zone = NodeLocked, Date{}, "h", zone(f, "America/New_York")
	f.Add(issue(f, newIssuer(f, otherKey(f)), line, nil).Token())
	f.Add("eyJhbGciOiJFZERTQSJ9.e30.AA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		l, err := parse(token)
		if err != nil {
			return
		}
		m, err := l.message()
		if err != nil {
			t.Fatalf("parsed, and cannot be encoded: %v", err)
		}
		if !strings.HasPrefix(token, string(m)+".") {
			t.Fatalf("parsed\n%s\nencodes to\n%s", token, m)
		}
	})
}

// FuzzOrders: every row is either accepted or refused, and nothing panics.
func FuzzOrders(f *testing.F) {
	f.Add(orderHead + "SO-1,1,C-1,One,lathe,1,,2026-01-01,,,active,2026-01-01,\n")
	f.Add(orderHead + "\"SO\n-1\",1")
	f.Fuzz(func(t *testing.T, text string) {
		o := NewOrders(testCatalogue(), "UTC")
		refused := int64(0)
		rows, err := o.ReadCSV(strings.NewReader(text), "f", func(e *OrderError) {
			refused++
			if e.Hint == "" || e.Error() == "" {
				t.Errorf("%#v does not say what to do", e)
			}
		})
		kept := int64(0)
		for _, r := range o.rows {
			kept += int64(len(r))
		}
		if rows != kept+refused {
			t.Errorf("%d rows, %d kept, %d refused, %v", rows, kept, refused, err)
		}
		i, err := NewIssuer(testCatalogue(), testKey(t))
		if err != nil {
			t.Fatal(err)
		}
		lines, _ := o.Lines()
		for _, l := range lines {
			if _, err := i.Prepare(l, nil); l.Status == Active && err != nil {
				t.Errorf("an accepted line cannot be licensed: %v", err)
			}
		}
	})
}

// TestRoundTrip: any valid line gives a licence that says what the line says, in canonical JSON.
func TestRoundTrip(t *testing.T) {
	i, v := newIssuer(t, testKey(t)), testVerifier(t)
	base := *testLine(t)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("aZ09-_/.<>&\"\\'=é漢🙂 ")), 1, 30, 64).Filter(func(s string) bool { return checkText(s) == nil })
	rapid.Check(t, func(t *rapid.T) {
		line := base
		line.ID = LineID{text.Draw(t, "order"), text.Draw(t, "line")}
		line.Customer, line.Host = CustomerID(text.Draw(t, "customer")), text.Draw(t, "host")
		line.Quantity = rapid.Int64Range(1, MaxQuantity).Draw(t, "quantity")
		draft, err := i.Prepare(&line, nil)
		if err != nil {
			t.Fatal(err)
		}
		made, err := i.Issue(draft)
		if err != nil {
			t.Fatal(err)
		}
		l, err := v.Verify(made.File(), Use{At: line.Begins(), Product: line.Product, Host: line.Host})
		if err != nil {
			t.Fatal(err)
		}
		if l.Terms.Line != line.ID || l.Terms.Customer != line.Customer || l.Terms.Quantity != line.Quantity || l.Terms.End != line.End {
			t.Fatalf("%+v does not say what %+v says", l, line)
		}
		claims, err := encoding.DecodeString(strings.Split(l.Token(), ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		if again := sortedJSON(t, claims); !bytes.Equal(again, claims) {
			t.Fatalf("claims are not canonical:\n%s\n%s", claims, again)
		}
	})
}

// sortedJSON encodes an object again with its members sorted.
func sortedJSON(t *rapid.T, b []byte) []byte {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err := d.Decode(&m)
	again, err2 := canonical(m)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return again
}
