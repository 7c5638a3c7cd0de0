package app_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// ready returns what /readyz answers.
func (l *live) ready() int {
	l.Helper()
	resp, err := http.Get(l.app.URL() + "/readyz")
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		l.Fatal(err)
	}
	return resp.StatusCode
}

// told returns what a webhook of a customer is answered.
func (l *live) told(event string) int {
	l.Helper()
	req, err := http.NewRequestWithContext(l.Context(), http.MethodPost, l.app.URL()+"/hooks/billing",
		strings.NewReader(`{"id":"`+event+`","customer":"cus_1","status":"active","at":"`+time.Now().UTC().Format(time.RFC3339Nano)+`"}`))
	if err != nil {
		l.Fatal(err)
	}
	req.Header.Set("X-Token", hookToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestStatusCountsRefusedWebhooks(t *testing.T) {
	l := newLive(t, engines["sqlite"](t))
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.app.URL()+"/hooks/billing", strings.NewReader(`{"id":"evt_1"}`))
		l.must(err)
		req.Header.Set("X-Token", "another token")
		resp, err := http.DefaultClient.Do(req)
		l.must(err)
		l.must(resp.Body.Close())
	}
	l.until("they are counted", func() bool {
		got, err := l.db.Refused(t.Context())
		return err == nil && slices.Equal(got, []store.Refused{{Connection: "billing", Refusal: status.BadSignature, Count: 2}})
	})
}

func TestADatabaseThatIsTakenAwayIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	move := func(t *testing.T, from, to string, suffixes ...string) {
		t.Helper()
		for _, s := range suffixes {
			if err := os.Rename(from+s, to+s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, take := range map[string]func(t *testing.T, path, away string){
		"the file with all beside it": func(t *testing.T, path, away string) { move(t, path, away, "", "-wal", "-shm") },
		"the log alone":               func(t *testing.T, path, away string) { move(t, path, away, "-wal") },
		"the file, for another one": func(t *testing.T, path, away string) {
			move(t, path, away, "")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "trueup.db")
			l := newLive(t, path)
			l.billing.Set(resttest.Record{ID: "cus_1", Email: "ana@example.com", Status: "active"})
			l.crm.Set(resttest.Record{ID: "rec_1", Email: "ana@example.com"})
			if hook, ready := l.told("evt_1"), l.ready(); hook != 200 || ready != 200 {
				t.Fatalf("at the beginning the hook answers %d, /readyz %d", hook, ready)
			}
			l.until("it is carried", func() bool {
				counts, err := l.db.Counts(t.Context())
				return err == nil && counts["customer-status"].WaitingEvents == 0
			})
			l.billing.Set(resttest.Record{ID: "cus_1", Email: "ana@example.com", Status: "canceled"})
			away := filepath.Join(t.TempDir(), "away.db")
			take(t, path, away)
			if hook, ready := l.told("evt_2"), l.ready(); hook != 503 || ready != 503 {
				t.Errorf("without it the hook answers %d, /readyz %d", hook, ready)
			}
			for _, s := range []string{"", "-wal", "-shm"} {
				if _, err := os.Stat(away + s); err == nil {
					move(t, away, path, s)
				}
			}
			if hook := l.told("evt_2"); hook != 200 {
				t.Errorf("when it is back the hook answers %d", hook)
			}
			l.until("it is ready again", func() bool { return l.ready() == 200 })
			l.until("it carries", func() bool { return l.crm.Status("rec_1") == "Churned" })
		})
	}
}

// The mark only tells a database from its older copies.
func TestAServiceStartsWithoutTheMarkBesideItsDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trueup.db")
	if err := os.Mkdir(path+".mark", 0o700); err != nil {
		t.Fatal(err)
	}
	l := newLive(t, path)
	if hook := l.told("evt_1"); hook != 200 {
		t.Errorf("the hook answers %d", hook)
	}
}
