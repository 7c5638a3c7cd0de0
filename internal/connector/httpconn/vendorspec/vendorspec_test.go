package vendorspec

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A request that the vendor would refuse is named with what is wrong with it.
func TestARequestThatTheVendorDoesNotHaveIsRefused(t *testing.T) {
	for _, c := range []struct{ vendor, method, target, body, want string }{
		{"hubspot", "GET", "/crm/v3/objects/contacts/1?properties=a&propertiesWithHistory=a", "", ""},
		{"hubspot", "GET", "/crm/v3/objects/contacts/1?propertys=a", "", "has no parameter propertys"},
		{"hubspot", "PUT", "/crm/v3/objects/contacts/1", `{"properties":{}}`, "no such call"},
		{"hubspot", "PATCH", "/crm/v3/objects/contacts/1", `{"properties":{"trueup_status":12}}`, "must be a string"},
		{"hubspot", "PATCH", "/crm/v3/objects/contacts/1", `{"trueup_status":"Active"}`, `"properties" is missing`},
		{"hubspot", "POST", "/crm/v3/objects/contacts/search", `{"filterGroups":[{"filters":[{"propertyName":"email","operator":"IS","value":"a"}]}]}`, "not one of the allowed values"},
		{"pipedrive", "PATCH", "/api/v2/persons/7", `{"custom_fields":{"9dc8":12}}`, ""},
		{"pipedrive", "PATCH", "/api/v2/persons/7", `{"9dc8":12}`, "unsupported"},
		{"pipedrive", "GET", "/api/v2/persons/abc", "", "an invalid integer"},
		{"pipedrive", "GET", "/api/v2/persons/search?fields=email", "", "term"},
		{"pipedrive", "GET", "/v1/persons/7", "", "no such call"},
		{"intercom", "PUT", "/contacts/1", `{"custom_attributes":{"trueup_status":"Active"}}`, ""},
		{"intercom", "PATCH", "/contacts/1", `{"custom_attributes":{}}`, "no such call"},
		{"intercom", "POST", "/contacts/search", `{"query":{"field":"email","operator":"is","value":"a"}}`, "query"},
		{"chargebee", "GET", "/api/v2/subscriptions?customer_id[is]=a&limit=100", "", ""},
		{"chargebee", "GET", "/api/v2/subscriptions?customer_id=a", "", "has no parameter customer_id"},
		{"chargebee", "GET", "/api/v2/subscriptions?customer_id[after]=a", "", "has no parameter"},
		{"chargebee", "GET", "/api/v2/subscriptions", `{"limit":1}`, "has no body"},
	} {
		t.Run(strings.Join([]string{c.vendor, c.method, c.target, c.body}, " "), func(t *testing.T) {
			spec, err := Load(c.vendor)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			if c.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			if r.Header.Set("Intercom-Version", "2.14"); c.body == "" {
				r.Body = http.NoBody
			}
			_, err = spec.Request(r)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("said %v, want %q", err, c.want)
			}
		})
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.said = append(r.said, fmt.Sprintf(format, a...))
}

func TestAnAnswerThatTheVendorCouldNotGiveFailsTheTest(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		code         int
		want         string
	}{
		{"a contact", `{"id":"1","properties":{"a":null},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00.123Z"}`, 200, ""},
		{"a number as an id", `{"id":1,"properties":{},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}`, 200, "must be a string"},
		{"no time", `{"id":"1","properties":{}}`, 200, "is missing"},
		{"a refusal", `{"category":"OBJECT_NOT_FOUND","correlationId":"7c5d","message":"resource not found"}`, 404, ""},
		{"a refusal without its words", `{}`, 404, "is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := &recorder{TB: t}
			h := Strict(said, "hubspot", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.code)
				fmt.Fprint(w, c.answer)
			}))
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/crm/v3/objects/contacts/1", http.NoBody))
			if all := strings.Join(said.said, "\n"); (all == "") != (c.want == "") || !strings.Contains(all, c.want) {
				t.Errorf("said %q, want %q", all, c.want)
			}
		})
	}
}
