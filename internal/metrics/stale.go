package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Looks counts customers of a sync whose last read is outdated or not verified.
type Looks struct {
	Stale      int // read under an earlier map, field or match rules
	Unverified int // they agree, but the target cannot show it
}

// looks reads these counts at each scrape.
type looks struct {
	of                func(context.Context) (map[string]Looks, error)
	stale, unverified *prometheus.Desc
}

// WatchLooks adds, for each sync, how many customers were last read under an
// earlier file, and for how many the target accepted the value but cannot show
// it.
func (m *Metrics) WatchLooks(of func(context.Context) (map[string]Looks, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&looks{of: of,
		stale:      prometheus.NewDesc("trueup_stale_customers", "Customers last read under an earlier map, field or match rules.", []string{"sync"}, nil),
		unverified: prometheus.NewDesc("trueup_unverified_customers", "Customers that agree although the target cannot show what was written.", []string{"sync"}, nil)})
}

// Describe lists the gauges.
func (l *looks) Describe(ch chan<- *prometheus.Desc) { ch <- l.stale; ch <- l.unverified }

// Collect reads them.
func (l *looks) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := l.of(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(l.stale, err)
		return
	}
	for sync, n := range all {
		ch <- prometheus.MustNewConstMetric(l.stale, prometheus.GaugeValue, float64(n.Stale), sync)
		ch <- prometheus.MustNewConstMetric(l.unverified, prometheus.GaugeValue, float64(n.Unverified), sync)
	}
}
