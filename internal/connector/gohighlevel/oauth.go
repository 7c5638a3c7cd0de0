package gohighlevel

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// scopes are what trueup connect asks for: what the calls of these syncs need,
// because a consent for more than the app has fails. The scope of the pipelines is
// in no table of HighLevel's; the calls for opportunities cover it there.
func scopes(uses []connector.Use, findBy []string) []string {
	// The fields are read with each contact, for the keys of match rules.
	all := []string{searchContacts.scope, listFields.scope}
	add := func(needed bool, c call) {
		if needed && !slices.Contains(all, c.scope) {
			all = append(all, c.scope)
		}
	}
	add(slices.Contains(findBy, "opportunity_id"), readOpportunity)
	for _, use := range uses {
		onOpportunity := use.Field == fieldOpportunity
		add(onOpportunity, searchOpportunities)
		add(use.Target && onOpportunity, writeOpportunity)
		add(use.Target && !onOpportunity, writeContact)
	}
	return all
}

// granted is what the token endpoint gave.
type granted struct {
	connector.Token
	Location, Company string
	Scope             string
}

// userType is whose token is asked for.
func (o *OAuth) userType() string {
	if o.CompanyID != "" {
		return "Company"
	}
	return "Location"
}

// grant asks the token endpoint, for a code or a refresh token.
func (o *OAuth) grant(ctx context.Context, calls *rest.Client, what map[string]string, now func() time.Time) (granted, error) {
	form := url.Values{"client_id": {o.ClientID}, "client_secret": {o.ClientSecret.Reveal()}, "user_type": {o.userType()}}
	for key, value := range what {
		form.Set(key, value)
	}
	return postForm(ctx, calls, "/oauth/token", "", form, now)
}

// mint makes the location's token of the agency's.
func (c *consent) mint(ctx context.Context) error {
	form := url.Values{"companyId": {c.oauth.CompanyID}, "locationId": {c.location}}
	g, err := postForm(ctx, c.calls, "/oauth/locationToken", c.stored.Access, form, c.now)
	if err != nil {
		return err
	}
	if g.Location != "" && g.Location != c.location {
		return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "HighLevel returned a token for a location other than " + c.location}
	}
	c.minted = g.Token
	return nil
}

// postForm asks one of OAuth's endpoints, which take forms.
func postForm(ctx context.Context, calls *rest.Client, path, bearer string, form url.Values, now func() time.Time) (granted, error) {
	asked := now()
	req := rest.Request{Method: http.MethodPost, Path: path, Body: []byte(form.Encode()), ContentType: "application/x-www-form-urlencoded"}
	if bearer != "" {
		req.Header = http.Header{"Authorization": {"Bearer " + bearer}}
	}
	answer, err := calls.Do(ctx, req)
	if err != nil {
		return granted{}, err
	}
	var body struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in"`
		LocationID   string `json:"locationId"`
		CompanyID    string `json:"companyId"`
		Scope        string `json:"scope"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || body.AccessToken == "" || body.ExpiresIn <= 0 || body.ExpiresIn > 10*365*86400 {
		return granted{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "HighLevel's answer about a token has no token or no lifetime"}
	}
	return granted{Location: body.LocationID, Company: body.CompanyID, Scope: body.Scope, Token: connector.Token{
		Access: body.AccessToken, Refresh: body.RefreshToken, Expires: asked.Add(time.Duration(body.ExpiresIn) * time.Second).UTC()}}, nil
}

// Consent is one walk through OAuth's consent.
type Consent struct {
	settings *Settings
	scopes   []string
	calls    *rest.Client
	now      func() time.Time
}

// NewConsent begins one for a connection with oauth.
func NewConsent(common config.Connection, s *Settings, deps connector.Deps) (*Consent, error) {
	if s.OAuth == nil {
		return nil, errors.New("the connection has its own token and needs no consent")
	}
	base, err := url.Parse(or(common.BaseURL, defaultBaseURL))
	if err != nil {
		return nil, errors.New("base_url is not an http address")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Consent{settings: s, scopes: scopes(deps.Uses, deps.FindBy), now: deps.Now, calls: &rest.Client{Base: base, HTTP: deps.HTTP, Timeout: common.Timeout, Now: deps.Now,
		Answered: answered(nil), Authorize: func(r *http.Request) { r.Header.Set("Version", APIVersion) }}}, nil
}

// Redirect is where HighLevel sends the person back to.
func (c *Consent) Redirect() string { return c.settings.OAuth.redirect() }

// Page is the address at which a person gives consent.
func (c *Consent) Page(v connector.Visit) string {
	o := c.settings.OAuth
	wanted := c.scopes
	if o.CompanyID != "" {
		wanted = append([]string{"oauth.readonly", "oauth.write"}, wanted...)
	}
	query := url.Values{"response_type": {"code"}, "client_id": {o.ClientID}, "redirect_uri": {o.redirect()}, "scope": {strings.Join(wanted, " ")}, "state": {v.State}}
	between := "?"
	if strings.Contains(o.consent(), "?") {
		between = "&"
	}
	return o.consent() + between + query.Encode()
}

// Exchange turns the code that came back into a token, and returns for whom it
// is. A token for another account than the configured one is refused.
func (c *Consent) Exchange(ctx context.Context, _ connector.Visit, code string) (token connector.Token, account string, err error) {
	o := c.settings.OAuth
	g, err := o.grant(ctx, c.calls, map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": o.redirect()}, c.now)
	if err != nil {
		f := *connector.FailureOf(err)
		if f.Kind == connector.Refused || f.Kind == connector.Unauthorized {
			f.Detail = "HighLevel does not accept the code; check oauth.client_id, client_secret and redirect_url against the app, and start again"
		}
		return connector.Token{}, "", &f
	}
	if g.Refresh == "" {
		return connector.Token{}, "", errors.New("HighLevel returned no refresh token, so the consent would end within a day; run trueup connect again")
	}
	if o.CompanyID != "" {
		if g.Company != o.CompanyID {
			return connector.Token{}, "", errors.New("the consent is for an agency other than oauth.company_id; choose that agency, or correct the file")
		}
		return g.Token, "agency " + g.Company, nil
	}
	if g.Location != c.settings.LocationID {
		return connector.Token{}, "", errors.New("the consent is for a location other than location_id " + c.settings.LocationID + "; choose that one, or correct the file")
	}
	return g.Token, "location " + g.Location, nil
}
