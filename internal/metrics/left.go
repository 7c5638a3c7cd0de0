package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/store"
)

// left reads from the store, at each scrape, what is held under names that are
// no longer in the configuration.
type left struct {
	holdings func(context.Context) ([]store.Holding, error)
	waiting  *prometheus.Desc
}

// WatchLeft adds what is no longer in the configuration to the metrics.
func (m *Metrics) WatchLeft(holdings func(context.Context) ([]store.Holding, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&left{holdings: holdings,
		waiting: prometheus.NewDesc("trueup_left_behind", "Waiting events of a sync or a connection that is no longer in the file and has not been removed.", []string{"kind", "name"}, nil)})
}

// Describe lists the gauge.
func (l *left) Describe(ch chan<- *prometheus.Desc) { ch <- l.waiting }

// Collect reads it from the store.
func (l *left) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := l.holdings(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(l.waiting, err)
		return
	}
	for _, h := range all {
		ch <- prometheus.MustNewConstMetric(l.waiting, prometheus.GaugeValue, float64(h.Waiting), string(h.Kind), h.Name)
	}
}
