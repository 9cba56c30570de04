package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
)

// meter shows how far a run is: a bar on a terminal, a line a step with --verbose, otherwise nothing. It implements
// pipeline.Progress.
type meter struct {
	mu         sync.Mutex
	out        io.Writer
	bar        *progressbar.ProgressBar // nil off a terminal
	verbose    bool
	structured bool // lines are JSON
	now        func() time.Time
	total      atomic.Int64
	Steps      []stepCost
}

// stepCost is what one step took.
type stepCost struct {
	Name    string        `json:"step"`
	Took    time.Duration `json:"-"`
	Seconds float64       `json:"seconds"`
	HeapMB  float64       `json:"heap_mb"` // in use at its end
}

func (a *app) meter() *meter {
	m := &meter{out: a.stderr, verbose: a.verbose && !a.quiet, structured: a.logFormat == "json", now: time.Now}
	if a.terminal && !a.noProgress && !a.quiet && a.logFormat == "text" {
		m.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
	}
	return m
}

// Step begins a step.
func (m *meter) Step(name string) (done func()) {
	begin := m.now()
	m.mu.Lock()
	if m.bar != nil {
		m.bar.Describe(name)
	}
	m.mu.Unlock()
	return func() {
		var memory runtime.MemStats
		if m.verbose {
			runtime.ReadMemStats(&memory)
		}
		took := m.now().Sub(begin)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.Steps = append(m.Steps, stepCost{Name: name, Took: took, Seconds: took.Seconds(), HeapMB: float64(memory.HeapInuse) / 1e6})
		if m.verbose {
			m.tell(m.Steps[len(m.Steps)-1])
		}
	}
}

// tell writes what a step took.
func (m *meter) tell(cost stepCost) {
	if !m.structured {
		fmt.Fprintf(m.out, "%-22s %8.3f s %8.0f MB\n", cost.Name, cost.Seconds, cost.HeapMB)
		return
	}
	line, err := json.Marshal(struct {
		Level string `json:"level"`
		stepCost
	}{"debug", cost})
	if err != nil {
		panic(err) // a cost always encodes
	}
	fmt.Fprintln(m.out, string(line))
}

// Bytes adds to what was read and to what there is to read.
func (m *meter) Bytes(read, total int64) {
	if m.bar == nil {
		return
	}
	if total > 0 {
		m.bar.ChangeMax64(m.total.Add(total) + 1) // a bar that is full counts as finished, and more files may follow
	}
	if read > 0 {
		_ = m.bar.Add64(read) // a bar that cannot be drawn is no reason to stop
	}
}

// finish takes the bar away.
func (m *meter) finish() {
	if m.bar != nil {
		_ = m.bar.Finish()
		_ = m.bar.Clear()
	}
}
