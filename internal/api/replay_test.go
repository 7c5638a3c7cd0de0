package api_test

import (
	"fmt"
	"testing"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestAnEventIsReplayedOnceForAKey(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park("unmatched", "cus_1")
		replay := func(body string, header ...string) (done string) {
			var got api.Replayed
			w.ask(store.Operator, "POST", "/events/1/replay", body, header...).ok(&got)
			if len(got.Steps) != 1 || got.Steps[0].Customer != "cus_1" || !got.Steps[0].Replays {
				w.Fatalf("it came to %+v", got.Steps)
			}
			return got.Steps[0].Done
		}
		if done := replay(`{"dry_run":true}`, "Idempotency-Key", "k"); done != "" {
			w.Errorf("a dry run came to %q", done)
		}
		for i, want := range []string{"stored", "repeated"} {
			if done := replay(`{"as":"ana"}`, "Idempotency-Key", "k"); done != want {
				w.Errorf("request %d came to %q", i+1, done)
			}
		}
		if done := replay(`{}`); done != "stored" {
			w.Errorf("without a key it came to %q", done)
		}
		var list api.List[contract.Event]
		w.ask(store.Viewer, "GET", "/events?customer=cus_1", "").ok(&list)
		if len(list.Items) != 3 || list.Items[1].ReplayOf != 1 || list.Items[1].ReplayedBy != "ana via api:the-operator" || list.Items[2].ReplayOf != 0 {
			w.Errorf("the events are %+v", list.Items)
		}
		w.ask(store.Operator, "POST", "/events/99/replay", `{}`).refused(404)
		// One that waits is carried anyway.
		w.receive(store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: "evt_w", Customer: "cus_2"})
		w.ask(store.Viewer, "GET", "/events?customer=cus_2", "").ok(&list)
		if got := w.ask(store.Operator, "POST", "/events/"+fmt.Sprint(list.Items[0].Seq)+"/replay", `{}`).refused(409); got.Hint == "" {
			w.Errorf("refused with %+v", got)
		}
	})
}
