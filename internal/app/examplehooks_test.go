package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- Intercom signs with it
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/signature"
)

// macSecret is a macSecretBase64 of Airtable's.
const macSecret = "bWFjLXNlY3JldC1tYWMtc2VjcmV0LW1hYy1zZWNyZXQ="

func macOf(h func() hash.Hash, secret []byte, text string) []byte {
	mac := hmac.New(h, secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// decides is a file in which the tool of an example decides: its connection as it
// stands there, with the webhook of the tool's page.
func decides(t *testing.T, name, base, at, crm string) *config.Config {
	t.Helper()
	page, err := os.ReadFile("../../docs/connectors/" + name + ".md")
	if err != nil {
		t.Fatal(err)
	}
	_, webhook, has := strings.Cut(string(page), "```yaml\n    webhook:\n")
	webhook, _, whole := strings.Cut(webhook, "```")
	if !has || !whole {
		t.Fatalf("the page of %s has no webhook", name)
	}
	_, tool, found := strings.Cut(docs.Examples[name], "\n  crm:")
	_, tool, _ = strings.Cut(tool, "\n")
	tool, _, ended := strings.Cut(tool, "\nsyncs:")
	if !found || !ended || !strings.Contains(tool, base) {
		t.Fatalf("the example %s has no such connection", name)
	}
	text := fmt.Sprintf(`
listen: 127.0.0.1:0
public_url: https://sync.example.com
database: %q
connections:
  billing:
%s
    webhook:
%s
  crm: {type: gohighlevel, location_id: L0cAt10nAbCdEfGhIjKl, token: "${GHL_TOKEN}", base_url: %s}
syncs:
  customer-status:
    source: {connection: billing, poll: 1h}
    target: {connection: crm, field: customer_status}
    match: [{source: email, target: email}]
    statuses:
      active:  {from: [Active], to: Active}
      paused:  {from: [Paused], to: Paused}
      churned: {from: [Churned], to: Churned}
    mode: live
    sweep: off
    limits: off
`, filepath.Join(t.TempDir(), "t.db"), strings.ReplaceAll(tool, base, at), webhook, crm)
	cfg, err := config.Parse(name+".yaml", []byte(text), t.TempDir(), app.Types(), exampleSecret)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return cfg
}

// sign is how a vendor signs a body at a time.
type sign func(body string, at time.Time) http.Header

func hexMAC(header, prefix, secret string, h func() hash.Hash) sign {
	return func(body string, _ time.Time) http.Header {
		return http.Header{http.CanonicalHeaderKey(header): {prefix + hex.EncodeToString(macOf(h, []byte(secret), body))}}
	}
}

// A tool of an example that decides is heard by a webhook of the vendor's own shape
// and signature, and is then read by its API. The same webhook with another secret's
// signature, or with another body, is answered 401.
func TestAnExamplesToolIsHeardByItsWebhook(t *testing.T) {
	zendeskSigned := func(body string, at time.Time) http.Header {
		stamp := at.UTC().Format(time.RFC3339)
		return http.Header{"X-Zendesk-Webhook-Signature": {base64.StdEncoding.EncodeToString(macOf(sha256.New, []byte("value-of-ZENDESK_WEBHOOK_SECRET"), stamp+body))},
			"X-Zendesk-Webhook-Signature-Timestamp": {stamp}}
	}
	airtableSigned := func(body string, _ time.Time) http.Header {
		key, _ := base64.StdEncoding.DecodeString(macSecret)
		return http.Header{"X-Airtable-Content-Mac": {"hmac-sha256=" + hex.EncodeToString(macOf(sha256.New, key, body))}}
	}
	for name, c := range map[string]struct {
		build   func(*shop)
		base    string
		event   func(n int, at time.Time) string // about record 1
		sign    sign
		unbound bool // the body is not signed
		churned string
	}{
		"intercom": {intercom, "https://api.intercom.io",
			func(n int, at time.Time) string {
				return fmt.Sprintf(`{"type":"notification_event","app_id":"a86dr8yl","topic":"contact.user.updated","id":"notif_%d","created_at":%d,"delivery_attempts":1,"data":{"type":"notification_event_data","item":{"type":"contact","id":"1","role":"user"}}}`, n, at.Unix())
			}, hexMAC("X-Hub-Signature", "sha1=", "value-of-INTERCOM_CLIENT_SECRET", sha1.New), false, "Churned"},
		"notion": {notion, "https://api.notion.com",
			func(n int, at time.Time) string {
				return fmt.Sprintf(`{"id":"367cba44-b6f3-4c92-81e7-6a2e9659ef%02d","timestamp":%q,"workspace_id":"w","subscription_id":"s","type":"page.properties_updated","authors":[{"id":"u1","type":"person"}],"attempt_number":1,"entity":{"id":"1","type":"page"},"data":{"parent":{"id":"DATABASE","type":"database"},"updated_properties":["x"]}}`, n, at.UTC().Format(time.RFC3339Nano))
			}, hexMAC("X-Notion-Signature", "sha256=", "value-of-NOTION_WEBHOOK_TOKEN", sha256.New), false, "Churned"},
		"zendesk": {zendesk, "https://example.zendesk.com",
			func(n int, at time.Time) string {
				return fmt.Sprintf(`{"account_id":22129848,"detail":{"id":"1","email":"c1@example.com","role":"end-user"},"event":{"current":"x","previous":"y"},"id":"cbe4028c-7239-495d-b020-f22348516046-%d","subject":"zen:user:1","time":%q,"type":"zen:event-type:user.custom_field_changed","zendesk_event_version":"2022-06-20"}`, n, at.UTC().Format(time.RFC3339Nano))
			}, zendeskSigned, false, "status_churned"},
		"pipedrive": {pipedrive, "https://example.pipedrive.com",
			func(n int, at time.Time) string {
				return fmt.Sprintf(`{"meta":{"action":"change","company_id":"1","correlation_id":"c","entity_id":"1","entity":"person","id":"9f1d-%d","is_bulk_edit":false,"timestamp":%q,"type":"general","user_id":"2","version":"2.0","webhook_id":"3"},"data":{"id":1},"previous":{}}`, n, at.UTC().Format(time.RFC3339Nano))
			}, func(string, time.Time) http.Header {
				return signature.SignBasic("trueup", "value-of-PIPEDRIVE_WEBHOOK_PASSWORD")
			}, true, "14"},
		"airtable": {airtable, "https://api.airtable.com",
			func(_ int, at time.Time) string { // nothing is in it but that there is something
				return fmt.Sprintf(`{"base":{"id":"appXXXXXXXXXXXXXX"},"webhook":{"id":"ach00000000000000"},"timestamp":%q}`, at.UTC().Format(time.RFC3339Nano))
			}, airtableSigned, false, "Churned"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 3)
			c.build(s)
			crm := ghltest.New(t)
			crm.Set(ghltest.Contact{ID: "one", Email: mail(1)})
			a := startedApp(t, decides(t, name, c.base, s.url, crm.URL))
			heard(t, a, c.event, c.sign, c.unbound, func() { s.set(1, c.churned) }, func() bool { return crm.Status("one") == "Churned" })
		})
	}
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
	signed := func(body string, at time.Time) http.Header {
		return signature.SignStandard(key, "msg_1", at, []byte(body))
	}
	event := func(n int, at time.Time) string {
		return fmt.Sprintf(`{"id":"evt_%d","type":"customer.status_changed","occurred_at":%q,"data":{"id":"r1","status":"canceled"}}`, n, at.UTC().Format(time.RFC3339Nano))
	}
	heard(t, a, event, signed, false, func() { billing.set(1, "canceled") }, func() bool { return contacts.status(1) == "Churned" })
}

// heard changes a tool, and has it tell of that: what is not signed by it is refused
// and changes nothing, and what is is carried.
func heard(t *testing.T, a *app.App, event func(n int, at time.Time) string, signed sign, unbound bool, change func(), carried func() bool) {
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
	if code := send(signed(body, now), event(2, now)+" "); !unbound && code != http.StatusUnauthorized {
		t.Errorf("with the signature of another body it is answered %d", code)
	}
	if carried() {
		t.Error("something was carried that nobody had signed")
	}
	h := signed(body, now)
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
	t.Cleanup(func() { (&live{T: t, app: a}).stop(30 * time.Second) })
	return a
}
