package app

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/store"
)

// beside checks what a probe has seen of a connection: its clock, its webhooks and
// the age of its credentials. probed is how the probe ended.
func (p prober) beside(ctx context.Context, name string, client *http.Client, dates *health.Dates, probed error) (all []health.Check) {
	if stamp, answered := dates.Stamp(); answered {
		if allowed, sync, ok := leastSkew(p.cfg, name); ok {
			all = append(all, health.ClockOf(name, stamp, allowed, sync))
		}
	}
	if probed == nil {
		all = append(all, p.webhooks(ctx, name, client)...)
	}
	return append(all, p.credentials(ctx, name)...)
}

// leastSkew is the least that a sync of a connection lets two clocks differ by.
func leastSkew(cfg *config.Config, connection string) (least time.Duration, sync string, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		if s.Source.Connection != connection && s.Target.Connection != connection {
			continue
		}
		if !ok || s.Conflict.ClockSkew < least {
			least, sync, ok = s.Conflict.ClockSkew, name, true
		}
	}
	return least, sync, ok
}

// webhooks checks where the tool sends its webhooks, for a connection that a sync
// receives from.
func (p prober) webhooks(ctx context.Context, name string, client *http.Client) []health.Check {
	opened, err := p.open(name, connector.Use{}, client)
	used := false
	h := health.Hook{Connection: name, Public: p.cfg.PublicURL, Former: p.formerly(ctx, name)}
	for _, s := range p.cfg.Syncs {
		used = used || s.Source.Connection == name || s.Target.Connection == name
		h.Polled = h.Polled || s.Source.Connection == name && s.Source.Poll > 0
	}
	switch {
	case err != nil || opened.Receiver == nil || !used:
		return nil
	case opened.Webhooks == nil:
		return []health.Check{health.NoList(h)}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	found, err := opened.Webhooks.Endpoints(ctx)
	return []health.Check{health.WebhookOf(h, found, opened.Webhooks.EventTypes(), err)}
}

// formerly returns the names that a connection had, by the file and the database.
func (p prober) formerly(ctx context.Context, name string) (all []string) {
	if was := p.cfg.Connections[name].Was; was != "" && was != config.WasNone {
		all = append(all, was)
	}
	if p.db == nil {
		return all
	}
	known, err := p.db.Names(ctx)
	if err != nil {
		return all // the check of the database says why
	}
	for _, n := range known {
		if n.Kind == store.ConnectionName && n.Became == name && !slices.Contains(all, n.Name) {
			all = append(all, n.Name)
		}
	}
	return all
}

// credentials checks how long a connection's credentials have been in use.
func (p prober) credentials(ctx context.Context, name string) (all []health.Check) {
	s, ok := p.cfg.Connections[name].Settings.(config.HasCredentials)
	if !ok || p.db == nil {
		return nil
	}
	now, err := p.db.Now(ctx)
	if err != nil {
		return nil // the check of the database says why
	}
	for _, c := range s.Credentials() {
		if c.Idle > 0 {
			if renewed, err := p.db.TokenRenewed(ctx, name); err == nil {
				all = append(all, health.ConsentOf(name, c, renewed, now))
			}
			continue
		}
		if first, err := p.db.FirstUsed(ctx, c.Secret.Reveal()); err == nil {
			all = append(all, health.CredentialOf(name, c, first, now))
		}
	}
	return all
}

// Outside checks what is not about one connection, and listens for the time when
// nobody does: the database, the port and public_url.
func Outside(ctx context.Context, cfg *config.Config) (all []health.Check) {
	db, err := openBeside(ctx, cfg)
	key := ""
	if db != nil {
		defer db.Close() // nothing of it is lost: each write is committed
		all = append(all, database(ctx, db))
		key, err = db.RoundKey(ctx)
	} else if err != nil {
		all = append(all, health.DatabaseOf("", 0, err))
	} else {
		all = append(all, health.NoDatabase())
	}
	all = append(all, disk(cfg)...)
	if key == "" || err != nil {
		key = rand.Text() // known to none but the server below
	}
	at, done := listen(ctx, cfg.Listen, key)
	defer done()
	return append(all, at, publicURL(ctx, cfg, key))
}

func database(ctx context.Context, db *store.DB) health.Check {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	version, err := db.Schema(ctx)
	return health.DatabaseOf(db.Engine(), version, errors.Join(err, db.Ready(ctx)))
}

// disk checks the disk of a SQLite file; PostgreSQL has its own.
func disk(cfg *config.Config) []health.Check {
	if path := cfg.Database.Reveal(); !store.IsPostgres(path) {
		return []health.Check{health.DiskOf(path)}
	}
	return nil
}

// listen takes the port and proves there who has it, until done is called. When the
// running service has it, that does.
func listen(ctx context.Context, address, key string) (found health.Check, done func()) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		ours := health.InUse(err) && reach(ctx, health.Local(address), "listen", key) == nil
		return health.PortOf(address, err, ours), func() {}
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+health.Path+"{nonce}", health.Answer(key))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60") // no tool may believe that its webhook was taken
		http.Error(w, "trueup is being checked and does not run", http.StatusServiceUnavailable)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l) // ends with Close
	return health.PortOf(address, nil, false), func() { server.Close() }
}

// publicURL checks that public_url leads to a server that knows the key.
func publicURL(ctx context.Context, cfg *config.Config, key string) health.Check {
	if cfg.PublicURL == "" {
		return health.NoPublicURL(receives(cfg))
	}
	return health.PublicURLOf(cfg.PublicURL, cfg.Listen, reach(ctx, cfg.PublicURL, "public_url", key))
}

func reach(ctx context.Context, base, setting, key string) error {
	client := dialguard.SettingClient(setting)
	defer client.CloseIdleConnections()
	return health.Reach(ctx, client, base, key)
}

// receives reports whether a connection of a sync has webhooks.
func receives(cfg *config.Config) bool {
	for _, s := range cfg.Syncs {
		for _, name := range []string{s.Source.Connection, s.Target.Connection} {
			if opened, err := (prober{cfg: cfg}).open(name, connector.Use{}, nil); err == nil && opened.Receiver != nil {
				return true
			}
		}
	}
	return false
}
