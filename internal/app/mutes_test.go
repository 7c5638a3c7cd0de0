package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A source that is told by events only gives its status field another name: its
// events tell none any more, and that is said although each of them is stored.
func TestAStatusFieldThatIsRenamedIsSaidOfASourceToldByEventsOnly(t *testing.T) {
	t.Parallel()
	dsn := engines["sqlite"](t)
	l := newLiveOf(t, dsn, func(billing, crm string) string {
		text := configText(dsn, billing, crm)
		text = strings.Replace(text, "    read: {get: \"/records/{id}\", record: body}\n", "", 1)
		return strings.Replace(text, "record: {id: record.id,", "record: {id: record.customer,", 1)
	})
	post := func(n int, field string) {
		body := fmt.Sprintf(`{"id":"evt_%d","customer":"cus_%d",%q:"canceled","email":%q,"at":%q}`, n, n, field, mail(n), time.Now().UTC().Format(time.RFC3339Nano))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.app.URL()+"/hooks/billing", strings.NewReader(body))
		l.must(err)
		req.Header.Set("X-Token", hookToken)
		resp, err := http.DefaultClient.Do(req)
		l.must(err)
		l.must(resp.Body.Close())
		if resp.StatusCode/100 != 2 {
			t.Fatalf("the webhook is answered %d", resp.StatusCode)
		}
	}
	said := func() []store.Exception {
		found, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.ConnectionFailed, States: []status.State{status.Open}})
		l.must(err)
		return found
	}
	l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), UpdatedBy: "human:ben"})
	post(1, "status")
	l.until("the first is carried", func() bool { return l.outcome(1) == status.Applied })
	for n := range 19 {
		post(2+n, "state")
	}
	if x := said(); len(x) > 0 {
		t.Errorf("it is said too early: %+v", x)
	}
	post(21, "state")
	x := said()
	if len(x) != 1 || !strings.Contains(x[0].Reason.Sentence(), "its last 20 events have none") {
		t.Fatalf("nobody is told: %+v", x)
	}
	post(22, "status")
	if x := said(); len(x) > 0 {
		t.Errorf("it tells statuses again: %+v", x)
	}
}
