package app

import (
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
)

// Links belong to an account for as long as it lasts: a key that was turned, and
// whatever else says how to ask and not whom, is no other account.
func TestAnAccountIsToldFromAnotherByWhatLasts(t *testing.T) {
	t.Parallel()
	read := func(text string, env map[string]string) config.Sync {
		t.Helper()
		cfg, err := config.Parse("trueup.yaml", []byte(text), t.TempDir(), Types(), func(name string) (string, bool) {
			v, ok := env[name]
			return v, ok
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range cfg.Syncs {
			return s
		}
		return config.Sync{}
	}
	example, err := os.ReadFile("../../docs/examples/trueup.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rest := string(example)
	env := map[string]string{"STRIPE_API_KEY": "rk_live_first", "STRIPE_WEBHOOK_SECRET": "whsec_Zmlyc3QtZmlyc3QtZmlyc3QtZmlyc3Q=", "CRM_TOKEN": "first",
		"CRM_URL": "https://sandbox.example.com", "LOCATION": "An0therL0cat10nAbCdE"}
	for name, c := range map[string]struct {
		text, old, now string
		env            map[string]string
		source, target bool // another
	}{
		"another location":                      {text: accountFile, old: "L0cAt10nAbCdEfGhIjKl", now: "An0therL0cat10nAbCdE", target: true},
		"another location from the environment": {text: accountFile, old: "L0cAt10nAbCdEfGhIjKl", now: "${LOCATION}", target: true},
		"another address of one location":       {text: accountFile, old: "https://crm.example.com", now: "https://proxy.example.com"},
		"another token":                         {text: accountFile, old: "pit-first-first-first", now: "pit-other-other-other"},
		"another key of Stripe":                 {text: accountFile, old: "sk_test_first", now: "rk_test_other"},
		"a key of Stripe's live mode":           {text: accountFile, old: "sk_test_first", now: "sk_live_first", source: true},
		"another field":                         {text: accountFile, old: "field: customer_status", now: "field: other_status"},
		"another address":                       {text: rest, old: "base_url: https://crm.example.com", now: "base_url: https://other.example.com", target: true},
		"another path of the address":           {text: rest, old: "base_url: https://crm.example.com", now: "base_url: https://crm.example.com/tenant-2", target: true},
		"the same address, spelt otherwise":     {text: rest, old: "base_url: https://crm.example.com", now: "base_url: https://CRM.example.com:443/"},
		"another token of a REST API":           {text: rest, env: map[string]string{"CRM_TOKEN": "other"}},
		"another path of a record":              {text: rest, old: "/contacts/{id}", now: "/tenants/2/contacts/{id}", target: true},
		"an address from the environment":       {text: rest, old: "base_url: https://crm.example.com", now: "base_url: ${CRM_URL}", target: true},
	} {
		text := c.text
		if c.old != "" {
			if text = strings.ReplaceAll(text, c.old, c.now); text == c.text {
				t.Fatalf("%s: %q is not in the file", name, c.old)
			}
		}
		turned := map[string]string{}
		for k, v := range env {
			turned[k] = v
		}
		for k, v := range c.env {
			turned[k] = v
		}
		was, now := read(c.text, env), read(text, turned)
		if source, target := !was.Source.Identity.Same(now.Source.Identity), !was.Target.Identity.Same(now.Target.Identity); source != c.source || target != c.target {
			t.Errorf("%s: another source %t, another target %t; %+v %+v", name, source, target, now.Source.Identity, now.Target.Identity)
		}
		for _, secret := range []string{"first", "other-", "whsec"} {
			if strings.Contains(now.Source.Identity.Shown+now.Target.Identity.Shown, secret) {
				t.Errorf("%s: %q is shown: %+v %+v", name, secret, now.Source.Identity, now.Target.Identity)
			}
		}
	}
}
