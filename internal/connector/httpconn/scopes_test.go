package httpconn

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// A token endpoint that grants less than it was asked for has to say so (RFC 6749,
// section 5.1). A check names what is missing; a run goes on with what there is.
func TestAScopeThatWasNotGrantedIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ asked, granted, want string }{
		"all are granted":                         {"crm.read crm.write", "crm.read crm.write", ""},
		"nothing is said, which means all":        {"crm.read crm.write", "", ""},
		"none is asked for":                       {"", "crm.read", ""},
		"more, in another order, after commas":    {"crm.read crm.write", "crm.write,admin, crm.read", ""},
		"one is missing":                          {"crm.read crm.write", "crm.read", "did not grant crm.write, which"},
		"letter case counts":                      {"crm.Write", "crm.write", "did not grant crm.Write, which"},
		"two are missing":                         {"a crm.read b", "crm.read", "did not grant a and b, which"},
		"a consent's words, which no token shows": {"openid profile email offline_access crm.read", "crm.read", ""},
		"one that stands for those of the app":    {"https://crm.example.com/.default", "crm.read", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, clock, kept := client, now, &keptToken{}
			o.Scope = c.asked
			g := &guarded{t: t, access: "canary-access"}
			g.endpt = func(w http.ResponseWriter, _ *http.Request) {
				answer := map[string]any{"access_token": g.access, "token_type": "Bearer"}
				if c.granted != "" {
					answer["scope"] = c.granted
				}
				reply(w, 200, answer)
			}
			conn := openGuarded(t, g, o, kept, &clock)
			for range 2 { // the second time with the token that is kept
				_, err := conn.Probe.Probe(t.Context())
				switch {
				case (err == nil) != (c.want == ""):
					t.Errorf("it says %v, want %q", err, c.want)
				case err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "run trueup connect")):
					t.Errorf("it says %v, want %q and what to do", err, c.want)
				}
			}
			if _, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Paused"); err != nil {
				t.Errorf("a run stops: %v", err)
			}
			if n := g.issued(); n != 1 {
				t.Errorf("%d tokens were issued", n)
			}
		})
	}
}

// What a person consented to stays what it was when the file asks for more, and after
// each renewal, of which most tools say nothing.
func TestAScopeThatWasAddedAfterTheConsentIsNamed(t *testing.T) {
	g, clock, kept := &guarded{t: t, life: 3600, refresh: "canary-refresh"}, now, &keptToken{}
	server := httptest.NewServer(g)
	defer server.Close()
	o := OAuth2{ClientID: "app", ClientSecret: "canary-secret", Grant: grantCode, Scope: "crm.read", AuthorizeURL: server.URL + "/authorize", TokenURL: server.URL + "/oauth/token"}
	g.endpt = func(w http.ResponseWriter, _ *http.Request) {
		g.access = fmt.Sprint("canary-access-", len(g.forms))
		reply(w, 200, map[string]any{"access_token": g.access, "refresh_token": "canary-next", "expires_in": 3600})
	}
	consent, err := NewConsent(config.Connection{Name: "crm", BaseURL: server.URL}, withOAuth(o), connector.Deps{HTTP: server.Client(), Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := consent.Exchange(t.Context(), connector.Visit{}, "code")
	if err != nil {
		t.Fatal(err)
	}
	kept.begun, kept.token = true, token
	for name, c := range map[string]struct{ scope, want string }{"as it was": {"crm.read", ""}, "with one more": {"crm.read crm.write", "did not grant crm.write"}} {
		o.Scope = c.scope
		conn := openGuarded(t, g, o, kept, &clock)
		for range 2 {
			if _, err := conn.Probe.Probe(t.Context()); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: it says %v, want %q", name, err, c.want)
			}
			clock = clock.Add(2 * time.Hour)
		}
	}
}
