package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// burst measures many changes of few customers, from the first webhook until the tools
// agree. The least that has to be done is to answer every webhook and to carry each customer
// once; the bare program is told when, and does the one after the other.
func burst(ctx context.Context, b *bench, e engine) ([]Row, error) {
	return b.withWorld(ctx, e, b.busy, 1, "", func(w *world) ([]Row, error) {
		b.say(e, "link %d customers", b.busy)
		if _, err := w.all(ctx, w.trueup, hooks, b.busy, b.busy, carrySenders); err != nil {
			return nil, err
		}
		b.say(e, "a burst of %d events over %d customers", b.burst, b.busy)
		wait(ctx, store.BetweenLooks)
		trueup, err := w.all(ctx, w.trueup, hooks, b.burst, b.busy, carrySenders)
		if err != nil {
			return nil, err
		}
		before, began := w.bare.cpu(), time.Now()
		if _, err := w.load(w.bare, hooks, carrySenders, b.burst, func(i int) []byte { return w.change(w.bare, i) }).send(ctx); err != nil {
			return nil, err
		}
		// What the tools hold is sent once more for each customer.
		last := w.load(w.bare, carry, carrySenders, b.busy, func(i int) []byte { return w.unchanged(w.bare, i) })
		if _, err := last.send(ctx); err != nil {
			return nil, err
		}
		if err := w.bare.carried(ctx); err != nil {
			return nil, err
		}
		bare := timed(b.burst, time.Since(began), nil, w.bare.cpu()-before)
		_, peak := w.trueup.memory()
		_, barePeak := w.bare.memory()
		rows := []Row{beside(fmt.Sprintf("burst of %d events, %d customers", b.burst, b.busy), "/s", trueup.Figure, "answer each, then carry each customer once", bare,
			fmt.Sprintf("%d reads and %d writes for %d customers", trueup.reads, trueup.writes, b.busy))}
		rows = append(rows, beside("memory, at most in the burst", "MB", Figure{Value: peak}, "the bare program's", Figure{Value: barePeak}, ""))
		stream, err := w.stream(ctx, b, e)
		return append(rows, stream...), err
	})
}

// streaming is how many customers have a stream of changes.
const streaming = 10

// stream measures very many changes of very few customers, one after the other. The bare program
// makes its three calls for each.
func (w *world) stream(ctx context.Context, b *bench, e engine) ([]Row, error) {
	events := max(b.busy, streaming)
	b.say(e, "a stream of %d events of %d customers", events, streaming)
	wait(ctx, store.BetweenLooks)
	trueup, err := w.all(ctx, w.trueup, hooks, events, streaming, 1)
	if err != nil {
		return nil, err
	}
	bare, err := w.all(ctx, w.bare, carry, events, streaming, 1)
	if err != nil {
		return nil, err
	}
	return []Row{beside(fmt.Sprintf("stream of %d events, %d customers", events, streaming), "/s", trueup.Figure, "the same three calls for each, nothing stored", bare.Figure,
		fmt.Sprintf("%d reads and %d writes, the bare program %d and %d", trueup.reads, trueup.writes, bare.reads, bare.writes))}, nil
}
