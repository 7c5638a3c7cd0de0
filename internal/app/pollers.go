package app

import (
	"log/slog"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/inbox"
	"trueup/internal/poll"
	"trueup/internal/store"
)

// pollers returns one for each source that can list its changes.
func pollers(cfg *config.Config, conns map[string]connector.Connection, db *store.DB, in *inbox.Inbox, log *slog.Logger) []*poll.Poller {
	by := map[string]*poll.Poller{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		c := conns[s.Source.Connection]
		if c.Changes == nil {
			continue
		}
		p, ok := by[c.Name]
		if !ok {
			p = &poll.Poller{Connection: c.Name, Changes: c.Changes, Store: db, Inbox: in, Log: log}
			by[c.Name] = p
		}
		p.Syncs = append(p.Syncs, s)
		if s.Source.Poll > 0 && (p.Every == poll.AtStart || s.Source.Poll < p.Every) {
			p.Every = s.Source.Poll
		}
	}
	return slices.Collect(maps.Values(by))
}
