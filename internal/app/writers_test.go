package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
)

// Two syncs that write one field write over each other, whatever their
// connections are called.
func TestTwoSyncsMayNotWriteOneField(t *testing.T) {
	t.Parallel()
	const rest = `{type: http, base_url: "https://crm.example.com", auth: {bearer: x}, record: {id: record.id, status: record.status},
    read: {get: "/contacts/{id}"}, write: %s}`
	const plain = `{put: "/contacts/{id}", body: {status: "{value}"}}`
	ghl := func(more string) string {
		return "{type: gohighlevel, location_id: L0cAt10nAbCdEfGhIjKl, token: pit-first-first-first" + more + "}"
	}
	for name, c := range map[string]struct {
		first, second           string // the connections of the targets
		firstField, secondField string
		firstTo, secondTo       string
		fault                   bool
	}{
		"one field by two connections": {first: fmt.Sprintf(rest, plain), second: fmt.Sprintf(strings.Replace(rest, "https://crm", "https://CRM", 1), `{patch: "/contacts/{id}", body: {source: trueup, status: "{value}"}}`), fault: true},
		"fields of other names":        {first: fmt.Sprintf(rest, plain), second: fmt.Sprintf(rest, `{put: "/contacts/{id}", body: {tier: "{value}"}}`)},
		"items of a list that differ": {first: fmt.Sprintf(rest, `{put: "/contacts/{id}", body: {fields: [{id: status, value: "{value}"}]}}`),
			second: fmt.Sprintf(rest, `{put: "/contacts/{id}", body: {fields: [{id: tier, value: "{value}"}]}}`)},
		"the same item of a list": {first: fmt.Sprintf(rest, `{put: "/contacts/{id}", body: {fields: [{id: status, value: "{value}"}]}}`),
			second: fmt.Sprintf(rest, `{put: "/contacts/{id}", body: {fields: [{value: "{value}", id: status}]}}`), fault: true},
		"paths of other fields":           {first: fmt.Sprintf(rest, `{put: "/contacts/{id}/status", body: {value: "{value}"}}`), second: fmt.Sprintf(rest, `{put: "/contacts/{id}/tier", body: {value: "{value}"}}`)},
		"one custom field of a location":  {first: ghl(""), second: ghl(`, base_url: "https://proxy.example.com"`), firstField: "customer_status", secondField: "contact.customer_status", fault: true},
		"two custom fields of a location": {first: ghl(""), second: ghl(""), firstField: "customer_status", secondField: "tier"},
		"tags with a word in common":      {first: ghl(""), second: ghl(""), firstField: "tags", secondField: "tags", firstTo: "Member", secondTo: "member", fault: true},
		"tags without one":                {first: ghl(""), second: ghl(""), firstField: "tags", secondField: "tags", firstTo: "member", secondTo: "gold"},
		"two pipelines":                   {first: ghl(", pipeline: Sales"), second: ghl(", pipeline: Renewal"), firstField: "opportunity.status", secondField: "opportunity.status", firstTo: "won", secondTo: "won"},
	} {
		sync := func(target, field, to string) string {
			if field != "" {
				field = ", field: " + field
			}
			if to == "" {
				to = "Active"
			}
			return "\n    source: {connection: billing}\n    target: {connection: " + target + field + "}\n    match: [{source: email, target: email}]\n    mode: live\n    statuses: {active: {from: [active], to: " + to + "}}\n    ignore: [trialing, past_due, paused, unpaid, canceled, incomplete, incomplete_expired]\n"
		}
		text := `
connections:
  billing: {type: stripe, api_key: sk_test_first, webhook_secrets: [whsec_Zmlyc3QtZmlyc3QtZmlyc3QtZmlyc3Q=]}
  one: ` + c.first + `
  two: ` + c.second + `
syncs:
  a:` + sync("one", c.firstField, c.firstTo) + `  b:` + sync("two", c.secondField, c.secondTo)
		_, err := config.Parse("trueup.yaml", []byte(text), t.TempDir(), Types(), func(string) (string, bool) { return "", false })
		switch {
		case c.fault && (err == nil || !strings.Contains(err.Error(), "syncs.b.target: it writes the same field as sync a")):
			t.Errorf("%s: %v", name, err)
		case !c.fault && err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}
