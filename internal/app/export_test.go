package app

import "github.com/prometheus/client_golang/prometheus"

// Metrics are all metrics that the service can serve.
func (a *App) Metrics() (all []*prometheus.Desc) {
	ch := make(chan *prometheus.Desc)
	go func() { a.metrics.Describe(ch); close(ch) }()
	for d := range ch {
		all = append(all, d)
	}
	return all
}
