package httpconn

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// OAuth2 is how a connection gets its access tokens, which end after an hour or
// so.
type OAuth2 struct {
	TokenURL     string        `yaml:"token_url"`
	ClientID     string        `yaml:"client_id"`
	ClientSecret config.Secret `yaml:"client_secret"`
	// ClientAuth is where the token endpoint wants the client's id and secret:
	// body (default) or basic.
	ClientAuth string `yaml:"client_auth"`
	// AuthorizeURL is the page where a person gives consent, for the grant
	// authorization_code; RedirectURL is where he comes back to.
	AuthorizeURL string `yaml:"authorize_url"`
	RedirectURL  string `yaml:"redirect_url"`
	// Grant is client_credentials, refresh_token, authorization_code or jwt_bearer.
	Grant string `yaml:"grant"`
	// RefreshToken is the first one, for the grant of that name; each new one is
	// kept in the database.
	RefreshToken config.Secret `yaml:"refresh_token"`
	// PrivateKey signs the assertions of the grant jwt_bearer, for Subject. KeyID
	// names it where the tool knows several.
	PrivateKey config.Secret `yaml:"private_key"`
	KeyID      string        `yaml:"key_id"`
	Subject    string        `yaml:"subject"`
	Scope      string        `yaml:"scope"`
	Audience   string        `yaml:"audience"`
	// Scheme is the word before the token in the header; Bearer unless set.
	Scheme string `yaml:"scheme"`
}

// The grants of OAuth2, and where the client's secret goes.
const (
	grantClient  = "client_credentials"
	grantRefresh = "refresh_token"
	grantCode    = "authorization_code"
	clientBody   = "body"
	clientBasic  = "basic"
)

func (c *compiler) oauth2(o *OAuth2) {
	const at = "auth.oauth2."
	u, err := url.Parse(o.TokenURL)
	switch {
	case o.TokenURL == "":
		c.fault(at+"token_url", "is missing", "write the address of the tool's token endpoint, such as https://login.example.com/oauth2/token")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "":
		c.fault(at+"token_url", "is not an http address", "write the address of the tool's token endpoint, such as https://login.example.com/oauth2/token")
	case u.User != nil:
		c.fault(at+"token_url", "holds a user or a password", "write them as client_id and client_secret, with client_auth: basic")
	case u.Scheme == "http" && !config.Loopback(u.Hostname()):
		c.fault(at+"token_url", "is not encrypted, and secrets are sent there", "write the https address")
	}
	c.require(o.ClientID != "", at+"client_id", "copy it from the app's page in the tool")
	c.secret(at+"client_secret", o.ClientSecret)
	c.secret(at+"refresh_token", o.RefreshToken)
	switch o.Grant {
	case grantClient:
		c.require(o.ClientSecret != "", at+"client_secret", "copy it from the app's page in the tool and write it as ${NAME}")
		if o.RefreshToken != "" {
			c.fault(at+"refresh_token", "does not belong to client_credentials", "remove it, or write grant: refresh_token")
		}
	case grantRefresh:
		c.require(o.RefreshToken != "", at+"refresh_token", "write the first refresh token as ${NAME}; later ones are kept in the database")
	case grantCode, grantJWT:
	case "":
		c.fault(at+"grant", "is missing", "write client_credentials, or authorization_code for an app that a person gives access to")
	default:
		c.fault(at+"grant", "is not known", "write client_credentials, refresh_token, authorization_code or jwt_bearer")
	}
	c.consent(o)
	c.jwtBearer(o)
	if o.ClientAuth != "" && o.ClientAuth != clientBody && o.ClientAuth != clientBasic {
		c.fault(at+"client_auth", "is neither body nor basic", "write basic for a tool that wants the client's id and secret as a user and a password; body is the default")
	}
	if o.ClientAuth == clientBasic && o.ClientSecret == "" {
		c.fault(at+"client_secret", "is missing, and client_auth is basic", "write it as ${NAME}, or remove client_auth")
	}
	if o.Scheme != "" && !isHeaderName(o.Scheme) {
		c.fault(at+"scheme", "is not one word", "write the word before the token, such as Zoho-oauthtoken, or remove it for Bearer")
	}
}

// origin names what a kept token was got with. Another one in the file makes it
// of no use.
func (o *OAuth2) origin() string {
	if o.Grant == grantCode {
		// A consent outlasts the app's secret and what is asked for next time.
		sum := sha256.Sum256([]byte(strings.Join([]string{o.TokenURL, o.ClientID, o.Grant}, "\x00")))
		return hex.EncodeToString(sum[:])
	}
	parts := []string{o.TokenURL, o.ClientID, o.ClientSecret.Reveal(), o.Grant, o.RefreshToken.Reveal(), o.Scope, o.Audience}
	if o.Grant == grantJWT {
		parts = append(parts, o.Subject, o.PrivateKey.Reveal(), o.KeyID)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// KeepsTokens implements config.HasTokens.
func (s *Settings) KeepsTokens() bool { return s.Auth != nil && s.Auth.OAuth2 != nil }
