package pipeline

import (
	"context"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
)

// A sync that may not be carried leaves its events waiting, and a plan's row as
// well; when it may again nothing is lost.
func TestWhatMayNotBeCarriedWaits(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "Active")
	why := "another account"
	w.p.Barred = func(context.Context, string) (string, error) { return why, nil }
	w.deliver(w.change("cus_1", "paused"))
	w.work()
	if got := w.ended("cus_1"); len(got) != 1 || got[0] != "" {
		t.Errorf("its event ended as %q", got)
	}
	if c := w.carryRow(w.planned("Active", "Paused")); c.Stop == nil || c.Stop.Error() != why {
		t.Errorf("a plan's row came to %+v", c)
	}
	if len(w.crm.writes) > 0 {
		t.Errorf("written: %v", w.crm.writes)
	}
	why = ""
	w.finish()
	if got := w.ended("cus_1"); len(got) != 1 || got[0] == "" || got[0] == status.Ignored {
		t.Errorf("afterwards it ended as %q", got)
	}
}
