package app_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// What an owner has decided about a conflict is not asked again after a restart,
// when the first poll and the customer's next event bring the change that it was about.
func TestAConflictThatWasDecidedStaysClosedAfterARestart(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	text := strings.Replace(l.listing(), "keys: {email: record.email}}", "updated_at: record.updated_at, keys: {email: record.email}}", 1)
	l.must(l.reloadFrom(t.Context(), text, "{connection: billing}", "{connection: billing, poll: 10s}"))
	l.carried(1)
	changed := time.Now()
	l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "canceled"})
	l.crm.Edit("rec_1", "Active", "human:ana")
	l.tell("evt_2", "cus_1", "canceled", changed)
	l.until("it is held", func() bool { return len(l.exceptions(status.Conflict)) == 1 })
	x := l.exceptions(status.Conflict)[0]
	_, err := l.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.KeepTarget, Who: ana, Saw: "Active", SawSource: "canceled"})
	l.must(err)
	l.until("it is decided", func() bool { return len(l.exceptions(status.Conflict)) == 0 })
	l.quiet()
	l.stop(time.Minute)

	var lists atomic.Int32
	l.billing.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("all") {
			lists.Add(1)
		}
		return false
	})
	l.app = l.node(strings.Replace(text, "{connection: billing}", "{connection: billing, poll: 10s}", 1))
	l.until("it polls", func() bool { return lists.Load() > 0 })
	l.tell("evt_3", "cus_1", "canceled", changed)
	l.quiet()
	if open := l.exceptions(""); len(open) > 0 || l.crm.Status("rec_1") != "Active" {
		t.Errorf("the record holds %s, open is %+v", l.crm.Status("rec_1"), open)
	}
}
