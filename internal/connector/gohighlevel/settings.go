package gohighlevel

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
)

// Settings are the keys of a connection of type gohighlevel.
type Settings struct {
	LocationID string        `yaml:"location_id" jsonschema:"required" jsonschema_description:"The id of the sub-account, from its address in the browser or Settings, Business Profile."`
	Token      config.Secret `yaml:"token" jsonschema_description:"A private integration token of the sub-account (pit-...), instead of oauth."`
	OAuth      *OAuth        `yaml:"oauth" jsonschema_description:"A Marketplace app to which trueup connect asks for access, instead of token."`
	Webhook    *Webhook      `yaml:"webhook" jsonschema_description:"How webhooks are verified; without this key the connection receives none."`
	Pipeline   string        `yaml:"pipeline" jsonschema_description:"The pipeline, by id or name, whose opportunities have the status when the sync's field is opportunity.status."`
}

// OAuth is a Marketplace app.
type OAuth struct {
	ClientID     string        `yaml:"client_id" jsonschema:"required" jsonschema_description:"The app's client id."`
	ClientSecret config.Secret `yaml:"client_secret" jsonschema:"required" jsonschema_description:"The app's client secret."`
	CompanyID    string        `yaml:"company_id" jsonschema_description:"The agency's id, when an agency installs the app for its sub-accounts."`
	RedirectURL  string        `yaml:"redirect_url" jsonschema:"default=http://127.0.0.1:8765/callback" jsonschema_description:"The app's redirect URL: an address of this machine that trueup connect listens on, or public_url with /oauth/<connection>/back."`
	ConsentURL   string        `yaml:"consent_url" jsonschema:"default=https://marketplace.gohighlevel.com/v2/oauth/chooselocation" jsonschema_description:"The page that asks for access; white-label agencies have a different one."`
}

// Webhook says which deliveries are believed.
type Webhook struct {
	AppID      string    `yaml:"app_id" jsonschema_description:"The Marketplace app whose signed webhooks are accepted: the part of the client id before the dash."`
	PublicKeys []string  `yaml:"public_keys" jsonschema_description:"The Ed25519 keys that HighLevel signs with, as base64 or PEM (default: the published one)."`
	LegacyRSA  bool      `yaml:"legacy_rsa" jsonschema:"default=false" jsonschema_description:"Whether the retired RSA signature is accepted from a delivery that has no other."`
	Workflow   *Workflow `yaml:"workflow" jsonschema_description:"Webhooks of workflows, which are not signed and are verified by a secret."`
}

// Workflow is the secret of a workflow's webhook action.
type Workflow struct {
	Header  string          `yaml:"header" jsonschema:"default=X-Trueup-Secret" jsonschema_description:"The header with the secret; if the action cannot send headers, the secret is the last part of the address instead."`
	Secrets []config.Secret `yaml:"secrets" jsonschema:"required,minItems=1" jsonschema_description:"The secrets, two while one is replaced; at least 20 characters."`
}

const (
	defaultHeader  = "X-Trueup-Secret"
	defaultConsent = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
	// shortestSecret keeps a secret that stands in an address from being
	// guessed.
	shortestSecret = 20
)

const (
	tokenRemedy = "in the sub-account open Settings, Private Integrations, make an integration with the scopes of docs/connectors/gohighlevel.md and copy its token (pit-...); or write oauth for a Marketplace app" // #nosec G101 -- where a token is found, and none itself
	appRemedy   = "copy it from the app's page under Advanced Settings, Auth in the developer portal (marketplace.gohighlevel.com)"
)

var (
	plainID    = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	// pathSecret is what may stand in an address without being encoded.
	pathSecret = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

// Check implements config.Settings.
func (s *Settings) Check(c *config.Checker, common config.Connection) {
	switch {
	case s.LocationID == "":
		c.Fault("location_id", "is required", "copy it from the address of the sub-account in the browser: /v2/location/<location_id>/")
	case !plainID.MatchString(s.LocationID):
		c.Fault("location_id", "is not the id of a sub-account, which is made of letters and digits", "copy it from the address of the sub-account in the browser: /v2/location/<location_id>/")
	}
	switch token := s.Token.Reveal(); {
	case token == "" && s.OAuth == nil:
		c.Fault("token", "is required", tokenRemedy)
	case token != "" && s.OAuth != nil:
		c.Fault("oauth", "is set beside token", "keep one of the two")
	case strings.ContainsAny(token, " \t\r\n"):
		c.Fault("token", "contains a space or a line break", "copy the token again, without surrounding characters")
	}
	if s.OAuth != nil {
		s.OAuth.check(c, common)
	}
	if s.Webhook != nil {
		s.Webhook.check(c, s.OAuth)
	}
}

func (o *OAuth) check(c *config.Checker, common config.Connection) {
	if app, suffix, ok := strings.Cut(o.ClientID, "-"); o.ClientID == "" {
		c.Fault("oauth.client_id", "is required", appRemedy)
	} else if !ok || app == "" || suffix == "" {
		c.Fault("oauth.client_id", "is not a client id, which is the app's id, a dash and more", appRemedy)
	}
	if o.ClientSecret == "" {
		c.Fault("oauth.client_secret", "is required", appRemedy)
	}
	if o.CompanyID != "" && !plainID.MatchString(o.CompanyID) {
		c.Fault("oauth.company_id", "is not the id of an agency, which is made of letters and digits", "copy it from Settings, Company of the agency")
	}
	if problem, remedy := common.RedirectProblem(o.redirect()); problem != "" {
		c.Fault("oauth.redirect_url", problem, remedy)
	}
	if !isURL(o.consent(), "https") && !isURL(o.consent(), "http") {
		c.Fault("oauth.consent_url", "is not an absolute http or https address", "leave it out, or write the white-label address of the Marketplace")
	}
}

func (o *OAuth) redirect() string { return or(o.RedirectURL, config.DefaultRedirect) }
func (o *OAuth) consent() string  { return or(o.ConsentURL, defaultConsent) }

func (w *Webhook) check(c *config.Checker, o *OAuth) {
	if w.AppID == "" && w.Workflow == nil {
		c.Fault("webhook", "names neither an app nor a workflow", "write app_id for a Marketplace app, workflow: {secrets: [...]} for webhooks of a workflow, or remove webhook")
	}
	if w.AppID != "" && !plainID.MatchString(w.AppID) {
		c.Fault("webhook.app_id", "is not the id of an app, which is made of letters and digits", "write the part of the app's client id before the dash")
	}
	if o != nil && w.AppID != "" && !strings.HasPrefix(o.ClientID, w.AppID+"-") {
		c.Fault("webhook.app_id", "is not the app of oauth.client_id", "write the part of the client id before the dash")
	}
	if w.AppID == "" && (len(w.PublicKeys) > 0 || w.LegacyRSA) {
		c.Fault("webhook.app_id", "is missing; without it no signed webhook is accepted", "write the part of the app's client id before the dash")
	}
	for i, key := range w.PublicKeys {
		if _, err := signature.ParseEd25519Key(key); err != nil {
			c.Fault(fmt.Sprintf("webhook.public_keys[%d]", i), "is not an Ed25519 public key", "copy the key from HighLevel's Webhook Integration Guide, as base64 or with its BEGIN and END lines; leave public_keys out for the published one")
		}
	}
	if w.Workflow != nil {
		w.Workflow.check(c)
	}
}

func (w *Workflow) check(c *config.Checker) {
	if !headerName.MatchString(w.header()) {
		c.Fault("webhook.workflow.header", "is not the name of a header", "write one such as "+defaultHeader)
	}
	if len(w.Secrets) == 0 {
		c.Fault("webhook.workflow.secrets", "is required: a workflow's webhooks are not signed", "make one with openssl rand -hex 24, write it here and in the workflow's webhook action")
	}
	for i, secret := range w.Secrets {
		path := fmt.Sprintf("webhook.workflow.secrets[%d]", i)
		switch text := secret.Reveal(); {
		case len(text) < shortestSecret:
			c.Fault(path, fmt.Sprintf("has fewer than %d characters", shortestSecret), "make one with openssl rand -hex 24")
		case !pathSecret.MatchString(text):
			c.Fault(path, "has characters that cannot be used in an address", "make one with openssl rand -hex 24")
		}
	}
}

func (w *Workflow) header() string { return http.CanonicalHeaderKey(or(w.Header, defaultHeader)) }

// keys returns the keys that signatures are checked with.
func (w *Webhook) keys() ([]ed25519.PublicKey, error) {
	texts := w.PublicKeys
	if len(texts) == 0 {
		texts = []string{publishedKey}
	}
	var keys []ed25519.PublicKey
	for _, text := range texts {
		key, err := signature.ParseEd25519Key(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Account names the sub-account, so that two connections to it are recognised
// as the same tool.
func (s *Settings) Account(config.Connection) string { return "gohighlevel:" + s.LocationID }

// Identity implements config.HasIdentity: the location, by whatever token.
func (s *Settings) Identity(config.Connection, func(string) string) (key, shown string) {
	return s.LocationID, "location " + s.LocationID
}

// DefaultRateLimit is what HighLevel allows an app for one location.
func (s *Settings) DefaultRateLimit() config.RateLimit {
	return config.RateLimit{Requests: 100, Per: 10 * time.Second}
}

// CanList implements config.HasList: contacts and opportunities can be searched
// without a condition.
func (s *Settings) CanList(bool) bool { return true }

// KeepsTokens implements config.HasTokens.
func (s *Settings) KeepsTokens() bool { return s.OAuth != nil }

const (
	// rotateToken is how old HighLevel advises a private integration token to get:
	// https://marketplace.gohighlevel.com/docs/Authorization/PrivateIntegrationsToken.
	// It does not end by itself.
	rotateToken = 90 * 24 * time.Hour
	// refreshLife is how long a refresh token lasts that is not used:
	// https://marketplace.gohighlevel.com/docs/Authorization/OAuth2.0.
	refreshLife = 365 * 24 * time.Hour
)

// Credentials implements config.HasCredentials.
func (s *Settings) Credentials() []config.Credential {
	if s.OAuth != nil {
		return []config.Credential{{Key: "oauth", Idle: refreshLife}}
	}
	return []config.Credential{{Key: "token", Secret: s.Token, Rotate: rotateToken}}
}

// CheckSide implements config.HasSides.
func (s *Settings) CheckSide(c *config.Checker, side config.Side) {
	p, err := placeOf(connector.Use{Field: side.Field, Values: side.Values, Target: true}, s.Pipeline)
	switch {
	case side.Field == "":
		c.Fault("field", "is required: HighLevel has no field of its own for a customer's status",
			"write field: customer_status for a dropdown custom field of contacts, field: tags, or field: opportunity.status")
	case err != nil:
		c.Fault("field", err.Error(), "write the words of statuses so that each is a tag of its own")
	case p.kind == tags && side.Target && slices.Contains(side.Values, ""):
		c.Fault("field", "an empty text is not a tag", "give each status a tag")
	}
}

// ClosedSet implements config.HasClosedSet: the status of an opportunity. A
// contact may have none, which only a source can mean anything by.
func (s *Settings) ClosedSet(side config.Side) config.ClosedSet {
	if side.Field != fieldOpportunity {
		return config.ClosedSet{}
	}
	return config.ClosedSet{Values: opportunityWords(), Also: []string{""}}
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// WrittenFields implements config.HasWrittenFields. Tags are as many fields as
// words, and the status of an opportunity is one of its pipeline's.
func (s *Settings) WrittenFields(side config.Side) []string {
	switch side.Field {
	case "":
		return nil
	case fieldOpportunity:
		if s.Pipeline == "" {
			return nil // of any
		}
		return []string{fieldOpportunity + " of " + strings.ToLower(s.Pipeline)}
	case fieldTags:
		var all []string
		for _, word := range side.Values {
			all = append(all, "tag "+tagOf(word))
		}
		return all
	}
	return []string{strings.ToLower(strings.TrimPrefix(strings.TrimSpace(side.Field), "contact."))}
}
