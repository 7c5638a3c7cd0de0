package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"trueup/internal/api"
	"trueup/internal/contract"
	"trueup/internal/status"
	"trueup/internal/store"
)

// act does something about an exception as an operator.
func (w *world) act(id int64, body string, header ...string) []api.ActedOn {
	w.Helper()
	var acted api.Acted
	w.ask(store.Operator, "POST", fmt.Sprintf("/exceptions/%d/actions", id), body, header...).ok(&acted)
	return acted.Done
}

// history is who did what about an exception.
func (w *world) history(id int64) []string {
	w.Helper()
	var x contract.ExceptionInFull
	w.ask(store.Viewer, "GET", fmt.Sprint("/exceptions/", id), "").ok(&x)
	var all []string
	for _, a := range x.History {
		all = append(all, strings.TrimSpace(a.Who+" "+a.Verb+" "+a.Note))
	}
	return all
}

func TestWhatEachVerbDoesIsNotedWithWhoDidIt(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Conflict, "cus_1")
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		for _, tt := range []struct{ body, want string }{
			{`{"verb":"acknowledge"}`, "api:the-operator acknowledge"},
			{`{"verb":"assign","owner":"ben@example.com"}`, "api:the-operator assign to ben@example.com"},
			{`{"verb":"keep","until":"` + until + `","as":"Ana B."}`, "Ana B. via api:the-operator keep Active until " + until},
			{`{"verb":"apply","saw":"Active"}`, "api:the-operator apply over Active"},
			{`{"verb":"retry"}`, "api:the-operator retry"},
			{`{"verb":"ignore","ignored":"always"}`, "api:the-operator ignore for ever"},
			{`{"verb":"resolve"}`, "api:the-operator resolve"},
		} {
			if done := w.act(1, tt.body); len(done) != 1 || !done[0].Changed || done[0].Exception.ID != 1 {
				w.Errorf("%s: %+v", tt.body, done)
			}
			if h := w.history(1); h[len(h)-1] != tt.want {
				w.Errorf("%s is noted as %q", tt.body, h[len(h)-1])
			}
		}
		if done := w.act(1, `{"verb":"reopen"}`); done[0].Exception.State != status.Open {
			w.Errorf("%+v", done)
		}
	})
}

func TestARequestSentTwiceWithOneKeyIsDoneOnce(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Conflict, "cus_1", "cus_2")
		const retry = `{"verb":"retry"}`
		for i, want := range []bool{true, false, false} {
			if done := w.act(1, retry, "Idempotency-Key", "k1"); done[0].Changed != want {
				w.Errorf("time %d: changed is %t", i+1, done[0].Changed)
			}
		}
		if h := w.history(1); len(h) != 1 {
			w.Errorf("it is noted as %v", h)
		}
		// The same key for anything else is another request, and is done.
		if done := w.act(2, retry, "Idempotency-Key", "k1"); !done[0].Changed {
			w.Error("another exception")
		}
		if done := w.act(1, `{"verb":"retry","as":"ana"}`, "Idempotency-Key", "k1"); !done[0].Changed {
			w.Error("another body")
		}
		var acted api.Acted
		w.ask(store.Admin, "POST", "/exceptions/1/actions", retry, "Idempotency-Key", "k1").ok(&acted)
		if !acted.Done[0].Changed {
			w.Error("another token")
		}
		// Without a key a retry is a retry, and what is so already is no change.
		if !w.act(1, retry)[0].Changed || !w.act(1, `{"verb":"acknowledge"}`)[0].Changed || w.act(1, `{"verb":"acknowledge"}`)[0].Changed {
			w.Error("without a key")
		}
	})
}

func TestAGroupIsActedOnAsOne(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.UnmappedStatus, numbered("cus_%d", 4)...)
		w.act(2, `{"verb":"resolve"}`)
		var x contract.ExceptionInFull
		w.ask(store.Viewer, "GET", "/exceptions/1", "").ok(&x)
		if x.Siblings != 2 || x.Cause != "unmapped_status" || len(x.Offers) < 2 || x.Offers[0].Verb != "map" || x.Offers[1].Verb != "retry" {
			w.Errorf("%+v", x)
		}
		for i, want := range []int{3, 0} {
			changed := 0
			for _, d := range w.act(1, `{"verb":"acknowledge","group":true}`, "Idempotency-Key", "k") {
				if d.Changed {
					changed++
				}
			}
			if changed != want {
				w.Errorf("time %d: %d are changed", i+1, changed)
			}
		}
	})
}

func TestARecordOfAnotherCustomerIsRefusedWithWhatToDo(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1")
		w.must(w.db.SetLink(w.Context(), store.Link{Sync: flow, Customer: "cus_2", TargetID: "rec_7", By: "ana"}))
		p := w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"link","target_id":"rec_7"}`).refused(409)
		if !strings.Contains(p.Detail, "cus_2") || !strings.Contains(p.Hint, "cus_2") {
			w.Errorf("%+v", p)
		}
		if h := w.history(1); len(h) != 0 {
			w.Errorf("it is noted as %v", h)
		}
	})
}
