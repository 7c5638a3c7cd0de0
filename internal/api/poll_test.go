package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestASyncSaysHowFarItsSourcesListIsRead(t *testing.T) {
	onBothEngines(t, func(w *world) {
		from := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
		for range 2 {
			_, fence, _, err := w.db.TakeTurn(w.Context(), store.ChangesOf("billing"), 0, time.Minute)
			w.must(err)
			w.must(w.db.SavePage(w.Context(), "billing", fence, "c", false, store.Page{Records: 100, Changes: 2, From: from}))
			w.must(w.db.StopPoll(w.Context(), "billing", fence, "rate_limited", time.Minute))
		}
		var one contract.Sync
		w.ask(store.Viewer, "GET", "/syncs/"+flow, "").ok(&one)
		if one.Poll == nil || one.Poll.Reading == nil || one.Poll.Reading.Began == nil || one.Poll.Stopped == nil {
			w.Fatalf("%+v", one.Poll)
		}
		if s := one.Poll.Stopped; s.Until.Sub(*s.At) != time.Minute {
			w.Errorf("it goes on %s after it stopped", s.Until.Sub(*s.At))
		}
		want := &contract.Poll{From: &from, Reading: &contract.Listing{Began: one.Poll.Reading.Began, Pages: 2, Records: 200, Changes: 4},
			Stopped: &contract.PollStopped{By: "rate_limited", At: one.Poll.Stopped.At, Until: one.Poll.Stopped.Until}}
		if diff := cmp.Diff(want, one.Poll); diff != "" {
			w.Error(diff)
		}
	})
}
