package makecom

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/signature"
)

// Type is the connection's type in the configuration.
const Type = "make"

// Settings are the keys of a connection of type make.
type Settings struct {
	// WebhookURL is a secret: whoever knows it reaches the scenario.
	WebhookURL config.Secret `yaml:"webhook_url" jsonschema_description:"The address of the scenario's custom webhook, which finds, reads and writes."`
	APIKey     config.Secret `yaml:"api_key" jsonschema_description:"The key that the webhook requires, sent as x-make-apikey."`
	Webhook    *Webhook      `yaml:"webhook" jsonschema_description:"How events from a scenario are verified."`
	// Knows lists the optional parts of a record that the scenario answers, and
	// whether it can list all of them.
	Knows []string `yaml:"knows" jsonschema_description:"What the scenario reports about a record besides its status: changed_at, changed_by; and list, if it can list all records."`
}

// Webhook says how the scenario's events are verified.
type Webhook struct {
	Verify Verify `yaml:"verify" jsonschema:"required" jsonschema_description:"The secret header or signature that proves where an event comes from."`
}

// Verify names a scheme and its parts.
type Verify struct {
	Scheme  string          `yaml:"scheme" jsonschema:"required,enum=header,enum=standard-webhooks" jsonschema_description:"header sends the secret itself; standard-webhooks signs with it."`
	Name    string          `yaml:"name" jsonschema:"example=X-Trueup-Key" jsonschema_description:"For header: the header that contains the secret."`
	Secrets []config.Secret `yaml:"secrets" jsonschema:"required" jsonschema_description:"The secret; two while it is being replaced."`
}

// The schemes of Verify.
const (
	SchemeHeader   = "header"
	SchemeStandard = "standard-webhooks"
)

// The words of Knows.
const (
	KnowsChangedAt = "changed_at"
	KnowsChangedBy = "changed_by"
	KnowsList      = "list" // it can list all records
)

// maxAPIKey is the longest key Make takes (help.make.com/webhooks).
const maxAPIKey = 512

const (
	remedyURL = "copy it from the Custom webhook module in Make, such as https://hook.eu2.make.com/abc; " +
		"before the scenario exists write any address there, and run trueup export make"
	remedyKey = "add an API key to the webhook in Make (Webhooks, Edit, API Key authentication) and write it as ${NAME}"
)

// Check implements config.Settings.
func (s *Settings) Check(c *config.Checker, _ config.Connection) {
	if s.WebhookURL == "" && s.Webhook == nil {
		c.Fault("", "has neither webhook_url nor webhook", "write webhook_url to call a scenario, webhook to receive events from one, or both")
	}
	if s.WebhookURL != "" {
		s.checkURL(c)
		s.checkKey(c)
	} else if s.APIKey != "" {
		c.Fault("api_key", "belongs to webhook_url, which is missing", remedyURL)
	}
	if s.Webhook != nil {
		s.Webhook.Verify.check(c)
	}
	for i, word := range s.Knows {
		at := fmt.Sprintf("knows[%d]", i)
		switch {
		case word != KnowsChangedAt && word != KnowsChangedBy && word != KnowsList:
			c.Fault(at, "is not known", "write changed_at or changed_by, which the scenario puts into its answers, or list, when it can list all records")
		case word == KnowsList && s.WebhookURL == "":
			c.Fault(at, "belongs to webhook_url, which is missing: nobody can be asked for a list", remedyURL)
		}
	}
}

func (s *Settings) checkURL(c *config.Checker) {
	u, err := url.Parse(s.WebhookURL.Reveal())
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		c.Fault("webhook_url", "is not an absolute http or https URL", remedyURL)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s.WebhookURL.Reveal(), "#"):
		c.Fault("webhook_url", "has a user, a query or a fragment", "write the URL up to the path: Make would mix a query into what Trueup sends")
	case strings.Trim(u.Path, "/") == "":
		c.Fault("webhook_url", "has no path, so it names no webhook", remedyURL)
	case u.Scheme == "http" && !config.Loopback(u.Hostname()):
		c.Fault("webhook_url", "is not https, so the API key would be readable on its way", "write https://")
	}
}

func (s *Settings) checkKey(c *config.Checker) {
	key := s.APIKey.Reveal()
	switch {
	case key == "":
		c.Fault("api_key", "is missing: without it, anyone who learns the address can write", remedyKey)
	case len(key) > maxAPIKey:
		c.Fault("api_key", fmt.Sprintf("is longer than the %d characters Make allows", maxAPIKey), remedyKey)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		c.Fault("api_key", "holds a space, a line break or a character that is not ASCII", "copy it again, without surrounding characters")
	}
}

func (v Verify) check(c *config.Checker) {
	const at = "webhook.verify"
	switch v.Scheme {
	case SchemeHeader:
		if v.Name == "" || strings.ContainsFunc(v.Name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			c.Fault(at+".name", "is not the name of a header", "write a name such as X-Trueup-Key")
			return
		}
		for i, secret := range v.Secrets {
			if strings.ContainsFunc(secret.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				c.Fault(fmt.Sprintf("%s.secrets[%d]", at, i), "contains a line break or another control character", "remove it: a header cannot contain it")
			}
		}
	case SchemeStandard:
		if v.Name != "" {
			c.Fault(at+".name", "does not belong to "+SchemeStandard, "remove it")
		}
	default:
		c.Fault(at+".scheme", "is not known", "write header, or standard-webhooks")
		return
	}
	if len(v.Secrets) == 0 {
		c.Fault(at+".secrets", "is missing", "write the secret that the scenario uses as [${NAME}]; two while it is being replaced")
	} else if _, err := v.open(); err != nil {
		c.Fault(at+".secrets", "cannot be used: "+err.Error(), "for header write any long random text, for standard-webhooks whsec_ and base64")
	}
}

// open returns the scheme with its secrets.
func (v Verify) open() (signature.Scheme, error) {
	var secrets []string
	for _, s := range v.Secrets {
		secrets = append(secrets, s.Reveal())
	}
	if v.Scheme == SchemeStandard {
		scheme, err := signature.NewStandardWebhooks(secrets)
		return patient{scheme}, err
	}
	return signature.NewStaticHeader(v.Name, secrets)
}

// CheckSide implements config.HasSides.
func (s *Settings) CheckSide(c *config.Checker, side config.Side) {
	switch {
	case side.Target && s.WebhookURL == "":
		c.Fault("connection", "is a target and has no webhook_url, so it cannot be written to", remedyURL)
	case !side.Target && s.Webhook == nil:
		c.Fault("connection", "is a source and has no webhook, so no event would ever arrive", "add webhook to the connection, and let a scenario send its events")
	}
}

// CanList implements config.HasList.
func (s *Settings) CanList(bool) bool { return s.WebhookURL != "" && s.knows(KnowsList) }

// DefaultRateLimit implements config.HasRateLimit: below the 100 runs a minute
// at which Make begins to answer 429 unless the scenario says otherwise.
func (s *Settings) DefaultRateLimit() config.RateLimit {
	return config.RateLimit{Requests: 80, Per: time.Minute}
}

func (s *Settings) knows(word string) bool { return slices.Contains(s.Knows, word) }

// Account names the scenario without revealing its address, so that two
// connections to one are recognised as the same tool.
func (s *Settings) Account(config.Connection) string {
	if s.WebhookURL == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("make webhook " + s.WebhookURL.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// Identity implements config.HasIdentity: the scenario, which answers for the
// tool behind it. Its address is its only name, so that a new address has to be
// said to be the same.
func (s *Settings) Identity(common config.Connection, _ func(string) string) (key, shown string) {
	u, err := url.Parse(s.WebhookURL.Reveal())
	if s.WebhookURL == "" || err != nil {
		return "", ""
	}
	return s.Account(common), "webhook at " + u.Host
}

// Credentials implements config.HasCredentials.
func (s *Settings) Credentials() []config.Credential {
	if s.APIKey == "" {
		return nil
	}
	return []config.Credential{{Key: "api_key", Secret: s.APIKey}}
}
