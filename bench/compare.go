package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

// cost is what a whole process took.
type cost struct {
	wall, cpu float64 // seconds
	peakMB    float64 // of resident memory
}

// compare runs each variant of ours in turn with the peer and prints medians and ratios.
func (s size) compare(ctx context.Context) error {
	if err := s.generate(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dimensions := []string{"-dir", s.dir, "-users", fmt.Sprint(s.users), "-products", fmt.Sprint(s.products), "-density", fmt.Sprint(s.density),
		"-events", fmt.Sprint(s.events), "-csv-events", fmt.Sprint(s.eventsCSV)}
	variants := []struct {
		name  string
		flags []string
	}{
		{"verdicts and positions", nil},
		{"the same, every input hashed", []string{"-hash"}},
		{"the same, hashed and archived", []string{"-archive"}},
		{"archived, plan in SQLite, rows as a column file", []string{"-archive", "-ledger"}},
	}
	peer, err := s.peerCommand(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "variant\twall s\tpeer wall s\tratio\tmin\tmax\tcpu s\tpeer cpu s\tpeak MB\tpeer peak MB\t")
	var last result
	for _, v := range variants {
		var ours, theirs []cost
		for round := range s.rounds + 1 {
			a, outA, err := measure(ctx, exec.CommandContext(ctx, self, slices.Concat([]string{"job"}, dimensions, v.flags)...))
			if err != nil {
				return err
			}
			b, outB, err := measure(ctx, peer())
			if err != nil {
				return err
			}
			if last, err = agree(outA, outB); err != nil {
				return err
			}
			if err := s.samePositions(); err != nil {
				return err
			}
			if round > 0 { // the first pair warms the page cache
				ours, theirs = append(ours, a), append(theirs, b)
			}
		}
		fmt.Fprintf(w, "%s\t", v.name)
		report(w, ours, theirs)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("\nsteps of the last run (heap in use at the end of each):")
	for _, step := range last.Steps {
		fmt.Printf("  %-32s %7.2f s %6.0f MB\n", step.Name, step.Seconds, step.HeapMB)
	}
	fmt.Printf("verdicts, equal on both sides as are the positions: %v\n", last.Verdicts)
	return nil
}

// agree fails unless both sides gave the same verdicts.
func agree(ours, theirs []byte) (result, error) {
	var a result
	var b map[string]int
	if err := json.Unmarshal(ours, &a); err != nil {
		return a, fmt.Errorf("our output: %w", err)
	}
	if err := json.Unmarshal(theirs, &b); err != nil {
		return a, fmt.Errorf("the peer's output: %w", err)
	}
	if !maps.Equal(a.Verdicts, b) {
		return a, fmt.Errorf("the answers differ: ours %v, the peer's %v", a.Verdicts, b)
	}
	return a, nil
}

// samePositions fails unless both sides wrote the same positions.
func (s size) samePositions() error {
	ours, err := os.ReadFile(filepath.Join(s.dir, "ours-positions.csv"))
	if err != nil {
		return err
	}
	theirs, err := os.ReadFile(filepath.Join(s.dir, "peer-out", "positions.csv"))
	if err != nil {
		return err
	}
	if !bytes.Equal(ours, theirs) {
		return errors.New("the positions differ: compare ours-positions.csv with peer-out/positions.csv")
	}
	return nil
}

// report ends a line of the table: medians of both sides, and of the ratios of the pairs.
func report(w io.Writer, ours, theirs []cost) {
	ratios := make([]float64, len(ours))
	for n := range ours {
		ratios[n] = ours[n].wall / theirs[n].wall
	}
	wall := func(c cost) float64 { return c.wall }
	cpu := func(c cost) float64 { return c.cpu }
	peak := func(c cost) float64 { return c.peakMB }
	fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t\n", median(ours, wall), median(theirs, wall),
		medianOf(ratios), slices.Min(ratios), slices.Max(ratios), median(ours, cpu), median(theirs, cpu), median(ours, peak), median(theirs, peak))
}

func median(costs []cost, of func(cost) float64) float64 {
	figures := make([]float64, len(costs))
	for n, c := range costs {
		figures[n] = of(c)
	}
	return medianOf(figures)
}

func medianOf(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// measure runs a command and takes the kernel's word for what it used.
func measure(ctx context.Context, cmd *exec.Cmd) (cost, []byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, nil, errors.Join(fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err), ctx.Err())
	}
	c := cost{wall: time.Since(begin).Seconds()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.cpu = cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds()
		c.peakMB = float64(usage.Maxrss) / 1024
	}
	return c, out.Bytes(), nil
}

func installPeer(ctx context.Context) error {
	dir := filepath.Join("bench", "peer")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return nil
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--silent")
	install.Dir, install.Stderr = dir, os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	return nil
}

// peerCommand makes sure that the peer is installed and returns how to run it.
func (s size) peerCommand(ctx context.Context) (func() *exec.Cmd, error) {
	if err := installPeer(ctx); err != nil {
		return nil, err
	}
	out := filepath.Join(s.dir, "peer-out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	return func() *exec.Cmd {
		return exec.CommandContext(ctx, "node", filepath.Join("bench", "peer", "peer.mjs"), s.dir, out, asOf.Format(time.DateTime))
	}, nil
}

// peer runs the peer alone.
func (s size) peer(ctx context.Context, out io.Writer) error {
	command, err := s.peerCommand(ctx)
	if err != nil {
		return err
	}
	cmd := command()
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return cmd.Run()
}
