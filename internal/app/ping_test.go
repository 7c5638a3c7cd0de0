package app_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// A webhook that only says that something changed has the list asked at once, also
// without poll.
func TestAPingHasTheChangesCarried(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	set := func(value string) {
		l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: value, UpdatedAt: time.Now()})
	}
	set("paused")
	l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), UpdatedBy: "human:ben"})
	l.tell("evt_1", "cus_1", "paused", time.Now())
	l.quiet()
	var lists atomic.Int32
	l.billing.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("all") {
			lists.Add(1)
		}
		return false
	})
	text := strings.Replace(l.listing(), "keys: {email: record.email}}", "updated_at: record.updated_at, keys: {email: record.email}}", 1)
	l.must(l.reloadFrom(t.Context(), text, "      id: event.id\n      customer: event.customer\n      status: event.status\n      occurred_at: event.at\n", "      ping: true\n"))
	l.until("the list is asked at the start", func() bool { return lists.Load() > 0 })
	set("canceled")
	l.hook("{}")
	l.until("the change is carried", func() bool { return l.crm.Status("rec_1") == "Churned" })
}
