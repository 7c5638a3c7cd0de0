package gohighlevel

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// FuzzEvents guards that nothing a delivery holds is read as an event without
// an id or a contact, or as one of another location.
func FuzzEvents(f *testing.F) {
	f.Add(delivery(nil), false)
	f.Add(delivery(func(b map[string]any) { b["type"] = "OpportunityStatusUpdate"; b["contactId"] = "c2" }), false)
	f.Add(delivery(func(b map[string]any) { b["type"] = "UNINSTALL"; delete(b, "locationId") }), false)
	f.Add([]byte(workflowBody), true)
	f.Add([]byte(`{"contact_id":"c1","location":[]}`), true)
	f.Add([]byte(`null`), true)
	f.Fuzz(func(t *testing.T, body []byte, workflow bool) {
		given := bytes.Clone(body)
		r := receiver{app: app, location: location, now: func() time.Time { return testNow }}
		if workflow {
			r.workflow = make([]signature.StaticHeader, 2)
		}
		bound := r.ours(body) == nil
		readings, err := r.Events(nil, body)
		if !bytes.Equal(given, body) {
			t.Fatal("the body was changed")
		}
		var keys map[string]any
		isObject := json.Unmarshal(body, &keys) == nil && keys != nil
		if bound && (!isObject || keys["appId"] != app || keys["locationId"] != location && keys["type"] != "INSTALL" && keys["type"] != "UNINSTALL") {
			t.Fatalf("taken for ours: %s", body)
		}
		if err != nil {
			return
		}
		e := readings[0]
		if len(readings) != 1 || e.Err != nil || e.Event.ID == "" || (e.Skip == "") == (e.Event.Customer == "") || e.Event.HasValue || !bytes.Equal(e.Event.Payload, body) {
			t.Fatalf("read %+v from %s", readings, body)
		}
		if e.Event.Customer != "" && !plausibleID(e.Event.Customer) {
			t.Fatalf("the customer is %q", e.Event.Customer)
		}
	})
}

// FuzzContact reads any bytes as the answer about a contact.
func FuzzContact(f *testing.F) {
	f.Add([]byte(oneContact))
	f.Add([]byte(`{"contact":{"id":"c1","customFields":[{"id":"f1","value":["a","b"]}],"dateUpdated":1795173000000,"tags":null}}`))
	f.Add([]byte(`{"contact":{"id":"c1","email":null,"dateUpdated":""}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer struct {
			Contact *contact `json:"contact"`
		}
		if json.Unmarshal(body, &answer) != nil || answer.Contact == nil {
			return
		}
		c := *answer.Contact
		if y := c.DateUpdated.Year(); y > 9999 {
			t.Fatalf("changed in the year %d", y)
		}
		for key, value := range c.keys([]field{{ID: "f1", Key: "contact.status"}}, "o1") {
			if key == "" || value == "" {
				t.Fatalf("the key %q is %q", key, value)
			}
		}
		p := place{words: map[string]string{"active": "Active", "paused": "Paused"}}
		if v := p.taggedValue(c.Tags); v != "" && v != "Active" && v != "Paused" && v != "Active + Paused" {
			t.Fatalf("the tags %q are read as %q", c.Tags, v)
		}
	})
}

// FuzzErrorText guards that nothing of an error's text gets further.
func FuzzErrorText(f *testing.F) {
	f.Add([]byte(`{"message":"Contact not found for id:ada","statusCode":400}`))
	f.Add([]byte(`{"message":["property x should not exist"]}`))
	f.Add([]byte(`{"message":{"a":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		switch code := codeOf(messageOf(body)); code {
		case "", codeNotFound, codeNoRoute, codeScope, codeLocation, codeVersion:
		default:
			t.Fatalf("the code is %q", code)
		}
	})
}
