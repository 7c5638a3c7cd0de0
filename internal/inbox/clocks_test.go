package inbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// forgetful stores nothing the first time.
type forgetful struct {
	Store
	failed bool
}

func (s *forgetful) Receive(ctx context.Context, events []store.NewEvent) ([]store.Arrival, error) {
	if !s.failed {
		s.failed = true
		return nil, errors.New("the disk is full")
	}
	return s.Store.Receive(ctx, events)
}

func TestAClockThatIsAheadIsSaidThoughTheFirstTryWasNotStored(t *testing.T) {
	f := newFixture(t)
	f.inbox.Options.Store = &forgetful{Store: f.inbox.Options.Store}
	e := status.Event{ID: "e", Customer: "1", Value: "active", HasValue: true, OccurredAt: time.Now().Add(time.Hour), Payload: []byte("{}")}
	if _, _, err := f.inbox.Store(t.Context(), "billing", []connector.Reading{{Event: e}}); err == nil {
		t.Fatal("the first one is stored")
	}
	if _, _, err := f.inbox.Store(t.Context(), "billing", []connector.Reading{{Event: e}}); err != nil { // the sender tries again
		t.Fatal(err)
	}
	if open, err := f.db.Exceptions(t.Context(), store.ExceptionFilter{}); err != nil || len(open) != 1 {
		t.Errorf("%d exceptions, %v", len(open), err)
	}
}

// A tool that sends local time as UTC dates every change in the future: people
// are notified once, and every change is still stored and synced.
func TestAClockThatIsAheadIsSaidOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		ahead time.Duration
		want  int
	}{
		"an hour ahead":                  {time.Hour, 1},
		"within what clocks may differ":  {4 * time.Minute, 0},
		"behind, as a late event is too": {-time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for n := range 3 {
				e := status.Event{ID: fmt.Sprint("e", n), Customer: "1", Value: "active", HasValue: true, OccurredAt: time.Now().Add(tt.ahead), Payload: []byte("{}")}
				if _, _, err := f.inbox.Store(t.Context(), "billing", []connector.Reading{{Event: e}}); err != nil {
					t.Fatal(err)
				}
			}
			open, err := f.db.Exceptions(t.Context(), store.ExceptionFilter{})
			if err != nil || len(open) != tt.want {
				t.Fatalf("%+v, %v", open, err)
			}
			for _, x := range open {
				if x.Kind != status.ConnectionFailed || x.Count != 1 || !strings.Contains(x.Reason.Sentence(), "dates its changes ahead") {
					t.Errorf("it is %+v", x)
				}
			}
			waiting, err := f.db.Events(t.Context(), store.EventFilter{Waiting: true})
			if err != nil || len(waiting) != 3 {
				t.Errorf("%d events wait, %v", len(waiting), err)
			}
		})
	}
}
