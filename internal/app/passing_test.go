package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// noted is an event that says nothing of a status.
func (h *historian) noted(event string) {
	h.Helper()
	h.hook(fmt.Sprintf(`{"id":"%s_%d","customer":%q,"email":%q,"type":"customer.note_added"}`, event, h.n, h.customer, mail(h.n)))
}

// nothing is the answer to a search that finds nobody.
func nothing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"records":[]}`)
}

// askedTroubles are further histories, of trouble that passes or stays, with a source that is asked for the customer.
var askedTroubles = map[string]history{
	"a gateway answers 404 with a page for a linked record": {
		holds: "Churned", written: []string{paused, churned},
		begin: func(h *historian) {
			calls := h.counted(&h.asked, page(http.StatusNotFound))
			h.tell("evt_2", "canceled", h.state("canceled"))
			h.until("the record was asked for twice", func() bool { return calls.Load() > 1 })
			if open := h.open(); len(open) > 0 {
				h.Errorf("open is %+v", open)
			}
			h.asked.Store(nil)
		}},
	"a gateway answers 404 with a page to a search": {
		new: true, holds: "Churned", written: []string{"→ Churned"},
		begin: func(h *historian) {
			h.crm.Set(resttest.Record{ID: h.record, Email: mail(h.n)})
			calls := h.counted(&h.asked, page(http.StatusNotFound))
			h.tell("evt_1", "canceled", h.state("canceled"))
			h.until("it was searched for twice", func() bool { return calls.Load() > 1 })
			if open := h.open(); len(open) > 0 {
				h.Errorf("open is %+v", open)
			}
			h.asked.Store(nil)
		}},
	"the event comes before the source has the customer": {
		holds: "Churned", written: []string{paused, churned},
		begin: func(h *historian) {
			calls := h.counted(&h.billed, code(http.StatusNotFound))
			h.tell("evt_2", "canceled", h.state("canceled"))
			h.until("the source was asked", func() bool { return calls.Load() > 0 })
			h.billed.Store(nil)
		}},
	"the event comes before the target has the record": {
		new: true, holds: "Paused", written: []string{paused},
		begin: func(h *historian) {
			calls := h.counted(&h.asked, nothing)
			h.tell("evt_1", "paused", h.state("paused"))
			h.until("it was searched for", func() bool { return calls.Load() > 0 })
			h.crm.Set(resttest.Record{ID: h.record, Email: mail(h.n)})
			h.asked.Store(nil)
		}},
	"the target has the record only after people were told": {
		new: true, holds: "Paused", written: []string{paused}, passed: status.Unmatched,
		begin: func(h *historian) {
			var searches atomic.Int32
			late := func(w http.ResponseWriter, r *http.Request) bool {
				told, err := h.db.Exceptions(r.Context(), store.ExceptionFilter{Customer: h.customer, Kind: status.Unmatched})
				if err == nil && len(told) > 0 {
					h.crm.Set(resttest.Record{ID: h.record, Email: mail(h.n)})
					h.asked.Store(nil)
					return false
				}
				if searches.Add(1) == 3 { // the younger the latest event is, the sooner it is looked for again
					if _, err := post(r.Context(), h.app.URL(), h.event("evt_2", "paused", time.Now())); err != nil {
						return false
					}
				}
				nothing(w, r)
				return true
			}
			h.instead(late)
			h.tell("evt_1", "paused", h.state("paused"))
		}},
	"both tools have an address with the same capitals, and the search is exact": {
		new: true, holds: "Paused", written: []string{paused},
		begin: func(h *historian) {
			h.crm.Set(resttest.Record{ID: h.record, Email: "Anna.Berg@Example.com"})
			h.billing.Set(resttest.Record{ID: h.customer, Email: "Anna.Berg@Example.com", Status: "paused"})
			h.tell("evt_1", "paused", time.Now())
		}},
	"the source's status field has another name all at once": {
		holds: "Paused", kind: status.UnmappedStatus, reason: "no longer has a status in billing", written: []string{paused},
		begin: func(h *historian) {
			h.counted(&h.billed, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"id":%q,"email":%q,"state":"canceled"}`, h.customer, mail(h.n))
			})
			h.tell("evt_2", "canceled", time.Now())
		}},
	"another field of the source changes after a person's newer edit, and its event comes first": {
		holds: "Active", kind: status.Conflict, written: []string{paused},
		begin: func(h *historian) {
			h.state("canceled")
			h.apart()
			h.edit("Active", "human:ana", time.Time{})
			h.apart()
			h.tell("evt_phone", "canceled", time.Now())
		}},
	"an edit is dated ahead, its owner decides, and the source changes again": {
		holds: "Paused", written: []string{paused, "Active → Churned", "Churned → Paused"},
		begin: func(h *historian) {
			at := h.state("canceled")
			h.apart()
			h.edit("Active", "human:ana", time.Now().Add(2*time.Hour))
			h.tell("evt_2", "canceled", at)
			h.until("it is held", func() bool { return len(h.open()) == 1 })
			_, err := h.db.Act(h.Context(), store.Act{Exception: h.open()[0].ID, Verb: store.UseSource, Who: ana, Saw: "Active", SawSource: "canceled"})
			h.must(err)
			h.until("ours is written", func() bool { return h.crm.Status(h.record) == "Churned" && len(h.open()) == 0 })
			h.apart()
			h.tell("evt_3", "paused", h.state("paused"))
		}},
	"many events come while the target answers from an old copy": {
		holds: "Churned", written: []string{paused, churned},
		begin: func(h *historian) {
			h.edit("Paused", "human:ana", time.Time{}) // of another field
			old := h.crm.Record(h.record)
			h.apart()
			at := h.state("canceled")
			h.tell("evt_2", "canceled", at)
			h.until("it is written", func() bool { return h.ended("evt_2") == status.Applied })
			calls := h.counted(&h.asked, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if err := json.NewEncoder(w).Encode(old); err != nil {
					h.Error(err)
				}
			})
			for n := range 6 {
				before := calls.Load()
				h.tell(fmt.Sprint("evt_again_", n), "canceled", at)
				h.until("the record was read", func() bool { return calls.Load() > before })
			}
			if open := h.open(); len(open) > 0 {
				h.Errorf("an edit that nobody made is asked about: %+v", open)
			}
			h.asked.Store(nil)
		}},
	"many events come while the target is away for a moment": {
		holds: "Churned", written: []string{paused, churned},
		begin: func(h *historian) {
			calls := h.counted(&h.asked, code(http.StatusServiceUnavailable))
			at := h.state("canceled")
			for n := range 10 {
				before := calls.Load()
				h.tell(fmt.Sprint("evt_again_", n), "canceled", at)
				h.until("the target was asked", func() bool { return calls.Load() > before })
			}
			h.asked.Store(nil)
		}},
}

// toldTroubles are further histories with a source that is told by events only.
var toldTroubles = map[string]history{
	"a note without a status comes while the change waits": {
		holds: "Churned", written: []string{paused, churned},
		begin: func(h *historian) {
			calls := h.counted(&h.asked, code(http.StatusServiceUnavailable))
			h.tell("evt_2", "canceled", time.Now())
			h.noted("evt_note")
			h.until("the target was asked", func() bool { return calls.Load() > 0 })
			h.noted("evt_another")
			h.asked.Store(nil)
		}},
	"a note without a status comes while a conflict is open": {
		holds: "Active", kind: status.Conflict, written: []string{paused},
		begin: func(h *historian) {
			at := time.Now()
			h.apart()
			h.edit("Active", "human:ana", time.Time{})
			h.tell("evt_2", "canceled", at)
			h.until("it is held", func() bool { return len(h.open()) == 1 })
			h.noted("evt_note")
		}},
}
