package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/token"
)

// asker is a tool that asks a person for consent, and gives tokens to who proves
// that he asked: each code once, each refresh token once.
type asker struct {
	*testing.T
	url string

	mu                              sync.Mutex
	codes                           int
	code, redirect, challenge, next string
	access                          string
	html                            bool
}

func newAsker(t *testing.T) *asker {
	a := &asker{T: t}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *asker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.ParseForm()
	switch f := r.Form; r.URL.Path {
	case "/authorize":
		if f.Get("response_type") != "code" || f.Get("client_id") != "app" || f.Get("code_challenge_method") != "S256" || len(f.Get("code_challenge")) != 43 ||
			len(f.Get("state")) < 20 || f.Get("scope") != "crm.read offline_access" || f.Get("prompt") != "consent" {
			a.Errorf("the page is asked with %v", f)
		}
		a.codes++
		a.code, a.redirect, a.challenge = fmt.Sprint("canary-code-", a.codes), f.Get("redirect_uri"), f.Get("code_challenge")
		http.Redirect(w, r, a.redirect+"?"+url.Values{"code": {a.code}, "state": {f.Get("state")}}.Encode(), http.StatusFound)
	case "/token":
		proof := sha256.Sum256([]byte(f.Get("code_verifier")))
		ok := f.Get("client_id") == "app" && f.Get("client_secret") == "canary-secret"
		if f.Get("grant_type") == "authorization_code" {
			ok = ok && a.code != "" && f.Get("code") == a.code && f.Get("redirect_uri") == a.redirect && base64.RawURLEncoding.EncodeToString(proof[:]) == a.challenge
			a.code = ""
		} else {
			ok = ok && f.Get("grant_type") == "refresh_token" && f.Get("refresh_token") == a.next
		}
		w.Header().Set("Content-Type", "application/json")
		switch {
		case a.html:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>canary-page")
		case !ok:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"canary-description"}`)
		default:
			a.codes++
			a.access, a.next = fmt.Sprint("canary-access-", a.codes), fmt.Sprint("canary-refresh-", a.codes)
			fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"expires_in":3600,"token_type":"Bearer"}`, a.access, a.next)
		}
	default:
		http.NotFound(w, r)
	}
}

// visits is a person who opens the page, and where his browser is sent.
func (a *asker) visits(page string) *url.URL {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(page)
	if err != nil {
		a.Error(err)
		return &url.URL{}
	}
	resp.Body.Close()
	at, err := resp.Location()
	if err != nil {
		a.Error(err)
		return &url.URL{}
	}
	return at
}

// comes opens an address and returns the status that is answered.
func (a *asker) comes(at string) int {
	resp, err := http.Get(at)
	if err != nil {
		a.Error(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

const aKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// shop adds a connection that a person gives consent for.
func (a *asker) shop(text, redirect string) string {
	return "public_url: https://sync.example.com\nencryption_key: " + aKey + "\n" + strings.Replace(text, "\n  crm:", fmt.Sprintf(`
  shop:
    type: http
    base_url: %[1]s
    auth:
      oauth2: {grant: authorization_code, authorize_url: "%[1]s/authorize?prompt=consent", token_url: %[1]s/token, redirect_url: "%[2]s", client_id: app, client_secret: canary-secret, scope: crm.read offline_access}
    read: {get: "/customers/{id}"}
    record: {id: record.id, status: record.status}
  crm:`, a.url, redirect), 1)
}

func loadText(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(ownWords(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// holds checks that the shop's tokens are those that the tool gave last.
func (a *asker) holds(l *live, cfg *config.Config) {
	a.Helper()
	k, err := token.New(l.db, cfg.Key(), "shop")
	l.must(err)
	kept, err := k.Token(a.Context())
	if err != nil || kept.Access == "" || kept.Access != a.access || kept.Refresh != a.next {
		a.Errorf("kept is %v, %v", kept.Access != "", err)
	}
}

func TestAPersonComesBackFromAConsentInThreeWays(t *testing.T) {
	t.Parallel()
	tool := newAsker(t)
	const served = "https://sync.example.com/oauth/shop/back"
	dsn := engines["sqlite"](t)
	l := newLiveOf(t, dsn, func(billing, crm string) string { return tool.shop(configText(dsn, billing, crm), served) })
	text := func(redirect string) *config.Config {
		return loadText(t, tool.shop(configText(dsn, l.billing.URL, l.crm.URL), redirect))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	l.must(err)
	own := "http://" + listener.Addr().String() + "/callback"
	l.must(listener.Close())
	// back is where a browser that is sent to an address really gets.
	back := func(at *url.URL) string {
		if at.Host == "sync.example.com" {
			return l.app.URL() + at.RequestURI()
		}
		return at.String()
	}
	changed := func(at *url.URL, change func(q url.Values)) *url.URL {
		other, q := *at, at.Query()
		change(q)
		other.RawQuery = q.Encode()
		return &other
	}
	declined := func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }
	wrong := func(q url.Values) { q.Set("state", "guessed") }
	connect := func(cfg *config.Config, does func(at *url.URL), paste func(at *url.URL) string) error {
		var at *url.URL
		how := app.Connecting{Show: func(page, _ string) {
			if at = tool.visits(page); does != nil {
				does(at)
			}
		}}
		if paste != nil {
			how.Paste = func(context.Context) (string, error) { return paste(at) + "\n", nil }
		}
		account, err := app.Connect(t.Context(), cfg, "shop", how)
		if err == nil && account != strings.TrimPrefix(tool.url, "http://") {
			t.Errorf("it is connected to %q", account)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("shown: %v", err)
		}
		return err
	}
	for name, redirect := range map[string]string{"this machine": own, "the running service": served} {
		cfg := text(redirect)
		if err := connect(cfg, func(at *url.URL) {
			for what, got := range map[string]int{
				"a wrong state":           tool.comes(back(changed(at, wrong))),
				"no state":                tool.comes(back(changed(at, func(q url.Values) { q.Del("state") }))),
				"another connection":      tool.comes(strings.Replace(strings.Replace(back(at), "/shop/", "/billing/", 1), "/callback", "/other", 1)),
				"the answer, and then it": tool.comes(back(at)),
			} {
				if want := map[string]int{"another connection": 404, "the answer, and then it": 200}[what]; got != want && (want != 0 || got != 400) {
					t.Errorf("%s: %s is answered %d", name, what, got)
				}
			}
			if redirect == served {
				if got := tool.comes(back(at)); got != 400 {
					t.Errorf("a code that is used twice is answered %d", got)
				}
			}
		}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tool.holds(l, cfg)
		if err := connect(cfg, func(at *url.URL) { tool.comes(back(changed(at, declined))) }, nil); err == nil || !strings.Contains(err.Error(), "was not granted") {
			t.Errorf("%s: declined: %v", name, err)
		}
		for what, paste := range map[string]func(at *url.URL) string{
			"the address": func(at *url.URL) string { return at.String() },
			"the code":    func(at *url.URL) string { return at.Query().Get("code") },
		} {
			if err := connect(cfg, nil, paste); err != nil {
				t.Errorf("%s: %s is pasted: %v", name, what, err)
			}
			tool.holds(l, cfg)
		}
		for want, paste := range map[string]func(at *url.URL) string{
			"nothing was pasted":       func(*url.URL) string { return "" },
			"another run":              func(at *url.URL) string { return changed(at, wrong).String() },
			"does not begin with":      func(at *url.URL) string { return "https://elsewhere.example.com/?" + at.RawQuery },
			"was not granted":          func(at *url.URL) string { return changed(at, declined).String() },
			"a part of an address":     func(at *url.URL) string { return at.RawQuery },
			"neither a code nor":       func(*url.URL) string { return "canary code" },
			"does not accept the code": func(*url.URL) string { return "canary-guess" },
		} {
			if err := connect(cfg, nil, paste); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want %q: %v", name, want, err)
			}
		}
		tool.holds(l, cfg) // what failed left them as they were
	}
	cfg := text(own)
	tool.html = true
	if err := connect(cfg, nil, (*url.URL).String); err == nil || !strings.Contains(err.Error(), "web page") {
		t.Errorf("a web page for a token: %v", err)
	}
	tool.html = false

	// Tokens that another key sealed are replaced by connecting again.
	other := loadText(t, strings.Replace(tool.shop(configText(dsn, l.billing.URL, l.crm.URL), own), aKey, strings.Repeat("A", 43)+"=", 1))
	k, err := token.New(l.db, other.Key(), "shop")
	l.must(err)
	if _, err := k.Token(t.Context()); err == nil || !strings.Contains(err.Error(), connector.ErrOtherKey.Error()) {
		t.Errorf("with another key: %v", err)
	}
	if err := connect(other, nil, (*url.URL).String); err != nil {
		t.Errorf("with another key: %v", err)
	}
	tool.holds(l, other)

	for _, file := range []string{dsn, dsn + "-wal"} {
		if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte("canary-")) {
			t.Errorf("%s has a code or a token in the clear", filepath.Base(file))
		}
	}
	if strings.Contains(l.log.String(), "canary-") {
		t.Error("the log has a code or a token")
	}
}
