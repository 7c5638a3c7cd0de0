package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// record is a customer in either tool.
type record struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Status    string    `json:"status"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by"`
	ETag      string    `json:"etag"`
}

// tool is a strict tool with a plain REST API that outlives the service. A
// write must name the version that was read. instead answers a call in its
// place, when it wants to.
type tool struct {
	*httptest.Server
	mu       sync.Mutex
	records  map[string]*record
	version  int
	writes   []string
	instead  func(w http.ResponseWriter, r *http.Request) bool
	requests int
}

func newTool(t *testing.T) *tool {
	tl := &tool{records: map[string]*record{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /records", tl.find)
	mux.HandleFunc("GET /records/{id}", tl.read)
	mux.HandleFunc("PUT /records/{id}", tl.write)
	tl.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tl.mu.Lock()
		tl.requests++
		instead := tl.instead
		tl.mu.Unlock()
		if instead != nil && instead(w, r) {
			return
		}
		tl.mu.Lock()
		defer tl.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(tl.Close)
	return tl
}

// set makes or changes a record in the tool itself.
func (tl *tool) set(id, email, value, by string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.version++
	tl.records[id] = &record{ID: id, Email: email, Status: value, UpdatedAt: time.Now(), UpdatedBy: by, ETag: fmt.Sprintf("%q", fmt.Sprint(tl.version))}
}

func (tl *tool) value(id string) string {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return tl.records[id].Status
}

func (tl *tool) written() []string {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return slices.Clone(tl.writes)
}

func (tl *tool) answerInstead(f func(w http.ResponseWriter, r *http.Request) bool) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.instead = f
}

func (tl *tool) find(w http.ResponseWriter, r *http.Request) {
	found := []*record{}
	for _, id := range slices.Sorted(maps.Keys(tl.records)) {
		if tl.records[id].Email == r.URL.Query().Get("email") {
			found = append(found, tl.records[id])
		}
	}
	answer(w, http.StatusOK, map[string]any{"records": found})
}

func (tl *tool) read(w http.ResponseWriter, r *http.Request) {
	rec := tl.records[r.PathValue("id")]
	if rec == nil {
		answer(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return
	}
	answer(w, http.StatusOK, rec)
}

func (tl *tool) write(w http.ResponseWriter, r *http.Request) {
	rec := tl.records[r.PathValue("id")]
	var body struct{ Status string }
	switch {
	case rec == nil:
		answer(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return
	case r.Header.Get("If-Match") != rec.ETag:
		answer(w, http.StatusPreconditionFailed, map[string]any{"error": "the record has changed"})
		return
	case json.NewDecoder(r.Body).Decode(&body) != nil || body.Status == "":
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "status is missing"})
		return
	}
	tl.writes = append(tl.writes, rec.ID+": "+rec.Status+" → "+body.Status)
	tl.version++
	rec.Status, rec.UpdatedAt, rec.UpdatedBy, rec.ETag = body.Status, time.Now(), "api:trueup", fmt.Sprintf("%q", fmt.Sprint(tl.version))
	answer(w, http.StatusOK, rec)
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

const hookToken = "hook-token"

// configText is a sync between two such tools.
func configText(dsn, billing, crm string) string {
	return fmt.Sprintf(`
listen: 127.0.0.1:0
database: %q
connections:
  billing:
    type: http
    base_url: %s
    webhook:
      verify: {scheme: header, name: X-Token, secrets: [`+hookToken+`]}
      id: event.id
      customer: event.customer
      status: event.status
      occurred_at: event.at
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    read: {get: "/records/{id}", record: body}
  crm:
    type: http
    base_url: %s
    timeout: 500ms
    record:
      id: record.id
      status: record.status
      updated_at: record.updated_at
      updated_by: record.updated_by
      keys: {email: record.email}
    humans: "!record.updated_by.startsWith('api:')"
    find: {get: "/records?{key}={value}", records: body.records}
    read: {get: "/records/{id}", record: body}
    write: {put: "/records/{id}", body: {status: "{value}"}, if_match: record.etag}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses:
      active:  {from: [active], to: Active}
      paused:  {from: [paused], to: Paused}
      churned: {from: [canceled], to: Churned}
`, dsn, billing, crm)
}
