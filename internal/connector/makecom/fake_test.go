package makecom

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

const (
	testKey    = "make-key-7Hq2"
	testHook   = "/n4bh0rvi1hn5"
	testSecret = "hook-secret-91x"
	whsec      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherWhsec = "whsec_QWxsIG90aGVyIGtleXMgYXJlIGJhZCBvbmVzIQ=="
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testSettings() *Settings {
	return &Settings{WebhookURL: "https://hook.eu2.make.com" + testHook, APIKey: testKey,
		Webhook: &Webhook{Verify{Scheme: SchemeHeader, Name: "X-Trueup-Key", Secrets: []config.Secret{testSecret}}},
		Knows:   []string{KnowsChangedAt, KnowsChangedBy, KnowsList}}
}

// opened returns a connection to a scenario at the handler.
func opened(t *testing.T, h http.HandlerFunc) connector.Connection {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return openedAt(t, server.URL, connector.Deps{HTTP: server.Client(), Now: func() time.Time { return now }, Use: connector.Use{Target: true, Values: []string{"Active", "Paused"}}})
}

func openedAt(t *testing.T, base string, deps connector.Deps) connector.Connection {
	t.Helper()
	c, err := Open("tool", config.Connection{Name: "tool", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, testSettings(), deps)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asked is a request as a scenario sees it.
type asked map[string]any

func (a asked) text(key string) string {
	s, _ := a[key].(string)
	return s
}

// scenarioOf answers requests that are as they should be with what say adds to
// the request's id.
func scenarioOf(t *testing.T, say func(asked) map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var request asked
		if err := json.Unmarshal(body, &request); err != nil {
			t.Errorf("the request %s is no JSON: %v", body, err)
		}
		for what, ok := range map[string]bool{
			"a POST":            r.Method == http.MethodPost,
			"to the webhook":    r.URL.Path == testHook && r.URL.RawQuery == "",
			"with the key":      r.Header.Get("x-make-apikey") == testKey && len(r.Header.Values("x-make-apikey")) == 1,
			"of JSON":           r.Header.Get("Content-Type") == "application/json",
			"with a request_id": len(request.text("request_id")) >= 20,
			"with a deadline":   request["not_after"] == float64(now.Add(goodFor).Unix()),
		} {
			if !ok {
				t.Errorf("the request is not %s: %s %s %s", what, r.Method, r.URL, body)
			}
		}
		answer := map[string]any{"ok": true, "request_id": request.text("request_id")}
		for k, v := range say(request) {
			answer[k] = v
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer)
	}
}

// good is a scenario that works, with one customer.
func good(t *testing.T) http.HandlerFunc { return scenarioOf(t, usual) }

// keeping is good, and its answer to a write says what the record holds.
func keeping(t *testing.T) http.HandlerFunc {
	return scenarioOf(t, func(a asked) map[string]any {
		if a.text("op") == OpWrite {
			return map[string]any{"value": "Active"}
		}
		return usual(a)
	})
}

func usual(a asked) map[string]any {
	switch a.text("op") {
	case OpFind:
		return map[string]any{"count": 1, "ids": "rec_1"}
	case OpRead:
		return map[string]any{"id": a.text("id"), "value": "Active", "changed_at": "2026-03-01T11:00:00Z", "changed_by": "person",
			"keys": map[string]any{"email": " ana@example.com ", "phone": ""}}
	case OpList:
		return page(a)
	case OpPing:
		return map[string]any{"values": []string{"Active", "Paused", "Churned"}}
	}
	return nil
}
