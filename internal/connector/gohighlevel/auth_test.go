package gohighlevel

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

// kept is a connector.Tokens in memory, shared by the nodes of a test.
type kept struct {
	mu    sync.Mutex
	token connector.Token
}

func (k *kept) Token(context.Context) (connector.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token.Access == "" {
		return connector.Token{}, connector.ErrNotConnected
	}
	return k.token, nil
}

func (k *kept) Renew(ctx context.Context, stale connector.Token, exchange func(context.Context, connector.Token) (connector.Token, error)) (connector.Token, error) {
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

func withApp(company string) *Settings {
	return &Settings{LocationID: ghltest.LocationID, OAuth: &OAuth{ClientID: ghltest.ClientID, ClientSecret: ghltest.ClientSecret, CompanyID: company}}
}

// consented gives consent as a person does and returns the tokens.
func consented(t *testing.T, a *ghltest.Account, company string) *kept {
	t.Helper()
	c, err := NewConsent(config.Connection{BaseURL: a.URL}, withApp(company), connector.Deps{Now: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	token, account, err := c.Exchange(t.Context(), connector.Visit{}, ghltest.Code)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"": "location " + ghltest.LocationID, ghltest.CompanyID: "agency " + ghltest.CompanyID}[company]; account != want {
		t.Errorf("the consent is for %s", account)
	}
	return &kept{token: token}
}

func with(k connector.Tokens, now *time.Time) func(*connector.Deps) {
	return func(d *connector.Deps) { d.Tokens, d.Now = k, func() time.Time { return *now } }
}

func TestTheConsentPageAsksForWhatIsNeeded(t *testing.T) {
	for company, extra := range map[string]string{"": "", ghltest.CompanyID: "oauth.write"} {
		s := withApp(company)
		s.OAuth.ConsentURL = "https://white.example.com/consent?x=1"
		c, err := NewConsent(config.Connection{}, s, connector.Deps{Uses: []connector.Use{{Field: "opportunity.status", Target: true}, {Field: "tags", Target: true}}})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(c.Page(connector.Visit{State: "st&te"}))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if q.Get("x") != "1" || q.Get("response_type") != "code" || q.Get("client_id") != ghltest.ClientID || q.Get("redirect_uri") != c.Redirect() || q.Get("state") != "st&te" {
			t.Errorf("the page is %s", u)
		}
		for _, scope := range append(ghltest.AllScopes, extra) {
			if !strings.Contains(" "+q.Get("scope")+" ", " "+scope+" ") && scope != "" {
				t.Errorf("the scope %s is missing", scope)
			}
		}
	}
}

func TestTheConsentAsksForNoMoreThanTheSyncsUse(t *testing.T) {
	target := func(field string) []connector.Use { return []connector.Use{{Field: field, Target: true}} }
	for _, tc := range []struct {
		name   string
		uses   []connector.Use
		findBy []string
		want   string
	}{
		{"a source reads", []connector.Use{{Field: "customer_status"}}, nil, "contacts.readonly locations/customFields.readonly"},
		{"a field is written", target("customer_status"), []string{"email"}, "contacts.readonly locations/customFields.readonly contacts.write"},
		{"tags are written", target("tags"), nil, "contacts.readonly locations/customFields.readonly contacts.write"},
		{"an opportunity is read", []connector.Use{{Field: "opportunity.status"}}, nil, "contacts.readonly locations/customFields.readonly opportunities.readonly"},
		{"an opportunity is written", target("opportunity.status"), nil, "contacts.readonly locations/customFields.readonly opportunities.readonly opportunities.write"},
		{"a match rule names an opportunity", target("customer_status"), []string{"opportunity_id"}, "contacts.readonly locations/customFields.readonly opportunities.readonly contacts.write"},
		{"no sync uses it yet", nil, nil, "contacts.readonly locations/customFields.readonly"},
	} {
		c, err := NewConsent(config.Connection{}, withApp(""), connector.Deps{Uses: tc.uses, FindBy: tc.findBy})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(c.Page(connector.Visit{State: "s"}))
		if err != nil || u.Query().Get("scope") != tc.want {
			t.Errorf("%s: asks for %q, %v", tc.name, u.Query().Get("scope"), err)
		}
	}
}

func TestATokenIsRenewedBeforeItsEndAndWhenItIsRefused(t *testing.T) {
	for name, company := range map[string]string{"of the location": "", "of an agency": ghltest.CompanyID} {
		t.Run(name, func(t *testing.T) {
			a := account(t)
			now := testNow
			tokens := consented(t, a, company)
			c := open(t, a, withApp(company), following("customer_status"), with(tokens, &now))
			look := func(what string) int {
				t.Helper()
				before := a.Issued()
				if got := read(t, c, "ada").Value; got != "Active" {
					t.Errorf("%s: read %q", what, got)
				}
				return a.Issued() - before
			}
			first := look("at first")
			if want := map[string]int{"": 0, ghltest.CompanyID: 1}[company]; first != want {
				t.Errorf("at first %d tokens are asked for", first)
			}
			if n := look("again"); n != 0 {
				t.Errorf("again %d tokens are asked for", n)
			}
			now = now.Add(86399*time.Second - early + time.Second)
			if n := look("a minute before its end"); n == 0 {
				t.Error("it is not renewed before its end")
			}
			a.Expire()
			if n := look("refused"); n == 0 {
				t.Error("it is not renewed when it is refused")
			}
			if err := written(c.Target.Write(t.Context(), read(t, c, "ada"), "Paused")); err != nil {
				t.Error(err)
			}
			a.Expire()
			if err := written(c.Target.Write(t.Context(), read(t, c, "ada"), "Active")); err != nil {
				t.Errorf("a write whose token was refused: %v", err)
			}
		})
	}
}

// Two nodes and several callers find the token refused in the same moment. The
// account takes each refresh token once.
func TestNodesDoNotUseARefreshTokenTwice(t *testing.T) {
	a := account(t)
	now := testNow
	tokens := consented(t, a, "")
	a.Expire()
	before := a.Issued()
	var all sync.WaitGroup
	for range 2 {
		c := open(t, a, withApp(""), following("customer_status"), with(tokens, &now))
		for range 4 {
			all.Go(func() {
				if _, err := c.Target.Read(t.Context(), "ada"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if n := a.Issued() - before; n != 1 {
		t.Errorf("%d tokens were given", n)
	}
}

func TestAConsentThatIsOverAsksForAnother(t *testing.T) {
	now := testNow
	for name, break_ := range map[string]func(*ghltest.Account, *kept){
		"withdrawn":                  func(a *ghltest.Account, _ *kept) { a.Revoke() },
		"used up by an answer lost":  func(a *ghltest.Account, k *kept) { k.token.Refresh = "refresh-0"; a.Expire() },
		"for an app that was closed": func(a *ghltest.Account, k *kept) { a.Revoke(); k.token.Expires = testNow },
		"never given":                func(_ *ghltest.Account, k *kept) { k.token = connector.Token{} },
	} {
		a := account(t)
		tokens := consented(t, a, "")
		break_(a, tokens)
		c := open(t, a, withApp(""), following("customer_status"), with(tokens, &now))
		_, err := c.Target.Read(t.Context(), "ada")
		if f := fails(t, err, connector.Unauthorized, connector.EffectNone); !strings.Contains(f.Detail, "run trueup connect") {
			t.Errorf("%s: %s", name, f.Detail)
		}
		f := fails(t, written(c.Target.Write(t.Context(), read0("ada"), "Paused")), connector.Unauthorized, connector.EffectNone)
		if strings.Contains(f.Error(), ghltest.ClientSecret) || strings.Contains(f.Error(), "refresh-") {
			t.Errorf("%s: %v", name, f)
		}
	}
	_, err := open(t, account(t), withApp(""), following("customer_status")).Target.Read(t.Context(), "ada")
	fails(t, err, connector.Unauthorized, connector.EffectNone)
}

func TestAServerThatIsDownIsNoReasonForAnotherConsent(t *testing.T) {
	a := account(t)
	now := testNow
	tokens := consented(t, a, "")
	a.Expire()
	c := open(t, a, withApp(""), following("customer_status"), with(tokens, &now))
	a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oauth/token" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return r.URL.Path == "/oauth/token"
	})
	_, err := c.Target.Read(t.Context(), "ada")
	fails(t, err, connector.Transient, connector.EffectNone)
	a.Instead(nil)
	if got := read(t, c, "ada").Value; got != "Active" {
		t.Errorf("read %q", got)
	}
}

func TestAConsentForSomebodyElseIsRefused(t *testing.T) {
	for name, s := range map[string]*Settings{"another location": withApp(""), "another agency": withApp("An0tHeR")} {
		a := account(t)
		if name == "another location" {
			s.LocationID = ghltest.OtherLocation
		}
		c, err := NewConsent(config.Connection{BaseURL: a.URL}, s, connector.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Exchange(t.Context(), connector.Visit{}, ghltest.Code); err == nil || !strings.Contains(err.Error(), "correct the file") {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := c.Exchange(t.Context(), connector.Visit{}, "used"); connector.FailureOf(err).Kind != connector.Refused {
			t.Errorf("%s, with a wrong code: %v", name, err)
		}
	}
	if _, err := NewConsent(config.Connection{}, settings(), connector.Deps{}); err == nil {
		t.Error("a private token was given consent")
	}
}

func TestATokenServerThatAnswersNonsenseGivesNoToken(t *testing.T) {
	for _, answer := range []string{`{}`, `[]`, `{"access_token":"a"}`, `{"access_token":"a","expires_in":-1}`, `{"access_token":"a","expires_in":1e300}`, `<html>`} {
		a := account(t)
		now := testNow
		tokens := consented(t, a, "")
		a.Expire()
		a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/oauth/token" {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(answer))
			}
			return r.URL.Path == "/oauth/token"
		})
		_, err := open(t, a, withApp(""), following("customer_status"), with(tokens, &now)).Target.Read(t.Context(), "ada")
		var f *connector.Failure
		if !errors.As(err, &f) || f.Effect != connector.EffectNone {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
