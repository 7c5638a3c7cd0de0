package stripe

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

const (
	testKey    = "rk_test_4eC39HqLyjWDarjtT1zdp7dc"
	testSecret = "whsec_fake"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// fake is a small Stripe that is stricter than the real one: a request that
// Stripe's reference does not allow fails the test, whatever the connector
// makes of the answer.
type fake struct {
	t   *testing.T
	url string

	mu            sync.Mutex
	customers     map[string]string // id to JSON
	subscriptions []string          // JSON, newest first
	events        []string          // JSON, newest first
	endpoints     []string          // JSON, newest first
	// instead answers a request in place of the fake; it returns false to let
	// the fake answer.
	instead  func(w http.ResponseWriter, r *http.Request) bool
	requests []string
	clock    func() time.Time // its own
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, customers: map[string]string{}, clock: func() time.Time { return testNow }}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// allowed are the query parameters of each list.
var allowed = map[string][]string{
	"/v1/customers":         {"limit", "starting_after", "expand[]", "email"},
	"/v1/subscriptions":     {"limit", "starting_after", "customer", "status"},
	"/v1/webhook_endpoints": {"limit", "starting_after"},
	"/v1/events":            {"limit", "starting_after", "types[]", "created[gte]", "created[lt]"},
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Date", f.clock().Format(http.TimeFormat))
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		f.t.Errorf("query of %s: %v", r.URL, err)
	}
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.Method != http.MethodGet:
		f.t.Errorf("%s %s: a source is only read", r.Method, r.URL)
	case len(body) > 0 || r.Header.Get("Content-Type") != "":
		f.t.Errorf("%s has a body", r.URL)
	case r.Header.Get("Stripe-Version") != "2026-08-26.dahlia":
		f.t.Errorf("%s has the version %q", r.URL, r.Header.Get("Stripe-Version"))
	case r.Header.Get("Authorization") != "Bearer "+testKey:
		f.t.Errorf("%s is sent without the key", r.URL)
	}
	if f.instead != nil && f.instead(w, r) {
		return
	}
	if id, found := strings.CutPrefix(r.URL.Path, "/v1/customers/"); found {
		if len(query) > 0 {
			f.t.Errorf("%s: unknown parameters", r.URL)
		}
		if c, known := f.customers[id]; known {
			answer(w, http.StatusOK, c)
			return
		}
		answer(w, http.StatusNotFound, missing(id))
		return
	}
	params, known := allowed[r.URL.Path]
	if !known {
		f.t.Errorf("%s is not a path of Stripe's", r.URL.Path)
		answer(w, http.StatusNotFound, `{"error":{"type":"invalid_request_error"}}`)
		return
	}
	for name, values := range query {
		if !slices.Contains(params, name) || len(values) > 1 && name != "types[]" {
			f.t.Errorf("%s: the parameter %s is unknown or repeated", r.URL, name)
		}
	}
	f.list(w, r.URL.Path, query)
}

// list answers one page of what the filters let through.
func (f *fake) list(w http.ResponseWriter, path string, query url.Values) {
	var all []string
	switch path {
	case "/v1/customers":
		for _, c := range f.customers {
			object := decode(f.t, c)
			if object["deleted"] == true || query.Has("email") && object["email"] != query.Get("email") {
				continue
			}
			if len(query["expand[]"]) > 0 {
				c = f.expanded(c)
			}
			all = append(all, c)
		}
		slices.SortFunc(all, func(a, b string) int {
			return strings.Compare(decode(f.t, a)["id"].(string), decode(f.t, b)["id"].(string))
		})
		if expand := query.Get("expand[]"); expand != "" && expand != "data.subscriptions" {
			f.t.Errorf("expand[]=%s", expand)
		}
	case "/v1/subscriptions":
		for _, s := range f.subscriptions {
			o := decode(f.t, s)
			status := o["status"].(string)
			wanted := query.Get("status") == "all" || query.Get("status") == "" && status != "canceled"
			if owner, _ := o["customer"].(string); wanted && (query.Get("customer") == "" || owner == query.Get("customer")) {
				all = append(all, s)
			}
		}
	case "/v1/webhook_endpoints":
		all = slices.Clone(f.endpoints)
	case "/v1/events":
		gte, lt := number(f.t, query, "created[gte]"), number(f.t, query, "created[lt]")
		for _, e := range f.events {
			o := decode(f.t, e)
			created := int64(o["created"].(float64))
			typeWanted := len(query["types[]"]) == 0 || slices.Contains(query["types[]"], o["type"].(string))
			if typeWanted && created >= gte && (lt == 0 || created < lt) {
				all = append(all, e)
			}
		}
		if len(query["types[]"]) > 20 {
			f.t.Errorf("%d types; Stripe allows 20", len(query["types[]"]))
		}
	}
	if after := query.Get("starting_after"); after != "" {
		i := slices.IndexFunc(all, func(o string) bool { return decode(f.t, o)["id"] == after })
		if i < 0 {
			answer(w, http.StatusBadRequest, missing(after))
			return
		}
		all = all[i+1:]
	}
	limit := number(f.t, query, "limit")
	if limit < 1 || limit > 100 {
		f.t.Errorf("limit=%s", query.Get("limit"))
	}
	more := len(all) > int(limit)
	all = all[:min(len(all), int(limit))]
	answer(w, http.StatusOK, fmt.Sprintf(`{"object":"list","url":%q,"has_more":%v,"data":[%s]}`, path, more, strings.Join(all, ",")))
}

// expanded puts its subscriptions into a customer: ten, and no canceled ones.
func (f *fake) expanded(text string) string {
	c := decode(f.t, text)
	subs := []any{}
	for _, s := range f.subscriptions {
		if o := decode(f.t, s); o["customer"] == c["id"] && o["status"] != "canceled" && o["status"] != "incomplete_expired" {
			subs = append(subs, o)
		}
	}
	more := len(subs) > 10
	c["subscriptions"] = map[string]any{"object": "list", "has_more": more, "data": subs[:min(len(subs), 10)]}
	out, err := json.Marshal(c)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(out)
}

func answer(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_fake")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
}

// missing is Stripe's error for an id it does not have. Its text quotes things
// that must not reach our errors.
func missing(id string) string {
	return fmt.Sprintf(`{"error":{"code":"resource_missing","type":"invalid_request_error","message":"No such customer: %s (ada@example.com)"}}`, id)
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("the fake holds %s: %v", text, err)
	}
	return o
}

func number(t *testing.T, query url.Values, name string) int64 {
	t.Helper()
	if query.Get(name) == "" {
		return 0
	}
	n, err := strconv.ParseInt(query.Get(name), 10, 64)
	if err != nil {
		t.Errorf("%s=%s", name, query.Get(name))
	}
	return n
}

// addEvent puts an event at the head of the list.
func (f *fake) addEvent(id, kind string, created time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = slices.Insert(f.events, 0, eventJSON(id, kind, created))
}

func eventJSON(id, kind string, created time.Time) string {
	object := `{"id":"sub_1","object":"subscription","customer":"cus_1","status":"active"}`
	if !strings.Contains(kind, "subscription") {
		object = `{"id":"cus_1","object":"customer"}`
	}
	return fmt.Sprintf(`{"id":%q,"object":"event","type":%q,"created":%d,"livemode":false,"data":{"object":%s}}`,
		id, kind, created.Unix(), object)
}

// seen returns the requests since the last call.
func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.requests
	f.requests = nil
	return got
}

// open connects to the fake.
func (f *fake) open(change ...func(*connector.Deps)) connector.Connection {
	f.t.Helper()
	deps := connector.Deps{Now: func() time.Time { return testNow }}
	for _, c := range change {
		c(&deps)
	}
	conn, err := Open("billing", config.Connection{BaseURL: f.url},
		&Settings{APIKey: testKey, WebhookSecrets: []config.Secret{testSecret}}, deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return conn
}
