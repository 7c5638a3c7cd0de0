// Package resttest is a tool with a plain REST API, for tests that run the
// product against real HTTP.
//
// Main types: Tool and Effect (one change of a record). It is strict: it wants
// its token, refuses a write that does not name the version that was read, and
// knows no status but a text. It can misbehave on purpose: Instead answers a
// call in its place.
//
// Only tests, and commands that test, import it.
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

// Effect is a change of a record's status, by a call or by a person.
type Effect struct {
	Record, From, To string
	At               time.Time
	// By is the person, "" for a call.
	By string
	// Answered says that the answer to the call left whole, and that the caller
	// was there then.
	Answered bool
}

// Tool is one account. Its methods may be called while it is being used.
type Tool struct {
	// URL is the base_url of a connection to it.
	URL string

	server   *httptest.Server
	mu       sync.Mutex
	records  map[string]*Record
	version  int
	effects  []Effect
	careless bool
	instead  func(w http.ResponseWriter, r *http.Request) bool
}

// New starts a tool that ends with the test.
func New(t testing.TB) *Tool {
	tl := Start(func(call string) { t.Errorf("a call without the token: %s", call) })
	t.Cleanup(tl.Close)
	return tl
}

// Start starts a tool. stranger is told of calls without the token.
func Start(stranger func(call string)) *Tool {
	tl := &Tool{records: map[string]*Record{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /records", tl.find)
	mux.HandleFunc("GET /records/{id}", tl.read)
	mux.HandleFunc("PUT /records/{id}", tl.put)
	tl.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Token {
			stranger(r.Method + " " + r.URL.Path)
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

// Careless lets writes through that name another version than the record's.
func (tl *Tool) Careless() {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.careless = true
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

// Edit is a person's change of a record's status.
func (tl *Tool) Edit(id, status, by string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.change(tl.records[id], status, by, by)
}

// change gives a record a status; by is who the record says it was.
func (tl *Tool) change(rec *Record, status, by, person string) {
	now := time.Now()
	tl.effects = append(tl.effects, Effect{Record: rec.ID, From: rec.Status, To: status, At: now, By: person})
	rec.Status, rec.UpdatedAt, rec.UpdatedBy, rec.ETag = status, now, by, tl.next()
}

// next is a version that no record had before.
func (tl *Tool) next() string {
	tl.version++
	return fmt.Sprintf("%q", fmt.Sprint(tl.version))
}

// Record returns a record as it is now.
func (tl *Tool) Record(id string) Record {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return *tl.records[id]
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

// Effects returns the writes that had an effect and the edits, in their order.
func (tl *Tool) Effects() []Effect {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return slices.Clone(tl.effects)
}

// Written returns the writes that had an effect, as "id: from → to".
func (tl *Tool) Written() []string {
	var all []string
	for _, e := range tl.Effects() {
		if e.By == "" {
			all = append(all, e.Record+": "+e.From+" → "+e.To)
		}
	}
	return all
}

func (tl *Tool) find(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	q := r.URL.Query()
	if q.Has("all") {
		tl.list(w, q.Get("after"))
		return
	}
	found := []*Record{}
	for _, id := range slices.Sorted(maps.Keys(tl.records)) {
		rec := tl.records[id]
		if q.Has("email") && rec.Email == q.Get("email") || q.Has("external_id") && rec.ExternalID == q.Get("external_id") {
			found = append(found, rec)
		}
	}
	answer(w, http.StatusOK, map[string]any{"records": found})
}

// listed is how many records one page of the list has.
const listed = 20

// list answers with the records after an id, and where the next page begins.
func (tl *Tool) list(w http.ResponseWriter, after string) {
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(tl.records)), func(id string) bool { return id <= after })
	found, next := []*Record{}, ""
	if len(ids) > listed {
		ids = ids[:listed]
		next = ids[listed-1]
	}
	for _, id := range ids {
		found = append(found, tl.records[id])
	}
	answer(w, http.StatusOK, map[string]any{"records": found, "next": next})
}

// ListYAML is the line that lists a tool's records, for a connection.
const ListYAML = `    list: {get: "/records?all=yes&after={cursor}", records: body.records, next: body.next}
`

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
func (tl *Tool) Write(w http.ResponseWriter, r *http.Request) { tl.write(w, r) }

// put is Write, and sees whether its answer leaves.
func (tl *Tool) put(w http.ResponseWriter, r *http.Request) {
	n := tl.write(w, r)
	if n < 0 || http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
		return
	}
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.effects[n].Answered = true
}

// write returns the number of its effect, below 0 when it had none.
func (tl *Tool) write(w http.ResponseWriter, r *http.Request) int {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	rec := tl.records[strings.TrimPrefix(r.URL.Path, "/records/")]
	var body struct{ Status string }
	switch {
	case rec == nil:
		answer(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return -1
	case r.Header.Get("If-Match") != rec.ETag && !tl.careless:
		answer(w, http.StatusPreconditionFailed, map[string]any{"error": "the record has changed"})
		return -1
	case json.NewDecoder(r.Body).Decode(&body) != nil || body.Status == "":
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "status is missing"})
		return -1
	}
	tl.change(rec, body.Status, "api:trueup", "")
	answer(w, http.StatusOK, rec)
	return len(tl.effects) - 1
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

// TargetYAML is the connection to a tool as a target, indented for a
// configuration file. It waits long for an answer: on a busy machine no call
// is given up that would be answered.
func TargetYAML(url string) string {
	return `
    type: http
    base_url: ` + url + `
    auth: {bearer: ` + Token + `}
    timeout: 25s
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
