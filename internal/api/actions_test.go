package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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
		for i := range 3 { // each gets the first answer
			if done := w.act(1, retry, "Idempotency-Key", "k1"); !done[0].Changed {
				w.Errorf("time %d: it is not changed", i+1)
			}
		}
		if h := w.history(1); len(h) != 1 {
			w.Errorf("it is noted as %v", h)
		}
		// The same key for another exception, by another token or for somebody
		// else is another request, and is done.
		if done := w.act(2, retry, "Idempotency-Key", "k1"); !done[0].Changed {
			w.Error("another exception")
		}
		w.act(1, `{"verb":"retry","as":"ana"}`, "Idempotency-Key", "k1")
		var acted api.Acted
		w.ask(store.Admin, "POST", "/exceptions/1/actions", retry, "Idempotency-Key", "k1").ok(&acted)
		if h := w.history(1); len(h) != 3 {
			w.Errorf("it is noted as %v", h)
		}
		// What changed nothing the first time changes nothing when the world has moved on.
		w.act(1, `{"verb":"acknowledge"}`)
		for range 2 {
			if w.act(1, `{"verb":"acknowledge"}`, "Idempotency-Key", "k2")[0].Changed {
				w.Error("it was acknowledged already")
			}
			w.act(1, `{"verb":"resolve"}`)
			w.act(1, `{"verb":"reopen"}`)
		}
		// Without a key a retry is a retry, and what is so already is no change.
		if !w.act(1, retry)[0].Changed || !w.act(1, `{"verb":"acknowledge"}`)[0].Changed || w.act(1, `{"verb":"acknowledge"}`)[0].Changed {
			w.Error("without a key")
		}
	})
}

func TestAKeyThatIsGivenToAnotherRequestIsRefused(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Conflict, "cus_1")
		w.act(1, `{"verb":"assign","owner":"ana@example.com"}`, "Idempotency-Key", "k1")
		for _, body := range []string{`{"verb":"retry"}`, `{"verb":"assign","owner":"ben@example.com"}`, `{"verb":"keep"}`} {
			p := w.ask(store.Operator, "POST", "/exceptions/1/actions", body, "Idempotency-Key", "k1").refused(409)
			if !strings.Contains(p.Detail, "its key was given to another request") || p.Hint == "" {
				w.Errorf("%s: %+v", body, p)
			}
		}
		if h := w.history(1); len(h) != 1 {
			w.Errorf("it is noted as %v", h)
		}
	})
}

func TestADecisionOnWhatIsNotSoAnyMoreIsRefusedWithWhatChanged(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Conflict, "cus_1")
		for body, says := range map[string]string{
			`{"verb":"apply","saw":"Active","saw_source":"canceled"}`: `the source says "paused", not "canceled"`,
			`{"verb":"keep","saw_source":"canceled"}`:                 `the source says "paused", not "canceled"`,
			`{"verb":"apply","saw":"Lead","saw_source":"paused"}`:     `the target holds "Active", not "Lead"`,
		} {
			if p := w.ask(store.Operator, "POST", "/exceptions/1/actions", body).refused(409); !strings.Contains(p.Detail, says) {
				w.Errorf("%s: %+v", body, p)
			}
		}
		if h := w.history(1); len(h) != 0 {
			w.Errorf("it is noted as %v", h)
		}
		w.act(1, `{"verb":"apply","saw":"Active","saw_source":"paused"}`)
	})
}

func TestNothingIsDecidedToBeWrittenWhereASyncOnlyWatches(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Conflict, "cus_1")
		w.watch()
		p := w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"apply","saw":"Active","saw_source":"paused"}`).refused(409)
		if !strings.Contains(p.Detail, "is in mode: watch") || !strings.Contains(p.Hint, "set mode: live") {
			w.Errorf("%+v", p)
		}
		if c, err := w.db.Customer(w.Context(), flow, "cus_1"); err != nil || c.Ruling.Kind != "" {
			w.Errorf("decided was %+v, %v", c.Ruling, err)
		}
		w.act(1, `{"verb":"keep"}`)
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
			for _, d := range w.act(1, `{"verb":"acknowledge","group":true}`, "Idempotency-Key", fmt.Sprint("k", i)) {
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

// A key counts for each exception of a group, and the group is what is open when
// a request comes.
func TestAGroupRequestSentTwiceIsOneForEachException(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.UnmappedStatus, "cus_1", "cus_2")
		const retry = `{"verb":"retry","group":true}`
		w.act(1, retry, "Idempotency-Key", "k1")
		w.park(status.UnmappedStatus, "cus_3")
		done := w.act(1, retry, "Idempotency-Key", "k1")
		for _, d := range done {
			if noted := w.history(d.Exception.ID); len(noted) != 1 {
				w.Errorf("of %s is noted: %v", d.Exception.Customer, noted)
			}
		}
		if len(done) != 3 {
			w.Errorf("the second time it is about %+v", done)
		}
	})
}

// A group in which some are refused tells what became of each.
func TestWhatBecameOfEachOfAGroupIsTold(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.WriteFailed, "cus_1", "cus_2")
		_, err := w.db.OpenException(w.Context(), store.NewException{Sync: flow, Customer: "cus_3", Kind: status.WriteFailed, Stage: status.StageWrite, Cause: "write_failed"})
		w.must(err) // of a customer whom nobody has seen yet
		done := w.act(1, `{"verb":"retry","group":true}`)
		if len(done) != 3 || done[0].Refused == nil || done[0].Changed || done[0].Exception.Customer != "cus_3" || !strings.Contains(done[0].Refused.Detail, "not known yet") {
			w.Fatalf("%+v", done)
		}
		for _, d := range done[1:] {
			if !d.Changed || d.Refused != nil {
				w.Errorf("%+v", d)
			}
		}
		if len(w.history(1)) != 1 || len(w.history(2)) != 1 {
			w.Error("the others are not noted")
		}
		w.ask(store.Operator, "POST", "/exceptions/3/actions", `{"verb":"retry"}`).refused(409)
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"rematch","group":true}`).refused(409) // none of them
	})
}

func TestALargeGroupIsActedOnInSteps(t *testing.T) {
	onBothEngines(t, func(w *world) {
		const all = 2*exceptions.GroupLimit + 1
		for n := range all {
			_, err := w.db.OpenException(w.Context(), store.NewException{Sync: flow, Customer: fmt.Sprint("cus_", n), Kind: status.Unmatched, Stage: status.StageMatch, Cause: "one"})
			w.must(err)
		}
		changed, steps := 0, 0
		for before := int64(0); ; {
			var acted api.Acted
			w.ask(store.Operator, "POST", "/exceptions/1/actions", fmt.Sprintf(`{"verb":"acknowledge","group":true,"before":%d}`, before)).ok(&acted)
			steps++
			for _, d := range acted.Done {
				if d.Changed {
					changed++
				}
			}
			if before = acted.More; before == 0 {
				break
			}
		}
		if changed != all || steps != 3 {
			w.Errorf("%d are changed in %d steps", changed, steps)
		}
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"acknowledge","before":7}`).refused(422)
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

func TestARecordThatShowsAnothersKeyIsLinkedOnlyByForce(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1")
		p := w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"link","target_id":"rec_anas"}`).refused(409)
		if !strings.Contains(p.Detail, "cus_ana") || !strings.Contains(p.Hint, "force: true") {
			w.Errorf("%+v", p)
		}
		if p := w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_1", `{"target_id":"rec_anas"}`).refused(409); !strings.Contains(p.Hint, "force: true") {
			w.Errorf("%+v", p)
		}
		if _, err := w.db.Link(w.Context(), flow, "cus_1"); !errors.Is(err, store.ErrNotFound) {
			w.Errorf("what was refused has linked it: %v", err)
		}
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"retry","force":true}`).refused(422)
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"link","target_id":"rec_9","group":true}`).refused(409)
		if !w.act(1, `{"verb":"link","target_id":"rec_anas","force":true}`)[0].Changed {
			w.Error("by force it is not linked")
		}
		w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_2", `{"target_id":"rec_anas","force":true}`).refused(409) // linked by now
		w.ask(store.Operator, "DELETE", "/links/"+flow+"/cus_1", "").ok(nil)
		w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_1", `{"target_id":"rec_anas","force":true}`).ok(nil)
	})
}

func TestARepeatedLinkGetsTheFirstAnswerAlsoWhenTheRecordHasGone(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1")
		const link = `{"verb":"link","target_id":"rec_9"}`
		if !w.act(1, link, "Idempotency-Key", "k")[0].Changed {
			w.Error("it is not linked")
		}
		w.must(w.db.RemoveLink(w.Context(), flow, "cus_1", "ben"))
		w.gone = append(w.gone, "rec_9")
		if !w.act(1, link, "Idempotency-Key", "k")[0].Changed {
			w.Error("sent once more it is answered otherwise")
		}
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"link","target_id":"rec_9","force":true}`, "Idempotency-Key", "k").refused(409)
		w.ask(store.Operator, "POST", "/exceptions/1/actions", link, "Idempotency-Key", "another").refused(409)
		if _, err := w.db.Link(w.Context(), flow, "cus_1"); !errors.Is(err, store.ErrNotFound) {
			w.Errorf("a repeated request has linked it again: %v", err)
		}
	})
}
