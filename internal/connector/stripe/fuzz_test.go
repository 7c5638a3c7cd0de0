package stripe

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func FuzzEvents(f *testing.F) {
	f.Add([]byte(eventJSON("evt_1", "customer.subscription.updated", testNow)))
	f.Add([]byte(eventJSON("evt_1", "customer.deleted", testNow)))
	f.Add([]byte(eventJSON("evt_1", "invoice.paid", testNow)))
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"customer.subscription.created","created":1,"livemode":true,"data":{"object":{"customer":{"id":"cus_9"}}}}`))
	f.Add([]byte(`{"id":"evt_1","object":"v2.core.event","type":"v1.customer.updated"}`))
	f.Add([]byte(`{"ID":"evt_1","Object":"event"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[{"object":"event"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		readings, err := receiver{mode: modeTest}.Events(nil, body)
		if !bytes.Equal(given, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			return
		}
		if len(readings) != 1 {
			t.Fatalf("%d readings", len(readings))
		}
		r := readings[0]
		if r.Err != nil || r.Event.HasValue || !bytes.Equal(r.Event.Payload, body) {
			t.Fatalf("read %+v", r)
		}
		if r.Event.ID == "" || r.Event.OccurredAt.IsZero() || (r.Skip == "") == (r.Event.Customer == "") {
			t.Fatalf("read %+v", r)
		}
		var keys map[string]any
		if json.Unmarshal(body, &keys) != nil || keys["object"] != "event" || keys["id"] != r.Event.ID || keys["livemode"] == true {
			t.Fatalf("read %+v from %s", r, body)
		}
	})
}

// FuzzFold reads subscriptions out of any bytes, as an answer of Stripe's
// would hold them.
func FuzzFold(f *testing.F) {
	f.Add([]byte(`{"object":"subscription","status":"active","customer":"cus_1","pause_collection":{"behavior":"void"}}`),
		[]byte(`{"object":"subscription","status":"canceled","customer":{"id":"cus_1"},"ended_at":1700000000}`))
	f.Add([]byte(`{"object":"subscription","status":"hibernating","pause_collection":null}`), []byte(`{"status":1}`))
	f.Add([]byte(`{"object":"subscription","status":"active","ended_at":9223372036854775807}`), []byte(`{"object":"subscription","status":"trialing","ended_at":-1}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var subs []Subscription
		for _, raw := range [][]byte{a, b} {
			s, _, err := readSubscription(raw)
			if err != nil {
				continue
			}
			if s.Status == "" || s.EndedAt.Before(time.Time{}) || s.EndedAt.Year() > 9999 {
				t.Fatalf("read %+v from %s", s, raw)
			}
			subs = append(subs, s)
		}
		got := Fold(subs)
		holdsFold(t, subs, got)
		if len(subs) == 2 && Fold([]Subscription{subs[1], subs[0]}) != got {
			t.Fatalf("the order of %+v matters", subs)
		}
	})
}
