package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const writtenFile = `
connections:
  billing: {type: stripe, api_key: sk_live_hunter2, webhook_secrets: [whsec_hunter2, "${STRIPE_WEBHOOK_SECRET}"]}
  crm: {type: http, base_url: "http://127.0.0.1:9002", auth: {bearer: "${CRM_TOKEN}"}}
syncs:
  a:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active, trialing], to: Active}}
`

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("trueup.yaml", []byte(text), t.TempDir(), fakeTypes, lookup)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSettingsAreWhatTheFileSaysWithoutItsSecrets(t *testing.T) {
	got := map[string]string{}
	for _, s := range parsed(t, writtenFile).Written {
		got[s.Path] = s.Text
	}
	want := map[string]string{
		"connections.billing.type": "stripe", "connections.billing.api_key": "(secret)", "connections.billing.webhook_secrets": "[(secret), ${STRIPE_WEBHOOK_SECRET}]",
		"connections.crm.type": "http", "connections.crm.base_url": "http://127.0.0.1:9002", "connections.crm.auth.bearer": "${CRM_TOKEN}",
		"syncs.a.source.connection": "billing", "syncs.a.target.connection": "crm", "syncs.a.match[0].source": "email", "syncs.a.match[0].target": "email",
		"syncs.a.statuses.active.from": "[active, trialing]", "syncs.a.statuses.active.to": "Active",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASecretThatIsWrittenInTheFileIsSeenToChange(t *testing.T) {
	before := parsed(t, writtenFile)
	for name, tt := range map[string]struct {
		old, fresh string
		want       []string
	}{
		"nothing":             {"", "", nil},
		"one secret":          {"sk_live_hunter2", "sk_live_hunter3", []string{"connections.billing.api_key"}},
		"one of a list":       {"whsec_hunter2", "whsec_hunter3", []string{"connections.billing.webhook_secrets"}},
		"what is not secret":  {"to: Active", "to: Customer", nil},
		"a secret that moves": {"sk_live_hunter2", `"${STRIPE_API_KEY}"`, nil}, // the text says so
	} {
		t.Run(name, func(t *testing.T) {
			after := parsed(t, strings.Replace(writtenFile, tt.old, tt.fresh, 1))
			if diff := cmp.Diff(tt.want, SecretsChanged(before.Written, after.Written)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
