package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/assertiontest"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/vendorspec"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/signature"
)

// exampleSecret is what each variable of an example's file is.
func exampleSecret(name string) (string, bool) {
	switch name {
	case "STRIPE_API_KEY":
		return "rk_test_x", true
	case "STRIPE_WEBHOOK_SECRET":
		return "whsec_x", true
	case "BILLING_WEBHOOK_SECRET":
		return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true
	case "CRM_DSN":
		return "postgres://trueup:x@127.0.0.1:1/app", true
	case "BILLING_DSN":
		return "mysql://trueup:x@127.0.0.1:1/billing", true
	case "AIRTABLE_MAC_SECRET":
		return macSecret, true
	case "GHL_TOKEN":
		return ghltest.Token, true
	case "TRUEUP_ENCRYPTION_KEY":
		return strings.Repeat("A", 43) + "=", true
	}
	return "value-of-" + name, true
}

// guide stands for the page that connects a tool step by step.
const guide = "connect-a-tool"

// guidesFile is the whole file that the page arrives at.
func guidesFile(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/connectors/" + guide + ".md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "The whole file is then:\n\n```yaml\n")
	text, _, ended := strings.Cut(text, "```")
	if !found || !ended {
		t.Fatal("the page has no whole file")
	}
	return text
}

// byKey stands for Salesforce's example with the lines that are its comment.
const byKey = "salesforce by key"

// signedIn puts the variant with a private key in the place of the one with a secret,
// and writes the key.
func signedIn(t *testing.T, text, dir string) string {
	t.Helper()
	var variant []string
	for _, line := range regexp.MustCompile(`(?m)^      #   .*\n`).FindAllString(text, -1) {
		variant = append(variant, "        "+strings.TrimPrefix(line, "      #   "))
	}
	out := regexp.MustCompile(`(?m)^      oauth2:\n(        .*\n)+`).ReplaceAllString(text, "      oauth2:\n"+strings.ReplaceAll(strings.Join(variant, ""), "$", "$$"))
	if len(variant) != 6 || strings.Contains(out, "client_secret") {
		t.Fatalf("the variant is %q", variant)
	}
	if err := os.WriteFile(filepath.Join(dir, "salesforce.key"), []byte(assertiontest.PEM(t, assertiontest.Key())), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// exampleAt is an example's file with the tools at other addresses, ready to write.
func exampleAt(t *testing.T, name string, replace ...string) *config.Config {
	t.Helper()
	text := docs.Examples[name]
	dir := t.TempDir()
	switch name {
	case guide:
		text = guidesFile(t)
	case byKey:
		text = signedIn(t, docs.Examples["salesforce"], dir)
	}
	return fileIn(t, dir, name, text, replace...)
}

// fileAt is a file's text with the tools at other addresses, ready to write.
func fileAt(t *testing.T, name, text string, replace ...string) *config.Config {
	t.Helper()
	return fileIn(t, t.TempDir(), name, text, replace...)
}

func fileIn(t *testing.T, dir, name, text string, replace ...string) *config.Config {
	t.Helper()
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the example %s has no %q", name, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	text = strings.NewReplacer("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0", "database: trueup.db", "database: "+filepath.Join(t.TempDir(), "t.db"),
		"    mode: watch", "    mode: live\n    sweep: off\n    limits: off\n    # ").Replace(text)
	cfg, err := config.Parse(name+".yaml", []byte(text), dir, app.Types(), exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// started runs the service and returns what sends a webhook of billing.
func started(t *testing.T, cfg *config.Config) func(h http.Header, body string) {
	t.Helper()
	return startedAt(t, cfg, "/hooks/billing")
}

// startedAt is the same for an address with a secret.
func startedAt(t *testing.T, cfg *config.Config, path string) func(h http.Header, body string) {
	t.Helper()
	a, err := app.Start(t.Context(), app.Options{Config: cfg, Version: "test", NotifyPace: fast, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { (&live{T: t, app: a}).stop(2 * time.Minute) })
	return func(h http.Header, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = h
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatalf("the webhook is answered %d", resp.StatusCode)
		}
	}
}

// leaving is a Stripe account whose one customer has left.
func leaving(t *testing.T) string {
	mux := http.NewServeMux()
	say := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	say("/v1/customers/cus_1", fmt.Sprintf(`{"id":"cus_1","object":"customer","email":%q}`, sought))
	say("/v1/subscriptions", fmt.Sprintf(`{"object":"list","data":[{"id":"sub_1","object":"subscription","customer":"cus_1","status":"canceled","ended_at":%d}]}`, time.Now().Unix()))
	say("/v1/events", `{"object":"list","data":[]}`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestEveryExampleIsAValidFile(t *testing.T) {
	for name, text := range docs.Examples {
		if _, err := config.Parse(name+".yaml", []byte(text), t.TempDir(), app.Types(), exampleSecret); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, line := range strings.Split(text, "\n") {
			if line != strings.TrimRight(line, " ") {
				t.Errorf("%s, line %d ends with a space", name, i+1)
			}
		}
	}
}

// A tool with an example finds, reads and writes a record, lists all of them over
// several pages, and has a change of Stripe's carried to it from webhook to write.
func TestAnExamplesToolFollows(t *testing.T) {
	for name, tool := range map[string]struct {
		build   func(*shop)
		size    int // of the list's page
		base    string
		churned string // what the API takes for Churned
	}{
		"hubspot":        {hubspot, 50, "https://api.hubapi.com", "Churned"},
		"pipedrive":      {pipedrive, 500, "https://example.pipedrive.com", "14"},
		"activecampaign": {activecampaign, 100, "https://example.api-us1.com", "Churned"},
		"zendesk":        {zendesk, 100, "https://example.zendesk.com", "status_churned"},
		"intercom":       {intercom, 150, "https://api.intercom.io", "Churned"},
		"airtable":       {airtable, 100, "https://api.airtable.com", "Churned"},
		"notion":         {notion, 100, "https://api.notion.com", "Churned"},
		"salesforce":     {salesforce, 2000, "https://example.my.salesforce.com", "Churned"},
		byKey:            {salesforceByKey, 2000, "https://example.my.salesforce.com", "Churned"},
		guide:            {guided, 100, "https://crm.example.com", "3"},
		"supabase":       {supabase, 1000, "https://example.supabase.co", "Churned"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, tool.size)
			tool.build(s)
			cfg := exampleAt(t, name, tool.base, s.url, "    type: stripe\n", "    type: stripe\n    base_url: "+leaving(t)+"\n")
			last := tool.size + 1

			conn, err := registry.Open(cfg.Connections["crm"], connector.Deps{Use: connector.Use{Values: []string{"Active", "Paused", "Churned"}, Target: true}})
			if err != nil {
				t.Fatal(err)
			}
			found, err := conn.Target.Find(t.Context(), "email", sought)
			if err != nil || len(found) != 1 {
				t.Fatalf("found %v, %v", found, err)
			}
			listed := map[string]bool{}
			for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
				page, next, err := conn.TargetList.List(t.Context(), cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page {
					listed[r.ID] = true
				}
				cursor = next
			}
			if len(listed) != last || s.pages != 2 || !listed[found[0].ID] {
				t.Errorf("listed %d of %d records on %d pages", len(listed), last, s.pages)
			}
			hook := started(t, cfg)
			body := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"customer.subscription.deleted","created":%d,"livemode":false,"data":{"object":{"id":"sub_1","customer":"cus_1"}}}`, time.Now().Unix())
			hook(signature.SignStripe([]byte("whsec_x"), time.Now(), []byte(body)), body)
			(&live{T: t}).until("the change is carried", func() bool { return s.status(last) == tool.churned })
			if written, err := conn.Target.Read(t.Context(), found[0].ID); err != nil || written.Value != "Churned" {
				t.Errorf("read %+v, %v", written, err)
			}
		})
	}
}

// billed is a billing tool with two subscriptions of one customer, one a page.
type billed struct {
	mu       sync.Mutex
	statuses []string
}

func (b *billed) set(statuses ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.statuses = statuses
}

// page is the row behind a cursor, as the tool's shape has it.
func (b *billed) page(cursor string, shape func(id, status string) string) (row string, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, _ := strconv.Atoi(strings.TrimPrefix(cursor, "s"))
	return shape(fmt.Sprint("s", n+1), b.statuses[n]), n+1 < len(b.statuses)
}

// A billing tool with an example has its signed webhook checked, is asked for all
// subscriptions of the customer, and a HighLevel contact follows: two of them decide
// together, as one by one they end.
func TestAnExamplesToolDecides(t *testing.T) {
	now := time.Now()
	row := func(id, status string) string {
		return `"id":"` + id + `","status":"` + status + `","customer_id":"ctm_1","currency_code":"EUR","deleted":false,"has_scheduled_changes":false`
	}
	for name, tool := range map[string]struct {
		base    string
		words   [3][2]string // of the two subscriptions: for Active, Paused and Churned
		answer  func(b *billed, r *http.Request) string
		event   string // with its number
		signed  func(body string) http.Header
		contact ghltest.Contact
	}{
		"chargebee": {"https://example.chargebee.com", [3][2]string{{"cancelled", "non_renewing"}, {"cancelled", "paused"}, {"cancelled", "cancelled"}},
			func(b *billed, r *http.Request) string {
				one, more := b.page(r.URL.Query().Get("offset"), func(id, status string) string {
					return `{"subscription":{` + row(id, status) + fmt.Sprintf(`,"updated_at":%d`, now.Unix()) + `},"customer":{"id":"ctm_1","email":"ada@example.com","first_name":"A","last_name":"B","created_at":1767225600,"deleted":false}}`
				})
				if more {
					return `{"list":[` + one + `],"next_offset":"s1"}`
				}
				return `{"list":[` + one + `]}`
			},
			fmt.Sprintf(`{"id":"ev_%%d","occurred_at":%d,"object":"event","api_version":"v2","event_type":"subscription_changed","content":{"subscription":{"id":"s1","customer_id":"ctm_1"}}}`, now.Unix()),
			func(string) http.Header { return signature.SignBasic("trueup", "value-of-CHARGEBEE_WEBHOOK_PASSWORD") },
			ghltest.Contact{ID: "ada", Email: "ada@example.com"}},
		"paddle": {"https://api.paddle.com", [3][2]string{{"canceled", "past_due"}, {"canceled", "paused"}, {"canceled", "canceled"}},
			func(b *billed, r *http.Request) string {
				one, more := b.page(r.URL.Query().Get("after"), func(id, status string) string {
					return `{` + row(id, status) + fmt.Sprintf(`,"custom_data":null,"updated_at":%q}`, now.UTC().Format(time.RFC3339))
				})
				return fmt.Sprintf(`{"data":[%s],"meta":{"request_id":"r","pagination":{"per_page":200,"has_more":%t,"estimated_total":2,"next":"https://api.paddle.com/subscriptions?after=s1"}}}`, one, more)
			},
			fmt.Sprintf(`{"event_id":"evt_%%d","event_type":"subscription.updated","occurred_at":%q,"data":{"id":"s1","customer_id":"ctm_1"}}`, now.UTC().Format(time.RFC3339)),
			func(body string) http.Header { return paddleSigned("value-of-PADDLE_WEBHOOK_SECRET", now, body) },
			ghltest.Contact{ID: "ada", Values: map[string]any{ghltest.ExternalField: "ctm_1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &billed{statuses: tool.words[0][:]}
			var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				listed := q.Get("limit")+q.Get("per_page") == "50"
				if !strings.HasSuffix(r.URL.Path, "/subscriptions") || !listed && q.Get("customer_id[is]")+q.Get("customer_id") != "ctm_1" || r.Header.Get("Authorization") == "" {
					t.Errorf("asked %s", r.URL)
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, tool.answer(b, r))
			})
			if name == "chargebee" { // Paddle's description was not to be had
				h = vendorspec.Strict(t, name, h)
			}
			server := httptest.NewServer(h)
			t.Cleanup(server.Close)
			crm := ghltest.New(t)
			crm.Set(tool.contact)
			hook := started(t, exampleAt(t, name, tool.base, server.URL, "    type: gohighlevel\n", "    type: gohighlevel\n    base_url: "+crm.URL+"\n", ", per: 1s}", ", per: 10ms}"))
			for i, want := range []string{"Active", "Paused", "Churned"} {
				b.set(tool.words[i][:]...)
				body := fmt.Sprintf(tool.event, i)
				hook(tool.signed(body), body)
				(&live{T: t}).until("the contact is "+want, func() bool { return crm.Status("ada") == want })
			}
		})
	}
}

// paddleSigned signs as developer.paddle.com/webhooks/signature-verification says.
func paddleSigned(secret string, at time.Time, body string) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d:%s", at.Unix(), body)
	return http.Header{"Paddle-Signature": {fmt.Sprintf("ts=%d;h1=%x", at.Unix(), mac.Sum(nil))}}
}
