package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"trueup/internal/config"
)

// Settings are the keys of a connection of type stripe.
type Settings struct {
	APIKey         config.Secret   `yaml:"api_key"`
	WebhookSecrets []config.Secret `yaml:"webhook_secrets"`
}

const restrictedKey = "create a restricted key (rk_...) in the Stripe Dashboard under Developers, API keys, " +
	"with the permission Read on Customers, Subscriptions and Events"

// Check implements config.Settings.
func (s *Settings) Check(c *config.Checker, _ config.Connection) {
	switch key := s.APIKey.Reveal(); {
	case key == "":
		c.Fault("api_key", "is required", restrictedKey)
	case strings.HasPrefix(key, "pk_"):
		c.Fault("api_key", "is a publishable key, which cannot read customers", restrictedKey)
	case strings.HasPrefix(key, "whsec_"):
		c.Fault("api_key", "is the signing secret of a webhook endpoint", "put it under webhook_secrets, and for api_key "+restrictedKey)
	case strings.HasPrefix(key, "sk_org_"), strings.HasPrefix(key, "rk_org_"):
		c.Fault("api_key", "is the key of an organization, which Stripe accepts only with the name of an account in each call",
			"in the account whose customers Trueup follows, "+restrictedKey)
	case !strings.HasPrefix(key, "rk_") && !strings.HasPrefix(key, "sk_"):
		c.Fault("api_key", "is not a Stripe API key, which begins with rk_ or sk_", restrictedKey)
	case strings.ContainsAny(key, " \t\r\n"):
		c.Fault("api_key", "contains a space or a line break", "copy the key again, without surrounding characters")
	}
	if len(s.WebhookSecrets) == 0 {
		c.Fault("webhook_secrets", "is required: a Stripe connection without webhooks is not supported, not even with poll",
			"create an endpoint in the Stripe Dashboard under Developers, Webhooks, that sends to "+
				"<public_url>/hooks/<connection>, and copy its signing secret (whsec_...)")
	}
	for i, secret := range s.WebhookSecrets {
		path := fmt.Sprintf("webhook_secrets[%d]", i)
		switch text := secret.Reveal(); {
		case !strings.HasPrefix(text, "whsec_") || text == "whsec_":
			c.Fault(path, "is not the signing secret of a Stripe endpoint, which begins with whsec_",
				"copy it from the endpoint's page in the Stripe Dashboard (Reveal signing secret)")
		case strings.ContainsAny(text, " \t\r\n"):
			c.Fault(path, "contains a space or a line break", "copy the secret again, without surrounding characters")
		}
	}
}

// CanList implements config.HasList. Stripe is a source only.
func (s *Settings) CanList(target bool) bool { return !target }

// CheckSide implements config.HasSides: Stripe decides and never follows.
func (s *Settings) CheckSide(c *config.Checker, side config.Side) {
	if side.Target {
		c.Fault("connection", "is a Stripe account, which is never written to", "make it the source, and name the tool that follows here")
	}
}

// ClosedSet implements config.HasClosedSet. What each usually means is what
// docs/connectors/stripe.md calls a common choice.
func (s *Settings) ClosedSet(side config.Side) config.ClosedSet {
	if side.Target {
		return config.ClosedSet{}
	}
	return config.ClosedSet{Values: Values(), Grows: true, Usual: map[string]string{
		active: "active", trialing: "active", pastDue: "active", paused: "paused", unpaid: "paused", canceled: "churned",
		incomplete: "ignore", incompleteExpired: "ignore"}}
}

// Several implements config.HasSeveral: Stripe lists customers by their e-mail address.
func (s *Settings) Several(string) (precedence []string, problem, remedy string) {
	return Values(), "", ""
}

// Account names the Stripe account without revealing the key, so that two
// connections to one account are recognised as the same tool. Two different
// keys of one account give two names: the key does not say whose it is.
func (s *Settings) Account(config.Connection) string {
	sum := sha256.Sum256([]byte("stripe account of " + s.APIKey.Reveal()))
	return "stripe:" + hex.EncodeToString(sum[:8])
}

// Identity implements config.HasIdentity. A key does not tell whose it is, only
// whether it is one of test mode, which has customers of its own; and no two
// accounts of Stripe have a customer of the same id.
func (s *Settings) Identity(config.Connection, func(string) string) (key, shown string) {
	mode := "live mode"
	if _, rest, _ := strings.Cut(s.APIKey.Reveal(), "_"); strings.HasPrefix(rest, "test_") {
		mode = "test mode"
	}
	return mode, mode
}

// Credentials implements config.HasCredentials.
func (s *Settings) Credentials() []config.Credential {
	return []config.Credential{{Key: "api_key", Secret: s.APIKey}}
}
