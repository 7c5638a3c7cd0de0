package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

// What people get wrong when they connect a tool, in the answers that the tools
// give: trueup check --live names each in a sentence with what to do, and writes
// nothing.
func TestWhatIsWrongWithAToolIsNamedByTheLiveCheck(t *testing.T) {
	hub := func(code int, category, message string) func(*shop) {
		return func(s *shop) {
			s.instead["GET"] = []refusal{hubspotRefusal(code, category, message), hubspotRefusal(code, category, message)}
		}
	}
	pipe := func(code int, text, word string) func(*shop) {
		return func(s *shop) {
			s.instead["GET"] = []refusal{pipedriveRefusal(code, text, word), pipedriveRefusal(code, text, word)}
		}
	}
	sales := func(code int, word, text string) func(*shop) {
		return func(s *shop) {
			no := salesforceRefusal(code, word, text)
			s.instead["GET"] = []refusal{no, no, no, no}
		}
	}
	denied := func(word, text string) func(*shop) {
		return func(s *shop) {
			s.denies = refusal{code: http.StatusBadRequest, body: object{"error": word, "error_description": text}}
		}
	}
	renamed := func(s *shop) { s.field = "other" }
	text := func(s *shop) { s.text = true }
	answers := func(code int, body any) func(*shop) {
		return func(s *shop) {
			s.ended = func(*http.Request) refusal { return refusal{code: code, body: body} }
		}
	}
	full := func(wrong func(*shop)) func(*shop) { // each record has a status
		return func(s *shop) {
			for _, r := range s.rows {
				r.status = "Active"
			}
			wrong(s)
		}
	}
	readOnly := func(s *shop) { s.readOnly = true }
	notionSays := func(code int, word, text string) func(*shop) {
		return answers(code, object{"object": "error", "status": code, "code": word, "message": text})
	}
	for _, c := range []struct {
		tool, name string
		wrong      func(*shop)
		want       []string
	}{
		{"hubspot", "all is well", func(*shop) {}, []string{"the credentials are accepted", "has 3 options"}},
		{"hubspot", "a key of another kind", hub(401, "INVALID_AUTHENTICATION", "Authentication credentials not found"), []string{"does not accept the credentials", "of the kind that auth sends", "INVALID_AUTHENTICATION"}},
		{"hubspot", "a scope is missing", hub(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
			[]string{"do not allow this call", "MISSING_SCOPES", "permissions (scopes)"}},
		{"hubspot", "the scope to write is missing", readOnly, []string{"the credentials lack the scope crm.objects.contacts.write", "grant this in the tool"}},
		{"hubspot", "the property was renamed, or the token is the sandbox's", renamed, []string{"none of them has the field", "/crm/v3/properties/contacts/trueup_status", "renamed", "another account"}},
		{"hubspot", "the property is a text", text, []string{"has no options", "drop-down"}},
		{"pipedrive", "all is well", func(*shop) {}, []string{"the credentials are accepted", "has 4 options"}},
		{"pipedrive", "the token of another company", pipe(401, "unauthorized access", ""), []string{"does not accept the credentials", "of this account"}},
		{"pipedrive", "a permission is missing", pipe(403, "Scope and URL mismatch", ""), []string{"do not allow this call", "permissions (scopes)"}},
		{"pipedrive", "the field is another account's", renamed, []string{"nothing at GET", "/api/v2/personFields/", "another account"}},
		{"pipedrive", "the field is a text", text, []string{"options.values", "of another type", "must have options"}},
		{"salesforce", "all is well", func(*shop) {}, []string{"the credentials are accepted", "has 3 options"}},
		{"salesforce", "no user runs the app", denied("invalid_grant", "no client credentials user enabled"), []string{"invalid_grant", "sandbox"}},
		{"salesforce", "the app is the sandbox's", denied("invalid_client_id", "client identifier invalid"), []string{"invalid_client_id", "sandbox"}},
		{"salesforce", "the session is another org's", sales(401, "INVALID_SESSION_ID", "Session expired or invalid"), []string{"INVALID_SESSION_ID", "of this account"}},
		{"salesforce", "the user may not use the API", sales(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."), []string{"API_DISABLED_FOR_ORG", "permissions (scopes)"}},
		{"salesforce", "the user may not edit the field", readOnly, []string{"lack the permission Edit on contacts and the permission to edit the field Status__c"}},
		{"salesforce", "the field was renamed or is hidden", renamed, []string{"INVALID_FIELD", "renamed or hidden field", "options.values"}},
		{"salesforce", "the field is a text", text, []string{"has no options", "drop-down"}},
		{"zendesk", "a password in the place of the token", answers(401, object{"error": "Couldn't authenticate you"}), []string{"does not accept the credentials", "of the kind that auth sends", "sandbox"}},
		{"zendesk", "the user is no agent", answers(403, object{"error": object{"title": "Forbidden", "message": "You do not have access to this page."}}), []string{"do not allow this call", "permissions (scopes)"}},
		{"zendesk", "the field was renamed, or this is the sandbox", renamed, []string{"none of them has the field", "renamed", "another account"}},
		{"intercom", "a token of another kind, or of another workspace", answers(401, intercomRefusal(401, "unauthorized", "Access Token Invalid").body), []string{"does not accept the credentials", "of this account"}},
		{"intercom", "a permission is missing", answers(403, intercomRefusal(403, "api_plan_restricted", "Active subscription needed.").body), []string{"do not allow this call", "permissions (scopes)"}},
		{"intercom", "the attribute was renamed", renamed, []string{"none of them has the field", "renamed", "another account"}},
		{"activecampaign", "the key of another account", answers(403, object{"message": "You are unauthorized"}), []string{"do not allow this call"}},
		{"activecampaign", "the field is another account's", full(func(s *shop) { s.field = "99" }), []string{"4 of them have no status", "renamed", "another account"}},
		{"airtable", "a token of another kind", answers(401, object{"error": object{"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}}), []string{"does not accept the credentials", "of the kind that auth sends"}},
		{"airtable", "a scope is missing, or the base is another one", answers(403, object{"error": object{"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "Invalid permissions, or the requested model was not found."}}), []string{"do not allow this call", "permissions (scopes)"}},
		{"airtable", "the field was renamed", full(renamed), []string{"4 of them have no status", "renamed", "another account"}},
		{"notion", "a token of another kind", notionSays(401, "unauthorized", "API token is invalid."), []string{"does not accept the credentials", "of the kind that auth sends"}},
		{"notion", "a capability is missing", notionSays(403, "restricted_resource", "Insufficient permissions for this endpoint."), []string{"do not allow this call", "permissions (scopes)"}},
		{"notion", "the database is another workspace's, or is not shared", notionSays(404, "object_not_found", "Could not find database with ID: x."), []string{"nothing at POST", "another account"}},
		{"notion", "the property was renamed", renamed, []string{"options", "was the field renamed", "another account"}},
		{"notion", "the property is a text", text, []string{"options", "of another type"}},
		{"chargebee", "a publishable key", answers(401, chargebeeRefusal(401, "api_authentication_failed", "The key is invalid.").body), []string{"does not accept the credentials", "of the kind that auth sends", "sandbox"}},
		{"chargebee", "the key has no access to subscriptions", answers(403, chargebeeRefusal(403, "api_authorization_failed", "Sorry, the key does not have the permission.").body), []string{"do not allow this call", "permissions (scopes)"}},
		{"paddle", "a key that is malformed", answers(401, paddleRefusal(401, "authentication_malformed").body), []string{"does not accept the credentials", "of the kind that auth sends", "sandbox"}},
		{"paddle", "the key is the sandbox's, or has no subscription.read", answers(403, paddleRefusal(403, "forbidden").body), []string{"do not allow this call", "permissions (scopes)"}},
		{"stripe", "the key was deleted", answers(401, stripeRefusal(401, "api_key_expired").body), []string{"does not accept the API key"}},
		{"stripe", "the restricted key may not read customers", answers(403, stripeRefusal(403, "more_permissions_required").body), []string{"cannot read customers", "Read on Customers"}},
	} {
		t.Run(c.tool+": "+c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 3)
			connection, build, replace := "crm", atTools[c.tool].build, []string{atTools[c.tool].base, s.url}
			if build == nil {
				connection, build, replace = "billing", atSources[c.tool].build, []string{atSources[c.tool].base, s.url}
			}
			build(s)
			s.observed = func(r *http.Request) {
				if r.Method == http.MethodPatch || r.Method == http.MethodPut {
					t.Errorf("%s %s", r.Method, r.URL)
				}
			}
			c.wrong(s)
			example := c.tool
			switch {
			case c.tool == "stripe":
				crm := newShop(t, 3)
				hubspot(crm)
				example, replace = "hubspot", []string{"    type: stripe\n", "    type: stripe\n    base_url: " + s.url + "\n", "https://api.hubapi.com", crm.url}
			case connection == "crm":
				replace = append(replace, "    type: stripe\n", "    type: stripe\n    base_url: "+leaving(t)+"\n")
			default:
				replace = append(replace, "    type: gohighlevel\n", "    type: gohighlevel\n    base_url: "+ghltest.New(t).URL+"\n")
			}
			cfg := exampleAt(t, example, replace...)
			for _, r := range app.Probe(context.Background(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil))) {
				if r.Connection != connection {
					continue
				}
				said := strings.Join(r.Said, "\n")
				if r.Err != nil {
					said += "\nFAILED: " + r.Err.Error()
				}
				if wrong := c.name != "all is well"; wrong == (r.Err == nil) && !(wrong && r.Err == nil && strings.Contains(said, "?")) {
					t.Errorf("failed: %v", r.Err)
				}
				for _, part := range c.want {
					if !strings.Contains(said, part) {
						t.Errorf("it does not say %q:\n%s", part, said)
					}
				}
			}
		})
	}
}
