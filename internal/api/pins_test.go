package api_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A pin is set, replaced, shown and ended under its customer.
func TestACustomerIsPinnedAndUnpinned(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, odd)
		path := "/customers/" + flow + "/" + url.PathEscape(odd)
		w.ask(store.Viewer, "GET", path+"/pin", "").refused(404)
		w.ask(store.Operator, "PUT", path+"/pin", `{"reason":" "}`).refused(409)
		w.ask(store.Operator, "PUT", path+"/pin", `{"reason":"x","until":"2020-01-01T00:00:00Z"}`).refused(422)
		w.ask(store.Operator, "PUT", "/customers/nope/cus_1/pin", `{"reason":"x"}`).refused(404)
		var done contract.PinnedCustomer
		w.ask(store.Operator, "PUT", path+"/pin", `{"reason":"the contract is disputed","until":"2199-12-31T00:00:00Z","as":"ana@example.com"}`).ok(&done)
		if !done.Changed || !done.Known || done.Replaced != nil || done.Pin.By != "ana@example.com via api:the-operator" || !done.Pin.Until.Equal(time.Date(2199, 12, 31, 0, 0, 0, 0, time.UTC)) {
			w.Errorf("it came to %+v with %+v", done, done.Pin)
		}
		w.ask(store.Operator, "PUT", path+"/pin", `{"reason":"in court"}`).ok(&done)
		if done.Replaced == nil || done.Replaced.Reason != "the contract is disputed" || done.Pin.Until != nil {
			w.Errorf("pinned again it came to %+v", done)
		}
		var all struct{ Items []contract.PinLine }
		w.ask(store.Viewer, "GET", "/pins", "").ok(&all)
		if len(all.Items) != 1 || all.Items[0].Customer != odd || all.Items[0].Reason != "in court" {
			w.Errorf("the pins are %+v", all.Items)
		}
		var c contract.Customer
		w.ask(store.Viewer, "GET", path, "").ok(&c)
		if c.Pin == nil || c.Pin.Reason != "in court" {
			w.Errorf("the customer shows the pin %+v", c.Pin)
		}
		var lines struct{ Items []contract.CustomerLine }
		w.ask(store.Viewer, "GET", "/customers?sync="+flow, "").ok(&lines)
		if len(lines.Items) != 1 || lines.Items[0].Pin == nil {
			w.Errorf("the list shows %+v", lines.Items)
		}
		var s contract.Sync
		w.ask(store.Viewer, "GET", "/syncs/"+flow, "").ok(&s)
		if s.Pinned == nil || s.Pinned.Customers != 1 || s.Pinned.NextEnd != nil {
			w.Errorf("the sync shows %+v", s.Pinned)
		}
		var gone contract.UnpinnedCustomer
		w.ask(store.Operator, "DELETE", path+"/pin", "").ok(&gone)
		if !gone.Changed || gone.Ended.Reason != "in court" {
			w.Errorf("unpinned it came to %+v", gone)
		}
		w.ask(store.Operator, "DELETE", path+"/pin", "").ok(&gone)
		if gone.Changed {
			w.Error("unpinned again it changed something")
		}
	})
}
