package reconcile

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls what worker returns for every part from 0 on, each once, on as many goroutines as there are
// processors. A worker keeps what it needs for itself between parts. Nothing may depend on who does which part, nor when.
func inParallel(parts int, worker func() func(part int)) {
	workers := min(parts, runtime.GOMAXPROCS(0))
	if workers == 1 {
		do := worker()
		for part := range parts {
			do(part)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		do := worker()
		group.Go(func() {
			for part := int(next.Add(1)) - 1; part < parts; part = int(next.Add(1)) - 1 {
				do(part)
			}
		})
	}
	group.Wait()
}

// each makes a worker of a function that keeps nothing.
func each(do func(part int)) func() func(int) { return func() func(int) { return do } }

// shares cuts rows into one span for each processor.
func shares(rows int) []span {
	n := max(1, min(runtime.GOMAXPROCS(0), rows/4096))
	list := make([]span, n)
	for k := range list {
		list[k] = span{rows * k / n, rows * (k + 1) / n}
	}
	return list
}
