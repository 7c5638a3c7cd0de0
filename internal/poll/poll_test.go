package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/oracle"
)

// billing lists one change an answer, and keeps each caller waiting for takes.
type billing struct {
	mu    sync.Mutex
	asked []time.Time
	takes time.Duration
	pages int
	// circle: the cursors are a, b, a, b and so on, and there is always more.
	circle bool
}

func (b *billing) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	b.mu.Lock()
	b.asked = append(b.asked, time.Now())
	n := len(b.asked)
	b.mu.Unlock()
	select {
	case <-time.After(b.takes):
	case <-ctx.Done():
		return nil, "", false, ctx.Err()
	}
	e := status.Event{ID: fmt.Sprint("evt_", n), Customer: "cus_1", Payload: []byte("{}")}
	if b.circle {
		return []connector.Reading{{Event: e}}, string("ab"[n%2]), true, nil
	}
	return []connector.Reading{{Event: e}}, fmt.Sprint(n), n < b.pages, nil
}

// faulty is a store whose named calls fail as often as it says.
type faulty struct {
	*oracle.DB
	fails map[string]int
}

var errDown = errors.New("the database is down")

func (f *faulty) fail(call string) error {
	if f.fails[call] == 0 {
		return nil
	}
	f.fails[call]--
	return errDown
}

func (f *faulty) SavePage(ctx context.Context, connection string, fence int64, cursor string, done bool, p store.Page) error {
	if err := f.fail("save"); err != nil {
		return err
	}
	return f.DB.SavePage(ctx, connection, fence, cursor, done, p)
}

func (f *faulty) CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (int, error) {
	if err := f.fail("close"); err != nil {
		return 0, err
	}
	return f.DB.CloseExceptions(ctx, sync, customer, kind, lastAction)
}

func (f *faulty) Receive(ctx context.Context, events []store.NewEvent) ([]store.Arrival, error) {
	if err := f.fail("receive"); err != nil {
		return nil, err
	}
	return f.DB.Receive(ctx, events)
}

func node(db *faulty, b *billing, every time.Duration) *Poller {
	log := slog.New(slog.DiscardHandler)
	in := inbox.New(inbox.Options{Store: db, Log: log, Received: func(...string) {},
		Connections: map[string]inbox.Endpoint{"billing": {Routes: []inbox.Route{{Sync: "customer-status", Side: store.SourceSide}}}}})
	return &Poller{Connection: "billing", Every: every, Changes: b, Store: db, Inbox: in, Log: log, Syncs: []config.Sync{{Name: "customer-status"}}}
}

func newStore(fails map[string]int) *faulty { return &faulty{oracle.New(time.Now), fails} }

func TestWhatWasMissedIsAskedForAtTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		every time.Duration
		// before is what happened until the node starts.
		before func(t *testing.T, db *faulty)
	}{
		"when nobody else asks": {},
		"when a crashed node's lease is left": {before: func(t *testing.T, db *faulty) {
			leased(t, db)
		}},
		"when a crashed node's lease is left, long before the next turn": {every: 6 * time.Hour, before: func(t *testing.T, db *faulty) {
			leased(t, db)
		}},
		"when another node asked just before, for what came in between": {every: 6 * time.Hour, before: func(t *testing.T, db *faulty) {
			if err := db.SaveTurn(t.Context(), store.ChangesOf("billing"), leased(t, db), "1", true); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, b := newStore(nil), &billing{}
				if test.before != nil {
					test.before(t, db)
				}
				ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
				defer stop()
				node(db, b, test.every).Run(ctx)
				if len(b.asked) != 1 {
					t.Errorf("it was asked %d times in five minutes, not once", len(b.asked))
				}
				if (ctx.Err() == nil) != (test.every == AtStart) {
					t.Errorf("asking ended, or went on, that should not: %v", ctx.Err())
				}
			})
		})
	}
}

// leased is what a node leaves that crashes while it asks.
func leased(t *testing.T, db *faulty) (fence int64) {
	_, fence, ok, err := db.TakeTurn(t.Context(), store.ChangesOf("billing"), 0, 2*answerTime)
	if err != nil || !ok {
		t.Fatalf("lease: %t, %v", ok, err)
	}
	return fence
}

// The second of two nodes that start together asks as well: what the first got
// may be from before, and it may crash before it has stored it.
func TestTwoNodesThatStartTogetherAskOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := newStore(nil), &billing{takes: 10 * time.Second}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		var nodes sync.WaitGroup
		for range 2 {
			nodes.Go(func() { node(db, b, AtStart).Run(ctx) })
		}
		nodes.Wait()
		if ctx.Err() != nil || len(b.asked) != 2 {
			t.Fatalf("they asked %d times; %v", len(b.asked), ctx.Err())
		}
		if gap := b.asked[1].Sub(b.asked[0]); gap < b.takes {
			t.Errorf("the second asked while the first one's answer was on its way, after %s", gap)
		}
	})
}

// After the start the nodes share the interval.
func TestTwoNodesDoNotAskTwiceAsOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := newStore(nil), &billing{}
		// It ends between two turns: at one, either node could begin it.
		ctx, stop := context.WithTimeout(t.Context(), time.Hour-time.Second)
		defer stop()
		var nodes sync.WaitGroup
		for range 2 {
			nodes.Go(func() { node(db, b, 5*time.Minute).Run(ctx) })
		}
		nodes.Wait()
		if got := len(b.asked); got != 2+11 {
			t.Errorf("two nodes asked %d times in an hour, every five minutes and each at its start", got)
		}
	})
}

// An answer that a node lost its lease for was not asked for: it goes on.
func TestAListThatTakesLongerThanTheLeaseIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := newStore(nil), &billing{takes: 40 * time.Second, pages: 7}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		node(db, b, AtStart).Run(ctx)
		if len(b.asked) < b.pages || ctx.Err() != nil {
			t.Errorf("%d of %d answers were read; %v", len(b.asked), b.pages, ctx.Err())
		}
	})
}

func TestAfterEveryFaultTheNextAttemptNeedNotWaitForTheLease(t *testing.T) {
	for _, call := range []string{"save", "receive", "close"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, b := newStore(map[string]int{call: 1}), &billing{}
				p := node(db, b, AtStart)
				if _, err := p.Ask(t.Context(), AtStart); !errors.Is(err, errDown) {
					t.Fatalf("the fault is not told: %v", err)
				}
				if asked, err := p.Ask(t.Context(), AtStart); err != nil || !asked {
					t.Errorf("at once after it: %t, %v", asked, err)
				}
				if len(b.asked) != 2 {
					t.Errorf("it was asked %d times", len(b.asked))
				}
			})
		})
	}
}

// A sweep may have found the target closed: asking the source says nothing of that.
func TestAskingClosesOnlyWhatAskingHasOpened(t *testing.T) {
	for action, want := range map[string]status.State{"compared both sides": status.Open, asking: status.Resolved} {
		db := newStore(nil)
		id, err := db.OpenException(t.Context(), store.NewException{Sync: "customer-status", Kind: status.ConnectionFailed, Stage: status.StageReceive, LastAction: action})
		if err != nil {
			t.Fatal(err)
		}
		if asked, err := node(db, &billing{}, AtStart).Ask(t.Context(), 0); !asked || err != nil {
			t.Fatal(asked, err)
		}
		if x, err := db.Exception(t.Context(), id); err != nil || x.State != want {
			t.Errorf("what was opened by %q is %s, %v", action, x.State, err)
		}
	}
}

func TestChangesThatRunInACircleAreAFaultAndNotReadForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := newStore(nil), &billing{takes: time.Second, circle: true}
		ctx, stop := context.WithTimeout(t.Context(), 25*time.Second)
		defer stop()
		node(db, b, AtStart).Run(ctx)
		if len(b.asked) > 10 {
			t.Errorf("it was asked %d times in %s", len(b.asked), 25*time.Second)
		}
		open, err := db.Exceptions(t.Context(), store.ExceptionFilter{Sync: "customer-status"})
		if err != nil || len(open) != 1 || open[0].Kind != status.ConnectionFailed || !strings.Contains(open[0].Reason.Sentence(), "would never end") {
			t.Errorf("people are told %+v, %v", open, err)
		}
	})
}

// dated lists one change more each time, dated as it says.
type dated struct {
	n     int
	dates []time.Time
}

func (d *dated) Since(context.Context, string) ([]connector.Reading, string, bool, error) {
	d.n++
	e := status.Event{ID: fmt.Sprint("evt_", d.n), Customer: "cus_1", OccurredAt: d.dates[d.n-1], Payload: []byte("{}")}
	return []connector.Reading{{Event: e}}, fmt.Sprint(d.n), false, nil
}

func TestTheDateOfTheNewestChangeIsTold(t *testing.T) {
	behind := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	p := node(newStore(nil), nil, time.Minute)
	p.Changes = &dated{dates: []time.Time{behind.Add(-time.Hour), behind, {}}}
	var told []time.Time
	p.Listed = func(_ context.Context, connection string, newest time.Time) error {
		told = append(told, newest)
		return nil
	}
	for range 3 {
		if asked, err := p.Ask(t.Context(), AtStart); err != nil || !asked {
			t.Fatal(asked, err)
		}
	}
	if len(told) != 1 || !told[0].Equal(behind) {
		t.Errorf("told %v, want only the change that had a date, and not what the first asking brought", told)
	}
}

// relisted gives what it has at each asking, as a list does that looks again just before its
// position.
type relisted struct{ at []time.Time }

func (r *relisted) Since(_ context.Context, cursor string) (found []connector.Reading, next string, more bool, err error) {
	for _, at := range r.at {
		found = append(found, connector.Reading{Event: status.Event{ID: fmt.Sprint("evt_", at.UnixMilli()), Customer: "cus_1", OccurredAt: at, Payload: []byte("{}")}})
	}
	if cursor == "" {
		found = nil // the first time nothing is new
	}
	return found, r.at[len(r.at)-1].Format(time.RFC3339Nano), false, nil
}

// Place is a moment before the newest, as after a list that took that long to read.
func (r *relisted) Place(cursor string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, cursor) // zero for none
	return at.Add(-time.Second)
}

// The second asking of a quiet tool stores what the first one only saw. That is no change,
// and says nothing about the tool's clock.
func TestWhatWasThereAtTheFirstAskingIsNotToldAsTheNewestChange(t *testing.T) {
	long := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	list := &relisted{at: []time.Time{long}}
	p := node(newStore(nil), nil, time.Minute)
	p.Changes = list
	var told []time.Time
	p.Listed = func(_ context.Context, _ string, newest time.Time) error {
		told = append(told, newest)
		return nil
	}
	for _, at := range []time.Time{long, long, long.Add(time.Hour)} {
		if !at.Equal(long) {
			list.at = append(list.at, at)
		}
		if asked, err := p.Ask(t.Context(), AtStart); err != nil || !asked {
			t.Fatal(asked, err)
		}
	}
	if len(told) != 1 || !told[0].Equal(long.Add(time.Hour)) {
		t.Errorf("told %v, want only the change of an hour later", told)
	}
}

// What a poll brings had not changed when the one before began.
func TestAPollTellsUntilWhenItsCustomersWereUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := newStore(nil), &billing{takes: 10 * time.Second}
		p := node(db, b, time.Minute)
		began := time.Now()
		for range 2 {
			if asked, err := p.Ask(t.Context(), 0); !asked || err != nil {
				t.Fatal(asked, err)
			}
			time.Sleep(time.Minute)
		}
		found, err := db.Events(t.Context(), store.EventFilter{Sync: "customer-status"})
		if err != nil || len(found) != 2 {
			t.Fatal(found, err)
		}
		if at := found[1].UnchangedAt; !at.IsZero() {
			t.Errorf("the first poll says that they were unchanged at %s", at)
		}
		if at := found[0].UnchangedAt; !at.Equal(began.Add(-copied)) {
			t.Errorf("the second says that they were unchanged at %s; the first began at %s", at, began)
		}
	})
}

func TestAPingHasTheSourceAskedOnceForManyPings(t *testing.T) {
	for name, every := range map[string]time.Duration{"without poll": AtStart, "with a long poll": 6 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, b := newStore(nil), &billing{}
				p := node(db, b, every)
				p.Pinged = make(chan struct{}, 1)
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { p.Run(ctx); close(done) }()
				synctest.Wait()
				if len(b.asked) != 1 {
					t.Fatalf("asked %d times at the start", len(b.asked))
				}
				for range 2 {
					before := len(b.asked)
					for range 100 {
						p.Ping()
						synctest.Wait()
						time.Sleep(gather / 101) // the bubble's clock
					}
					time.Sleep(gather + time.Second)
					synctest.Wait()
					if got := len(b.asked) - before; got != 1 {
						t.Errorf("a hundred pings had it asked %d times", got)
					}
				}
				stop()
				<-done
			})
		})
	}
}
