package compare

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestAListThatRunsInACircleIsAFaultAlsoAfterAResume(t *testing.T) {
	for _, purpose := range []store.Purpose{store.ForPlan, store.ForSweep} {
		for _, resumed := range []bool{false, true} {
			on(t, func(t *testing.T, w *world) {
				everyKind(w)
				w.crm.circle = true
				w.crm.fail = func(call, _ string) error {
					if call == "list" && len(w.crm.lists) > 50 {
						return errors.New("it would be read for ever")
					}
					return nil
				}
				if resumed {
					ctx, cancel := context.WithCancel(t.Context())
					o := w.options(purpose)
					o.Progress = func(p Progress) {
						if p.Phase == store.PhaseTarget && p.Done > 6 {
							cancel()
						}
					}
					if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
						t.Fatalf("it was not stopped: %v", err)
					}
					w.crm.lists = nil
				}
				_, err := Run(t.Context(), w.options(purpose))
				var f *connector.Failure
				if !errors.As(err, &f) || f.Kind != connector.Misconfigured || !strings.Contains(f.Detail, "would never end") {
					t.Errorf("after %d pages: %v", len(w.crm.lists), err)
				}
				if _, err := w.db.SweepUnderWay(t.Context(), syncName, purpose); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("it is gone on with: %v", err)
				}
			})
		}
	}
}
