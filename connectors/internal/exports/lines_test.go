package exports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"trueup/facts"
)

func fileOf(r *strings.Reader, limits Limits) *File {
	return &File{Name: "f", r: r, limits: limits.orDefaults(), Workers: 1}
}

// TestLinesAgree checks that blocks are whole lines with the right numbers, whatever the limit and the workers, and that
// exactly the lines beyond the limit are rejected.
func TestLinesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(3, 40).Draw(t, "limit")
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z]{0,60}`)).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		f := fileOf(strings.NewReader(text), Limits{Record: limit})
		var mu sync.Mutex
		got := map[int64]string{}
		err := f.Lines(context.Background(), rapid.IntRange(1, 3).Draw(t, "workers"), func(_ int, b Block) error {
			mu.Lock()
			defer mu.Unlock()
			for n, line := range strings.Split(strings.TrimSuffix(string(b.Bytes), "\n"), "\n") {
				got[b.Line+int64(n)] = line
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		long := 0
		for n, line := range lines {
			number := int64(n + 1)
			if len(line) > limit {
				long++
				if !slices.ContainsFunc(f.rejects, func(r facts.Rejection) bool { return r.Line == number }) {
					t.Fatalf("line %d of %d bytes is not rejected: %v", number, len(line), f.rejects)
				}
			} else if got[number] != line {
				t.Fatalf("line %d is %q, want %q", number, got[number], line)
			}
		}
		if f.refused != int64(long) {
			t.Fatalf("%d lines rejected: %v", f.refused, f.rejects)
		}
	})
}

func TestLinesStopAtError(t *testing.T) {
	stop := errors.New("stop")
	for workers := 1; workers < 4; workers++ {
		f := fileOf(strings.NewReader(strings.Repeat("line\n", 2_000_000)), Limits{})
		err := f.Lines(t.Context(), workers, func(int, Block) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("%d workers: error %v", workers, err)
		}
	}
}

func TestBlocksOfRecordsThatDoNotEnd(t *testing.T) {
	f := fileOf(strings.NewReader(strings.Repeat("line\n", 100)), Limits{Record: 100})
	err := f.Blocks(t.Context(), 1, func([]byte) int { return 0 }, func(int, Block) error { return nil })
	if fmt.Sprint(err) != "f:1: a record of more than 20 lines does not end" {
		t.Errorf("error %v", err)
	}
}

func BenchmarkLines(b *testing.B) {
	text := string(bytes.Repeat([]byte("2026-01-02T03:04:05Z,ana@example.com,Figma,success,true\n"), 1<<17))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		f := fileOf(strings.NewReader(text), Limits{})
		if err := f.Lines(b.Context(), 1, func(int, Block) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
