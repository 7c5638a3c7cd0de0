package compare

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// soiled lists what a biller does, and sets one record aside.
type soiled struct{ biller }

func (s soiled) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	found, next, err := s.biller.List(ctx, cursor)
	if next == "" {
		connector.SetAside(ctx, connector.Aside{ID: "dirty", Problem: "record.status: the value is a list"})
	}
	return found, next, err
}

func TestARecordThatIsSetAsideIsNamedAndTheOthersAreCompared(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer("a", "active", "Active")
		w.customer("b", "paused", "Active")
		w.sync.From.SourceList = soiled{biller{w.billing}}
		var log strings.Builder
		o := w.options(store.ForPlan)
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		got, err := Run(t.Context(), o)
		if err != nil || got.Phase != store.PhaseDone || got.Summary.Agree != 1 || got.Summary.Write != 1 {
			t.Errorf("compared to %+v, %v", got.Summary, err)
		}
		if want := []store.Aside{{Side: store.SourceSide, ID: "dirty", Problem: "record.status: the value is a list"}}; got.SourceAside != 1 || !slices.Equal(got.Asides, want) {
			t.Errorf("set aside are %d, %+v", got.SourceAside, got.Asides)
		}
		if !strings.Contains(log.String(), "record=dirty") || !strings.Contains(log.String(), "record.status: the value is a list") {
			t.Errorf("the log says %s", log.String())
		}
	})
}

// hiding lists what a biller does, and sets the record of one customer aside.
type hiding struct {
	biller
	id string
}

func (h hiding) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	found, next, err := h.biller.List(ctx, cursor)
	left := slices.DeleteFunc(found, func(s status.SourceRecord) bool { return s.ID == h.id })
	if len(left) < len(found) {
		connector.SetAside(ctx, connector.Aside{Problem: "record.id: the text has a tab"})
	}
	return left, next, err
}

func TestNobodyIsSaidToBeGoneBecauseARecordWasSetAside(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.settled("hidden", "fine")
		w.sync.From.SourceList, w.sync.From.Source = hiding{biller{w.billing}, "hidden"}, nil
		plan := w.compare(store.ForPlan)
		if rows := w.rows(plan); len(rows) != 0 || plan.Summary.Agree != 1 || plan.Summary.Carried() != 1 || plan.Drift.DeletedRecord != 0 {
			t.Errorf("compared to %+v, %+v, rows %+v", plan.Summary, plan.Drift, rows)
		}
		want := []store.Aside{{Side: store.SourceSide, Problem: "record.id: the text has a tab"}}
		if kept, err := w.db.LastSweep(t.Context(), plan.Sync, store.ForPlan); err != nil || kept.SourceAside != 1 || kept.TargetAside != 0 || !slices.Equal(kept.Asides, want) {
			t.Errorf("stored are %d, %d, %+v, %v", kept.SourceAside, kept.TargetAside, kept.Asides, err)
		}
		if sweep := w.compare(store.ForSweep); sweep.Repaired != 0 {
			t.Errorf("%d customers are looked at again", sweep.Repaired)
		}
		// Once it can be read again, or is gone, it counts again.
		w.sync.From.SourceList = biller{w.billing}
		if plan := w.compare(store.ForPlan); plan.Summary.Agree != 2 || plan.SourceAside != 0 || len(plan.Asides) != 0 {
			t.Errorf("then it compares to %+v", plan)
		}
	})
}
