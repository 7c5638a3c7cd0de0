package stripetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const ghlConfig = `
listen: 127.0.0.1:0
database: %q
connections:
  billing:
    type: stripe
    base_url: %s
    api_key: ` + Key + `
    webhook_secrets: [` + secret + `]
  crm:
    type: gohighlevel
    base_url: %s
    location_id: ` + ghltest.LocationID + `
    token: ` + ghltest.Token + `
    timeout: 1s
    rate_limit: {requests: 1000, per: 1s}
    webhook: {app_id: "` + ghltest.AppID + `", public_keys: ["%s"]}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm, field: %s}
    match:
      - {source: metadata.ghl_contact_id, target: id}
      - {source: email, target: email}
    statuses:
      active:  {from: [active, trialing, past_due], to: Active}
      paused:  {from: [paused, unpaid], to: Paused}
      churned: {from: [canceled], to: Churned}
    ignore: [incomplete, incomplete_expired]
    mode: live
    sweep: off
    limits: off
`

// ghlRun is a Stripe account, a HighLevel location, and Trueup between them.
type ghlRun struct {
	*testing.T
	stripe *Stripe
	ghl    *ghltest.Account
	app    *app.App
	db     *store.DB
}

func newGHLRun(t *testing.T, dsn, field string) *ghlRun {
	r := &ghlRun{T: t, stripe: New(t), ghl: ghltest.New(t)}
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	text := fmt.Sprintf(ghlConfig, dsn, r.stripe.URL, r.ghl.URL, r.ghl.PublicKey(), field)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range app.Probe(t.Context(), cfg, slog.New(slog.DiscardHandler)) {
		if p.Err != nil {
			t.Fatalf("check --live: %s: %v", p.Connection, p.Err)
		}
	}
	if r.app, err = app.Start(t.Context(), app.Options{Config: cfg, Version: "test", Log: slog.New(slog.NewTextHandler(t.Output(), nil))}); err != nil {
		t.Fatal(err)
	}
	if r.db, err = store.Open(t.Context(), store.Options{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.db.Close(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := r.app.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

// customer is one in both tools, active in Stripe and without a status in
// HighLevel.
func (r *ghlRun) customer(n int, sub string) {
	id := fmt.Sprint("cus_", n)
	r.stripe.SetCustomer(id, fmt.Sprintf("c%d@example.com", n), nil)
	r.stripe.SetSubscription(id, fmt.Sprint("sub_", n), sub, false)
	r.ghl.Set(ghltest.Contact{ID: fmt.Sprint("con", n), Email: fmt.Sprintf("C%d@example.com", n), Tags: []string{"vip"}, Updated: time.Now().Add(-time.Hour)})
}

// change changes a subscription and tells of it.
func (r *ghlRun) change(n int, sub string) {
	r.Helper()
	id := fmt.Sprint("sub_", n)
	r.stripe.SetSubscription(fmt.Sprint("cus_", n), id, sub, false)
	body := r.stripe.Event("customer.subscription.updated", id)
	r.post("billing", Sign(body, secret, time.Now()), body, http.StatusOK)
}

func (r *ghlRun) post(connection string, header http.Header, body []byte, want int) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.app.URL()+"/hooks/"+connection, bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != want {
		r.Fatalf("the webhook is answered %d %s, %v", resp.StatusCode, text, err)
	}
}

// until waits for something that the service does.
func (r *ghlRun) until(what string, done func() bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			r.Fatalf("waiting until %s; open: %v", what, r.open())
		case <-ticker.C:
		}
	}
}

// open returns what waits for a person, by customer.
func (r *ghlRun) open() map[string][]status.Kind {
	r.Helper()
	found, err := r.db.Exceptions(r.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		r.Fatal(err)
	}
	open := map[string][]status.Kind{}
	for _, x := range found {
		open[x.Customer] = append(open[x.Customer], x.Kind)
	}
	return open
}

// retry does what a person does about everything that waits for him.
func (r *ghlRun) retry() {
	r.Helper()
	found, err := r.db.Exceptions(r.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		r.Fatal(err)
	}
	for _, x := range found {
		if _, err := r.db.Act(r.Context(), store.Act{Exception: x.ID, Verb: store.Retry}); err != nil {
			r.Fatal(err)
		}
	}
}

var engines = map[string]func(*testing.T) string{
	"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "trueup.db") },
	"postgres": func(t *testing.T) string { return storetest.Schema(t) },
}

// once lets f take the first call that fits.
func once(method, suffix string, f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) || done.Swap(true) {
			return false
		}
		f(w, r)
		return true
	}
}

func says(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// A location that misbehaves: no write is lost, none is made twice, and the
// other customer is carried meanwhile.
func TestALocationThatMisbehaves(t *testing.T) {
	afterwards := func(r *ghlRun, answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			r.ghl.Really(httptest.NewRecorder(), req)
			answer(w, req)
		}
	}
	hang := func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		<-req.Context().Done()
	}
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	tests := map[string]struct {
		method, suffix string
		how            func(*ghlRun) http.HandlerFunc
	}{
		"times out after the effect":     {http.MethodPut, "/con1", func(r *ghlRun) http.HandlerFunc { return afterwards(r, hang) }},
		"times out before the effect":    {http.MethodPut, "/con1", func(*ghlRun) http.HandlerFunc { return hang }},
		"hangs up after the effect":      {http.MethodPut, "/con1", func(r *ghlRun) http.HandlerFunc { return afterwards(r, hangUp) }},
		"fails after the effect":         {http.MethodPut, "/con1", func(r *ghlRun) http.HandlerFunc { return afterwards(r, says(500, `{}`)) }},
		"shows nothing after the effect": {http.MethodPut, "/con1", func(r *ghlRun) http.HandlerFunc { return afterwards(r, says(200, `{"succeded":true}`)) }},
		"says yes and writes nothing": {http.MethodPut, "/con1", func(*ghlRun) http.HandlerFunc {
			return says(200, `{"succeded":true,"contact":{"id":"con1","customFields":[]}}`)
		}},
		"is busy at a write":       {http.MethodPut, "/con1", func(*ghlRun) http.HandlerFunc { return says(429, `{}`, "X-RateLimit-Interval-Milliseconds", "50") }},
		"is busy at a read":        {http.MethodGet, "/con1", func(*ghlRun) http.HandlerFunc { return says(429, `{}`, "X-RateLimit-Interval-Milliseconds", "50") }},
		"is busy at a search":      {http.MethodPost, "/search", func(*ghlRun) http.HandlerFunc { return says(429, `{}`, "X-RateLimit-Interval-Milliseconds", "50") }},
		"does not list its fields": {http.MethodGet, "/customFields", func(*ghlRun) http.HandlerFunc { return says(503, `{}`) }},
		"forgets a contact once": {http.MethodGet, "/con1", func(*ghlRun) http.HandlerFunc {
			return says(400, `{"message":"Contact not found for id:con1","statusCode":400}`)
		}},
		"does not know the token once": {http.MethodPut, "/con1", func(*ghlRun) http.HandlerFunc { return says(401, `{"message":"Invalid JWT"}`) }},
		"refuses a write once":         {http.MethodPut, "/con1", func(*ghlRun) http.HandlerFunc { return says(422, `{"message":["no"],"statusCode":422}`) }},
		"answers with a page":          {http.MethodPut, "/con1", func(*ghlRun) http.HandlerFunc { return says(502, `<html>`, "Content-Type", "text/html") }},
		"knows of its contacts late":   {"", "", nil},
	}
	for engine, dsn := range engines {
		for name, tt := range tests {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := newGHLRun(t, dsn(t), "customer_status")
				if tt.how == nil {
					r.ghl.Lag()
				}
				r.customer(1, "active")
				r.customer(2, "active")
				if tt.how != nil {
					r.ghl.Instead(once(tt.method, tt.suffix, tt.how(r)))
				}
				r.change(1, "paused")
				r.change(2, "canceled")
				r.until("both are carried", func() bool {
					if r.ghl.Status("con1") == "Paused" && r.ghl.Status("con2") == "Churned" {
						return true
					}
					r.retry()
					return false
				})
				r.until("the bases are true", func() bool {
					a, errA := r.db.Customer(t.Context(), "customer-status", "cus_1")
					b, errB := r.db.Customer(t.Context(), "customer-status", "cus_2")
					if errA == nil && errB == nil && a.Base.Value == "Paused" && b.Base.Value == "Churned" {
						return true
					}
					r.retry()
					return false
				})
				got := r.ghl.Effects()
				slices.SortFunc(got, func(a, b ghltest.Effect) int { return strings.Compare(a.Contact, b.Contact) })
				if diff := cmp.Diff([]ghltest.Effect{{Contact: "con1", What: " → Paused"}, {Contact: "con2", What: " → Churned"}}, got); diff != "" {
					t.Errorf("writes that had an effect: %s", diff)
				}
				if tags := r.ghl.Contact("con1").Tags; !slices.Equal(tags, []string{"vip"}) {
					t.Errorf("the tags are %v", tags)
				}
			})
		}
	}
}

// A person changes the status in HighLevel: the app's webhook tells of it, the
// edit stays, and the next change in Stripe is carried over it.
func TestAPersonsEditInHighLevelStays(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newGHLRun(t, dsn(t), "customer_status")
			r.customer(1, "active")
			r.change(1, "active")
			r.until("it is carried", func() bool { return r.ghl.Status("con1") == "Active" })
			r.until("the event has ended", func() bool {
				c, err := r.db.Customer(t.Context(), "customer-status", "cus_1")
				return err == nil && c.Base.Value == "Active"
			})
			r.ghl.Edit("con1", func(c *ghltest.Contact) {
				c.Values[ghltest.StatusField] = "Churned"
				c.Updated = time.Now().Add(10 * time.Second)
			})
			body := r.ghl.Event("ContactUpdate", "11111111-2222-4333-8444-000000000001", "con1")
			r.post("crm", r.ghl.Sign(body), body, http.StatusOK)
			r.until("a person is told", func() bool { return slices.Contains(r.open()["cus_1"], status.Conflict) })
			if got := r.ghl.Status("con1"); got != "Churned" {
				t.Errorf("the edit was written over with %s", got)
			}
			forged := bytes.Replace(body, []byte(ghltest.LocationID), []byte(ghltest.OtherLocation), 1)
			r.post("crm", r.ghl.Sign(forged), forged, http.StatusUnauthorized)
			r.ghl.Delete("con1")
			body = r.ghl.Event("ContactDelete", "11111111-2222-4333-8444-000000000002", "con1")
			r.post("crm", r.ghl.Sign(body), body, http.StatusOK)
			r.until("the broken link is told", func() bool { return slices.Contains(r.open()["cus_1"], status.BrokenLink) })
		})
	}
}

// The status in a set of tags: the other tags stay.
func TestStatusTagsFollowStripe(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newGHLRun(t, dsn(t), "tags")
			r.customer(1, "active")
			for _, step := range []struct{ sub, tag string }{{"active", "active"}, {"paused", "paused"}, {"canceled", "churned"}} {
				r.change(1, step.sub)
				r.until("the tag is "+step.tag, func() bool { return slices.Equal(r.ghl.Contact("con1").Tags, []string{"vip", step.tag}) })
			}
		})
	}
}

// A change of tags is two calls. When the second one does not come through, by
// whatever it is broken, the next attempt finishes what we began.
func TestAChangeOfTagsThatWasLeftHalfIsFinished(t *testing.T) {
	for engine, dsn := range engines {
		for name, how := range map[string]http.HandlerFunc{
			"busy":     says(429, `{}`, "X-RateLimit-Interval-Milliseconds", "50"),
			"failing":  says(500, `{}`),
			"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := newGHLRun(t, dsn(t), "tags")
				r.customer(1, "active")
				r.change(1, "active")
				r.until("it is active", func() bool { return slices.Contains(r.ghl.Contact("con1").Tags, "active") })
				r.ghl.Instead(once(http.MethodDelete, "/con1/tags", how))
				r.change(1, "paused")
				r.until("it is paused", func() bool { return slices.Equal(r.ghl.Contact("con1").Tags, []string{"vip", "paused"}) })
				if open := r.open(); len(open) > 0 {
					t.Errorf("a person was asked: %v", open)
				}
			})
		}
	}
}
