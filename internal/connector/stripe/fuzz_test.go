package stripe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// FuzzEvents guards that a body is one event of the key's own mode, by its exact
// keys, or is refused without being quoted.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(eventJSON("evt_1", "customer.subscription.updated", testNow)))
	f.Add([]byte(eventJSON("evt_1", "customer.deleted", testNow)))
	f.Add([]byte(eventJSON("evt_1", "invoice.paid", testNow)))
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"customer.subscription.created","created":1,"livemode":true,"data":{"object":{"customer":{"id":"cus_9"}}}}`))
	f.Add([]byte(`{"id":"evt_1","object":"v2.core.event","type":"v1.customer.updated"}`))
	f.Add([]byte(`{"ID":"evt_1","Object":"event"}`))
	f.Add([]byte(eventJSON("evt_1", "Customer Anna", testNow)))
	f.Add([]byte(eventJSON("evt_1", "customer.subscription.anna@example.com", testNow)))
	f.Add([]byte(`null`))
	f.Add([]byte(`[{"object":"event"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		readings, err := receiver{mode: modeTest}.Events(nil, body)
		if !bytes.Equal(given, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if !refusals.MatchString(err.Error()) {
				t.Fatalf("the error may quote the body: %q", err)
			}
			return
		}
		if len(readings) != 1 {
			t.Fatalf("%d readings", len(readings))
		}
		r := readings[0]
		if r.Err != nil || r.Event.HasValue || !bytes.Equal(r.Event.Payload, body) {
			t.Fatalf("read %+v", r)
		}
		if r.Skip != "" && !skips.MatchString(r.Skip) {
			t.Fatalf("the reason may quote the body: %q", r.Skip)
		}
		if r.Event.ID == "" || r.Event.OccurredAt.IsZero() || (r.Skip == "") == (r.Event.Customer == "") {
			t.Fatalf("read %+v", r)
		}
		var keys map[string]any
		if json.Unmarshal(body, &keys) != nil || keys["object"] != "event" || keys["id"] != r.Event.ID || keys["livemode"] == true {
			t.Fatalf("read %+v from %s", r, body)
		}
		if !plausibleID(r.Event.ID) || r.Event.Customer != "" && !plausibleID(r.Event.Customer) || r.Event.OccurredAt.Year() > 9999 {
			t.Fatalf("read %+v", r)
		}
		// What every reader takes the same way is taken that way here.
		if v, err := strictjson.Decode(body); err == nil && r.Skip == "" {
			subject := v.(map[string]any)["data"].(map[string]any)["object"].(map[string]any)
			owner := subject["customer"]
			if o, expanded := owner.(map[string]any); expanded {
				owner = o["id"]
			}
			if r.Event.Customer != owner && r.Event.Customer != subject["id"] {
				t.Fatalf("the customer is %q in %s", r.Event.Customer, body)
			}
		}
	})
}

// refusals are the errors about an event; a type is quoted when it is one of
// Stripe's making.
var refusals = regexp.MustCompile(`^(the body is not a JSON object|the endpoint is configured for thin events; .*Dashboard|the body is not a Stripe event|` +
	`the event has no id that begins with evt_|the event does not show when it was created|the event has no type|` +
	`the [a-z0-9_.]{1,100} event does not name its customer|the event is from Stripe's (live|test) mode and the api_key is a (live|test) key; .*)$`)

var skips = regexp.MustCompile(`^stripe event type [a-z0-9_.]{1,100} cannot change a customer's status$`)

// FuzzFold reads subscriptions out of any bytes, as an answer of Stripe's
// would hold them.
func FuzzFold(f *testing.F) {
	f.Add([]byte(`{"object":"subscription","status":"active","customer":"cus_1","pause_collection":{"behavior":"void"}}`),
		[]byte(`{"object":"subscription","status":"canceled","customer":{"id":"cus_1"},"ended_at":1700000000}`))
	f.Add([]byte(`{"object":"subscription","status":"hibernating","pause_collection":null}`), []byte(`{"status":1}`))
	f.Add([]byte(`{"object":"subscription","status":"hibernating"}`), []byte(`{"object":"subscription","status":"trialing"}`))
	f.Add([]byte(`{"object":"subscription","status":"Active"}`), []byte(`{"object":"subscription","status":"incomplete","pause_collection":{}}`))
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

type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// answering is a client whose every call is answered with what answer returns.
func answering(answer func(*http.Request) []byte) *client {
	return &client{rest: &rest.Client{Base: &url.URL{Scheme: "https", Host: "api.stripe.example"}, Timeout: time.Minute, Now: func() time.Time { return testNow },
		HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(answer(r))), Request: r}, nil
		})}}}
}

// says is everything an error about Stripe's answer may say; none of it comes
// from the answer.
var says = regexp.MustCompile(`^Stripe's answer about (customers|subscriptions|events) (is not the expected JSON|is not a list|lists an object without an id|` +
	`says there is more and has no next page|is about something else|has one that cannot be read|has one of another customer); base_url may lead somewhere else$|` +
	`^Stripe lists more than \d+ (subscriptions|events) at once, which Trueup does not read$|` +
	`^the tool answered with a web page instead of data \(HTTP 200\)$`)

func failsWell(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	var fail *connector.Failure
	if !errors.As(err, &fail) || fail.Effect != connector.EffectNone || !says.MatchString(err.Error()) {
		t.Fatalf("reading fails with %#v: %v", err, err)
	}
	return true
}

// FuzzRead reads any answers about a customer and their subscriptions: what
// comes out is about this customer and has one status, or none.
func FuzzRead(f *testing.F) {
	list := func(items string) []byte { return []byte(`{"object":"list","has_more":false,"data":[` + items + `]}`) }
	cus := []byte(`{"object":"customer","id":"cus_1","email":"anna.canary@example.com","metadata":{"ghl_contact_id":"g1","empty":""}}`)
	f.Add(cus, list(`{"id":"sub_1","object":"subscription","status":"active","customer":"cus_1"}`))
	f.Add(cus, list(`{"id":"sub_1","object":"subscription","status":"canceled","customer":{"id":"cus_1"},"ended_at":1700000000},{"id":"sub_2","object":"subscription","status":"new_word","customer":"cus_1"}`))
	f.Add(cus, list(`{"id":"sub_1","object":"subscription","status":"active","customer":"cus_2"}`))
	f.Add(cus, []byte(`{"object":"list","has_more":true,"data":[]}`))
	f.Add(cus, []byte(`{"object":"list","has_more":true,"data":[{"id":"sub_1","object":"subscription","status":"active","customer":"cus_1"}]}`))
	f.Add([]byte(`{"object":"customer","id":"cus_1","deleted":true}`), []byte(``))
	f.Add([]byte(`{"object":"customer","id":"cus_2"}`), list(``))
	f.Add([]byte(`{"object":"customer","id":"cus_1","ID":"cus_2"}`), list(``))
	f.Add([]byte(`{"object":"customer","id":"cus_1","metadata":{"a":1}}`), list(`null`))
	f.Fuzz(func(t *testing.T, customer, subscriptions []byte) {
		s := source{api: answering(func(r *http.Request) []byte {
			if r.URL.Path == "/v1/subscriptions" {
				return subscriptions
			}
			return customer
		})}
		r, err := s.Read(t.Context(), "cus_1")
		if failsWell(t, err) {
			return
		}
		if r.ID != "cus_1" || r.Keys["id"] != "cus_1" || r.NoStatus != (r.Value == "") || !r.UpdatedAt.IsZero() {
			t.Fatalf("read %+v", r)
		}
		if !r.ValueAt.IsZero() && (r.Value != canceled || r.ValueAt.Year() < 1970 || r.ValueAt.Year() > 9999) {
			t.Fatalf("the time of %q is %v", r.Value, r.ValueAt)
		}
		var listed struct {
			Data []struct{ Customer json.RawMessage }
		}
		json.Unmarshal(subscriptions, &listed)
		for _, sub := range listed.Data {
			if fromList := !r.NoStatus && len(customer) > 0 && !bytes.Contains(bytes.ToLower(customer), []byte("deleted")); fromList && reference(sub.Customer) != "cus_1" {
				t.Fatalf("the status %q comes from a subscription of %s", r.Value, sub.Customer)
			}
		}
		for name, value := range r.Keys {
			if value == "" {
				t.Fatalf("the key %q is empty", name)
			}
		}
	})
}

// FuzzSince reads any answer as a page of Stripe's list of events: nothing that
// cannot be stored comes out, and the position never goes back before what was
// asked for, except when it was no time of this world.
func FuzzSince(f *testing.F) {
	page := func(more bool, items ...string) []byte {
		return []byte(fmt.Sprintf(`{"object":"list","has_more":%v,"data":[%s]}`, more, strings.Join(items, ",")))
	}
	for _, cursor := range []int64{0, testNow.Unix() - 60, testNow.Unix() + 3600, testNow.Unix() - 40*86400} {
		f.Add(page(false, eventJSON("evt_2", "customer.subscription.updated", testNow), eventJSON("evt_1", "customer.updated", testNow.Add(-time.Minute))), cursor)
	}
	f.Add(page(true, eventJSON("evt_1", "customer.updated", testNow)), testNow.Unix()-60)
	f.Add(page(false, eventJSON("evt_1", "customer.updated", testNow.AddDate(5, 0, 0))), testNow.Unix()-60)
	f.Add(page(false, `{"id":"evt_1"}`, `{"id":"evt_1","object":"event","created":-1}`), testNow.Unix()-60)
	f.Add(page(false, `7`), int64(-1))
	f.Fuzz(func(t *testing.T, answer []byte, cursor int64) {
		c := changes{api: answering(func(*http.Request) []byte { return answer }), name: "stripe", now: func() time.Time { return testNow }, log: slog.New(slog.DiscardHandler)}
		found, next, more, err := c.Since(t.Context(), strconv.FormatInt(cursor, 10))
		if cursor < 0 {
			if err == nil {
				t.Fatalf("the position %d was read", cursor)
			}
			return
		}
		if failsWell(t, err) {
			return
		}
		at, err := strconv.ParseInt(next, 10, 64)
		if lost := at < min(cursor, testNow.Unix()); err != nil || lost && cursor < 1<<40 {
			t.Fatalf("the position went from %d to %s", cursor, next)
		}
		if more && at >= testNow.Unix() {
			t.Fatalf("there is more, and the position is %s", next)
		}
		for _, r := range found {
			if r.Event.ID == "" || len(r.Event.Payload) == 0 || r.Err == nil && r.Skip == "" && r.Event.Customer == "" {
				t.Fatalf("read %+v", r)
			}
		}
	})
}

// Whatever a subscription holds, an expression gives a word that can be kept, none, or
// a failure that names the key of the file.
func FuzzOwnStatus(f *testing.F) {
	w, problem := compileWords(`'prod_1' in products && subscription.cancel_at_period_end ? subscription.description : standing`, []string{active, canceled})
	if problem != "" {
		f.Fatal(problem)
	}
	f.Add([]byte(`{"id":"sub_1","cancel_at_period_end":true,"description":"leaving","items":{"data":[{"price":{"id":"price_1","product":"prod_1"}}]}}`))
	f.Add([]byte(`{"id":"sub_1","cancel_at_period_end":null,"items":{"has_more":true}}`))
	f.Add([]byte(`[1e400,{}]`))
	f.Fuzz(func(t *testing.T, object []byte) {
		word, err := w.of(Subscription{Status: active}, object)
		if err != nil {
			var failure *connector.Failure
			if !errors.As(err, &failure) || failure.Detail == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(word) > maxWord || strings.TrimSpace(word) != word {
			t.Fatalf("the word is %q", word)
		}
	})
}
