package inbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// refusedEvery is how often refused webhooks are stored. Anyone can send what is
// refused, so the database is not written for each of them.
const refusedEvery = time.Second

// RefusedStore counts refused webhooks; it is *store.DB.
type RefusedStore interface {
	NoteRefused(ctx context.Context, counts []store.Refused) error
}

// refusals counts what was refused and is not stored yet.
type refusals struct {
	sync.Mutex
	counts map[refused]int // nil while nothing waits to be stored
}

type refused struct {
	connection string
	refusal    status.Refusal
}

// noteRefused counts a refused webhook, and stores the count soon. If it cannot be
// stored it is lost: the log and the metrics have it too.
func (i *Inbox) noteRefused(connection string, why status.Refusal) {
	if i.Refused == nil || why == "" {
		return
	}
	if e := i.Connections[connection]; e.Name != "" {
		connection = e.Name
	}
	i.refusals.Lock()
	defer i.refusals.Unlock()
	if i.refusals.counts == nil {
		i.refusals.counts = map[refused]int{}
		time.AfterFunc(refusedEvery, i.storeRefused)
	}
	i.refusals.counts[refused{connection, why}]++
}

func (i *Inbox) storeRefused() {
	i.refusals.Lock()
	counts := i.refusals.counts
	i.refusals.counts = nil
	i.refusals.Unlock()
	if len(counts) == 0 {
		return
	}
	var all []store.Refused
	for r, n := range counts {
		all = append(all, store.Refused{Connection: r.connection, Refusal: r.refusal, Count: n})
	}
	ctx, cancel := context.WithTimeout(context.Background(), storing)
	defer cancel()
	if err := i.Refused.NoteRefused(ctx, all); err != nil && !i.draining.Load() {
		i.Log.Warn("store how many webhooks were refused", slog.Any("error", err))
	}
}
