package poll

import (
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/reason"
)

// Every is how often a source is asked: as the sync that wants it most often says.
// AtStart is only when the service starts.
func Every(syncs map[string]config.Sync, connection string) time.Duration {
	every := AtStart
	for _, s := range syncs {
		if p := s.Source.Poll; s.Source.Connection == connection && p > 0 && (every == AtStart || p < every) {
			every = p
		}
	}
	return every
}

// Hearing is how one of these syncs hears of changes in its source, whose connection
// was opened.
func Hearing(syncs map[string]config.Sync, s config.Sync, from connector.Connection) reason.Hearing {
	h := reason.Hearing{Webhooks: from.Receiver != nil, Asked: from.Changes != nil}
	if pinger, ok := from.Receiver.(connector.Pinger); ok {
		h.Pings = pinger.Pings()
	}
	if h.Asked {
		h.Every = Every(syncs, s.Source.Connection)
	}
	if s.Sweep != nil {
		h.Compared, h.Repaired = s.Sweep.Every, s.Sweep.Repair
	}
	return h
}
