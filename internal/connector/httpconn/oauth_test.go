package httpconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// keptToken is a connector.Tokens in memory, shared by the nodes of a test.
type keptToken struct {
	mu    sync.Mutex
	begun bool
	token connector.Token
	fail  error
}

func (k *keptToken) Token(context.Context) (connector.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.begun {
		return connector.Token{}, connector.ErrNotConnected
	}
	return k.token, k.fail
}

func (k *keptToken) Begin(context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begun = true
	return nil
}

func (k *keptToken) Renew(ctx context.Context, stale connector.Token, exchange func(context.Context, connector.Token) (connector.Token, error)) (connector.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token.Access != stale.Access {
		return k.token, nil
	}
	fresh, err := exchange(ctx, k.token)
	if err == nil {
		k.token = fresh
	}
	return fresh, err
}

// guarded is a tool whose access tokens come from its token endpoint, each
// refresh token once.
type guarded struct {
	t       *testing.T
	mu      sync.Mutex
	n       int
	access  string
	refresh string // that works now
	life    any
	forms   []url.Values
	basic   []string
	endpt   http.HandlerFunc // in place of the token endpoint
	calls   int
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/oauth/token" {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		g.forms = append(g.forms, form)
		user, password, _ := r.BasicAuth()
		g.basic = append(g.basic, user+":"+password)
		if g.endpt != nil {
			g.endpt(w, r)
			return
		}
		if g.refresh != "" && form.Get("refresh_token") != g.refresh {
			reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "anna.canary"})
			return
		}
		g.n++
		g.access = fmt.Sprintf("canary-access-%d", g.n)
		out := map[string]any{"access_token": g.access, "token_type": "Bearer"}
		if g.life != nil {
			out["expires_in"] = g.life
		}
		if g.refresh != "" {
			g.refresh = fmt.Sprintf("canary-refresh-%d", g.n)
			out["refresh_token"] = g.refresh
		}
		reply(w, 200, out)
		return
	}
	g.calls++
	if r.Header.Get("Authorization") != "Bearer "+g.access || g.access == "" {
		reply(w, 401, map[string]any{"error": "expired"})
		return
	}
	reply(w, 200, map[string]any{"id": "c1", "status": "Active", "customers": []any{}})
}

func (g *guarded) set(access string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.access = access
}

func (g *guarded) issued() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.forms)
}

func withOAuth(o OAuth2) *Settings {
	s := full()
	s.Write.IfMatch = ""
	s.Auth = &Auth{OAuth2: &o}
	return s
}

func openGuarded(t *testing.T, g *guarded, o OAuth2, k connector.Tokens, clock *time.Time) connector.Connection {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	if o.TokenURL == "" {
		o.TokenURL = server.URL + "/oauth/token"
	}
	c, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: server.URL, Timeout: 5 * time.Second}, withOAuth(o),
		connector.Deps{HTTP: server.Client(), Now: func() time.Time { return *clock }, Tokens: k})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var client = OAuth2{ClientID: "app", ClientSecret: "canary-secret", Grant: grantClient, Scope: "crm.read crm.write", Audience: "https://crm.example.com"}

func TestAnAccessTokenIsGotRenewedAndShared(t *testing.T) {
	for name, kept := range map[string]connector.Tokens{"kept for all nodes": &keptToken{}, "without a database": nil} {
		t.Run(name, func(t *testing.T) {
			g := &guarded{t: t, life: 3600}
			clock := now
			conn := openGuarded(t, g, client, kept, &clock)
			look := func(what string, want int) {
				t.Helper()
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() {
						if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				all.Wait()
				if got := g.issued(); got != want {
					t.Errorf("%s: %d tokens were issued, want %d", what, got, want)
				}
			}
			look("the first", 1)
			look("a good one", 1)
			clock = clock.Add(59*time.Minute + 45*time.Second)
			look("near its end", 2)
			clock = clock.Add(time.Minute)
			g.set("canary-access-revoked")
			look("refused", 3)
			if _, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Paused"); err != nil {
				t.Error(err)
			}
			if _, err := conn.Target.Find(t.Context(), "email", anna); err != nil {
				t.Error(err)
			}
			if _, _, err := conn.TargetList.List(t.Context(), ""); err != nil {
				t.Error(err)
			}
			form := g.forms[0]
			if form.Get("grant_type") != "client_credentials" || form.Get("client_id") != "app" || form.Get("client_secret") != "canary-secret" ||
				form.Get("scope") != client.Scope || form.Get("audience") != client.Audience || form.Has("refresh_token") {
				t.Errorf("sent %v", form)
			}
			if kept != nil {
				second := openGuarded(t, &guarded{t: t}, client, kept, &clock) // another tool's address, so its origin differs
				if _, err := second.Target.Read(t.Context(), "c1"); err != nil {
					t.Errorf("with another token endpoint: %v", err)
				}
			}
		})
	}
}

func TestARefusedTokenThatIsNewIsNotRenewedForEachCall(t *testing.T) {
	g := &guarded{t: t}
	clock := now
	conn := openGuarded(t, g, client, &keptToken{}, &clock)
	for range 5 {
		g.set("")
		_, err := conn.Target.Read(t.Context(), "c1")
		g.set("")
		if err != nil {
			wantKind(t, err, connector.Unauthorized, connector.EffectNone)
		}
	}
	if got := g.issued(); got > 2 {
		t.Errorf("%d tokens for five refusals in one moment", got)
	}
}

// A node that begins finds a token that ended while nothing ran: it is old, however
// short a time the node has it.
func TestANodeThatBeginsWithAnEndedTokenRenewsIt(t *testing.T) {
	g, clock, kept := &guarded{t: t}, now, &keptToken{}
	server := httptest.NewServer(g)
	defer server.Close()
	o := client
	o.TokenURL = server.URL + "/oauth/token"
	if _, err := openGuarded(t, g, o, kept, &clock).Target.Read(t.Context(), "c1"); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(time.Hour)
	g.set("canary-ended")
	for _, node := range []connector.Connection{openGuarded(t, g, o, kept, &clock), openGuarded(t, g, o, kept, &clock)} {
		if _, err := node.Target.Read(t.Context(), "c1"); err != nil {
			t.Error(err)
		}
	}
	if got := g.issued(); got != 2 {
		t.Errorf("%d tokens were issued, want the first and one more", got)
	}
	// What refuses each token is not its age, and no node asks again and again.
	g.set("canary-never")
	for range 3 {
		for _, node := range []connector.Connection{openGuarded(t, g, o, kept, &clock), openGuarded(t, g, o, kept, &clock)} {
			_, err := node.Target.Read(t.Context(), "c1")
			wantKind(t, err, connector.Unauthorized, connector.EffectNone)
		}
	}
	if got := g.issued(); got != 2 {
		t.Errorf("%d tokens were issued for refusals in one moment", got)
	}
}

func TestARefreshTokenWorksOnceAndTheNextIsKept(t *testing.T) {
	g := &guarded{t: t, life: "3600", refresh: "canary-first"}
	o := OAuth2{ClientID: "app", ClientSecret: "canary se/cret", Grant: grantRefresh, RefreshToken: "canary-first", ClientAuth: clientBasic}
	clock := now
	kept := &keptToken{}
	conn := openGuarded(t, g, o, kept, &clock)
	for range 3 {
		if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(2 * time.Hour)
	}
	var used []string
	for i, form := range g.forms {
		used = append(used, form.Get("refresh_token"))
		if form.Has("client_secret") || g.basic[i] != "app:canary+se%2Fcret" {
			t.Errorf("the client is %v and %s", form, g.basic[i])
		}
	}
	if got := strings.Join(used, " "); got != "canary-first canary-refresh-1 canary-refresh-2" {
		t.Errorf("used %s", got)
	}
	// The file has a new one, because the kept one was withdrawn.
	g.refresh = "canary-second"
	o.RefreshToken = "canary-second"
	conn = openGuarded(t, g, o, kept, &clock)
	if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
		t.Errorf("with a new one in the file: %v", err)
	}
	g.refresh, clock = "canary-elsewhere", clock.Add(2*time.Hour)
	_, err := conn.Target.Read(t.Context(), "c1")
	if f := wantKind(t, err, connector.Unauthorized, connector.EffectNone); !strings.Contains(f.Detail, "invalid_grant") || !strings.Contains(f.Detail, "auth.oauth2.refresh_token") {
		t.Errorf("%q", f.Detail)
	}
	conn = openGuarded(t, g, o, nil, &clock)
	before := g.issued()
	_, err = conn.Target.Read(t.Context(), "c1")
	if wantKind(t, err, connector.Misconfigured, connector.EffectNone); g.issued() != before {
		t.Error("a refresh token is spent where the next cannot be kept")
	}
}

func TestATokenEndpointThatAnswersBadlyIsASentence(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another address was called") }))
	defer elsewhere.Close()
	cases := []struct {
		name string
		with http.HandlerFunc
		want connector.FailureKind
		says string
	}{
		{"a web page", saying(200, "<html>anna.canary", "Content-Type", "text/html"), connector.Misconfigured, "such as a web page"},
		{"no token", saying(200, `{"ok":true}`), connector.Misconfigured, "no access token"},
		{"a token that fits no header", saying(200, `{"access_token":"a\nb"}`), connector.Misconfigured, "no access token"},
		{"no JSON", saying(200, `canary`), connector.Misconfigured, "no access token"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, connector.Misconfigured, "redirect"},
		{"a bad client", saying(401, `{"error":"invalid_client","error_description":"anna.canary@example.com"}`), connector.Unauthorized, "invalid_client"},
		{"nothing there", saying(404, `{}`), connector.Misconfigured, "no token endpoint"},
		{"too many", saying(429, `{}`, "Retry-After", "9"), connector.RateLimited, "failed"},
		{"down", saying(503, `anna.canary`), connector.Transient, "failed"},
		{"an echo of the secret", func(w http.ResponseWriter, r *http.Request) {
			reply(w, 400, map[string]any{"error": "canary-secret"})
		}, connector.Unauthorized, "does not accept the client"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := &guarded{t: t, endpt: c.with}
			clock := now
			conn := openGuarded(t, g, client, &keptToken{}, &clock)
			_, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Paused")
			if f := wantKind(t, err, c.want, connector.EffectNone); !strings.Contains(f.Detail, c.says) || f.Detail != strings.ReplaceAll(f.Detail, "canary", "") {
				t.Errorf("%q", f.Detail)
			}
			if g.calls > 0 {
				t.Error("the tool is called without a token")
			}
		})
	}
	t.Run("the store fails", func(t *testing.T) {
		clock := now
		conn := openGuarded(t, &guarded{t: t}, client, &keptToken{begun: true, fail: errors.New("disk")}, &clock)
		_, err := conn.Target.Read(t.Context(), "c1")
		wantKind(t, err, connector.Transient, connector.EffectNone)
	})
}

// consenting makes the grant that of a person's consent, and changes it.
func consenting(change func(o *OAuth2)) func(o *OAuth2) {
	return func(o *OAuth2) {
		o.Grant, o.AuthorizeURL = grantCode, "https://login.example.com/authorize"
		if change != nil {
			change(o)
		}
	}
}

func TestAConsentIsRenewedUntilItIsRefusedForGood(t *testing.T) {
	o := client
	consenting(nil)(&o)
	g := &guarded{t: t, life: 3600, refresh: "canary-first"}
	clock, kept := now, &keptToken{}
	conn := openGuarded(t, g, o, kept, &clock)
	ends := func(what, says string) {
		t.Helper()
		_, err := conn.Target.Read(t.Context(), "c1")
		if f := wantKind(t, err, connector.Unauthorized, connector.EffectNone); !strings.Contains(f.Detail, says) || !strings.Contains(f.Detail, "run trueup connect") || strings.Contains(f.Detail, "canary") {
			t.Errorf("%s: %q", what, f.Detail)
		}
	}
	ends("before anybody connected", "not connected yet")
	if g.issued() != 0 || kept.begun {
		t.Error("a token is asked for without a consent")
	}
	server := httptest.NewServer(g)
	defer server.Close()
	o.TokenURL = server.URL + "/oauth/token"
	origin := o.origin()
	kept.begun, kept.token = true, connector.Token{Access: "canary-old", Refresh: "canary-first", Origin: "another app"}
	conn = openGuarded(t, g, o, kept, &clock)
	ends("a consent to another app", "not connected yet")
	kept.token.Origin, kept.token.Expires = origin, clock.Add(-time.Hour)
	o.Scope, o.ClientSecret = "more", "canary-rotated" // a consent outlasts both
	conn = openGuarded(t, g, o, kept, &clock)
	if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
		t.Fatal(err)
	}
	if form := g.forms[0]; form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "canary-first" || form.Has("scope") || form.Get("client_secret") != "canary-rotated" {
		t.Errorf("sent %v", form)
	}
	g.refresh, clock = "canary-elsewhere", clock.Add(2*time.Hour)
	ends("withdrawn", "invalid_grant")
	kept.token, kept.fail = connector.Token{}, fmt.Errorf("the stored token of connection crm: %w", connector.ErrOtherKey)
	ends("sealed with another key", "another encryption_key")
	kept.token, kept.fail = connector.Token{Access: "canary-final", Origin: origin}, nil
	_, _ = conn.Target.Read(t.Context(), "c1")
	clock = clock.Add(time.Minute)
	ends("without a refresh token", "none to renew it with")
	conn = openGuarded(t, g, o, nil, &clock)
	ends("without a database", "not connected yet")
}

func TestAConsentThatWouldEndSoonIsNotTaken(t *testing.T) {
	g := &guarded{t: t, life: 3600}
	server := httptest.NewServer(g)
	defer server.Close()
	o := client
	consenting(nil)(&o)
	o.TokenURL = server.URL + "/oauth/token"
	for life, want := range map[string]string{"3600": "offline_access", "": ""} {
		if g.life = life; life == "" {
			g.life = nil // until it is refused
		}
		c, err := NewConsent(config.Connection{BaseURL: "https://crm.example.com/v1"}, withOAuth(o), connector.Deps{HTTP: server.Client()})
		if err != nil {
			t.Fatal(err)
		}
		_, account, err := c.Exchange(t.Context(), connector.NewVisit(), "canary-code")
		if got := fmt.Sprint(err); account != "crm.example.com" || (err != nil) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%s %v", account, err)
		}
	}
	// What the file has all for needs nobody.
	c, err := NewConsent(config.Connection{BaseURL: "https://crm.example.com/v1"}, withOAuth(func(o OAuth2) OAuth2 { o.Grant, o.AuthorizeURL = grantClient, ""; return o }(o)), connector.Deps{HTTP: server.Client()})
	if err != nil || c.Redirect() != "" {
		t.Fatal(c.Redirect(), err)
	}
	if got, _, err := c.Exchange(t.Context(), connector.NewVisit(), ""); err != nil || got.Access == "" {
		t.Error(err)
	}
	if _, err := NewConsent(config.Connection{}, full(), connector.Deps{}); err == nil {
		t.Error("a connection with a token of its own is asked for consent")
	}
}

func TestOAuthThatCannotBeIsAFault(t *testing.T) {
	publicURL = "https://sync.example.com"
	defer func() { publicURL = "" }()
	cases := []struct {
		name   string
		change func(o *OAuth2)
		want   string
	}{
		{"nothing", func(o *OAuth2) { *o = OAuth2{} }, "token_url client_id grant"},
		{"no address", func(o *OAuth2) { o.TokenURL = "login.example.com" }, "token_url"},
		{"not encrypted", func(o *OAuth2) { o.TokenURL = "http://login.example.com/token" }, "token_url"},
		{"a password in the address", func(o *OAuth2) { o.TokenURL = "https://a:canary@login.example.com/token" }, "token_url"},
		{"an unknown grant", func(o *OAuth2) { o.Grant = "password" }, "grant"},
		{"no secret", func(o *OAuth2) { o.ClientSecret = "" }, "client_secret"},
		{"a page for no consent", func(o *OAuth2) { o.AuthorizeURL, o.RedirectURL = "https://a.example.com/", config.DefaultRedirect }, "authorize_url redirect_url"},
		{"a consent", consenting(nil), ""},
		{"a consent without a secret", consenting(func(o *OAuth2) { o.ClientSecret = "" }), ""},
		{"a consent at the service", consenting(func(o *OAuth2) { o.RedirectURL = publicURL + "/oauth/crm/back" }), ""},
		{"a consent without a page", consenting(func(o *OAuth2) { o.AuthorizeURL = "" }), "authorize_url"},
		{"a page that is not encrypted", consenting(func(o *OAuth2) { o.AuthorizeURL = "http://login.example.com/" }), "authorize_url"},
		{"a page with our state", consenting(func(o *OAuth2) { o.AuthorizeURL += "?state=1&scope=2" }), "authorize_url authorize_url"},
		{"a return to elsewhere", consenting(func(o *OAuth2) { o.RedirectURL = "https://elsewhere.example.com/oauth/crm/back" }), "redirect_url"},
		{"a return to another connection", consenting(func(o *OAuth2) { o.RedirectURL = publicURL + "/oauth/shop/back" }), "redirect_url"},
		{"a return in the clear", consenting(func(o *OAuth2) { o.RedirectURL = "http://sync.example.com/oauth/crm/back" }), "redirect_url"},
		{"a consent with a refresh token", consenting(func(o *OAuth2) { o.RefreshToken = "canary" }), "refresh_token"},
		{"a refresh token that is not used", func(o *OAuth2) { o.RefreshToken = "canary" }, "refresh_token"},
		{"no refresh token", func(o *OAuth2) { o.Grant = grantRefresh }, "refresh_token"},
		{"an unknown place for the client", func(o *OAuth2) { o.ClientAuth = "header" }, "client_auth"},
		{"a scheme of two words", func(o *OAuth2) { o.Scheme = "a b" }, "scheme"},
		{"a line break in the secret", func(o *OAuth2) { o.ClientSecret = "canary\n" }, "client_secret"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := client
			o.TokenURL = "https://login.example.com/token"
			c.change(&o)
			s := withOAuth(o)
			var paths []string
			for _, f := range faultsOf(t, s, "https://crm.example.com") {
				paths = append(paths, strings.TrimPrefix(f.path, "auth.oauth2."))
				if f.problem == "" || f.remedy == "" || strings.Contains(f.problem+f.remedy, "canary") {
					t.Errorf("%+v", f)
				}
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("faults at %q, want %q", got, c.want)
			}
		})
	}
	s := withOAuth(client)
	s.Auth.OAuth2.TokenURL, s.Auth.Bearer = "http://127.0.0.1:1/token", "x"
	if found := faultsOf(t, s, "https://crm.example.com"); len(found) != 1 || found[0].path != "auth" {
		t.Errorf("beside bearer: %+v", found)
	}
	if !withOAuth(client).KeepsTokens() || full().KeepsTokens() {
		t.Error("which connection keeps tokens")
	}
}

// FuzzTokenAnswer reads any answer of a token endpoint: what comes out can stand
// in a header, and no error quotes it.
func FuzzTokenAnswer(f *testing.F) {
	for _, s := range []string{`{"access_token":"a","expires_in":3600}`, `{"access_token":"a","expires_in":"1e309"}`, `{"access_token":7}`, `<html>`, ``, `{"access_token":"a b"}`, `{"access_token":"a","expires_in":-1,"refresh_token":"é"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		deps := connector.Deps{HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})}}
		o := client
		o.TokenURL = "http://127.0.0.1:1/token"
		c, err := Open("crm", config.Connection{BaseURL: "http://127.0.0.1:1"}, withOAuth(o), deps)
		if err != nil {
			t.Fatal(err)
		}
		a := c.Source.(source).api
		token, err := a.grants.token(t.Context(), "")
		if err != nil {
			var fail *connector.Failure
			if !errors.As(err, &fail) || fail.Effect != connector.EffectNone || len(body) > 12 && strings.Contains(fail.Detail, body) {
				t.Fatalf("%#v", err)
			}
			return
		}
		if !isToken(token) || !json.Valid([]byte(body)) || a.grants.kept.Expires.Year() > 2100 {
			t.Fatalf("%q gives %q", body, token)
		}
	})
}
