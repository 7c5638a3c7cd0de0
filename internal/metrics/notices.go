package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/status"
)

// newNotices counts messages to people.
func newNotices() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "trueup_notices_total",
		Help: "Messages to people, by how they ended: posted, updated, folded, rate_limited, failed, refused, given_up."}, []string{"what", "result"})
}

// Notice counts n messages to people.
func (m *Metrics) Notice(what, result string, n int) {
	if m != nil && n > 0 {
		m.notices.WithLabelValues(what, result).Add(float64(n))
	}
}

// overdue reads from the store, at each scrape, which exceptions have been open
// for too long.
type overdue struct {
	counts     func(context.Context) (map[string]map[status.Kind]int, error)
	exceptions *prometheus.Desc
}

// WatchOverdue adds the exceptions that have been open for too long, by sync
// and kind, to the metrics.
func (m *Metrics) WatchOverdue(counts func(context.Context) (map[string]map[status.Kind]int, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&overdue{counts: counts,
		exceptions: prometheus.NewDesc("trueup_overdue_exceptions", "Exceptions that have been open for longer than remind_after.", []string{"sync", "kind"}, nil)})
}

// Describe lists the gauge.
func (o *overdue) Describe(ch chan<- *prometheus.Desc) { ch <- o.exceptions }

// Collect reads it from the store.
func (o *overdue) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := o.counts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(o.exceptions, err)
		return
	}
	for sync, kinds := range all {
		for kind, n := range kinds {
			ch <- prometheus.MustNewConstMetric(o.exceptions, prometheus.GaugeValue, float64(n), sync, string(kind))
		}
	}
}
