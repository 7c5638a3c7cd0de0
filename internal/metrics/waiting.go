package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/store"
)

// watchTime bounds how long a scrape waits for the database.
const watchTime = 5 * time.Second

// waiting reads from the store, at each scrape, how much work waits and what is
// open.
type waiting struct {
	counts                                                                func(context.Context) (map[string]store.Counts, error)
	customers, events, oldest, exceptions, halted, waiting, owed, delayed *prometheus.Desc
}

// Watch adds the store's counts to the metrics.
func (m *Metrics) Watch(counts func(context.Context) (map[string]store.Counts, error)) {
	if m == nil {
		return
	}
	m.registry.MustRegister(&waiting{
		counts:     counts,
		customers:  prometheus.NewDesc("trueup_waiting_customers", "Customers that are due or will be tried again.", []string{"sync"}, nil),
		events:     prometheus.NewDesc("trueup_waiting_events", "Events without an outcome yet.", []string{"sync"}, nil),
		oldest:     prometheus.NewDesc("trueup_oldest_waiting_seconds", "Age of the oldest event without an outcome, in seconds; 0 when none waits.", []string{"sync"}, nil),
		exceptions: prometheus.NewDesc("trueup_open_exceptions", "Exceptions that are open or acknowledged.", []string{"sync", "kind"}, nil),
		halted:     prometheus.NewDesc("trueup_halted", "1 for a sync that mass_change has halted.", []string{"sync"}, nil),
		waiting:    prometheus.NewDesc("trueup_halted_customers", "Customers that wait for a halted sync to be resumed.", []string{"sync"}, nil),
		owed:       prometheus.NewDesc("trueup_waiting_for_live_customers", "Customers that changed while the sync was live and wait until it is live again.", []string{"sync"}, nil),
		delayed:    prometheus.NewDesc("trueup_delayed_customers", "Customers whose change waits for its time, as transitions say.", []string{"sync"}, nil),
	})
}

// Describe lists the gauges.
func (w *waiting) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.customers, w.events, w.oldest, w.exceptions, w.halted, w.waiting, w.owed, w.delayed} {
		ch <- d
	}
}

// Collect reads them from the store.
func (w *waiting) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := w.counts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(w.customers, err)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for sync, c := range all {
		age := 0.0
		if !c.OldestWaiting.IsZero() {
			age = max(0, time.Since(c.OldestWaiting).Seconds())
		}
		gauge(w.customers, float64(c.WaitingCustomers), sync)
		gauge(w.events, float64(c.WaitingEvents), sync)
		gauge(w.oldest, age, sync)
		halted := 0.0
		if !c.Halted.Since.IsZero() {
			halted = 1
		}
		gauge(w.halted, halted, sync)
		gauge(w.waiting, float64(c.Halted.Waiting), sync)
		gauge(w.owed, float64(c.Owed), sync)
		gauge(w.delayed, float64(c.Delayed.Customers), sync)
		for kind, n := range c.Open {
			gauge(w.exceptions, float64(n), sync, string(kind))
		}
	}
}
