package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/contract"
)

// health reads, at each scrape, what was found from outside last.
type health struct {
	found           func(context.Context) (*contract.Health, error)
	result, checked *prometheus.Desc
}

// WatchHealth adds what was found when Trueup was last looked at from outside.
func (m *Metrics) WatchHealth(found func(context.Context) (*contract.Health, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&health{found: found,
		result:  prometheus.NewDesc("trueup_check_result", "What the last check from outside found: 0 pass, 1 warning, 2 fault.", []string{"check", "subject"}, nil),
		checked: prometheus.NewDesc("trueup_check_timestamp_seconds", "When it was, in Unix seconds.", nil, nil)})
}

// Describe lists the gauges.
func (h *health) Describe(ch chan<- *prometheus.Desc) { ch <- h.result; ch <- h.checked }

// Collect reads them. Of several findings of one check about one subject the worst
// counts.
func (h *health) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	found, err := h.found(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(h.result, err)
		return
	}
	if found == nil {
		return
	}
	worst := map[[2]string]float64{}
	for _, c := range found.Checks {
		of := [2]string{c.Check, c.Subject}
		worst[of] = max(worst[of], map[string]float64{contract.CheckWarning: 1, contract.CheckFault: 2}[c.Result])
	}
	for of, result := range worst {
		ch <- prometheus.MustNewConstMetric(h.result, prometheus.GaugeValue, result, of[0], of[1])
	}
	if at := found.CheckedAt; at != nil {
		ch <- prometheus.MustNewConstMetric(h.checked, prometheus.GaugeValue, float64(at.UnixMilli())/1000)
	}
}
