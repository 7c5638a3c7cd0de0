package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// connections are the opened accounts: each for itself, to receive, and once
// more for each side of a sync, which may keep the status in another place.
type connections struct {
	by    map[string]connector.Connection
	all   []connector.Connection
	gates map[string]*ratelimit.Gate
	calls map[string]*http.Client
	syncs []pipeline.Sync
}

// close ends what calls left open for the next one.
func (c *connections) close() {
	for _, client := range c.calls {
		client.CloseIdleConnections()
	}
	for _, opened := range c.all {
		opened.Closed()
	}
}

// resting lets a connection's gate know that it has to rest.
func (c *connections) resting(connection string, rest time.Duration) {
	if g := c.gates[connection]; g != nil {
		g.Paused(rest)
	}
}

// gaps are the times between two calls that the rate limits leave.
func (c *connections) gaps() map[string]time.Duration {
	all := map[string]time.Duration{}
	for name, g := range c.gates {
		if g.Requests > 0 {
			all[name] = g.Per / time.Duration(g.Requests)
		}
	}
	return all
}

// ahead is how far the next call lies ahead that a connection's limit leaves.
func (c *connections) ahead(ctx context.Context, connection string) (time.Duration, error) {
	if g := c.gates[connection]; g != nil {
		return g.Ahead(ctx)
	}
	return 0, nil
}

// openConnections opens every connection with a gate that all nodes share and
// a client that calls no address it should not.
func openConnections(cfg *config.Config, db *store.DB, log *slog.Logger) (*connections, error) {
	all := &connections{by: map[string]connector.Connection{}, gates: map[string]*ratelimit.Gate{}, calls: map[string]*http.Client{}}
	kept := map[string]connector.Tokens{}
	open := func(name string, use connector.Use) (connector.Connection, error) {
		opened, err := registry.Open(cfg.Connections[name], connector.Deps{HTTP: all.calls[name], Gate: all.gates[name], Tokens: kept[name], Log: log, Use: use})
		all.all = append(all.all, opened)
		return opened, err
	}
	var err error
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		c := cfg.Connections[name]
		o := ratelimit.Options{Slots: db, Connection: name}
		if limit := c.CallLimit(); limit != nil {
			o.Requests, o.Per = limit.Requests, limit.Per
		}
		all.gates[name] = ratelimit.New(o)
		all.calls[name] = dialguard.Client(name, c.AlsoAllow)
		if kept[name], err = tokens(cfg, c, db); err != nil {
			return nil, err
		}
		if all.by[name], err = open(name, connector.Use{}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := pipeline.Sync{Config: cfg.Syncs[name]}
		if s.From, err = open(s.Config.Source.Connection, sourceUse(s.Config)); err != nil {
			return nil, err
		}
		if s.To, err = open(s.Config.Target.Connection, targetUse(s.Config)); err != nil {
			return nil, err
		}
		all.syncs = append(all.syncs, s)
	}
	return all, nil
}

// oneSync opens the two sides of a sync.
func oneSync(cfg *config.Config, db *store.DB, sync string) (pipeline.Sync, *connections, error) {
	conns, err := openConnections(cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return pipeline.Sync{}, nil, err
	}
	for _, s := range conns.syncs {
		if s.Config.Name == sync {
			return s, conns, nil
		}
	}
	return pipeline.Sync{}, nil, fmt.Errorf("no sync %s", sync)
}

// sourceUse and targetUse are what the two sides of a sync want.
func sourceUse(s config.Sync) connector.Use { return connector.Use(s.SourceSide()) }
func targetUse(s config.Sync) connector.Use { return connector.Use(s.TargetSide()) }

// endpoints says for each connection who reads its webhooks and which syncs
// they concern. A connection may be the source of one sync and the target of
// another.
func endpoints(cfg *config.Config, conns map[string]connector.Connection) map[string]inbox.Endpoint {
	all := map[string]inbox.Endpoint{}
	accounts := sharing(conns)
	for name, c := range conns {
		e := inbox.Endpoint{Receiver: c.Receiver, Recipient: recipient(c, accounts), EventsOnly: c.Source == nil && c.EventSource != nil}
		for _, sync := range slices.Sorted(maps.Keys(cfg.Syncs)) {
			s := cfg.Syncs[sync]
			owner := s.Owner(status.UnreadableEvent)
			switch name {
			case s.Source.Connection:
				e.Routes = append(e.Routes, inbox.Route{Sync: sync, Side: store.SourceSide, Owner: owner,
					ClockOwner: s.Owner(status.ConnectionFailed), Skew: s.Conflict.ClockSkew})
			case s.Target.Connection:
				e.Routes = append(e.Routes, inbox.Route{Sync: sync, Side: store.TargetSide, Owner: owner})
			}
		}
		all[name] = e
	}
	return all
}

// formerly adds the endpoints that connections had under their former names, by
// the file and by the database: the senders do not know the new names yet.
func formerly(all map[string]inbox.Endpoint, cfg *config.Config, known []store.Named) map[string]inbox.Endpoint {
	became := map[string]string{}
	for _, n := range known {
		if n.Kind == store.ConnectionName && n.Became != "" {
			became[n.Name] = n.Became
		}
	}
	for name, c := range cfg.Connections {
		if c.Was != "" && c.Was != config.WasNone {
			became[c.Was] = name
		}
	}
	for old, name := range became {
		_, taken := cfg.Connections[old]
		if e, ok := all[name]; ok && !taken {
			e.Name = name
			all[old] = e
		}
	}
	return all
}

// recipient is how an endpoint finds whose a body is, nil when it is always its
// own.
func recipient(c connector.Connection, accounts map[string]string) func([]byte) string {
	shared, ok := c.Receiver.(connector.Shared)
	if !ok {
		return nil
	}
	return func(body []byte) string {
		account := shared.Recipient(body)
		if account == "" || account == shared.Account() {
			return ""
		}
		return accounts[c.Type+" "+account]
	}
}

// sharing says which connection an account is, for the tools that send the
// events of several accounts to one address. Of two connections to one account
// the first by name has it.
func sharing(conns map[string]connector.Connection) map[string]string {
	accounts := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(conns)) {
		shared, ok := conns[name].Receiver.(connector.Shared)
		if !ok || shared.Account() == "" {
			continue
		}
		key := conns[name].Type + " " + shared.Account()
		if _, taken := accounts[key]; !taken {
			accounts[key] = name
		}
	}
	return accounts
}
