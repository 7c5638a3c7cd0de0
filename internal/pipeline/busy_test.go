package pipeline

import (
	"context"
	"fmt"
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

// shop is syncs from one source to one target, in which customers change.
type shop struct {
	*testing.T
	db      *oracle.DB
	billing *tool
	crm     *slow
	p       *Pipeline
}

// newShop starts them; each customer of each sync has changed.
func newShop(t *testing.T, crm *slow, limit config.RateLimit, syncs map[string]int) *shop {
	s := &shop{T: t, db: oracle.New(time.Now), crm: crm, billing: &tool{now: time.Now, records: map[string]*record{}}}
	crm.tool = &tool{now: time.Now, records: map[string]*record{}, times: true, shows: true}
	o := Options{Store: s.db}
	if limit.Requests > 0 {
		crm.gate = ratelimit.New(ratelimit.Options{Slots: s.db, Connection: "crm", Requests: limit.Requests, Per: limit.Per})
		o.Gap = map[string]time.Duration{"crm": limit.Per / time.Duration(limit.Requests)}
		o.Ahead = func(ctx context.Context, connection string) (time.Duration, error) {
			if connection != "crm" {
				return 0, nil
			}
			return crm.gate.Ahead(ctx)
		}
	}
	for name, customers := range syncs {
		c := config.Sync{Name: name, Mode: config.ModeLive, MinConfidence: 0.8, FirstContact: config.SourceWins,
			Match:    []config.MatchRule{{Source: "email", Target: "email", Confidence: 0.9}},
			Statuses: map[status.Status]config.StatusMap{"churned": {From: []string{"canceled"}, To: "Churned"}, "paused": {From: []string{"paused"}, To: "Paused"}}}
		o.Syncs = append(o.Syncs, Sync{Config: c, From: connector.Connection{Name: "billing", Source: source{s.billing}}, To: connector.Connection{Name: "crm", Target: crm}})
		for n := range customers {
			s.changes(name, fmt.Sprintf("%s_%d", name, n))
		}
	}
	s.p = New(o)
	return s
}

// changes lets a customer who has a record begin, and tells of it.
func (s *shop) changes(sync, id string) {
	s.Helper()
	s.set(s.billing, id, &record{value: "canceled", keys: keysOf(id)})
	s.set(s.crm.tool, "rec_"+id, &record{keys: keysOf(id), editedAt: time.Now().Add(-time.Hour)})
	s.tells(sync, id, "evt_"+id)
}

func (s *shop) set(t *tool, id string, r *record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.records[id] = r
}

func (s *shop) tells(sync, id, event string) {
	s.Helper()
	if _, err := s.db.Receive(s.Context(), []store.NewEvent{{Connection: "billing", Sync: sync, Side: store.SourceSide, ID: event, Customer: id, OccurredAt: time.Now()}}); err != nil {
		s.Fatal(err)
	}
	if s.p != nil {
		s.p.Wake(sync)
	}
}

// during runs the syncs while do does something.
func (s *shop) during(do func()) {
	ctx, cancel := context.WithCancel(s.Context())
	var running sync.WaitGroup
	running.Go(func() { s.p.Run(ctx, ctx) })
	do()
	cancel()
	running.Wait()
}

// until lets time pass until a record holds a value, and returns how long that took.
func (s *shop) until(id, value string) time.Duration {
	s.Helper()
	began := time.Now()
	for s.crm.value("rec_"+id) != value {
		if time.Since(began) > 10*time.Minute {
			s.Fatalf("%s still holds %q", id, s.crm.value("rec_"+id))
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// A target that takes 200 ms a call gets as many calls at a time as it takes: with 16
// customers in progress 1,000 would take 37 seconds. Customers who need no call of it do not
// make it look slow.
func TestASlowTargetGetsMoreAtATime(t *testing.T) {
	for name, needsNoCall := range map[string]func(n int) bool{
		"all customers are alike":       func(int) bool { return false },
		"one in fifty needs no call":    func(n int) bool { return n%50 == 0 },
		"the first twenty need no call": func(n int) bool { return n < 20 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, &slow{takes: 200 * time.Millisecond}, config.RateLimit{}, map[string]int{"customers": 1000})
				for n := range 1000 {
					if needsNoCall(n) {
						id := fmt.Sprint("customers_", n)
						s.set(s.billing, id, &record{value: "a word of its own", keys: keysOf(id)})
					}
				}
				s.during(func() {
					began := time.Now()
					for n := range 1000 {
						if !needsNoCall(n) {
							s.until(fmt.Sprint("customers_", n), "Churned")
						}
					}
					if took := time.Since(began); took > 12*time.Second {
						t.Errorf("1,000 changes took %s, with %d calls at a time", took, s.crm.atOnce)
					}
				})
				if s.crm.atOnce > mostWorkers {
					t.Errorf("there were %d calls at a time", s.crm.atOnce)
				}
			})
		})
	}
}

// Under our own rate limit no customer is claimed long before its calls may be made, and
// the limit is used all the same.
func TestNoCustomerIsClaimedWhoWouldOnlyWait(t *testing.T) {
	for _, limit := range []config.RateLimit{{Requests: 10, Per: time.Second}, {Requests: 100, Per: time.Second}, {Requests: 100, Per: 10 * time.Second}} {
		t.Run(fmt.Sprintf("%d in %s", limit.Requests, limit.Per), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var longest time.Duration
				calls := 0
				crm := &slow{takes: 200 * time.Millisecond, queued: func(waited time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					if calls++; calls > 100 { // it begins with more than that
						longest = max(longest, waited)
					}
				}}
				const customers = 300
				s := newShop(t, crm, limit, map[string]int{"customers": customers})
				s.during(func() {
					began := time.Now()
					for n := range customers {
						s.until(fmt.Sprint("customers_", n), "Churned")
					}
					least := time.Duration(calls) * limit.Per / time.Duration(limit.Requests)
					if took := time.Since(began); took > least*5/4+5*time.Second {
						t.Errorf("%d calls took %s; the limit allows them in %s", calls, took, least)
					}
				})
				if gap := limit.Per / time.Duration(limit.Requests); longest > 2*max(queued, 2*gap)+gap {
					t.Errorf("a call waited %s while its customer was claimed", longest)
				}
			})
		})
	}
}

// A backlog of one sync delays no other sync's change, although both share a rate limit.
func TestABacklogUnderARateLimitDelaysNoOtherSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, &slow{takes: 100 * time.Millisecond}, config.RateLimit{Requests: 10, Per: time.Second}, map[string]int{"backlog": 500, "other": 0})
		s.during(func() {
			time.Sleep(20 * time.Second)
			for n := range 5 {
				id := fmt.Sprint("other_", n)
				s.changes("other", id)
				if took := s.until(id, "Churned"); took > 2*time.Second {
					t.Errorf("the change of %s took %s", id, took)
				}
			}
		})
	})
}

// A target that stops answering gets no more than it got at first.
func TestATargetThatDoesNotAnswerGetsFewerAtATime(t *testing.T) {
	p := &pace{most: mostWorkers, calm: mostWorkers, allowed: firstWorkers}
	s := &speed{}
	succeed := func(times int, took time.Duration) {
		for range times {
			p.succeeded(s.took(took, p.allowed))
		}
	}
	s.took(2*time.Millisecond, 1) // one who needed no call says little
	succeed(400, 100*time.Millisecond)
	if p.allowed != mostWorkers {
		t.Fatalf("%d may be in progress", p.allowed)
	}
	now := time.Now()
	p.silent(now)
	p.silent(now.Add(time.Millisecond)) // was in progress with the first
	if p.allowed != mostWorkers/2 {
		t.Errorf("after one failure %d may be in progress", p.allowed)
	}
	for n := range 10 {
		p.silent(now.Add(time.Duration(n+1) * time.Minute))
	}
	if p.allowed != firstWorkers {
		t.Errorf("after many failures %d may be in progress", p.allowed)
	}
	succeed(firstWorkers, 100*time.Millisecond)
	if p.allowed != firstWorkers+1 {
		t.Errorf("after as many successes %d may be in progress", p.allowed)
	}
	succeed(1000, 400*time.Millisecond)
	if p.allowed > firstWorkers+10 {
		t.Errorf("%d may be in progress although each takes four times as long", p.allowed)
	}
}

// The first of a stream of changes is carried at once; all of a second cost one more look.
func TestAStreamOfChangesCostsALookASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, &slow{}, config.RateLimit{}, map[string]int{"customers": 0})
		s.during(func() {
			time.Sleep(time.Minute)
			s.changes("customers", "cus_1")
			if took := s.until("cus_1", "Churned"); took > 200*time.Millisecond {
				t.Errorf("the first change took %s", took)
			}
			calls := s.crm.calls
			began := time.Now()
			for n := range 300 {
				s.set(s.billing, "cus_1", &record{value: []string{"paused", "canceled"}[n%2], keys: keysOf("cus_1")})
				s.tells("customers", "cus_1", fmt.Sprint("evt_", n))
				time.Sleep(10 * time.Millisecond)
			}
			s.set(s.billing, "cus_1", &record{value: "paused", keys: keysOf("cus_1")})
			s.tells("customers", "cus_1", "evt_last")
			s.until("cus_1", "Paused")
			if looks, took := s.crm.calls-calls, time.Since(began); looks > 2*5 || took > 5*time.Second {
				t.Errorf("300 changes in 3 seconds cost %d calls, and the last was seen after %s", looks, took)
			}
		})
	})
}
