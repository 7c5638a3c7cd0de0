package config

import (
	"strings"
)

// The connectors of these tests have the keys of the public contract, and the
// checks that show how a connector's faults find their lines.
var fakeTypes = Types{
	"http":   func() Settings { return &fakeHTTP{} },
	"stripe": func() Settings { return &fakeStripe{} },
}

type fakeHTTP struct {
	Auth    fakeAuth          `yaml:"auth"`
	Webhook *fakeWebhook      `yaml:"webhook"`
	Record  fakeRecord        `yaml:"record"`
	Humans  string            `yaml:"humans"`
	Find    *fakeCall         `yaml:"find"`
	Read    *fakeCall         `yaml:"read"`
	Write   *fakeWrite        `yaml:"write"`
	List    *fakeCall         `yaml:"list"`
	Extra   map[string]string `yaml:"headers"`
}

type fakeAuth struct {
	Bearer Secret `yaml:"bearer"`
	Header *struct {
		Name  string `yaml:"name"`
		Value Secret `yaml:"value"`
	} `yaml:"header"`
	Basic *struct {
		User     string `yaml:"user"`
		Password Secret `yaml:"password"`
	} `yaml:"basic"`
}

type fakeWebhook struct {
	Verify     fakeVerify `yaml:"verify"`
	Events     string     `yaml:"events"`
	ID         string     `yaml:"id"`
	Customer   string     `yaml:"customer"`
	Status     string     `yaml:"status"`
	OccurredAt string     `yaml:"occurred_at"`
}

type fakeVerify struct {
	Scheme  string   `yaml:"scheme"`
	Secrets []Secret `yaml:"secrets"`
	None    bool     `yaml:"none"`
}

type fakeRecord struct {
	ID        string            `yaml:"id"`
	Status    string            `yaml:"status"`
	UpdatedAt string            `yaml:"updated_at"`
	UpdatedBy string            `yaml:"updated_by"`
	Keys      map[string]string `yaml:"keys"`
}

type fakePages struct {
	Next string `yaml:"next"`
}

type fakeCall struct {
	Get       string `yaml:"get"`
	Record    string `yaml:"record"`
	Records   string `yaml:"records"`
	fakePages `yaml:",inline"`
}

type fakeWrite struct {
	Put     string `yaml:"put"`
	Body    any    `yaml:"body"`
	IfMatch string `yaml:"if_match"`
}

func (f *fakeHTTP) Check(c *Checker, common Connection) {
	if common.BaseURL == "" {
		c.Fault("base_url", "it is missing", "write the tool's address")
	}
	if f.Auth.Bearer == "" && f.Auth.Header == nil && f.Auth.Basic == nil {
		c.Fault("auth", "there are no credentials", "write bearer, header or basic")
	}
	if f.Webhook == nil {
		return
	}
	if !f.Webhook.Verify.None && len(f.Webhook.Verify.Secrets) == 0 {
		c.Fault("webhook.verify.secrets", "it is missing", "write the webhook's secret")
	}
	for _, s := range f.Webhook.Verify.Secrets {
		if f.Webhook.Verify.Scheme == "all-at-once" && !strings.HasPrefix(s.Reveal(), "whsec_") {
			c.Fault("webhook.verify.secrets", "one cannot be used", "write the webhook's secret")
		}
		if !strings.HasPrefix(s.Reveal(), "whsec_") {
			c.Fault("webhook.verify.secrets[0]", "it is no webhook secret", "write one that starts with whsec_")
		}
	}
}

func (f *fakeHTTP) CanList(bool) bool { return f.List != nil }

func (f *fakeStripe) CanList(target bool) bool { return !target }

type fakeStripe struct {
	APIKey         Secret   `yaml:"api_key" jsonschema:"required"`
	WebhookSecrets []Secret `yaml:"webhook_secrets"`
	AccountID      string   `yaml:"account"`
}

func (f *fakeStripe) Check(c *Checker, common Connection) {
	if f.APIKey == "" {
		c.Fault("api_key", "it is missing", "write ${STRIPE_API_KEY}")
	}
	if common.Timeout <= 0 {
		c.Fault("", "the common keys were not read before the check", "")
	}
}

func (f *fakeStripe) Account(Connection) string { return f.AccountID }

// fakeEnv is the environment of every test. Its values are the ones that may
// never be seen in a fault, except that the words of closed sets are no secret.
var fakeEnv = map[string]string{
	"STRIPE_API_KEY":        "sk-env-value-1",
	"STRIPE_WEBHOOK_SECRET": "whsec_env-value-2",
	"CRM_TOKEN":             "crm-env-value-3",
	"CRM_WEBHOOK_SECRET":    "whsec_env-value-4",
	"SLACK_BOT_TOKEN":       "xoxb-env-value-5",
	"SLACK_SIGNING_SECRET":  "env-value-6",
	"GHL_TOKEN":             "ghl-env-value-7",
	"PLACEHOLDER":           "rk_…",
	"EMPTY":                 "",
	"TIMEOUT":               "7s",
	"REQUESTS":              "42",
	"YES":                   "true",
	"CONFIDENCE":            "0.75",
	"NETWORK":               "100.100.100.200/32",
	"WRONG":                 "wrong-env-value-8",
	"YAML":                  "{a: [env-value-9, *x, \"\n- z: 1",
}

func lookup(name string) (string, bool) {
	value, ok := fakeEnv[name]
	return value, ok
}

// Several knows the order of Stripe's words.
func (f *fakeStripe) Several(string) (precedence []string, problem, remedy string) {
	return []string{"active", "past_due", "canceled"}, "", ""
}
