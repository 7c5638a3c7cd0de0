package app_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/assertiontest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/token"
)

// gate stands before a tool and lets in who brings the access token that it gave
// last. It gives one for a refresh token, each of which works once, or for a signed
// assertion.
type gate struct {
	*testing.T
	url  string
	tool *url.URL
	app  *assertiontest.Endpoint

	mu              sync.Mutex
	given, refused  int
	access, refresh string
	// ends is after how many more calls of a method the access token ends; that
	// call is refused already.
	ends   int
	method string
}

func newGate(t *testing.T) *gate {
	g := &gate{T: t, refresh: "canary-refresh-0", app: &assertiontest.Endpoint{Issuer: "app", Subject: "me@example.com", Audience: "https://login.example.com",
		Key: &assertiontest.Key().PublicKey, Now: time.Now}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		g.token(w, r)
		return
	}
	if !g.admits(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]`)
		return
	}
	r.Header.Set("Authorization", "Bearer tool-token")
	httputil.NewSingleHostReverseProxy(g.tool).ServeHTTP(w, r)
}

func (g *gate) admits(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Method == g.method {
		if g.ends--; g.ends == 0 {
			g.access = ""
		}
	}
	ok := g.access != "" && r.Header.Get("Authorization") == "Bearer "+g.access
	if !ok {
		g.refused++
	}
	return ok
}

func (g *gate) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.ParseForm()
	no := ""
	switch f := r.PostForm; {
	case f.Get("grant_type") == assertiontest.GrantType:
		no = g.app.Refuses(f)
	case f.Get("grant_type") != "refresh_token" || f.Get("refresh_token") != g.refresh || f.Get("client_secret") != "canary-secret":
		no = "invalid_grant"
	}
	w.Header().Set("Content-Type", "application/json")
	if no != "" {
		g.Errorf("a token is asked for and refused: %s", no)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q}`, no)
		return
	}
	g.given++
	g.access, g.refresh = fmt.Sprint("canary-access-", g.given), fmt.Sprint("canary-refresh-", g.given)
	// Like Salesforce, it does not say how long the token lives.
	fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"token_type":"Bearer"}`, g.access, g.refresh)
}

// within lets the access token end with the nth call of a method from now on.
func (g *gate) within(n int, method string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ends, g.method = n, method
}

func (g *gate) count() (given, refused int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.given, g.refused
}

// before is configText with the gate before the target.
func (g *gate) before(text, crm, grant string) string {
	text = strings.Replace(text, "base_url: "+crm, "base_url: "+g.url, 1)
	at := strings.LastIndex(text, "auth: {bearer: tool-token}")
	return "encryption_key: " + aKey + "\n" + text[:at] + fmt.Sprintf("auth: {oauth2: {token_url: %s/token, client_id: app, %s}}", g.url, grant) +
		text[at+len("auth: {bearer: tool-token}"):]
}

// connected gets the connection's first token, as trueup connect does, and lets an
// hour pass for it.
func (g *gate) connected(cfg *config.Config, dsn string) {
	g.Helper()
	ctx := g.Context()
	must := func(err error) {
		g.Helper()
		if err != nil {
			g.Fatal(err)
		}
	}
	_, err := app.Connect(ctx, cfg, "crm", app.Connecting{Show: func(string, string) { g.Error("a person is asked") }})
	must(err)
	db, err := store.Open(ctx, store.Options{DSN: dsn})
	must(err)
	k, err := token.New(db, cfg.Key(), "crm")
	must(err)
	t, err := k.Token(ctx)
	must(err)
	t.Issued = t.Issued.Add(-time.Hour)
	must(k.Put(ctx, t))
	must(db.Close())
}

// A session that the tool ends while changes are carried costs one refused call a
// node at work and one new token: each change arrives, once.
func TestATokenThatEndsInTheMiddleIsRenewedOnce(t *testing.T) {
	t.Parallel()
	const customers = 30
	grants := map[string]string{
		"a refresh token that works once": "client_secret: canary-secret, grant: refresh_token, refresh_token: canary-refresh-0",
		"a signed assertion":              fmt.Sprintf("grant: jwt_bearer, subject: me@example.com, audience: https://login.example.com, private_key: %q", assertiontest.PEM(t, assertiontest.Key())),
	}
	for _, c := range []struct {
		engine, grant string
		nodes, ends   int
		method        string
	}{
		{"sqlite", "a refresh token that works once", 1, 10, http.MethodPut},
		{"sqlite", "a signed assertion", 1, 25, http.MethodGet},
		{"postgres", "a refresh token that works once", 2, 10, http.MethodPut},
		{"postgres", "a signed assertion", 2, 25, http.MethodGet},
	} {
		t.Run(fmt.Sprintf("%s, %s, %d nodes, in a %s", c.engine, c.grant, c.nodes, c.method), func(t *testing.T) {
			t.Parallel()
			g, dsn := newGate(t), engines[c.engine](t)
			var cfg *config.Config
			l := newLiveOf(t, dsn, func(billing, crm string) string {
				var err error
				if g.tool, err = url.Parse(crm); err != nil {
					t.Fatal(err)
				}
				text := g.before(configText(dsn, billing, crm), crm, grants[c.grant])
				cfg = loadText(t, text)
				g.connected(cfg, dsn)
				return text
			})
			nodes := []*live{l}
			for range c.nodes - 1 {
				other := &live{T: t, log: &bytes.Buffer{}}
				var err error
				other.app, err = app.Start(t.Context(), app.Options{Config: cfg, Version: "test", NotifyPace: fast, Log: slog.New(slog.NewJSONHandler(other.log, nil))})
				l.must(err)
				nodes = append(nodes, other)
			}
			g.within(c.ends, c.method)
			for n := range customers {
				l.customer(n)
				l.change(n, fmt.Sprint("evt_", n), "paused")
			}
			l.until("nothing waits", func() bool {
				counts, err := l.db.Counts(t.Context())
				return err == nil && counts["customer-status"].WaitingCustomers == 0
			})
			for _, node := range nodes {
				if node.stop(2 * time.Minute); strings.Contains(node.log.String(), "canary-") {
					t.Error("the log has a token")
				}
			}
			if given, refused := g.count(); given != 2 || refused == 0 {
				t.Errorf("%d tokens were given, want the first and one more; %d calls were refused", given, refused)
			}
			want, got := map[string]int{}, map[string]int{}
			for n := range customers {
				want[fmt.Sprintf("rec_%d:  → Paused", n)] = 1
				if o := l.outcome(n); o != status.Applied {
					t.Errorf("the change of %d ends as %s", n, o)
				}
			}
			for _, w := range l.crm.Written() {
				got[w]++
			}
			if !maps.Equal(got, want) {
				t.Errorf("written %v", got)
			}
			if all, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{}); err != nil || len(all) > 0 {
				t.Errorf("a person is asked: %v, %v", all, err)
			}
		})
	}
}
