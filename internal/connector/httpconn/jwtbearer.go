package httpconn

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/trueup-sync/trueup/internal/connector"
)

const (
	// grantJWT is how the file calls the grant of RFC 7523, and grantJWTSent how
	// the token endpoint does.
	grantJWT     = "jwt_bearer"
	grantJWTSent = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// shortestKey is what RFC 7518, section 3.3, asks of RS256.
	shortestKey = 2048
	// assertionLife is below the three minutes that Salesforce allows, so that a
	// clock that is a little ahead is still believed.
	assertionLife = 2 * time.Minute
)

// claims are what an assertion says. The audience is text and no list, which not
// every server reads.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Issued   int64  `json:"iat"`
	ID       string `json:"jti"`
	Scope    string `json:"scope,omitempty"` // where Google and DocuSign look for it
}

// newSigner signs the assertions of a connection. Its error holds no part of the key.
func (o *OAuth2) newSigner() (jose.Signer, error) {
	key, problem, _ := parseRSAKey(o.PrivateKey.Reveal())
	if problem != "" {
		return nil, errors.New("auth.oauth2.private_key " + problem)
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if o.KeyID != "" {
		options = options.WithHeader("kid", o.KeyID)
	}
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
}

// assert gets a token for a signed assertion, each of which is made for one call.
func (g *grants) assert(ctx context.Context, form url.Values) (connector.Token, error) {
	at := g.now()
	text, err := jwt.Signed(g.signer).Claims(claims{
		Issuer: g.ClientID, Subject: g.Subject, Audience: cmp.Or(g.Audience, g.TokenURL), Scope: g.Scope,
		Issued: at.Unix(), Expires: at.Add(assertionLife).Unix(), ID: rand.Text(),
	}).Serialize()
	if err != nil {
		return connector.Token{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: "the assertion could not be signed; check auth.oauth2.private_key"}
	}
	form.Set("grant_type", grantJWTSent)
	form.Set("assertion", text)
	form.Del("audience") // it is the assertion's
	return g.ask(ctx, form, "the token endpoint does not accept the assertion; check client_id, subject and audience under auth.oauth2, "+
		"that the app has the certificate of private_key, that it is approved for the subject, and this machine's clock")
}

// parseRSAKey reads a private key, or says what is wrong and what to do, without
// a part of the text.
func parseRSAKey(text string) (key *rsa.PrivateKey, problem, remedy string) {
	const example = "openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=trueup -keyout trueup.key -out trueup.crt"
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, "is not a private key in PEM form", "write private_key_file: PATH of a file that begins with -----BEGIN PRIVATE KEY-----; this makes one: " + example
	case strings.TrimSpace(string(rest)) != "":
		return nil, "has more than the private key", "leave only the lines from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----"
	case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, "is encrypted with a passphrase", "write the key without one into a file that only Trueup's user can read: openssl pkey -in OLD -out trueup.key"
	case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, "is something else than a private key, such as a certificate or a public key", "the certificate belongs into the tool; write the private key it was made with"
	}
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	switch {
	case err != nil:
		return nil, "is damaged", "copy the file again, or make a new key and give the tool its certificate: " + example
	case !ok:
		return nil, "is not an RSA key", "assertions are signed with RS256; make an RSA key and give the tool its certificate: " + example
	case key.N.BitLen() < shortestKey:
		return nil, "is shorter than 2048 bits", "make a longer key and give the tool its certificate: " + example
	}
	return key, "", ""
}

// jwtBearer checks what belongs to the grant of that name, and that it stands
// with no other.
func (c *compiler) jwtBearer(o *OAuth2) {
	const at = "auth.oauth2."
	if o.Grant != grantJWT {
		for _, key := range []struct {
			name  string
			given bool
		}{{"key_id", o.KeyID != ""}, {"private_key", o.PrivateKey != ""}, {"subject", o.Subject != ""}} {
			if key.given {
				c.fault(at+key.name, "does not belong to this grant", "remove it, or write grant: jwt_bearer")
			}
		}
		return
	}
	c.require(o.Subject != "", at+"subject", "write the user that Trueup acts for, such as integration@example.com; Google wants the service account's e-mail here")
	if o.PrivateKey == "" {
		c.fault(at+"private_key", "is missing", "write private_key_file: PATH of the private key whose certificate the tool has")
	} else if _, problem, remedy := parseRSAKey(o.PrivateKey.Reveal()); problem != "" {
		c.fault(at+"private_key", problem, remedy)
	}
	if o.RefreshToken != "" {
		c.fault(at+"refresh_token", "does not belong to jwt_bearer", "remove it, or write grant: refresh_token")
	}
}
