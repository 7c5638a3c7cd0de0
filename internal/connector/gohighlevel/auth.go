package gohighlevel

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// credentials give the token that calls are made with, and say what a person
// can do when HighLevel does not take it.
type credentials interface {
	token(ctx context.Context) (string, error)
	// renew returns another token than the one that was refused, or the same
	// when there is no other.
	renew(ctx context.Context, refused string) (string, error)
	refused() string
	scopeRemedy() string
}

// credentials are those of the settings. calls is used for OAuth's own calls.
func (s *Settings) credentials(calls *rest.Client, deps connector.Deps) credentials {
	if s.OAuth == nil {
		return privateToken(s.Token.Reveal())
	}
	c := &consent{oauth: s.OAuth, calls: calls, tokens: deps.Tokens, location: s.LocationID, now: deps.Now, turn: make(chan struct{}, 1)}
	return c
}

// privateToken is a private integration token: it is static, and works until
// somebody rotates or deletes it.
type privateToken string

func (p privateToken) token(context.Context) (string, error)         { return string(p), nil }
func (p privateToken) renew(context.Context, string) (string, error) { return string(p), nil }
func (p privateToken) scopeRemedy() string {
	return "add it to the private integration under Settings, Private Integrations (the token stays the same)"
}
func (p privateToken) refused() string {
	return "HighLevel does not accept the token; it was mistyped, rotated or deleted: create or rotate it under Settings, Private Integrations of the sub-account"
}

// early is how long before its end a token is renewed.
const early = time.Minute

// consent is a person's consent to a Marketplace app, as it was stored by
// trueup connect.
type consent struct {
	oauth    *OAuth
	calls    *rest.Client
	tokens   connector.Tokens
	location string
	now      func() time.Time

	// turn is held by the one who looks or asks for a token.
	turn chan struct{}
	// stored is the consent's token as it was read last; of an agency it is the
	// agency's, and minted is what was made from it for the location.
	stored, minted connector.Token
}

func (c *consent) scopeRemedy() string {
	return "add it to the app in the developer portal and run trueup connect again: new scopes do not apply to an app that is already installed"
}

func (c *consent) refused() string {
	return "HighLevel no longer accepts the token; the app was uninstalled or its consent withdrawn: run trueup connect"
}

// token returns a token for the location that is good for a while yet.
func (c *consent) token(ctx context.Context) (string, error) {
	if err := c.take(ctx); err != nil {
		return "", err
	}
	defer c.give()
	return c.current(ctx)
}

// renew replaces the token that was refused, unless another caller or another
// node has done so.
func (c *consent) renew(ctx context.Context, refused string) (string, error) {
	if err := c.take(ctx); err != nil {
		return "", err
	}
	defer c.give()
	if c.oauth.CompanyID != "" {
		if c.minted.Access == refused {
			c.minted = connector.Token{}
		}
		return c.current(ctx)
	}
	if c.stored.Access == refused {
		if err := c.exchange(ctx); err != nil {
			return "", err
		}
	}
	return c.current(ctx)
}

func (c *consent) take(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "the call was canceled before the answer", Err: ctx.Err()}
	}
}

func (c *consent) give() { <-c.turn }

// current returns the location's token, asking for what is missing or old.
func (c *consent) current(ctx context.Context) (string, error) {
	if c.good(c.minted) {
		return c.minted.Access, nil
	}
	if err := c.look(ctx); err != nil {
		return "", err
	}
	if c.oauth.CompanyID == "" {
		return c.stored.Access, nil
	}
	err := c.mint(ctx)
	if f := connector.FailureOf(err); err != nil && f.Status == http.StatusUnauthorized {
		// The agency's token ended early.
		if err := c.exchange(ctx); err != nil {
			return "", err
		}
		err = c.mint(ctx)
	}
	if err != nil {
		return "", c.explain(err)
	}
	return c.minted.Access, nil
}

func (c *consent) good(t connector.Token) bool {
	return t.Access != "" && c.now().Add(early).Before(t.Expires)
}

// look reads the stored token and renews it when its end is near.
func (c *consent) look(ctx context.Context) error {
	if c.good(c.stored) {
		return nil
	}
	if c.tokens == nil {
		return &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone,
			Detail: connector.ErrNotConnected.Error(), Err: connector.ErrNotConnected}
	}
	stored, err := c.tokens.Token(ctx)
	switch {
	case errors.Is(err, connector.ErrNotConnected):
		return &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Detail: connector.ErrNotConnected.Error(), Err: err}
	case err != nil:
		return unreadable(err)
	}
	if c.stored = stored; c.good(stored) {
		return nil
	}
	return c.exchange(ctx)
}

// exchange renews the stored token. It works once with each refresh token:
// when the answer is lost, the next try is refused, and a person has to give
// consent again.
func (c *consent) exchange(ctx context.Context) error {
	if c.tokens == nil {
		return unreadable(errors.New("no database"))
	}
	fresh, err := c.tokens.Renew(ctx, c.stored, func(ctx context.Context, old connector.Token) (connector.Token, error) {
		granted, err := c.oauth.grant(ctx, c.calls, map[string]string{"grant_type": "refresh_token", "refresh_token": old.Refresh}, c.now)
		if err != nil {
			return connector.Token{}, c.explain(err)
		}
		return granted.Token, nil
	})
	if err != nil {
		var f *connector.Failure
		if errors.As(err, &f) {
			return err
		}
		return unreadable(err)
	}
	c.stored = fresh
	return nil
}

// explain says of a failed call of OAuth's own what it means.
func (c *consent) explain(err error) error {
	f := *connector.FailureOf(err)
	f.Effect = connector.EffectNone
	switch f.Kind {
	case connector.Refused, connector.Unauthorized, connector.Gone:
		f.Kind = connector.Unauthorized
		f.Detail = "HighLevel does not renew the consent of this connection; it was already used, withdrawn, or given to another app: run trueup connect"
	}
	return &f
}

func unreadable(err error) error {
	kind := connector.Transient
	if errors.Is(err, connector.ErrOtherKey) {
		kind = connector.Unauthorized
	}
	return &connector.Failure{Kind: kind, Effect: connector.EffectNone, Detail: "the stored consent could not be read: " + err.Error(), Err: err}
}
