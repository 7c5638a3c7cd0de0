package ratelimit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// counter gives out slots as the store does, in memory.
type counter struct {
	mu    sync.Mutex
	next  time.Time
	asked int
	err   error
}

func (c *counter) ReserveWithin(_ context.Context, _ string, n, requests int, per, within time.Duration) (now, first time.Time, gap time.Duration, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	now, gap = time.Now(), per/time.Duration(requests)
	if c.next.Before(now) {
		c.next = now
	}
	first = c.next
	if ok = n > 0 && first.Sub(now) <= within; ok {
		c.next = c.next.Add(time.Duration(n) * gap)
	}
	return now, first, gap, ok, c.err
}

// Two nodes call as fast as they may, and in bursts: no window has more calls
// than the limit.
func TestNoWindowHoldsMoreThanTheLimit(t *testing.T) {
	const requests, per = 10, time.Second
	synctest.Test(t, func(t *testing.T) {
		slots := &counter{}
		var mu sync.Mutex
		var calls []time.Time
		var nodes sync.WaitGroup
		for range 2 {
			g := New(Options{Slots: slots, Connection: "crm", Requests: requests, Per: per})
			for range 3 {
				nodes.Go(func() {
					for i := range 30 {
						if i%10 == 9 {
							<-time.After(1500 * time.Millisecond) // a pause, and then a burst
						}
						if err := g.Wait(t.Context()); err != nil {
							t.Error(err)
						}
						mu.Lock()
						calls = append(calls, time.Now())
						mu.Unlock()
					}
				})
			}
		}
		nodes.Wait()
		withinTheLimit(t, calls, requests, per)
		if slots.asked >= len(calls) {
			t.Errorf("the database was asked %d times for %d calls", slots.asked, len(calls))
		}
	})
}

func withinTheLimit(t *testing.T, calls []time.Time, requests int, per time.Duration) {
	t.Helper()
	for i, from := range calls {
		n := 0
		for _, at := range calls[i:] {
			if at.Sub(from) < per {
				n++
			}
		}
		if n > requests+1 { // a slot may be used up to a gap late
			t.Fatalf("%d calls within %s from %s", n, per, from)
		}
	}
}

// A tool that said "too many" is not told everything at once when its rest is over, by
// those who waited for their turn before it nor by those who came in it.
func TestNoWindowAfterARestHoldsMoreThanTheLimit(t *testing.T) {
	const requests, per, rest = 10, time.Second, 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm", Requests: requests, Per: per})
		var mu sync.Mutex
		var calls []time.Time
		var all sync.WaitGroup
		wait := func() {
			if err := g.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, time.Now())
		}
		for range 40 {
			all.Go(wait)
		}
		<-time.After(per)
		g.Paused(rest)
		began := time.Now()
		for range 40 {
			all.Go(wait)
		}
		all.Wait()
		withinTheLimit(t, calls, requests, per)
		for _, at := range calls {
			if at.After(began) && at.Sub(began) < rest {
				t.Errorf("a call %s after the rest began", at.Sub(began))
			}
		}
	})
}

func TestAConnectionWithoutALimitAsksNobody(t *testing.T) {
	slots := &counter{}
	g := New(Options{Slots: slots, Connection: "crm"})
	for range 100 {
		if err := g.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if slots.asked != 0 {
		t.Errorf("the database was asked %d times", slots.asked)
	}
}

func TestARestHoldsCallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm"})
		began := time.Now()
		g.Paused(time.Minute)
		g.Paused(time.Second) // an earlier end changes nothing
		if err := g.Wait(t.Context()); err != nil || time.Since(began) != time.Minute {
			t.Errorf("it waited %s, %v", time.Since(began), err)
		}
	})
}

func TestACallThatWouldComeTooLateDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm"})
		began := time.Now()
		g.Paused(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := connector.FailureOf(g.Wait(ctx))
		if f.Kind != connector.RateLimited || f.Effect != connector.EffectNone || f.RetryAfter != time.Minute || time.Since(began) != 0 {
			t.Errorf("after %s: %+v", time.Since(began), f)
		}
	})
}

func TestACallThatWouldComeTooLateTakesNobodysTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm", Requests: 1, Per: time.Minute})
		if err := g.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if f := connector.FailureOf(g.Wait(ctx)); f.Kind != connector.RateLimited || f.RetryAfter != time.Minute {
				t.Errorf("a call that would come too late: %+v", f)
			}
			cancel()
		}
		if ahead, err := g.Ahead(t.Context()); err != nil || ahead != time.Minute {
			t.Errorf("the next call is %s ahead, %v", ahead, err)
		}
		began := time.Now()
		if err := g.Wait(t.Context()); err != nil || time.Since(began) != time.Minute {
			t.Errorf("the next call was made after %s, %v", time.Since(began), err)
		}
	})
}

func TestACallerWhoLeavesIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm"})
		g.Paused(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := g.Wait(ctx); !errors.Is(err, context.Canceled) || connector.FailureOf(err).Effect != connector.EffectNone {
			t.Errorf("he is told %v", err)
		}
	})
}

func TestADatabaseThatFailsFailsTheCall(t *testing.T) {
	g := New(Options{Slots: &counter{err: errors.New("broken")}, Connection: "crm", Requests: 1, Per: time.Second})
	if f := connector.FailureOf(g.Wait(t.Context())); f.Kind != connector.Transient || f.Effect != connector.EffectNone {
		t.Errorf("it fails with %+v", f)
	}
}
