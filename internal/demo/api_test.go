package demo

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tools returns both sample tools for the cast of seed 1, with a sender that
// has nowhere to send to.
func tools(t *testing.T) (*billing, *crm, []member) {
	t.Helper()
	cast, _ := newScript(1)
	j := &journal{}
	_, key := newSecret()
	b := newBilling(cast, "billing-token", "RUN", j, newSender(t.Context(), http.DefaultClient, key))
	return b, newCRM(cast, "crm-token", j), cast
}

func nowhere() links { return links{} }

func TestTheAPIsAreStrict(t *testing.T) {
	b, c, cast := tools(t)
	m, twin := playing(cast, overtaken), playing(cast, twofold)
	billingAPI, crmAPI := b.handler(nowhere), c.handler(nowhere)
	etag := ""
	for _, r := range c.list() {
		if r.ID == m.contact() {
			etag = r.ETag
		}
	}
	contactPath := "/contacts/" + m.contact()
	for _, tt := range []struct {
		name         string
		tool         http.Handler
		method, path string
		header       map[string]string
		body         string
		want         int
	}{
		{name: "a customer is read with the token", tool: billingAPI, path: "/customers/" + m.customer, want: 200},
		{name: "no token is refused", tool: billingAPI, path: "/customers/" + m.customer, header: map[string]string{"Authorization": ""}, want: 401},
		{name: "another tool's token is refused", tool: billingAPI, path: "/customers", header: map[string]string{"Authorization": "Bearer crm-token"}, want: 401},
		{name: "an unknown customer is not found", tool: billingAPI, path: "/customers/cus_9", want: 404},
		{name: "a page size that is no number is refused", tool: billingAPI, path: "/customers?limit=many", want: 422},
		{name: "a page size over the limit is refused", tool: billingAPI, path: "/customers?limit=201", want: 422},
		{name: "an unknown parameter is refused", tool: billingAPI, path: "/customers?email=a", want: 422},
		{name: "a cursor of no record is refused", tool: billingAPI, path: "/customers?after=cus_9", want: 422},
		{name: "nothing can be written to billing's API", tool: billingAPI, method: "PUT", path: "/customers/" + m.customer, body: `{"status":"active"}`, want: 405},

		{name: "an empty search value is refused, not matched with everybody", tool: crmAPI, path: "/contacts?email=", want: 422},
		{name: "a parameter twice is refused", tool: crmAPI, path: "/contacts?email=a&email=b", want: 422},
		{name: "an unknown contact is not found", tool: crmAPI, path: "/contacts/con_9", want: 404},
		{name: "a write without a token is refused", tool: crmAPI, method: "PUT", path: contactPath, header: map[string]string{"Authorization": ""}, body: `{"status":"Paused"}`, want: 401},
		{name: "a write of an unknown value is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `{"status":"paused"}`, want: 422},
		{name: "a write of nothing is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `{"status":""}`, want: 422},
		{name: "a write of another field is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `{"status":"Paused","name":"x"}`, want: 422},
		{name: "a write of no field is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `{}`, want: 422},
		{name: "a write of a list is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `["Paused"]`, want: 422},
		{name: "a status of another type is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `{"status":["Paused"]}`, want: 422},
		{name: "a write that is not JSON is refused", tool: crmAPI, method: "PUT", path: contactPath, body: `status=Paused`, want: 422},
		{name: "a write as a form is refused", tool: crmAPI, method: "PUT", path: contactPath, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: `{"status":"Paused"}`, want: 415},
		{name: "a write that is too large is refused", tool: crmAPI, method: "PUT", path: contactPath, body: strings.Repeat(" ", 17<<10), want: 413},
		{name: "a write to an unknown contact is not found", tool: crmAPI, method: "PUT", path: "/contacts/con_9", body: `{"status":"Paused"}`, want: 404},
		{name: "a write with an old version is refused", tool: crmAPI, method: "PUT", path: contactPath, header: map[string]string{"If-Match": `"v0"`}, body: `{"status":"Paused"}`, want: 412},
		{name: "a write with the present version is taken", tool: crmAPI, method: "PUT", path: contactPath, header: map[string]string{"If-Match": `"v0", ` + etag}, body: `{"status":"Paused"}`, want: 200},
		{name: "the version has moved with the write", tool: crmAPI, method: "PUT", path: contactPath, header: map[string]string{"If-Match": etag}, body: `{"status":"Active"}`, want: 412},
		{name: "a write without a version is taken", tool: crmAPI, method: "PUT", path: contactPath, body: `{"status":"Churned"}`, want: 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := call(tt.tool, tt.method, tt.path, tt.body, tt.header)
			if got.Code != tt.want {
				t.Errorf("answered %d, want %d: %s", got.Code, tt.want, got.Body)
			}
			if got.Code >= 400 && got.Code != http.StatusMethodNotAllowed {
				var e struct{ Error string }
				if json.Unmarshal(got.Body.Bytes(), &e) != nil || e.Error == "" {
					t.Errorf("a refusal should say why, got %q", got.Body)
				}
			}
		})
	}
	writes, refusals, _ := tally(cast, c.journal.since(0))
	if writes != 2 || refusals != 12 {
		t.Errorf("counted %d writes and %d refusals, want 2 and 12: what has no token is not counted", writes, refusals)
	}
	if got := call(crmAPI, "GET", "/contacts?email="+strings.ToUpper(twin.email), "", nil); strings.Count(got.Body.String(), `"id"`) != 2 {
		t.Errorf("both contacts with the address should be found whatever its case, got %s", got.Body)
	}
}

// call makes a request with the tool's own token, JSON, and what header says
// instead; an empty header is left out.
func call(tool http.Handler, method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	if method == "" {
		method = http.MethodGet
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer billing-token")
	if strings.HasPrefix(path, "/contacts") {
		r.Header.Set("Authorization", "Bearer crm-token")
	}
	for k, v := range header {
		if v == "" {
			r.Header.Del(k)
		} else {
			r.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	tool.ServeHTTP(w, r)
	return w
}

func TestAListInPagesHoldsEveryRecordOnce(t *testing.T) {
	b, _, cast := tools(t)
	var want, got []string
	for _, m := range cast {
		want = append(want, m.customer)
	}
	for after := ""; ; {
		var page struct {
			Customers []customer
			Next      string
		}
		must(t, json.Unmarshal(call(b.handler(nowhere), "GET", "/customers?limit=4&after="+after, "", nil).Body.Bytes(), &page))
		for _, c := range page.Customers {
			got = append(got, c.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customers (-want +got):\n%s", diff)
	}
}

// Whatever comes as a write's body is refused or is one of the CRM's values.
func FuzzReadPut(f *testing.F) {
	for _, seed := range []string{`{"status":"Active"}`, `{"status":"Active","status":"Paused"}`, `{"Status":"Active"}`,
		`{"status":null}`, `null`, ``, `{"status":"Churned"} {}`, "{\"status\":\"Act\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, err := readPut(body)
		if ok := value == "Active" || value == "Paused" || value == "Churned"; err == nil && !ok {
			t.Errorf("took the value %q from %q", value, body)
		}
	})
}
