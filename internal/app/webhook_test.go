package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/notify/webhook"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// The two secrets of a receiver that is being given a new one.
var webhookSecrets = []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}

// delivery is one request that a receiver got.
type delivery struct {
	id   string
	text string
	body webhook.Body
}

// receiver is a program that is told.
type receiver struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	got    []delivery
	answer func(nth int, w http.ResponseWriter, r *http.Request)
}

func newReceiver(t *testing.T, answer func(nth int, w http.ResponseWriter, r *http.Request)) *receiver {
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	for _, secret := range webhookSecrets { // each of them alone verifies it
		scheme, err := signature.NewStandardWebhooks([]string{secret})
		if err == nil {
			err = scheme.Verify(req.Header, text, time.Now())
		}
		if err != nil {
			r.t.Errorf("the signature: %v", err)
		}
	}
	d := delivery{id: req.Header.Get("Webhook-Id"), text: string(text)}
	if err := json.Unmarshal(text, &d.body); err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	r.got = append(r.got, d)
	nth := len(r.got)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(nth, w, req)
	}
}

func (r *receiver) all() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *receiver) config(more string) string {
	return fmt.Sprintf("\nnotify:\n  webhook:\n    url: %s/hook?key=s3cret\n    secrets: [%s]\n%s", r.URL, strings.Join(webhookSecrets, ", "), more)
}

// What people would be told in Slack, a program is told as signed JSON: tried again
// with the same id while it fails, and never with an address of a customer in full.
func TestAGroupIsToldToAWebhookUntilItIsTaken(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, func(nth int, w http.ResponseWriter, req *http.Request) {
				switch nth {
				case 1:
					w.WriteHeader(http.StatusInternalServerError)
				case 2:
					panic(http.ErrAbortHandler) // no answer: it may have been taken
				}
			})
			l := newLive(t, dsn(t), r.config(""))
			l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "active"})
			l.change(1, "evt_1", "paused") // the crm has no such customer
			l.until("it is taken", func() bool { return len(r.all()) >= 3 })
			l.until("nothing waits", func() bool {
				s, err := l.app.Status(t.Context())
				return err == nil && len(s.Undelivered) == 0
			})
			all := r.all()
			for _, d := range all {
				if d.id == "" || d.id != all[0].id || d.text != all[0].text {
					t.Errorf("tried again it is %s %s", d.id, d.text)
				}
			}
			b := all[0].body
			if b.Type != config.ExceptionsOpened || b.Data.Sync != "customer-status" || b.Data.Kind != status.Unmatched ||
				b.Data.Title != "No matching record in customer-status" || b.Timestamp.IsZero() || b.Data.Facts["Customer"] != "cus_1" {
				t.Errorf("it says %s", all[0].text)
			}
			if strings.Contains(all[0].text, mail(1)) {
				t.Errorf("it has an address in full: %s", all[0].text)
			}
			// It is over.
			l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), UpdatedBy: "human:ben"})
			l.change(1, "evt_2", "paused")
			l.until("that it is over is told", func() bool {
				all := r.all()
				last := all[len(all)-1]
				return last.body.Type == config.ExceptionsClosed && last.id != all[0].id
			})
		})
	}
}

// A pause is an alarm; a receiver that wants nothing else gets nothing else.
func TestAnAlarmIsToldToAWebhookThatWantsIt(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	dsn := engines["sqlite"](t)
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.PauseSync(t.Context(), "customer-status", "ana@example.com", "an import")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	l := newLive(t, dsn, r.config("    events: [alarm.began, alarm.ended]\n"))
	l.change(1, "evt_1", "paused") // of which nobody wants to be told
	l.until("the alarm is told", func() bool { return len(r.all()) == 1 })
	b := r.all()[0].body
	if b.Type != config.AlarmBegan || b.Data.Alarm != status.AlarmPaused || b.Data.Since == nil || strings.Contains(r.all()[0].text, "ana@example.com") {
		t.Errorf("it says %s", r.all()[0].text)
	}
}

// A redirect is not followed, and the status says what to write; not where it was
// to go, which may hold a secret.
func TestAWebhookThatRedirectsIsAFaultThatTheStatusShows(t *testing.T) {
	t.Parallel()
	other := newReceiver(t, nil)
	r := newReceiver(t, func(_ int, w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, other.URL, http.StatusTemporaryRedirect)
	})
	l := newLive(t, engines["sqlite"](t), r.config(""))
	l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "active"})
	l.change(1, "evt_1", "paused")
	l.until("the status says so", func() bool {
		s, err := l.app.Status(t.Context())
		return err == nil && len(s.Undelivered) == 1 && s.Undelivered[0].Setting == webhook.Setting && s.Undelivered[0].Waiting == 1 &&
			strings.Contains(s.Undelivered[0].Failure, "a redirect, which is not followed; write the address it leads to under notify.webhook.url") &&
			!strings.Contains(s.Undelivered[0].Failure, "s3cret") &&
			slices.ContainsFunc(s.NeedsPerson, func(text string) bool {
				return strings.HasPrefix(text, "notify.webhook: 1 message not delivered since ")
			})
	})
	if len(other.all()) > 0 {
		t.Error("it was followed")
	}
}
