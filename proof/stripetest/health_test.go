package stripetest

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/health"
)

const healthFile = `
database: trueup.db
public_url: https://sync.example.com
connections:
  billing: {type: stripe, base_url: "%BASE%", api_key: ` + Key + `, webhook_secrets: [` + secret + `]}
  crm:
    type: http
    base_url: http://127.0.0.1:1
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    read: {get: "/records/{id}"}
    find: {get: "/records?{key}={value}", records: body.records}
    write: {put: "/records/{id}", body: {status: "{value}"}}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active], to: Active}}
    ignore: [trialing, past_due, paused, unpaid, canceled, incomplete, incomplete_expired]
`

// What the list of endpoints is asked is legal by Stripe's specification, and its
// published example of an endpoint can be read.
func TestTheEndpointsOfTheAccountAreChecked(t *testing.T) {
	s := New(t)
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(healthFile, "%BASE%", s.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	checked := func() (health.Check, bool) {
		t.Helper()
		for _, r := range app.Probe(t.Context(), cfg, slog.New(slog.DiscardHandler)) {
			for _, c := range r.Checks {
				if c.Check == health.Webhook && c.Subject == "billing" {
					return c, true
				}
			}
		}
		return health.Check{}, false
	}
	webhook := func() health.Check {
		t.Helper()
		c, ok := checked()
		if !ok {
			t.Fatal("nothing was checked")
		}
		return c
	}
	if got := webhook(); got.Result != health.Fault || !strings.Contains(got.Text, "no endpoint sends events here") {
		t.Errorf("with another's endpoint: %s: %s", got.Result, got.Sentence())
	}
	if !strings.Contains(strings.Join(s.Requests(), "\n"), "GET /v1/webhook_endpoints?limit=100") {
		t.Errorf("it asked %q", s.Requests())
	}
	register := func(body string, code int) {
		s.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/webhook_endpoints" {
				return false
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
			return true
		})
	}
	register(`{"object":"list","url":"/v1/webhook_endpoints","has_more":false,"data":[{"id":"we_1","object":"webhook_endpoint","url":"https://sync.example.com/hooks/billing","status":"enabled","enabled_events":["*"]}]}`, 200)
	if got := webhook(); got.Result != health.Pass {
		t.Errorf("with ours: %s: %s", got.Result, got.Sentence())
	}
	register(`{"error":{"type":"invalid_request_error","message":"no"}}`, 403)
	if got := webhook(); got.Result != health.Warning || !strings.Contains(got.Remedy, "Read on Webhook Endpoints") {
		t.Errorf("without the permission: %s: %s", got.Result, got.Sentence())
	}
	s.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	if got, ok := checked(); ok {
		t.Errorf("of an account that cannot be read it is said: %s", got.Sentence())
	}
}
