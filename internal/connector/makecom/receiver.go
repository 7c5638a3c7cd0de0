package makecom

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// receiver reads the events a scenario sends.
type receiver struct {
	scheme signature.Scheme
	// hasHeaderID says that the scheme covers a webhook-id.
	hasHeaderID bool
	// canRead says that the scenario can be asked, so that an event need not
	// tell the status.
	canRead bool
}

// Verify implements connector.Receiver.
func (r receiver) Verify(h http.Header, body []byte, now time.Time) error {
	return r.scheme.Verify(h, body, now)
}

// Signed implements connector.Receiver.
func (r receiver) Signed() bool { return true }

// patience is how old a signature may be. When a request fails, Make keeps the
// bundle and sends it again as it was, with the old timestamp.
const patience = 24 * time.Hour

// patient takes signatures that are older than the scheme allows. A recorded
// request is recognized by its event's id for as long as it is good.
type patient struct{ scheme signature.Scheme }

// Verify implements signature.Scheme.
func (p patient) Verify(h http.Header, body []byte, now time.Time) error {
	const header = "webhook-timestamp"
	if secs, err := strconv.ParseInt(h.Get(header), 10, 64); err == nil {
		switch age := now.Unix() - secs; {
		case secs > 0 && age > int64(patience/time.Second):
			return fmt.Errorf("the timestamp in the %s header is more than 24 hours old", header)
		case secs > 0 && age > 0:
			now = time.Unix(secs, 0)
		}
	}
	return p.scheme.Verify(h, body, now)
}

// Events implements connector.Receiver. A scenario sends one event a request.
func (r receiver) Events(h http.Header, body []byte) ([]connector.Reading, error) {
	v, err := strictjson.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("read the event: %w", errNoObject)
	}
	event, err := r.event(h, object)
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	event.Payload = slices.Clone(body)
	return []connector.Reading{{Event: event}}, nil
}

func (r receiver) event(h http.Header, a answer) (status.Event, error) {
	s, err := a.shape("customer", "status")
	if err != nil {
		return status.Event{}, err
	}
	e := status.Event{Customer: s.id, Value: s.value, HasValue: s.hasValue, OccurredAt: s.changedAt}
	if !r.canRead && !a.has("status") {
		return e, errors.New("status is missing, and without webhook_url Trueup cannot ask for it")
	}
	if !a.has("event_id") && r.hasHeaderID {
		a = answer{"event_id": h.Get("webhook-id")}
	}
	e.ID, err = a.id("event_id")
	return e, err
}
