package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-sync/trueup/internal/store"
)

// WatchFile adds the configuration file that this process runs with to the
// metrics.
func (m *Metrics) WatchFile(file func() store.NodeFile) {
	if m == nil {
		return
	}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "trueup_config_faults",
			Help: "Faults in trueup.yaml on disk, which is why this process still uses the previous one; 0 when it uses the file on disk."},
			func() float64 { return float64(len(file().Faults)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "trueup_config_read_timestamp_seconds",
			Help: "When the configuration in use was read, in Unix seconds."},
			func() float64 { return float64(file().ReadAt.UnixMilli()) / 1000 }))
}
