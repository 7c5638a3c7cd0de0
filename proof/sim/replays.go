package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// replays lets a person replay some events in the storm. It is drawn from numbers
// of its own, so that the script of a seed is the same with replays and without.
func (w *world) replays(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	for n := range r.IntN(4) {
		at, pick := 5000+r.Int64N(w.set.storm), r.Uint64()
		w.after(at, func() { w.replay(n, pick) })
	}
}

// replay carries an event of the source once more, as trueup events replay does.
func (w *world) replay(n int, pick uint64) {
	if w.calm {
		return
	}
	all, err := w.db.Events(context.Background(), store.EventFilter{Sync: w.names.sync, Limit: 10_000})
	w.must(err)
	all = slices.DeleteFunc(all, func(e store.Event) bool {
		return e.Side != store.SourceSide || e.Customer == "" || e.Outcome == "" || e.Outcome == status.Parked || e.ReplayOf > 0 || store.IsForgotten(e.Customer)
	})
	if len(all) == 0 {
		return
	}
	e, err := w.db.Event(context.Background(), all[pick%uint64(len(all))].Seq)
	w.must(err)
	_, err = w.db.Receive(context.Background(), []store.NewEvent{{Connection: e.Connection, Sync: e.Sync, Side: e.Side, ID: store.ReplayID(e.ID, fmt.Sprint(n)),
		Customer: e.Customer, Value: e.Value, HasValue: e.HasValue, OccurredAt: e.HappenedAt(skewMs * time.Millisecond), Payload: e.Payload, ReplayOf: e.Seq, ReplayedBy: "ana@example.com"}})
	w.must(err)
	w.turns()
	w.note("replayed", e.Customer, e.ID, 0)
	w.coverage.hit("fault", "replayed")
	if all[0].Seq != e.Seq && e.OccurredAt.Before(all[0].OccurredAt) && e.Customer == all[0].Customer {
		w.coverage.hit("fault", "replayed, and it is old")
	}
}
