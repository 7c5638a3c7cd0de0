package compare

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// Where nobody tells of an edit in the target, a comparison sees what people
// did about a customer whom the path would have written.
func TestAComparisonSeesWhatPeopleDidWhereASyncOnlyWatches(t *testing.T) {
	for _, purpose := range []store.Purpose{store.ForPlan, store.ForSweep} {
		t.Run(string(purpose), func(t *testing.T) {
			on(t, func(t *testing.T, w *world) {
				w.sync.Config.Mode = config.ModeWatch
				for _, id := range []string{"same", "otherwise", "waits", "back"} {
					w.customer(id, "active", "Active")
					w.change(id, "paused", true)
				}
				w.customer("never told of", "paused", "Active")
				w.work()
				w.pass(2 * time.Hour)
				w.crm.set("rec_same", "Paused")
				w.crm.set("rec_otherwise", "Churned")
				w.change("back", "active", false)
				w.pass(time.Hour)
				o := w.options(purpose)
				o.Repair = false // as for a sync that only watches
				if _, err := Run(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				got, err := w.db.Watching(t.Context(), syncName, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				want := store.Watching{Customers: 4, Median: 2 * time.Hour, Changes: []store.WatchedChange{{Before: "Active", After: "Paused",
					ByVerdict: map[store.Verdict]int{store.DidTheSame: 1, store.DidOtherwise: 1, store.NotYet: 1, store.SourceChanged: 1}}}}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestTheModeIsStoredWithSinceWhen(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		since := func() time.Time {
			t.Helper()
			modes, err := w.db.Modes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return modes[syncName].Since
		}
		set := func(live bool) {
			t.Helper()
			if err := w.db.SetMode(t.Context(), syncName, live); err != nil {
				t.Fatal(err)
			}
		}
		set(false)
		watched := w.clock()
		w.pass(time.Hour)
		set(false) // as each start does
		if got := since(); !got.Equal(watched) {
			t.Errorf("it watches since %s", got)
		}
		set(true)
		if got := since(); !got.Equal(w.clock()) {
			t.Errorf("it is live since %s", got)
		}
	})
}
