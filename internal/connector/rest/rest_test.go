package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

const (
	token   = "sk_canary_7f3a9c"
	email   = "anna.canary@example.com"
	payload = `{"status":"canary-payload"}`
)

func clientOf(t *testing.T, base string) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Base: u, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Timeout: 5 * time.Second,
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }}
}

func fake(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return clientOf(t, s.URL)
}

func get() Request {
	return Request{Method: "GET", Path: "/customers", Query: url.Values{"email": {email}}}
}

func put() Request {
	return Request{Method: "PUT", Path: "/customers/1", Query: url.Values{"email": {email}},
		Body: []byte(payload), ContentType: "application/json", Write: true}
}

// failure makes the call, which must fail, and checks that nothing about it
// gives away what was sent or received.
func failure(t *testing.T, c *Client, ctx context.Context, req Request) *connector.Failure {
	t.Helper()
	resp, err := c.Do(ctx, req)
	if err == nil {
		t.Fatalf("the call succeeded with %d", resp.Status)
	}
	var f *connector.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%T is no Failure: %v", err, err)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, secret := range []string{token, email, url.QueryEscape(email), "canary"} {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("error text gives away %q: %v", secret, e)
			}
		}
	}
	return f
}

func expect(t *testing.T, f *connector.Failure, kind connector.FailureKind, effect connector.Effect) {
	t.Helper()
	if f.Kind != kind || f.Effect != effect {
		t.Errorf("got kind %s with effect %s (%v), want %s with effect %s", f.Kind, f.Effect, f, kind, effect)
	}
}

func TestEveryAnswerHasOneMeaningForReadsAndWrites(t *testing.T) {
	const none, unknown = connector.EffectNone, connector.EffectUnknown
	cases := []struct {
		status      int
		read, write connector.FailureKind // "" is success
		effect      connector.Effect      // of the write
	}{
		{200, "", "", ""}, {201, "", "", ""}, {202, "", "", ""}, {204, "", "", ""},
		{301, connector.Misconfigured, connector.Misconfigured, unknown},
		{302, connector.Misconfigured, connector.Misconfigured, unknown},
		{303, connector.Misconfigured, connector.Misconfigured, unknown},
		{304, connector.Misconfigured, connector.Misconfigured, unknown},
		{307, connector.Misconfigured, connector.Misconfigured, unknown},
		{400, connector.Refused, connector.Refused, none},
		{401, connector.Unauthorized, connector.Unauthorized, none},
		{402, connector.Refused, connector.Refused, none},
		{403, connector.Unauthorized, connector.Unauthorized, none},
		{404, connector.Gone, connector.Gone, none},
		{405, connector.Refused, connector.Refused, none},
		{408, connector.Transient, connector.Transient, unknown},
		{409, connector.Transient, connector.Moved, none},
		{410, connector.Gone, connector.Gone, none},
		{412, connector.Refused, connector.Moved, none},
		{422, connector.Refused, connector.Refused, none},
		{425, connector.Transient, connector.Transient, none},
		{429, connector.RateLimited, connector.RateLimited, none},
		{500, connector.Transient, connector.Transient, unknown},
		{501, connector.Transient, connector.Transient, unknown},
		{502, connector.Transient, connector.Transient, unknown},
		{503, connector.Transient, connector.Transient, unknown},
		{504, connector.Transient, connector.Transient, unknown},
		{599, connector.Transient, connector.Transient, unknown},
		{999, connector.Transient, connector.Transient, unknown},
	}
	bodies := []struct{ name, contentType, body string }{
		{"an empty body", "", ""},
		{"an empty body labelled as HTML", "text/html", ""},
		{"a JSON body", "application/json", `{"error":{"message":"anna.canary@example.com is not known"}}`},
		{"a body of free text", "text/plain", "anna.canary@example.com"},
	}
	for _, c := range cases {
		for _, b := range bodies {
			t.Run(fmt.Sprintf("%d with %s", c.status, b.name), func(t *testing.T) {
				cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", b.contentType)
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(c.status)
					if c.status != 204 && c.status != 304 {
						io.WriteString(w, b.body)
					}
				})
				for _, call := range []struct {
					req    Request
					kind   connector.FailureKind
					effect connector.Effect
				}{{get(), c.read, none}, {put(), c.write, c.effect}} {
					if call.kind == "" {
						resp, err := cl.Do(t.Context(), call.req)
						if err != nil || resp.Status != c.status {
							t.Errorf("%s: got %d, %v", call.req.Method, resp.Status, err)
						}
						continue
					}
					f := failure(t, cl, t.Context(), call.req)
					expect(t, f, call.kind, call.effect)
					if f.Status != c.status {
						t.Errorf("the failure says HTTP %d", f.Status)
					}
				}
			})
		}
	}
}

func TestAWebPageIsNoAnswer(t *testing.T) {
	cases := []struct{ name, contentType, body string }{
		{"labelled as HTML", "text/html; charset=utf-8", "<p>hello"},
		{"labelled as JSON", "application/json", "\n  <!DOCTYPE html><title>Sign in</title>"},
		{"labelled as nothing, after much white space", "", strings.Repeat(" \n", 200) + "<HTML>"},
		{"JSON labelled as HTML", "text/html", `{}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				io.WriteString(w, c.body)
			})
			expect(t, failure(t, cl, t.Context(), get()), connector.Misconfigured, connector.EffectNone)
			expect(t, failure(t, cl, t.Context(), put()), connector.Misconfigured, connector.EffectUnknown)
		})
	}
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	followed := false
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed = true
			return
		}
		http.Redirect(w, r, "/elsewhere?token="+token, http.StatusTemporaryRedirect)
	})
	// Even a client that was made to follow them does not.
	cl.HTTP.CheckRedirect = nil
	failure(t, cl, t.Context(), get())
	failure(t, cl, t.Context(), put())
	if followed {
		t.Error("a redirect was followed: a write could land somewhere nobody configured")
	}
}

// cut answers with fewer bytes than it announces and closes the connection.
func cut(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: 500\r\nRetry-After: 7\r\n\r\n{\"id\":", status)
		conn.Close()
	}
}

func TestACutAnswerProvesNothing(t *testing.T) {
	cl := fake(t, cut(200))
	expect(t, failure(t, cl, t.Context(), get()), connector.Transient, connector.EffectNone)
	expect(t, failure(t, cl, t.Context(), put()), connector.Transient, connector.EffectUnknown)
}

func TestACutErrorAnswerStillMeansWhatItsStatusSays(t *testing.T) {
	f := failure(t, fake(t, cut(429)), t.Context(), put())
	expect(t, f, connector.RateLimited, connector.EffectNone)
	if f.RetryAfter != 7*time.Second {
		t.Errorf("RetryAfter is %v", f.RetryAfter)
	}
	expect(t, failure(t, fake(t, cut(401)), t.Context(), put()), connector.Unauthorized, connector.EffectNone)
	expect(t, failure(t, fake(t, cut(502)), t.Context(), put()), connector.Transient, connector.EffectUnknown)
}

func TestAConnectionClosedWithoutAnAnswerProvesNothing(t *testing.T) {
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	expect(t, failure(t, cl, t.Context(), get()), connector.Transient, connector.EffectNone)
	expect(t, failure(t, cl, t.Context(), put()), connector.Transient, connector.EffectUnknown)
}

func TestATimeoutAfterTheRequestWasSentHasAnUnknownEffect(t *testing.T) {
	done := make(chan struct{})
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) { <-done })
	t.Cleanup(func() { close(done) })
	cl.Timeout = 30 * time.Millisecond
	for _, call := range []struct {
		req    Request
		effect connector.Effect
	}{{get(), connector.EffectNone}, {put(), connector.EffectUnknown}} {
		f := failure(t, cl, t.Context(), call.req)
		expect(t, f, connector.Transient, call.effect)
		if !strings.Contains(f.Detail, "in time") {
			t.Errorf("the failure does not say that it took too long: %v", f)
		}
	}
}

func TestATimeoutInTheMiddleOfTheAnswerHasAnUnknownEffect(t *testing.T) {
	done := make(chan struct{})
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"id":`)
		w.(http.Flusher).Flush()
		<-done
	})
	t.Cleanup(func() { close(done) })
	cl.Timeout = 50 * time.Millisecond
	f := failure(t, cl, t.Context(), put())
	expect(t, f, connector.Transient, connector.EffectUnknown)
	if !strings.Contains(f.Detail, "in time") {
		t.Errorf("the failure does not say that it took too long: %v", f)
	}
}

func TestATimeoutBeforeAnythingWasSentHasNoEffect(t *testing.T) {
	cl := clientOf(t, "http://192.0.2.1")
	cl.Timeout = 20 * time.Millisecond
	cl.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	expect(t, failure(t, cl, t.Context(), put()), connector.Transient, connector.EffectNone)
}

func TestARefusedConnectionHasNoEffect(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	cl := clientOf(t, s.URL)
	s.Close()
	f := failure(t, cl, t.Context(), put())
	expect(t, f, connector.Transient, connector.EffectNone)
	if want := "cannot connect to " + cl.Base.Host + ": connection refused"; f.Detail != want {
		t.Errorf("got %q, want %q", f.Detail, want)
	}
}

func TestAnUnreachableToolIsNamedByHostAndPortWithTheCause(t *testing.T) {
	base, err := url.Parse("https://user:word@crm.example.com/v2/k3y?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for want, err := range map[string]error{
		": connection refused":                           dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		": no route to host":                             dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)),
		": its name cannot be resolved":                  dial(&net.DNSError{Err: "no such host", Name: "crm.example.com", IsNotFound: true}),
		": the DNS server gave no answer about its name": dial(&net.DNSError{Err: "server misbehaving", Name: "crm.example.com", Server: "10.0.0.1:53"}),
		": it did not answer in time":                    dial(context.DeadlineExceeded),
		": its certificate is not valid or not trusted":  &tls.CertificateVerificationError{Err: errors.New("x509: unknown authority")},
		"": errors.New("https://crm.example.com/v2/k3y?token=secret: odd"),
	} {
		if got := unreachable(base, err); got != "cannot connect to crm.example.com:443"+want {
			t.Errorf("%v: %q", err, got)
		}
	}
	proxy := &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}
	if got, want := unreachable(base, proxy), "cannot connect to the proxy for crm.example.com:443: connection refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	cl := &Client{Base: base}
	if got, want := cl.Shown("/customers/0123456789012345678901234/{cursor}?limit=1&key=secret"), "https://crm.example.com/v2/k3y/customers/…/{cursor}"; got != want {
		t.Errorf("shown is %q, want %q", got, want)
	}
}

func TestAnAddressThatIsNotCalledIsAFaultOfTheConfiguration(t *testing.T) {
	c := clientOf(t, "http://169.254.169.254")
	for name, client := range map[string]*http.Client{
		"one that its connection brings": dialguard.Client("crm", nil),
		"one of its own":                 nil,
		"one without a transport":        {},
	} {
		t.Run(name, func(t *testing.T) {
			c.HTTP = client
			f := failure(t, c, t.Context(), put())
			expect(t, f, connector.Misconfigured, connector.EffectNone)
			if !strings.Contains(f.Detail, "169.254.169.254 is not called") || !strings.Contains(f.Detail, "also_allow: [169.254.169.254/32]") {
				t.Errorf("it does not say what to write: %s", f.Detail)
			}
		})
	}
}

func TestAnAddressThatCannotBeLookedUpHasNoEffect(t *testing.T) {
	cl := clientOf(t, "http://nowhere.invalid")
	cl.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}}
	}}}
	f := failure(t, cl, t.Context(), put())
	expect(t, f, connector.Transient, connector.EffectNone)
	if !strings.Contains(f.Detail, "resolved") {
		t.Errorf("got %q", f.Detail)
	}
}

func TestACallThatIsGivenUpReturnsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-done })
	t.Cleanup(func() { close(done) })
	f := failure(t, cl, ctx, put())
	expect(t, f, connector.Transient, connector.EffectUnknown)
	if !errors.Is(f, context.Canceled) {
		t.Errorf("the cause %v is not context.Canceled", f.Err)
	}
}

func TestAnAnswerLargerThanTheLimitIsRefused(t *testing.T) {
	large := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.Copy(w, io.LimitReader(zeros{}, maxAnswer+1))
		}
	}
	expect(t, failure(t, fake(t, large(200)), t.Context(), get()), connector.Misconfigured, connector.EffectNone)
	expect(t, failure(t, fake(t, large(200)), t.Context(), put()), connector.Misconfigured, connector.EffectUnknown)
	expect(t, failure(t, fake(t, large(401)), t.Context(), put()), connector.Unauthorized, connector.EffectNone)
	fits := fake(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, io.LimitReader(zeros{}, maxAnswer)) })
	if resp, err := fits.Do(t.Context(), get()); err != nil || len(resp.Body) != maxAnswer {
		t.Errorf("an answer of exactly the limit: %d bytes, %v", len(resp.Body), err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestTheRequestReachesTheToolAsItWasBuilt(t *testing.T) {
	cases := []struct {
		name, base, path string
		query            url.Values
		want             string
	}{
		{"a path", "", "/customers", nil, "/customers"},
		{"a path without a slash", "", "customers", nil, "/customers"},
		{"a base with a path", "/api/v1/", "/customers", nil, "/api/v1/customers"},
		{"an encoded slash in an id", "", "/customers/a%2Fb%20c", nil, "/customers/a%2Fb%20c"},
		{"a path that carries a query", "", "/customers?limit=2", nil, "/customers?limit=2"},
		{"a query beside a path", "", "/customers", url.Values{"a": {"1 &"}}, "/customers?a=1+%26"},
		{"a query beside a path that carries one", "", "/customers?limit=2", url.Values{"after": {"x"}}, "/customers?limit=2&after=x"},
		{"a path that looks like another host", "", "//other.example/x", nil, "//other.example/x"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got string
			cl := fake(t, func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI })
			cl.Base.Path = c.base
			if _, err := cl.Do(t.Context(), Request{Method: "GET", Path: c.path, Query: c.query}); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestHeadersAndBodyReachTheTool(t *testing.T) {
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for k, want := range map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json",
			"Accept": "application/json", "User-Agent": "trueup", "If-Match": `"7"`} {
			if got := r.Header.Get(k); got != want {
				t.Errorf("%s is %q, want %q", k, got, want)
			}
		}
		if string(body) != payload || r.Method != "PUT" {
			t.Errorf("got %s with %s", r.Method, body)
		}
	})
	req := put()
	req.Header = http.Header{"If-Match": {`"7"`}}
	if _, err := cl.Do(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func TestALineBreakInACredentialIsAFaultOfTheConfiguration(t *testing.T) {
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) { t.Error("the call was made") })
	cl.Authorize = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+"\n") }
	expect(t, failure(t, cl, t.Context(), put()), connector.Misconfigured, connector.EffectNone)
}

func TestAPathThatMakesNoAddressIsAFaultOfTheConfiguration(t *testing.T) {
	cl := clientOf(t, "http://127.0.0.1:1")
	expect(t, failure(t, cl, t.Context(), Request{Method: "PUT", Path: "/x%zz?" + token, Write: true}),
		connector.Misconfigured, connector.EffectNone)
}

type gate struct{ err error }

func (g gate) Wait(context.Context) error { return g.err }

func TestTheRateLimitIsWaitedForBeforeTheCall(t *testing.T) {
	calls := 0
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) { calls++ })
	cl.Gate = gate{&connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Detail: "the limit is reached"}}
	expect(t, failure(t, cl, t.Context(), put()), connector.RateLimited, connector.EffectNone)
	if calls != 0 {
		t.Error("the call was made over the limit")
	}
	cl.Gate = gate{}
	if _, err := cl.Do(t.Context(), put()); err != nil || calls != 1 {
		t.Errorf("with room under the limit: %d calls, %v", calls, err)
	}
}

func TestACallWithoutAConfiguredTimeoutStillWorks(t *testing.T) {
	cl := fake(t, func(w http.ResponseWriter, r *http.Request) {})
	cl.Timeout = 0
	if _, err := cl.Do(t.Context(), get()); err != nil {
		t.Error(err)
	}
}

// stuck is a gate that lets nobody through before its context ends.
type stuck struct{ connector.Gate }

func (stuck) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A call that must not be cut off once it is sent can still be given up before it is.
func TestACallThatOutlivesItsCallerDoesNotWaitForItsTurnWithoutThem(t *testing.T) {
	caller, leave := context.WithCancel(t.Context())
	leave()
	ctx, done := connector.Outliving(caller, time.Hour)
	defer done()
	if ctx.Err() != nil {
		t.Error("it ends with its caller")
	}
	if _, err := (&Client{Gate: stuck{}}).Do(ctx, Request{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it waited for its turn: %v", err)
	}
}
