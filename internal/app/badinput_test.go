package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
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
	bases := map[string]string{"hubspot": "https://api.hubapi.com", "pipedrive": "https://example.pipedrive.com", "salesforce": "https://example.my.salesforce.com"}
	builds := map[string]func(*shop){"hubspot": hubspot, "pipedrive": pipedrive, "salesforce": salesforce}
	for _, c := range []struct {
		tool, name string
		wrong      func(*shop)
		want       []string
	}{
		{"hubspot", "all is well", func(*shop) {}, []string{"the credentials are accepted", "has 3 options"}},
		{"hubspot", "a key of another kind", hub(401, "INVALID_AUTHENTICATION", "Authentication credentials not found"), []string{"does not accept the credentials", "of the kind that auth sends", "INVALID_AUTHENTICATION"}},
		{"hubspot", "a scope is missing", hub(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
			[]string{"do not allow this call", "MISSING_SCOPES", "permissions (scopes)"}},
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
		{"salesforce", "the field was renamed or is hidden", renamed, []string{"INVALID_FIELD", "renamed or hidden field", "options.values"}},
		{"salesforce", "the field is a text", text, []string{"has no options", "drop-down"}},
	} {
		t.Run(c.tool+": "+c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 3)
			builds[c.tool](s)
			s.observed = func(r *http.Request) {
				if r.Method == http.MethodPatch {
					t.Errorf("%s %s", r.Method, r.URL)
				}
			}
			c.wrong(s)
			cfg := exampleAt(t, c.tool, bases[c.tool], s.url, "    type: stripe\n", "    type: stripe\n    base_url: "+leaving(t)+"\n")
			for _, r := range app.Probe(context.Background(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil))) {
				if r.Connection != "crm" {
					continue
				}
				said := strings.Join(r.Said, "\n")
				if r.Err != nil {
					said += "\nFAILED: " + r.Err.Error()
				}
				if (r.Err == nil) != (c.name == "all is well") {
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
