package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/store"
)

// ProbeResult is what a live account said when it was checked.
type ProbeResult struct {
	Connection string
	// Said is one sentence for each thing that was checked.
	Said []string
	Err  error
	// Called says that a call was answered.
	Called bool
	// Checks are what was seen beside.
	Checks []health.Check
}

// probeTime bounds the checks of one connection.
const probeTime = 30 * time.Second

// prober checks the connections of one version of the file.
type prober struct {
	cfg   *config.Config
	db    *store.DB // nil: there is none yet
	dbErr error     // why there is none that connections could keep their tokens in
	log   *slog.Logger
	gates map[string]*ratelimit.Gate // nil: no limits
}

// Probe checks each connection's live account, which changes nothing there. It
// needs no database but for connections that keep their tokens in it.
func Probe(ctx context.Context, cfg *config.Config, log *slog.Logger) []ProbeResult {
	p := prober{cfg: cfg, log: log}
	p.db, p.dbErr = openBeside(ctx, cfg)
	if p.db != nil {
		defer p.db.Close() // nothing of it is lost: each write is committed
	}
	return append(p.all(ctx), probeNotifier(ctx, cfg)...)
}

// openBeside opens the database beside a running service. It is nil when there is
// none yet.
func openBeside(ctx context.Context, cfg *config.Config) (*store.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.Reveal()})
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	return db, err
}

func (p prober) all(ctx context.Context) (results []ProbeResult) {
	if p.gates != nil {
		ctx = connector.Background(ctx) // nobody waits for it
	}
	for _, name := range slices.Sorted(maps.Keys(p.cfg.Connections)) {
		if p.dbErr != nil && keepsTokens(p.cfg.Connections[name]) {
			results = append(results, ProbeResult{Connection: name, Err: p.dbErr})
			continue
		}
		results = append(results, p.connection(ctx, name))
	}
	return results
}

// connection checks a connection for each use that the syncs make of it.
func (p prober) connection(ctx context.Context, name string) ProbeResult {
	all := ProbeResult{Connection: name}
	client := dialguard.Client(name, p.cfg.Connections[name].AlsoAllow)
	defer client.CloseIdleConnections()
	dates := &health.Dates{Next: client.Transport}
	client.Transport = dates
	for _, use := range usesOf(p.cfg, name) {
		said, err := p.probe(ctx, name, use, client)
		for _, said := range said {
			if !slices.Contains(all.Said, said) {
				all.Said = append(all.Said, said)
			}
		}
		all.Err = errors.Join(all.Err, err)
	}
	_, all.Called = dates.Stamp()
	all.Checks = p.beside(ctx, name, client, dates, all.Err)
	return all
}

// usesOf is what the syncs want of a connection, each once.
func usesOf(cfg *config.Config, connection string) []connector.Use {
	var uses []connector.Use
	add := func(u connector.Use) {
		if !slices.ContainsFunc(uses, func(o connector.Use) bool { return reflect.DeepEqual(o, u) }) {
			uses = append(uses, u)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		if s.Source.Connection == connection {
			add(sourceUse(s))
		}
		if s.Target.Connection == connection {
			add(targetUse(s))
		}
	}
	if len(uses) == 0 {
		uses = append(uses, connector.Use{})
	}
	return uses
}

// findBy are the keys by which the syncs look for records of a connection.
func findBy(cfg *config.Config, connection string) (keys []string) {
	for _, s := range cfg.Syncs {
		for _, m := range s.Match {
			if s.Target.Connection == connection && !slices.Contains(keys, m.Target) {
				keys = append(keys, m.Target)
			}
		}
	}
	return keys
}

func (p prober) open(name string, use connector.Use, client *http.Client) (connector.Connection, error) {
	c := p.cfg.Connections[name]
	kept, err := tokens(p.cfg, c, p.db)
	if err != nil {
		return connector.Connection{}, err
	}
	deps := connector.Deps{HTTP: client, Tokens: kept, Log: p.log, Use: use}
	if gate := p.gates[name]; gate != nil {
		deps.Gate = gate
	}
	return registry.Open(c, deps)
}

func (p prober) probe(ctx context.Context, name string, use connector.Use, client *http.Client) (said []string, err error) {
	opened, err := p.open(name, use, client)
	switch {
	case err != nil:
		return nil, err
	case opened.Probe == nil:
		return []string{"nothing to call: this connection only receives"}, nil
	}
	defer opened.Closed()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return opened.Probe.Probe(ctx)
}

// Capabilities returns what each sync's target can tell, and so which promises are
// weaker because of it, and how late each hears of its source's changes. It makes no
// call.
func Capabilities(cfg *config.Config) (known map[string]connector.Knowledge, late map[string]string, err error) {
	known, late = map[string]connector.Knowledge{}, map[string]string{}
	for name, s := range cfg.Syncs {
		to, err := registry.Open(cfg.Connections[s.Target.Connection], connector.Deps{Use: targetUse(s)})
		if err != nil {
			return nil, nil, err
		}
		from, err := registry.Open(cfg.Connections[s.Source.Connection], connector.Deps{Use: sourceUse(s)})
		if err != nil {
			return nil, nil, err
		}
		known[name], late[name] = to.Knows, poll.Hearing(cfg.Syncs, s, from).Sentence(from.Name)
	}
	return known, late, nil
}
