package provider_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/people/provider/oidctest"
)

const pages = "https://trueup.example"

// trial is Trueup with a provider.
type trial struct {
	*testing.T
	*oidctest.Server
	trueup *provider.Provider
}

func newTrial(t *testing.T, change func(*config.OIDC)) trial {
	t.Helper()
	s := oidctest.New(t)
	s.Redirect(pages + provider.Back)
	s.Person(map[string]any{"sub": "00u1", "email": "ana@example.com", "email_verified": true, "name": "Ana Ruiz", "groups": []string{"everyone", "ops"}})
	settings := config.OIDC{Name: "Okta", Issuer: s.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, GroupsClaim: "groups", Scopes: []string{"groups", "email"}}
	if change != nil {
		change(&settings)
	}
	return trial{t, s, provider.New(settings, &http.Client{Transport: http.DefaultTransport})}
}

// begin begins, signs in at the provider, and returns what the browser comes back with.
func (s trial) begin() (back url.Values, secret string) {
	s.Helper()
	to, secret, err := s.trueup.Begin(s.Context(), pages)
	if err != nil {
		s.Fatal(err)
	}
	at := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := at.Get(to)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusFound {
		s.Fatalf("the provider answers %s", r.Status)
	}
	where, err := r.Location()
	if err != nil {
		s.Fatal(err)
	}
	return where.Query(), secret
}

func (s trial) finish(back url.Values, secret string) (provider.Identity, error) {
	return s.trueup.Finish(s.Context(), pages, back, secret)
}

// refused wants one reason and says what the log would.
func (s trial) refused(who provider.Identity, err error, want provider.Why) string {
	s.Helper()
	var e *provider.Error
	if !errors.As(err, &e) || e.Why != want {
		s.Fatalf("it ends with %v, want %s", err, want)
	}
	if who.Subject != "" {
		s.Errorf("somebody is vouched for: %+v", who)
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") || len(err.Error()) > 300 {
		s.Errorf("the log would have %q", err)
	}
	return err.Error()
}

func TestTheProviderSaysWhoSomebodyIs(t *testing.T) {
	s := newTrial(t, nil)
	who, err := s.finish(s.begin())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(provider.Identity{Subject: s.URL + "\n00u1", Name: "Ana Ruiz", Email: "ana@example.com", Verified: true, Groups: []string{"everyone", "ops"}}, who); diff != "" {
		t.Error(diff)
	}
}

func TestTheSecretGoesWhereTheProviderWantsIt(t *testing.T) {
	s := newTrial(t, nil)
	s.Post()
	if _, err := s.finish(s.begin()); err != nil {
		t.Error(err)
	}
}

func TestClaimsAreReadAsProvidersWriteThem(t *testing.T) {
	for name, tt := range map[string]struct {
		claim        string
		token, apart map[string]any
		email        string
		verified     bool
		groups       []string
	}{
		"one group as a text":               {"groups", map[string]any{"email": "a@x.com", "email_verified": true, "groups": "ops"}, nil, "a@x.com", true, []string{"ops"}},
		"verified as a text":                {"groups", map[string]any{"email": "a@x.com", "email_verified": "true", "groups": []string{"ops"}}, nil, "a@x.com", true, []string{"ops"}},
		"not verified":                      {"groups", map[string]any{"email": "a@x.com", "groups": []string{"ops"}}, nil, "a@x.com", false, []string{"ops"}},
		"verified as a number":              {"groups", map[string]any{"email": "a@x.com", "email_verified": 1, "groups": []string{"ops"}}, nil, "a@x.com", false, []string{"ops"}},
		"no groups at all":                  {"groups", map[string]any{"email": "a@x.com", "email_verified": true}, nil, "a@x.com", true, nil},
		"groups of another shape":           {"groups", map[string]any{"email": "a@x.com", "groups": map[string]any{"ops": true}}, nil, "a@x.com", false, nil},
		"groups in the user info only":      {"groups", map[string]any{"email": "a@x.com", "email_verified": true}, map[string]any{"groups": []string{"ops"}}, "a@x.com", true, []string{"ops"}},
		"the ID token counts first":         {"groups", map[string]any{"email": "a@x.com", "email_verified": false}, map[string]any{"groups": []string{"ops"}, "email_verified": true, "email": "b@x.com"}, "a@x.com", false, []string{"ops"}},
		"the address as the group":          {"email", map[string]any{"email": "a@x.com", "email_verified": true}, nil, "a@x.com", true, []string{"a@x.com"}},
		"an unverified address is no group": {"email", map[string]any{"email": "a@x.com", "email_verified": false}, nil, "a@x.com", false, nil},
		"what is said of another address does not count": {"groups", map[string]any{"email": "boss@x.com"}, map[string]any{"email": "a@x.com", "email_verified": true, "groups": []string{"admins"}},
			"boss@x.com", false, []string{"admins"}},
		"the hosted domain as the group": {"hd", map[string]any{"email": "a@x.com", "email_verified": true, "hd": "x.com"}, nil, "a@x.com", true, []string{"x.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTrial(t, func(o *config.OIDC) { o.GroupsClaim = tt.claim })
			tt.token["sub"] = "1"
			s.Person(tt.token)
			s.Apart(tt.apart)
			who, err := s.finish(s.begin())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(provider.Identity{Subject: s.URL + "\n1", Email: tt.email, Verified: tt.verified, Groups: tt.groups}, who); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNobodyComesInByWhatAnotherBrowserBegan(t *testing.T) {
	s := newTrial(t, nil)
	back, secret := s.begin()
	other, theirs := s.begin()
	before := s.Served()
	for name, try := range map[string]struct {
		back   url.Values
		secret string
	}{"no cookie": {back, ""}, "another browser's cookie": {back, theirs}, "another state": {other, secret}, "no state": {url.Values{"code": back["code"]}, secret}, "nothing": {nil, ""}} {
		t.Run(name, func(t *testing.T) {
			who, err := s.finish(try.back, try.secret)
			s.refused(who, err, provider.NotBegun)
		})
	}
	if s.Served() != before {
		t.Error("the provider was asked")
	}
	// A code that was slipped in under the right state has another verifier.
	slipped := url.Values{"code": other["code"], "state": back["state"]}
	who, err := s.finish(slipped, secret)
	if said := s.refused(who, err, provider.NotProven); !strings.Contains(said, "invalid_grant") {
		t.Error(said)
	}
}

func TestACodeIsOfUseOnce(t *testing.T) {
	s := newTrial(t, nil)
	back, secret := s.begin()
	if _, err := s.finish(back, secret); err != nil {
		t.Fatal(err)
	}
	who, err := s.finish(back, secret)
	s.refused(who, err, provider.NotProven)
}

func TestAnIDTokenThatIsNotOursIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(map[string]any){
		"another nonce":                func(c map[string]any) { c["nonce"] = "another" },
		"no nonce":                     func(c map[string]any) { delete(c, "nonce") },
		"another client":               func(c map[string]any) { c["aud"] = "another" },
		"issued to another client":     func(c map[string]any) { c["aud"], c["azp"] = []string{"another", oidctest.ClientID}, "another" },
		"another issuer":               func(c map[string]any) { c["iss"] = "https://evil.example" },
		"too old":                      func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"no subject":                   func(c map[string]any) { delete(c, "sub") },
		"another access token":         func(c map[string]any) { c["at_hash"] = "another" },
		"the user info of another one": func(c map[string]any) { c["sub"] = "another"; delete(c, "groups") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTrial(t, nil)
			s.Spoil(spoil)
			who, err := s.finish(s.begin())
			s.refused(who, err, provider.NotProven)
		})
	}
}

func TestWhatTheProviderDoesWrongIsToldApart(t *testing.T) {
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			w.Write([]byte("<html>\n<h1>Maintenance hunter2" + strings.Repeat("x", 4000)))
		}
	}
	for name, tt := range map[string]struct {
		path string
		h    http.HandlerFunc
		want provider.Why
	}{
		"HTML from the token endpoint":           {"/token", page(http.StatusOK), provider.Down},
		"an error page from the token endpoint":  {"/token", page(http.StatusBadGateway), provider.Down},
		"a refusal page from the token endpoint": {"/token", page(http.StatusForbidden), provider.Down},
		"a redirect from the token endpoint": {"/token", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, provider.Down},
		"HTML from the user info":   {"/userinfo", page(http.StatusBadGateway), provider.Down},
		"HTML in place of the keys": {"/keys", page(http.StatusOK), provider.NotProven},
		"no ID token": {"/token", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"access_token":"x","token_type":"Bearer"}`))
		}, provider.NotProven},
		"an ID token that is none": {"/token", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"access_token":"x","token_type":"Bearer","id_token":"hunter2"}`))
		}, provider.NotProven},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTrial(t, nil)
			s.Person(map[string]any{"sub": "1", "email": "a@x.com"})
			back, secret := s.begin()
			s.Instead(tt.path, tt.h)
			who, err := s.finish(back, secret)
			s.refused(who, err, tt.want)
		})
	}
}

func TestTheWrongClientIsRefused(t *testing.T) {
	s := newTrial(t, func(o *config.OIDC) { o.ClientSecret = "wrong" })
	who, err := s.finish(s.begin())
	if said := s.refused(who, err, provider.NotProven); !strings.Contains(said, "invalid_client") {
		t.Error(said)
	}
}

func TestWhoeverSaysNoAtTheProviderIsNotIn(t *testing.T) {
	s := newTrial(t, nil)
	back, secret := s.begin()
	who, err := s.finish(url.Values{"state": back["state"], "error": {"access_denied"}, "error_description": {"hunter2"}}, secret)
	s.refused(who, err, provider.Declined)
	who, err = s.finish(url.Values{"state": back["state"], "code": back["code"], "iss": {"https://evil.example"}}, secret)
	s.refused(who, err, provider.NotProven)
}

func TestAProviderThatWasDownIsAskedAgain(t *testing.T) {
	s := newTrial(t, nil)
	s.Instead("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) })
	_, _, err := s.trueup.Begin(t.Context(), pages)
	s.refused(provider.Identity{}, err, provider.Down)
	s.Instead("/.well-known/openid-configuration", nil)
	if _, err := s.finish(s.begin()); err != nil {
		t.Error(err)
	}
	before := s.Served()
	if _, _, err := s.trueup.Begin(t.Context(), pages); err != nil || s.Served() != before {
		t.Errorf("it is asked for its endpoints again: %v", err)
	}
	s.Close()
	back, secret := url.Values{}, "x"
	if _, _, err := s.trueup.Begin(t.Context(), pages); err != nil {
		t.Error(err) // the endpoints are known
	}
	who, err := s.finish(back, secret)
	s.refused(who, err, provider.NotBegun)
}

func TestAnIssuerThatIsNotTheOneOfTheFileIsRefused(t *testing.T) {
	s := newTrial(t, func(o *config.OIDC) { o.Issuer += "/" })
	_, _, err := s.trueup.Begin(t.Context(), pages)
	s.refused(provider.Identity{}, err, provider.Down)
}
