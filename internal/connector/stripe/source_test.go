package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestRead(t *testing.T) {
	sub := func(id, customer, status, rest string) string {
		return fmt.Sprintf(`{"id":%q,"object":"subscription","customer":%q,"status":%q%s}`, id, customer, status, rest)
	}
	f := newFake(t)
	f.customers = map[string]string{
		"cus_1": `{"id":"cus_1","object":"customer","email":"ada@example.com","name":"Ada","phone":null,"metadata":{"ghl_contact_id":"c1","empty":""}}`,
		"cus_2": `{"id":"cus_2","object":"customer","email":null,"metadata":{}}`,
		"cus_3": `{"id":"cus_3","object":"customer","deleted":true}`,
		"cus_4": `{"id":"cus_4","object":"customer","email":"eve@example.com"}`,
		"a/b":   `{"id":"a/b","object":"customer"}`,
	}
	f.subscriptions = []string{
		sub("sub_6", "cus_4", "incomplete", ""),
		sub("sub_5", "cus_4", "canceled", `,"ended_at":1763000000,"canceled_at":1762000000,"pause_collection":null`),
		sub("sub_4", "cus_4", "canceled", `,"ended_at":1761000000`),
		sub("sub_2", "cus_1", "active", `,"pause_collection":{"behavior":"void","resumes_at":null}`),
		sub("sub_1", "cus_1", "canceled", `,"ended_at":1760000000`),
	}
	source := f.open().Source
	for _, tc := range []struct {
		name, id string
		want     status.SourceRecord
	}{
		{"collection paused, an older one ended", "cus_1", status.SourceRecord{ID: "cus_1", Value: "paused",
			Keys: map[string]string{"id": "cus_1", "email": "ada@example.com", "name": "Ada", "metadata.ghl_contact_id": "c1"}}},
		{"nobody ever subscribed", "cus_2", status.SourceRecord{ID: "cus_2", NoStatus: true, Keys: map[string]string{"id": "cus_2"}}},
		{"a deleted customer has left", "cus_3", status.SourceRecord{ID: "cus_3", Value: "canceled", Keys: map[string]string{"id": "cus_3"}}},
		{"the last end is when it ended", "cus_4", status.SourceRecord{ID: "cus_4", Value: "canceled", ValueAt: time.Unix(1763000000, 0).UTC(),
			Keys: map[string]string{"id": "cus_4", "email": "eve@example.com"}}},
		{"an id with a slash stays one part of the path", "a/b", status.SourceRecord{ID: "a/b", NoStatus: true, Keys: map[string]string{"id": "a/b"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := source.Read(context.Background(), tc.id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := f.seen(); !slices.Contains(got, "GET /v1/customers/a%2Fb") {
		t.Errorf("asked %q", got)
	}
	for _, id := range []string{"cus_nobody", "", "..", "cus 1", "cus_1\n"} {
		if _, err := source.Read(context.Background(), id); err == nil || connector.FailureOf(err).Kind != connector.Gone {
			t.Errorf("reading %q gives %v, want gone", id, err)
		}
	}
}

func TestReadTurnsAllPages(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	for i := range 250 {
		s := "canceled"
		if i == 249 {
			s = "trialing" // the very last of the last page decides
		}
		f.subscriptions = append(f.subscriptions, fmt.Sprintf(`{"id":"sub_%d","object":"subscription","customer":"cus_1","status":%q}`, i, s))
	}
	got, err := f.open().Source.Read(context.Background(), "cus_1")
	if err != nil || got.Value != "trialing" {
		t.Fatalf("got %+v, %v", got, err)
	}
	want := []string{
		"GET /v1/customers/cus_1",
		"GET /v1/subscriptions?customer=cus_1&limit=100&status=all",
		"GET /v1/subscriptions?customer=cus_1&limit=100&starting_after=sub_99&status=all",
		"GET /v1/subscriptions?customer=cus_1&limit=100&starting_after=sub_199&status=all",
	}
	if diff := cmp.Diff(want, f.seen()); diff != "" {
		t.Error(diff)
	}
}

// Answers that are not what Stripe promises must end in a failure: a status
// made from half of the subscriptions would be written to the target.
func TestReadRefusesAnswersThatDoNotFit(t *testing.T) {
	list := func(more bool, items ...string) string {
		return fmt.Sprintf(`{"object":"list","has_more":%v,"data":[%s]}`, more, strings.Join(items, ","))
	}
	active := `{"id":"sub_1","object":"subscription","customer":"cus_1","status":"active"}`
	customer := `{"id":"cus_1","object":"customer"}`
	for _, tc := range []struct{ name, customer, list string }{
		{"another customer", `{"id":"cus_2","object":"customer"}`, list(false)},
		{"another object", `{"id":"cus_1","object":"charge"}`, list(false)},
		{"no JSON", `nothing`, list(false)},
		{"a list that is none", customer, `{"object":"search_result","data":[]}`},
		{"an empty object", customer, `{}`},
		{"a subscription of somebody else", customer, list(false, strings.Replace(active, "cus_1", "cus_2", 1))},
		{"a subscription of nobody", customer, list(false, strings.Replace(active, `"cus_1"`, "null", 1))},
		{"a subscription without status", customer, list(false, strings.Replace(active, `"active"`, `""`, 1))},
		{"a subscription without id", customer, list(false, strings.Replace(active, "sub_1", "", 1))},
		{"a status that is no word", customer, list(false, strings.Replace(active, `"active"`, "7", 1))},
		{"an end that is no time", customer, list(false, strings.Replace(active, `"status"`, `"ended_at":0,"status"`, 1))},
		{"a pause that is no object", customer, list(false, strings.Replace(active, `"status"`, `"pause_collection":true,"status"`, 1))},
		{"something else in the list", customer, list(false, `{"id":"in_1","object":"invoice","customer":"cus_1","status":"paid"}`)},
		{"more of nothing", customer, list(true)},
		{"the same page for ever", customer, list(true, active)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.instead = func(w http.ResponseWriter, r *http.Request) bool {
				answer(w, 200, map[bool]string{true: tc.list, false: tc.customer}[r.URL.Path == "/v1/subscriptions"])
				return true
			}
			got, err := f.open().Source.Read(context.Background(), "cus_1")
			if err == nil || connector.FailureOf(err).Kind != connector.Misconfigured {
				t.Errorf("got %+v, %v", got, err)
			}
			if len(f.seen()) > 4 {
				t.Error("it goes on asking")
			}
		})
	}
}

func TestReadNoticesThatTheListBeginsAgain(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	f.instead = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Query().Get("starting_after") {
		case "":
			return false
		default:
			answer(w, 200, `{"object":"list","has_more":true,"data":[]}`)
			return true
		}
	}
	for i := range 150 {
		f.subscriptions = append(f.subscriptions, fmt.Sprintf(`{"id":"sub_%d","object":"subscription","customer":"cus_1","status":"canceled"}`, i))
	}
	_, err := f.open().Source.Read(context.Background(), "cus_1")
	if err == nil || connector.FailureOf(err).Kind != connector.Misconfigured || len(f.seen()) != 3 {
		t.Errorf("got %v", err)
	}
}

func TestReadBoundsItsPages(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	n := 0
	f.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/subscriptions" {
			return false
		}
		n++
		answer(w, 200, fmt.Sprintf(`{"object":"list","has_more":true,"data":[{"id":"sub_%d","object":"subscription","customer":"cus_1","status":"canceled"}]}`, n))
		return true
	}
	_, err := f.open().Source.Read(context.Background(), "cus_1")
	if err == nil || !strings.Contains(err.Error(), "more than 5000 subscriptions") || n != maxSubscriptionPages {
		t.Errorf("after %d pages: %v", n, err)
	}
}

func TestFailuresOfACall(t *testing.T) {
	failing := func(code int, body string, headers ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			answer(w, code, body)
		}
	}
	const secretText = `"message":"ada@example.com: ` + testKey + `"`
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter)
		kind   connector.FailureKind
		text   string
	}{
		{"a rate limit is the connection's", failing(429, `{"error":{"type":"invalid_request_error","code":"rate_limit",`+secretText+`}}`, "Retry-After", "7"), connector.RateLimited, "rate limit"},
		{"a lock is the customer's", failing(429, `{"error":{"code":"lock_timeout",`+secretText+`}}`), connector.Transient, "locked the object"},
		{"a bad key needs a person", failing(401, `{"error":{"type":"invalid_request_error",`+secretText+`}}`), connector.Unauthorized, "does not accept the API key"},
		{"a narrow key needs a person", failing(403, `{"error":{"code":"secret_key_required",`+secretText+`}}`), connector.Unauthorized, "the permission Read on Customers"},
		{"Stripe's no is final", failing(400, `{"error":{"code":"parameter_unknown",`+secretText+`}}`), connector.Refused, "parameter_unknown"},
		{"a missing customer is gone", failing(404, missing("cus_1")), connector.Gone, "no such customer"},
		{"a customer missing in a parameter is gone", failing(400, missing("cus_1")), connector.Gone, "no such customer"},
		{"another 404 is a wrong address, not a customer who left", failing(404, `{"error":{"type":"invalid_request_error",`+secretText+`}}`), connector.Misconfigured, "not the address of Stripe's API"},
		{"a conflict on a read passes", failing(409, `{"error":{`+secretText+`}}`), connector.Transient, "retry"},
		{"trouble at Stripe passes", failing(500, `{"error":{"type":"api_error",`+secretText+`}}`), connector.Transient, "the tool failed"},
		{"maintenance passes", failing(503, ``), connector.Transient, "the tool failed"},
		{"a redirect is a wrong address", failing(302, ``, "Location", "/elsewhere"), connector.Misconfigured, "redirect"},
		{"a web page is no answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>ada@example.com</html>"))
		}, connector.Misconfigured, "web page"},
		{"half an answer passes", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "900")
			_, _ = w.Write([]byte(`{"id":"cus_1","email":"ada@`))
		}, connector.Transient, "cut off"},
		{"no answer passes", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, connector.Transient, "broke before the answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.instead = func(w http.ResponseWriter, _ *http.Request) bool { tc.answer(w); return true }
			_, err := f.open().Source.Read(context.Background(), "cus_1")
			var failure *connector.Failure
			if !errors.As(err, &failure) || failure.Kind != tc.kind || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("got %v, want %s: %s", err, tc.kind, tc.text)
			}
			if failure.Effect != connector.EffectNone {
				t.Error("a read is said to have an effect")
			}
			if tc.kind == connector.RateLimited && failure.RetryAfter != 7*time.Second {
				t.Errorf("it waits %v", failure.RetryAfter)
			}
			for _, private := range []string{"ada@", testKey, testSecret} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("the text holds %s: %v", private, err)
				}
			}
			if got := f.seen(); len(got) != 1 {
				t.Errorf("a connector does not retry: %q", got)
			}
		})
	}
}

func TestTheFirstPageIsNotEnoughWhenTheSecondFails(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	for i := range 150 {
		f.subscriptions = append(f.subscriptions, fmt.Sprintf(`{"id":"sub_%d","object":"subscription","customer":"cus_1","status":"canceled"}`, i))
	}
	f.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("starting_after") == "" {
			return false
		}
		answer(w, 500, `{}`)
		return true
	}
	if got, err := f.open().Source.Read(context.Background(), "cus_1"); err == nil {
		t.Errorf("got %+v from half of the subscriptions", got)
	}
}

func TestEveryCallWaitsForTheGate(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	limited := &connector.Failure{Kind: connector.RateLimited, Detail: "the budget is used up"}
	gate := &gate{answers: []error{nil, limited}}
	_, err := f.open(func(d *connector.Deps) { d.Gate = gate }).Source.Read(context.Background(), "cus_1")
	if err == nil || connector.FailureOf(err).Kind != connector.RateLimited {
		t.Errorf("got %v", err)
	}
	if got := f.seen(); !slices.Equal(got, []string{"GET /v1/customers/cus_1"}) {
		t.Errorf("asked %q", got)
	}
}

// gate answers Wait with one answer after the other.
type gate struct{ answers []error }

func (g *gate) Wait(context.Context) error {
	next := g.answers[0]
	g.answers = g.answers[1:]
	return next
}
