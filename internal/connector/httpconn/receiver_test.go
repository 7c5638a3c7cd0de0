package httpconn

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

func receiverOf(t *testing.T, change func(s *Settings)) connector.Receiver {
	t.Helper()
	s := full()
	change(s)
	return connectTo(t, s, "http://127.0.0.1:1").Receiver
}

func TestEachSchemeAcceptsItsOwnSignature(t *testing.T) {
	body := []byte(`{"events":[]}`)
	key, err := signature.StandardSecret(otherSec)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		verify Verify
		header http.Header
	}{
		{"standard-webhooks with the second of two secrets", Verify{Scheme: schemeStandard, Secrets: []config.Secret{whsec, otherSec}},
			signature.SignStandard(key, "msg_1", now, body)},
		{"hmac in hex, the default", Verify{Scheme: schemeHMAC256, Header: "X-Sig", Secrets: []config.Secret{hmacKey}},
			signature.SignHMAC(signature.HMAC{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Hex}}, []byte(hmacKey), now, body)},
		{"hmac in base64 with a prefix and a time", Verify{Scheme: schemeHMAC256, Header: "X-Sig", Encoding: "base64", Prefix: "v1=", TimestampHeader: "X-Time", Secrets: []config.Secret{hmacKey}},
			signature.SignHMAC(signature.HMAC{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Base64, Prefix: "v1=", TimestampHeader: "X-Time"}}, []byte(hmacKey), now, body)},
		{"a static header", Verify{Scheme: schemeHeader, Name: "X-Token", Secrets: []config.Secret{hmacKey}}, http.Header{"X-Token": {hmacKey}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := receiverOf(t, func(s *Settings) { s.Webhook.Verify = c.verify })
			if !r.Signed() {
				t.Error("Signed() is false")
			}
			if err := r.Verify(c.header, body, now); err != nil {
				t.Errorf("refused: %v", err)
			}
			if err := r.Verify(http.Header{}, body, now); err == nil {
				t.Error("accepted without a signature")
			}
		})
	}
	open := receiverOf(t, func(s *Settings) { s.Webhook.Verify = Verify{None: true} })
	if open.Signed() || open.Verify(http.Header{}, body, now) != nil {
		t.Error("none: true does not accept everyone, or calls itself signed")
	}
}

func TestEventsReadsABody(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	event := func(id, customer, value, payload string) connector.Reading {
		return connector.Reading{Event: status.Event{ID: id, Customer: customer, Value: value, HasValue: true, OccurredAt: at, Payload: []byte(payload)}}
	}
	single := func(s *Settings) { s.Webhook.Events = "" }
	cases := []struct {
		name   string
		change func(s *Settings)
		header http.Header
		body   string
		want   []connector.Reading
	}{
		{"one event", single, nil, `{"id":"e1","customer_id":"c1","status":"Active","occurred_at":"2026-03-01T12:00:00Z"}`,
			[]connector.Reading{event("e1", "c1", "Active", `{"customer_id":"c1","id":"e1","occurred_at":"2026-03-01T12:00:00Z","status":"Active"}`)}},
		{"a batch", func(s *Settings) {}, nil, `{"events":[{"id":"e1","customer_id":"c1","status":"A","occurred_at":1772366400},{"id":"e2","customer_id":"c2","status":"B","occurred_at":1772366400000}]}`,
			[]connector.Reading{event("e1", "c1", "A", `{"customer_id":"c1","id":"e1","occurred_at":1772366400,"status":"A"}`),
				event("e2", "c2", "B", `{"customer_id":"c2","id":"e2","occurred_at":1772366400000,"status":"B"}`)}},
		{"an empty batch", func(s *Settings) {}, nil, `{"events":[]}`, []connector.Reading{}},
		{"a filtered batch", func(s *Settings) { s.Webhook.Events = "body.events.filter(e, e.type == 'status')" }, nil,
			`{"events":[{"type":"x"},{"type":"status","id":"e1","customer_id":"c1","status":"A","occurred_at":"2026-03-01T12:00:00Z"}]}`,
			[]connector.Reading{event("e1", "c1", "A", `{"customer_id":"c1","id":"e1","occurred_at":"2026-03-01T12:00:00Z","status":"A","type":"status"}`)}},
		{"ids that are integers beyond 2^53", single, nil, `{"id":` + overTwo53 + `,"customer_id":9007199254740995,"status":3,"occurred_at":"2026-03-01T12:00:00Z"}`,
			[]connector.Reading{event(overTwo53, "9007199254740995", "3", `{"customer_id":9007199254740995,"id":`+overTwo53+`,"occurred_at":"2026-03-01T12:00:00Z","status":3}`)}},
		{"an id from a header", func(s *Settings) { single(s); s.Webhook.ID = "headers['x-event-id']" }, http.Header{"X-Event-Id": {"h1"}},
			`{"customer_id":"c1","status":true,"occurred_at":"2026-03-01T12:00:00Z"}`,
			[]connector.Reading{event("h1", "c1", "true", `{"customer_id":"c1","occurred_at":"2026-03-01T12:00:00Z","status":true}`)}},
		{"the id of the delivery", func(s *Settings) { single(s); s.Webhook.ID = "" }, http.Header{"Webhook-Id": {"msg_1"}},
			`{"customer_id":"c1","status":"A","occurred_at":"2026-03-01T12:00:00Z"}`,
			[]connector.Reading{event("msg_1", "c1", "A", `{"customer_id":"c1","occurred_at":"2026-03-01T12:00:00Z","status":"A"}`)}},
		{"the id of a delivery with several events", func(s *Settings) { s.Webhook.ID = "" }, http.Header{"Webhook-Id": {"msg_1"}},
			`{"events":[{"customer_id":"c1","status":"A","occurred_at":"2026-03-01T12:00:00Z"},{"customer_id":"c2","status":"A","occurred_at":"2026-03-01T12:00:00Z"}]}`,
			[]connector.Reading{event("msg_1#0", "c1", "A", `{"customer_id":"c1","occurred_at":"2026-03-01T12:00:00Z","status":"A"}`),
				event("msg_1#1", "c2", "A", `{"customer_id":"c2","occurred_at":"2026-03-01T12:00:00Z","status":"A"}`)}},
		{"a time that CEL read", func(s *Settings) { single(s); s.Webhook.OccurredAt = "timestamp(event.day + 'T12:00:00Z')" }, nil,
			`{"id":"e1","customer_id":"c1","status":"A","day":"2026-03-01"}`,
			[]connector.Reading{event("e1", "c1", "A", `{"customer_id":"c1","day":"2026-03-01","id":"e1","status":"A"}`)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := receiverOf(t, c.change).Events(c.header, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnEventWithoutValueOrTimeIsStillAnEvent(t *testing.T) {
	for _, body := range []string{`{"id":"e1","customer_id":"c1"}`, `{"id":"e1","customer_id":"c1","status":null,"occurred_at":null}`, `{"id":"e1","customer_id":"c1","occurred_at":""}`} {
		got, err := receiverOf(t, func(s *Settings) { s.Webhook.Events = "" }).Events(nil, []byte(body))
		if err != nil || len(got) != 1 || got[0].Err != nil {
			t.Fatalf("%s: got %+v, %v", body, got, err)
		}
		if e := got[0].Event; e.HasValue || e.Value != "" || !e.OccurredAt.IsZero() {
			t.Errorf("%s: got %+v", body, e)
		}
	}
}

func TestOneBadEventDoesNotSpoilTheOthers(t *testing.T) {
	body := `{"events":[{"id":"e1","customer_id":"c1"},{"id":"e2"},7,{"id":"e4","customer_id":"c4","occurred_at":"anna.canary@example.com"},` +
		`{"id":"e5","customer_id":["anna.canary@example.com"]},{"id":"e6","customer_id":"c6","status":{"anna.canary@example.com":1}},{"id":1.5,"customer_id":"c"},{"id":"e8","customer_id":"c8"}]}`
	got, err := receiverOf(t, func(s *Settings) {}).Events(nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ id, err, payload string }{
		{"e1", "", `{"customer_id":"c1","id":"e1"}`},
		{"e2", "webhook.customer: the id is missing", `{"id":"e2"}`},
		{"", "the event is not a JSON object", `7`},
		{"e4", "webhook.occurred_at: the value is not a valid time: neither RFC 3339 text nor Unix seconds or milliseconds", `{"customer_id":"c4","id":"e4","occurred_at":"anna.canary@example.com"}`},
		{"e5", "webhook.customer: the id is neither text nor a whole number", `{"customer_id":["anna.canary@example.com"],"id":"e5"}`},
		{"e6", "webhook.status: the value is neither text, nor a number, nor true or false", `{"customer_id":"c6","id":"e6","status":{"anna.canary@example.com":1}}`},
		{"", "webhook.id: the id is a number that is not whole or too large to be exact", `{"customer_id":"c","id":1.5}`},
		{"e8", "", `{"customer_id":"c8","id":"e8"}`},
	}
	for i, w := range want {
		text := ""
		if got[i].Err != nil {
			text = got[i].Err.Error()
		}
		if got[i].Event.ID != w.id || text != w.err || string(got[i].Event.Payload) != w.payload {
			t.Errorf("event %d: id %q, error %q, payload %s", i, got[i].Event.ID, text, got[i].Event.Payload)
		}
	}
}

func TestABodyInWhichNothingCanBeReadIsAnError(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"no JSON", `anna.canary@example.com`, "read the webhook: not valid JSON at byte 0"},
		{"a key twice", `{"events":[],"events":[]}`, "read the webhook: an object has the same key twice at byte 13"},
		{"no list of events", `{}`, "read the webhook: webhook.events: the list is missing"},
		{"a list that is none", `{"events":{}}`, "read the webhook: webhook.events: the value is not a list"},
		{"one event that cannot be read", `{"events":[{}]}`, "read the webhook: webhook.id: the id is missing"},
		{"several events of which none can be read", `{"events":[{"id":"e1"},7]}`,
			"read the webhook: none of its 2 events can be read; the first: webhook.customer: the id is missing"},
		{"an empty id", `{"events":[{"id":" ","customer_id":"c"}]}`, "read the webhook: webhook.id: the id is empty"},
		{"an id with a control character", `{"events":[{"id":"a\u0000","customer_id":"c"}]}`, "read the webhook: webhook.id: the value contains a control character"},
		{"an endless id", `{"events":[{"id":"` + strings.Repeat("a", 513) + `","customer_id":"c"}]}`, "read the webhook: webhook.id: the value is longer than 512 bytes"},
		{"more events than anyone sends", `{"events":[` + strings.Repeat("1,", maxEvents) + `1]}`, fmt.Sprintf("read the webhook: it contains more than %d events", maxEvents)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := receiverOf(t, func(s *Settings) {}).Events(nil, []byte(c.body))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %d events and %v, want %q", len(got), err, c.want)
			}
		})
	}
}

func TestTheIDOfTheDeliveryMustBeThere(t *testing.T) {
	r := receiverOf(t, func(s *Settings) { s.Webhook.ID, s.Webhook.Events = "", "" })
	if got, err := r.Events(http.Header{}, []byte(`{"customer_id":"c1"}`)); err == nil {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutReadTheStoredEventIsTheRecord(t *testing.T) {
	payload := `{"id":"e1","customer_id":7,"status":"paused","occurred_at":"2026-03-01T12:00:00Z","email":" Anna@example.com ","ids":{"crm":null}}`
	keys := map[string]string{"email": "event.email", "crm": "record.ids.crm", "none": "record.nothing.at.all"}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name   string
		change func(s *Settings)
		want   status.SourceRecord
	}{
		{"with the expressions of the webhook", func(s *Settings) {}, status.SourceRecord{ID: "7", Value: "paused", UpdatedAt: at}},
		{"with those of the record where they are given", func(s *Settings) {
			s.Webhook.OccurredAt = ""
			s.Record = Record{ID: "record.id", Status: "record.status + '!'", Keys: keys}
		}, status.SourceRecord{ID: "e1", Value: "paused!", Keys: map[string]string{"email": "Anna@example.com"}}},
		{"with the body, which is the event", func(s *Settings) { s.Webhook.Events, s.Webhook.Customer = "", "body.customer_id" },
			status.SourceRecord{ID: "7", Value: "paused", UpdatedAt: at}},
		{"without a status", func(s *Settings) { s.Webhook.Status = "event.state" },
			status.SourceRecord{ID: "7", NoStatus: true, UpdatedAt: at}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			*s = Settings{Webhook: s.Webhook}
			c.change(s)
			got, err := connectTo(t, s, "http://127.0.0.1:1").EventSource.Record([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWithoutReadTheHintComesFromTheRecordsExpression(t *testing.T) {
	s := full()
	*s = Settings{Webhook: s.Webhook, Record: Record{Status: "record.status"}}
	s.Webhook.Status = ""
	got, err := connectTo(t, s, "http://127.0.0.1:1").Receiver.Events(nil, []byte(`{"events":[{"id":"e1","customer_id":"c1","status":"x"}]}`))
	if err != nil || got[0].Event.Value != "x" || !got[0].Event.HasValue {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAStoredEventThatNoLongerFitsIsAFaultOfTheConfiguration(t *testing.T) {
	s := full()
	*s = Settings{Webhook: s.Webhook}
	es := connectTo(t, s, "http://127.0.0.1:1").EventSource
	for _, payload := range []string{``, `7`, `{}`, `{"customer_id":"c1","status":["anna.canary"]}`, `{"customer_id":"c1","status":"x","occurred_at":"anna.canary"}`} {
		_, err := es.Record([]byte(payload))
		wantKind(t, err, connector.Misconfigured, connector.EffectNone)
	}
}
