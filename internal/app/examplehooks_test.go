package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/signature"
)

// macSecret is a macSecretBase64 of Airtable's.
const macSecret = "bWFjLXNlY3JldC1tYWMtc2VjcmV0LW1hYy1zZWNyZXQ="

func macOf(h func() hash.Hash, secret []byte, text string) []byte {
	mac := hmac.New(h, secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// sign is how a vendor signs a body at a time, by a secret.
type sign func(secret, body string, at time.Time) http.Header

func hexMAC(header, prefix string, h func() hash.Hash) sign {
	return func(secret, body string, _ time.Time) http.Header {
		return http.Header{http.CanonicalHeaderKey(header): {prefix + hex.EncodeToString(macOf(h, []byte(secret), body))}}
	}
}

func basicSigned(secret, _ string, _ time.Time) http.Header {
	return signature.SignBasic("trueup", secret)
}

func zendeskSigned(secret, body string, at time.Time) http.Header {
	stamp := at.UTC().Format(time.RFC3339)
	return http.Header{"X-Zendesk-Webhook-Signature": {base64.StdEncoding.EncodeToString(macOf(sha256.New, []byte(secret), stamp+body))},
		"X-Zendesk-Webhook-Signature-Timestamp": {stamp}}
}

// airtableSigned signs with the bytes behind the secret.
func airtableSigned(secret, body string, _ time.Time) http.Header {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		panic(err)
	}
	return http.Header{"X-Airtable-Content-Mac": {"hmac-sha256=" + hex.EncodeToString(macOf(sha256.New, key, body))}}
}

// The example of two tools with a REST API takes Standard Webhooks.
func TestTheToolOfTheRESTExampleIsHeardByItsWebhook(t *testing.T) {
	t.Parallel()
	billing, contacts := newShop(t, 1), newShop(t, 1)
	shape := func(r *shopRow) any {
		return object{"id": fmt.Sprint("r", r.n), "external_id": fmt.Sprint("r", r.n), "email": r.email, "name": "A", "status": r.status, "updated_at": at(r), "updated_by": "api:trueup", "etag": "1"}
	}
	list := func(s *shop, key string) func(*http.Request) any {
		return func(r *http.Request) any {
			if id := r.URL.Query().Get("external_id"); id != "" {
				return object{key: []any{shape(s.row(id))}}
			}
			all, _ := s.page("", 10, shape)
			return object{key: all, "next": nil}
		}
	}
	billing.rows[0].status, billing.rows[1].status = "active", "active"
	billing.on("GET /api/customers/{id}", func(r *http.Request) any { return shape(billing.id(r)) })
	billing.on("GET /api/customers", list(billing, "customers"))
	contacts.on("GET /api/contacts/{id}", func(r *http.Request) any { return shape(contacts.id(r)) })
	contacts.on("GET /api/contacts", list(contacts, "contacts"))
	contacts.on("PUT /api/contacts/{id}", func(r *http.Request) any { return shape(contacts.write(contacts.id(r), r, "status")) })
	a := startedApp(t, exampleAt(t, "http", "https://billing.example.com", billing.url, "https://crm.example.com", contacts.url))
	key, err := signature.StandardSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	signed := func(_, body string, at time.Time) http.Header {
		return signature.SignStandard(key, "msg_1", at, []byte(body))
	}
	event := func(n int, at time.Time) string {
		return fmt.Sprintf(`{"id":"evt_%d","type":"customer.status_changed","occurred_at":%q,"data":{"id":"r1","status":"canceled"}}`, n, at.UTC().Format(time.RFC3339Nano))
	}
	heard(t, a, event, signed, func() { billing.set(1, "canceled") }, func() bool { return contacts.status(1) == "Churned" })
}

// heard changes a tool, and has it tell of that: what is not signed by it is refused
// and changes nothing, and what is is carried.
func heard(t *testing.T, a *app.App, event func(n int, at time.Time) string, signed sign, change func(), carried func() bool) {
	t.Helper()
	change()
	now := time.Now()
	body := event(1, now)
	send := func(h http.Header, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/hooks/billing", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = h.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if code := send(http.Header{}, body); code != http.StatusUnauthorized {
		t.Errorf("without a signature it is answered %d", code)
	}
	if code := send(signed("", body, now), event(2, now)+" "); code != http.StatusUnauthorized {
		t.Errorf("with the signature of another body it is answered %d", code)
	}
	if carried() {
		t.Error("something was carried that nobody had signed")
	}
	h := signed("", body, now)
	h.Set("Content-Type", "application/json")
	if code := send(h, body); code != http.StatusOK {
		t.Fatalf("it is answered %d", code)
	}
	(&live{T: t}).until("the change is carried", carried)
}

// startedApp runs the service.
func startedApp(t *testing.T, cfg *config.Config) *app.App {
	t.Helper()
	a, err := app.Start(t.Context(), app.Options{Config: cfg, Version: "test", NotifyPace: fast})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { (&live{T: t, app: a}).stop(2 * time.Minute) })
	return a
}
