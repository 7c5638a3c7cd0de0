package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// stale reads, at each scrape, how many customers the file of now has not been
// asked about yet.
type stale struct {
	looks func(context.Context) (map[string]int, error)
	gauge *prometheus.Desc
}

// WatchStale adds how many customers of each sync were last looked at under an
// earlier map, field or match rules.
func (m *Metrics) WatchStale(looks func(context.Context) (map[string]int, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&stale{looks: looks,
		gauge: prometheus.NewDesc("trueup_stale_customers", "Customers that were last looked at under an earlier map, field or match rules.", []string{"sync"}, nil)})
}

// Describe lists the gauge.
func (s *stale) Describe(ch chan<- *prometheus.Desc) { ch <- s.gauge }

// Collect reads it.
func (s *stale) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := s.looks(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(s.gauge, err)
		return
	}
	for sync, n := range all {
		ch <- prometheus.MustNewConstMetric(s.gauge, prometheus.GaugeValue, float64(n), sync)
	}
}
