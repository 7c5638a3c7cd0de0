package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const pinOfOne = "/customers/customer-status/cus_1/pin"

// While a customer is pinned its events end as held and nothing is written; then it
// is synced once, as it is by then. Others go on.
func TestAPinnedCustomerIsHeldAndThenSyncedOnce(t *testing.T) {
	for name, dsn := range engines {
		for end, until := range map[string]time.Duration{"unpinned": 0, "at its end": 3 * time.Second} {
			t.Run(name+"/"+end, func(t *testing.T) {
				t.Parallel()
				l := newLive(t, dsn(t))
				h := byAPI{l.token(store.Operator)}
				l.carried(1)
				l.customer(2)
				before := len(l.crm.Written())
				body := `{"reason":"the contract is disputed"`
				if until > 0 {
					body += `,"until":"` + time.Now().Add(until).UTC().Format(time.RFC3339Nano) + `"`
				}
				var pinned contract.PinnedCustomer
				h.call(l, http.MethodPut, pinOfOne, []byte(body+"}"), "", &pinned)
				if !pinned.Changed || !pinned.Known || pinned.Pin == nil {
					t.Fatalf("the answer is %+v", pinned)
				}
				for i, word := range []string{"active", "canceled", "active", "canceled"} {
					l.change(1, "evt_while_pinned_"+string(rune('a'+i)), word)
				}
				l.change(2, "evt_of_the_other", "canceled")
				l.until("the other is synced", func() bool { return l.crm.Status("rec_2") == "Churned" })
				if until == 0 {
					l.quiet()
					var c contract.Customer
					h.call(l, http.MethodGet, "/customers/customer-status/cus_1", nil, "", &c)
					if c.Outcome != status.Held || c.Pin == nil || !strings.Contains(c.Reason, "the contract is disputed") || l.crm.Status("rec_1") == "Churned" {
						t.Fatalf("it is %s: %s, the record holds %s", c.Outcome, c.Reason, l.crm.Status("rec_1"))
					}
					var open struct{ Items []contract.Exception }
					h.call(l, http.MethodGet, "/exceptions?sync=customer-status", nil, "", &open)
					if len(open.Items) > 0 {
						t.Errorf("open are %+v", open.Items)
					}
					var gone contract.UnpinnedCustomer
					h.call(l, http.MethodDelete, pinOfOne, nil, "", &gone)
				}
				l.until("the pinned one is synced", func() bool { return l.crm.Status("rec_1") == "Churned" })
				l.quiet()
				written := 0
				for _, line := range l.crm.Written()[before:] {
					if strings.HasPrefix(line, "rec_1:") {
						written++
					}
				}
				if written != 1 || until > 0 && time.Now().Before(*pinned.Pin.Until) {
					t.Errorf("after the pin it wrote %v", l.crm.Written()[before:])
				}
			})
		}
	}
}

// A process that read a customer just before it was pinned begins no write after it.
func TestNoWriteBeginsOfACustomerPinnedMeanwhile(t *testing.T) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.carried(1)
			before := len(l.crm.Written())
			var pinned bool
			l.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/rec_1") && !pinned {
					pinned = true
					_, err := l.db.PinCustomer(t.Context(), store.Pin{Sync: "customer-status", Customer: "cus_1", By: "ana@example.com", Reason: "the contract is disputed"})
					l.must(err)
				}
				return false
			})
			l.change(1, "evt_3", "canceled")
			l.until("it is held", func() bool {
				c, err := l.db.Customer(t.Context(), "customer-status", "cus_1")
				l.must(err)
				return c.Outcome == status.Held
			})
			l.stop(time.Minute)
			if len(l.crm.Written()) != before {
				t.Errorf("it wrote %v", l.crm.Written()[before:])
			}
		})
	}
}
