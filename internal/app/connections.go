package app

import (
	"log/slog"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/connector/registry"
	"trueup/internal/inbox"
	"trueup/internal/ratelimit"
	"trueup/internal/status"
	"trueup/internal/store"
)

// openConnections opens every connection with a gate that all nodes share.
func openConnections(cfg *config.Config, db *store.DB, log *slog.Logger) (map[string]connector.Connection, map[string]*ratelimit.Gate, error) {
	conns := map[string]connector.Connection{}
	gates := map[string]*ratelimit.Gate{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		c := cfg.Connections[name]
		o := ratelimit.Options{Slots: db, Connection: name}
		if c.RateLimit != nil {
			o.Requests, o.Per = c.RateLimit.Requests, c.RateLimit.Per
		}
		gates[name] = ratelimit.New(o)
		opened, err := registry.Open(c, connector.Deps{Gate: gates[name], Log: log})
		if err != nil {
			return nil, nil, err
		}
		conns[name] = opened
	}
	return conns, gates, nil
}

// endpoints says for each connection who reads its webhooks and which syncs
// they concern. A connection may be the source of one sync and the target of
// another.
func endpoints(cfg *config.Config, conns map[string]connector.Connection) map[string]inbox.Endpoint {
	all := map[string]inbox.Endpoint{}
	for name, c := range conns {
		e := inbox.Endpoint{Receiver: c.Receiver}
		for _, sync := range slices.Sorted(maps.Keys(cfg.Syncs)) {
			s := cfg.Syncs[sync]
			owner := s.Owner(status.UnreadableEvent)
			switch name {
			case s.Source.Connection:
				e.Routes = append(e.Routes, inbox.Route{Sync: sync, Side: store.SourceSide, Owner: owner})
			case s.Target.Connection:
				e.Routes = append(e.Routes, inbox.Route{Sync: sync, Side: store.TargetSide, Owner: owner})
			}
		}
		all[name] = e
	}
	return all
}
