package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// live is two tools with a service between them, in this process.
type live struct {
	*testing.T
	billing, crm *resttest.Tool
	dsn          string
	app          *app.App
	db           *store.DB
	log          *bytes.Buffer
}

// fast is a pace of notifying people at which no test waits.
var fast = notify.Pace{Tick: 20 * time.Millisecond, Spacing: time.Millisecond, Quiet: 20 * time.Millisecond, FirstPause: 20 * time.Millisecond}

// newLive starts a service; more is added to its configuration.
func newLive(t *testing.T, dsn string, more ...string) *live {
	return newLiveOf(t, dsn, func(billing, crm string) string { return configText(dsn, billing, crm) + strings.Join(more, "") })
}

// newLiveOf is newLive with a file of one's own.
func newLiveOf(t *testing.T, dsn string, text func(billing, crm string) string) *live {
	l := &live{T: t, billing: resttest.New(t), crm: resttest.New(t), dsn: dsn, log: &bytes.Buffer{}}
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(ownWords(text(l.billing.URL, l.crm.URL))), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if l.app, err = app.Start(t.Context(), app.Options{Config: cfg, Version: "test", NotifyPace: fast, Log: slog.New(slog.NewJSONHandler(l.log, nil))}); err != nil {
		t.Fatal(err)
	}
	if l.db, err = store.Open(t.Context(), store.Options{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.db.Close(); err != nil {
			t.Error(err)
		}
		if l.app != nil {
			l.stop(2 * time.Minute)
		}
		if t.Failed() {
			t.Log(l.log.String())
		}
	})
	return l
}

func (l *live) stop(within time.Duration) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := l.app.Stop(ctx); err != nil {
		l.Error(err)
	}
	l.app = nil
}

// customer adds a customer to both tools.
func (l *live) customer(n int) {
	l.billing.Set(resttest.Record{ID: fmt.Sprint("cus_", n), Email: mail(n), Status: "active"})
	l.crm.Set(resttest.Record{ID: fmt.Sprint("rec_", n), Email: mail(n), UpdatedBy: "human:ben"})
}

func mail(n int) string { return fmt.Sprintf("c%d@example.com", n) }

// change changes a customer in billing and tells of it.
func (l *live) change(n int, event, value string) {
	l.Helper()
	id := fmt.Sprint("cus_", n)
	l.billing.Set(resttest.Record{ID: id, Email: mail(n), Status: value})
	l.tell(event, id, value, time.Now())
}

// tell sends an event of billing.
func (l *live) tell(event, id, value string, at time.Time) {
	l.Helper()
	l.tellOf("billing", event, id, value, at)
}

// tellOf sends an event of any connection.
func (l *live) tellOf(connection, event, id, value string, at time.Time) {
	l.Helper()
	body := fmt.Sprintf(`{"id":%q,"customer":%q,"status":%q,"at":%q}`, event, id, value, at.UTC().Format(time.RFC3339Nano))
	req, err := http.NewRequestWithContext(l.Context(), http.MethodPost, l.app.URL()+"/hooks/"+connection, strings.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	req.Header.Set("X-Token", hookToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || string(bytes.TrimSpace(text)) != `{"accepted":1,"duplicates":0}` {
		l.Fatalf("the webhook is answered %d %s, %v", resp.StatusCode, text, err)
	}
}

// until waits for something that the service does.
func (l *live) until(what string, done func() bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 5*time.Minute)
	defer cancel()
	for pause := 5 * time.Millisecond; !done(); pause = min(pause*3/2, 50*time.Millisecond) {
		select {
		case <-ctx.Done():
			l.Fatalf("waiting until %s", what)
		case <-time.After(pause):
		}
	}
}

// outcome returns how the only event of a customer ended, "" while it waits.
func (l *live) outcome(n int) status.Outcome {
	l.Helper()
	found, err := l.db.Events(l.Context(), store.EventFilter{Customer: fmt.Sprint("cus_", n)})
	if err != nil || len(found) != 1 {
		l.Fatalf("customer %d has %d events, %v", n, len(found), err)
	}
	return found[0].Outcome
}

// first makes the first call that it is asked about behave so.
func first(method string, f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || done.Swap(true) {
			return false
		}
		f(w, r)
		return true
	}
}

// afterwards lets a call have its effect and then answers otherwise.
func (l *live) afterwards(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.crm.Write(httptest.NewRecorder(), r)
		answer(w, r)
	}
}

// hang never answers. The server sees that the caller has gone once the body
// is read.
func hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func hangUp(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "500")
	io.WriteString(w, `{"id":"rec_1","sta`)
}

func page(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		io.WriteString(w, "<html><body>Please wait.</body></html>")
	}
}

func code(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		io.WriteString(w, `{"error":"no"}`)
	}
}

// A target that misbehaves over real HTTP: no write is lost and none is
// doubled, and the other customer is carried meanwhile.
func TestATargetThatMisbehaves(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method string
		how    func(*live) http.HandlerFunc
	}{
		"times out after the effect":             {http.MethodPut, func(l *live) http.HandlerFunc { return l.afterwards(hang) }},
		"times out before the effect":            {http.MethodPut, func(*live) http.HandlerFunc { return hang }},
		"hangs up after the effect":              {http.MethodPut, func(l *live) http.HandlerFunc { return l.afterwards(hangUp) }},
		"answers 500 after the effect":           {http.MethodPut, func(l *live) http.HandlerFunc { return l.afterwards(code(500)) }},
		"answers a page after the effect":        {http.MethodPut, func(l *live) http.HandlerFunc { return l.afterwards(page(200)) }},
		"cuts its answer after the effect":       {http.MethodPut, func(l *live) http.HandlerFunc { return l.afterwards(cutShort) }},
		"answers 502 with a page":                {http.MethodPut, func(*live) http.HandlerFunc { return page(502) }},
		"answers 429 and says when":              {http.MethodPut, func(*live) http.HandlerFunc { return code(429, "Retry-After", "1") }},
		"answers 429 to a read":                  {http.MethodGet, func(*live) http.HandlerFunc { return code(429, "Retry-After", "1") }},
		"cuts its answer to a read":              {http.MethodGet, func(*live) http.HandlerFunc { return cutShort }},
		"answers 503 to a read":                  {http.MethodGet, func(*live) http.HandlerFunc { return code(503) }},
		"answers 412 as if somebody was faster":  {http.MethodPut, func(*live) http.HandlerFunc { return code(412) }},
		"answers 401 once, and then as it ought": {http.MethodPut, func(*live) http.HandlerFunc { return code(401) }},
	}
	for engine, dsn := range engines {
		for name, tt := range tests {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				at := dsn(t)
				l := newLiveOf(t, at, func(billing, crm string) string {
					return strings.Replace(configText(at, billing, crm), "timeout: 25s", "timeout: 500ms", 1)
				})
				l.customer(1)
				l.customer(2)
				l.crm.Instead(first(tt.method, tt.how(l)))
				l.change(1, "evt_1", "paused")
				l.change(2, "evt_2", "canceled")
				for n := range 2 {
					l.until("both events have ended", func() bool { return l.outcome(n+1) != "" })
				}
				l.retryParked()
				l.until("both are carried", func() bool { return l.crm.Status("rec_1") == "Paused" && l.crm.Status("rec_2") == "Churned" })
				got := l.crm.Written()
				slices.Sort(got)
				if diff := cmp.Diff([]string{"rec_1:  → Paused", "rec_2:  → Churned"}, got); diff != "" {
					t.Errorf("writes that reached the target: %s", diff)
				}
				l.until("the bases are true", func() bool {
					a, errA := l.db.Customer(t.Context(), "customer-status", "cus_1")
					b, errB := l.db.Customer(t.Context(), "customer-status", "cus_2")
					return errA == nil && errB == nil && a.Base.Value == "Paused" && b.Base.Value == "Churned"
				})
			})
		}
	}
}

// retryParked does what a person does after he has mended a connection.
func (l *live) retryParked() {
	l.Helper()
	open, err := l.db.Exceptions(l.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		l.Fatal(err)
	}
	for _, x := range open {
		if _, err := l.db.Act(l.Context(), store.Act{Exception: x.ID, Verb: store.Retry}); err != nil {
			l.Fatal(err)
		}
	}
}

func TestAStopLetsWhatIsOnItsWayEnd(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	l.customer(1)
	arrived, goOn := make(chan struct{}), make(chan struct{})
	l.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			close(arrived)
			<-goOn
		}
		return false
	})
	l.change(1, "evt_1", "paused")
	<-arrived
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.stop(2 * time.Minute)
	}()
	close(goOn)
	<-stopped
	if got := l.outcome(1); got != status.Applied {
		t.Errorf("the event ended as %q", got)
	}
}

func TestAStopThatTakesTooLongCutsCallsOff(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	l.customer(1)
	arrived := make(chan struct{})
	l.crm.Instead(first(http.MethodPut, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		hang(nil, r)
	}))
	l.change(1, "evt_1", "paused")
	<-arrived
	l.stop(time.Millisecond)
	c, err := l.db.Customer(t.Context(), "customer-status", "cus_1")
	if err != nil || c.DueAt.IsZero() || c.Attempts != 0 || l.outcome(1) != "" {
		t.Errorf("the customer does not wait for the next start: %+v, %v", c, err)
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	l := newLive(t, engines["sqlite"](t))
	l.customer(1)
	l.change(1, "evt_1", "paused")
	l.until("it is carried", func() bool { return l.outcome(1) != "" })
	l.stop(2 * time.Minute)
	if err := l.db.Close(); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	l.billing.Close()
	l.crm.Close()
	goleak.VerifyNone(t, before)
}

// One wide line for each event and each attempt, and nothing of a person or a
// secret in any of them.
func TestTheLogTellsOfEachEventAndAttempt(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	l.customer(1)
	l.change(1, "evt_1", "paused")
	l.until("it is carried", func() bool { return l.outcome(1) != "" })
	l.stop(2 * time.Minute)
	text := l.log.String()
	lines := map[string]map[string]any{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		lines[fmt.Sprint(m["msg"])] = m
	}
	for msg, keys := range map[string][]string{
		"event received": {"connection", "result", "accepted", "duplicates", "event_ids", "took"},
		"attempt":        {"sync", "customer", "stage", "outcome", "reason", "row", "target_id", "took"},
	} {
		for _, k := range keys {
			if _, ok := lines[msg][k]; !ok {
				t.Errorf("%q does not tell %s: %v", msg, k, lines[msg])
			}
		}
	}
	for _, secret := range []string{mail(1), hookToken} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}
