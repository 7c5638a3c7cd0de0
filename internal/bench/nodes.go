package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// slowTarget is how long a target takes whose latency, and not this machine, is what one
// node waits for.
const slowTarget = 20 * time.Millisecond

// secondNode measures what a second node adds: changes that one node carries, and then two
// that share its database and are each sent every other webhook.
func secondNode(ctx context.Context, b *bench, e engine) ([]Row, error) {
	if !e.shared() {
		return nil, nil
	}
	return b.withWorld(ctx, e, b.carry, 1, "", func(w *world) (rows []Row, err error) {
		b.say(e, "link %d customers", b.carry)
		if _, err := w.all(ctx, w.trueup, hooks, b.carry, b.carry, carrySenders); err != nil {
			return nil, err
		}
		w.trueup.tools.latency.Store(int64(slowTarget))
		var carried [2]carriedAll
		for i := range carried {
			b.say(e, "carry %d changes with %d nodes to a target that takes %s", b.carry, i+1, slowTarget)
			if i == 1 {
				second, err := b.trueup(ctx, w.path)
				if err != nil {
					return nil, fmt.Errorf("start a second node: %w", err)
				}
				w.trueup.more = append(w.trueup.more, second)
			}
			wait(ctx, store.BetweenLooks) // else the first would wait for it
			if carried[i], err = w.all(ctx, w.trueup, hooks, b.carry, b.carry, carrySenders); err != nil {
				return nil, err
			}
		}
		return []Row{beside(fmt.Sprintf("two nodes, %s target", slowTarget), "/s", carried[1].Figure, "one node", carried[0].Figure, "")}, nil
	})
}
