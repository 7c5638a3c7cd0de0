package replay

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

func TestTheExceptionClosesWhenASecondReplayReadsTheRest(t *testing.T) {
	f := newFixture(t, "event.customer")
	f.unreadable("unreadable:1", `{"events":[{"id":"e1","customer":"c1","status":"active"},{"id":"e2","client":"c2","status":"active"}]}`)
	f.do(1, "a") // reads e1; e2 has no customer under this name
	if f.open() != 1 {
		t.Fatal("the exception closed, and one event was not read yet")
	}
	f.configure("has(event.customer) ? event.customer : event.client")
	f.do(1, "b")
	if f.open() != 0 {
		t.Error("all was read, and the exception is open")
	}
	f.do(3, "c") // the row that events list --outcome parked shows
	if f.open() != 0 {
		t.Error("the row itself was replayed, and the exception is open")
	}
}

func TestAnEventOfAnotherConnectionIsNotReplayed(t *testing.T) {
	f := newFixture(t, "event.customer")
	e := store.NewEvent{Connection: "old-billing", Sync: flow, Side: store.SourceSide, ID: "o1", Customer: "17", Value: "active", HasValue: true, Payload: []byte(`{"customer":"17","status":"active"}`), Outcome: "applied"}
	if _, err := f.db.Receive(f.Context(), []store.NewEvent{e}); err != nil {
		t.Fatal(err)
	}
	if s := f.do(1, "a"); s[0].Replays {
		t.Errorf("replayed: %+v", s[0])
	}
}

func TestAFilterCountsForASingleNumberToo(t *testing.T) {
	f := newFixture(t, "event.customer")
	f.unreadable("unreadable:1", `{}`)
	f.unreadable("unreadable:2", `{}`)
	for _, spans := range [][]Span{{{1, 2}}, {{1, 1}, {2, 2}}} {
		n := 0
		if _, err := f.Walk(t.Context(), spans, store.EventFilter{Connection: "crm"}, func(int64) error { n++; return nil }); err != nil || n > 0 {
			t.Errorf("%v: %d events of another connection, %v", spans, n, err)
		}
	}
}
