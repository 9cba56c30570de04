package connectors

import (
	"context"
	"time"
)

// Trace is told what passes between drivers and vendors, by whoever watches. It travels in the context, as
// net/http/httptrace does, so that no driver has to hand it on. Its functions may be called from several goroutines.
type Trace struct {
	// Throttled is told that a host asked to be left alone for a while.
	Throttled func(host string, wait time.Duration)
}

type traceKey struct{}

// WithTrace returns a context whose calls to vendors are told to trace.
func WithTrace(ctx context.Context, trace *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

// TellThrottled tells the context's trace, if there is one, that a host asked to wait.
func TellThrottled(ctx context.Context, host string, wait time.Duration) {
	if trace, ok := ctx.Value(traceKey{}).(*Trace); ok && trace.Throttled != nil {
		trace.Throttled(host, wait)
	}
}
