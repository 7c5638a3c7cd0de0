package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/connector/registry"
	"trueup/internal/dialguard"
	"trueup/internal/store"
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

// Probe checks each connection's live account, which changes nothing there. It
// needs no database but for connections that keep their tokens in it.
func Probe(ctx context.Context, cfg *config.Config, log *slog.Logger) (results []ProbeResult) {
	db, err := tokenStore(ctx, cfg)
	if db != nil {
		defer db.Close() // it was only read
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		if err != nil && keepsTokens(cfg.Connections[name]) {
			results = append(results, ProbeResult{Connection: name, Err: err})
			continue
		}
		results = append(results, probeAll(ctx, cfg, db, name, log))
	}
	return append(results, probeNotifier(ctx, cfg)...)
}

// probeAll checks a connection for each use that the syncs make of it.
func probeAll(ctx context.Context, cfg *config.Config, db *store.DB, connection string, log *slog.Logger) ProbeResult {
	all := ProbeResult{Connection: connection}
	for _, use := range usesOf(cfg, connection) {
		r := probe(ctx, cfg, db, cfg.Connections[connection], use, log)
		for _, said := range r.Said {
			if !slices.Contains(all.Said, said) {
				all.Said = append(all.Said, said)
			}
		}
		all.Err = errors.Join(all.Err, r.Err)
	}
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

func probe(ctx context.Context, cfg *config.Config, db *store.DB, c config.Connection, use connector.Use, log *slog.Logger) ProbeResult {
	r := ProbeResult{Connection: c.Name}
	client := dialguard.Client(c.Name, c.AlsoAllow)
	defer client.CloseIdleConnections()
	kept, err := tokens(cfg, c, db)
	if err != nil {
		r.Err = err
		return r
	}
	opened, err := registry.Open(c, connector.Deps{HTTP: client, Tokens: kept, Log: log, Use: use})
	switch {
	case err != nil:
		r.Err = err
	case opened.Probe == nil:
		r.Said = []string{"nothing to call: this connection only receives"}
	default:
		ctx, cancel := context.WithTimeout(ctx, probeTime)
		defer cancel()
		r.Said, r.Err = opened.Probe.Probe(ctx)
	}
	return r
}

// TargetOptions returns the values that the target's field of each sync may
// hold, where the tool lists them. One that could not be asked is left out: its
// probe says why.
func TargetOptions(ctx context.Context, cfg *config.Config, log *slog.Logger) map[string][]string {
	all := map[string][]string{}
	db, err := tokenStore(ctx, cfg)
	if db != nil {
		defer db.Close() // it was only read
	}
	if err != nil {
		return all
	}
	for name, s := range cfg.Syncs {
		if options := targetOptions(ctx, cfg, db, s, log); options != nil {
			all[name] = options
		}
	}
	return all
}

func targetOptions(ctx context.Context, cfg *config.Config, db *store.DB, s config.Sync, log *slog.Logger) []string {
	c := cfg.Connections[s.Target.Connection]
	client := dialguard.Client(c.Name, c.AlsoAllow)
	defer client.CloseIdleConnections()
	kept, err := tokens(cfg, c, db)
	if err != nil {
		return nil
	}
	opened, err := registry.Open(c, connector.Deps{HTTP: client, Tokens: kept, Log: log, Use: targetUse(s)})
	if err != nil || opened.Options == nil {
		return opened.Values
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	options, err := opened.Options.Options(ctx)
	if err != nil {
		return nil
	}
	return options
}

// Capabilities returns what each sync's target can tell, and so which promises are
// weaker because of it. It makes no call.
func Capabilities(cfg *config.Config) (map[string]connector.Knowledge, error) {
	known := map[string]connector.Knowledge{}
	for name, s := range cfg.Syncs {
		opened, err := registry.Open(cfg.Connections[s.Target.Connection], connector.Deps{Use: targetUse(s)})
		if err != nil {
			return nil, err
		}
		known[name] = opened.Knows
	}
	return known, nil
}
