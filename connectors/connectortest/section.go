package connectortest

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"trueup/connectors"
	"trueup/facts"
)

// asOf is the as-of of the pulls of the suite.
var asOf = facts.At(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))

// Section makes a source's section from its YAML, decoded strictly, in Berlin's calendar. It has no secrets.
func Section(dir, config string) connectors.Section {
	return connectors.Section{Name: "source", Dir: dir, Calendar: Berlin(),
		Decode: func(into any) error { return yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()) },
		Secret: func(reference string) (string, error) { return "", fmt.Errorf("secret %s: there is none", reference) }}
}

// Berlin is the calendar of the suite's pulls.
func Berlin() *facts.Calendar {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the Go distribution has it
	}
	return facts.NewCalendar(zone)
}

// Pull makes a pull of one feed into raw, with an as-of on 22 November 2026.
func Pull(feed facts.Feed, workers int, raw connectors.Raw) connectors.Pull {
	return connectors.Pull{Feed: feed, AsOf: asOf, Observed: asOf, Calendar: Berlin(), Raw: raw, Workers: workers}
}

// Print writes every fact of an observation as text, a line each, sorted, so that two observations of the same facts
// print the same whatever order they were read in. Files, line numbers and notes are left out.
func Print(o *facts.Observation) string {
	p := printer{o: o}
	p.people()
	p.seats()
	p.signIns()
	for _, c := range o.Counters {
		p.add("counter %q purchased=%d consumed=%d", c.Product, c.Purchased, c.Consumed)
	}
	for n := range o.Concurrent.Len() {
		p.add("concurrent %+v", o.Concurrent.At(n, o.Strings))
	}
	for _, c := range o.Purchases {
		p.add("purchase %+v", c)
	}
	return strings.Join(p.sorted(), "\n")
}
