package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// times makes the first n calls of a kind fail.
func times(n int, call string, err error) func(string, string, string) error {
	return func(c, _, _ string) error {
		if c == call && n > 0 {
			n--
			return err
		}
		return nil
	}
}

// timesOutAfterTheEffect makes n writes arrive and their answers not.
func timesOutAfterTheEffect(w *world, n int) func(string, string, string) error {
	return func(call, id, value string) error {
		if call != "write" || n == 0 {
			return nil
		}
		n--
		if err := w.crm.put(id, w.crm.view(id).Revision, value); err != nil {
			return err
		}
		return unknown()
	}
}

func unknown() error {
	return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "the answer did not come in time"}
}

func failure(kind connector.FailureKind, code int) *connector.Failure {
	return &connector.Failure{Kind: kind, Effect: connector.EffectNone, Status: code, Detail: "the tool said no"}
}

func TestWhatATargetThatFailsLeadsTo(t *testing.T) {
	limited := failure(connector.RateLimited, 429)
	limited.RetryAfter = 90 * time.Second
	tests := map[string]struct {
		fail func(*world) func(string, string, string) error
		// writes is how many reach the target; open is what stays open at the
		// end of a day.
		writes int
		open   []status.Kind
		ended  status.Outcome
		after  time.Duration // at least so long until it is carried
	}{
		"times out after the effect": {
			fail: func(w *world) func(string, string, string) error { return timesOutAfterTheEffect(w, 1) }, writes: 1, ended: status.Applied},
		"times out before the effect": {
			fail: func(*world) func(string, string, string) error { return times(1, "write", unknown()) }, writes: 1, ended: status.Applied, after: time.Second},
		"times out after the effect and cannot be read either": {
			fail: func(w *world) func(string, string, string) error {
				write, read := timesOutAfterTheEffect(w, 1), times(1, "read", failure(connector.Transient, 500))
				wrote := false
				return func(call, id, value string) error {
					if call == "write" {
						wrote = true
					}
					if call == "read" && wrote {
						return read(call, id, value)
					}
					return write(call, id, value)
				}
			}, writes: 1, ended: status.AlreadyEqual, after: time.Second},
		"answers 429 and says when": {
			fail: func(*world) func(string, string, string) error { return times(1, "write", limited) }, writes: 1, ended: status.Applied, after: 90 * time.Second},
		"answers 429 to a read": {
			fail: func(*world) func(string, string, string) error { return times(3, "read", limited) }, writes: 1, ended: status.Applied, after: 270 * time.Second},
		"answers 500 for a while": {
			fail: func(*world) func(string, string, string) error {
				return times(3, "find", failure(connector.Transient, 500))
			}, writes: 1, ended: status.Applied, after: time.Second},
		"answers 401 until somebody mends it": {
			fail: func(*world) func(string, string, string) error {
				return times(3, "read", failure(connector.Unauthorized, 401))
			}, writes: 1, ended: status.Parked, after: time.Minute},
		"answers 422 for good": {
			fail: func(*world) func(string, string, string) error {
				return times(1000, "write", failure(connector.Refused, 422))
			}, open: []status.Kind{status.WriteFailed}, ended: status.Parked},
		"answers with a page instead of JSON": {
			fail: func(*world) func(string, string, string) error {
				f := failure(connector.Misconfigured, 200)
				f.Effect = connector.EffectUnknown
				return times(1, "write", f)
			}, writes: 1, ended: status.Parked, after: time.Minute},
		"loses the record": {
			fail: func(*world) func(string, string, string) error { return times(1000, "read", (&tool{}).gone("")) }, open: []status.Kind{status.BrokenLink}, ended: status.Parked},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			w.crm.fail = tt.fail(w)
			start := w.clock.now()
			w.carry("cus_1", "paused")
			if len(w.crm.writes) != tt.writes {
				t.Errorf("%d writes reached the target: %v", len(w.crm.writes), w.crm.writes)
			}
			if got := w.crm.value("rec_cus_1"); (got == "Paused") != (tt.writes > 0) {
				t.Errorf("the target holds %q", got)
			}
			if diff := cmp.Diff(tt.open, w.open()["cus_1"]); diff != "" {
				t.Errorf("open: %s", diff)
			}
			if got := w.ended("cus_1"); got[0] != tt.ended {
				t.Errorf("the event ended as %s, not %s", got[0], tt.ended)
			}
			if reason := w.stored("cus_1").Reason.Sentence(); slices.Contains(tt.open, status.WriteFailed) && !strings.HasPrefix(reason, "writing Paused to crm: ") {
				t.Errorf("the reason does not say which value was refused: %s", reason)
			}
			if took := w.clock.now().Sub(start); took < tt.after*3/4 {
				t.Errorf("it was carried after %s, before it should have been tried", took)
			}
			if c := w.stored("cus_1"); tt.writes > 0 && (c.Base.Value != "Paused" || c.Attempts != 0) {
				t.Errorf("stored: %+v", c)
			}
		})
	}
}

func TestARestOfTheConnectionIsNotTheCustomersFault(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.customer("cus_2", "active", "")
	limited := failure(connector.RateLimited, 429)
	limited.RetryAfter = time.Minute
	calls := 0
	w.crm.fail = func(string, string, string) error { calls++; return limited }
	w.deliver(w.change("cus_1", "paused"))
	w.work()
	before := calls
	w.deliver(w.change("cus_2", "paused"))
	w.work()
	if calls != before {
		t.Errorf("%d calls were made to a tool that asked for a rest", calls-before)
	}
	if c := w.stored("cus_1"); c.Attempts != 0 || len(w.open()) != 0 {
		t.Errorf("the customer was blamed: %+v, %v", c, w.open())
	}
	w.crm.fail = nil
	w.finish()
	if a, b := w.crm.value("rec_cus_1"), w.crm.value("rec_cus_2"); a != "Paused" || b != "Paused" {
		t.Errorf("the target holds %q and %q", a, b)
	}
}

func TestOneCustomerNeverBlocksAnother(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.customer("cus_2", "active", "")
	w.crm.fail = func(_, id, _ string) error {
		if id == "rec_cus_1" {
			return failure(connector.Transient, 500)
		}
		return nil
	}
	w.deliver(w.change("cus_1", "paused"), w.change("cus_2", "paused"))
	w.work()
	if got := w.crm.value("rec_cus_2"); got != "Paused" {
		t.Errorf("the other customer holds %q", got)
	}
	for range 6 { // until people are told
		w.pass(5 * time.Minute)
		w.work()
	}
	if diff := cmp.Diff(map[string][]status.Kind{"cus_1": {status.ConnectionFailed}}, w.open()); diff != "" {
		t.Error(diff)
	}
	w.crm.fail = nil
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Paused" || len(w.open()) != 0 {
		t.Errorf("after the tool is well again it holds %q, open are %v", got, w.open())
	}
}

func TestAFaultOfOurOwnIsOneCustomersFailure(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.customer("cus_2", "active", "")
	w.crm.fail = func(_, id, _ string) error {
		if id == "rec_cus_1" {
			panic("an index out of range, say")
		}
		return nil
	}
	w.deliver(w.change("cus_1", "paused"), w.change("cus_2", "paused"))
	w.work()
	if c := w.stored("cus_1"); w.crm.value("rec_cus_2") != "Paused" || c.Attempts != 1 || c.DueAt.IsZero() {
		t.Errorf("the other holds %q, this one is %+v", w.crm.value("rec_cus_2"), c)
	}
}

func TestWhatCannotBeCarriedIsOneException(t *testing.T) {
	tests := map[string]struct {
		story func(*world)
		want  store.NewException
	}{
		"an unknown value": {
			story: func(w *world) { w.carry("cus_1", "on_hold") },
			want: store.NewException{Kind: status.UnmappedStatus, Stage: status.StageMap, SourceValue: "on_hold", Cause: "on_hold", LastAction: "read the customer in billing",
				Confidence: 1, Owner: "ops@example.com"},
		},
		"no record": {
			story: func(w *world) {
				w.crm.records["rec_cus_1"].keys = nil
				w.carry("cus_1", "paused")
			},
			want: store.NewException{Kind: status.Unmatched, Stage: status.StageMatch, SourceValue: "paused", LastAction: "searched crm by 1 match rule",
				Owner: "ops@example.com"},
		},
		"two records": {
			story: func(w *world) {
				w.crm.records["rec_other"] = &record{value: "Active", keys: keysOf("cus_1")}
				w.carry("cus_1", "paused")
			},
			want: store.NewException{Kind: status.AmbiguousMatch, Stage: status.StageMatch, SourceValue: "paused", LastAction: "searched crm by 1 match rule",
				Confidence: 0.9, Owner: "ops@example.com", Candidates: []status.Candidate{
					{TargetID: "rec_cus_1", Rule: "email = email", Confidence: 0.9}, {TargetID: "rec_other", Value: "Active", Rule: "email = email", Confidence: 0.9}}},
		},
		"a record that is another's": {
			story: func(w *world) {
				if err := w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: "cus_9", TargetID: "rec_cus_1", By: "person", Confidence: 1}); err != nil {
					w.Fatal(err)
				}
				w.carry("cus_1", "paused")
			},
			want: store.NewException{Kind: status.DuplicateLink, Stage: status.StageMatch, SourceValue: "paused", LastAction: "searched crm by 1 match rule",
				Confidence: 1, Owner: "ops@example.com", Candidates: []status.Candidate{{TargetID: "rec_cus_1", Rule: "email = email", Confidence: 0.9}}},
		},
		"a person's newer edit": {
			story: func(w *world) {
				w.carry("cus_1", "active")
				told := w.change("cus_1", "paused")
				w.pass(time.Hour)
				w.crm.edit("rec_cus_1", "Churned", status.ActorHuman)
				w.deliver(told)
				w.finish()
			},
			want: store.NewException{Kind: status.Conflict, Stage: status.StageDecide, SourceValue: "paused", TargetValue: "Churned", LastAction: "read the record in crm",
				Confidence: 1, Owner: "success@example.com"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			tt.story(w)
			found, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{})
			if err != nil || len(found) != 1 {
				t.Fatalf("there are %d exceptions, %v", len(found), err)
			}
			got := found[0].NewException
			if got.Reason.IsZero() {
				t.Error("it does not say why")
			}
			tt.want.Sync, tt.want.Customer, got.Reason = syncName, "cus_1", reason.Text("")
			if tt.want.Cause == "" {
				tt.want.Cause = "cus_1" // a group of its own
			}
			if len(got.Candidates) == 0 {
				got.Candidates = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnExceptionClosesByItselfWhenTheCustomerIsCarried(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	keys := w.crm.records["rec_cus_1"].keys
	w.crm.records["rec_cus_1"].keys = nil
	w.carry("cus_1", "paused")
	w.crm.records["rec_cus_1"].keys = keys
	w.carry("cus_1", "canceled")
	if len(w.open()) != 0 || w.crm.value("rec_cus_1") != "Churned" {
		t.Errorf("open are %v", w.open())
	}
}

// The two calls of an attempt that outlives its lease: what it does then is
// refused, and the next claim finds what the first one wrote.
func TestAnAttemptThatOutlivesItsLeaseChangesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Minute)
	w.crm.fail = func(call, _, _ string) error {
		if call == "write" {
			w.crm.fail = nil
			w.pass(DefaultLease + time.Second) // the answer comes too late
		}
		return nil
	}
	w.deliver(w.change("cus_1", "paused"))
	works, at, err := w.f.claim(t.Context(), 1)
	if err != nil || len(works) != 1 {
		t.Fatal(works, err)
	}
	w.f.carry(t.Context(), &works[0], at)
	if c := w.stored("cus_1"); c.Base.Value != "Active" || c.Outcome != status.Applied {
		t.Errorf("a report after the lease was taken: %+v", c)
	}
	w.finish()
	c := w.stored("cus_1")
	if len(w.crm.writes) != 2 || c.Base.Value != "Paused" || c.Outcome != status.AlreadyEqual {
		t.Errorf("%d writes, stored: %+v", len(w.crm.writes), c)
	}
}

// What was sent and not proved is still explained as ours after a restart.
func TestAnIntentOutlivesTheProcess(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Minute)
	write := timesOutAfterTheEffect(w, 1)
	broken := failure(connector.Transient, 500)
	wrote := false
	w.crm.fail = func(call, id, value string) error {
		if call == "write" {
			wrote = true
			return write(call, id, value)
		}
		if wrote {
			return broken
		}
		return nil
	}
	w.deliver(w.change("cus_1", "paused"))
	w.work()
	w.crm.actor = false // nothing but the intent tells whose write it was
	w.start()
	w.crm.fail = nil
	w.pass(time.Minute)
	w.carry("cus_1", "canceled")
	if got := w.crm.value("rec_cus_1"); got != "Churned" || len(w.open()) != 0 {
		t.Errorf("the target holds %s, open are %v", got, w.open())
	}
}
