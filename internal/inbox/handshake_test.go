package inbox

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// hooked is a fixture with a connection whose webhook is the given one.
func hooked(t *testing.T, w httpconn.Webhook) *fixture {
	t.Helper()
	f := newFixture(t)
	settings := &httpconn.Settings{Webhook: &w, Record: httpconn.Record{ID: "record.customer", Status: "record.status", UpdatedAt: "record.at"}}
	if w.Ping {
		settings.List = &httpconn.List{Get: "/customers"}
	} else {
		w.ID, w.Customer, w.Status = "event.id", "event.customer", "event.status"
	}
	c, err := httpconn.Open("crm", config.Connection{Name: "crm", BaseURL: "http://127.0.0.1:1", Timeout: time.Second, PublicURL: "https://sync.example.com/t"}, settings, connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	f.inbox.PublicURL = "https://sync.example.com/t/"
	f.inbox.Connections["crm"] = Endpoint{Receiver: c.Receiver, Routes: []Route{{Sync: "customer-status", Side: store.SourceSide, Owner: "ops@example.com"}}}
	f.mux.Handle("GET /hooks/{connection}", f.inbox)
	f.mux.Handle("GET /hooks/{connection}/{secret}", f.inbox)
	f.mux.Handle("POST /hooks/{connection}/{secret}", f.inbox)
	return f
}

const crmEvent = `{"id":"e1","customer":"c1","status":"active"}`

func TestTheSignedAddressIsThePublicOne(t *testing.T) {
	verify := httpconn.Verify{Scheme: "hmac", Header: "X-Sig", TimestampHeader: "X-Time", TimestampUnit: "ms", Signed: "{method}{url}{body}{timestamp}", Secrets: []config.Secret{"sesame"}}
	shape := signature.HMAC{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Hex, TimestampHeader: "X-Time", Unit: signature.Millis, Signed: verify.Signed, MethodHeader: "M", URLHeader: "U"}}
	f := hooked(t, httpconn.Webhook{Verify: verify})
	send := func(signedMethod, signedURL, path string, change func(*http.Request)) int {
		h := http.Header{"M": {signedMethod}, "U": {signedURL}}
		shape.Sign(h, []byte("sesame"), time.Now(), []byte(crmEvent))
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(crmEvent))
		r.Header = http.Header{"X-Sig": h["X-Sig"], "X-Time": h["X-Time"]}
		if change != nil {
			change(r)
		}
		code, _ := f.send(r)
		return code
	}
	const public = "https://sync.example.com/t/hooks/crm"
	for name, c := range map[string]struct {
		method, url, path string
		change            func(*http.Request)
		want              int
	}{
		"as the tool calls it": {"POST", public, "/hooks/crm", nil, 200},
		"with a query":         {"POST", public + "?a=b%20c", "/hooks/crm?a=b%20c", nil, 200},
		"whatever the host of the request is": {"POST", public, "/hooks/crm", func(r *http.Request) {
			r.Host = "evil.example"
			r.Header.Set("X-Forwarded-Host", "evil.example")
		}, 200},
		"of another host":                    {"POST", "https://evil.example/hooks/crm", "/hooks/crm", func(r *http.Request) { r.Host = "evil.example" }, 401},
		"of another method":                  {"PUT", public, "/hooks/crm", nil, 401},
		"with another query":                 {"POST", public, "/hooks/crm?a=b", nil, 401},
		"with our own header for the method": {"PUT", public, "/hooks/crm", func(r *http.Request) { r.Header.Set(connector.RequestMethod, "PUT") }, 401},
		"with our own headers": {"PUT", "https://evil.example", "/hooks/crm", func(r *http.Request) {
			r.Header.Set(connector.RequestMethod, "PUT")
			r.Header.Set(connector.RequestURL, "https://evil.example")
		}, 401},
	} {
		if got := send(c.method, c.url, c.path, c.change); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestASecretInTheAddressIsTheOnlyOneThatCounts(t *testing.T) {
	f := hooked(t, httpconn.Webhook{Verify: httpconn.Verify{Scheme: "path", Secrets: []config.Secret{"0123456789abcdef"}}})
	for path, want := range map[string]int{"/hooks/crm/0123456789abcdef": 200, "/hooks/crm/0123456789abcdeF": 401, "/hooks/crm": 401, "/hooks/crm/%30123456789abcdef": 200} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(crmEvent))
		if path == "/hooks/crm" {
			r.Header.Set(connector.PathSecret, "0123456789abcdef")
		}
		if got, _ := f.send(r); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if log := f.log.String(); strings.Contains(log, "0123456789abcdef") {
		t.Errorf("the log has the secret: %s", log)
	}
}

func TestAHandshakeIsAnsweredAsPlainText(t *testing.T) {
	f := hooked(t, httpconn.Webhook{Verify: httpconn.Verify{Scheme: "header", Name: "X-Token", Secrets: []config.Secret{"sesame"}},
		Handshake: &httpconn.Handshake{Query: "validationToken", Header: "X-Hook-Secret", Challenge: "body.challenge"}})
	token := func(h http.Header) { h.Set("X-Token", "sesame") }
	for name, c := range map[string]struct {
		method, path, body string
		header             func(http.Header)
		code               int
		answer, echo       string
	}{
		"by GET":                       {"GET", "/hooks/crm?validationToken=abc", "", nil, 200, "abc", ""},
		"by GET with a secret":         {"GET", "/hooks/crm/x?validationToken=abc", "", nil, 200, "abc", ""},
		"by HEAD":                      {"HEAD", "/hooks/crm?validationToken=abc", "", nil, 200, "abc", ""},
		"by POST":                      {"POST", "/hooks/crm?validationToken=a%20b", "", nil, 200, "a b", ""},
		"by a header":                  {"POST", "/hooks/crm", "{}", func(h http.Header) { h.Set("X-Hook-Secret", "s3") }, 200, "", "s3"},
		"by a verified body":           {"POST", "/hooks/crm", `{"challenge":"abc"}`, token, 200, "abc", ""},
		"by a body of anyone":          {"POST", "/hooks/crm", `{"challenge":"abc"}`, nil, 401, "invalid signature", ""},
		"nothing is echoed of a page":  {"GET", "/hooks/crm?validationToken=%3Cb%3E", "", nil, 405, "sent by POST", ""},
		"an event is no hand-shake":    {"POST", "/hooks/crm?validationToken=abc", crmEvent, func(h http.Header) { h.Set("X-Hook-Secret", "s3"); token(h) }, 200, `{"accepted":1,"duplicates":0}`, ""},
		"an unverified event is none":  {"POST", "/hooks/crm?validationToken=abc", crmEvent, nil, 401, "invalid signature", ""},
		"a connection without one":     {"GET", "/hooks/billing?validationToken=abc", "", nil, 405, "sent by POST", ""},
		"a connection that nobody has": {"GET", "/hooks/nobody?validationToken=abc", "", nil, 405, "sent by POST", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.header != nil {
				c.header(r.Header)
			}
			w := httptest.NewRecorder()
			f.mux.ServeHTTP(w, r)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.answer) || w.Header().Get("X-Hook-Secret") != c.echo {
				t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
			}
			if c.code == 200 && c.answer != `{"accepted":1,"duplicates":0}` && !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
				t.Errorf("a hand-shake is answered as %s", w.Header().Get("Content-Type"))
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("a browser may guess what it is")
			}
		})
	}
	if got := f.events(); len(got) != 1 || got[0].ID != "e1" {
		t.Errorf("stored %+v", got)
	}
}

func TestASecretThatArrivesIsInThePayloadAndNowhereElse(t *testing.T) {
	const token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
	f := hooked(t, httpconn.Webhook{Verify: httpconn.Verify{Scheme: "path", Secrets: []config.Secret{"0123456789abcdef"}}, Handshake: &httpconn.Handshake{Token: "body.verification_token"}})
	for range 2 {
		code, text := f.send(httptest.NewRequest(http.MethodPost, "/hooks/crm/0123456789abcdef", strings.NewReader(`{"verification_token":"`+token+`"}`)))
		if code != 200 || text != "" {
			t.Fatalf("%d %q", code, text)
		}
	}
	got := f.events()
	if len(got) != 1 || got[0].Outcome != status.Ignored || got[0].Customer != "" || !strings.Contains(got[0].Reason.Sentence(), "payload") {
		t.Fatalf("stored %+v", got)
	}
	e, err := f.db.Event(context.Background(), got[0].Seq)
	if err != nil || !bytes.Contains(e.Payload, []byte(token)) {
		t.Errorf("%s, %v", e.Payload, err)
	}
	if strings.Contains(f.log.String()+got[0].Reason.Sentence()+got[0].ID, token) {
		t.Error("the secret is outside the payload")
	}
}

func TestAPingHasTheListAsked(t *testing.T) {
	f := hooked(t, httpconn.Webhook{Verify: httpconn.Verify{Scheme: "header", Name: "X-Token", Secrets: []config.Secret{"sesame"}}, Ping: true})
	var pinged []string
	f.inbox.Pinged = func(connection string) { pinged = append(pinged, connection) }
	for token, want := range map[string]int{"sesame": 200, "x": 401} {
		r := httptest.NewRequest(http.MethodPost, "/hooks/crm", strings.NewReader(`whatever`))
		r.Header.Set("X-Token", token)
		if code, text := f.send(r); code != want {
			t.Errorf("%s: %d %s", token, code, text)
		}
	}
	if len(pinged) != 1 || pinged[0] != "crm" || len(f.events()) != 0 {
		t.Errorf("pinged %v, stored %v", pinged, f.events())
	}
}

func TestWhatTheFilterDropsIsCountedAsIgnored(t *testing.T) {
	f := hooked(t, httpconn.Webhook{Verify: httpconn.Verify{None: true}, When: "event.id != 'e2'"})
	code, text := f.send(httptest.NewRequest(http.MethodPost, "/hooks/crm", strings.NewReader(`{"id":"e2","customer":"c1","status":"active"}`)))
	got := f.events()
	if code != 200 || text != `{"accepted":1,"duplicates":0}` || len(got) != 1 || got[0].Outcome != status.Ignored || got[0].Customer != "" || got[0].HasValue {
		t.Errorf("%d %s, stored %+v", code, text, got)
	}
	if x, err := f.db.Exceptions(t.Context(), store.ExceptionFilter{Limit: 10}); err != nil || len(x) != 0 {
		t.Errorf("exceptions %+v, %v", x, err)
	}
	if !strings.Contains(f.log.String(), `"ignored":1`) {
		t.Errorf("the log does not count it: %s", f.log)
	}
}
