// Package metrics measures a running Lineboard for Prometheus. What happens is told to it; how things are it asks for
// when it is asked. Labels take a bounded number of values.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// maxLines is how many lines have metrics of their own. Those beyond count together as "other".
const maxLines = 200

// Metrics are all metrics of a Lineboard. Other rooms register their own with it: it is a [prometheus.Registerer].
type Metrics struct {
	*prometheus.Registry
	releases    *prometheus.CounterVec
	releaseTime *prometheus.HistogramVec
	calls       *prometheus.HistogramVec
	cache       *prometheus.CounterVec

	mu    sync.Mutex
	lines map[siteLine]bool // that have metrics of their own
}

type siteLine struct{ site, line string }

// New returns the metrics of a program. State is asked for at each scrape.
func New(version, goVersion string, state func(ctx context.Context) (State, error), log *slog.Logger) *Metrics {
	m := &Metrics{Registry: prometheus.NewPedanticRegistry(), lines: map[siteLine]bool{}}
	m.releases = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lineboard_releases_total", Help: "Releases to line that ended, by site, line and outcome.",
	}, []string{"site", "line", "outcome"})
	m.releaseTime = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "lineboard_release_seconds", Help: "Time from the press of a release to its stored answer.",
		Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120},
	}, []string{"outcome"})
	m.calls = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "lineboard_api_call_seconds", Help: "Time of each call of the API, by kind and by how it ended.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30},
	}, []string{"call", "reason"})
	m.cache = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lineboard_page_cache_total", Help: "Pages that came from the cache (hit) or were rendered (miss).",
	}, []string{"result"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lineboard_build_info", Help: "What the program was built from; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go": goVersion},
	})
	info.Set(1)
	m.MustRegister(m.releases, m.releaseTime, m.calls, m.cache, info, stateCollector{state, log},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, result := range []string{"hit", "miss"} {
		m.cache.WithLabelValues(result)
	}
	return m
}

// Released counts a release that ended.
func (m *Metrics) Released(site, line string, outcome packaging.Outcome, took time.Duration) {
	m.releases.WithLabelValues(site, m.lineLabel(site, line), string(outcome)).Inc()
	m.releaseTime.WithLabelValues(string(outcome)).Observe(took.Seconds())
}

// lineLabel returns the label of a site's line. Lines come and go; the number of labels is bounded.
func (m *Metrics) lineLabel(site, line string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case line == "":
		return "none"
	case !m.lines[siteLine{site, line}] && len(m.lines) >= maxLines:
		return "other"
	}
	m.lines[siteLine{site, line}] = true
	return strings.ToValidUTF8(line, "?")
}

// Called counts a call of the API. Its reason is empty if it was answered as documented.
func (m *Metrics) Called(call string, reason packaging.Reason, took time.Duration) {
	if reason == packaging.NoReason {
		reason = "ok"
	}
	m.calls.WithLabelValues(call, string(reason)).Observe(took.Seconds())
}

// Cached counts a page that came from the cache, or had to be rendered.
func (m *Metrics) Cached(hit bool) {
	if hit {
		m.cache.WithLabelValues("hit").Inc()
		return
	}
	m.cache.WithLabelValues("miss").Inc()
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{Registry: nil, MaxRequestsInFlight: 4})
}

// HandlerFor serves the metrics to those who bring the token, as "Authorization: Bearer …".
func (m *Metrics) HandlerFor(token secret.Text) http.Handler {
	next := m.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !token.Equal(secret.New(given)) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "metrics need their token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
