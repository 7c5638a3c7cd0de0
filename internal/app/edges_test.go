package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// closeClocks lets the histories below run close together.
const closeClocks = "    conflict: {clock_skew: 1ms}\n"

// history is the trouble of one customer, who begins as paused in both tools; each
// is alone with its own, so that all are at one service at once.
type history struct {
	// begin brings it about, new that the customer was never carried before.
	begin func(h *historian)
	new   bool
	// holds is what the record is to hold in the end, kind the exception that is
	// to be open then and reason a part of it; "" is none.
	holds  string
	kind   status.Kind
	reason string
	// passed is the exception that opens and is closed by itself first.
	passed status.Kind
	// written are our writes in all, in their order.
	written []string
}

// historian is one customer at the service.
type historian struct {
	*live
	n                int
	customer, record string
	// billed and asked answer calls about the customer in place of the tools.
	billed, asked atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

// edit changes the record as a person or a program does, at a time of the target's
// clock.
func (h *historian) edit(value, by string, at time.Time) {
	h.crm.Set(resttest.Record{ID: h.record, Email: mail(h.n), Status: value, UpdatedBy: by, UpdatedAt: at})
}

// begins has the customer paused in the source, and in the target soon.
func (h *historian) begins() {
	h.state("paused")
	h.crm.Set(resttest.Record{ID: h.record, Email: mail(h.n), UpdatedBy: "human:ben"})
	h.tell("evt_1", "paused", time.Now())
}

// tell sends an event, dated as it says.
func (h *historian) tell(event, value string, at time.Time) {
	h.Helper()
	h.hook(h.event(event, value, at))
}

// event is what tell sends.
func (h *historian) event(id, value string, at time.Time) string {
	return fmt.Sprintf(`{"id":"%s_%d","customer":%q,"email":%q,"status":%q,"at":%q}`, id, h.n, h.customer, mail(h.n), value, at.UTC().Format(time.RFC3339Nano))
}

// state makes the source hold a value without telling of it, and says when.
func (h *historian) state(value string) time.Time {
	h.billing.Set(resttest.Record{ID: h.customer, Email: mail(h.n), Status: value})
	return time.Now()
}

// instead answers the target's calls about the record.
func (h *historian) instead(f func(http.ResponseWriter, *http.Request) bool) { h.asked.Store(&f) }

// counted answers calls to one of the tools as f does, and counts them.
func (h *historian) counted(at *atomic.Pointer[func(http.ResponseWriter, *http.Request) bool], f http.HandlerFunc) *atomic.Int32 {
	var calls atomic.Int32
	counting := func(w http.ResponseWriter, r *http.Request) bool {
		f(w, r)
		calls.Add(1)
		return true
	}
	at.Store(&counting)
	return &calls
}

// insteadOfWrite is instead for writes only.
func (h *historian) insteadOfWrite(f http.HandlerFunc) {
	h.instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			f(w, r)
		}
		return r.Method == http.MethodPut
	})
}

// apart waits until the clock has gone on by more than two clocks may differ.
func (h *historian) apart() {
	since := time.Now()
	h.until("the clock has gone on", func() bool { return time.Since(since) > 5*time.Millisecond })
}

// open are the customer's open exceptions.
func (h *historian) open() []store.Exception {
	h.Helper()
	found, err := h.db.Exceptions(h.Context(), store.ExceptionFilter{Customer: h.customer, States: []status.State{status.Open}})
	h.must(err)
	return found
}

// ended is how an event has ended, "" while it waits.
func (h *historian) ended(event string) status.Outcome {
	h.Helper()
	found, err := h.db.Events(h.Context(), store.EventFilter{Customer: h.customer})
	h.must(err)
	for _, e := range found {
		if e.ID == fmt.Sprintf("%s_%d", event, h.n) {
			return e.Outcome
		}
	}
	return ""
}

func (h *historian) writes() (all []string) {
	for _, w := range h.crm.Written() {
		if effect, ok := strings.CutPrefix(w, h.record+":"); ok {
			all = append(all, strings.TrimSpace(effect))
		}
	}
	return all
}

// answered is a write that the tool says was done.
func answered(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{}`)
}

// The first writes of all the histories, and a later one.
const paused, churned, reactivated = "→ Paused", "Paused → Churned", "Churned → Active"

// askedHistories are those with a source that is asked for the customer.
var askedHistories = map[string]history{
	"an automation touches another field after a person's newer edit": {
		holds: "Active", kind: status.Conflict, written: []string{paused},
		begin: func(h *historian) {
			at := h.state("canceled")
			h.apart()
			h.edit("Active", "human:ana", time.Time{})
			h.apart()
			h.edit("Active", "api:leadscore", time.Time{})
			h.tell("evt_2", "canceled", at)
		}},
	"a write is answered 502 after its effect, and a person sets the old value back": {
		holds: "Paused", kind: status.Conflict, written: []string{paused, churned},
		begin: func(h *historian) {
			var arrived atomic.Bool
			h.instead(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut && !arrived.Load() {
					h.crm.Write(httptest.NewRecorder(), r)
					arrived.Store(true)
				}
				if arrived.Load() {
					page(http.StatusBadGateway)(w, r)
				}
				return arrived.Load()
			})
			h.tell("evt_2", "canceled", h.state("canceled"))
			h.until("the write has arrived", arrived.Load)
			h.apart()
			h.edit("Paused", "human:ana", time.Time{})
			h.asked.Store(nil)
		}},
	"the source answers a moment old": {
		holds: "Churned", written: []string{paused, churned},
		begin: func(h *historian) {
			var reads atomic.Int32
			count := func(http.ResponseWriter, *http.Request) bool { reads.Add(1); return false }
			h.billed.Store(&count)
			h.tell("evt_2", "canceled", time.Now())
			h.until("the old record was read twice", func() bool { return reads.Load() > 1 })
			if got := h.ended("evt_2"); got != "" {
				h.Errorf("%s has ended as %s by an old answer", h.customer, got)
			}
			h.state("canceled")
		}},
	"the target answers 200 and keeps the old value": {
		holds: "Paused", kind: status.WriteFailed, reason: "crm accepted Churned but shows Paused", written: []string{paused},
		begin: func(h *historian) {
			h.insteadOfWrite(answered)
			h.tell("evt_2", "canceled", h.state("canceled"))
		}},
	"the target keeps the value in its own spelling": {
		holds: "churned ", kind: status.WriteFailed, reason: `crm keeps "Churned" as "churned "`, written: []string{paused},
		begin: func(h *historian) {
			var writes atomic.Int32
			h.insteadOfWrite(func(w http.ResponseWriter, r *http.Request) {
				writes.Add(1)
				h.edit("churned ", "api:trueup", time.Time{})
				answered(w, r)
			})
			h.tell("evt_2", "canceled", h.state("canceled"))
			h.until("it has ended", func() bool { return h.ended("evt_2") != "" })
			h.tell("evt_3", "canceled", time.Now())
			h.until("the repeat has ended", func() bool { return h.ended("evt_3") != "" })
			if n := writes.Load(); n != 1 {
				h.Errorf("it was written %d times", n)
			}
		}},
}

// toldHistories are those with a source that is told by events only.
var toldHistories = map[string]history{
	"a person edits newer than the change, and the target's clock is ten minutes behind": {
		holds: "Active", kind: status.Conflict, written: []string{paused},
		begin: func(h *historian) {
			at := h.state("canceled")
			h.apart()
			h.edit("Active", "human:ana", time.Now().Add(-10*time.Minute))
			h.tell("evt_2", "canceled", at)
		}},
	"two changes of one second, of which the later has the lower id": {
		holds: "Churned", written: []string{paused, "Paused → Active", "Active → Churned"},
		begin: func(h *historian) {
			at := time.Now()
			h.tell("evt_9", "active", at)
			h.until("the first is carried", func() bool { return h.ended("evt_9") == status.Applied })
			h.tell("evt_10", "canceled", at)
		}},
	"a change that is dated a day ahead holds up none that comes later": {
		holds: "Active", written: []string{paused, churned, reactivated},
		begin: func(h *historian) {
			h.tell("evt_2", "canceled", time.Now().AddDate(0, 0, 1))
			h.until("the first is carried", func() bool { return h.ended("evt_2") == status.Applied })
			h.apart()
			h.tell("evt_3", "active", time.Now())
		}},
	"a change that is dated an hour ahead comes again after a person's edit": {
		holds: "Active", kind: status.Conflict, written: []string{paused, churned},
		begin: func(h *historian) {
			at := time.Now().Add(time.Hour)
			h.tell("evt_2", "canceled", at)
			h.until("the first is carried", func() bool { return h.ended("evt_2") == status.Applied })
			h.apart()
			h.edit("Active", "human:ana", time.Time{})
			h.tell("evt_3", "canceled", at)
		}},
}

// What a tool does not say, or says wrongly, loses no change and no person's edit,
// and nothing is said to be written that the target does not show. Trouble that
// passes by itself needs nobody, and what needs a person stays open until one comes.
func TestTroubleWithOneCustomer(t *testing.T) {
	t.Parallel()
	t.Run("a source that is asked", func(t *testing.T) {
		t.Parallel()
		newLive(t, engines["sqlite"](t), closeClocks).histories(askedHistories, askedTroubles)
	})
	t.Run("a source that is told by events only", func(t *testing.T) {
		t.Parallel()
		newLiveToldOnly(t).histories(toldHistories, toldTroubles)
	})
}

// newLiveToldOnly starts a service whose source is told by events only.
func newLiveToldOnly(t *testing.T) *live {
	l := newLive(t, engines["sqlite"](t), closeClocks)
	l.must(l.reloadFrom(t.Context(), configText(l.dsn, l.billing.URL, l.crm.URL)+closeClocks, `record: {id: record.id, status: record.status, keys: {email: record.email}}
    read: {get: "/records/{id}", record: body}
  crm:`, "record: {id: record.customer, status: record.status, keys: {email: record.email}}\n  crm:"))
	return l
}

// histories runs them all at once.
func (l *live) histories(tables ...map[string]history) {
	l.Helper()
	all := map[string]history{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	hs := map[string]*historian{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n := len(hs) + 1
		hs[name] = &historian{live: l, n: n, customer: fmt.Sprint("cus_", n), record: fmt.Sprint("rec_", n)}
	}
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		for _, h := range hs {
			if f := h.asked.Load(); f != nil && (r.URL.Path == "/records/"+h.record || r.URL.Query().Get("email") == mail(h.n)) {
				return (*f)(w, r)
			}
		}
		return false
	})
	l.billing.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		for _, h := range hs {
			if f := h.billed.Load(); f != nil && r.URL.Path == "/records/"+h.customer {
				return (*f)(w, r)
			}
		}
		return false
	})
	for name, h := range hs {
		if !all[name].new {
			h.begins()
		}
	}
	l.quiet()
	// All begin before the first is waited for, so that their waits are one.
	for name, h := range hs {
		l.Run("begins/"+name, func(t *testing.T) { all[name].begin(h.in(t)) })
	}
	for name, h := range hs {
		l.Run("ends/"+name, func(t *testing.T) { all[name].end(h.in(t)) })
	}
}

// in is the same customer in another test.
func (h *historian) in(t *testing.T) *historian {
	own := *h.live
	own.T, h.live = t, &own
	return h
}

// end waits until it is over and looks at what has come of it.
func (y history) end(h *historian) {
	if y.passed != "" {
		h.until("what people were told of has passed", func() bool {
			found, err := h.db.Exceptions(h.Context(), store.ExceptionFilter{Customer: h.customer, Kind: y.passed, States: []status.State{status.Resolved}})
			h.must(err)
			return len(found) == 1
		})
	}
	h.until("its events have ended", func() bool {
		found, err := h.db.Events(h.Context(), store.EventFilter{Customer: h.customer})
		h.must(err)
		return !slices.ContainsFunc(found, func(e store.Event) bool { return e.Outcome == "" })
	})
	if got := h.crm.Status(h.record); got != y.holds {
		h.Errorf("the record holds %q, want %q", got, y.holds)
	}
	if got := h.writes(); !slices.Equal(got, y.written) {
		h.Errorf("written are %q, want %q", got, y.written)
	}
	open := h.open()
	switch {
	case y.kind == "" && len(open) > 0:
		h.Errorf("open is %+v", open)
	case y.kind != "" && (len(open) != 1 || open[0].Kind != y.kind || !strings.Contains(open[0].Reason.Sentence(), y.reason)):
		h.Errorf("open is %+v, want one %s with %q", open, y.kind, y.reason)
	}
}
