package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func served(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestWhatIsCountedIsServed(t *testing.T) {
	m := New()
	m.Received("billing", "accepted", 2)
	m.Received("billing", "accepted", 0)
	m.Outcomes("customer-status", status.Applied, 3)
	m.Attempt("customer-status", status.StageConfirm, "applied", 20*time.Millisecond)
	m.Call("customer-status", "write", "applied")
	m.Refused("customer-status", "mass_change")
	m.Watch(func(context.Context) (map[string]store.Counts, error) {
		return map[string]store.Counts{"customer-status": {WaitingCustomers: 4, WaitingEvents: 5, OldestWaiting: time.Now().Add(-time.Hour),
			Open: map[status.Kind]int{status.Unmatched: 6}, Halted: store.Halted{Since: time.Now(), Waiting: 7}}}, nil
	})
	text := served(m)
	for _, line := range []string{
		`trueup_events_received_total{connection="billing",result="accepted"} 2`,
		`trueup_outcomes_total{outcome="applied",sync="customer-status"} 3`,
		`trueup_attempts_total{result="applied",stage="confirm",sync="customer-status"} 1`,
		`trueup_attempt_seconds_count{sync="customer-status"} 1`,
		`trueup_calls_total{result="applied",sync="customer-status",what="write"} 1`,
		`trueup_waiting_customers{sync="customer-status"} 4`,
		`trueup_waiting_events{sync="customer-status"} 5`,
		`trueup_oldest_waiting_seconds{sync="customer-status"} 36`,
		`trueup_open_exceptions{kind="unmatched",sync="customer-status"} 6`,
		`trueup_refused_writes_total{limit="mass_change",sync="customer-status"} 1`,
		`trueup_halted{sync="customer-status"} 1`,
		`trueup_halted_customers{sync="customer-status"} 7`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("not served: %s", line)
		}
	}
}

func TestADatabaseThatFailsLeavesTheCounters(t *testing.T) {
	m := New()
	m.Received("billing", "accepted", 1)
	m.Watch(func(context.Context) (map[string]store.Counts, error) { return nil, errors.New("broken") })
	if text := served(m); !strings.Contains(text, "trueup_events_received_total") {
		t.Errorf("served is: %.200s", text)
	}
}

func TestNoMetricsCountNothing(*testing.T) {
	var m *Metrics
	m.Received("billing", "accepted", 1)
	m.Outcomes("s", status.Applied, 1)
	m.Attempt("s", status.StageMap, "applied", time.Second)
	m.Call("s", "write", "applied")
	m.Refused("s", "never_sticks")
	m.Watch(nil)
}

func TestHowFarAListIsReadIsServed(t *testing.T) {
	m := New()
	at := time.Unix(1_770_000_000, 0)
	m.WatchPolls(func(context.Context) (map[string]store.Poll, error) {
		return map[string]store.Poll{
			"crm": {UnderWay: true, Reading: store.Listing{Began: at, Pages: 34, Records: 3400}, Stopped: store.Stop{By: "rate_limited", At: at},
				Last: store.Listing{Began: at, Ended: at.Add(time.Second), Pages: 30, Records: 3000}},
			"billing": {}}, nil
	})
	text := served(m)
	for _, line := range []string{
		`reading_began_timestamp_seconds{connection="crm"} 1.77e+09`,
		`reading_pages{connection="crm"} 34`,
		`reading_records{connection="crm"} 3400`,
		`ended_timestamp_seconds{connection="crm"} 1.770000001e+09`,
		`pages{connection="crm"} 30`,
		`records{connection="crm"} 3000`,
		`stopped{by="rate_limited",connection="crm"} 1`,
	} {
		if !strings.Contains(text, "\ntrueup_poll_"+line+"\n") {
			t.Errorf("not served: %s", line)
		}
	}
	if strings.Contains(text, `trueup_poll_ended_timestamp_seconds{connection="billing"}`) || strings.Contains(text, `trueup_poll_stopped{by=""`) {
		t.Errorf("a source that was not asked is served: %s", text)
	}
}

func TestTheLastSweepIsServed(t *testing.T) {
	m := New()
	ended := time.Unix(1_770_000_000, 0)
	m.WatchSweeps(func(context.Context) (map[string]store.Sweep, error) {
		return map[string]store.Sweep{"changed": {EndedAt: ended, Rules: "rules", Summary: store.Summary{Agree: 3}}, "empty": {EndedAt: ended, Summary: store.Summary{NotCarried: 3, UnmatchedTarget: 2}}, "customer-status": {BeganAt: ended.Add(-90 * time.Second), EndedAt: ended, Repaired: 2, Waiting: 7,
			Summary: store.Summary{Agree: 3, Write: 1}, Drift: store.Drift{LostEvent: 1, Vocabulary: 4}}}, nil
	}, func(sync string) string { return map[string]string{"changed": "other"}[sync] })
	text := served(m)
	for _, line := range []string{
		`trueup_sweep_agreement{sync="customer-status"} 0.75`,
		`trueup_sweep_ended_timestamp_seconds{sync="customer-status"} 1.77e+09`,
		`trueup_sweep_seconds{sync="customer-status"} 90`,
		`trueup_sweep_drift{cause="lost_event",sync="customer-status"} 1`,
		`trueup_sweep_drift{cause="vocabulary",sync="customer-status"} 4`,
		`trueup_sweep_drift{cause="deleted_record",sync="customer-status"} 0`,
		`trueup_sweep_repaired{sync="customer-status"} 2`,
		`trueup_sweep_waiting{sync="customer-status"} 7`,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("not served: %s", line)
		}
	}
	if strings.Contains(text, `trueup_sweep_agreement{sync="changed"}`) {
		t.Error("a sweep under other rules has an agreement")
	}
	if strings.Contains(text, `trueup_sweep_agreement{sync="empty"}`) {
		t.Error("a sweep that compared nobody has an agreement")
	}
}

func TestWhatTheLastLooksAreWorthIsServed(t *testing.T) {
	m := New()
	m.WatchLooks(func(context.Context) (map[string]Looks, error) {
		return map[string]Looks{"customer-status": {Stale: 2, Unverified: 3}}, nil
	})
	text := served(m)
	for _, line := range []string{`trueup_stale_customers{sync="customer-status"} 2`, `trueup_unverified_customers{sync="customer-status"} 3`} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("not served: %s", line)
		}
	}
}
