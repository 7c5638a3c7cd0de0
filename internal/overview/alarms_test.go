package overview

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestEachAlarmIsOnWhileWhatItSaysIsSo(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx, began := t.Context(), clock.Now()
		alarms := func(want ...status.Alarm) {
			t.Helper()
			found, err := Alarms(ctx, db, cfg)
			must(t, err)
			var got []status.Alarm
			for _, a := range found {
				got = append(got, a.Alarm)
				if a.Sync != "s" || a.Text == "" || a.Remedy.Does == "" {
					t.Errorf("it says %+v", a)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("on are: %s", diff)
			}
		}
		at := func(d time.Duration) { clock.Move(began.Add(d).Sub(clock.Now())) }
		alarms()
		// An event that nobody works on makes the queue old.
		_, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_1", Customer: "cus_1"}})
		must(t, err)
		at(14 * time.Minute)
		alarms()
		at(16 * time.Minute)
		alarms(status.AlarmQueueOld)
		// A pause holds up the queue on purpose.
		_, _, err = db.PauseSync(ctx, "s", "ana@example.com", "an import")
		must(t, err)
		alarms(status.AlarmPaused)
		_, err = db.Resume(ctx, store.Resume{Sync: "s", Who: "ana@example.com", Reason: "done"})
		must(t, err)
		_, err = db.BeginSilence(ctx, "s", clock.Now(), time.Hour)
		must(t, err)
		_, err = db.OpenException(ctx, store.NewException{Sync: "s", Kind: status.ConnectionFailed, Stage: status.StageReceive, Reason: reason.Text("billing answers 500")})
		must(t, err)
		alarms(status.AlarmSilent, status.AlarmConnectionFailed, status.AlarmQueueOld)
		at(77 * time.Minute)
		alarms(status.AlarmSilent, status.AlarmConnectionFailed, status.AlarmQueueOld, status.AlarmOverdue)
		s, err := Status(ctx, db, cfg)
		must(t, err)
		if len(s.Alarms) != 4 || s.Alarms[1].Text != "billing answers 500" || !s.Alarms[3].Since.Equal(began.Add(76*time.Minute)) {
			t.Errorf("the status has %+v", s.Alarms)
		}
		// Polled events are no webhooks; one that is sent is.
		_, err = db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_2", Customer: "cus_1", Listed: true}})
		must(t, err)
		alarms(status.AlarmSilent, status.AlarmConnectionFailed, status.AlarmQueueOld, status.AlarmOverdue)
		_, err = db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_3", Customer: "cus_1"}})
		must(t, err)
		_, err = db.CloseExceptions(ctx, "s", "", status.ConnectionFailed, "")
		must(t, err)
		alarms(status.AlarmQueueOld)
		// Who wants to wait longer says so.
		patient := *cfg
		patient.Alarms = config.Alarms{QueueOlderThan: 2 * time.Hour}
		if found, err := Alarms(ctx, db, &patient); err != nil || len(found) != 0 {
			t.Errorf("on are %+v, %v", found, err)
		}
	})
}
