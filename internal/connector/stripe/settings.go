package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// Settings are the keys of a connection of type stripe.
type Settings struct {
	APIKey         config.Secret   `yaml:"api_key"`
	WebhookSecrets []config.Secret `yaml:"webhook_secrets"`
	Status         string          `yaml:"status" jsonschema_description:"What a subscription's status is called, where Stripe's own words do not do: an expression (CEL) over subscription, standing, products and prices. null: the subscription does not count."`
	Values         []string        `yaml:"values" jsonschema_description:"With status: every word that the expression can give, the best first, and canceled."`
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
	s.checkStatus(c)
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

// checkStatus checks the words of the account's own.
func (s *Settings) checkStatus(c *config.Checker) {
	if s.Status == "" {
		if s.Values != nil {
			c.Fault("values", "is given, and status is not", "remove it, as Stripe's own words are known; or write status, an expression that gives these words")
		}
		return
	}
	if _, problem := compileWords(s.Status, s.Values); problem != "" {
		c.Fault("status", problem, "write an expression of subscription, standing, products and prices, such as \"subscription.cancel_at_period_end ? 'leaving' : standing\" (cel.dev)")
	}
	if len(s.Values) == 0 {
		c.Fault("values", "is missing, and status is given", "list every word that status can give, the best first: with several subscriptions the best one is the customer's")
		return
	}
	for i, word := range s.Values {
		at := fmt.Sprintf("values[%d]", i)
		switch {
		case word == "":
			c.Fault(at, "is empty", "write a word that status can give, or remove it")
		case slices.Contains(s.Values[:i], word):
			c.Fault(at, "is there twice", "keep the place that it has among the others")
		}
	}
	if !slices.Contains(s.Values, canceled) {
		c.Fault("values", "lacks canceled, which is what a deleted customer is", "add canceled in its place")
	}
}

// vocabulary is every word that a customer can have, the best first.
func (s *Settings) vocabulary() []string {
	if s.Status != "" {
		return slices.Clone(s.Values)
	}
	return Values()
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
	return config.ClosedSet{Values: s.vocabulary(), Grows: s.Status == "", Usual: map[string]string{
		active: "active", trialing: "active", pastDue: "active", paused: "paused", unpaid: "paused", canceled: "churned",
		incomplete: "ignore", incompleteExpired: "ignore"}}
}

// Several implements config.HasSeveral: Stripe lists customers by their e-mail address.
func (s *Settings) Several(string) (precedence []string, problem, remedy string) {
	return s.vocabulary(), "", ""
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
