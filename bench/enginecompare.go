package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"text/tabwriter"
	"time"
)

// compare decides and asks the peer in turn, and prints medians and ratios.
func (e engine) compare(ctx context.Context) error {
	if err := e.tables(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := installPeer(ctx); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seats\trows\ts\tpeer s\tratio\tmin\tmax\tcpu s\tpeer cpu s\tpeak MB\tpeer peak MB\t")
	var ours, theirs []cost
	var last engineResult
	for range e.rounds {
		a, result, err := e.run(ctx, exec.CommandContext(ctx, self, "decide", "-users", fmt.Sprint(e.users), "-products", fmt.Sprint(e.products),
			"-density", fmt.Sprint(e.density), "-rules", fmt.Sprint(e.rules)))
		if err != nil {
			return err
		}
		b, other, err := e.run(ctx, exec.CommandContext(ctx, "node", filepath.Join("bench", "peer", "engine.mjs"), e.dir, asOf.Format(time.DateTime)))
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(result.Verdicts, other.Verdicts) || !reflect.DeepEqual(result.Positions, other.Positions) {
			return fmt.Errorf("the answers differ: ours %v %v, the peer's %v %v", result.Verdicts, result.Positions, other.Verdicts, other.Positions)
		}
		ours, theirs, last = append(ours, a), append(theirs, b), result
	}
	ratios := make([]float64, len(ours))
	for n := range ours {
		ratios[n] = ours[n].wall / theirs[n].wall
	}
	fmt.Fprintf(w, "%.0f\t%d\t", float64(e.users*e.products)*e.density, last.Rows)
	report(w, ours, theirs)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("facts in memory before the decision: %.0f MB; verdicts, equal on both sides as are the positions: %v\n", last.FactsMB, last.Verdicts)
	return nil
}

// run runs one side. Its cost is that of the decision, but the peak is the whole process's.
func (e engine) run(ctx context.Context, cmd *exec.Cmd) (cost, engineResult, error) {
	whole, out, err := measure(ctx, cmd)
	if err != nil {
		return cost{}, engineResult{}, err
	}
	var r engineResult
	if err := json.Unmarshal(out, &r); err != nil {
		return cost{}, r, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return cost{wall: r.Seconds, cpu: r.CPU, peakMB: whole.peakMB}, r, nil
}

// processor is how many seconds of processor time this process has used.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// resident is how many MB of memory this process holds.
func resident() float64 {
	var size, pages int64
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0
	}
	defer f.Close()
	if _, err := fmt.Fscan(f, &size, &pages); err != nil {
		return 0
	}
	return float64(pages*int64(os.Getpagesize())) / 1e6
}
