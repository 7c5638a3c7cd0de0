package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/status"
)

// alarms reads from the store, at each scrape, which alarms are on.
type alarms struct {
	on    func(context.Context) (map[string]map[status.Alarm]bool, error)
	alarm *prometheus.Desc
}

// WatchAlarms adds to the metrics, for each sync and each alarm, whether it is on.
func (m *Metrics) WatchAlarms(on func(context.Context) (map[string]map[status.Alarm]bool, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&alarms{on: on,
		alarm: prometheus.NewDesc("trueup_alarm", "1 while the alarm of a sync is on, else 0.", []string{"alarm", "sync"}, nil)})
}

// Describe lists the gauge.
func (a *alarms) Describe(ch chan<- *prometheus.Desc) { ch <- a.alarm }

// Collect reads it from the store.
func (a *alarms) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := a.on(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(a.alarm, err)
		return
	}
	for sync, on := range all {
		for _, name := range status.Alarms {
			value := 0.0
			if on[name] {
				value = 1
			}
			ch <- prometheus.MustNewConstMetric(a.alarm, prometheus.GaugeValue, value, string(name), sync)
		}
	}
}
