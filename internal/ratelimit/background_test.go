package ratelimit

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

const tenth = time.Second / 10 // between two calls of ten a second

func tenASecond(slots Slots) *Gate {
	return New(Options{Slots: slots, Connection: "crm", Requests: 10, Per: time.Second})
}

// callers make calls one after the other until ctx ends, each by so many callers.
func callers(ctx context.Context, g *Gate, n int) (calls *atomic.Int64, ended *sync.WaitGroup) {
	calls, ended = new(atomic.Int64), new(sync.WaitGroup)
	for range n {
		ended.Go(func() {
			for g.Wait(ctx) == nil { // at its deadline it ends
				calls.Add(1)
			}
		})
	}
	return calls, ended
}

func TestALiveCallDuringASweepWaitsForOneBackgroundCallAtMost(t *testing.T) {
	for name, sameNode := range map[string]bool{"on the same node": true, "on another node": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slots := &counter{}
				sweeping := tenASecond(slots)
				live := sweeping
				if !sameNode {
					live = tenASecond(slots)
				}
				ctx, stop := context.WithCancel(t.Context())
				swept, ended := callers(connector.Background(ctx), sweeping, 8)
				for i := range 50 {
					<-time.After(700*time.Millisecond + time.Duration(i)*7*time.Millisecond)
					began := time.Now()
					if err := live.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began); took > 2*tenth { // its own place, and one more
						t.Errorf("the live call %d waits %s", i, took)
					}
				}
				if n := swept.Load(); n < 300 { // 44 seconds
					t.Errorf("the sweep made %d calls meanwhile", n)
				}
				stop()
				ended.Wait()
			})
		})
	}
}

func TestBehindALiveQueueTheBackgroundGetsASmallShare(t *testing.T) {
	for name, sameNode := range map[string]bool{"on the same node": true, "on another node": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slots := &counter{}
				g := tenASecond(slots)
				queue := g
				if !sameNode {
					queue = tenASecond(slots)
				}
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				live, liveEnded := callers(ctx, queue, 4)
				back, backEnded := callers(connector.Background(ctx), g, 5)
				liveEnded.Wait()
				backEnded.Wait()
				if n := back.Load(); n < 600/30 || n > 600/10 {
					t.Errorf("of 600 calls the background made %d", n)
				}
				if n := live.Load(); n < 500 {
					t.Errorf("of 600 calls the live queue made %d", n)
				}
			})
		})
	}
}

func TestWithoutALiveQueueTheBackgroundHasAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(connector.Background(t.Context()), time.Minute)
		defer stop()
		calls, ended := callers(ctx, tenASecond(&counter{}), 3)
		ended.Wait()
		if n := calls.Load(); n < 595 || n > 601 {
			t.Errorf("of 600 calls it made %d", n)
		}
	})
}

// A call that gives up counts for the next one: else a limit of a few calls a
// minute would shut the background out.
func TestABackgroundCallThatGivesUpCountsForTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm", Requests: 10, Per: time.Minute})
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		live, ended := callers(ctx, g, 4)
		back := 0
		for ctx.Err() == nil {
			one, done := context.WithTimeout(connector.Background(ctx), 45*time.Second)
			err := g.Wait(one)
			done()
			switch f := connector.FailureOf(err); {
			case err == nil:
				back++
			case ctx.Err() == nil && (f.Kind != connector.RateLimited || f.Effect != connector.EffectNone || f.RetryAfter <= 0):
				t.Fatalf("it gives up with %+v", f)
			}
			if err != nil {
				<-time.After(30 * time.Second)
			}
		}
		ended.Wait()
		if back < 20 || live.Load() < 500 {
			t.Errorf("of 600 calls the background made %d, the live queue %d", back, live.Load())
		}
	})
}

func TestABackgroundCallLeavesWhenItsCallerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := tenASecond(&counter{})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		_, ended := callers(ctx, g, 20)
		synctest.Wait() // they queue
		for _, leaves := range []time.Duration{30 * time.Millisecond, 450 * time.Millisecond} {
			var both sync.WaitGroup
			for range 2 { // one waits for its turn, the other one for that
				both.Go(func() {
					began := time.Now()
					one, done := context.WithTimeout(connector.Background(ctx), leaves)
					defer done()
					if f := connector.FailureOf(g.Wait(one)); f.Kind != connector.RateLimited || time.Since(began) > leaves {
						t.Errorf("after %s: %+v", time.Since(began), f)
					}
				})
			}
			both.Wait()
		}
		gone, leave := context.WithCancel(connector.Background(ctx))
		go leave()
		if f := connector.FailureOf(g.Wait(gone)); f.Kind != connector.Transient || f.Effect != connector.EffectNone {
			t.Errorf("a caller who leaves: %+v", f)
		}
		stop()
		ended.Wait()
	})
}

func TestWithoutALimitTheBackgroundWaitsForNobody(t *testing.T) {
	slots := &counter{}
	g := New(Options{Slots: slots, Connection: "crm"})
	for range 100 {
		if err := g.Wait(connector.Background(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if slots.asked != 0 {
		t.Errorf("the database was asked %d times", slots.asked)
	}
}
