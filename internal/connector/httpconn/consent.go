package httpconn

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// Consent gets the first token of a connection: from a person's consent, or from
// what the file says.
type Consent struct {
	grants  *grants
	account string
}

// NewConsent begins one for a connection with auth.oauth2.
func NewConsent(common config.Connection, s *Settings, deps connector.Deps) (*Consent, error) {
	if !s.KeepsTokens() {
		return nil, errors.New("the connection has its own credentials and needs no consent; only auth.oauth2 does")
	}
	now := deps.Now
	if now == nil {
		now = time.Now
	}
	g, err := newGrants(s.Auth.OAuth2, &rest.Client{HTTP: deps.HTTP, Timeout: common.Timeout, Now: now}, deps, now)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(common.BaseURL)
	if err != nil {
		return nil, errors.New("base_url is not an http address")
	}
	return &Consent{grants: g, account: base.Host}, nil
}

// Redirect implements connector.Consent.
func (c *Consent) Redirect() string {
	if c.grants.Grant != grantCode {
		return ""
	}
	return c.grants.redirect()
}

// asked are the parameters of the consent's page that are ours.
var asked = []string{"response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"}

// Page implements connector.Consent.
func (c *Consent) Page(v connector.Visit) string {
	u, err := url.Parse(c.grants.AuthorizeURL)
	if err != nil {
		return ""
	}
	q := u.Query()
	values := []string{"code", c.grants.ClientID, c.grants.redirect(), v.State, c.grants.Scope, oauth2.S256ChallengeFromVerifier(v.Verifier), "S256"}
	for i, name := range asked {
		if values[i] != "" {
			q.Set(name, values[i])
		}
	}
	if c.grants.Audience != "" {
		q.Set("audience", c.grants.Audience)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Exchange implements connector.Consent.
func (c *Consent) Exchange(ctx context.Context, v connector.Visit, code string) (connector.Token, string, error) {
	g := c.grants
	if g.Grant != grantCode {
		t, err := g.exchange(ctx, connector.Token{})
		return t, c.account, err
	}
	t, err := g.ask(ctx, url.Values{"grant_type": {grantCode}, "code": {code}, "redirect_uri": {g.redirect()}, "code_verifier": {v.Verifier}},
		"the token endpoint does not accept the code; check client_id, client_secret, client_auth and redirect_url under auth.oauth2 against the app, and run trueup connect again")
	t.Scope = cmp.Or(t.Scope, g.Scope)
	if err == nil && t.Refresh == "" && !t.Expires.IsZero() {
		err = errors.New("the tool gave no refresh token, so its access would end soon; ask for one: most tools want offline_access in scope, Google wants ?access_type=offline&prompt=consent after authorize_url")
	}
	return t, c.account, err
}

// renewed exchanges the refresh token of a person's consent.
func (g *grants) renewed(ctx context.Context, old connector.Token) (connector.Token, error) {
	if old.Refresh == "" {
		return connector.Token{}, &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Status: http.StatusUnauthorized,
			Detail: "the tool does not accept the access token any more, and gave none to renew it with: run trueup connect"}
	}
	t, err := g.ask(ctx, url.Values{"grant_type": {grantRefresh}, "refresh_token": {old.Refresh}},
		"the token endpoint does not renew the consent of this connection; it was used elsewhere, withdrawn, or given to another app: run trueup connect")
	if err == nil && t.Refresh == "" {
		t.Refresh = old.Refresh
	}
	t.Scope = cmp.Or(t.Scope, old.Scope)
	return t, err
}

func notConnected() error {
	return &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Detail: connector.ErrNotConnected.Error(), Err: connector.ErrNotConnected}
}

func (o *OAuth2) redirect() string { return cmp.Or(o.RedirectURL, config.DefaultRedirect) }

// consent checks what a person's consent needs.
func (c *compiler) consent(o *OAuth2) {
	const at, sample = "auth.oauth2.", "https://login.example.com/oauth2/authorize"
	if o.Grant != grantCode {
		const remedy = "remove it, or write grant: authorization_code for the consent of a person"
		if o.AuthorizeURL != "" {
			c.fault(at+"authorize_url", "does not belong to this grant", remedy)
		}
		if o.RedirectURL != "" {
			c.fault(at+"redirect_url", "does not belong to this grant", remedy)
		}
		return
	}
	u, err := url.Parse(o.AuthorizeURL)
	switch {
	case o.AuthorizeURL == "":
		c.fault(at+"authorize_url", "is missing", "write the address of the page where a person gives consent, such as "+sample)
	case err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !config.Loopback(u.Hostname())):
		c.fault(at+"authorize_url", "is not an https address", "write the address of the page where a person gives consent, such as "+sample)
	default:
		for _, name := range slices.Sorted(maps.Keys(u.Query())) {
			if slices.Contains(asked, name) {
				c.fault(at+"authorize_url", "has "+name+", which Trueup adds itself", "remove "+name+" from the address")
			}
		}
	}
	if problem, remedy := c.common.RedirectProblem(o.redirect()); problem != "" {
		c.fault(at+"redirect_url", problem, remedy)
	}
	if o.RefreshToken != "" {
		c.fault(at+"refresh_token", "does not belong to authorization_code, whose tokens trueup connect gets", "remove it, or write grant: refresh_token")
	}
}
