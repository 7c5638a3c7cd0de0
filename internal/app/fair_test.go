package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store"
)

var backlog = flag.Int("backlog", 600, "how many changes of one sync wait when one of another comes, such as 100000")

// deskYAML is a second sync, of two tools of its own.
func deskYAML(dsn, billing, crm, shop, desk string) string {
	text := configText(dsn, billing, crm)
	connections, syncs, _ := strings.Cut(text, "syncs:\n")
	source := strings.NewReplacer("  billing:", "  shop:", billing, shop).Replace("  billing:" + strings.Split(strings.Split(text, "  billing:")[1], "  crm:")[0])
	other := strings.NewReplacer("customer-status:", "support:", "connection: billing", "connection: shop", "connection: crm", "connection: desk").Replace(syncs)
	return connections + source + "  desk: " + resttest.TargetYAML(desk) + "syncs:\n" + syncs + other
}

// A change of one sync does not wait for the backlog of another. What was done before it
// counts: how long that takes is the machine's.
func TestABacklogOfOneSyncDelaysNoOther(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			shop, desk := resttest.New(t), resttest.New(t)
			at := dsn(t)
			l := newLiveOf(t, at, func(billing, crm string) string { return deskYAML(at, billing, crm, shop.URL, desk.URL) })
			var written, then atomic.Int64
			l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut {
					written.Add(1)
				}
				n, found := strings.CutPrefix(r.URL.Query().Get("email"), "c")
				if n, _, _ = strings.Cut(n, "@"); found { // at once, however many there are
					json.NewEncoder(w).Encode(map[string]any{"records": []resttest.Record{l.crm.Record("rec_" + n)}})
				}
				return found
			})
			desk.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut {
					then.Store(written.Load())
				}
				return false
			})
			events := make([]store.NewEvent, *backlog)
			for n := range events {
				l.customer(n)
				events[n] = store.NewEvent{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: fmt.Sprint("evt_", n),
					Customer: fmt.Sprint("cus_", n), Value: "active", HasValue: true, OccurredAt: time.Now()}
			}
			shop.Set(resttest.Record{ID: "cus_0", Email: mail(0), Status: "paused"})
			desk.Set(resttest.Record{ID: "rec_0", Email: mail(0), UpdatedBy: "human:ben"})
			for begin := 0; begin < len(events); begin += 500 {
				_, err := l.db.Receive(l.Context(), events[begin:min(begin+500, len(events))])
				l.must(err)
			}
			l.until("the backlog is begun", func() bool { return written.Load() > int64(*backlog)/20 })

			before, began := written.Load(), time.Now()
			l.tellOf("shop", "evt_shop", "cus_0", "paused", time.Now())
			l.until("the other sync's change has arrived", func() bool { return desk.Status("rec_0") == "Paused" })
			t.Logf("of %d, %d were written before, and %d meanwhile, in about %s", *backlog, before, then.Load()-before, time.Since(began).Round(time.Millisecond))
			if most := int64(*backlog) / 2; then.Load()-before > most {
				t.Errorf("%d changes of the backlog went before it", then.Load()-before)
			}
		})
	}
}
