package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/signature"
)

// checkouts is a Stripe account in which one person has a customer for each checkout,
// each with one subscription.
type checkouts struct {
	mu     sync.Mutex
	status map[string]string // by customer; "deleted" is one who was
}

func (c *checkouts) set(customer, status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status[customer] = status
}

func (c *checkouts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := func(id string) object {
		if c.status[id] == "deleted" {
			return object{"id": id, "object": "customer", "deleted": true}
		}
		return object{"id": id, "object": "customer", "email": "ann@example.com"}
	}
	data, q := []object{}, r.URL.Query()
	customer, single := strings.CutPrefix(r.URL.Path, "/v1/customers/")
	switch {
	case single:
		_ = json.NewEncoder(w).Encode(of(customer))
		return
	case r.URL.Path == "/v1/customers" && q.Get("email") == "ann@example.com":
		for id := range c.status {
			if one := of(id); one["deleted"] == nil {
				data = append(data, one)
			}
		}
	case r.URL.Path == "/v1/subscriptions":
		id := q.Get("customer")
		data = append(data, object{"id": "sub_" + id, "object": "subscription", "customer": id, "status": c.status[id]})
	}
	_ = json.NewEncoder(w).Encode(object{"object": "list", "data": data})
}

// A person who checks out twice is two customers in Stripe. With several: fold the
// record has the best of their statuses, whatever ends or is deleted.
func TestStripeCustomersWithOneAddressAreOne(t *testing.T) {
	t.Parallel()
	stripe := &checkouts{status: map[string]string{"cus_old": "canceled", "cus_new": "active"}}
	server := httptest.NewServer(stripe)
	t.Cleanup(server.Close)
	dsn := engines["sqlite"](t)
	l := newLiveOf(t, dsn, func(billing, crm string) string {
		text := configText(dsn, billing, crm)
		from, to := strings.Index(text, "  billing:\n"), strings.Index(text, "  crm:")
		text = text[:from] + "  billing: {type: stripe, base_url: " + server.URL + ", api_key: rk_test_x, webhook_secrets: [whsec_x]}\n" + text[to:]
		return strings.NewReplacer("{source: email, target: email}", "{source: email, target: email, several: fold}",
			"    mode: live\n", "    ignore: [trialing, past_due, unpaid, incomplete, incomplete_expired]\n    mode: live\n").Replace(text)
	})
	l.crm.Set(resttest.Record{ID: "rec_ann", Email: "ann@example.com"})
	events := 0
	tell := func(customer, what string) {
		t.Helper()
		events++
		body := fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"customer.%s","created":%d,"livemode":false,"data":{"object":{"id":%q,"customer":%q}}}`,
			events, what, time.Now().Unix(), customer, customer)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.app.URL()+"/hooks/billing", strings.NewReader(body))
		l.must(err)
		req.Header = signature.SignStripe([]byte("whsec_x"), time.Now(), []byte(body))
		resp, err := http.DefaultClient.Do(req)
		l.must(err)
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatalf("the webhook is answered %d", resp.StatusCode)
		}
	}
	shows := func(want string) {
		t.Helper()
		l.until("the record shows "+want, func() bool { return l.crm.Status("rec_ann") == want })
		l.quiet()
	}
	tell("cus_old", "subscription.deleted")
	shows("Active")
	c, err := l.db.Customer(t.Context(), "customer-status", "cus_old")
	if got := c.Reason.Sentence(); err != nil || !strings.Contains(got, "the status is customer cus_new's, the best of 2") {
		t.Errorf("it is explained with %q, %v", got, err)
	}
	tell("cus_new", "subscription.created")
	stripe.set("cus_new", "paused")
	tell("cus_new", "subscription.updated")
	shows("Paused")
	stripe.set("cus_old", "active") // who comes back by the first checkout
	tell("cus_old", "subscription.updated")
	shows("Active")
	stripe.set("cus_old", "deleted")
	tell("cus_old", "deleted")
	shows("Paused")
	stripe.set("cus_new", "canceled")
	tell("cus_new", "subscription.deleted")
	shows("Churned")
	links, err := l.db.Links(t.Context(), "customer-status")
	if err != nil || len(links) != 1 || len(l.exceptions("")) > 0 {
		t.Errorf("the links are %v, %v; open is %v", links, err, l.exceptions(""))
	}
}
