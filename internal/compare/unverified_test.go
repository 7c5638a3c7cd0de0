package compare

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// A comparison looks at the target. Who was "accepted, not verified" agrees if the
// value is seen there, which a sweep has the path verify, and does not if it is not.
func TestAComparisonCountsWhatIsSeenAndNotWhatTheTargetHasAccepted(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.goLive()
		w.sync.To.Knows.Unverified = true
		before := w.clock()
		w.settled("shown", "hidden")
		w.pass(time.Hour)
		w.change("shown", "paused", true)
		w.change("hidden", "paused", true)
		w.work()
		stands := func() (agree, unverified int) {
			t.Helper()
			s, err := w.db.SyncStanding(t.Context(), syncName, store.Rules{})
			if err != nil {
				t.Fatal(err)
			}
			return s.Agree, s.Unverified
		}
		if agree, unverified := stands(); agree != 2 || unverified != 2 {
			t.Fatalf("%d agree, %d of them by the target's word", agree, unverified)
		}
		hidden := w.crm.records["rec_hidden"]
		hidden.value, hidden.at = "Active", before // what it has accepted is stored elsewhere, or later
		w.crm.records["rec_hidden"] = hidden
		w.pass(time.Hour)
		for _, purpose := range []store.Purpose{store.ForPlan, store.ForSweep} {
			if s := w.compare(purpose).Summary; s.Agree != 1 || s.Held != 1 || s.Carried() != 2 {
				t.Errorf("a %s counts %+v", purpose, s)
			}
		}
		w.work()
		w.pass(time.Minute) // an answer that looks old is believed by then
		w.work()
		if agree, unverified := stands(); agree != 1 || unverified != 0 {
			t.Errorf("after the sweep %d agree, %d of them by the target's word", agree, unverified)
		}
	})
}
