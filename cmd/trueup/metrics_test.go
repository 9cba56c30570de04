package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"trueup/store"
)

// TestMetricsAreWellNamed holds the metrics to Prometheus' conventions, and their list to what operators read.
func TestMetricsAreWellNamed(t *testing.T) {
	o := newOffice(t)
	o.scheduled(`{run: "0 0 * * *"}`, midnight.Add(-time.Hour))
	v := o.serve()
	v.ended(o.ledger(), "run", midnight)
	v.stop()
	db := o.ledger()
	a := &app{environment: environment{now: o.clock.now}, logger: (&app{environment: environment{stderr: io.Discard}}).newLogger()}
	settings, err := (&app{config: filepath.Join(o.dir, "trueup.yaml")}).load()
	if err != nil {
		t.Fatal(err)
	}
	service := &service{app: a, db: db, metrics: newMetrics("test"), entries: settings.schedules}
	service.metrics.trace().Throttled("graph.example.com", 7*time.Second)
	look := service.observe(t.Context())
	look.figures.Outcomes[store.ActionResult{Kind: "revoke", State: "done"}] = 1
	look.figures.Tripped["shrink"] = 1
	registry := prometheus.NewRegistry()
	registry.MustRegister(look)
	gatherers := prometheus.Gatherers{service.metrics.registry, registry}
	families, err := gatherers.Gather()
	if err != nil {
		t.Fatal(err)
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "trueup_") {
			names = append(names, name)
			if !strings.Contains(string(operations), "`"+name) {
				t.Errorf("docs/operations.md does not list %s", name)
			}
		}
	}
	if len(names) < 20 {
		t.Errorf("only %v", names)
	}
	problems, err := testutil.GatherAndLint(gatherers, names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, listed := range regexp.MustCompile("`(trueup_[a-z_]+)").FindAllStringSubmatch(string(operations), -1) {
		if !strings.Contains(strings.Join(names, " ")+" ", listed[1]+" ") {
			t.Errorf("docs/operations.md lists %s, which is not there", listed[1])
		}
	}
}
