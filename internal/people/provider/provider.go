package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/trueup-sync/trueup/internal/config"
)

// Setting is the configuration key that says where the provider is.
const Setting = "sign_in.oidc.issuer"

// Back is the path where a browser comes back from the provider.
const Back = "/signin/oidc/back"

// BegunLasts is how long somebody may take to sign in at the provider.
const BegunLasts = 10 * time.Minute

// patience bounds each step, which may be several calls.
const patience = 15 * time.Second

// Provider is one identity provider. It is safe for concurrent use.
type Provider struct {
	settings config.OIDC
	client   *http.Client

	asking singleflight.Group
	found  atomic.Pointer[oidc.Provider] // nil until it has answered once
}

// New returns a provider, which is not called yet. The client has a Transport, which
// guards where calls go. A redirect is not followed: it could
// take the client's secret elsewhere.
func New(settings config.OIDC, client *http.Client) *Provider {
	own := *client
	own.Timeout = patience
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Transport = bounded{own.Transport}
	return &Provider{settings: settings, client: &own}
}

// Name is what people call it.
func (p *Provider) Name() string { return p.settings.Name }

// Begin returns the address where somebody signs in, and the secret that the browser
// keeps meanwhile. pages is where people reach the pages.
func (p *Provider) Begin(ctx context.Context, pages string) (to, secret string, err error) {
	ctx, cancel := p.calling(ctx)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	var random [32]byte
	rand.Read(random[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(random[:])
	to = p.oauthClient(found, pages).AuthCodeURL(derive("state", secret), oidc.Nonce(derive("nonce", secret)), oauth2.S256ChallengeOption(derive("verifier", secret)))
	return to, secret, nil
}

// Finish returns whom the provider vouches for. back are the parameters that the browser
// came back with, secret what it has kept, "" for nothing.
func (p *Provider) Finish(ctx context.Context, pages string, back url.Values, secret string) (Identity, error) {
	if secret == "" || subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(derive("state", secret))) != 1 {
		return Identity{}, &Error{Why: NotBegun, Err: errors.New("the state is not that of this browser")}
	}
	if issuer := back.Get("iss"); issuer != "" && issuer != p.settings.Issuer {
		return Identity{}, &Error{Why: NotProven, Err: errors.New("the answer is another issuer's")}
	}
	if code := back.Get("error"); code != "" {
		return Identity{}, &Error{Why: Declined, Err: fmt.Errorf("the provider answered %s", plain(code))}
	}
	ctx, cancel := p.calling(ctx)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	token, err := p.oauthClient(found, pages).Exchange(ctx, back.Get("code"), oauth2.VerifierOption(derive("verifier", secret)))
	if err != nil {
		return Identity{}, tokenError(err)
	}
	return p.identity(ctx, found, token, derive("nonce", secret))
}

// oauthClient is Trueup as an OAuth client of the provider.
func (p *Provider) oauthClient(found *oidc.Provider, pages string) *oauth2.Config {
	scopes := append([]string{oidc.ScopeOpenID, "email", "profile"}, p.settings.Scopes...)
	slices.Sort(scopes[1:])
	end := found.Endpoint()
	// Told, not found out: a second try would send the code again.
	end.AuthStyle = oauth2.AuthStyleInHeader
	var told struct {
		Ways []string `json:"token_endpoint_auth_methods_supported"`
	}
	if found.Claims(&told) == nil && slices.Contains(told.Ways, "client_secret_post") && !slices.Contains(told.Ways, "client_secret_basic") {
		end.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret.Reveal(), Endpoint: end,
		RedirectURL: strings.TrimSuffix(pages, "/") + Back, Scopes: slices.Compact(scopes)}
}

func (p *Provider) calling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(oidc.ClientContext(ctx, p.client), patience)
}

// discover asks the provider for its endpoints until it has answered once. However many
// sign in while it is slow, it is asked once.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	if found := p.found.Load(); found != nil {
		return found, nil
	}
	answer := p.asking.DoChan("", func() (any, error) {
		own, cancel := p.calling(context.WithoutCancel(ctx))
		defer cancel()
		found, err := oidc.NewProvider(own, p.settings.Issuer)
		if err == nil {
			err = p.encrypted(found)
		}
		if err == nil {
			p.found.Store(found)
		}
		return found, err
	})
	select {
	case a := <-answer:
		if a.Err != nil {
			return nil, &Error{Why: Down, Err: fmt.Errorf("read the discovery document: %s", plain(a.Err.Error()))}
		}
		return p.found.Load(), nil
	case <-ctx.Done():
		return nil, &Error{Why: Down, Err: fmt.Errorf("read the discovery document: %w", ctx.Err())}
	}
}

// encrypted refuses a provider that would send the secret in the clear.
func (p *Provider) encrypted(found *oidc.Provider) error {
	if !strings.HasPrefix(p.settings.Issuer, "https://") {
		return nil // on this machine
	}
	var more struct {
		Keys string `json:"jwks_uri"`
	}
	if err := found.Claims(&more); err != nil {
		return err
	}
	for _, at := range []string{found.Endpoint().AuthURL, found.Endpoint().TokenURL, more.Keys, found.UserInfoEndpoint()} {
		if at != "" && !strings.HasPrefix(at, "https://") {
			return errors.New("an endpoint is not encrypted")
		}
	}
	return nil
}

// derive makes one of the values that only who has the secret knows.
func derive(what, secret string) string {
	sum := sha256.Sum256([]byte(what + "\x00" + secret))
	return hex.EncodeToString(sum[:])
}
