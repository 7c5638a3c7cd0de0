package app

import (
	"context"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/overview"
)

// staleFor is how long a number of stale looks is good enough: counting them goes
// through all customers, which is not for each scrape.
const staleFor = time.Minute

// stale remembers how many customers were last read under an earlier file,
// and of how many only the target's word is known.
type stale struct {
	mu sync.Mutex
	at time.Time
	by map[string]metrics.Looks
}

// looks counts them for the metrics.
func (a *App) looks(ctx context.Context) (map[string]metrics.Looks, error) {
	a.stale.mu.Lock()
	defer a.stale.mu.Unlock()
	if a.stale.by != nil && time.Since(a.stale.at) < staleFor {
		return a.stale.by, nil
	}
	all, whole := map[string]metrics.Looks{}, true
	for name, s := range a.wiring.Load().config.Syncs {
		rules, err := overview.RulesOf(ctx, a.store, name, s)
		if err != nil {
			return nil, err
		}
		stands, err := a.store.SyncStanding(ctx, name, rules)
		if err != nil {
			return nil, err
		}
		if stands.Counting { // the next scrape has it
			whole = false
			continue
		}
		all[name] = metrics.Looks{Stale: stands.Stale + stands.Remapped, Unverified: stands.Unverified}
	}
	if whole {
		a.stale.by, a.stale.at = all, time.Now()
	}
	return all, nil
}

// forget has them counted again.
func (s *stale) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = nil
}
