package pipeline

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// planned is the row of a plan that was made now and stored nowhere: cus_1 is to
// go from one value to another.
func (w *world) planned(before, after string) RowRequest {
	return RowRequest{Plan: store.Sweep{Sync: syncName, Hash: "1f3a2b4c5d6e7f80", EndedAt: w.clock.now()},
		Planned: store.PlanRow{Customer: "cus_1", TargetID: "rec_cus_1", Action: "write", Before: before, After: after,
			RecordAt: w.crm.records["rec_cus_1"].editedAt}}
}

// carryRow carries a row, and takes an error for the test's end.
func (w *world) carryRow(p RowRequest) RowResult {
	w.Helper()
	c, err := w.p.CarryRow(w.Context(), w.db, p)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// reviewed is a customer whom no event told of: churned in the source, active in
// the target. Its row of the plan is returned.
func (w *world) reviewed() RowRequest {
	w.customer("cus_1", "canceled", "")
	w.pass(time.Hour)
	return w.planned("", "Churned")
}

func TestARowIsWrittenWhenTheDecisionIsTheRows(t *testing.T) {
	tests := map[string]struct {
		set   func(*world)
		moved func(*world)
		want  store.RowState
		note  string
		value string
		write int
		looks bool // it is looked at once more
	}{
		"nothing has moved": {want: store.RowApplied, value: "Churned", write: 1, note: "over nothing, by plan 1f3a2b4c5d6e"},
		"a person has edited the record": {moved: func(w *world) { w.crm.edit("rec_cus_1", "Paused", status.ActorHuman) },
			want: store.RowRefused, note: "the target has Paused now, the plan has nothing; the target has another value", value: "Paused"},
		"somebody has set what is to be written": {moved: func(w *world) { w.crm.edit("rec_cus_1", "Churned", status.ActorHuman) },
			want: store.RowRefused, note: "the target holds Churned already", value: "Churned"},
		"the source has changed": {moved: func(w *world) { w.change("cus_1", "paused") },
			want: store.RowRefused, note: "the source asks for Paused now, the plan has Churned"},
		"the source's value has no meaning": {moved: func(w *world) { w.change("cus_1", "on_hold") }, want: store.RowRefused, note: "on_hold"},
		"the source's value is ignored":     {moved: func(w *world) { w.change("cus_1", "incomplete") }, want: store.RowRefused, note: "ignore"},
		"the source's customer is gone":     {moved: func(w *world) { delete(w.billing.records, "cus_1") }, want: store.RowRefused, note: "no customer with this id"},
		"the rules find another record": {moved: func(w *world) {
			w.crm.records["rec_2"], w.crm.records["rec_cus_1"] = w.crm.records["rec_cus_1"], &record{}
		}, want: store.RowRefused, note: "the match rules find record rec_2 now, the plan has record rec_cus_1"},
		"two records match": {moved: func(w *world) { w.crm.records["rec_2"] = &record{keys: keysOf("cus_1")} }, want: store.RowRefused, note: "match"},
		"the customer was linked to another record": {moved: func(w *world) {
			w.crm.records["rec_2"] = &record{}
			if err := w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_2", Confidence: 1, By: "ana@example.com"}); err != nil {
				w.Fatal(err)
			}
		}, want: store.RowRefused, note: "linked to record rec_2 now, the plan has record rec_cus_1"},
		"the linked record is gone": {moved: func(w *world) {
			if err := w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_cus_1", Confidence: 1, By: "ana@example.com"}); err != nil {
				w.Fatal(err)
			}
			delete(w.crm.records, "rec_cus_1")
		}, want: store.RowRefused, note: "crm no longer has"},
		"an edit between the look and the write": {set: func(w *world) { w.crm.conditional = true }, moved: func(w *world) {
			w.crm.beforeWrite = func(string) { w.crm.beforeWrite = nil; w.crm.edit("rec_cus_1", "Paused", status.ActorHuman) }
		}, want: store.RowRefused, note: "the target has Paused now, the plan has nothing; the target has another value", value: "Paused"},
		"the sync only watches":                           {moved: func(w *world) { w.f.Config.Mode = "watch" }, want: store.RowRefused, note: "only watched"},
		"a call without an answer that had no effect yet": {moved: func(w *world) { w.crm.fail = times(1, "write", unknown()) }, want: store.RowFailed, note: "writing Churned to crm", looks: true},
		"a call without an answer that had its effect": {moved: func(w *world) { w.crm.fail = timesOutAfterTheEffect(w, 1) },
			want: store.RowApplied, value: "Churned", write: 1, looks: true},
		"the tool refuses the value": {moved: func(w *world) {
			w.crm.fail = times(1, "write", &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Status: 422, Detail: "there is no such option"})
		}, want: store.RowFailed, note: "there is no such option"},
		"the tool is not there for the write": {moved: func(w *world) {
			w.crm.fail = times(1, "write", &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "connection refused"})
		}, want: store.RowFailed, note: "connection refused"},
		"the tool does not answer": {moved: func(w *world) {
			w.crm.fail = times(1, "find", &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "connection refused"})
		}, want: store.RowFailed, note: "connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.set)
			p := w.reviewed()
			if tt.moved != nil {
				tt.moved(w)
			}
			c := w.carryRow(p)
			if c.State != tt.want || !strings.Contains(c.Note, tt.note) {
				t.Errorf("it is %q: %s", c.State, c.Note)
			}
			if r := w.crm.records["rec_cus_1"]; r != nil && r.value != tt.value {
				t.Errorf("the target holds %q", r.value)
			}
			if len(w.crm.writes) != tt.write {
				t.Errorf("written: %v", w.crm.writes)
			}
			if due := w.stored("cus_1").DueAt; due.IsZero() == tt.looks {
				t.Errorf("it is looked at next at %s", due)
			}
		})
	}
}

func TestACustomerWhoseRowIsRefusedIsLeftAsItWas(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	event := w.change("cus_1", "canceled")
	p := w.planned("Active", "Paused") // the source has changed since
	w.deliver(event)
	before := w.stored("cus_1")
	if c := w.carryRow(p); c.State != store.RowRefused {
		t.Fatalf("it is %q: %s", c.State, c.Note)
	}
	if diff := cmp.Diff(before, w.stored("cus_1")); diff != "" {
		t.Errorf("it is another: %s", diff)
	}
	if w.ended("cus_1")[1] != "" {
		t.Errorf("its event ended as %s", w.ended("cus_1")[1])
	}
	h, err := w.db.History(t.Context(), syncName, "cus_1", 1)
	if err != nil || len(h) != 1 || h[0].Action != "refuse" || !strings.HasPrefix(h[0].Reason.Sentence(), "plan 1f3a2b4c5d6e: ") {
		t.Errorf("the history says %+v, %v", h, err)
	}
	w.finish() // the daily work goes on with it
	if got := w.crm.value("rec_cus_1"); got != "Churned" || w.ended("cus_1")[1] != status.Applied {
		t.Errorf("the target holds %s, the event ended as %s", got, w.ended("cus_1")[1])
	}
}

func TestEventsThatWaitedAreSettledWithTheRow(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.deliver(w.change("cus_1", "canceled"))
	if c := w.carryRow(w.planned("Active", "Churned")); c.State != store.RowApplied {
		t.Fatalf("it is %q: %s", c.State, c.Note)
	}
	if got := w.ended("cus_1"); got[1] != status.Applied {
		t.Errorf("its events ended as %v", got)
	}
	if c := w.stored("cus_1"); c.Base.Value != "Churned" || !c.DueAt.IsZero() || !strings.HasPrefix(c.Reason.Sentence(), "plan 1f3a2b4c5d6e: Churned was written") {
		t.Errorf("it is stored as %+v", c)
	}
}

func TestARowWaitsForAnotherWorkerAndForARest(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	if _, ok, err := w.db.ClaimOne(t.Context(), syncName, "cus_1", 0, DefaultLease); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if c := w.carryRow(p); !c.Busy || c.State != store.RowOpen {
		t.Errorf("it is %+v", c)
	}
	w.pass(DefaultLease)
	w.crm.fail = times(1, "find", &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Status: 429, RetryAfter: time.Minute})
	for range 2 { // once by the tool's answer, once by the pause it has left
		if c := w.carryRow(p); c.Rest != time.Minute || c.State != store.RowOpen {
			t.Errorf("it is %+v", c)
		}
	}
	w.pass(time.Minute)
	if c := w.carryRow(p); c.State != store.RowApplied {
		t.Errorf("it is %+v", c)
	}
}

func TestARowWhoseTimeWasOverIsTriedAgainBeforeItFails(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	slow := &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "the tool did not answer in time"}
	w.crm.fail = func(call, _, _ string) error {
		if call != "find" {
			return nil
		}
		w.pass(DefaultLease - DefaultLease/4)
		return slow
	}
	for p.Tries = range maxLateTries - 1 {
		if c := w.carryRow(p); !c.OutOfTime || c.State != store.RowOpen {
			t.Errorf("at try %d it is %+v", p.Tries, c)
		}
	}
	p.Tries++
	if c := w.carryRow(p); c.State != store.RowFailed {
		t.Errorf("it is %+v", c)
	}
	w.crm.fail = nil
	if c := w.carryRow(p); c.State != store.RowApplied {
		t.Errorf("it is %+v", c)
	}
}

func TestNoOtherRowIsTriedWithCredentialsThatTheToolRefuses(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	w.crm.fail = times(1, "find", &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Status: 401, Detail: "the token is not valid"})
	if c := w.carryRow(p); c.Stop == nil || c.State != store.RowOpen {
		t.Errorf("it is %+v", c)
	}
	if len(w.open()) > 0 {
		t.Errorf("exceptions are open: %v", w.open())
	}
}

// A write whose answer never came is found at the second try, not sent again.
func TestAnEarlierTryIsNotRepeated(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	works, ok, err := w.db.ClaimOne(t.Context(), syncName, "cus_1", 0, DefaultLease)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := w.db.BeginWrite(t.Context(), &works, store.Intent{RecordID: "rec_cus_1", Value: "Churned", SentAt: w.clock.now(), Expires: w.clock.now().Add(intentLife)}, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := w.crm.put("rec_cus_1", "0", "Churned"); err != nil {
		t.Fatal(err)
	}
	w.pass(DefaultLease) // it was killed here
	if c := w.carryRow(p); c.State != store.RowApplied || len(w.crm.writes) != 1 {
		t.Errorf("it is %+v, written: %v", c, w.crm.writes)
	}
}

func TestAnApprovedFirstContactIsWrittenOverWhatWasShown(t *testing.T) {
	tests := map[string]struct {
		moved func(*world)
		want  store.RowState
		value string
	}{
		"as it was shown": {want: store.RowApplied, value: "Churned"},
		"a person has set the same since": {moved: func(w *world) { w.crm.edit("rec_cus_1", "Active", status.ActorHuman) },
			want: store.RowRefused, value: "Active"},
		"a person has set another since": {moved: func(w *world) { w.crm.edit("rec_cus_1", "Paused", status.ActorHuman) },
			want: store.RowRefused, value: "Paused"},
		"the source has changed since": {moved: func(w *world) { w.change("cus_1", "paused") }, want: store.RowRefused, value: "Active"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "canceled", "Active")
			w.deliver(w.restate("cus_1"))
			w.finish()
			w.pass(time.Hour)
			x := w.exception(status.FirstContact)
			p := w.planned("Active", "Churned")
			p.Planned.Action, p.Planned.Kind, p.Approved = "park", status.FirstContact, "ana@example.com"
			w.pass(time.Hour)
			if tt.moved != nil {
				tt.moved(w)
			}
			if c := w.carryRow(p); c.State != tt.want || w.crm.value("rec_cus_1") != tt.value {
				t.Errorf("it is %+v, the target holds %s", c, w.crm.value("rec_cus_1"))
			}
			done, err := w.db.Actions(t.Context(), x.ID)
			if err != nil {
				t.Fatal(err)
			}
			noted := false
			for _, a := range done {
				noted = noted || a.Who == "ana@example.com" && a.Verb == "apply" && strings.HasPrefix(a.Note, "over Active, by plan 1f3a2b4c5d6e")
			}
			if closed := w.exception(status.FirstContact).State == status.Resolved; noted != (tt.want == store.RowApplied) || closed != noted {
				t.Errorf("noted %t, closed %t: %+v", noted, closed, done)
			}
		})
	}
}

func TestWhoApprovedARowIsNotInTheLog(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "canceled", "Active")
	w.pass(time.Hour)
	var logged strings.Builder
	w.p.Log = slog.New(slog.NewTextHandler(&logged, nil))
	p := w.planned("Active", "Churned")
	p.Planned.Action, p.Planned.Kind, p.Approved = "park", status.FirstContact, "ana@example.com"
	w.carryRow(p)
	if text := logged.String(); !strings.Contains(text, "plan 1f3a2b4c5d6e") || strings.Contains(text, "ana") {
		t.Errorf("the log says %s", text)
	}
}

func TestWithoutAnApprovalAFirstContactIsLeft(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "canceled", "Active")
	w.pass(time.Hour)
	if c := w.carryRow(w.planned("Active", "Churned")); c.State != store.RowRefused || w.crm.value("rec_cus_1") != "Active" {
		t.Errorf("it is %+v, the target holds %s", c, w.crm.value("rec_cus_1"))
	}
}

// Its events do not wait until a write can arrive no more that may be under way.
func TestARefusedRowWithAWriteUnderWayStaysDue(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.deliver(w.change("cus_1", "canceled"))
	due := w.stored("cus_1").DueAt
	w.pass(time.Minute)
	w.crm.fail = func(call, id, _ string) error {
		if call != "write" {
			return nil
		}
		w.crm.fail = nil
		w.crm.edit(id, "Paused", status.ActorAutomation)
		return unknown()
	}
	c := w.carryRow(w.planned("Active", "Churned"))
	if c.State != store.RowRefused || c.Note != "the target has Paused now, the plan has Active" || !w.stored("cus_1").DueAt.Equal(due) {
		t.Errorf("it is %+v, and due at %s", c, w.stored("cus_1").DueAt)
	}
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Churned" || w.ended("cus_1")[1] != status.Applied {
		t.Errorf("the target holds %s, the event ended as %s", got, w.ended("cus_1")[1])
	}
}

func TestARowIsCarriedWhateverSpellingTheTargetFindsItsRecordBy(t *testing.T) {
	for name, spelled := range map[string]string{"as the source": "Cus_1@Example.com", "in lower case": "cus_1@example.com", "in another way": "CUS_1@EXAMPLE.COM"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			row := w.reviewed()
			w.billing.records["cus_1"].keys = map[string]string{"email": "Cus_1@Example.com"}
			w.crm.records["rec_cus_1"].keys = map[string]string{"email": spelled}
			if c := w.carryRow(row); c.State != store.RowApplied {
				t.Errorf("the row ended %s (%s)", c.State, c.Note)
			}
		})
	}
}
