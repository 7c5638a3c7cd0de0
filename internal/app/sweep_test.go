package app_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// listing is the configuration of two tools that list their records.
func (l *live) listing() string {
	text := configText(l.dsn, l.billing.URL, l.crm.URL)
	read := "    read: {get: \"/records/{id}\", record: body}\n"
	return strings.ReplaceAll(text, read, read+resttest.ListYAML)
}

// sweeps goes on with a sweep on the schedule, which begins at once when there
// was none before.
func (l *live) sweeps(more string, lines ...string) store.Sweep {
	l.Helper()
	const line = "    match: [{source: email, target: email}]\n"
	l.must(l.reloadFrom(l.Context(), l.listing(), line, line+"    sweep: {every: 1h"+more+"}\n"+strings.Join(lines, "")))
	var s store.Sweep
	l.until("a sweep has come to its end", func() (done bool) {
		var err error
		s, err = l.db.LastSweep(l.Context(), "customer-status", store.ForSweep)
		return err == nil
	})
	return s
}

// Of a hundred changes five webhooks are lost at random. A sweep finds them, and
// the path carries them.
func TestASweepRepairsWhatLostWebhooksLeft(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			const customers, lost = 100, 5
			l := newLive(t, dsn(t))
			for n := range customers {
				l.customer(n)
				l.change(n, fmt.Sprint("first_", n), "active")
			}
			l.until("all are carried", func() bool { return len(l.crm.Written()) == customers })
			l.quiet()
			dropped := map[int]bool{}
			for _, n := range rand.New(rand.NewPCG(1, 2)).Perm(customers)[:lost] {
				dropped[n] = true
			}
			for n := range customers {
				if dropped[n] {
					l.billing.Set(resttest.Record{ID: fmt.Sprint("cus_", n), Email: mail(n), Status: "paused"})
				} else {
					l.change(n, fmt.Sprint("second_", n), "paused")
				}
			}
			l.until("those are carried that are told of", func() bool { return len(l.crm.Written()) == 2*customers-lost })
			l.quiet()
			s := l.sweeps("")
			if s.Summary.Sources != customers || s.Summary.Targets != customers || s.Summary.Agree != customers-lost || s.Drift.LostEvent != lost || s.Repaired != lost {
				t.Errorf("the sweep found %+v", s)
			}
			l.until("the lost ones are carried too", func() bool { return len(l.crm.Written()) == 2*customers })
			l.quiet()
			for id, value := range l.crm.Statuses() {
				if value != "Paused" {
					t.Errorf("%s holds %s", id, value)
				}
			}
			standing, err := l.db.SyncStanding(t.Context(), "customer-status", store.Rules{})
			if err != nil || standing.Carried != customers || standing.Agree != customers {
				t.Errorf("it stands at %+v, %v", standing, err)
			}
			resp, err := http.Get(l.app.URL() + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			for _, line := range []string{`trueup_sweep_agreement{sync="customer-status"} 0.95`, `trueup_sweep_drift{cause="lost_event",sync="customer-status"} 5`,
				`trueup_sweep_repaired{sync="customer-status"} 5`, `trueup_sweep_waiting{sync="customer-status"} 0`} {
				if err != nil || !strings.Contains(string(text), "\n"+line+"\n") {
					t.Errorf("not served: %s, %v", line, err)
				}
			}
		})
	}
}

func TestASweepWithoutRepairOnlyCounts(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	l.customer(1)
	l.change(1, "evt_1", "active")
	l.until("it is carried", func() bool { return l.crm.Status("rec_1") == "Active" })
	l.quiet()
	l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "paused"})
	if s := l.sweeps(", repair: false"); s.Drift.LostEvent != 1 || s.Repaired != 0 || s.Summary.Carried() != 1 || s.Summary.Agree != 0 {
		t.Errorf("the sweep found %+v", s)
	}
	l.quiet()
	if got := l.crm.Status("rec_1"); got != "Active" {
		t.Errorf("the target holds %s", got)
	}
}

// A sweep that a stop cut off is gone on with at the next start, and since when
// the sync is live stays.
func TestASweepThatWasCutOffGoesOn(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	for n := range 50 {
		l.customer(n)
	}
	since, err := l.db.LiveSince(t.Context(), "customer-status")
	if err != nil || since.IsZero() {
		t.Fatalf("live since %s, %v", since, err)
	}
	reached := make(chan struct{})
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("after") == "" {
			return false
		}
		select {
		case <-reached:
			return false
		default:
			close(reached)
		}
		hang(w, r)
		return true
	})
	const line = "    match: [{source: email, target: email}]\n"
	l.must(l.reloadFrom(l.Context(), l.listing(), line, line+"    sweep: {every: 1h}\n"))
	l.until("the target is listed", func() bool {
		select {
		case <-reached:
			return true
		default:
			return false
		}
	})
	var lists atomic.Int32
	l.billing.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("all") {
			lists.Add(1)
		}
		return false
	})
	if s := l.sweeps(""); s.Summary.Sources != 50 || s.Summary.Targets != 50 || lists.Load() != 0 {
		t.Errorf("after the second start %d pages of the source were listed: %+v", lists.Load(), s)
	}
	if again, err := l.db.LiveSince(t.Context(), "customer-status"); err != nil || !again.Equal(since) {
		t.Errorf("live since %s and then %s, %v", since, again, err)
	}
}
