package gohighlevel

import (
	"context"
	"time"

	"trueup/internal/connector"
)

// remembered is an answer that changes seldom and is asked for again when it
// is old.
type remembered[T any] struct {
	ask func(context.Context) (T, error)
	now func() time.Time
	// turn is held by the one who looks or asks; the others wait for it or
	// for the end of their context.
	turn   chan struct{}
	answer T
	at     time.Time
}

func remember[T any](now func() time.Time, ask func(context.Context) (T, error)) *remembered[T] {
	return &remembered[T]{ask: ask, now: now, turn: make(chan struct{}, 1)}
}

// get returns the answer as it was at most maxAge ago.
func (r *remembered[T]) get(ctx context.Context, maxAge time.Duration) (T, error) {
	var none T
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return none, &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "the call was canceled before the answer", Err: ctx.Err()}
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

// forget makes the next look ask again.
func (r *remembered[T]) forget() {
	r.turn <- struct{}{}
	r.at = time.Time{}
	<-r.turn
}
