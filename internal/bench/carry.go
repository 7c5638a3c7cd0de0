package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// carrySenders is how many send the changes, which is also how many changes the bare
// program carries at once: it answers once a change is carried.
const carrySenders = 64

// carryEach measures changes from the webhook to the target, each of a customer of its own:
// first with a target that answers at once, then with one that takes 20 ms.
func carryEach(ctx context.Context, b *bench, e engine) ([]Row, error) {
	return b.withWorld(ctx, e, b.carry, 1, "", func(w *world) (rows []Row, err error) {
		b.say(e, "link %d customers", b.carry)
		if _, err := w.all(ctx, w.trueup, hooks, b.carry, b.carry, carrySenders); err != nil {
			return nil, err
		}
		for _, latency := range []time.Duration{0, slowTarget} {
			b.say(e, "carry %d changes to a target that takes %s", b.carry, latency)
			w.trueup.tools.latency.Store(int64(latency))
			w.bare.tools.latency.Store(int64(latency))
			wait(ctx, store.BetweenLooks) // else the first would wait for it
			trueup, err := w.all(ctx, w.trueup, hooks, b.carry, b.carry, carrySenders)
			if err != nil {
				return rows, err
			}
			bare, err := w.all(ctx, w.bare, carry, b.carry, b.carry, carrySenders)
			if err != nil {
				return rows, err
			}
			rows = append(rows, beside(fmt.Sprintf("end to end, %s target", latency), "/s", trueup.Figure, "the same three calls, nothing stored", bare.Figure,
				fmt.Sprintf("%.2f reads and %.2f writes a change", float64(trueup.reads)/float64(b.carry), float64(trueup.writes)/float64(b.carry))))
		}
		return rows, nil
	})
}

// carriedAll is how changes were carried, and with how many calls.
type carriedAll struct {
	Figure
	reads, writes int
}

// all has customers change, each event of the next one, until both tools agree.
func (w *world) all(ctx context.Context, s side, path string, events, customers, senders int) (carriedAll, error) {
	s.tools.counted()
	before, began := s.cpu(), time.Now()
	if _, err := w.load(s, path, senders, events, func(i int) []byte { return w.change(s, i%customers) }).send(ctx); err != nil {
		return carriedAll{}, err
	}
	if err := s.carried(ctx); err != nil {
		return carriedAll{}, err
	}
	elapsed := time.Since(began)
	reads, writes, took := s.tools.counted()
	return carriedAll{timed(events, elapsed, took, s.cpu()-before), reads, writes}, nil
}
