package main

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"trueup/connectors"
	"trueup/facts"
	"trueup/reconcile"
	"trueup/schedule"
	"trueup/store"
)

// metrics are what the process itself counts. Everything else is read from the ledger whenever somebody asks, so that it
// is right after a restart, in each of several servers, and for runs that no server made.
type metrics struct {
	registry  *prometheus.Registry
	throttled *prometheus.CounterVec
	waits     *prometheus.CounterVec
}

func newMetrics(build string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "trueup_vendor_throttled_total",
			Help: "Answers of a vendor's host that asked to wait, by this process."}, []string{"host"}),
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "trueup_vendor_throttle_wait_seconds_total",
			Help: "How long a vendor's host asked to wait, in all, by this process."}, []string{"host"})}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "trueup_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": build, "goversion": runtime.Version()}})
	info.Set(1)
	m.registry.MustRegister(m.throttled, m.waits, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// trace counts what vendors ask for. The hosts are those of configured sources.
func (m *metrics) trace() *connectors.Trace {
	return &connectors.Trace{Throttled: func(host string, wait time.Duration) {
		m.throttled.WithLabelValues(host).Inc()
		m.waits.WithLabelValues(host).Add(wait.Seconds())
	}}
}

// answerMetrics reads the ledger and answers in Prometheus' text format.
func (v *service) answerMetrics(w http.ResponseWriter, r *http.Request) {
	scrape := prometheus.NewRegistry()
	scrape.MustRegister(v.observe(r.Context()))
	promhttp.HandlerFor(prometheus.Gatherers{v.metrics.registry, scrape}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// observe reads what there is to say from the ledger. What cannot be read is left out, never said to be zero.
func (v *service) observe(ctx context.Context) *observed {
	ctx, cancel := context.WithTimeout(ctx, 2*probing)
	defer cancel()
	v.mu.Lock()
	o := &observed{now: v.now(), entries: v.entries, valid: v.fault == nil}
	v.mu.Unlock()
	if err := o.read(ctx, v); err != nil {
		v.logger.Warn("metrics cannot be read from the ledger", "error", err)
	}
	return o
}

// observed is one look at configuration and ledger. It implements prometheus.Collector.
type observed struct {
	now     time.Time
	entries []schedule.Entry
	valid   bool

	reachable bool // what follows was read
	held      bool
	slots     []store.SlotTotal
	pulls     []reconcile.PulledInput
	figures   store.Figures
}

func (o *observed) read(ctx context.Context, v *service) error {
	who, err := v.holder(ctx)
	if err != nil {
		return err
	}
	if o.slots, err = v.db.SlotTotals(ctx); err != nil {
		return err
	}
	if o.pulls, err = v.db.Pulls(ctx, facts.At(o.now)); err != nil {
		return err
	}
	if o.figures, err = v.db.Figures(ctx); err != nil {
		return err
	}
	o.held, o.reachable = who != "", true
	return nil
}

// figure is one metric's description.
type figure struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc("trueup_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc("trueup_"+name, help, labels, nil), prometheus.CounterValue}
}

// The metrics that are read from configuration and ledger; docs/operations.md lists them.
var (
	configValid     = gauge("config_valid", "1 if the configuration can be used as it is now.")
	ledgerReachable = gauge("ledger_reachable", "1 if the ledger could be read for this answer; without, what stands in it is left out.")
	leaseHeld       = gauge("lease_held", "1 while a run, of any process, holds the lease.")
	nextDue         = gauge("schedule_next_timestamp_seconds", "When the schedule is due next.", "schedule")
	lastSuccess     = gauge("schedule_last_success_timestamp_seconds", "When the schedule's last slot that was done had ended.", "schedule")
	slotsEnded      = counter("slots_total", "Due times by what became of them: done, failed, skipped or missed.", "schedule", "outcome")
	sourceRows      = gauge("source_rows", "Rows of the last good pull of a feed.", "source", "feed")
	sourceRejected  = gauge("source_rejected_rows", "Rows of the last good pull of a feed that could not be understood.", "source", "feed")
	sourceObserved  = gauge("source_observed_timestamp_seconds", "When the last good pull of a feed was made.", "source", "feed")
	sourceComplete  = gauge("source_complete", "1 if the last good pull of a feed was read whole.", "source", "feed")
	planAsOf        = gauge("plan_as_of_timestamp_seconds", "The instant that the newest plan decides as of.")
	verdictRows     = gauge("verdict_rows", "Rows of the newest plan by verdict.", "verdict")
	actionRows      = gauge("actions", "Actions of the newest plan by kind and present state.", "kind", "state")
	guardsTripped   = gauge("guards_tripped", "Scopes of the newest plan in which a guard tripped.", "guard")
	outcomesAll     = counter("action_outcomes_total", "Outcomes recorded since the ledger began, by kind of action and the state it came to.", "kind", "state")
	openIntents     = gauge("open_intents", "Actions begun at a vendor whose outcome is not known.")
	runDuration     = gauge("run_duration_seconds", "How long the last run of a kind took.", "kind")
	runFinished     = gauge("run_finished_timestamp_seconds", "When the last run of a kind ended.", "kind")
	runExit         = gauge("run_exit_code", "Exit code of the last run of a kind.", "kind")
)

// Describe, of prometheus.Collector, sends nothing: which metrics there are depends on what can be read.
func (o *observed) Describe(chan<- *prometheus.Desc) {}

// Collect, of prometheus.Collector.
func (o *observed) Collect(to chan<- prometheus.Metric) {
	set := func(f figure, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(f.Desc, f.kind, value, labels...)
	}
	set(configValid, truth(o.valid))
	set(ledgerReachable, truth(o.reachable))
	for _, e := range o.entries {
		if next := e.Spec.Next(o.now); !next.IsZero() {
			set(nextDue, seconds(facts.At(next)), e.Name)
		}
	}
	if o.reachable {
		set(leaseHeld, truth(o.held))
		o.collectSlots(set)
		o.collectSources(set)
		o.collectPlan(set)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(i facts.Instant) float64 { return float64(i.Time().UnixMilli()) / 1000 }

// collectSlots says zero of what has not happened to a configured schedule, so that the first time shows as an increase.
func (o *observed) collectSlots(set func(figure, float64, ...string)) {
	type key struct{ schedule, outcome string }
	counts := map[key]float64{}
	for _, e := range o.entries {
		for _, state := range []store.SlotState{store.SlotDone, store.SlotFailed, store.SlotSkipped, store.SlotMissed} {
			counts[key{e.Name, string(state)}] = 0
		}
	}
	for _, total := range o.slots {
		if total.State == store.SlotRunning {
			continue
		}
		counts[key{total.Schedule, string(total.State)}] = float64(total.Slots)
		if total.State == store.SlotDone {
			set(lastSuccess, seconds(total.Last), total.Schedule)
		}
	}
	for k, n := range counts {
		set(slotsEnded, n, k.schedule, k.outcome)
	}
}

func (o *observed) collectSources(set func(figure, float64, ...string)) {
	for _, p := range o.pulls {
		if p.Failure != "" && p.Rows == 0 && len(p.Files) == 0 {
			continue // never read
		}
		set(sourceRows, float64(p.Rows), p.Source, p.Feed.String())
		set(sourceRejected, float64(p.Rejected), p.Source, p.Feed.String())
		set(sourceObserved, seconds(p.Observed), p.Source, p.Feed.String())
		set(sourceComplete, truth(p.Complete), p.Source, p.Feed.String())
	}
}

func (o *observed) collectPlan(set func(figure, float64, ...string)) {
	f := o.figures
	if f.Plan != "" {
		set(planAsOf, seconds(f.AsOf))
	}
	for verdict, n := range f.Verdicts {
		set(verdictRows, float64(n), verdict)
	}
	for result, n := range f.Actions {
		set(actionRows, float64(n), result.Kind, result.State)
	}
	for guard, n := range f.Tripped {
		set(guardsTripped, float64(n), guard)
	}
	for result, n := range f.Outcomes {
		set(outcomesAll, float64(n), result.Kind, result.State)
	}
	set(openIntents, float64(f.Intents))
	for kind, run := range f.Runs {
		set(runDuration, run.Finished.Time().Sub(run.Started.Time()).Seconds(), kind)
		set(runFinished, seconds(run.Finished), kind)
		set(runExit, float64(run.Exit), kind)
	}
}
