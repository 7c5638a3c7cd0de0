package stripetest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/stripe"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

const secret = "whsec_stripetest"

func open(t *testing.T, s *Stripe) connector.Connection {
	t.Helper()
	conn, err := stripe.Open("billing", config.Connection{BaseURL: s.URL},
		&stripe.Settings{APIKey: Key, WebhookSecrets: []config.Secret{secret}}, connector.Deps{Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// Every request the connector can make is legal by Stripe's specification: New
// fails the test otherwise.
func TestTheConnectorAsksOnlyWhatStripeAllows(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := New(t)
	s.Now = func() time.Time { return now }
	conn := open(t, s)
	ctx := context.Background()

	s.SetCustomer("cus_1", "ada@example.com", map[string]string{"ghl_contact_id": "c1"})
	for i := range 120 {
		s.SetSubscription("cus_1", fmt.Sprintf("sub_%d", i), "canceled", false)
	}
	s.EndSubscription("sub_7", now.Add(-time.Hour))
	record, err := conn.Source.Read(ctx, "cus_1")
	if err != nil {
		t.Fatal(err)
	}
	want := status.SourceRecord{ID: "cus_1", Value: "canceled", ValueAt: now,
		Keys: map[string]string{"id": "cus_1", "email": "ada@example.com", "metadata.ghl_contact_id": "c1"}}
	if diff := cmp.Diff(want, record); diff != "" {
		t.Error(diff)
	}

	s.SetCustomer("cus_other", "ben@example.com", nil)
	if found, err := conn.SourceFind.Find(ctx, "email", "ada@example.com"); err != nil || len(found) != 1 || found[0] != "cus_1" {
		t.Errorf("by the address it finds %v, %v", found, err)
	}

	if _, err := conn.Probe.Probe(ctx); err != nil {
		t.Errorf("probe: %v", err)
	}

	for range 150 {
		s.Event("customer.subscription.updated", "sub_1")
	}
	cursor := fmt.Sprint(now.Add(-90 * time.Minute).Unix())
	found := 0
	for more := true; more; {
		var readings []connector.Reading
		readings, cursor, more, err = conn.Changes.Since(ctx, cursor)
		if err != nil {
			t.Fatal(err)
		}
		found += len(readings)
	}
	if found != 150 {
		t.Errorf("found %d events", found)
	}

	var paths []string
	for _, r := range s.Requests() {
		path, _, _ := strings.Cut(r, "?")
		if len(paths) == 0 || paths[len(paths)-1] != path {
			paths = append(paths, path)
		}
		if !strings.HasPrefix(r, "GET ") {
			t.Errorf("%s: a source is only read", r)
		}
	}
	wantPaths := []string{"GET /v1/customers/cus_1", "GET /v1/subscriptions", "GET /v1/customers",
		"GET /v1/subscriptions", "GET /v1/events"}
	if diff := cmp.Diff(wantPaths, paths); diff != "" {
		t.Error(diff)
	}
}

func TestTheVersionOfTheConnectorIsTheVersionOfTheSpecification(t *testing.T) {
	m, err := loadMock()
	if err != nil {
		t.Fatal(err)
	}
	if m.version != stripe.APIVersion {
		t.Errorf("the connector sends %s, stripe-mock checks %s", stripe.APIVersion, m.version)
	}
}

func TestAStatusFollowsTheSubscriptions(t *testing.T) {
	s := New(t)
	conn := open(t, s)
	s.SetCustomer("cus_1", "", nil)
	read := func() string {
		t.Helper()
		r, err := conn.Source.Read(context.Background(), "cus_1")
		if err != nil {
			t.Fatal(err)
		}
		if r.NoStatus {
			return "none"
		}
		return r.Value
	}
	expect := func(want string) {
		t.Helper()
		if got := read(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	expect("none")
	for _, word := range stripe.Values() {
		s.SetSubscription("cus_1", "sub_1", word, false)
		expect(word)
	}
	s.SetSubscription("cus_1", "sub_1", "active", true)
	expect("paused")
	s.SetSubscription("cus_1", "sub_2", "active", false)
	expect("active")
	s.EndSubscription("sub_2", time.Now())
	expect("paused")
	s.SetSubscription("cus_1", "sub_1", "hibernating", false)
	expect("hibernating")
	s.DeleteCustomer("cus_1")
	expect("canceled")
	_, err := conn.Source.Read(context.Background(), "cus_2")
	if err == nil || connector.FailureOf(err).Kind != connector.Gone {
		t.Errorf("a customer nobody made: %v", err)
	}
}

// A list costs fewer requests, each of which stripe-mock allows, and says the
// same of every customer as reading him does.
func TestTheListOfCustomersSaysWhatReadingEachSays(t *testing.T) {
	s := New(t)
	conn := open(t, s)
	for n, word := range append(stripe.Values(), "hibernating") {
		alone, pausing, beside := fmt.Sprint("cus_alone_", n), fmt.Sprint("cus_pausing_", n), fmt.Sprint("cus_beside_", n)
		for _, id := range []string{alone, pausing, beside} {
			s.SetCustomer(id, id+"@example.com", map[string]string{"ghl_contact_id": "contact_" + id})
		}
		s.SetSubscription(alone, "sub_"+alone, word, false)
		s.SetSubscription(pausing, "sub_"+pausing, word, true)
		s.SetSubscription(beside, "sub_"+beside, word, false)
		s.SetSubscription(beside, "sub_ended_"+beside, "canceled", false)
	}
	s.SetCustomer("cus_many", "", nil)
	for n := range 12 {
		s.SetSubscription("cus_many", fmt.Sprint("sub_many_", n), "unpaid", false)
	}
	s.SetSubscription("cus_many", "sub_many_0", "active", false) // behind the ten that come with the customer
	for n := range 40 {
		s.SetCustomer(fmt.Sprint("cus_nobody_", n), "", nil)
	}
	s.SetCustomer("cus_deleted", "", nil)
	s.DeleteCustomer("cus_deleted")
	listed := map[string]bool{}
	for cursor := ""; ; {
		records, next, err := conn.SourceList.List(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range records {
			want, err := conn.Source.Read(t.Context(), got.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s is listed otherwise:\n%s", got.ID, diff)
			}
			listed[got.ID] = true
		}
		if next == "" {
			break
		}
		cursor = next
	}
	if want := 3*(len(stripe.Values())+1) + 1 + 40; len(listed) != want || listed["cus_deleted"] {
		t.Errorf("%d of %d customers are listed", len(listed), want)
	}
}

func TestEventsAreReadAndVerifiedByBothSides(t *testing.T) {
	s := New(t)
	conn := open(t, s)
	now := time.Now()
	s.SetCustomer("cus_1", "ada@example.com", nil)
	s.SetSubscription("cus_1", "sub_1", "past_due", true)
	s.DeleteCustomer("cus_1")
	for _, tc := range []struct{ kind, id string }{
		{"customer.created", "cus_1"}, {"customer.updated", "cus_1"}, {"customer.deleted", "cus_1"},
		{"customer.subscription.created", "sub_1"}, {"customer.subscription.updated", "sub_1"},
		{"customer.subscription.deleted", "sub_1"}, {"customer.subscription.paused", "sub_1"},
		{"customer.subscription.resumed", "sub_1"},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			body := s.Event(tc.kind, tc.id)
			header := Sign(body, secret, now)
			if err := conn.Receiver.Verify(header, body, now); err != nil {
				t.Errorf("what Stripe's library signs is refused: %v", err)
			}
			ours := signature.SignStripe([]byte(secret), now, body).Get("Stripe-Signature")
			// The library refuses versions of another train than its own.
			event, err := webhook.ConstructEventWithOptions(body, ours, secret, webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
			if err != nil || string(event.Type) != tc.kind {
				t.Errorf("Stripe's library reads %s: %v", event.Type, err)
			}
			readings, err := conn.Receiver.Events(header, body)
			if err != nil || len(readings) != 1 {
				t.Fatalf("read %v, %v", readings, err)
			}
			got := readings[0]
			if got.Event.Customer != "cus_1" || got.Event.ID != event.ID || got.Skip != "" || got.Event.OccurredAt.Unix() != event.Created {
				t.Errorf("read %+v", got)
			}
		})
	}
}

// complaints is a T that keeps what would fail a test.
type complaints struct {
	*testing.T
	texts []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.texts = append(c.texts, fmt.Sprintf(format, args...))
}

func TestIllegalRequestsAreRefused(t *testing.T) {
	legal := func() *http.Request {
		r, err := http.NewRequest(http.MethodGet, "/v1/subscriptions?status=all&limit=100", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+Key)
		r.Header.Set("Stripe-Version", stripe.APIVersion)
		return r
	}
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		code   int
	}{
		{"a legal request", func(*http.Request) {}, 200},
		{"no version", func(r *http.Request) { r.Header.Del("Stripe-Version") }, 400},
		{"another version", func(r *http.Request) { r.Header.Set("Stripe-Version", "2020-08-27") }, 400},
		{"no key", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"an unknown parameter", func(r *http.Request) { r.URL.RawQuery += "&nonsense=1" }, 400},
		{"an unknown status", func(r *http.Request) { r.URL.RawQuery = "status=weird" }, 400},
		{"an unknown path", func(r *http.Request) { r.URL.Path = "/v1/subscribers" }, 404},
		{"JSON instead of a form", func(r *http.Request) {
			r.Method, r.URL.Path, r.URL.RawQuery = http.MethodPost, "/v1/customers", ""
			r.Header.Set("Content-Type", "application/json")
			r.Body = io.NopCloser(strings.NewReader(`{"email":"ada@example.com"}`))
		}, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &complaints{T: t}
			s := New(c)
			r := legal()
			tc.change(r)
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(s.URL, "http://")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != tc.code || (len(c.texts) > 0) != (tc.code != 200) {
				t.Errorf("answered %d, want %d; complaints %q", answer.StatusCode, tc.code, c.texts)
			}
		})
	}
}

// What an expression may use is where Stripe's published subscription has it.
func TestAStatusOfOnesOwnReadsStripesPublishedSubscription(t *testing.T) {
	s := New(t)
	conn, err := stripe.Open("billing", config.Connection{BaseURL: s.URL, Timeout: 5 * time.Second}, &stripe.Settings{APIKey: Key, WebhookSecrets: []config.Secret{secret},
		Status: "size(products) == 1 && size(prices) == 1 && subscription.cancel_at_period_end in [true, false] && products[0].startsWith('prod_') && prices[0].startsWith('price_') ? 'whole' : standing",
		Values: []string{"whole", "active", "canceled"}}, connector.Deps{Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.SetCustomer("cus_1", "ada@example.com", nil)
	s.SetSubscription("cus_1", "sub_1", "active", false)
	if got, err := conn.Source.Read(t.Context(), "cus_1"); err != nil || got.Value != "whole" {
		t.Errorf("read %+v, %v", got, err)
	}
}
