package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

func get(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %s", address, resp.StatusCode, body)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("GET %s: the content security policy is %q", address, csp)
	}
	return string(body)
}

func TestAClickInBillingChangesTheStatusAndSendsASignedWebhook(t *testing.T) {
	cast, _ := newScript(1)
	type hook struct {
		header http.Header
		body   []byte
	}
	hooks := make(chan hook, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, `{"accepted":1,"duplicates":0}`)
		hooks <- hook{r.Header, body}
	}))
	defer receiver.Close()
	secret, key := newSecret()
	sender := newSender(t.Context(), receiver.Client(), key)
	sender.deliverTo(receiver.URL + "/hooks/billing")
	b := newBilling(cast, "token", "RUN", &journal{}, sender)
	page := httptest.NewServer(b.handler(nowhere))
	defer page.Close()

	m := playing(cast, strange)
	if body := get(t, page.URL+"/"); !strings.Contains(body, `action="/click"`) || !strings.Contains(body, m.email) {
		t.Fatalf("the page should list %s with a form, got %s", m.email, body)
	}
	resp, err := http.PostForm(page.URL+"/click", url.Values{"id": {m.customer}, "value": {"past_due"}})
	must(t, err)
	resp.Body.Close()
	if resp.Request.URL.Path != "/" || resp.StatusCode != http.StatusOK {
		t.Errorf("after a click the browser is at %s with %d, want the page again", resp.Request.URL.Path, resp.StatusCode)
	}
	got := <-hooks
	scheme, err := signature.NewStandardWebhooks([]string{secret})
	must(t, err)
	if err := scheme.Verify(got.header, got.body, time.Now()); err != nil {
		t.Errorf("the webhook is not genuine: %v", err)
	}
	var ev event
	must(t, json.Unmarshal(got.body, &ev))
	if ev.Data.ID != m.customer || ev.Data.Status != "past_due" || ev.ID != got.header.Get("Webhook-Id") {
		t.Errorf("the webhook says %+v", ev)
	}
	must(t, sender.wait(t.Context()))
	if body := get(t, page.URL+"/live"); !strings.Contains(body, ev.ID) || !strings.Contains(body, "200, accepted") {
		t.Errorf("the page should show the webhook and its answer, got %s", body)
	}
}

func TestAClickInTheCRMIsAPersonsEdit(t *testing.T) {
	_, c, cast := tools(t)
	page := httptest.NewServer(c.handler(nowhere))
	defer page.Close()
	m := playing(cast, kept)
	resp, err := http.PostForm(page.URL+"/click", url.Values{"id": {m.contact()}, "value": {"Churned"}})
	must(t, err)
	resp.Body.Close()
	for _, r := range c.list() {
		if r.ID == m.contact() && (r.Status != "Churned" || r.UpdatedBy != someHuman) {
			t.Errorf("after the click the contact is %+v", r)
		}
	}
	if body := get(t, page.URL+"/"); !strings.Contains(body, "a person</b> just now") {
		t.Errorf("the page should say that a person edited last, got %s", body)
	}
}

func TestClicksThatAreNotTheVisitorsAreRefused(t *testing.T) {
	b, c, cast := tools(t)
	m := playing(cast, ordinary)
	for _, tt := range []struct {
		name   string
		tool   http.Handler
		form   url.Values
		header map[string]string
		want   int
	}{
		{"from another site to billing", b.handler(nowhere), url.Values{"id": {m.customer}, "value": {"on_hold"}}, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"from another site to the CRM", c.handler(nowhere), url.Values{"id": {m.contact()}, "value": {"Churned"}}, map[string]string{"Origin": "https://elsewhere.example"}, 403},
		{"of a value billing does not have", b.handler(nowhere), url.Values{"id": {m.customer}, "value": {"Active"}}, nil, 422},
		{"of a value the CRM does not have", c.handler(nowhere), url.Values{"id": {m.contact()}, "value": {"active"}}, nil, 422},
		{"on a customer who does not exist", b.handler(nowhere), url.Values{"id": {"cus_9"}, "value": {"active"}}, nil, 422},
		{"on a contact who does not exist", c.handler(nowhere), url.Values{"id": {"<b>"}, "value": {"Active"}}, nil, 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Authorization": ""}
			for k, v := range tt.header {
				header[k] = v
			}
			if got := call(tt.tool, "POST", "/click", tt.form.Encode(), header); got.Code != tt.want {
				t.Errorf("answered %d, want %d: %s", got.Code, tt.want, got.Body)
			}
		})
	}
	if all := b.journal.since(0); len(all) != 0 {
		t.Errorf("nothing should have happened, got %+v", all)
	}
}

func TestPagesEscapeWhatRecordsHold(t *testing.T) {
	b, c, _ := tools(t)
	const nasty = `<script>alert("x")</script>`
	b.customers[0].Name, b.customers[0].Email = nasty, nasty
	c.contacts[0].Name, c.contacts[0].ExternalID, c.contacts[0].Status = nasty, nasty, nasty
	for _, tool := range []http.Handler{b.handler(nowhere), c.handler(nowhere)} {
		for _, path := range []string{"/", "/live"} {
			got := call(tool, "GET", path, "", nil)
			if got.Code != http.StatusOK || strings.Contains(got.Body.String(), "<script>alert") {
				t.Errorf("GET %s answered %d and shows markup as it is", path, got.Code)
			}
		}
	}
}

func TestPagesServeTheirOwnFilesOnly(t *testing.T) {
	b, _, _ := tools(t)
	for path, want := range map[string]int{"/pages/style.css": 200, "/pages/live.js": 200, "/pages/": 404, "/pages/crm.html": 404, "/favicon.ico": 404} {
		if got := call(b.handler(nowhere), "GET", path, "", nil); got.Code != want {
			t.Errorf("GET %s answered %d, want %d", path, got.Code, want)
		}
	}
}
