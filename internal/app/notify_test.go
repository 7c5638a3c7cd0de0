package app_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/notify/slack/fakeslack"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func slackText(w *fakeslack.Workspace) string {
	return fmt.Sprintf(`
notify:
  slack:
    bot_token: %s
    signing_secret: %s
    channel: "#ops"
    base_url: %s
people:
  ana@example.com: {name: Ana, slack: U012AB3CD}
`, fakeslack.Token, fakeslack.SigningSecret, w.URL())
}

// press sends a press as Slack would.
func (l *live) press(w *fakeslack.Workspace, c fakeslack.Click, at time.Time) int {
	l.Helper()
	resp, err := http.DefaultClient.Do(w.Request(l.app.URL()+"/slack/interactions", w.Payload(c), at))
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode == http.StatusOK && len(body) > 0 {
		l.Errorf("Slack is answered %q, %v", body, err)
	}
	return resp.StatusCode
}

// An exception from the event to its end, told in Slack and done with there, on
// each engine.
func TestAnExceptionIsToldInSlackAndDoneWithThere(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fakeslack.New(t)
			l := newLive(t, dsn(t), slackText(w))
			l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "active"})
			l.change(1, "evt_1", "paused") // the crm has no such customer
			l.until("it is told", func() bool { return len(w.Messages()) == 1 })
			m := w.Messages()[0]
			if !m.Says("No matching record in customer-status") || !m.Says("cus_1") || m.Says(mail(1)) || m.Channel != "COPS" {
				t.Errorf("it says %+v", m)
			}
			click := fakeslack.Click{Message: m, Verb: "acknowledge", User: "U012AB3CD", Name: "ana", ActionTS: "1.1"}
			if code := l.press(w, click, time.Now().Add(-time.Hour)); code != http.StatusUnauthorized {
				t.Errorf("a stale press is answered %d", code)
			}
			for range 2 {
				if code := l.press(w, click, time.Now()); code != http.StatusOK {
					t.Errorf("a press is answered %d", code)
				}
			}
			l.until("the message shows it", func() bool { return w.Messages()[0].Says("acknowledged by Ana") })
			found, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.Unmatched})
			if err != nil || len(found) != 1 || found[0].State != status.Acknowledged {
				t.Fatalf("it is %+v, %v", found, err)
			}
			history, err := l.db.Actions(t.Context(), found[0].ID)
			if err != nil || len(history) != 1 || history[0].Who != "ana@example.com" {
				t.Errorf("done was %v, %v", history, err)
			}
			// Somebody adds the customer to the crm and presses Retry.
			l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), UpdatedBy: "human:ben"})
			click.Verb, click.ActionTS = "retry", "2.2"
			l.press(w, click, time.Now())
			l.until("the customer is carried", func() bool { return slices.Contains(l.crm.Written(), "rec_1:  → Paused") })
			l.until("the message says so", func() bool { return w.Messages()[0].Says("resolved") })
			if all := w.Messages(); len(all) != 1 || len(all[0].Buttons()) != 0 {
				t.Errorf("there is %+v", all)
			}
		})
	}
}

// Slack that is down, or hangs, delays nothing; what was to be told is told
// when it is back.
func TestSlackBeingDownDelaysNoSync(t *testing.T) {
	t.Parallel()
	w := fakeslack.New(t)
	var up atomic.Bool
	w.SetFault(func(rw http.ResponseWriter, _ string) bool {
		if up.Load() {
			return false
		}
		rw.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	l := newLive(t, engines["sqlite"](t), slackText(w))
	l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "active"})
	l.change(1, "evt_1", "paused")
	l.until("it was tried in vain", func() bool { return w.Calls() > 0 })
	l.customer(2)
	l.change(2, "evt_2", "paused")
	l.until("another customer is carried", func() bool { return slices.Contains(l.crm.Written(), "rec_2:  → Paused") })
	l.until("one message waits, with the failure", func() bool {
		waiting, err := l.db.UntoldNotices(t.Context())
		return err == nil && len(waiting) == 1 && strings.Contains(waiting[0].Failure, "503")
	})
	up.Store(true)
	l.until("it is told", func() bool { return len(w.Messages()) == 1 })
}
