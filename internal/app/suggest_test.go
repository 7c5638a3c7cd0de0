package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
	"github.com/trueup-sync/trueup/internal/suggest"
)

// tool knows every customer, counts how often it is asked, and does then, if
// there is something to do.
type tool struct {
	reads int
	then  func() error
}

func (s *tool) Read(ctx context.Context, id string) (status.SourceRecord, error) {
	s.reads++
	return status.SourceRecord{ID: id, Keys: map[string]string{"name": "Ana Ruiz"}}, ctx.Err()
}

func (s *tool) List(ctx context.Context, _ string) ([]status.TargetRecord, string, error) {
	if s.then != nil {
		return nil, "", s.then()
	}
	return nil, "", ctx.Err()
}

func looking(t *testing.T, customers int) (*suggester, *tool) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for n := range customers {
		if _, err := db.OpenException(t.Context(), store.NewException{Sync: "s", Customer: fmt.Sprint("cus_", n), Kind: status.Unmatched, Stage: status.StageMatch}); err != nil {
			t.Fatal(err)
		}
	}
	both := &tool{}
	return &suggester{db, slog.New(slog.DiscardHandler), suggest.Suggester{Store: db, Sync: "s", Most: suggestMost,
		Source: connector.Connection{Source: both}, Target: connector.Connection{TargetList: both}}}, both
}

// free reports whether a node could look now, if it had not looked for a while.
func (s *suggester) free(t *testing.T) bool {
	t.Helper()
	_, _, ok, err := s.db.TakeTurn(t.Context(), store.Turn{Kind: store.CandidatesTurn, Name: s.Sync}, 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestOneLookIsForSoManyCustomersAndNoMore(t *testing.T) {
	t.Parallel()
	s, both := looking(t, suggestMost+10)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if both.reads != suggestMost {
		t.Errorf("%d customers were read in one look", both.reads)
	}
	if err := s.run(t.Context()); err != nil || both.reads != suggestMost {
		t.Errorf("it looked again at once: %d were read, %v", both.reads, err)
	}
}

// The service is stopped in the middle of a look: the next one need not wait.
func TestALookThatAStopEndsIsAnotherNodes(t *testing.T) {
	t.Parallel()
	s, both := looking(t, 3)
	ctx, stop := context.WithCancel(t.Context())
	both.then = func() error { stop(); return ctx.Err() }
	if err := s.run(ctx); err != nil {
		t.Errorf("a stop is no fault: %v", err)
	}
	both.then = nil
	if err := s.run(t.Context()); err != nil || both.reads != 6 {
		t.Errorf("the next look read %d in all, %v", both.reads, err)
	}
}

func TestAFailedLookIsNotMadeAgainAtOnceAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s, both := looking(t, 3)
	both.then = func() error { return errors.New("the tool is busy") }
	if err := s.run(t.Context()); err == nil {
		t.Error("the fault is not told")
	}
	if err := s.run(t.Context()); err != nil || both.reads != 3 {
		t.Errorf("it looked again at once: %d were read, %v", both.reads, err)
	}
	if !s.free(t) {
		t.Error("its lease is kept")
	}
}

// Nobody else may look while one may still be looking.
func TestTheLeaseOutlastsTheLook(t *testing.T) {
	t.Parallel()
	if suggestLease <= suggestTime {
		t.Errorf("a lease of %s is over before a look of %s", suggestLease, suggestTime)
	}
}
