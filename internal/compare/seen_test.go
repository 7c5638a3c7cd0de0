package compare

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Once a comparison has seen what the source says, an event that says the same
// is no change, and a person's edit in the target stays.
func TestAnEventThatChangesNothingDoesNotWriteOverAPerson(t *testing.T) {
	for _, purpose := range []store.Purpose{store.ForPlan, store.ForSweep} {
		t.Run(string(purpose), func(t *testing.T) {
			on(t, func(t *testing.T, w *world) {
				w.sync.Config.FirstContact = config.Ask
				w.customer("a", "active", "Active")
				w.pass(time.Hour)
				w.crm.set("rec_a", "Churned")
				w.pass(time.Hour)
				w.goLive()
				w.compare(purpose)
				w.pass(time.Hour)
				for range 3 { // the customer's name is corrected, again and again
					w.change("a", "active", true)
					w.work()
					w.pass(time.Hour)
				}
				if got := w.crm.records["rec_a"].value; got != "Churned" {
					t.Fatalf("the target holds %q", got)
				}
				open, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{Sync: syncName, Customer: "a", States: []status.State{status.Open}})
				if err != nil || len(open) != 1 || open[0].Kind != status.FirstContact {
					t.Errorf("open are %+v, %v", open, err)
				}
				w.change("a", "paused", true) // and now the status
				w.work()
				if got := w.crm.records["rec_a"].value; got != "Paused" {
					t.Errorf("after a change the target holds %q", got)
				}
			})
		})
	}
}
