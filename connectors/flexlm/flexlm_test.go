package flexlm

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
)

const samples = "../../fixtures/samples/flexlm/"

var update = flag.Bool("update", false, "rewrite golden files")

func section(dir, config string) connectors.Section {
	return connectors.Section{Name: "lic", Dir: dir, Calendar: facts.NewCalendar(time.UTC),
		Decode: func(into any) error { return yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()) }}
}

func zone(t testing.TB, name string) *facts.Calendar {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return facts.NewCalendar(z)
}

// asOf is after all samples.
var asOf = facts.At(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))

// pull reads a feed of a source in dir that is configured so.
func pull(t *testing.T, dir string, feed facts.Feed, config string, at facts.Instant) (*facts.Observation, error) {
	t.Helper()
	source, err := Descriptor().Open(section(dir, config))
	if err != nil {
		t.Fatal(err)
	}
	return source.Pull(t.Context(), connectors.Pull{Feed: feed, AsOf: at, Observed: at, Raw: &connectortest.Raw{}, Workers: 2,
		Calendar: zone(t, "Europe/Berlin")})
}

// good is pull of what must be read without a fault.
func good(t *testing.T, dir string, feed facts.Feed, config string) *facts.Observation {
	t.Helper()
	o, err := pull(t, dir, feed, config, asOf)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func countersOf(o *facts.Observation) (rows []string) {
	for _, c := range o.Counters {
		rows = append(rows, fmt.Sprintf("%s %d %d", c.Product, c.Purchased, c.Consumed))
	}
	return rows
}

// daysOf writes item, day, peak/limit, reserved, denied, samples and the minutes unseen.
func daysOf(o *facts.Observation) (rows []string) {
	for n := range o.Concurrent.Len() {
		d := o.Concurrent.At(n, o.Strings)
		rows = append(rows, fmt.Sprintf("%s %s %d/%d r%d d%d n%d u%d", d.Product, d.Day, d.Peak, d.Limit, d.Reserved, d.Denied, d.Samples, d.Unseen))
	}
	return rows
}

func signInsOf(o *facts.Observation) (rows []string) {
	s, text := &o.SignIns, o.Strings.Text
	for n := range s.Len() {
		rows = append(rows, fmt.Sprintf("%s %s %s %d", text(s.Account[n]), text(s.Application[n]), s.Last[n], s.Count[n]))
	}
	slices.Sort(rows)
	return rows
}

func purchasesOf(o *facts.Observation) (rows []string) {
	for _, p := range o.Purchases {
		rows = append(rows, fmt.Sprintf("%s %s %d %s..%s", p.Contract, p.Product, p.Quantity, p.Start, p.End))
	}
	return rows
}

// TestSamples compares everything that is read from each sample with a golden file, which was checked by hand against the
// sample.
func TestSamples(t *testing.T) {
	for _, c := range []struct {
		file string
		feed facts.Feed
	}{
		{"lmstat_app2.txt", facts.FeedCounters}, {"lmstat_app2.txt", facts.FeedSignIns}, {"lmstat_app3.txt", facts.FeedCounters},
		{"lmstat_app3.txt", facts.FeedSignIns}, {"lmstat_app4.txt", facts.FeedCounters}, {"lmstat_app4.txt", facts.FeedSignIns},
		{"lmstat_server_down.txt", facts.FeedCounters}, {"lmstat_i_app1.txt", facts.FeedCounters}, {"lmstat_i_app1.txt", facts.FeedPurchases},
		{"lmstat_i_app2.txt", facts.FeedPurchases}, {"portworx_increments.lic", facts.FeedPurchases}, {"portworx_increments.lic", facts.FeedCounters},
		{"debug_log_ansyslmd_pseudonymised.log", facts.FeedCounters}, {"debug_log_ansyslmd_pseudonymised.log", facts.FeedSignIns},
	} {
		name := strings.TrimSuffix(strings.TrimSuffix(c.file, ".txt"), ".lic") + "." + c.feed.String()
		t.Run(name, func(t *testing.T) {
			o := good(t, samples, c.feed, fmt.Sprintf("timezone: America/New_York\nfiles: {%s: %s}", c.feed, c.file))
			got := connectortest.Print(o) + fmt.Sprintf("\nrows %d, rejected %d\n", o.Rows, o.Rejected) +
				strings.Join(append(connectortest.Rejects(o), o.Notes...), "\n")
			connectortest.Golden(t, filepath.Join("testdata", name+".golden"), strings.TrimSpace(got)+"\n", *update)
		})
	}
}

// TestBanners: what lmstat -v prints says nothing, and nothing is concluded from it.
func TestBanners(t *testing.T) {
	for _, file := range []string{"lmstat_new.txt", "lmstat_old.txt"} {
		o, err := pull(t, samples, facts.FeedCounters, "files: {counters: "+file+"}", asOf)
		if connectors.ClassOf(err) != connectors.Incomplete || o.Complete {
			t.Errorf("%s: %v, complete %t", file, err, o.Complete)
		}
	}
}
