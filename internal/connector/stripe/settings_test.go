package stripe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

func TestCheck(t *testing.T) {
	good := []config.Secret{"whsec_abc"}
	for _, tc := range []struct {
		name string
		s    Settings
		want []string // path: part of the problem
	}{
		{"a restricted key and a secret are fine", Settings{APIKey: "rk_live_abc", WebhookSecrets: good}, nil},
		{"a secret key is accepted", Settings{APIKey: "sk_test_abc", WebhookSecrets: good}, nil},
		{"two secrets while rotating are fine", Settings{APIKey: "rk_live_abc", WebhookSecrets: []config.Secret{"whsec_a", "whsec_b"}}, nil},
		{"nothing at all gives both faults", Settings{}, []string{"api_key: is required", "webhook_secrets: is required"}},
		{"a publishable key is refused", Settings{APIKey: "pk_live_abc", WebhookSecrets: good}, []string{"api_key: is a publishable key"}},
		{"a signing secret in the wrong place is refused", Settings{APIKey: "whsec_abc", WebhookSecrets: good}, []string{"api_key: is the signing secret"}},
		{"something else is refused", Settings{APIKey: "letmein", WebhookSecrets: good}, []string{"api_key: is not a Stripe API key"}},
		{"a line break in the key is refused", Settings{APIKey: "rk_live_abc\n", WebhookSecrets: good}, []string{"api_key: contains a space"}},
		{"webhooks are not optional", Settings{APIKey: "rk_live_abc", WebhookSecrets: nil}, []string{"webhook_secrets: is required"}},
		{"each bad secret is named", Settings{APIKey: "rk_live_abc", WebhookSecrets: []config.Secret{"whsec_a", "", "whsec_", "rk_live_abc", "whsec_a b"}}, []string{
			"webhook_secrets[1]: is not the signing secret", "webhook_secrets[2]: is not the signing secret",
			"webhook_secrets[3]: is not the signing secret", "webhook_secrets[4]: contains a space"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			tc.s.Check(config.NewChecker(func(path, problem, remedy string) {
				got = append(got, strings.TrimPrefix(path, "connection.")+": "+problem)
				if remedy == "" {
					t.Errorf("%s %s: no remedy", path, problem)
				}
				for _, text := range []string{problem, remedy} {
					if strings.Contains(text, "_abc") || strings.Contains(text, "letmein") {
						t.Errorf("the text quotes a secret: %s", text)
					}
				}
			}), config.Connection{})
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tc.want[i]) {
					t.Errorf("got %q, want %q", got[i], tc.want[i])
				}
			}
		})
	}
}

func TestTheKeyOfAnOrganizationIsRefusedWithTheReason(t *testing.T) {
	for _, key := range []config.Secret{"sk_org_live_abc", "rk_org_test_abc"} {
		var got string
		s := Settings{APIKey: key, WebhookSecrets: []config.Secret{testSecret}}
		s.Check(config.NewChecker(func(path, problem, remedy string) { got += path + " " + problem + "; " + remedy }), config.Connection{})
		if !strings.Contains(got, "is the key of an organization") || !strings.Contains(got, "in the account whose customers Trueup follows, create a restricted key") {
			t.Errorf("said %q", got)
		}
	}
}

func TestAccountTellsKeysApartWithoutShowingThem(t *testing.T) {
	one, two := &Settings{APIKey: "rk_live_abc"}, &Settings{APIKey: "rk_live_def"}
	if a := one.Account(config.Connection{}); a != one.Account(config.Connection{BaseURL: "http://proxy"}) ||
		a == two.Account(config.Connection{}) || strings.Contains(a, "abc") {
		t.Errorf("account %q", a)
	}
}

func TestOpen(t *testing.T) {
	settings := &Settings{APIKey: testKey, WebhookSecrets: []config.Secret{testSecret}}
	conn, err := Open("billing", config.Connection{}, settings, connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if conn.Name != "billing" || conn.Type != "stripe" || conn.Target != nil || conn.EventSource != nil {
		t.Errorf("opened %+v", conn)
	}
	if conn.Receiver == nil || conn.Source == nil || conn.Changes == nil || conn.Probe == nil {
		t.Errorf("an ability is missing: %+v", conn)
	}
	if diff := cmp.Diff(connector.Knowledge{Order: true, DeleteNotice: true}, conn.Knows); diff != "" {
		t.Error(diff)
	}
	conn.Values[0] = "changed"
	if Values()[0] != "active" {
		t.Error("the vocabulary can be changed through a connection")
	}
	for name, bad := range map[string]config.Connection{
		"no address":   {BaseURL: "not an address"},
		"no host":      {BaseURL: "https://"},
		"other scheme": {BaseURL: "ftp://example.com"},
	} {
		if _, err := Open("billing", bad, settings, connector.Deps{}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := Open("billing", config.Connection{}, &Settings{APIKey: testKey}, connector.Deps{}); err == nil {
		t.Error("opened without a webhook secret")
	}
}

func TestTheFileIsComparedWithEachStatusOfASubscription(t *testing.T) {
	set := new(Settings).ClosedSet(config.Side{})
	if diff := cmp.Diff(Values(), set.Values); diff != "" || !set.Grows {
		t.Errorf("grows %v, %s", set.Grows, diff)
	}
	for _, value := range Values() {
		if set.Usual[value] == "" {
			t.Errorf("nobody is told what %s usually means", value)
		}
	}
}
