package ratelimit

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

func TestWhatIsLeftOfTheDayIsKeptForEvents(t *testing.T) {
	const day = 200_000
	for name, c := range map[string]struct {
		left  int
		waits time.Duration
		stops bool
	}{
		"most is left":        {150_000, 0, false},
		"a fifth is left":     {40_000, 0, false},
		"an eighth is left":   {25_000, 15 * time.Second, false},
		"just before the end": {10_001, 30 * time.Second, false},
		"the end is near":     {10_000, 0, true},
		"nothing is left":     {0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Options{Slots: &counter{}, Connection: "crm"})
				g.Remaining(c.left, day)
				began := time.Now()
				if err := g.Wait(t.Context()); err != nil || time.Since(began) > 0 {
					t.Fatalf("a call for an event waits %s, %v", time.Since(began), err)
				}
				err := g.Wait(connector.Background(t.Context()))
				took := time.Since(began)
				switch {
				case c.stops:
					f := connector.FailureOf(err)
					if err == nil || f.Kind != connector.RateLimited || f.Effect != connector.EffectNone || f.RetryAfter != believed || took != 0 {
						t.Fatalf("a call in the background: %+v after %s", f, took)
					}
					time.Sleep(believed)
					if err := g.Wait(connector.Background(t.Context())); err != nil {
						t.Errorf("nobody finds out whether a new day has begun: %v", err)
					}
				case err != nil || took.Round(time.Second) != c.waits:
					t.Errorf("a call in the background waits %s, %v", took, err)
				}
				g.Remaining(day, day)
				began = time.Now()
				if err := g.Wait(connector.Background(t.Context())); err != nil || time.Since(began) > 0 {
					t.Errorf("on a new day it waits %s, %v", time.Since(began), err)
				}
			})
		})
	}
}

func TestACallInTheBackgroundThatWouldComeTooLateDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Slots: &counter{}, Connection: "crm"})
		g.Remaining(25_000, 200_000)
		began := time.Now()
		ctx, cancel := context.WithTimeout(connector.Background(t.Context()), time.Second)
		defer cancel()
		if f := connector.FailureOf(g.Wait(ctx)); f.Kind != connector.RateLimited || f.RetryAfter.Round(time.Second) != 15*time.Second || time.Since(began) > 0 {
			t.Errorf("after %s: %+v", time.Since(began), f)
		}
		left, leave := context.WithCancel(connector.Background(t.Context()))
		go leave()
		if f := connector.FailureOf(g.Wait(left)); f.Kind != connector.Transient || f.Effect != connector.EffectNone {
			t.Errorf("a caller who leaves: %+v", f)
		}
	})
}

func TestAToolThatSaysNothingOfItsDayHoldsNobodyBack(t *testing.T) {
	g := New(Options{Slots: &counter{}, Connection: "crm"})
	g.Remaining(0, 0)
	if err := g.Wait(connector.Background(t.Context())); err != nil {
		t.Error(err)
	}
}
