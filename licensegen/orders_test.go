package licensegen

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const orderHead = "order,line,customer,customer_name,product,quantity,model,start,end,host,status,amended,zone\n"

func readOrders(t testing.TB, text string) (*Orders, int64, []*OrderError, error) {
	t.Helper()
	o := NewOrders(testCatalogue(), "Europe/Berlin")
	var refused []*OrderError
	rows, err := o.ReadCSV(strings.NewReader(text), "orders.csv", func(e *OrderError) { refused = append(refused, e) })
	return o, rows, refused, err
}

func TestReadOrders(t *testing.T) {
	o, rows, refused, err := readOrders(t, "\ufeff"+strings.ReplaceAll(orderHead+
		`SO-2,1,C-8,"=HYPERLINK(""x"")",lathe,2,,2026-01-01,,,active,2026-01-01,America/New_York`+"\n\n"+
		"SO-1,10,C-7,Müller & Söhne KG,OS-200,5,subscription,2026-01-01,2026-12-31,,active,2025-12-20,\n"+
		"SO-1,2,C-7,Müller & Söhne KG,orbit-suite,1,node-locked,2026-01-01,,4C4C,cancelled,2026-02-01,\n", "\n", "\r\n"))
	if err != nil || rows != 3 || len(refused) != 0 {
		t.Fatalf("%d rows, refused %v, %v", rows, refused, err)
	}
	lines, conflicts := o.Lines()
	if len(conflicts) != 0 {
		t.Fatal(conflicts)
	}
	var got strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&got, "%s %s %q %s %d %s %s..%s %q %s %s %s\n", l.ID, l.Customer, l.CustomerName, l.Product, l.Quantity, l.Model,
			l.Start, l.End, l.Host, l.Status, l.Amended, l.Zone)
	}
	want := `SO-1/10 C-7 "Müller & Söhne KG" orbit-suite 5 subscription 2026-01-01..2026-12-31 "" active 2025-12-20 Europe/Berlin
SO-1/2 C-7 "Müller & Söhne KG" orbit-suite 1 node-locked 2026-01-01.. "4C4C" cancelled 2026-02-01 Europe/Berlin
SO-2/1 C-8 "=HYPERLINK(\"x\")" lathe 2 perpetual 2026-01-01.. "" active 2026-01-01 America/New_York
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// TestRefusedRows: each bad row costs itself only.
func TestRefusedRows(t *testing.T) {
	const good = "SO-9,9,C-9,Nine,lathe,1,perpetual,2026-01-01,,,active,2026-01-01,\n"
	for _, c := range []struct {
		name, row string
		want      error
	}{
		{"unknown product", "SO-1,1,C-1,One,OS-999,1,,2026-01-01,,,active,2026-01-01,", ErrUnknownProduct},
		{"negative", "SO-1,1,C-1,One,lathe,-1,,2026-01-01,,,active,2026-01-01,", ErrQuantity},
		{"none", "SO-1,1,C-1,One,lathe,0,,2026-01-01,,,active,2026-01-01,", ErrQuantity},
		{"absurd", "SO-1,1,C-1,One,lathe,51,,2026-01-01,,,active,2026-01-01,", ErrQuantity},
		{"absurd by default", "SO-1,1,C-1,One,orbit-suite,1000001,perpetual,2026-01-01,,,active,2026-01-01,", ErrQuantity},
		{"beyond 64 bits", "SO-1,1,C-1,One,lathe,99999999999999999999,,2026-01-01,,,active,2026-01-01,", ErrQuantity},
		{"fraction", "SO-1,1,C-1,One,lathe,1.5,,2026-01-01,,,active,2026-01-01,", ErrQuantity},
		{"model", "SO-1,1,C-1,One,lathe,1,lease,2026-01-01,,,active,2026-01-01,", ErrModel},
		{"model not sold", "SO-1,1,C-1,One,lathe,1,trial,2026-01-01,2026-02-01,,active,2026-01-01,", ErrModel},
		{"subscription for ever", "SO-1,1,C-1,One,OS-100,1,subscription,2026-01-01,,,active,2026-01-01,", ErrDate},
		{"perpetual with end", "SO-1,1,C-1,One,lathe,1,perpetual,2026-01-01,2027-01-01,,active,2026-01-01,", ErrDate},
		{"no start", "SO-1,1,C-1,One,lathe,1,,,,,active,2026-01-01,", ErrDate},
		{"no amended", "SO-1,1,C-1,One,lathe,1,,2026-01-01,,,active,,", ErrDate},
		{"no such day", "SO-1,1,C-1,One,lathe,1,,2026-02-29,,,active,2026-01-01,", ErrDate},
		{"ambiguous day", "SO-1,1,C-1,One,lathe,1,,03/04/2026,,,active,2026-01-01,", ErrDate},
		{"end before start", "SO-1,1,C-1,One,OS-100,1,,2026-02-01,2026-01-31,,active,2026-01-01,", ErrDate},
		{"host missing", "SO-1,1,C-1,One,lathe,1,floating,2026-01-01,,,active,2026-01-01,", ErrHostID},
		{"status", "SO-1,1,C-1,One,lathe,1,,2026-01-01,,,open,2026-01-01,", ErrStatus},
		{"zone", "SO-1,1,C-1,One,lathe,1,,2026-01-01,,,active,2026-01-01,Europe/Atlantis", ErrZone},
		{"this machine's zone", "SO-1,1,C-1,One,lathe,1,,2026-01-01,,,active,2026-01-01,Local", ErrZone},
		{"zone outside", "SO-1,1,C-1,One,lathe,1,,2026-01-01,,,active,2026-01-01,../../etc/passwd", ErrZone},
		{"no customer", "SO-1,1,,One,lathe,1,,2026-01-01,,,active,2026-01-01,", ErrText},
		{"control character", "SO-1,1,C\x1b[31m,One,lathe,1,,2026-01-01,,,active,2026-01-01,", ErrText},
		{"NUL", "SO-1,1,C\x00,One,lathe,1,,2026-01-01,,,active,2026-01-01,", ErrText},
		{"not UTF-8", "SO-1,1,C-1,M\xfcller,lathe,1,,2026-01-01,,,active,2026-01-01,", ErrText},
		{"long order", strings.Repeat("9", 65) + ",1,C-1,One,lathe,1,,2026-01-01,,,active,2026-01-01,", ErrText},
		{"too few cells", "SO-1,1,C-1,One,lathe,1", ErrColumns},
		{"too many cells", "SO-1,1,C-1,One, Two,lathe,1,,2026-01-01,,,active,2026-01-01,", ErrColumns},
		{"open quote", `SO-1,1,C-1,"One,lathe,1,,2026-01-01,,,active,2026-01-01,`, ErrColumns},
		{"bare quote", `SO-1,1,C-1,O"ne,lathe,1,,2026-01-01,,,active,2026-01-01,`, ErrColumns},
		{"endless row", "SO-1,1,C-1," + strings.Repeat("x", 3*maxOrderRow) + ",lathe,1,,2026-01-01,,,active,2026-01-01,", ErrColumns},
	} {
		o, rows, refused, err := readOrders(t, orderHead+good+c.row+"\n"+strings.ReplaceAll(good, "SO-9", "SO-8"))
		if err != nil || rows != 3 || len(refused) != 1 {
			t.Errorf("%s: %d rows, refused %v, %v", c.name, rows, refused, err)
			continue
		}
		if e := refused[0]; !errors.Is(e, c.want) || e.Line != 3 || e.File != "orders.csv" || e.Hint == "" {
			t.Errorf("%s: %v (hint %q), want %v in line 3", c.name, e, e.Hint, c.want)
		}
		if lines, _ := o.Lines(); len(lines) != 2 {
			t.Errorf("%s: %d lines went through, want 2", c.name, len(lines))
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": "\n\n", "other header": "a,b\n", "column missing": strings.Replace(orderHead, ",amended", "", 1),
		"column twice": strings.Replace(orderHead, "\n", ",order\n", 1), "unknown column": strings.Replace(orderHead, "\n", ",price\n", 1),
		"endless header": strings.Repeat("x", 2*maxOrderRow), "data first": "SO-1,1,C-1\n",
	} {
		_, _, _, err := readOrders(t, text)
		if e, ok := errors.AsType[*OrderError](err); !ok || !errors.Is(err, ErrColumns) || e.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, rows, refused, err := readOrders(t, strings.Replace(orderHead, ",zone", "", 1)+
		"SO-1,1,C-1,One,lathe,1,,2026-01-01,,,active,2026-01-01\n"); err != nil || rows != 1 || len(refused) != 0 {
		t.Errorf("a file without the optional column: %d rows, %v, %v", rows, refused, err)
	}
}

func TestAmendments(t *testing.T) {
	row := func(quantity, amended string) string {
		return "SO-1,1,C-1,One,lathe," + quantity + ",,2026-01-01,,,active," + amended + ",\n"
	}
	for _, c := range []struct {
		name, text string
		want       int64 // quantity; 0: the line is left out
		conflicts  int
	}{
		{"same twice", row("1", "2026-01-01") + row("1", "2026-01-01"), 1, 0},
		{"later holds", row("1", "2026-01-01") + row("2", "2026-02-01"), 2, 0},
		{"later holds, in any order", row("2", "2026-02-01") + row("1", "2026-01-01"), 2, 0},
		{"contradiction", row("1", "2026-01-01") + row("2", "2026-01-01"), 0, 2},
		{"contradiction of three", row("1", "2026-01-01") + row("1", "2026-01-01") + row("2", "2026-01-01"), 0, 3},
		{"old contradiction, settled", row("1", "2026-01-01") + row("2", "2026-01-01") + row("3", "2026-02-01"), 3, 0},
		{"newer contradiction", row("1", "2026-01-01") + row("2", "2026-03-01") + row("3", "2026-03-01"), 0, 2},
	} {
		o, _, refused, err := readOrders(t, orderHead+c.text)
		if err != nil || len(refused) != 0 {
			t.Fatal(refused, err)
		}
		lines, conflicts := o.Lines()
		got := int64(0)
		if len(lines) == 1 {
			got = lines[0].Quantity
		}
		if got != c.want || len(conflicts) != c.conflicts {
			t.Errorf("%s: quantity %d, conflicts %v", c.name, got, conflicts)
		}
		for _, e := range conflicts {
			if !errors.Is(e, ErrConflict) || e.Line < 2 || e.ID != (LineID{"SO-1", "1"}) {
				t.Errorf("%s: %v", c.name, e)
			}
		}
	}
}

func TestCatalogue(t *testing.T) {
	if err := testCatalogue().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Catalogue){
		"no issuer":   func(c *Catalogue) { c.Issuer = "" },
		"no products": func(c *Catalogue) { c.Products = nil },
		"no id":       func(c *Catalogue) { c.Products[1].ID = "" },
		"id twice":    func(c *Catalogue) { c.Products[1].ID = c.Products[0].ID },
		"part is id":  func(c *Catalogue) { c.Products[0].Parts[0] = "lathe" },
		"no models":   func(c *Catalogue) { c.Products[0].Models = nil },
		"odd model":   func(c *Catalogue) { c.Products[0].Models[0] = "lease" },
		"odd feature": func(c *Catalogue) { c.Products[0].Features[0] = "a\nb" },
		"odd maximum": func(c *Catalogue) { c.Products[0].MaxQuantity = -1 },
	} {
		c := testCatalogue()
		change(c)
		if c.Validate() == nil {
			t.Errorf("%s: is accepted", name)
		}
		if _, err := NewIssuer(c, testKey(t)); err == nil {
			t.Errorf("%s: an issuer takes it", name)
		}
	}
}
