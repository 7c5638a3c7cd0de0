package compare

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"trueup/internal/connector"
	"trueup/internal/status"
	"trueup/internal/store"
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
		if !strings.Contains(log.String(), "record=dirty") || !strings.Contains(log.String(), "record.status: the value is a list") {
			t.Errorf("the log says %s", log.String())
		}
	})
}

// A customer who is missing in the list of such a source would look gone.
func TestARecordThatIsSetAsideEndsTheListOfASourceThatCannotBeAsked(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer("a", "active", "Active")
		w.sync.From.SourceList, w.sync.From.Source = soiled{biller{w.billing}}, nil
		_, err := Run(t.Context(), w.options(store.ForPlan))
		if err == nil || !strings.Contains(err.Error(), "record dirty of billing cannot be read (record.status: the value is a list), and there is no read") {
			t.Errorf("it ends with %v", err)
		}
	})
}
