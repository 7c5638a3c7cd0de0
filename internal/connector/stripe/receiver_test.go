package stripe

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestWebhooksAreVerifiedWithStripesScheme(t *testing.T) {
	r := newFake(t).open().Receiver
	body := []byte(eventJSON("evt_1", "customer.updated", testNow))
	if !r.Signed() {
		t.Error("Stripe's webhooks are signed")
	}
	if err := r.Verify(signature.SignStripe([]byte(testSecret), testNow, body), body, testNow); err != nil {
		t.Errorf("a genuine body is refused: %v", err)
	}
	if r.Verify(signature.SignStripe([]byte("whsec_other"), testNow, body), body, testNow) == nil {
		t.Error("a body signed with another secret is accepted")
	}
	if r.Verify(signature.SignStripe([]byte(testSecret), testNow, body), body, testNow.Add(time.Hour)) == nil {
		t.Error("a body of an hour ago is accepted")
	}
}

func TestEvents(t *testing.T) {
	event := func(kind, object string) string {
		return `{"id":"evt_1","object":"event","type":"` + kind + `","created":1763640000,"livemode":false,"data":{"object":` + object + `}}`
	}
	at := time.Unix(1763640000, 0).UTC()
	about := func(customer string) connector.Reading {
		return connector.Reading{Event: status.Event{ID: "evt_1", Customer: customer, OccurredAt: at}}
	}
	for _, tc := range []struct {
		name, body string
		want       connector.Reading
		err        string
	}{
		{"a subscription names its customer", event("customer.subscription.updated", `{"id":"sub_1","customer":"cus_1","status":"past_due"}`), about("cus_1"), ""},
		{"a customer in full is as good as an id", event("customer.subscription.deleted", `{"id":"sub_1","customer":{"id":"cus_1","object":"customer"}}`), about("cus_1"), ""},
		{"a subscription event of tomorrow counts", event("customer.subscription.hibernated", `{"id":"sub_1","customer":"cus_1"}`), about("cus_1"), ""},
		{"a new customer is its own subject", event("customer.created", `{"id":"cus_1"}`), about("cus_1"), ""},
		{"a changed customer is its own subject", event("customer.updated", `{"id":"cus_1"}`), about("cus_1"), ""},
		{"a deleted customer is its own subject", event("customer.deleted", `{"id":"cus_1","object":"customer"}`), about("cus_1"), ""},
		{"an id an old account chose is kept", event("customer.updated", `{"id":"0042"}`), about("0042"), ""},
		{"an invoice is none of ours", event("invoice.paid", `{"customer":"cus_1"}`), connector.Reading{
			Event: status.Event{ID: "evt_1", OccurredAt: at}, Skip: "stripe event type invoice.paid cannot change a customer's status"}, ""},
		{"a discount of a customer is none of ours", event("customer.discount.created", `{"customer":"cus_1"}`), connector.Reading{
			Event: status.Event{ID: "evt_1", OccurredAt: at}, Skip: "stripe event type customer.discount.created cannot change a customer's status"}, ""},
		{"a thin event is explained", `{"id":"evt_1","object":"v2.core.event","type":"v1.customer.updated","created":"2026-11-20T12:00:00Z"}`, connector.Reading{}, "configured for thin events"},
		{"live data on a test key is refused", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), `"livemode":false`, `"livemode":true`, 1), connector.Reading{}, "from Stripe's live mode and the api_key is a test key"},
		{"an event of a connected account is skipped, whatever its mode", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), `"livemode":false`, `"livemode":true,"account":"acct_1"`, 1), connector.Reading{
			Event: status.Event{ID: "evt_1", OccurredAt: at}, Skip: "the stripe event is from a connected account, and this connection follows the account of its api_key"}, ""},
		{"an event of an organization's endpoint is skipped", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), `"livemode"`, `"context":"acct_1","livemode"`, 1), connector.Reading{
			Event: status.Event{ID: "evt_1", OccurredAt: at}, Skip: "the stripe event is from the endpoint of an organization, and this connection follows the account of its api_key: create an endpoint in that account"}, ""},
		{"an event that names no other account is our own", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), `"livemode"`, `"account":null,"context":null,"livemode"`, 1), about("cus_1"), ""},
		{"another object is no event", `{"id":"cus_1","object":"customer"}`, connector.Reading{}, "not a Stripe event"},
		{"keys count by their exact case", `{"ID":"evt_1","OBJECT":"event"}`, connector.Reading{}, "not a Stripe event"},
		{"a list is no event", `[]`, connector.Reading{}, "not a JSON object"},
		{"nothing is no event", ``, connector.Reading{}, "not a JSON object"},
		{"text after the event is refused", event("customer.updated", `{"id":"cus_1"}`) + "{}", connector.Reading{}, "not a JSON object"},
		{"an event needs its id", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), "evt_1", "", 1), connector.Reading{}, "no id that begins with evt_"},
		{"an id is a string", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), `"evt_1"`, "7", 1), connector.Reading{}, "no id that begins with evt_"},
		{"an id holds no line break", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), "evt_1", `evt_1\n`, 1), connector.Reading{}, "no id that begins with evt_"},
		{"an event needs its time", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), "1763640000", "null", 1), connector.Reading{}, "does not show when"},
		{"a time is whole seconds", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), "1763640000", "1763640000.5", 1), connector.Reading{}, "does not show when"},
		{"a time lies in our age", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), "1763640000", "9223372036854775807", 1), connector.Reading{}, "does not show when"},
		{"a time is positive", strings.Replace(event("customer.updated", `{"id":"cus_1"}`), "1763640000", "-1", 1), connector.Reading{}, "does not show when"},
		{"an event needs its type", event("", `{"id":"cus_1"}`), connector.Reading{}, "has no type"},
		{"a type is a word of Stripe's alphabet", event("Bad Type", `{"id":"cus_1"}`), connector.Reading{}, "has no type"},
		{"a subscription without customer is refused", event("customer.subscription.updated", `{"id":"sub_1","customer":null}`), connector.Reading{}, "does not name its customer"},
		{"a customer id cannot climb in a path", event("customer.updated", `{"id":".."}`), connector.Reading{}, "does not name its customer"},
		{"an event needs its object", `{"id":"evt_1","object":"event","type":"customer.updated","created":1,"data":[]}`, connector.Reading{}, "does not name its customer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := []byte(tc.body)
			got, err := newFake(t).open().Receiver.Events(nil, body)
			clear(body) // the caller's buffer is used again
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, %v, want the error %q", got, err, tc.err)
				}
				return
			}
			tc.want.Event.Payload = []byte(tc.body)
			if err != nil || len(got) != 1 {
				t.Fatalf("got %v, %v", got, err)
			}
			if diff := cmp.Diff(tc.want, got[0]); diff != "" {
				t.Error(diff)
			}
		})
	}
}
