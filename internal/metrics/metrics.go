// Package metrics counts what the service does, for Prometheus.
//
// Main type: Metrics. Its methods do nothing on a nil *Metrics, so that a test
// can do without one.
//
// Invariant: a label never holds a customer, a record or any text from a tool;
// labels come from the configuration and from closed sets.
//
// It must not import the pipeline, the inbox or a connector.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trueup-sync/trueup/internal/status"
)

// Metrics holds the counters of one service.
type Metrics struct {
	registry *prometheus.Registry
	received *prometheus.CounterVec
	outcomes *prometheus.CounterVec
	attempts *prometheus.CounterVec
	took     *prometheus.HistogramVec
	calls    *prometheus.CounterVec
	notices  *prometheus.CounterVec
	refused  *prometheus.CounterVec
	deleted  *prometheus.CounterVec
}

// New returns counters at zero.
func New() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		received: counter("trueup_events_received_total", "Events from webhooks and lists of changes, and refused requests.", "connection", "result"),
		outcomes: counter("trueup_outcomes_total", "Events that ended, by outcome.", "sync", "outcome"),
		attempts: counter("trueup_attempts_total", "Attempts to sync one customer, by the stage they ended in.", "sync", "stage", "result"),
		calls:    counter("trueup_calls_total", "Writes sent to a target.", "sync", "what", "result"),
		notices:  newNotices(),
		refused:  counter("trueup_refused_writes_total", "Writes that a limit refused: writes_per_customer, never_sticks or mass_change.", "sync", "limit"),
		deleted:  counter("trueup_deleted_total", "Old rows and payloads deleted by retention.", "what"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "trueup_attempt_seconds", Help: "How long one attempt took, in seconds.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"sync"}),
	}
	m.registry.MustRegister(m.received, m.outcomes, m.attempts, m.calls, m.notices, m.refused, m.deleted, m.took,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Describe tells of every metric that can be served, also of those without a value yet.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { m.registry.Describe(ch) }

// Handler serves the metrics. A metric that cannot be read is left out; the
// others are served.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Received counts n events, or one refused request, of a connection.
func (m *Metrics) Received(connection, result string, n int) {
	if m != nil && n > 0 {
		m.received.WithLabelValues(connection, result).Add(float64(n))
	}
}

// Outcomes counts n events that ended.
func (m *Metrics) Outcomes(sync string, o status.Outcome, n int) {
	if m != nil {
		m.outcomes.WithLabelValues(sync, string(o)).Add(float64(n))
	}
}

// Attempt counts one attempt and how long it took.
func (m *Metrics) Attempt(sync string, stage status.Stage, result string, took time.Duration) {
	if m != nil {
		m.attempts.WithLabelValues(sync, string(stage), result).Inc()
		m.took.WithLabelValues(sync).Observe(took.Seconds())
	}
}

// Deleted counts n old rows that were deleted.
func (m *Metrics) Deleted(what string, n int) {
	if m != nil && n > 0 {
		m.deleted.WithLabelValues(what).Add(float64(n))
	}
}

// Refused counts one write that a limit refused.
func (m *Metrics) Refused(sync, limit string) {
	if m != nil {
		m.refused.WithLabelValues(sync, limit).Inc()
	}
}

// Call counts one call that changes something in a tool.
func (m *Metrics) Call(sync, what, result string) {
	if m != nil {
		m.calls.WithLabelValues(sync, what, result).Inc()
	}
}
