package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// probing is how long an answer about readiness may take.
const probing = 5 * time.Second

// handler answers what can be asked of a server: nothing personal, and nothing that changes anything.
func (v *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, "trueup %s\n\n/healthz  the process is alive\n/readyz   it can do its work\n/metrics  for Prometheus\n", v.build)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", v.answerReady)
	mux.HandleFunc("GET /metrics", v.answerMetrics)
	return mux
}

func plain(w http.ResponseWriter, status int, format string, args ...any) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintf(w, format, args...)
}

// answerReady says whether the server can do its work. What is wrong is named in general terms only: the log has the rest.
func (v *service) answerReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probing)
	defer cancel()
	reasons := v.unready(ctx)
	if len(reasons) == 0 {
		plain(w, http.StatusOK, "ready\n")
		return
	}
	plain(w, http.StatusServiceUnavailable, "not ready\n%s\n", strings.Join(reasons, "\n"))
}

// unready lists what keeps the server from its work.
func (v *service) unready(ctx context.Context) []string {
	var reasons []string
	v.mu.Lock()
	if v.draining {
		reasons = append(reasons, "it is stopping")
	}
	if v.fault != nil {
		reasons = append(reasons, "the configuration is not valid: trueup check says why")
	}
	v.mu.Unlock()
	who, err := v.holder(ctx)
	if err == nil && who == "" { // whoever holds the lease writes, and may be in the midst of a long transaction
		err = v.db.Writable(ctx)
	}
	if err != nil {
		v.logger.Warn("not ready", "error", err)
		reasons = append(reasons, "the ledger cannot be read or written to")
	}
	return reasons
}
