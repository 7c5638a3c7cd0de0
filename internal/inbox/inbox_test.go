package inbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const secret = "whsec_dHJ1ZXVwLXRydWV1cC10cnVldXAtdHJ1ZXVw"

// fixture is an inbox on a real store, with the http connector's receivers.
type fixture struct {
	sent int // events of eventsOnly
	testing.TB
	inbox *Inbox
	db    *store.DB
	log   *bytes.Buffer
	mu    sync.Mutex
	woken []string
	mux   *http.ServeMux
}

func receiver(t testing.TB, verify httpconn.Verify) connector.Receiver {
	t.Helper()
	c, err := httpconn.Open("billing", config.Connection{Name: "billing", BaseURL: "http://127.0.0.1:1", Timeout: time.Second}, &httpconn.Settings{
		Webhook: &httpconn.Webhook{Verify: verify, Events: "has(body.events) ? body.events : [body]", ID: "event.id", Customer: "event.customer", Status: "event.status", OccurredAt: "event.?at"},
		Record:  httpconn.Record{ID: "record.customer", Status: "record.status"},
	}, connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Receiver
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{DSN: storetest.File(t), Migrate: true, Work: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{TB: t, db: db, log: &bytes.Buffer{}, mux: http.NewServeMux()}
	route := Route{Sync: "customer-status", Side: store.SourceSide, Owner: "ops@example.com"}
	signed := receiver(t, httpconn.Verify{Scheme: "standard-webhooks", Secrets: []config.Secret{secret}})
	f.inbox = New(Options{Store: db, Log: slog.New(slog.NewJSONHandler(f.log, nil)), Connections: map[string]Endpoint{
		"billing": {Receiver: signed, Routes: []Route{route}},
		"two":     {Receiver: signed, Routes: []Route{route, {Sync: "other", Side: store.SourceSide}}},
		"open":    {Receiver: receiver(t, httpconn.Verify{None: true}), Routes: []Route{route}},
		"mute":    {Routes: []Route{route}},
		"unused":  {Receiver: signed},
	}, Received: func(syncs ...string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.woken = append(f.woken, syncs...)
	}})
	f.mux.Handle("POST /hooks/{connection}", f.inbox)
	return f
}

// request is a signed webhook.
func request(connection string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/"+connection, bytes.NewReader(body))
	key := []byte("trueup-trueup-trueup-trueup")
	for name, values := range signature.SignStandard(key, "msg_1", time.Now(), body) {
		r.Header[name] = values
	}
	return r
}

func (f *fixture) send(r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func eventBody(id, customer string) string {
	return fmt.Sprintf(`{"id":%q,"customer":%q,"status":"active","email":"ana@example.com"}`, id, customer)
}

func (f *fixture) events() []store.Event {
	f.Helper()
	found, err := f.db.Events(context.Background(), store.EventFilter{Limit: 1000})
	if err != nil {
		f.Fatal(err)
	}
	return found
}

func TestAnswers(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	tests := map[string]struct {
		connection string
		body       string
		change     func(*http.Request)
		code       int
		answer     string // exactly, for 200; a part of it otherwise
		outcomes   []status.Outcome
	}{
		"a good one":                    {"billing", eventBody("e1", "c1"), nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{""}},
		"several events in a body":      {"billing", `{"events":[` + eventBody("e1", "c1") + "," + eventBody("e2", "c2") + "," + eventBody("e1", "c1") + `]}`, nil, 200, `{"accepted":2,"duplicates":1}`, []status.Outcome{"", ""}},
		"an id for another customer":    {"billing", `{"events":[` + eventBody("e1", "c1") + "," + eventBody("e1", "c2") + `]}`, nil, 200, `{"accepted":2,"duplicates":0}`, []status.Outcome{status.Parked, ""}},
		"no events in a body":           {"billing", `{"events":[]}`, nil, 200, `{"accepted":0,"duplicates":0}`, nil},
		"an event for two syncs":        {"two", eventBody("e1", "c1"), nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{"", ""}},
		"a bad event among good ones":   {"billing", `{"events":[` + eventBody("e1", "c1") + `,{"id":"e2"}]}`, nil, 200, `{"accepted":2,"duplicates":0}`, []status.Outcome{status.Parked, ""}},
		"an unknown connection":         {"nobody", eventBody("e1", "c1"), nil, 404, "no connection with this name", nil},
		"a connection without webhooks": {"mute", eventBody("e1", "c1"), nil, 404, "does not accept webhooks", nil},
		"a connection no sync uses":     {"unused", eventBody("e1", "c1"), nil, 404, "no sync uses", nil},
		"another signature":             {"billing", eventBody("e1", "c1"), func(r *http.Request) { r.Header.Set("Webhook-Signature", "v1,AAAA") }, 401, "signature", nil},
		"no signature":                  {"billing", eventBody("e1", "c1"), func(r *http.Request) { r.Header = http.Header{} }, 401, "signature", nil},
		"another body than was signed": {"billing", eventBody("e1", "c1"), func(r *http.Request) {
			r.Body = httptest.NewRequest("POST", "/", strings.NewReader(eventBody("e1", "c2"))).Body
		}, 401, "signature", nil},
		"too large":                       {"billing", strings.Repeat("x", MaxBody+1), nil, 413, "1 MiB", nil},
		"too large, without saying so":    {"billing", strings.Repeat("x", MaxBody+1), func(r *http.Request) { r.ContentLength = -1 }, 413, "1 MiB", nil},
		"compressed":                      {"billing", eventBody("e1", "c1"), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 400, "compressed", nil},
		"no JSON, signed":                 {"billing", "hello", nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"a key twice, signed":             {"billing", `{"id":"e1","id":"e2","customer":"c1","status":"active"}`, nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"a key in two cases, signed":      {"billing", `{"id":"e1","ID":"e2","customer":"c1","status":"active"}`, nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"no UTF-8, signed":                {"billing", "{\"id\":\"e\xff\",\"customer\":\"c1\",\"status\":\"active\"}", nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"nested too deep, signed":         {"billing", deep, nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"a customer of NUL bytes, signed": {"billing", `{"id":"e1","customer":"c\u0000","status":"active"}`, nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"an id that is far too long":      {"billing", eventBody(strings.Repeat("e", 600), "c1"), nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"no customer, signed":             {"billing", `{"id":"e1","status":"active"}`, nil, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{status.Parked}},
		"a good one, not signed":          {"open", eventBody("e1", "c1"), func(r *http.Request) { r.Header = http.Header{} }, 200, `{"accepted":1,"duplicates":0}`, []status.Outcome{""}},
		"no JSON, not signed":             {"open", "hello", nil, 400, "cannot read the body", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			r := request(tt.connection, []byte(tt.body))
			if tt.change != nil {
				tt.change(r)
			}
			code, answer := f.send(r)
			if code != tt.code || code == 200 && answer != tt.answer || !strings.Contains(answer, tt.answer) {
				t.Errorf("answered %d %s", code, answer)
			}
			if !json.Valid([]byte(answer)) {
				t.Errorf("the answer is no JSON: %s", answer)
			}
			var outcomes []status.Outcome
			for _, e := range f.events() {
				outcomes = append(outcomes, e.Outcome)
			}
			if !slices.Equal(outcomes, tt.outcomes) {
				t.Errorf("stored: %q", outcomes)
			}
			if waits := slices.Contains(outcomes, status.Outcome("")); waits != (len(f.woken) > 0) {
				t.Errorf("woken: %v", f.woken)
			}
			open, err := f.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.UnreadableEvent})
			if err != nil || (len(open) > 0) != slices.Contains(outcomes, status.Parked) {
				t.Errorf("exceptions: %v, %v", open, err)
			}
			for _, x := range open {
				if x.Owner != "ops@example.com" || x.Stage != status.StageReceive || x.Customer != "" {
					t.Errorf("the exception is %+v", x)
				}
			}
			text := f.log.String() + answer
			for _, personal := range []string{"ana@example.com", "hello"} {
				if strings.Contains(text, personal) {
					t.Errorf("%q is in the log or the answer: %s", personal, text)
				}
			}
			if strings.Count(f.log.String(), "\n") != 1 || !strings.Contains(f.log.String(), `"msg":"event received"`) {
				t.Errorf("the log is not one line: %s", f.log)
			}
		})
	}
}

func TestARepeatIsDroppedWhateverItIs(t *testing.T) {
	for name, body := range map[string]string{"an event": eventBody("e1", "c1"), "what cannot be read": "hello"} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for i := range 3 {
				want := `{"accepted":1,"duplicates":0}`
				if i > 0 {
					want = `{"accepted":0,"duplicates":1}`
				}
				if code, answer := f.send(request("billing", []byte(body))); code != 200 || answer != want {
					t.Errorf("time %d: %d %s", i+1, code, answer)
				}
			}
			if n := len(f.events()); n != 1 {
				t.Errorf("%d are stored", n)
			}
		})
	}
}

func TestAPayloadIsKeptAsItCame(t *testing.T) {
	f := newFixture(t)
	body := "hello \xff\x00"
	f.send(request("billing", []byte(body)))
	if got := f.events()[0].Payload; string(got) != body {
		t.Errorf("kept: %q", got)
	}
}

func TestACompressedBodyIsNotUnpacked(t *testing.T) {
	f := newFixture(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 1<<22)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if code, answer := f.send(request("billing", bomb.Bytes())); code != 200 || len(f.events()) != 1 {
		t.Errorf("answered %d %s", code, answer)
	}
}

// broken cannot store.
type broken struct{}

func (broken) Receive(context.Context, []store.NewEvent) ([]store.Arrival, error) {
	return nil, errors.New("disk of ana@example.com is full")
}

func TestWhatCannotBeStoredIsNotAcknowledged(t *testing.T) {
	for name, set := range map[string]func(*fixture){
		"the database fails":   func(f *fixture) { f.inbox.Options.Store = broken{} },
		"the service is ended": func(f *fixture) { f.inbox.Drain() },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			set(f)
			w := httptest.NewRecorder()
			f.mux.ServeHTTP(w, request("billing", []byte(eventBody("e1", "c1"))))
			if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "ana") {
				t.Errorf("answered %d %v %s", w.Code, w.Header(), w.Body)
			}
			if len(f.events()) != 0 || len(f.woken) != 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestASenderWhoHangsUpDoesNotUndoWhatIsBeingStored(t *testing.T) {
	f := newFixture(t)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	f.send(request("billing", []byte(eventBody("e1", "c1"))).WithContext(gone))
	if len(f.events()) != 1 {
		t.Error("the event is not stored")
	}
}

func TestManySendersAtOnce(t *testing.T) {
	f := newFixture(t)
	f.inbox.Log = slog.New(slog.DiscardHandler)
	var all sync.WaitGroup
	for s := range 20 {
		all.Go(func() {
			for i := range 20 {
				// Each event is sent by two senders.
				if code, answer := f.send(request("billing", []byte(eventBody(fmt.Sprint("e", s/2, "_", i), "c1")))); code != 200 {
					t.Errorf("answered %d %s", code, answer)
				}
			}
		})
	}
	all.Wait()
	if n := len(f.events()); n != 200 {
		t.Errorf("%d events are stored, 200 were sent twice", n)
	}
}

// Every signed request is answered 200 and stored, or answered 413.
func FuzzSignedBody(f *testing.F) {
	for _, body := range []string{eventBody("e1", "c1"), "", "{}", "[]", `{"events":[1,null,{}]}`, "\xff", `{"id":1e400}`, strings.Repeat("[", 100)} {
		f.Add([]byte(body))
	}
	fix := newFixture(f)
	fix.inbox.Log = slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, body []byte) {
		code, answer := fix.send(request("billing", body))
		var got struct{ Accepted, Duplicates int }
		if code != 200 && !(code == 413 && len(body) > MaxBody) || json.Unmarshal([]byte(answer), &got) != nil {
			t.Errorf("%q is answered %d %s", body, code, answer)
		}
		if n := got.Accepted + got.Duplicates; n == 0 && !bytes.Contains(body, []byte("events")) {
			t.Errorf("%q was acknowledged and not stored", body)
		}
	})
}
