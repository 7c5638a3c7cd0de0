package app

import (
	"log/slog"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/connector/registry"
	"trueup/internal/inbox"
	"trueup/internal/pipeline"
	"trueup/internal/ratelimit"
	"trueup/internal/status"
	"trueup/internal/store"
)

// connections are the opened accounts: each for itself, to receive, and once
// more for each side of a sync, which may keep the status in another place.
type connections struct {
	by    map[string]connector.Connection
	gates map[string]*ratelimit.Gate
	syncs []pipeline.Sync
}

// openConnections opens every connection with a gate that all nodes share.
func openConnections(cfg *config.Config, db *store.DB, log *slog.Logger) (*connections, error) {
	all := &connections{by: map[string]connector.Connection{}, gates: map[string]*ratelimit.Gate{}}
	open := func(name string, use connector.Use) (connector.Connection, error) {
		return registry.Open(cfg.Connections[name], connector.Deps{Gate: all.gates[name], Log: log, Use: use})
	}
	var err error
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		c := cfg.Connections[name]
		o := ratelimit.Options{Slots: db, Connection: name}
		if c.RateLimit != nil {
			o.Requests, o.Per = c.RateLimit.Requests, c.RateLimit.Per
		}
		all.gates[name] = ratelimit.New(o)
		if all.by[name], err = open(name, connector.Use{}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := pipeline.Sync{Config: cfg.Syncs[name]}
		if s.Source, err = open(s.Config.Source.Connection, sourceUse(s.Config)); err != nil {
			return nil, err
		}
		if s.Target, err = open(s.Config.Target.Connection, targetUse(s.Config)); err != nil {
			return nil, err
		}
		all.syncs = append(all.syncs, s)
	}
	return all, nil
}

// sourceUse and targetUse are what the two sides of a sync want.
func sourceUse(s config.Sync) connector.Use {
	u := connector.Use{Field: s.Source.Field}
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		u.Values = append(u.Values, s.Statuses[word].From...)
	}
	u.Values = append(u.Values, s.Ignore...)
	return u
}

func targetUse(s config.Sync) connector.Use {
	u := connector.Use{Field: s.Target.Field, Target: true}
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		u.Values = append(u.Values, s.Statuses[word].To)
	}
	return u
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
