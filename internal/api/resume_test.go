package api_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// halt lets one customer move and halts the sync for all others that are named.
func (w *world) halt(customers ...string) {
	w.Helper()
	for _, c := range customers {
		w.receive(event("evt_"+c, c))
	}
	works, err := w.db.Claim(w.Context(), flow, 1000, time.Minute)
	w.must(err)
	limit := store.Limits{MassChange: &store.MassChange{Customers: 1, Within: time.Hour, Exception: func(store.Halt) store.NewException {
		return store.NewException{Sync: flow, Kind: status.MassChange, Stage: status.StageWrite, Reason: reason.Text("too many"), Owner: "ops@example.com", Confidence: 1}
	}}}
	for i := range works {
		_, err := w.db.BeginWrite(w.Context(), &works[i], store.Intent{RecordID: "rec", Value: "Paused"}, limit)
		var halted *store.HaltedError
		if err != nil && !errors.As(err, &halted) {
			w.Fatal(err)
		}
		s := store.Settlement{Outcome: status.Applied}
		if halted != nil {
			s = store.Settlement{Outcome: status.Parked, Halted: true}
		}
		w.must(w.db.Settle(w.Context(), &works[i], s))
	}
}

func (w *world) resume(body string, header ...string) (r contract.Resumed) {
	w.Helper()
	w.ask(store.Operator, "POST", "/syncs/"+flow+"/resume", body, header...).ok(&r)
	return r
}

func TestAHaltedSyncIsResumedWithAReason(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.halt("cus_1", "cus_2", "cus_3")
		stands := func() *contract.Halt {
			var one contract.Sync
			w.ask(store.Viewer, "GET", "/syncs/"+flow, "").ok(&one)
			return one.Halted
		}
		if h := stands(); h == nil || h.WaitingCustomers != 2 || h.Since == nil {
			w.Errorf("it stands at %+v", h)
		}
		for body, want := range map[string]int{`{}`: 422, `{"reason":""}`: 422, `{"reason":"  "}`: 409} {
			w.ask(store.Operator, "POST", "/syncs/"+flow+"/resume", body).refused(want)
		}
		w.ask(store.Operator, "POST", "/syncs/nope/resume", `{"reason":"x"}`).refused(404)
		p := w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"resume"}`).refused(409)
		if !strings.Contains(p.Hint, "/syncs/"+flow+"/resume") {
			w.Errorf("%+v", p)
		}
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"resolve"}`).refused(409)

		var open contract.ExceptionInFull
		w.ask(store.Viewer, "GET", "/exceptions/1", "").ok(&open)
		if len(open.Offers) == 0 || open.Offers[0].Verb != "resume" {
			w.Errorf("what is offered is %+v", open.Offers)
		}

		const body = `{"reason":"checked with billing","as":"Ana B."}`
		if r := w.resume(body, "Idempotency-Key", "k"); !r.Changed || r.LetThrough != 2 || r.Sync != flow {
			w.Errorf("%+v", r)
		}
		if h := stands(); h != nil {
			w.Errorf("resumed, it stands at %+v", h)
		}
		if h := w.history(1); len(h) != 1 || h[0] != "Ana B. via api:the-operator resume 2 let through: checked with billing" {
			w.Errorf("it is noted as %q", h)
		}
		var x contract.ExceptionInFull
		w.ask(store.Viewer, "GET", "/exceptions/1", "").ok(&x)
		if x.State != status.Resolved || x.Customer != "" || len(x.Offers) != 0 {
			w.Errorf("%+v", x)
		}
		w.halt("cus_8", "cus_9") // and those that were let through
		if r := w.resume(body, "Idempotency-Key", "k"); r.Changed || stands() == nil {
			w.Errorf("the same request once more: %+v", r)
		}
		if r := w.resume(body); !r.Changed || r.LetThrough != 1 {
			w.Errorf("another request: %+v", r)
		}
		if r := w.resume(body); r.Changed {
			w.Errorf("of a sync that is not halted: %+v", r)
		}
	})
}
