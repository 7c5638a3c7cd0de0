package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/store"
)

// sweeps reads from the store, at each scrape, the result of each sync's last
// comparison.
type sweeps struct {
	last                                             func(context.Context) (map[string]store.Sweep, error)
	rules                                            func(sync string) string
	agreement, ended, took, drift, repaired, waiting *prometheus.Desc
}

// WatchSweeps adds the last comparison of each sync to the metrics. A
// comparison that was made under other rules than the current ones has no
// agreement.
func (m *Metrics) WatchSweeps(last func(context.Context) (map[string]store.Sweep, error), rules func(sync string) string) {
	if m == nil {
		return
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("trueup_sweep_"+name, help, append([]string{"sync"}, labels...), nil)
	}
	m.registry.MustRegister(&sweeps{last: last, rules: rules,
		agreement: desc("agreement", "Share of synced customers whose target matched the source at the last sweep, 0 to 1; absent if no customer was compared or the rules have changed since."),
		ended:     desc("ended_timestamp_seconds", "When the last sweep ended, in Unix seconds."),
		took:      desc("seconds", "How long the last sweep took, in seconds."),
		drift:     desc("drift", "Customers whose two sides differed unexpectedly at the last sweep, by cause.", "cause"),
		repaired:  desc("repaired", "Customers that the last sweep requeued."),
		waiting:   desc("waiting", "Customers that differ and wait for a plan: they were never synced, and their source changed before the sync went live."),
	})
}

// Describe lists the gauges.
func (s *sweeps) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.agreement, s.ended, s.took, s.drift, s.repaired, s.waiting} {
		ch <- d
	}
}

// Collect reads them from the store.
func (s *sweeps) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := s.last(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(s.agreement, err)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	stale := func(sync string, w store.Sweep) bool { rules := s.rules(sync); return rules != "" && rules != w.Rules }
	for sync, w := range all {
		if share := w.Summary.Agreement(); share != nil && !stale(sync, w) { // no customers must not look like full agreement to an alarm
			gauge(s.agreement, *share, sync)
		}
		gauge(s.ended, float64(w.EndedAt.Unix()), sync)
		gauge(s.took, w.EndedAt.Sub(w.BeganAt).Seconds(), sync)
		for cause, n := range w.Drift.ByCause() {
			gauge(s.drift, float64(n), sync, cause)
		}
		gauge(s.repaired, float64(w.Repaired), sync)
		gauge(s.waiting, float64(w.Waiting), sync)
	}
}
