package connector

import (
	"context"
	"time"
)

// Remembered is an answer that changes seldom and is asked for again when it
// is old.
type Remembered[T any] struct {
	ask func(context.Context) (T, error)
	now func() time.Time
	// turn is held by the one who looks or asks; the others wait for it or
	// for the end of their context.
	turn   chan struct{}
	answer T
	at     time.Time
}

// Remember returns what asks for an answer and keeps it.
func Remember[T any](now func() time.Time, ask func(context.Context) (T, error)) *Remembered[T] {
	return &Remembered[T]{ask: ask, now: now, turn: make(chan struct{}, 1)}
}

// Get returns the answer as it was at most maxAge ago.
func (r *Remembered[T]) Get(ctx context.Context, maxAge time.Duration) (T, error) {
	var none T
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return none, &Failure{Kind: Transient, Effect: EffectNone, Detail: "the call was canceled before the answer", Err: ctx.Err()}
	}
	if now := r.now(); !r.at.IsZero() && now.Sub(r.at) < maxAge && !now.Before(r.at) {
		return r.answer, nil
	}
	answer, err := r.ask(ctx)
	if err != nil {
		return none, err
	}
	r.answer, r.at = answer, r.now()
	return answer, nil
}

// Forget makes the next look ask again.
func (r *Remembered[T]) Forget() {
	r.turn <- struct{}{}
	r.at = time.Time{}
	<-r.turn
}
