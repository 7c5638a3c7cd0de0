package app

import (
	"fmt"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// A poller may be unable to ask for changes while the lists of a comparison are
// answered: neither closes what the other has opened.
func TestASweepClosesOnlyWhatASweepHasOpened(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &sweeper{db: db, sync: pipeline.Sync{Config: config.Sync{Name: "customer-status"}}}
	id, err := db.OpenException(t.Context(), store.NewException{Sync: "customer-status", Kind: status.ConnectionFailed, Stage: status.StageReceive, LastAction: "asked for changes"})
	if err != nil {
		t.Fatal(err)
	}
	refused := fmt.Errorf("list: %w", &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Status: 401, Detail: "no"})
	for _, step := range []struct {
		failed error
		want   status.State
	}{{nil, status.Open}, {refused, status.Open}, {nil, status.Open}} {
		if err := s.report(t.Context(), step.failed); err != nil {
			t.Fatal(err)
		}
		if x, err := db.Exception(t.Context(), id); err != nil || x.State != step.want {
			t.Errorf("after a sweep that ended with %v it is %s, %v", step.failed, x.State, err)
		}
	}
	if _, err := db.CloseExceptions(t.Context(), "customer-status", "", status.ConnectionFailed, "asked for changes"); err != nil {
		t.Fatal(err)
	}
	if x, err := db.Exception(t.Context(), id); err != nil || x.State != status.Resolved {
		t.Errorf("after both work again it is %s, %v", x.State, err)
	}
}
