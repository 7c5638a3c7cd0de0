package api_test

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestWhatWasDoneByTheAPIIsListedWithItsTokenAndPerson(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1", odd)
		w.ask(store.Operator, "POST", "/syncs/"+flow+"/pause", `{"reason":"importing contacts","as":"ana@example.com"}`).ok(nil)
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"ignore","group":true}`).ok(nil)
		var all api.List[contract.Activity]
		w.ask(store.Viewer, "GET", "/activity?about=mode", "").ok(&all)
		if len(all.Items) != 1 {
			w.Fatalf("it lists %+v", all.Items)
		}
		a := all.Items[0]
		if a.Way != store.ByAPI || !strings.HasPrefix(a.Who, "api:") || a.For != "ana@example.com" || a.ForName != "Ana" || a.WhoName != strings.TrimPrefix(a.Who, "api:") || a.Text != "Paused "+flow || a.Reason != "importing contacts" || a.Code != reason.ActPaused || a.About != reason.AboutMode {
			w.Errorf("it lists %+v", a)
		}
		for query, want := range map[string]int{"who=ana@example.com": 1, "who=" + strings.TrimPrefix(a.Who, "api:"): 2, "sync=" + flow + "&about=exceptions": 1, "since=2199-01-01T00:00:00Z": 0, "who=nobody": 0} {
			w.ask(store.Viewer, "GET", "/activity?"+query, "").ok(&all)
			if len(all.Items) != want {
				w.Errorf("%s lists %+v", query, all.Items)
			}
		}
		w.ask(store.Viewer, "GET", "/activity?limit=1", "").ok(&all)
		if len(all.Items) != 1 || all.Next == nil || all.Items[0].About != reason.AboutExceptions {
			w.Fatalf("the first page is %+v", all)
		}
		w.ask(store.Viewer, "GET", "/activity?limit=1&cursor="+*all.Next, "").ok(&all)
		if len(all.Items) != 1 || all.Items[0].About != reason.AboutMode {
			w.Errorf("the second page is %+v", all)
		}
		w.ask(store.Viewer, "GET", "/activity?about=nothing", "").refused(422)
		w.ask(store.Viewer, "GET", "/activity?sync=nope", "").refused(422)
	})
}
