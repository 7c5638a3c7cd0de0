package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/store"
)

// polls reads from the store, at each scrape, how far each list of changes is read.
type polls struct {
	all                                                         func(context.Context) (map[string]store.Poll, error)
	began, pages, records, ended, lastPages, lastRecords, stops *prometheus.Desc
}

// WatchPolls adds how far each connection's list of changes is read.
func (m *Metrics) WatchPolls(all func(context.Context) (map[string]store.Poll, error)) {
	if m == nil {
		return
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("trueup_poll_"+name, help, append([]string{"connection"}, labels...), nil)
	}
	m.registry.MustRegister(&polls{all: all,
		began:       desc("reading_began_timestamp_seconds", "When the list of changes that is read now was begun, in Unix seconds; absent when none is read."),
		pages:       desc("reading_pages", "Pages of the list that is read now, as far as it is read; absent when none is read."),
		records:     desc("reading_records", "Records on those pages, also those that had not changed; absent when no list is read."),
		ended:       desc("ended_timestamp_seconds", "When a list of changes was last read to its end, in Unix seconds; absent before the first."),
		lastPages:   desc("pages", "Pages of the last list that was read to its end; absent before the first."),
		lastRecords: desc("records", "Records of the last list that was read to its end; absent before the first."),
		stops:       desc("stopped", "1 while the source could not be asked for its changes the last time, by why; absent otherwise.", "by"),
	})
}

// Describe lists the gauges.
func (p *polls) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.began, p.pages, p.records, p.ended, p.lastPages, p.lastRecords, p.stops} {
		ch <- d
	}
}

// Collect reads them from the store.
func (p *polls) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	all, err := p.all(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(p.ended, err)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for connection, poll := range all {
		if r := poll.Reading; poll.UnderWay {
			gauge(p.began, float64(r.Began.Unix()), connection)
			gauge(p.pages, float64(r.Pages), connection)
			gauge(p.records, float64(r.Records), connection)
		}
		if l := poll.Last; !l.Ended.IsZero() {
			gauge(p.ended, float64(l.Ended.Unix()), connection)
			gauge(p.lastPages, float64(l.Pages), connection)
			gauge(p.lastRecords, float64(l.Records), connection)
		}
		if by := poll.Stopped.By; by != "" {
			gauge(p.stops, 1, connection, by)
		}
	}
}
