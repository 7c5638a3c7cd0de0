package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const flow = "customer-status"

// fixture is a database whose source cannot be asked, and whose configuration
// can be mended.
type fixture struct {
	*testing.T
	db *store.DB
	Replayer
	ticks atomic.Int64
}

// tick is a clock that no two looks find at the same time.
func (f *fixture) tick() time.Time {
	return began.Add(time.Duration(f.ticks.Add(1)) * time.Millisecond)
}

var began = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func newFixture(t *testing.T, customer string) *fixture {
	t.Helper()
	f := &fixture{T: t}
	var err error
	f.db, err = store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Now: f.tick})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.db.Close(); err != nil {
			t.Error(err)
		}
	})
	f.configure(customer)
	return f
}

// configure opens the source anew; customer is where an event has the customer.
func (f *fixture) configure(customer string) {
	f.Helper()
	c, err := httpconn.Open("billing", config.Connection{Name: "billing", BaseURL: "http://127.0.0.1:1", Timeout: time.Second}, &httpconn.Settings{
		Webhook: &httpconn.Webhook{Verify: httpconn.Verify{None: true}, Events: "body.events", ID: "event.id", Customer: customer, Status: "event.status"},
		Record:  httpconn.Record{ID: customer, Status: "event.status"},
	}, connector.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	sync := config.Sync{Name: flow, Statuses: map[status.Status]config.StatusMap{"active": {From: []string{"active"}, To: "Active"}}, Ignore: []string{"draft"}}
	sync.Source.Connection, sync.Target.Connection = "billing", "crm"
	f.Replayer = Replayer{Store: f.db, Syncs: map[string]config.Sync{flow: sync}, Receivers: map[string]connector.Receiver{"billing": c.Receiver},
		Sources: map[string]connector.Connection{flow: c}}
}

// unreadable stores what could not be read, as the inbox does.
func (f *fixture) unreadable(id, payload string) {
	f.Helper()
	e := store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: id, Payload: []byte(payload), Outcome: status.Parked, Reason: reason.Text("it cannot be read")}
	e.Exception = &store.NewException{Sync: flow, Kind: status.UnreadableEvent, Stage: status.StageReceive}
	if _, err := f.db.Receive(f.Context(), []store.NewEvent{e}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) do(seq int64, nonce string) []Step {
	f.Helper()
	steps, err := f.Do(f.Context(), seq, Request{Who: "ana", Nonce: nonce})
	if err != nil {
		f.Fatal(err)
	}
	return steps
}

func (f *fixture) open() int {
	f.Helper()
	found, err := f.db.Exceptions(f.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		f.Fatal(err)
	}
	return len(found)
}

func TestWhatCouldNotBeReadIsReadWithTheReaderOfNow(t *testing.T) {
	f := newFixture(t, "event.client")
	f.unreadable("unreadable:1", `{"events":[{"id":"e1","customer":"c1","status":"active"},{"id":"e2","customer":"c2","status":"paused"}]}`)
	f.unreadable("e3", `{"id":"e3","customer":"c3","status":"active"}`) // one event out of a body
	if steps := f.do(1, "a"); steps[0].Replays || !strings.Contains(steps[0].Does, "still cannot be read") {
		t.Errorf("before it was mended: %+v", steps)
	}
	f.configure("event.customer")
	steps, err := f.Preview(t.Context(), 1)
	if err != nil || len(steps) != 2 || steps[0].Customer != "c1" || steps[0].Target != "Active" || steps[1].Status != "" || !strings.Contains(steps[1].Does, "paused") {
		t.Errorf("it would do %+v, %v", steps, err)
	}
	f.do(1, "a")
	if f.open() != 1 {
		t.Error("the exception closed, and one event was not read yet")
	}
	f.do(2, "a")
	if f.open() != 0 {
		t.Error("the exception is open, and all was read")
	}
	works, err := f.db.Claim(t.Context(), flow, 10, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var due []string
	for _, w := range works {
		for _, e := range w.Events {
			due = append(due, fmt.Sprint(w.Customer, " ", e.ID, " ", e.Value, " of ", e.ReplayOf, " by ", e.ReplayedBy))
		}
	}
	want := []string{"c1 e1#replay-a active of 1 by ana", "c2 e2#replay-a paused of 1 by ana", "c3 e3#replay-a active of 2 by ana"}
	if !slices.Equal(due, want) {
		t.Errorf("due are %q", due)
	}
}

func TestOfABodyThatIsReadInPartTheRestIsKept(t *testing.T) {
	f := newFixture(t, "event.client")
	f.unreadable("unreadable:1", `{"events":[{"id":"e1","customer":"c1","status":"active"},{"id":"e2","status":"active"}]}`)
	f.configure("event.customer")
	f.do(1, "a")
	found, err := f.db.Events(t.Context(), store.EventFilter{Outcome: status.Parked})
	if err != nil || len(found) != 2 || string(found[0].Payload) != `{"id":"e2","status":"active"}` {
		t.Errorf("parked are %+v, %v", found, err)
	}
	if f.open() != 1 {
		t.Error("the exception closed, and an event cannot be read")
	}
}

func TestAReplayIsNoRepeatAndARepeatedKeyIs(t *testing.T) {
	f := newFixture(t, "event.customer")
	e := store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: "e1", Customer: "c1", Value: "active", HasValue: true,
		Payload: []byte(`{"id":"e1","customer":"c1","status":"active"}`), Outcome: status.Ignored}
	if _, err := f.db.Receive(t.Context(), []store.NewEvent{e}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ key, done string }{{"k", "stored"}, {"k", "repeated"}, {"l", "stored"}, {"", "stored"}, {"", "stored"}} {
		if steps := f.do(1, Nonce(tt.key)); steps[0].Done != tt.done {
			t.Errorf("key %q: %s", tt.key, steps[0].Done)
		}
	}
	// One that names a replay means its original.
	if steps := f.do(2, Nonce("k")); steps[0].Done != "repeated" {
		t.Errorf("the replay of a replay is %s", steps[0].Done)
	}
	var walked []int64
	if _, err := f.Walk(t.Context(), nil, store.EventFilter{Customer: "c1"}, func(seq int64) error { walked = append(walked, seq); return nil }); err != nil || !slices.Equal(walked, []int64{1}) {
		t.Errorf("a walk meets %v, %v", walked, err)
	}
}

func TestALongRangeIsWalkedThroughOnce(t *testing.T) {
	f := newFixture(t, "event.customer")
	var all []store.NewEvent
	for i := range 2*page + 7 {
		all = append(all, store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: fmt.Sprint("e", i), Customer: fmt.Sprint("c", i%3),
			Payload: []byte(`{"id":"e","customer":"c","status":"active"}`), Outcome: status.Ignored})
	}
	if _, err := f.db.Receive(context.Background(), all); err != nil {
		t.Fatal(err)
	}
	next := int64(3)
	_, err := f.Walk(t.Context(), []Span{{3, 10_000}}, store.EventFilter{}, func(seq int64) error {
		if seq != next {
			t.Fatalf("after %d comes %d", next-1, seq)
		}
		next++
		_, err := f.Do(t.Context(), seq, Request{Who: "ana", Nonce: "n"})
		return err
	})
	if err != nil || next != int64(len(all))+1 {
		t.Errorf("the walk ended before %d, %v", next, err)
	}
}

func TestAnEventThatAFilterIgnoredIsReadAgain(t *testing.T) {
	f := newFixture(t, "event.customer")
	e := store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: "e", Outcome: status.Ignored, Payload: []byte(`{"id":"e","customer":"c","status":"active"}`)}
	if _, err := f.db.Receive(t.Context(), []store.NewEvent{e}); err != nil {
		t.Fatal(err)
	}
	steps := f.do(1, "n")
	if len(steps) != 1 || !steps[0].Replays || steps[0].Customer != "c" {
		t.Errorf("%+v", steps)
	}
}

func TestWhatCannotBeReplayedSaysWhy(t *testing.T) {
	f := newFixture(t, "event.customer")
	base := store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, Outcome: status.Ignored, Payload: []byte(`{"id":"e","customer":"c","status":"active"}`)}
	for i, tt := range []struct {
		change func(*store.NewEvent)
		says   string
	}{
		{func(e *store.NewEvent) { e.Customer, e.Outcome = "c1", "" }, "waiting"},
		{func(e *store.NewEvent) { e.Customer = "forgotten-abc" }, "forgotten"},
		{func(e *store.NewEvent) { e.Customer, e.Sync = "c1", "gone" }, "no longer in the configuration"},
		{func(e *store.NewEvent) { e.Payload = []byte(`{"id":"e"}`) }, "not about a customer"},
		{func(e *store.NewEvent) { e.Customer, e.Payload = "c1", nil }, "payload was deleted"},
		{func(e *store.NewEvent) { e.Customer, e.Payload = "c1", []byte("{") }, "payload cannot be read"},
		{func(e *store.NewEvent) { e.Outcome, e.Payload = status.Parked, nil }, "payload was deleted"},
		{func(e *store.NewEvent) {
			e.Customer, e.Side, e.Outcome, e.Connection = "c1", store.TargetSide, status.Held, "crm"
		}, "no longer linked to a record"},
	} {
		e := base
		e.ID = fmt.Sprint("e", i)
		tt.change(&e)
		if _, err := f.db.Receive(t.Context(), []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
		steps := f.do(int64(i+1), "n")
		if len(steps) != 1 || steps[0].Replays || !strings.Contains(steps[0].Does, tt.says) {
			t.Errorf("%d: %+v", i, steps)
		}
	}
}
