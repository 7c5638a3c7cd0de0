package rest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetryAfterReadsSecondsAndDatesAndNothingElse(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name, value string
		want        time.Duration
	}{
		{"absent", "", 0},
		{"seconds", "30", 30 * time.Second},
		{"seconds with spaces around", " 30 ", 30 * time.Second},
		{"zero", "0", 0},
		{"negative", "-5", 0},
		{"a year", "31536000", time.Hour},
		{"more seconds than fit a duration", "9223372036854775807", time.Hour},
		{"more digits than fit a number", "99999999999999999999", 0},
		{"a fraction", "1.5", 0},
		{"words", "soon", 0},
		{"a date ahead", "Sun, 01 Mar 2026 12:00:20 GMT", 20 * time.Second},
		{"a date in the old RFC 850 form", "Sunday, 01-Mar-26 12:00:20 GMT", 20 * time.Second},
		{"a date past", "Sun, 01 Mar 2026 11:00:00 GMT", 0},
		{"a date far ahead", "Mon, 01 Mar 2027 12:00:00 GMT", time.Hour},
		{"a date in another form", "2026-03-01T12:00:20Z", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := RetryAfter(c.value, now); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestRetryAfterIsReadWithTheClientsClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", now.Add(90*time.Second).Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	})
	cl.Now = func() time.Time { return now }
	if f := failure(t, cl, t.Context(), get()); f.RetryAfter != 90*time.Second {
		t.Errorf("got %v", f.RetryAfter)
	}
}

func TestOnlyAMachineWordOfAnErrorBodyIsShown(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"a nested code", `{"error":{"code":"resource_missing","message":"No such customer"}}`, "resource_missing"},
		{"a nested type when there is no code", `{"error":{"type":"api_error"}}`, "api_error"},
		{"a word as the error", `{"error":"invalid_grant"}`, "invalid_grant"},
		{"a code at the top", `{"code":"NOT_FOUND","error":"a sentence of words"}`, "NOT_FOUND"},
		{"a type at the top", `{"type":"rate-limit"}`, "rate-limit"},
		{"a list of errors, as Salesforce has", `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`, "INVALID_SESSION_ID"},
		{"a category, as HubSpot has", `{"status":"error","category":"MISSING_SCOPES","message":"This app hasn't been granted"}`, "MISSING_SCOPES"},
		{"a list inside, as Intercom has", `{"type":"error.list","errors":[{"code":"not_found","message":"User Not Found"}]}`, "not_found"},
		{"a code of the API, as Chargebee has", `{"message":"Sorry","type":"","api_error_code":"resource_not_found"}`, "resource_not_found"},
		{"lists in lists", `[[[[{"code":"x"}]]]]`, ""},
		{"an empty list", `[]`, ""},
		{"a number as code", `{"code":404}`, ""},
		{"a sentence", `{"error":"No customer anna"}`, ""},
		{"an address", `{"error":"anna@example.com"}`, ""},
		{"a token with digits", `{"code":"sk_live_51H"}`, ""},
		{"a very long word", `{"code":"` + strings.Repeat("a", 41) + `"}`, ""},
		{"no object", `["x"]`, ""},
		{"no JSON", `oops`, ""},
		{"nothing", ``, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				io.WriteString(w, c.body)
			})
			f := failure(t, cl, t.Context(), get())
			if f.Code != c.want || c.want != "" && !strings.HasSuffix(f.Detail, ": "+c.want) {
				t.Errorf("code %q, detail %q, want %q", f.Code, f.Detail, c.want)
			}
		})
	}
}

func TestAWordThatRepeatsWhatWeSentIsNotShown(t *testing.T) {
	for _, word := range []string{"secretpassword", "keyuser", "sentvalue", "tokenword", "querykey"} {
		cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(map[string]string{"error": word})
		})
		cl.Authorize = func(r *http.Request) {
			r.SetBasicAuth("keyuser", "secretpassword")
			r.Header.Set("X-Api-Key", "tokenword")
		}
		f := failure(t, cl, t.Context(), Request{Method: "PUT", Path: "/x?q=querykey", Body: []byte(`{"v":"sentvalue"}`), Write: true})
		if f.Code != "" || strings.Contains(f.Error(), word) {
			t.Errorf("%s: %v", word, f)
		}
	}
}
