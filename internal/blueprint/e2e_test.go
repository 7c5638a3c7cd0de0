package blueprint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/blueprint/interpreter"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engines gives each engine's way to an empty database.
var engines = map[string]func(*testing.T) string{
	"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "trueup.db") },
	"postgres": func(t *testing.T) string { return storetest.Schema(t) },
}

// toMakeText is a sync from a tool with an API to one behind Make, fromMakeText
// the reverse. %[1]s is the database, %[2]s the tool with an API, %[3]s Make.
const (
	toMakeText = `
listen: 127.0.0.1:0
public_url: ` + public + `
database: %[1]q
connections:
  billing:
    type: http
    base_url: %[2]s
    auth: {bearer: ` + resttest.Token + `}
    webhook:
      verify: {scheme: header, name: X-Token, secrets: [hook-token]}
      id: event.id
      customer: event.customer
      status: event.status
      occurred_at: event.at
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    read: {get: "/records/{id}", record: body}
  tool:
    type: make
    base_url: %[3]s
    webhook_url: https://hook.eu2.make.com/` + hookID + `
    api_key: ` + hookKey + `
    timeout: 1s
    rate_limit: {requests: 1000, per: 1s}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: tool}
    match: [{source: email, target: email}]
    first_contact: source_wins
    statuses:
      active:  {from: [active], to: Active}
      paused:  {from: [paused], to: 'On "hold"'}
    mode: live
    sweep: off
`
	fromMakeText = `
listen: 127.0.0.1:0
public_url: ` + public + `
database: %[1]q
connections:
  tool:
    type: make
    webhook: {verify: %[3]s}
  crm: %[2]s
syncs:
  customer-status:
    source: {connection: tool}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses:
      active:  {from: [active], to: Active}
      paused:  {from: ['on "hold"'], to: Paused}
    mode: live
    sweep: off
`
)

// live is a service between two tools, one of them behind Make.
type live struct {
	*testing.T
	rest    *resttest.Tool
	tool    *tool
	account *interpreter.Account
	app     *app.App
	db      *store.DB
	log     *bytes.Buffer
}

// start starts the service with a configuration and imports the scenario of the
// file that it exports.
func (l *live) start(dsn, text, file string, settings interpreter.Settings) *interpreter.Scenario {
	l.Helper()
	cfg := load(l.T, text)
	exported := exportOf(l.T, cfg, "customer-status")[file]
	scenario := l.account.Import(exported, settings)
	l.log = &bytes.Buffer{}
	var err error
	if l.app, err = app.Start(l.Context(), app.Options{Config: cfg, Version: "test", Log: slog.New(slog.NewJSONHandler(l.log, nil))}); err != nil {
		l.Fatal(err)
	}
	if l.db, err = store.Open(l.Context(), store.Options{DSN: dsn}); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := l.app.Stop(ctx); err != nil {
			l.Error(err)
		}
		if err := l.db.Close(); err != nil {
			l.Error(err)
		}
		for _, secret := range []string{hookID, hookKey, eventKey, "c1@example.com"} {
			if strings.Contains(l.log.String(), secret) {
				l.Errorf("%s is in the log", secret)
			}
		}
		if l.Failed() {
			l.Log(l.log.String())
		}
	})
	return scenario
}

// until waits for something that the service does.
func (l *live) until(what string, done func() bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 5*time.Minute)
	defer cancel()
	for pause := 5 * time.Millisecond; !done(); pause = min(pause*3/2, 50*time.Millisecond) {
		select {
		case <-ctx.Done():
			open, _ := l.db.Exceptions(context.Background(), store.ExceptionFilter{})
			l.Fatalf("waiting until %s; exceptions: %+v", what, open)
		case <-time.After(pause):
		}
	}
}

func (l *live) open() []store.Exception {
	l.Helper()
	open, err := l.db.Exceptions(l.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		l.Fatal(err)
	}
	return open
}

// retryParked does what a person does after they have fixed a connection.
func (l *live) retryParked() {
	l.Helper()
	for _, x := range l.open() {
		if x.Customer == "" { // about polling, which closes automatically
			continue
		}
		if _, err := l.db.Act(l.Context(), store.Act{Exception: x.ID, Verb: store.Retry}); err != nil {
			l.Fatal(err)
		}
	}
}

// ended reports whether every event so far has an outcome.
func (l *live) ended() bool {
	found, err := l.db.Events(l.Context(), store.EventFilter{})
	if err != nil {
		l.Fatal(err)
	}
	return len(found) > 0 && !slices.ContainsFunc(found, func(e store.Event) bool { return e.Outcome == "" })
}

func (l *live) baseIs(value string) bool {
	c, err := l.db.Customer(l.Context(), "customer-status", "c1")
	return err == nil && c.Base.Known && c.Base.Value == value
}

// toMake is a source with an API, and a target behind Make.
func toMake(t *testing.T, dsn string) (*live, *interpreter.Scenario) {
	l := &live{T: t, rest: resttest.New(t), tool: newTool(t)}
	l.account = interpreter.New(t, map[string]string{"https://tool.example.com": l.tool.url})
	s := l.start(dsn, fmt.Sprintf(toMakeText, dsn, l.rest.URL, l.account.URL), "tool-operations.json", interpreter.Settings{Hook: hookID, APIKeys: []string{hookKey}})
	l.tool.set("r1", map[string]any{"email": "c1@example.com", "status": ""})
	return l, s
}

// change changes the customer in billing and sends the event.
func (l *live) change(event, value string) {
	l.Helper()
	l.rest.Set(resttest.Record{ID: "c1", Email: "c1@example.com", Status: value})
	l.post(fmt.Sprintf(`{"id":%q,"customer":"c1","status":%q,"at":%q}`, event, value, time.Now().UTC().Format(time.RFC3339Nano)))
}

func (l *live) post(body string) {
	l.Helper()
	req, err := http.NewRequestWithContext(l.Context(), http.MethodPost, l.app.URL()+"/hooks/billing", strings.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	req.Header.Set("X-Token", "hook-token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		l.Fatalf("the event is answered %d %s, %v", resp.StatusCode, text, err)
	}
}

// firstOf lets f answer the first request with the operation. Its bundle is
// what the scenario would have received.
func firstOf(op string, f func(w http.ResponseWriter, r *http.Request, bundle map[string]any)) func(http.ResponseWriter, *http.Request) bool {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var bundle map[string]any
		if err != nil || json.Unmarshal(body, &bundle) != nil || bundle["op"] != op || done.Swap(true) {
			return false
		}
		f(w, r, bundle)
		return true
	}
}

func says(code int, contentType, text string) func(http.ResponseWriter, *http.Request, map[string]any) {
	return func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		io.WriteString(w, text)
	}
}

// A tool behind Make misbehaves at one request: no write is lost or made twice.
func TestATargetBehindMakeThatMisbehaves(t *testing.T) {
	type how func(*live, *interpreter.Scenario) func(http.ResponseWriter, *http.Request, map[string]any)
	always := func(f func(http.ResponseWriter, *http.Request, map[string]any)) how {
		return func(*live, *interpreter.Scenario) func(http.ResponseWriter, *http.Request, map[string]any) { return f }
	}
	afterwards := func(f func(http.ResponseWriter, *http.Request, map[string]any)) how {
		return func(_ *live, s *interpreter.Scenario) func(http.ResponseWriter, *http.Request, map[string]any) {
			return func(w http.ResponseWriter, r *http.Request, bundle map[string]any) {
				s.Happen(bundle)
				f(w, r, bundle)
			}
		}
	}
	hangUp := func(http.ResponseWriter, *http.Request, map[string]any) { panic(http.ErrAbortHandler) }
	hang := func(_ http.ResponseWriter, r *http.Request, _ map[string]any) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	accepted := says(200, "text/plain", "Accepted")
	tooMany := func(w http.ResponseWriter, r *http.Request, bundle map[string]any) {
		w.Header().Set("Retry-After", "1") // otherwise the connection rests for longer than a test should take
		says(429, "text/plain", "Too many requests")(w, r, bundle)
	}
	tests := map[string]struct {
		op  string
		how how
	}{
		"behaves":                             {"none", always(nil)},
		"queues a search":                     {"find", always(accepted)},
		"queues a read":                       {"read", always(accepted)},
		"queues a write and never does it":    {"write", always(accepted)},
		"queues a write that is done by then": {"write", afterwards(accepted)},
		"fails before the write":              {"write", always(says(500, "text/plain", "Scenario failed to complete."))},
		"fails after the write":               {"write", afterwards(says(500, "text/plain", "Scenario failed to complete."))},
		"hangs up after the write":            {"write", afterwards(hangUp)},
		"does not answer a write":             {"write", always(hang)},
		"does not answer after the write":     {"write", afterwards(hang)},
		"shows a page after the write":        {"write", afterwards(says(200, "text/html", "<html>maintenance</html>"))},
		"answers another request's id":        {"write", always(says(200, "application/json", `{"ok":true,"request_id":"x"}`))},
		"has too many requests":               {"write", always(tooMany)},
		"has a full queue":                    {"write", always(says(400, "text/plain", "Queue is full"))},
		"has lost its webhook for a moment":   {"read", always(says(410, "text/plain", "Webhook not found."))},
		"does not know the key for a moment":  {"find", always(says(401, "text/plain", "Unauthorized"))},
		"pastes a text that breaks the JSON":  {"read", always(says(200, "application/json", `{"ok":true,"value":"On "hold""}`))},
	}
	for engine, dsn := range engines {
		for name, tt := range tests {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				l, s := toMake(t, dsn(t))
				if tt.op != "none" {
					s.Instead(firstOf(tt.op, tt.how(l, s)))
				}
				l.change("evt_1", "paused")
				l.until("the event has ended", l.ended)
				l.retryParked()
				l.until("it is carried", func() bool { return l.tool.status("r1") == `On "hold"` && l.baseIs(`On "hold"`) })
				l.change("evt_2", "active")
				l.until("the next change is carried", func() bool { return l.tool.status("r1") == "Active" && l.baseIs("Active") })
				if diff := cmp.Diff([]string{`r1: On "hold"`, "r1: Active"}, l.tool.written()); diff != "" {
					t.Errorf("writes that reached the tool: %s", diff)
				}
				l.until("no exception is open", func() bool { return len(l.open()) == 0 })
				if errs := s.Errors(); len(errs) > 0 {
					t.Errorf("the scenario broke: %v", errs)
				}
			})
		}
	}
}

// A write that Make queued is made when the scenario is active again. It is
// recognized as ours and not repeated.
func TestAWriteThatWasQueuedIsDoneLater(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l, s := toMake(t, dsn(t))
			off := firstOf("write", func(http.ResponseWriter, *http.Request, map[string]any) { s.SwitchOff() })
			s.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				off(w, r)
				return false
			})
			l.change("evt_1", "paused")
			l.until("somebody is told", func() bool { return len(l.open()) == 1 })
			if w := l.tool.written(); len(w) > 0 || s.On() {
				t.Fatalf("written is %q", w)
			}
			s.SwitchOn()
			l.retryParked()
			l.until("it is carried", func() bool { return l.baseIs(`On "hold"`) && len(l.open()) == 0 })
			if diff := cmp.Diff([]string{`r1: On "hold"`}, l.tool.written()); diff != "" {
				t.Errorf("writes that reached the tool: %s", diff)
			}
		})
	}
}

func TestAScenarioThatIsOffIsAConnectionThatFailed(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l, s := toMake(t, dsn(t))
			s.SwitchOff()
			l.change("evt_1", "paused")
			l.until("somebody is told", func() bool { return len(l.open()) == 1 })
			x := l.open()[0]
			if x.Kind != status.ConnectionFailed || !strings.Contains(x.Reason.Sentence(), "switched off") || !strings.Contains(x.Reason.Advice(), "check the connection") {
				t.Errorf("told is %s: %s", x.Kind, x.Reason)
			}
			if w := l.tool.written(); len(w) > 0 {
				t.Errorf("written is %q", w)
			}
			s.SwitchOn()
			l.retryParked()
			l.until("it is carried", func() bool { return l.tool.status("r1") == `On "hold"` && len(l.open()) == 0 })
		})
	}
}

// Each event of a tool behind Make arrives once, whatever Make does to it.
func TestASourceBehindMakeThatMisbehaves(t *testing.T) {
	header := fmt.Sprintf("{scheme: header, name: X-Trueup-Key, secrets: [%s]}", eventKey)
	signed := fmt.Sprintf("{scheme: standard-webhooks, secrets: [%s]}", whsec)
	settings := interpreter.Settings{Hook: "events", KeyName: "X-Trueup-Key", KeyValue: eventKey}
	paste := interpreter.Settings{Hook: "events", Edit: func(file []byte) []byte {
		return bytes.ReplaceAll(file, []byte(secretPlaceholder), []byte(strings.TrimPrefix(whsec, "whsec_")))
	}}
	// The same time for all: a repeated event is the same event.
	changed := time.Now().UTC().Format(time.RFC3339)
	event := func(id, value string) map[string]any {
		return map[string]any{"event_id": id, "customer": "c1", "status": value, "email": "c1@example.com", "name": awkward,
			"changed_at": changed}
	}
	tests := map[string]struct {
		verify   string
		settings interpreter.Settings
		how      func(*live, *interpreter.Scenario)
		again    int // how often the stored executions must be retried
	}{
		"with a header":          {header, settings, nil, 0},
		"with a signature":       {signed, paste, nil, 0},
		"whose answer is lost":   {header, settings, func(_ *live, s *interpreter.Scenario) { s.LoseAnswers(1) }, 1},
		"lost, with a signature": {signed, paste, func(_ *live, s *interpreter.Scenario) { s.LoseAnswers(2) }, 2},
		"that comes twice":       {header, settings, func(l *live, s *interpreter.Scenario) { s.Happen(event("e1", `on "hold"`)) }, 0},
		"signed by a day-old run": {signed, paste, func(l *live, _ *interpreter.Scenario) {
			l.account.Now = func() time.Time { return time.Now().Add(-23 * time.Hour) }
		}, 0},
	}
	for engine, dsn := range engines {
		for name, tt := range tests {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := &live{T: t, rest: resttest.New(t)}
				hosts := map[string]string{}
				l.account = interpreter.New(t, hosts)
				d := dsn(t)
				s := l.start(d, fmt.Sprintf(fromMakeText, d, resttest.TargetYAML(l.rest.URL), tt.verify), "tool-events.json", tt.settings)
				hosts[public] = l.app.URL()
				l.rest.Set(resttest.Record{ID: "rec_1", Email: "c1@example.com", UpdatedBy: "human:ben"})
				if tt.how != nil {
					tt.how(l, s)
				}
				s.Happen(event("e1", `on "hold"`))
				for range tt.again {
					if s.Waiting() != 1 {
						t.Fatalf("%d executions wait", s.Waiting())
					}
					if err := s.Retry(); err != nil {
						t.Fatal(err)
					}
				}
				l.until("it is carried", func() bool { return l.rest.Status("rec_1") == "Paused" && l.ended() })
				if found, err := l.db.Events(t.Context(), store.EventFilter{}); err != nil || len(found) != 1 || found[0].Outcome != status.Applied {
					t.Errorf("stored are %+v, %v", found, err)
				}
				if diff := cmp.Diff([]string{"rec_1:  → Paused"}, l.rest.Written()); diff != "" {
					t.Errorf("writes that reached the target: %s", diff)
				}
				if errs := s.Errors(); len(errs) > 0 || !s.On() || s.Waiting() != 0 {
					t.Errorf("the scenario: on %v, %d wait, %v", s.On(), s.Waiting(), errs)
				}
			})
		}
	}
}

func TestAnEventWithoutTheSecretIsKeptInMakeAndNotHere(t *testing.T) {
	l := &live{T: t, rest: resttest.New(t)}
	hosts := map[string]string{}
	l.account = interpreter.New(t, hosts)
	d := engines["sqlite"](t)
	verify := fmt.Sprintf("{scheme: header, name: X-Trueup-Key, secrets: [%s]}", eventKey)
	s := l.start(d, fmt.Sprintf(fromMakeText, d, resttest.TargetYAML(l.rest.URL), verify), "tool-events.json",
		interpreter.Settings{Hook: "events", KeyName: "X-Trueup-Key", KeyValue: "another"})
	hosts[public] = l.app.URL()
	s.Happen(map[string]any{"customer": "c1", "status": "active"})
	if s.Waiting() != 1 || !s.On() {
		t.Errorf("%d executions wait, on %v: %v", s.Waiting(), s.On(), s.Errors())
	}
	if found, err := l.db.Events(t.Context(), store.EventFilter{}); err != nil || len(found) != 0 {
		t.Errorf("stored are %+v, %v", found, err)
	}
}
