package licensegen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"trueup/connectors"
	"trueup/facts"
	"trueup/licensegen"
)

const catalogue = `issuer: Example Software Ltd
products:
  - {id: orbit-suite, name: Orbit Suite, parts: [OS-100], features: [orbit], models: [subscription, node-locked]}
  - {id: lathe, name: Lathe, models: [perpetual]}
`

const header = "order,line,customer,customer_name,product,quantity,model,start,end,host,status,amended,zone\n"

// orders has each kind of customer on 1 June 2026.
const orders = header + `SO-1,1,C-1,One Ltd,OS-100,5,subscription,2026-01-01,2026-12-31,,active,2025-12-20,
SO-1,2,C-1,One Ltd,orbit-suite,1,node-locked,2026-02-01,,4C4C,active,2026-02-01,
SO-1,3,C-1,One Ltd,lathe,1,perpetual,2026-02-01,,,cancelled,2026-04-30,
SO-2,1,C-2,Two Ltd,lathe,2,perpetual,2026-01-01,,,active,2026-01-01,America/New_York
SO-3,1,C-3,Three Ltd,OS-100,1,subscription,2025-01-01,2025-12-31,,active,2025-01-01,
SO-4,1,C-4,Four Ltd,OS-100,1,subscription,2026-07-01,2027-06-30,,active,2026-05-01,
SO-5,1,C-5,Five Ltd,lathe,1,perpetual,2025-01-01,,,cancelled,2026-03-31,
SO-6,1,C-6,Six Ltd,OS-999,1,,2026-01-01,,,active,2026-01-01,
`

// office is a vendor's back office in a temporary folder.
type office struct {
	t   *testing.T
	dir string
	now time.Time
	source
}

func newOffice(t *testing.T, extra string) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	o.write("licences/catalogue.yaml", catalogue)
	o.write("licences/orders.csv", orders)
	if _, err := licensegen.CreateKeyring(filepath.Join(o.dir, "keys"), bytes.NewReader(bytes.Repeat([]byte{9}, 32))); err != nil {
		t.Fatal(err)
	}
	src, err := Descriptor().Open(o.section("{name: licences, kind: licensegen, orders: licences/orders*.csv, " +
		"catalogue: ./licences/catalogue.yaml, keys: keys, register: var/licences" + extra + "}"))
	if err != nil {
		t.Fatal(err)
	}
	o.source = *src.(*source)
	return o
}

func (o *office) section(text string) connectors.Section {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		o.t.Fatal(err)
	}
	return connectors.Section{Name: "licences", Dir: o.dir, Calendar: facts.NewCalendar(berlin),
		Now:    func() facts.Instant { return facts.At(o.now) },
		Decode: func(into any) error { return yaml.UnmarshalWithOptions([]byte(text), into, yaml.Strict()) }}
}

func (o *office) write(name, text string) {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600))
	if err != nil {
		o.t.Fatal(err)
	}
}

// archive keeps raw inputs in memory.
type archive struct{ files []connectors.Archived }

type entry struct {
	bytes.Buffer
	name string
	a    *archive
}

func (a *archive) Create(_ context.Context, name string) (connectors.RawWriter, error) {
	return &entry{name: name, a: a}, nil
}

func (e *entry) Commit() (facts.Digest, int64, error) {
	b := bytes.Clone(e.Bytes())
	sum := facts.Digest(sha256.Sum256(b))
	e.a.files = append(e.a.files, connectors.Archived{File: facts.File{Name: e.name, SHA256: sum, Bytes: int64(len(b))},
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }})
	return sum, int64(len(b)), nil
}

func (e *entry) Abort() {}

func (o *office) pull(feed facts.Feed, from []connectors.Archived) (*facts.Observation, *archive, error) {
	a := &archive{}
	seen, err := o.Pull(o.t.Context(), connectors.Pull{Feed: feed, AsOf: facts.At(o.now), Observed: facts.At(o.now),
		Calendar: o.calendar, Raw: a, Archived: from, Workers: 1})
	return seen, a, err
}

func (o *office) must(feed facts.Feed) *facts.Observation {
	o.t.Helper()
	seen, _, err := o.pull(feed, nil)
	if err != nil || !seen.Complete {
		o.t.Fatalf("%s: complete %v, %v", feed, seen.Complete, err)
	}
	return seen
}

func seatText(o *facts.Observation) string {
	var all []string
	for n := range o.Seats.Len() {
		all = append(all, fmt.Sprintf("%s:%s@%s", o.Strings.Text(o.Seats.Account[n]), o.Strings.Text(o.Seats.Product[n]), o.Seats.Assigned[n]))
	}
	return strings.Join(all, " ")
}

func (o *office) wantSeats(want string) {
	o.t.Helper()
	if got := seatText(o.must(facts.FeedSeats)); got != want {
		o.t.Errorf("seats %q, want %q", got, want)
	}
}

func (o *office) assign(customer, product string) connectors.Receipt {
	o.t.Helper()
	r, err := o.Assign(o.t.Context(), connectors.Seat{Account: customer, Product: product}, "key")
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

func (o *office) probe(customer string) string {
	o.t.Helper()
	seats, err := o.Probe(o.t.Context(), customer, "")
	if err != nil {
		o.t.Fatal(err)
	}
	var all []string
	for _, s := range seats {
		all = append(all, s.Product)
	}
	return strings.Join(all, " ")
}

func TestPeople(t *testing.T) {
	o := newOffice(t, "").must(facts.FeedPeople)
	var got strings.Builder
	for n := range o.People.Len() {
		var groups []string
		for _, g := range o.People.Groups.At(n) {
			groups = append(groups, o.Strings.Text(g))
		}
		fmt.Fprintf(&got, "%s %s, %s %s, %s..%s %v\n", o.Strings.Text(o.People.ID[n]), o.Strings.Text(o.People.Name[n]), o.People.Kind[n],
			o.People.Status[n], o.People.Hired[n], o.People.Left[n], groups)
	}
	want := `C-1 One Ltd, customer active, 2026-01-01.. [orbit-suite]
C-2 Two Ltd, customer active, 2026-01-01.. [lathe]
C-3 Three Ltd, customer suspended, 2025-01-01.. []
C-4 Four Ltd, customer future, 2026-07-01.. [orbit-suite]
C-5 Five Ltd, customer leaver, 2025-01-01..2026-03-31 []
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	if o.Rows != 8 || o.Rejected != 1 || len(o.Rejects) != 1 || o.Rejects[0].Line != 9 || !strings.Contains(o.Rejects[0].Reason, "OS-999") {
		t.Errorf("%d rows, %d rejected: %v", o.Rows, o.Rejected, o.Rejects)
	}
}

func TestPurchases(t *testing.T) {
	o := newOffice(t, "").must(facts.FeedPurchases)
	var got strings.Builder
	for _, p := range o.Purchases {
		fmt.Fprintf(&got, "%s %s %d %s..%s %v\n", p.Order, p.Product, p.Quantity, p.Start, p.End, p.Priced)
	}
	want := `SO-1/1 orbit-suite 1 2026-01-01..2026-12-31 false
SO-1/2 orbit-suite 1 2026-02-01.. false
SO-1/3 lathe 1 2026-02-01..2026-04-30 false
SO-2/1 lathe 1 2026-01-01.. false
SO-3/1 orbit-suite 1 2025-01-01..2025-12-31 false
SO-4/1 orbit-suite 1 2026-07-01..2027-06-30 false
SO-5/1 lathe 1 2025-01-01..2026-03-31 false
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// TestIssueAndReissue goes through the life of a seat.
func TestIssueAndReissue(t *testing.T) {
	o := newOffice(t, ", write: true")
	if err := o.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.wantSeats("")
	if got := o.probe("C-1"); got != "" {
		t.Errorf("probe before: %q", got)
	}
	first := o.assign("C-1", "orbit-suite")
	if first.Already || strings.Count(first.Detail, "issued ") != 2 || strings.Contains(first.Detail, "reissued") || len(strings.Fields(first.Request)) != 2 {
		t.Errorf("first: %+v", first)
	}
	seat := "C-1:orbit-suite@2025-12-19T23:00:00Z"
	o.wantSeats(seat)
	if again := o.assign("C-1", "orbit-suite"); !again.Already {
		t.Errorf("again: %+v", again)
	}
	if got := o.probe("C-1"); got != "orbit-suite" {
		t.Errorf("probe: %q", got)
	}
	chain := filepath.Join(o.dir, "var/licences/SO-1/1")
	former, err := os.ReadFile(filepath.Join(chain, "000000.license"))
	if err != nil {
		t.Fatal(err)
	}

	// The order line changes, in a file of its own.
	o.write("licences/orders-june.csv", header+"SO-1,1,C-1,One Ltd,OS-100,8,subscription,2026-01-01,2027-12-31,,active,2026-05-30,\n")
	o.wantSeats("")
	second := o.assign("C-1", "orbit-suite")
	if second.Already || strings.Count(second.Detail, "issued") != 1 || !strings.HasPrefix(second.Detail, "reissued ") {
		t.Errorf("second: %+v", second)
	}
	o.wantSeats("C-1:orbit-suite@2026-01-31T23:00:00Z")
	if still, err := os.ReadFile(filepath.Join(chain, "000000.license")); err != nil || !bytes.Equal(still, former) {
		t.Errorf("the former licence was touched: %v", err)
	}
	file, err := os.ReadFile(filepath.Join(chain, "000001.license"))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := licensegen.ReadKeyring(filepath.Join(o.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := licensegen.NewVerifier("Example Software Ltd", ring.Public...).Verify(file, licensegen.Use{At: o.now, Product: "orbit-suite"})
	if err != nil || l.Terms.Quantity != 8 || l.Terms.Customer != "C-1" || l.Supersedes == "" {
		t.Errorf("%+v, %v", l, err)
	}

	// The order is cancelled: the licence is still out there, so the seat is, though nothing is issued any more.
	o.write("licences/orders-july.csv", header+"SO-1,1,C-1,One Ltd,OS-100,8,subscription,2026-01-01,2027-12-31,,cancelled,2026-05-31,\n"+
		"SO-1,2,C-1,One Ltd,orbit-suite,1,node-locked,2026-02-01,,4C4C,cancelled,2026-05-31,\n")
	o.wantSeats("C-1:orbit-suite@2026-01-31T23:00:00Z")
	_, err = o.Assign(t.Context(), connectors.Seat{Account: "C-1", Product: "orbit-suite"}, "key")
	if connectors.ClassOf(err) != connectors.Refused || connectors.HintOf(err) == "" {
		t.Errorf("assign without an order: %v", err)
	}
}

func TestEndedLinesNeedNoLicence(t *testing.T) {
	o := newOffice(t, ", write: true")
	o.assign("C-1", "orbit-suite")
	o.now = time.Date(2026, 12, 31, 22, 59, 59, 0, time.UTC)
	o.write("licences/orders-x.csv", header+"SO-1,1,C-1,One Ltd,OS-100,8,subscription,2026-01-01,2026-12-31,,active,2026-12-30,\n")
	o.wantSeats("") // changed on its last day
	o.now = o.now.Add(time.Second)
	o.wantSeats("C-1:orbit-suite@2026-01-31T23:00:00Z") // ended: the other line's licence is all that is due
	if r := o.assign("C-1", "orbit-suite"); !r.Already {
		t.Errorf("assign after the end: %+v", r)
	}
}

// TestPerformAgain: the archived inputs give the same facts where nothing else is left.
func TestPerformAgain(t *testing.T) {
	o := newOffice(t, ", write: true")
	o.assign("C-1", "orbit-suite")
	o.assign("C-2", "lathe")
	for _, feed := range o.Feeds() {
		seen, kept, err := o.pull(feed, nil)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := *o
		elsewhere.source.dir = filepath.Join(o.dir, "elsewhere")
		again, _, err := elsewhere.pull(feed, kept.files)
		if err != nil {
			t.Fatal(err)
		}
		if len(seen.Files) < 2 || fmt.Sprint(again.Files) != fmt.Sprint(seen.Files) {
			t.Errorf("%s: files %v, then %v", feed, seen.Files, again.Files)
		}
		if seatText(again) != seatText(seen) || fmt.Sprint(again.People, again.Purchases, again.Rows, again.Rejects) !=
			fmt.Sprint(seen.People, seen.Purchases, seen.Rows, seen.Rejects) {
			t.Errorf("%s: performed again it differs", feed)
		}
		if feed == facts.FeedSeats && (len(seen.Files) != 4 || seen.Seats.Len() != 2) {
			t.Errorf("seats: files %v, %d seats", seen.Files, seen.Seats.Len())
		}
		for _, a := range kept.files {
			if strings.Contains(a.File.Name, licensegen.SigningKeyFile) {
				t.Errorf("%s: the private key is in the archive", feed)
			}
		}
		if _, err := os.Stat(elsewhere.source.dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: performing again touched the folder: %v", feed, err)
		}
		if _, _, err := elsewhere.pull(feed, []connectors.Archived{}); err == nil {
			t.Errorf("%s: performed again from nothing", feed)
		}
	}
}

// TestDamagedRegister: what cannot be verified is no seat, and nothing is issued on top of it.
func TestDamagedRegister(t *testing.T) {
	for name, damage := range map[string]func(o *office, path string){
		"changed": func(o *office, path string) {
			b, _ := os.ReadFile(path)
			b[200] ^= 1
			o.overwrite(path, b)
		},
		"torn":          func(o *office, path string) { o.overwrite(path, []byte("eyJ")) },
		"several lines": func(o *office, path string) { o.overwrite(path, []byte("a\nb\n")) },
		"foreign key": func(o *office, _ string) {
			keys := filepath.Join(o.dir, "keys")
			err := os.RemoveAll(keys)
			if _, err2 := licensegen.CreateKeyring(keys, bytes.NewReader(bytes.Repeat([]byte{8}, 32))); errors.Join(err, err2) != nil {
				o.t.Fatal(err, err2)
			}
		},
	} {
		o := newOffice(t, ", write: true")
		o.assign("C-2", "lathe")
		o.assign("C-1", "orbit-suite")
		damage(o, filepath.Join(o.dir, "var/licences/SO-2/1/000000.license"))
		seen, _, err := o.pull(facts.FeedSeats, nil)
		if strings.Contains(seatText(seen), "C-2:") || seen.Rejected < 2 {
			t.Errorf("%s: seats %q, %d rejected, %v", name, seatText(seen), seen.Rejected, err)
		}
		if name != "foreign key" && (err != nil || !strings.Contains(seatText(seen), "C-1:")) {
			t.Errorf("%s: the other customer's seat is gone: %q, %v", name, seatText(seen), err)
		}
		_, err = o.Assign(t.Context(), connectors.Seat{Account: "C-2", Product: "lathe"}, "key")
		if connectors.ClassOf(err) != connectors.Refused || connectors.HintOf(err) == "" {
			t.Errorf("%s: assign: %v (hint %q)", name, err, connectors.HintOf(err))
		}
		if files, _ := filepath.Glob(filepath.Join(o.dir, "var/licences/SO-2/1/*")); len(files) != 1 {
			t.Errorf("%s: %v", name, files)
		}
	}
}

func (o *office) overwrite(path string, b []byte) {
	o.t.Helper()
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, b, 0o600)); err != nil {
		o.t.Fatal(err)
	}
}

func TestAssignTwiceAtOnce(t *testing.T) {
	o := newOffice(t, ", write: true")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := o.Assign(t.Context(), connectors.Seat{Login: "C-1", Product: "orbit-suite"}, "key"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	files, err := filepath.Glob(filepath.Join(o.dir, "var/licences/*/*/*"))
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestAssignRefuses(t *testing.T) {
	chmod := func(mode fs.FileMode) func(*office) error {
		return func(o *office) error { return os.Chmod(filepath.Join(o.dir, "keys", licensegen.SigningKeyFile), mode) }
	}
	for _, c := range []struct {
		name, extra       string
		do                func(*office) error
		customer, product string
		want              connectors.Class
	}{
		{"read only", "", nil, "C-1", "orbit-suite", connectors.Refused},
		{"unknown customer", ", write: true", nil, "C-9", "orbit-suite", connectors.Refused},
		{"unknown product", ", write: true", nil, "C-1", "orbit", connectors.Refused},
		{"nobody", ", write: true", nil, "", "orbit-suite", connectors.Refused},
		{"cancelled", ", write: true", nil, "C-5", "lathe", connectors.Refused},
		{"ended", ", write: true", nil, "C-3", "orbit-suite", connectors.Refused},
		{"exposed key", ", write: true", chmod(0o644), "C-1", "orbit-suite", connectors.Unauthorised},
		{"no key", ", write: true", func(o *office) error { return os.Remove(filepath.Join(o.dir, "keys", licensegen.SigningKeyFile)) },
			"C-1", "orbit-suite", connectors.Unauthorised},
		{"no orders", ", write: true", func(o *office) error { return os.Remove(filepath.Join(o.dir, "licences/orders.csv")) },
			"C-1", "orbit-suite", connectors.Permanent},
		{"contradiction", ", write: true", func(o *office) error {
			o.write("licences/orders-2.csv", header+"SO-2,1,C-2,Two Ltd,lathe,3,perpetual,2026-01-01,,,active,2026-01-01,America/New_York\n")
			return nil
		}, "C-2", "lathe", connectors.Refused},
	} {
		if c.want == connectors.Unauthorised && runtime.GOOS == "windows" {
			continue
		}
		o := newOffice(t, c.extra)
		if c.do != nil {
			if err := c.do(o); err != nil {
				t.Fatal(err)
			}
		}
		_, err := o.Assign(t.Context(), connectors.Seat{Account: c.customer, Product: c.product}, "key")
		e, ok := errors.AsType[*connectors.Error](err)
		if !ok || e.Class != c.want || !e.Answered || e.Hint == "" {
			t.Errorf("%s: %v (%+v), want %s", c.name, err, e, []any{c.want})
		}
		if c.want == connectors.Unauthorised && o.Check(t.Context()) == nil {
			t.Errorf("%s: check finds nothing", c.name)
		}
		if files, _ := filepath.Glob(filepath.Join(o.dir, "var/licences/*/*/*")); len(files) != 0 {
			t.Errorf("%s: %v", c.name, files)
		}
	}
}

func TestConflictIsRejectedInPull(t *testing.T) {
	o := newOffice(t, "")
	o.write("licences/orders-2.csv", header+"SO-2,1,C-2,Two Ltd,lathe,3,perpetual,2026-01-01,,,active,2026-01-01,America/New_York\n")
	seen := o.must(facts.FeedPeople)
	if seen.Rows != 9 || seen.Rejected != 3 || seen.People.Len() != 4 {
		t.Errorf("%d rows, %d rejected, %d people: %v", seen.Rows, seen.Rejected, seen.People.Len(), seen.Rejects)
	}
}

func TestBadInputs(t *testing.T) {
	for name, c := range map[string]struct{ file, text string }{
		"empty orders":       {"licences/orders.csv", ""},
		"orders of nothing":  {"licences/orders.csv", header},
		"only bad rows":      {"licences/orders.csv", header + "SO-1\n"},
		"unknown catalogue":  {"licences/catalogue.yaml", "issuer: x\nproducts: []\nprice: 1\n"},
		"empty catalogue":    {"licences/catalogue.yaml", ""},
		"wrong catalogue":    {"licences/catalogue.yaml", "- 1\n"},
		"catalogue mistaken": {"licences/catalogue.yaml", "issuer: x\nproducts: [{id: a, models: [lease]}]\n"},
	} {
		o := newOffice(t, "")
		o.write(c.file, c.text)
		seen, _, err := o.pull(facts.FeedPeople, nil)
		e, ok := errors.AsType[*connectors.Error](err)
		if !ok || e.Place == "" || seen.Complete || seen.People.Len() != 0 {
			t.Errorf("%s: complete %v, %d people, %v", name, seen.Complete, seen.People.Len(), err)
		}
	}
	o := newOffice(t, "")
	o.write("keys/extra.pub", "x")
	if seen, _, err := o.pull(facts.FeedSeats, nil); err == nil || seen.Complete {
		t.Error("a damaged public key is accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o = newOffice(t, "")
	if _, err := o.Pull(ctx, connectors.Pull{Feed: facts.FeedSeats, Calendar: o.calendar, Raw: &archive{}, Workers: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSection(t *testing.T) {
	o := newOffice(t, "")
	for name, text := range map[string]string{
		"nothing":     "{name: licences, kind: licensegen}",
		"unknown key": "{name: licences, kind: licensegen, orders: o.csv, catalogue: c, keys: k, register: r, publish: x}",
		"by feed":     "{name: licences, kind: licensegen, orders: {people: o.csv}, catalogue: c, keys: k, register: r}",
		"no register": "{name: licences, kind: licensegen, orders: o.csv, catalogue: c, keys: k}",
	} {
		if _, err := Descriptor().Open(o.section(text)); err == nil {
			t.Errorf("%s: is accepted", name)
		}
	}
	section := o.section("{name: licences, kind: licensegen, orders: [o.csv], catalogue: c, keys: k, register: r, write: true}")
	if _, err := Descriptor().Open(section); err != nil {
		t.Error(err)
	}
	section.Now = nil
	if _, err := Descriptor().Open(section); err == nil {
		t.Error("a source that is written to does without a clock")
	}
}
