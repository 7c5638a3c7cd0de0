package app_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
)

// What was changed in the file, when, and under which file a decision was made, can
// be said afterwards.
func TestEachConfigurationThatIsUsedIsNotedWithWhatItChanged(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.customer(1)
			l.customer(2)
			l.change(1, "evt_1", "active")
			l.until("the first is carried", func() bool { return l.outcome(1) == status.Applied })
			l.must(l.reload("to: Paused", "to: On hold"))
			l.change(2, "evt_2", "active")
			l.until("the second is carried", func() bool { return l.outcome(2) == status.Applied })
			readings, err := l.db.ConfigReadings(t.Context(), 10)
			if err != nil || len(readings) != 2 {
				t.Fatalf("noted are %+v, %v", readings, err)
			}
			want := []contract.SettingChange{{Path: "syncs.customer-status.statuses.paused.to", From: "Paused", To: "On hold"}}
			if diff := cmp.Diff(want, contract.ConfigReadingsOf(readings, nil)[0].Changes); diff != "" {
				t.Error(diff)
			}
			for customer, digest := range map[string]string{"cus_1": readings[1].Digest, "cus_2": readings[0].Digest} {
				history, err := l.db.History(t.Context(), "customer-status", customer, 10)
				if err != nil || len(history) != 1 || history[0].Config != digest {
					t.Errorf("%s was decided under %+v, %v, not %s", customer, history, err, digest)
				}
			}
		})
	}
}
