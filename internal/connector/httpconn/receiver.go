package httpconn

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// maxEvents bounds one body. At the receiver's limit of 1 MiB more events than
// that would have no room for an id, a customer and a status each.
const maxEvents = 50_000

// receiver reads webhooks.
type receiver struct{ *compiled }

// Verify implements connector.Receiver.
func (r receiver) Verify(h http.Header, body []byte, now time.Time) error {
	if r.verify == nil {
		return nil
	}
	return r.verify.Verify(h, body, now)
}

// Signed implements connector.Receiver.
func (r receiver) Signed() bool { return r.verify != nil }

// Events implements connector.Receiver.
func (r receiver) Events(h http.Header, body []byte) ([]connector.Reading, error) {
	v, err := decodeBody(h.Get("Content-Type"), body)
	if err != nil {
		return nil, fmt.Errorf("read the webhook: %w", err)
	}
	return r.read(h, v)
}

// read reads the events of a body.
func (r receiver) read(h http.Header, v any) (readings []connector.Reading, err error) {
	vars := map[string]any{varBody: v, varHeaders: headersOf(h)}
	events := []any{v}
	if r.events != nil {
		if events, err = r.events.list(vars); err != nil {
			return nil, fmt.Errorf("read the webhook: %w", err)
		}
	}
	if len(events) > maxEvents {
		return nil, fmt.Errorf("read the webhook: it contains more than %d events", maxEvents)
	}
	readings = make([]connector.Reading, len(events))
	var unreadable error
	bad := 0
	for i, e := range events {
		readings[i] = r.event(vars, h, e, i, len(events))
		if err := readings[i].Err; err != nil {
			bad++
			if unreadable == nil {
				unreadable = err
			}
		}
	}
	if bad > 0 && bad == len(readings) {
		if bad > 1 {
			unreadable = fmt.Errorf("none of its %d events can be read; the first: %w", bad, unreadable)
		}
		return nil, fmt.Errorf("read the webhook: %w", unreadable)
	}
	return readings, nil
}

// Reread implements connector.Rereader. Where webhook.events says where a body
// has its events, what does not have them there was one of them. The type of the
// body is not kept: what does not look like JSON was a form.
func (r receiver) Reread(h http.Header, kept []byte) ([]connector.Reading, error) {
	event, err := strictjson.DecodeVariants(kept)
	if err != nil && !looksLikeJSON(kept) {
		if form, noForm := decodeForm(kept); noForm == nil {
			event, err = form, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the webhook: %w", err)
	}
	readings, err := r.read(h, event)
	if err == nil && len(readings) > 0 || r.events == nil {
		return readings, err
	}
	one := r.event(map[string]any{varBody: event, varHeaders: headersOf(h)}, h, event, 0, 1)
	if one.Err != nil {
		return nil, fmt.Errorf("read the event: %w", one.Err)
	}
	return []connector.Reading{one}, nil
}

// event reads event number i of n. Of an event that cannot be read, the result
// still holds what could be: its id makes a repeat recognisable.
func (r receiver) event(vars map[string]any, h http.Header, event any, i, n int) connector.Reading {
	var out connector.Reading
	out.Event.Payload, out.Err = strictjson.Encode(event)
	if out.Err != nil {
		return out
	}
	if _, ok := event.(map[string]any); !ok {
		out.Err = errors.New("the event is not a JSON object")
		return out
	}
	vars = maps.Clone(vars)
	vars[varEvent], vars[varRecord] = event, event
	if r.when != nil {
		ours, err := r.when.verdict(vars)
		if out.Err = err; err != nil {
			return out
		}
		if !ours {
			return r.dropped(out, vars, h, i, n)
		}
	}
	out.Event.ID, out.Err = r.idOf(vars, h, i, n)
	if out.Err != nil {
		return out
	}
	if out.Event.Customer, out.Err = r.customer.id(vars); out.Err != nil {
		return out
	}
	if out.Err = r.valueOf(&out.Event, vars, event); out.Err != nil {
		return out
	}
	if out.Event.OccurredAt, out.Err = r.occurred.time(vars); out.Err != nil {
		return out
	}
	changed, err := r.changed.truth(vars)
	if out.Err = err; err != nil {
		return out
	}
	if changed {
		out.Event.UnchangedAt = out.Event.OccurredAt
	}
	if !r.hasRead && !out.Event.HasValue {
		out.Mute = true
		out.Skip = "the event has no status, and there is no read to ask for it"
	}
	return out
}

// dropped is an event that webhook.when says is not about a status. It is kept as
// ignored, so that a wrong filter loses nothing, and is about no customer.
func (r receiver) dropped(out connector.Reading, vars map[string]any, h http.Header, i, n int) connector.Reading {
	out.Skip = "webhook.when is false for it"
	id, err := r.idOf(vars, h, i, n)
	if err != nil {
		id = contentID("dropped:", out.Event.Payload)
	}
	out.Event.ID = id
	return out
}

func (r receiver) idOf(vars map[string]any, h http.Header, i, n int) (string, error) {
	if r.eventID != nil {
		return r.eventID.id(vars)
	}
	// Standard Webhooks: the id of the delivery stays the same in every retry,
	// and the signature covers it.
	id := cmp.Or(h.Get(r.idHeader), h.Get("Webhook-Id")) // the second is all that is left of a kept one
	if id == "" {
		return "", errors.New("the webhook-id header is missing")
	}
	if n > 1 {
		id += "#" + strconv.Itoa(i)
	}
	return id, nil
}

// valueOf reads the hint of the event. Where there is no read, the record's
// own expression for the status fits the event too.
func (r receiver) valueOf(e *status.Event, vars map[string]any, event any) (err error) {
	if r.status == nil && !r.hasRead {
		vars = r.withRecord(nil, event)
		e.Value, e.HasValue, err = r.record.status.text(vars)
		return err
	}
	e.Value, e.HasValue, err = r.status.text(vars)
	return err
}

// eventSource reads a record out of a stored event.
type eventSource struct{ *compiled }

// Record implements connector.EventSource.
func (s eventSource) Record(payload []byte) (status.SourceRecord, error) {
	event, err := strictjson.DecodeVariants(payload)
	if err != nil {
		return status.SourceRecord{}, misconfigured(fmt.Errorf("read the stored event: %w", err))
	}
	if _, ok := event.(map[string]any); !ok {
		return status.SourceRecord{}, misconfigured(errors.New("the stored event is not a JSON object"))
	}
	r, err := s.fallback.read(s.withRecord(nil, event))
	if err != nil {
		return status.SourceRecord{}, misconfigured(err)
	}
	return r.source(), nil
}
