package stripetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86/webhook"
)

// Event makes the webhook body of an event about a subscription
// (customer.subscription.…) or a customer (any other type), as it is now. The
// account lists the event from then on.
func (s *Stripe) Event(kind, id string) []byte {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.customers
	if strings.HasPrefix(kind, "customer.subscription.") {
		all = s.subscriptions
	}
	object := find(all, id)
	if object == nil {
		s.t.Fatalf("there is nothing called %s for an event %s", id, kind)
	}
	e, err := s.mock.fixture("event")
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	s.made++
	// An event holds the object as it was: a copy, and for a deletion what
	// was there before it.
	object = maps.Clone(object)
	delete(object, "deleted")
	e["id"] = fmt.Sprintf("evt_1Trueup%08d", s.made)
	e["type"] = kind
	e["created"] = s.Now().Unix()
	e["api_version"] = s.mock.version
	e["data"] = record{"object": object}
	s.events = slices.Insert(s.events, 0, e)
	body, err := json.Marshal(e)
	if err != nil {
		s.t.Fatalf("make an event %s: %v", kind, err)
	}
	return body
}

// Sign returns the headers Stripe would send the body with, made by Stripe's
// own library.
func Sign(body []byte, secret string, t time.Time) http.Header {
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: t})
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Stripe-Signature", signed.Header)
	return h
}
