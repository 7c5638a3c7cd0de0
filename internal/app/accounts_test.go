package app

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
)

const accountFile = `
connections:
  billing: {type: stripe, api_key: sk_test_first, webhook_secrets: [whsec_Zmlyc3QtZmlyc3QtZmlyc3QtZmlyc3Q=]}
  crm: {type: gohighlevel, location_id: L0cAt10nAbCdEfGhIjKl, token: pit-first-first-first, base_url: "https://crm.example.com"}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm, field: customer_status}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active], to: Active}}
    ignore: [trialing, past_due, paused, unpaid, canceled, incomplete, incomplete_expired]
    mode: live
    sweep: off
`

// What is compared or planned with one account is not gone on with when the
// connection's name stands for another, and no secret is in what is stored.
func TestAnotherAccountUnderTheSameNameIsAnotherSetOfRules(t *testing.T) {
	t.Parallel()
	read := func(old, now string) config.Sync {
		text := strings.Replace(accountFile, old, now, 1)
		if old != now && text == accountFile {
			t.Fatalf("%q is not in the file", old)
		}
		cfg, err := config.Parse("trueup.yaml", []byte(text), t.TempDir(), Types(), func(string) (string, bool) { return "Fr0mTheEnv1r0nmentAbC", true })
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Syncs["customer-status"]
	}
	was := read("", "")
	for name, c := range map[string]struct {
		old, now string
		other    bool
	}{
		"another location":       {"L0cAt10nAbCdEfGhIjKl", "An0therL0cat10nAbCdE", true},
		"another source":         {"api_key:", `base_url: "https://stripe.example.com", api_key:`, true},
		"another address":        {"https://crm.example.com", "https://other.example.com", true},
		"another token":          {"pit-first-first-first", "pit-other-other-other", false},
		"another key":            {"sk_test_first", "sk_test_other", false},
		"a second secret":        {"Zmlyc3Q=]", "Zmlyc3Q=, whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI=]", false},
		"a limit of its calls":   {"location_id:", "rate_limit: {requests: 5, per: 1s}, location_id:", false},
		"another field is named": {"field: customer_status", "field: other_status", true},
	} {
		now := read(c.old, c.now)
		if other := was.Rules() != now.Rules(); other != c.other {
			t.Errorf("%s: other rules: %t; the accounts are %s and %s", name, other, now.Source.Account, now.Target.Account)
		}
	}
	for _, secret := range []string{"sk_test", "pit-", "whsec", "redacted"} {
		if strings.Contains(was.Source.Account+was.Target.Account, secret) {
			t.Errorf("%s is in what is said of the account: %s %s", secret, was.Source.Account, was.Target.Account)
		}
	}
	// It may be a key in the path of a call, and a field that holds it is no secret.
	if outside := read("L0cAt10nAbCdEfGhIjKl", "${LOCATION}"); !strings.Contains(outside.Target.Account, "${LOCATION}") || strings.Contains(outside.Target.Account, "Fr0mTheEnv1r0nmentAbC") {
		t.Errorf("what comes from the environment is in what is said of the account: %s", outside.Target.Account)
	}
}
