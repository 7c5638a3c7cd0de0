package app

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
)

// SlowLimits says of each rate limit that is too low to carry anybody what it
// has to be.
func SlowLimits(cfg *config.Config) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		for _, side := range []struct {
			connection string
			target     bool
		}{{s.Source.Connection, false}, {s.Target.Connection, true}} {
			limit := cfg.Connections[side.connection].CallLimit()
			if limit == nil {
				continue
			}
			gap, longest := limit.Per/time.Duration(limit.Requests), pipeline.LongestGap(side.target)
			if gap <= longest {
				continue
			}
			least := int(time.Minute/longest) + 1
			all = append(all, fmt.Sprintf("%s: the rate_limit of %s allows one call every %s, so a customer would not get the calls it needs in time, and none would be synced; allow at least %d per minute",
				name, side.connection, gap.Round(time.Second), least))
		}
	}
	return all
}
