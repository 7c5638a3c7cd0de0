package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// accounts reads, at each scrape, which syncs do not run because a side reaches
// a different account.
type accounts struct {
	moved func(context.Context) (map[string]int, error)
	gauge *prometheus.Desc
}

// WatchAccounts adds how many sides of each sync reach a different account than
// the one that its links are valid for.
func (m *Metrics) WatchAccounts(moved func(context.Context) (map[string]int, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&accounts{moved: moved,
		gauge: prometheus.NewDesc("trueup_account_moved", "Sides of a sync that reach a different account than its links belong to; nothing is synced then.", []string{"sync"}, nil)})
}

// Describe lists the gauge.
func (a *accounts) Describe(ch chan<- *prometheus.Desc) { ch <- a.gauge }

// Collect reads it.
func (a *accounts) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := a.moved(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(a.gauge, err)
		return
	}
	for sync, n := range all {
		ch <- prometheus.MustNewConstMetric(a.gauge, prometheus.GaugeValue, float64(n), sync)
	}
}
