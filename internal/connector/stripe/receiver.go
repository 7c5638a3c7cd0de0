package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

// receiver implements connector.Receiver.
type receiver struct {
	scheme signature.Stripe
	mode   mode
}

// Verify implements connector.Receiver.
func (r receiver) Verify(h http.Header, body []byte, now time.Time) error {
	return r.scheme.Verify(h, body, now)
}

// Signed implements connector.Receiver.
func (r receiver) Signed() bool { return true }

// Events implements connector.Receiver. Stripe sends one event a request.
func (r receiver) Events(_ http.Header, body []byte) ([]connector.Reading, error) {
	reading, err := readEvent(body, r.mode)
	if err != nil {
		return nil, err
	}
	return []connector.Reading{reading}, nil
}

// object is a JSON object by its exact keys: encoding/json would take ID for
// id in a struct.
type object map[string]json.RawMessage

// text returns the string under the key, "" when there is none.
func (o object) text(key string) string {
	var s string
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return s
}

// object returns the object under the key, empty when there is none.
func (o object) object(key string) object {
	var inner object
	if json.Unmarshal(o[key], &inner) != nil {
		return nil
	}
	return inner
}

// subscriptionEvents begin the types whose object is a subscription.
const subscriptionEvents = "customer.subscription."

// customerEvents are the types whose object is the customer.
var customerEvents = []string{"customer.created", "customer.updated", "customer.deleted"}

// readEvent reads one event object, from a webhook or from the list of events.
// The whole body is kept as the payload.
func readEvent(body []byte, expected mode) (connector.Reading, error) {
	var event object
	if err := json.Unmarshal(body, &event); err != nil {
		return connector.Reading{}, errors.New("the body is not a JSON object")
	}
	switch kind := event.text("object"); {
	case kind == "event":
	case strings.HasPrefix(kind, "v2."):
		return connector.Reading{}, errors.New("the endpoint is configured for thin events; " +
			"create an endpoint with the payload style Snapshot in the Stripe Dashboard")
	default:
		return connector.Reading{}, errors.New("the body is not a Stripe event")
	}
	reading := connector.Reading{Event: status.Event{ID: event.text("id"), Payload: slices.Clone(body)}}
	if !strings.HasPrefix(reading.Event.ID, "evt_") || !plausibleID(reading.Event.ID) {
		return connector.Reading{}, errors.New("the event has no id that begins with evt_")
	}
	var created int64
	err := json.Unmarshal(event["created"], &created)
	at, ok := unixTime(created)
	if err != nil || !ok {
		return connector.Reading{}, errors.New("the event does not show when it was created")
	}
	reading.Event.OccurredAt = at
	if reading.Skip = elsewhere(event); reading.Skip != "" {
		return reading, nil
	}
	if err := sameMode(event, expected); err != nil {
		return connector.Reading{}, err
	}
	kind := event.text("type")
	if !isEventType(kind) {
		return connector.Reading{}, errors.New("the event has no type")
	}
	subject := event.object("data").object("object")
	switch {
	case strings.HasPrefix(kind, subscriptionEvents):
		reading.Event.Customer = reference(subject["customer"])
	case slices.Contains(customerEvents, kind):
		reading.Event.Customer = subject.text("id")
	default:
		reading.Skip = fmt.Sprintf("stripe event type %s cannot change a customer's status", kind)
		return reading, nil
	}
	if !plausibleID(reading.Event.Customer) {
		return connector.Reading{}, fmt.Errorf("the %s event does not name its customer", kind)
	}
	return reading, nil
}

// elsewhere says why an event is none of the key's own account, "" when it is
// one. Its customer is in an account that the key does not read, and would seem
// to be gone. Its mode does not matter: an endpoint for connected accounts gets
// the test events of those accounts at its live address too.
// Source: docs.stripe.com/connect/webhooks; docs.stripe.com/api/events/object, "context".
func elsewhere(event object) string {
	switch {
	case event.text("account") != "":
		return "the stripe event is from a connected account, and this connection follows the account of its api_key"
	case event.text("context") != "":
		return "the stripe event is from the endpoint of an organization, and this connection follows the account of its api_key: create an endpoint in that account"
	}
	return ""
}

// sameMode refuses an event of the other world than the key's. The signature
// fits when somebody pairs the secret of a test endpoint with a live key, and
// every customer would then seem not to exist.
func sameMode(event object, expected mode) error {
	var live bool
	if expected == modeUnknown || json.Unmarshal(event["livemode"], &live) != nil {
		return nil
	}
	actual := modeTest
	if live {
		actual = modeLive
	}
	if actual != expected {
		return fmt.Errorf("the event is from Stripe's %s mode and the api_key is a %s key; use a key and a signing secret of the same mode", actual, expected)
	}
	return nil
}

// isEventType accepts what Stripe names its types with, so that a type can be
// quoted to people.
func isEventType(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' {
			return false
		}
	}
	return true
}
