package app

import (
	"log/slog"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/store"
)

// pollers returns one for each source that can list its changes. Where two
// syncs keep the status of one source in different places, the first one's
// way of asking finds the changes of both: they name the customer only.
func pollers(syncs []pipeline.Sync, db *store.DB, in *inbox.Inbox, log *slog.Logger) []*poll.Poller {
	var all []*poll.Poller
	readers := map[*poll.Poller][]pipeline.Sync{}
	asking := map[string]config.Sync{}
	for _, s := range syncs {
		if s.From.Changes == nil {
			continue
		}
		i := slices.IndexFunc(all, func(p *poll.Poller) bool { return p.Connection == s.From.Name })
		if i < 0 {
			i = len(all)
			all = append(all, &poll.Poller{Connection: s.From.Name, Changes: s.From.Changes, Store: db, Inbox: in, Log: log, Listed: db.NoteListed})
		}
		p := all[i]
		if pinger, ok := s.From.Receiver.(connector.Pinger); ok && pinger.Pings() && p.Pinged == nil {
			p.Pinged = make(chan struct{}, 1)
		}
		p.Syncs = append(p.Syncs, s.Config)
		readers[p] = append(readers[p], s)
		p.Barred = sourceMoved(db, readers[p])
		asking[s.Config.Name] = s.Config
	}
	for _, p := range all {
		p.Every = poll.Every(asking, p.Connection)
	}
	return all
}
