package httpconn

import (
	"encoding/json"
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

// Canaries: values that may never be seen in an error.
const (
	token     = "tok_canary_8d1f"
	whsec     = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAx"
	anna      = "anna.canary@example.com"
	otherSec  = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMDI="
	hmacKey   = "hmac-canary-secret-1"
	testNow   = int64(1_750_000_000)
	overTwo53 = "9007199254740993"
)

var now = time.Unix(testNow, 0).UTC()

// crm is a strict fake of a tool: it answers what a real one would and notes
// every request it does not understand.
type crm struct {
	t  *testing.T
	mu sync.Mutex
	// customers by id, in the order of ids.
	ids       []string
	customers map[string]map[string]any
	requests  []string
	clock     time.Time // zero is ours
	// answerWrite replaces the answer to a write; the write has happened.
	answerWrite func(w http.ResponseWriter)
}

func newCRM(t *testing.T) *crm { return &crm{t: t, customers: map[string]map[string]any{}} }

func (f *crm) add(id string, fields map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := map[string]any{"id": id, "status": "Active", "email": anna, "etag": `"1"`,
		"updated_at": now.Add(-time.Hour).Format(time.RFC3339), "updated_by": "user:42"}
	for k, v := range fields {
		if v == missing {
			delete(c, k)
			continue
		}
		c[k] = v
	}
	f.ids = append(f.ids, id)
	f.customers[id] = c
}

// field returns one field of a customer, set changes it as a person would.
func (f *crm) field(id, name string) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.customers[id][name]
}

func (f *crm) set(id, name string, v any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.customers[id][name] = v
}

// seen returns the requests so far.
func (f *crm) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// missing takes a field away.
var missing = struct{ absent bool }{true}

func (f *crm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.RequestURI)
	w.Header().Set("Date", latest(now, f.clock).Format(http.TimeFormat))
	if r.Header.Get("Authorization") != "Bearer "+token {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "bad_token"})
		return
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api")
	switch {
	case path == "/customers" && r.Method == "GET" && r.URL.Query().Has("limit"):
		f.list(w, r.URL.Query())
	case path == "/customers" && r.Method == "GET":
		f.find(w, r.URL.Query())
	case strings.HasPrefix(path, "/customers/"):
		id, err := url.PathUnescape(strings.TrimPrefix(path, "/customers/"))
		if err != nil || strings.Contains(strings.TrimPrefix(path, "/customers/"), "/") {
			f.t.Errorf("the id in %s is not escaped", r.RequestURI)
		}
		f.one(w, r, id)
	default:
		f.t.Errorf("the tool has no %s %s", r.Method, r.RequestURI)
		reply(w, http.StatusNotFound, nil)
	}
}

func (f *crm) one(w http.ResponseWriter, r *http.Request, id string) {
	c, ok := f.customers[id]
	if !ok {
		reply(w, http.StatusNotFound, map[string]any{"error": "not_found"})
		return
	}
	if r.Method == "GET" {
		w.Header().Set("ETag", c["etag"].(string))
		reply(w, http.StatusOK, c)
		return
	}
	if m := r.Header.Get("If-Match"); m != "" && m != c["etag"] {
		reply(w, http.StatusPreconditionFailed, map[string]any{"error": "stale"})
		return
	}
	body, _ := io.ReadAll(r.Body)
	var in struct {
		Status string `json:"status"`
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json" || r.Method != "PUT" {
		f.t.Errorf("the tool does not understand %s with %s (%s)", r.Method, body, r.Header.Get("Content-Type"))
	}
	c["status"], c["etag"] = in.Status, strconv.Quote(in.Status)
	if f.answerWrite != nil {
		f.answerWrite(w)
		return
	}
	reply(w, http.StatusOK, c)
}

func (f *crm) find(w http.ResponseWriter, q url.Values) {
	if len(q) != 1 {
		f.t.Errorf("a search by %d fields", len(q))
	}
	found := []any{}
	for key, want := range q {
		for _, id := range f.ids {
			if f.customers[id][key] == want[0] {
				found = append(found, f.customers[id])
			}
		}
	}
	reply(w, http.StatusOK, map[string]any{"customers": found})
}

// list gives pages of limit records; the cursor is the last id seen.
func (f *crm) list(w http.ResponseWriter, q url.Values) {
	limit, _ := strconv.Atoi(q.Get("limit"))
	page, next := []any{}, ""
	after := q.Get("after")
	for _, id := range f.ids {
		if after != "" {
			if id == after {
				after = ""
			}
			continue
		}
		if len(page) == limit {
			next = page[limit-1].(map[string]any)["id"].(string)
			break
		}
		page = append(page, f.customers[id])
	}
	reply(w, http.StatusOK, map[string]any{"customers": page, "next": next})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// full is the connection of the documentation with every key.
func full() *Settings {
	return &Settings{
		Auth: &Auth{Bearer: token},
		Webhook: &Webhook{
			Verify: Verify{Scheme: schemeStandard, Secrets: []config.Secret{whsec}},
			Events: "body.events", ID: "event.id", Customer: "event.customer_id", Status: "event.status", OccurredAt: "event.occurred_at",
		},
		Record: Record{ID: "record.id", Status: "record.status", UpdatedAt: "record.updated_at", UpdatedBy: "record.updated_by",
			Keys: map[string]string{"email": "record.email", "external_id": "record.external_id"}},
		Humans: "!record.updated_by.startsWith('api:')",
		Find:   &Find{Search: Search{Get: "/customers?{key}={value}", Records: "body.customers"}},
		Read:   &Read{Get: "/customers/{id}", Record: "body"},
		Write:  &Write{Put: "/customers/{id}", Body: map[string]any{"status": "{value}"}, IfMatch: "record.etag"},
		List:   &List{Get: "/customers?limit=2&after={cursor}", Records: "body.customers", Next: "body.next"},
	}
}

// connect opens the settings against a tool.
func connect(t *testing.T, s *Settings, tool http.Handler) connector.Connection {
	t.Helper()
	server := httptest.NewServer(tool)
	t.Cleanup(server.Close)
	return connectTo(t, s, server.URL+"/api")
}

func connectTo(t *testing.T, s *Settings, base string) connector.Connection {
	t.Helper()
	return connectUsed(t, s, base, connector.Use{})
}

// connectFor opens the settings against a tool, for one side of a sync.
func connectFor(t *testing.T, s *Settings, tool http.Handler, use connector.Use) connector.Connection {
	t.Helper()
	server := httptest.NewServer(tool)
	t.Cleanup(server.Close)
	return connectUsed(t, s, server.URL+"/api", use)
}

func connectUsed(t *testing.T, s *Settings, base string, use connector.Use) connector.Connection {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, s,
		connector.Deps{HTTP: &http.Client{Transport: transport}, Now: func() time.Time { return now }, Use: use})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// jsonTool answers every request with one JSON text.
func jsonTool(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Version", "v7")
		io.WriteString(w, text)
	}
}

func wantKind(t *testing.T, err error, kind connector.FailureKind, effect connector.Effect) *connector.Failure {
	t.Helper()
	if err == nil {
		t.Fatalf("the call succeeds, want %s", kind)
	}
	f := connector.FailureOf(err)
	if f.Kind != kind || f.Effect != effect {
		t.Errorf("got kind %s with effect %s (%v), want %s with effect %s", f.Kind, f.Effect, err, kind, effect)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error gives something away: %v", err)
	}
	return f
}
