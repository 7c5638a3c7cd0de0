package poll

import (
	"context"
	"fmt"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// crowd answers with all changes at once.
type crowd int

func (c crowd) Since(context.Context, string) (all []connector.Reading, next string, more bool, err error) {
	for n := range int(c) {
		all = append(all, connector.Reading{Event: status.Event{ID: fmt.Sprint("evt_", n), Customer: fmt.Sprint("cus_", n), Payload: []byte("{}")}})
	}
	return all, "1", false, nil
}

// once is a store that fails with its second call to receive.
type once struct {
	*faulty
	calls *int
}

func (o once) Receive(ctx context.Context, events []store.NewEvent) ([]store.Arrival, error) {
	if *o.calls++; *o.calls == 2 {
		return nil, errDown
	}
	return o.faulty.Receive(ctx, events)
}

// Stripe answers with an hour of events. Where storing them takes longer than an
// answer may, the next attempt goes on behind what is stored.
func TestWhatIsStoredOfALongAnswerStays(t *testing.T) {
	db, calls := newStore(nil), 0
	p := node(db, nil, 0)
	p.Changes = crowd(2*atOnce + 1)
	p.Inbox = inbox.New(inbox.Options{Store: once{db, &calls}, Log: p.Log, Received: func(...string) {}, Connections: p.Inbox.Connections})
	if _, err := p.Ask(t.Context(), AtStart); err == nil {
		t.Fatal("the second part was stored")
	}
	stored := func() int {
		events, err := db.Events(t.Context(), store.EventFilter{Limit: 3 * atOnce})
		if err != nil {
			t.Fatal(err)
		}
		return len(events)
	}
	if n := stored(); n != atOnce {
		t.Errorf("%d events are stored after the failure, want the first %d", n, atOnce)
	}
	if asked, err := p.Ask(t.Context(), AtStart); !asked || err != nil {
		t.Fatal(asked, err)
	}
	if n := stored(); n != 2*atOnce+1 {
		t.Errorf("%d events are stored in the end", n)
	}
}
