package exceptions

import (
	"context"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// group is an exception in a group of which five are open.
type group struct{ x store.Exception }

func (g group) Exception(context.Context, int64) (store.Exception, error) { return g.x, nil }

func (g group) GroupState(_ context.Context, sync string, kind status.Kind, cause string, some int) (store.GroupState, error) {
	if sync != g.x.Sync || kind != g.x.Kind || cause != g.x.Cause || some > 0 {
		return store.GroupState{}, nil
	}
	return store.GroupState{Open: 5, Ignored: 2, Resolved: 7}, nil
}

func (g group) Actions(context.Context, int64) ([]store.Action, error) { return nil, nil }

// However large its group, an exception is shown without reading the others.
func TestTheOpenOthersOfAGroupAreCounted(t *testing.T) {
	for state, want := range map[status.State]int{status.Open: 4, status.Acknowledged: 4, status.Resolved: 5, status.StateIgnored: 5} {
		x := store.Exception{}
		x.ID, x.Sync, x.Kind, x.Cause, x.State = 1, "customer-status", status.UnmappedStatus, "gold", state
		full, err := InFull(t.Context(), group{x}, 1)
		if err != nil || full.Siblings != want {
			t.Errorf("one that is %s has %d open siblings, %v", state, full.Siblings, err)
		}
	}
}
