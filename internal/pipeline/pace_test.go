package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/oracle"
)

// slow is a target whose calls take a while, wait for our own limit, and are cut
// off when there are too many of them for the tool.
type slow struct {
	*tool
	gate *ratelimit.Gate // nil is none
	// most calls in a second are answered; 0 is any.
	most  int
	after time.Duration // what the tool asks for, 0 is nothing
	takes time.Duration // each call, 0 is 20 ms
	// queued, if set, is told how long a call waited for our own limit.
	queued func(time.Duration)

	mu                 sync.Mutex
	window             time.Time
	made               int // in the window
	calls, cuts        int
	inProgress, atOnce int // calls; the most at one time
}

func (s *slow) call(ctx context.Context) error {
	if s.gate != nil {
		began := time.Now()
		if err := s.gate.Wait(ctx); err != nil {
			return err
		}
		if s.queued != nil {
			s.queued(time.Since(began))
		}
	}
	s.mu.Lock()
	s.inProgress++
	s.atOnce = max(s.atOnce, s.inProgress)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inProgress--
		s.mu.Unlock()
	}()
	timer := time.NewTimer(cmp.Or(s.takes, 20*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "the call ran out of time"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if at := time.Now().Truncate(time.Second); at != s.window {
		s.window, s.made = at, 0
	}
	if s.made++; s.most > 0 && s.made > s.most {
		s.cuts++
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Status: http.StatusTooManyRequests, RetryAfter: s.after, Detail: "too many"}
	}
	return nil
}

func (s *slow) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	if err := s.call(ctx); err != nil {
		return nil, err
	}
	return s.tool.Find(ctx, key, value)
}

func (s *slow) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	if err := s.call(ctx); err != nil {
		return status.TargetRecord{}, err
	}
	return s.tool.Read(ctx, id)
}

func (s *slow) Write(ctx context.Context, r status.TargetRecord, value string) (*status.TargetRecord, error) {
	if err := s.call(ctx); err != nil {
		return nil, err
	}
	return s.tool.Write(ctx, r, value)
}

// A target that allows so many calls carries what these are enough for: four
// calls for each customer, since its answer to a write shows nothing, and not
// much more than that for what is cut off.
func TestAsManyAreCarriedAsTheLimitAllows(t *testing.T) {
	tests := map[string]struct {
		customers, nodes, syncs int
		limit                   config.RateLimit // ours
		most                    int              // the tool's, in a second
		after                   time.Duration
		within                  time.Duration
	}{
		"1000 an hour":                                 {customers: 60, limit: config.RateLimit{Requests: 1000, Per: time.Hour}, within: 20 * time.Minute},
		"30 a minute":                                  {customers: 100, limit: config.RateLimit{Requests: 30, Per: time.Minute}, within: 18 * time.Minute},
		"60 a minute":                                  {customers: 150, limit: config.RateLimit{Requests: 60, Per: time.Minute}, within: 13 * time.Minute},
		"60 a minute, for three nodes":                 {customers: 150, nodes: 3, limit: config.RateLimit{Requests: 60, Per: time.Minute}, within: 16 * time.Minute},
		"100 a minute, for two syncs":                  {customers: 75, syncs: 2, limit: config.RateLimit{Requests: 100, Per: time.Minute}, within: 8 * time.Minute},
		"2 a second":                                   {customers: 100, limit: config.RateLimit{Requests: 2, Per: time.Second}, within: 5 * time.Minute},
		"429 beyond ten calls a second":                {customers: 300, most: 10, within: 200 * time.Second},
		"429 beyond five calls a second":               {customers: 120, most: 5, within: 175 * time.Second},
		"429 and Retry-After":                          {customers: 300, most: 10, after: time.Second, within: 200 * time.Second},
		"429 beyond a hundred calls a second":          {customers: 1000, most: 100, within: 80 * time.Second},
		"429 beyond ten calls a second, for two nodes": {customers: 300, nodes: 2, most: 10, within: 265 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				db := oracle.New(time.Now)
				crm := &slow{tool: &tool{now: time.Now, records: map[string]*record{}, times: true}, most: tt.most, after: tt.after}
				billing := &tool{now: time.Now, records: map[string]*record{}}
				var events []store.NewEvent
				for sync := range max(tt.syncs, 1) {
					for n := range tt.customers {
						id := fmt.Sprintf("cus_%d_%d", sync, n)
						billing.records[id] = &record{value: "canceled", keys: keysOf(id)}
						crm.records["rec_"+id] = &record{keys: keysOf(id), editedAt: time.Now().Add(-time.Hour)}
						events = append(events, store.NewEvent{Connection: "billing", Sync: fmt.Sprint("sync_", sync), Side: store.SourceSide, ID: "evt_" + id, Customer: id, OccurredAt: time.Now()})
					}
				}
				if _, err := db.Receive(ctx, events); err != nil {
					t.Fatal(err)
				}
				var running sync.WaitGroup
				for range max(tt.nodes, 1) {
					o := Options{Store: db}
					own := crm
					if tt.limit.Requests > 0 {
						own = &slow{tool: crm.tool, gate: ratelimit.New(ratelimit.Options{Slots: db, Connection: "crm", Requests: tt.limit.Requests, Per: tt.limit.Per})}
						o.Gap = map[string]time.Duration{"crm": tt.limit.Per / time.Duration(tt.limit.Requests)}
						o.Ahead = func(ctx context.Context, connection string) (time.Duration, error) {
							if connection != "crm" {
								return 0, nil
							}
							return own.gate.Ahead(ctx)
						}
					}
					for sync := range max(tt.syncs, 1) {
						c := config.Sync{Name: fmt.Sprint("sync_", sync), Mode: config.ModeLive, MinConfidence: 0.8, FirstContact: config.SourceWins,
							Match:    []config.MatchRule{{Source: "email", Target: "email", Confidence: 0.9}},
							Statuses: map[status.Status]config.StatusMap{"churned": {From: []string{"canceled"}, To: "Churned"}}}
						o.Syncs = append(o.Syncs, Sync{Config: c, From: connector.Connection{Name: "billing", Source: source{billing}},
							To: connector.Connection{Name: "crm", Target: own}})
					}
					p := New(o)
					running.Go(func() { p.Run(ctx, ctx) })
				}
				carried := func() (n int) {
					for id := range crm.records {
						if crm.value(id) == "Churned" {
							n++
						}
					}
					return n
				}
				began := time.Now()
				for carried() < len(events) && time.Since(began) < tt.within {
					time.Sleep(time.Second)
				}
				took := time.Since(began)
				cancel()
				running.Wait()
				if n := carried(); n < len(events) {
					t.Errorf("after %s %d of %d were carried", took, n, len(events))
				} else {
					t.Logf("all were carried after %s, with %d calls of which %d were cut off", took, crm.calls, crm.cuts)
				}
			})
		})
	}
}
