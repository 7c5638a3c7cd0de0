// Package resttest is a tool with a plain REST API, for tests that run the
// product against real HTTP.
//
// Main type: Tool. It is strict: it wants its token, refuses a write that does
// not name the version that was read, and knows no status but a text. It can
// misbehave on purpose: Instead answers a call in its place.
//
// Only tests import it.
package resttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Token is what every call must bring as its bearer token.
const Token = "tool-token"

// Record is a customer in the tool.
type Record struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	ExternalID string    `json:"external_id"`
	Status     string    `json:"status"`
	UpdatedAt  time.Time `json:"updated_at"`
	UpdatedBy  string    `json:"updated_by"`
	ETag       string    `json:"etag"`
}

// Tool is one account. Its methods may be called while it is being used.
type Tool struct {
	// URL is the base_url of a connection to it.
	URL string

	server  *httptest.Server
	mu      sync.Mutex
	records map[string]*Record
	version int
	writes  []string
	instead func(w http.ResponseWriter, r *http.Request) bool
}

// New starts a tool that ends with the test.
func New(t testing.TB) *Tool {
	tl := &Tool{records: map[string]*Record{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /records", tl.find)
	mux.HandleFunc("GET /records/{id}", tl.read)
	mux.HandleFunc("PUT /records/{id}", tl.Write)
	tl.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Token {
			t.Errorf("a call without the token: %s %s", r.Method, r.URL.Path)
			answer(w, http.StatusUnauthorized, map[string]any{"error": "unauthorized"})
			return
		}
		tl.mu.Lock()
		instead := tl.instead
		tl.mu.Unlock()
		if instead == nil || !instead(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	tl.URL = tl.server.URL
	t.Cleanup(tl.Close)
	return tl
}

// Close ends the tool before the test does.
func (tl *Tool) Close() { tl.server.Close() }

// Instead lets f answer calls; where it returns false the tool does.
func (tl *Tool) Instead(f func(w http.ResponseWriter, r *http.Request) bool) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.instead = f
}

// Set makes or changes a record in the tool itself, now unless it has a time.
func (tl *Tool) Set(r Record) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = time.Now()
	}
	r.ETag = tl.next()
	tl.records[r.ID] = &r
}

// next is a version that no record had before.
func (tl *Tool) next() string {
	tl.version++
	return fmt.Sprintf("%q", fmt.Sprint(tl.version))
}

// Status returns what a record holds.
func (tl *Tool) Status(id string) string {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return tl.records[id].Status
}

// Statuses returns what each record holds, by its id.
func (tl *Tool) Statuses() map[string]string {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	all := map[string]string{}
	for id, r := range tl.records {
		all[id] = r.Status
	}
	return all
}

// Written returns the writes that had an effect, as "id: from → to".
func (tl *Tool) Written() []string {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return slices.Clone(tl.writes)
}

func (tl *Tool) find(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	q := r.URL.Query()
	found := []*Record{}
	for _, id := range slices.Sorted(maps.Keys(tl.records)) {
		rec := tl.records[id]
		if q.Has("email") && rec.Email == q.Get("email") || q.Has("external_id") && rec.ExternalID == q.Get("external_id") {
			found = append(found, rec)
		}
	}
	answer(w, http.StatusOK, map[string]any{"records": found})
}

func (tl *Tool) read(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	if rec := tl.records[r.PathValue("id")]; rec != nil {
		answer(w, http.StatusOK, rec)
		return
	}
	answer(w, http.StatusNotFound, map[string]any{"error": "not found"})
}

// Write is a call that writes; with Instead it has its effect although it is
// answered otherwise.
func (tl *Tool) Write(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	rec := tl.records[strings.TrimPrefix(r.URL.Path, "/records/")]
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
	rec.Status, rec.UpdatedAt, rec.UpdatedBy, rec.ETag = body.Status, time.Now(), "api:trueup", tl.next()
	answer(w, http.StatusOK, rec)
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

// TargetYAML is the connection to a tool as a target, indented for a
// configuration file.
func TargetYAML(url string) string {
	return `
    type: http
    base_url: ` + url + `
    auth: {bearer: ` + Token + `}
    timeout: 500ms
    record:
      id: record.id
      status: record.status
      updated_at: record.updated_at
      updated_by: record.updated_by
      keys: {email: record.email, external_id: record.external_id}
    humans: "!record.updated_by.startsWith('api:')"
    find: {get: "/records?{key}={value}", records: body.records}
    read: {get: "/records/{id}", record: body}
    write: {put: "/records/{id}", body: {status: "{value}"}, if_match: record.etag}
`
}
