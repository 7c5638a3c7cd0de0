package makecom

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestAnEventIsRead(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want status.Event
	}{
		"in full": {delivery, status.Event{ID: "e1", Customer: "c1", Value: "Active", HasValue: true, OccurredAt: time.Date(2026, 3, 1, 11, 59, 0, 0, time.UTC)}},
		"in base64": {`{"event_id":"e1","customer_base64":"Y1wiMQ==","status_base64":"QWN0aXZl","changed_at_base64":""}`,
			status.Event{ID: "e1", Customer: `c\"1`, Value: "Active", HasValue: true}},
		"without a status, of a tool that can be asked": {`{"event_id":"e1","customer":"c1"}`, status.Event{ID: "e1", Customer: "c1"}},
		"with an empty status":                          {`{"event_id":"e1","customer":"c1","status":""}`, status.Event{ID: "e1", Customer: "c1"}},
		"with the id of its delivery":                   {`{"customer":"c1","status":null}`, status.Event{ID: "msg_1", Customer: "c1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := receiver{hasHeaderID: true, canRead: true}.Events(http.Header{"Webhook-Id": {"msg_1"}}, []byte(tt.body))
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			tt.want.Payload = []byte(tt.body)
			if diff := cmp.Diff(tt.want, got[0].Event); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnEventThatCannotBeReadSaysWhy(t *testing.T) {
	for body, want := range map[string]string{
		`{"customer":"c1","status":"Active"}`:                                      "event_id is missing",
		`{"event_id":"","customer":"c1","status":"Active"}`:                        "event_id is missing",
		`{"event_id":"e1","status":"Active"}`:                                      "customer is missing",
		`{"event_id":"e1","customer":"","status":"Active"}`:                        "customer is missing",
		`{"event_id":"e1","customer":"c1"}`:                                        "status is missing",
		`{"event_id":"e1","customer":"c1","status":7}`:                             "status is not a text",
		`{"event_id":"e1","customer":"c1","status":"Active","changed_at":"12:00"}`: "changed_at is not a time",
		`{"event_id":"e1","customer":"the "best"","status":"Active"}`:              "byte",
		`{"event_id":"e1","Event_id":"e2","customer":"c1","status":"Active"}`:      "key",
		`[{"event_id":"e1"}]`:                                                      "not a JSON object",
	} {
		// The secret header covers no webhook-id, so it is not looked at.
		got, err := receiver{}.Events(http.Header{"Webhook-Id": {"msg_1"}}, []byte(body))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "best") {
			t.Errorf("%s gives %+v, %v; want %q", body, got, err, want)
		}
	}
}

func TestARecordIsReadOutOfItsEvent(t *testing.T) {
	got, err := eventSource{}.Record([]byte(delivery))
	if err != nil {
		t.Fatal(err)
	}
	want := status.SourceRecord{ID: "c1", Value: "Active", UpdatedAt: time.Date(2026, 3, 1, 11, 59, 0, 0, time.UTC), Keys: map[string]string{"email": "a@example.com"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = eventSource{}.Record([]byte(`{"event_id":"e1","customer":"c1","status":""}`))
	if err != nil || !got.NoStatus {
		t.Errorf("a customer without a status is %+v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", "{}"} {
		if got, err := (eventSource{}).Record([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

// FuzzEvents guards that an event is read whole or not at all, and read again
// later in the same way.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(delivery))
	f.Add([]byte(`{"event_id":"e1","customer_base64":"YzE=","status_base64":"","keys":{"email_base64":"YQ=="}}`))
	f.Add([]byte(`{"event_id":"e1","customer":"c1","status":"a","status_base64":"YQ=="}`))
	f.Add([]byte(`{"event_id":"e1","customer":"c1","status":null,"changed_at":"2026-03-01T12:00:00+0100"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		got, err := receiver{}.Events(nil, body)
		if !bytes.Equal(given, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			return
		}
		e := got[0].Event
		if len(got) != 1 || !plausibleID(e.ID) || !plausibleID(e.Customer) || e.HasValue != (e.Value != "") {
			t.Fatalf("read %+v", got)
		}
		r, err := eventSource{}.Record(e.Payload)
		if err != nil || r.ID != e.Customer || r.Value != e.Value || r.NoStatus == e.HasValue || !r.UpdatedAt.Equal(e.OccurredAt) {
			t.Fatalf("read as %+v and again as %+v, %v", e, r, err)
		}
	})
}
