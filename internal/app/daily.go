package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// healthEvery is how often the service looks at itself from outside, and
	// healthCheck how often a node checks whether it is time; the first time is
	// when what has just started has settled.
	healthEvery = 24 * time.Hour
	healthCheck = healthEvery / 72
	healthFirst = time.Minute
	// healthTime bounds one look.
	healthTime = 10 * time.Minute
)

// daily looks at the service from outside once a day, one node at a time, and
// keeps what was found for trueup status. Nothing waits for it, and a fault that
// it finds stops nothing.
type daily struct {
	db   *store.DB
	log  *slog.Logger
	look func(ctx context.Context) []health.Check
}

func (d daily) run(ctx context.Context) error {
	return inTurn(ctx, d.db, store.Turn{Kind: store.HealthTurn}, healthEvery, healthTime, func(cursor string) (string, bool, error) {
		ctx, cancel := context.WithTimeout(ctx, healthTime)
		defer cancel()
		found := d.look(ctx)
		if ctx.Err() != nil { // what was cut off looks like a fault
			return cursor, false, ctx.Err()
		}
		for _, c := range health.Bad(found) {
			d.log.Warn("seen from outside", slog.String("check", string(c.Check)), slog.String("subject", c.Subject), slog.String("result", string(c.Result)),
				slog.String("text", c.Text), slog.String("remedy", c.Remedy))
		}
		err := keepHealth(ctx, d.db, found)
		return cursor, err == nil, err
	})
}

// keepHealth keeps what was found in place of what was found before.
func keepHealth(ctx context.Context, db *store.DB, found []health.Check) error {
	text, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("write what was found from outside: %w", err)
	}
	return db.SaveHealth(ctx, string(text))
}

// outside is what a running service finds: all that a check of the file finds, but
// for the port, which it has itself.
func (c *wiring) outside(ctx context.Context) []health.Check {
	all := append([]health.Check{database(ctx, c.store)}, disk(c.config)...)
	if key, err := c.store.RoundKey(ctx); err == nil { // else the database has a fault
		all = append(all, publicURL(ctx, c.config, key))
	}
	p := prober{cfg: c.config, db: c.store, log: c.log, gates: c.conns.gates}
	return append(all, checksOf(append(p.all(ctx), probeNotifier(ctx, c.config)...))...)
}

// checksOf are the checks of what was probed, with how each probe ended.
func checksOf(results []ProbeResult) (all []health.Check) {
	for _, r := range results {
		all = append(all, health.Of(r.Connection, r.Called, r.Err))
		all = append(all, r.Checks...)
	}
	return all
}

// Live probes each connection and looks at the service from outside. What it finds
// takes the place of what the running service found last, so that a remedy shows.
func Live(ctx context.Context, cfg *config.Config, log *slog.Logger) (results []ProbeResult, checks []health.Check) {
	checks, results = Outside(ctx, cfg), Probe(ctx, cfg, log)
	db, err := openBeside(ctx, cfg)
	if db == nil || err != nil {
		return results, checks // one of them says so
	}
	defer db.Close() // nothing of it is lost: each write is committed
	kept := checksOf(results)
	for _, c := range checks {
		if c.Check != health.Port { // which is about the machine of whoever asks
			kept = append(kept, c)
		}
	}
	if err := keepHealth(ctx, db, kept); err != nil {
		checks = append(checks, health.DatabaseOf("", 0, err))
	}
	return results, checks
}

// health returns what was found last, for the metrics.
func (a *App) health(ctx context.Context) (*contract.Health, error) {
	return overview.Health(ctx, a.store, a.wiring.Load().config)
}
