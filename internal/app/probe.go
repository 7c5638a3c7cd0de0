package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/connector/registry"
)

// ProbeResult is what a live account said when it was checked.
type ProbeResult struct {
	Connection string
	// Said is one sentence for each thing that was checked.
	Said []string
	Err  error
}

// probeTime bounds the checks of one connection.
const probeTime = 30 * time.Second

// Probe checks each connection's live account. It needs no database and
// changes nothing anywhere.
func Probe(ctx context.Context, cfg *config.Config, log *slog.Logger) []ProbeResult {
	var results []ProbeResult
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		results = append(results, probe(ctx, cfg.Connections[name], log))
	}
	return results
}

func probe(ctx context.Context, c config.Connection, log *slog.Logger) ProbeResult {
	r := ProbeResult{Connection: c.Name}
	opened, err := registry.Open(c, connector.Deps{Log: log})
	switch {
	case err != nil:
		r.Err = err
	case opened.Probe == nil:
		r.Said = []string{"there is nothing to call: this connection only receives"}
	default:
		ctx, cancel := context.WithTimeout(ctx, probeTime)
		defer cancel()
		r.Said, r.Err = opened.Probe.Probe(ctx)
	}
	return r
}

// Known returns what each connection can tell, and so which promises are weaker
// because of it. It makes no call.
func Known(cfg *config.Config) (map[string]connector.Knowledge, error) {
	known := map[string]connector.Knowledge{}
	for name, c := range cfg.Connections {
		opened, err := registry.Open(c, connector.Deps{})
		if err != nil {
			return nil, err
		}
		known[name] = opened.Knows
	}
	return known, nil
}
