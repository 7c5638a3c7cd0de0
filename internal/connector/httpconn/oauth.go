package httpconn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

const (
	// early is how long before its end a token is renewed.
	early = 30 * time.Second
	// renewAgain bounds how often a token that is refused makes us get another.
	renewAgain = 10 * time.Second
	// longestLife bounds what a token endpoint may say.
	longestLife = 10 * 365 * 24 * time.Hour
)

// grants get the access tokens of a connection.
type grants struct {
	*OAuth2
	calls  *rest.Client
	path   string      // of the token endpoint
	signer jose.Signer // of assertions; nil with other grants
	tokens connector.Tokens
	now    func() time.Time

	// turn is held by the one who looks or asks for a token.
	turn chan struct{}
	kept connector.Token
}

// newGrants makes calls to the token endpoint with calls, which has no base yet.
func newGrants(o *OAuth2, calls *rest.Client, deps connector.Deps, now func() time.Time) (*grants, error) {
	u, err := url.Parse(o.TokenURL)
	if err != nil {
		return nil, errors.New("auth.oauth2.token_url is not an http address")
	}
	calls.Base = &url.URL{Scheme: u.Scheme, Host: u.Host}
	g := &grants{OAuth2: o, calls: calls, path: u.RequestURI(), tokens: deps.Tokens, now: now, turn: make(chan struct{}, 1)}
	if o.Grant == grantJWT {
		g.signer, err = o.newSigner()
	}
	return g, err
}

// call makes a call with a token. One that the tool does not take any more is
// renewed once: the refused call had no effect.
func (a *api) call(ctx context.Context, req rest.Request) (rest.Response, error) {
	if a.grants == nil {
		return a.rest.Do(ctx, req)
	}
	token, err := a.grants.token(ctx, "")
	if err != nil {
		return rest.Response{}, err
	}
	answer, err := a.authorized(ctx, req, token)
	if f := connector.FailureOf(err); err == nil || f.Kind != connector.Unauthorized || f.Effect != connector.EffectNone || f.Status == http.StatusForbidden {
		return answer, err
	}
	fresh, renewed := a.grants.token(ctx, token)
	switch {
	case renewed != nil:
		return rest.Response{}, renewed
	case fresh == token:
		return answer, err
	}
	return a.authorized(ctx, req, fresh)
}

func (a *api) authorized(ctx context.Context, req rest.Request, token string) (rest.Response, error) {
	header := req.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	scheme := a.grants.Scheme
	if scheme == "" {
		scheme = "Bearer"
	}
	header.Set("Authorization", scheme+" "+token)
	req.Header = header
	return a.rest.Do(ctx, req)
}

// token returns an access token that is good for a while yet, and another one
// than the refused, where there is one.
func (g *grants) token(ctx context.Context, refused string) (string, error) {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return "", &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "the call was canceled before the answer", Err: ctx.Err()}
	}
	if g.good(g.kept, refused) {
		return g.kept.Access, nil
	}
	if refused != "" && g.kept.Access == refused && g.isNew(g.kept) {
		return refused, nil
	}
	if g.tokens == nil && g.Grant == grantCode {
		return "", notConnected()
	}
	if g.tokens == nil {
		return g.got(g.unkept(ctx))
	}
	stored, err := g.tokens.Token(ctx)
	switch {
	case g.Grant == grantCode && (errors.Is(err, connector.ErrNotConnected) || err == nil && stored.Origin != g.origin()):
		return "", notConnected()
	case errors.Is(err, connector.ErrNotConnected):
		stored, err = connector.Token{}, g.begin(ctx)
	}
	if err != nil {
		return "", unkeepable(err)
	}
	if g.good(stored, refused) {
		return g.got(stored, nil)
	}
	return g.got(g.tokens.Renew(ctx, stored, g.exchange))
}

// got remembers a token.
func (g *grants) got(t connector.Token, err error) (string, error) {
	if err != nil {
		var f *connector.Failure
		if errors.As(err, &f) {
			return "", err
		}
		return "", unkeepable(err)
	}
	g.kept = t
	return t.Access, nil
}

// isNew reports whether a token, by whichever node it was got, is as new as
// another would be: it is refused for another reason than its age. A clock of
// another node may be ahead.
func (g *grants) isNew(t connector.Token) bool {
	age := g.now().Sub(t.Issued)
	return age < renewAgain && age > -renewAgain
}

func (g *grants) good(t connector.Token, refused string) bool {
	return t.Access != "" && t.Access != refused && t.Origin == g.origin() && (t.Expires.IsZero() || g.now().Add(early).Before(t.Expires))
}

// begin makes a place for the first token, which every node may find empty.
func (g *grants) begin(ctx context.Context) error {
	first, ok := g.tokens.(connector.FirstTokens)
	if !ok {
		return connector.ErrNotConnected
	}
	return first.Begin(ctx)
}

// unkept gets a token that is kept nowhere, which a refresh token does not bear:
// the tool may give a new one with each answer and forget the old.
func (g *grants) unkept(ctx context.Context) (connector.Token, error) {
	if g.Grant == grantRefresh {
		return connector.Token{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: "there is no database to keep the tool's refresh token in, and it works once; start the service first"}
	}
	return g.exchange(ctx, connector.Token{})
}

// exchange asks the token endpoint for a new token. old is the stored one.
func (g *grants) exchange(ctx context.Context, old connector.Token) (connector.Token, error) {
	form := url.Values{"grant_type": {g.Grant}}
	for key, value := range map[string]string{"scope": g.Scope, "audience": g.Audience} {
		if value != "" {
			form.Set(key, value)
		}
	}
	switch g.Grant {
	case grantCode:
		return g.renewed(ctx, old)
	case grantJWT:
		return g.assert(ctx, form)
	case grantRefresh:
		refresh := old.Refresh
		if refresh == "" || old.Origin != g.origin() { // the file has a new one
			refresh = g.RefreshToken.Reveal()
		}
		form.Set("refresh_token", refresh)
		t, err := g.ask(ctx, form, "the token endpoint does not accept the refresh token; it was used elsewhere, withdrawn, or given to another app: get a new one and write it as auth.oauth2.refresh_token")
		if err == nil && t.Refresh == "" {
			t.Refresh = refresh // a tool that keeps it
		}
		t.Scope = cmp.Or(t.Scope, old.Scope)
		return t, err
	}
	return g.ask(ctx, form, "the token endpoint does not accept the client; check client_id, client_secret, scope and client_auth under auth.oauth2")
}

// ask asks the token endpoint, as the client that the file names. refused says
// what it means when the answer is no.
func (g *grants) ask(ctx context.Context, form url.Values, refused string) (connector.Token, error) {
	req := rest.Request{Method: http.MethodPost, Path: g.path, ContentType: contentForm, Header: http.Header{}}
	switch secret := g.ClientSecret.Reveal(); {
	case g.ClientAuth == clientBasic:
		// RFC 6749, section 2.3.1: both are encoded as in a form first.
		r := http.Request{Header: req.Header}
		r.SetBasicAuth(url.QueryEscape(g.ClientID), url.QueryEscape(secret))
	case g.Grant == grantJWT && secret == "":
		// The assertion names the client and proves it.
	default:
		form.Set("client_id", g.ClientID)
		if secret != "" {
			form.Set("client_secret", secret)
		}
	}
	req.Body = []byte(form.Encode())
	asked := g.now()
	answer, err := g.calls.Do(ctx, req)
	if err != nil {
		return connector.Token{}, explain(err, refused)
	}
	var body struct {
		AccessToken  string      `json:"access_token"`
		RefreshToken string      `json:"refresh_token"`
		ExpiresIn    json.Number `json:"expires_in"`
		TokenType    string      `json:"token_type"`
		Scope        any         `json:"scope"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || !isToken(body.AccessToken) || body.RefreshToken != "" && !isToken(body.RefreshToken) {
		return connector.Token{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Status: answer.Status,
			Detail: "the token endpoint's answer has no access token; check auth.oauth2.token_url"}
	}
	t := connector.Token{Access: body.AccessToken, Refresh: body.RefreshToken, Origin: g.origin(), Issued: asked.UTC(), Scope: grantedScope(body.Scope, form)}
	// Without expires_in, as Salesforce answers, a token is good until it is refused.
	if seconds, err := body.ExpiresIn.Float64(); err == nil && seconds > 0 && seconds < longestLife.Seconds() {
		t.Expires = asked.Add(time.Duration(seconds * float64(time.Second))).UTC()
	}
	return t, nil
}

// isToken accepts what can stand in a header.
func isToken(text string) bool {
	return text != "" && len(text) <= 16<<10 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// explain says of a failed call to the token endpoint what it means. Nothing of
// its answer is shown but a machine word. refused is for an answer of no.
func explain(err error, refused string) error {
	f := *connector.FailureOf(err)
	f.Effect = connector.EffectNone
	word := ""
	if f.Code != "" {
		word = ": " + f.Code
	}
	switch {
	case f.Status >= 300 && f.Status < 400:
		f.Detail = "the token endpoint answered with a redirect, which is not followed; write the final address as auth.oauth2.token_url"
	case f.Kind == connector.Misconfigured && f.Status != 0:
		f.Detail = "the token endpoint did not answer with a token but with something else, such as a web page; check auth.oauth2.token_url"
	case f.Kind == connector.Gone:
		f.Kind, f.Detail = connector.Misconfigured, "there is no token endpoint at this address; check auth.oauth2.token_url"
	case f.Kind == connector.Refused || f.Kind == connector.Unauthorized:
		f.Kind, f.Detail = connector.Unauthorized, refused+word
	case f.Status != 0:
		f.Detail = "the token endpoint failed" + word
	}
	return &f
}

func unkeepable(err error) error {
	kind := connector.Transient
	if errors.Is(err, connector.ErrOtherKey) {
		kind = connector.Unauthorized
	}
	return &connector.Failure{Kind: kind, Effect: connector.EffectNone, Detail: "the stored token could not be read or renewed: " + err.Error(), Err: err}
}
