package stripetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// crm is a target with a plain REST API: it wants its token, finds contacts by
// external id, and refuses a write that does not name the contact's version.
type crm struct {
	*httptest.Server
	mu       sync.Mutex
	contacts map[string]*contact
	writes   []string
}

type contact struct {
	ID         string    `json:"id"`
	ExternalID string    `json:"external_id"`
	Status     string    `json:"status"`
	UpdatedAt  time.Time `json:"updated_at"`
	UpdatedBy  string    `json:"updated_by"`
	ETag       string    `json:"etag"`
	version    int
}

const crmToken = "crm-token"

func newCRM(t *testing.T) *crm {
	c := &crm{contacts: map[string]*contact{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /contacts", c.find)
	mux.HandleFunc("GET /contacts/{id}", c.read)
	mux.HandleFunc("PUT /contacts/{id}", c.write)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+crmToken {
			t.Errorf("a call without the token: %s %s", r.Method, r.URL.Path)
			http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// add makes a contact that belongs to a customer and has no status yet.
func (c *crm) add(customer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := "con_" + customer
	c.contacts[id] = &contact{ID: id, ExternalID: customer, UpdatedAt: time.Now().Add(-time.Hour), UpdatedBy: "human:ana", ETag: `"0"`}
}

// statuses returns what each contact holds, by customer.
func (c *crm) statuses() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]string{}
	for _, k := range c.contacts {
		all[k.ExternalID] = k.Status
	}
	return all
}

func (c *crm) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.writes)
}

func (c *crm) find(w http.ResponseWriter, r *http.Request) {
	found := []*contact{}
	for _, k := range c.contacts {
		if k.ExternalID == r.URL.Query().Get("external_id") {
			found = append(found, k)
		}
	}
	answer(w, http.StatusOK, map[string]any{"contacts": found})
}

func (c *crm) read(w http.ResponseWriter, r *http.Request) {
	k := c.contacts[r.PathValue("id")]
	if k == nil {
		answer(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return
	}
	answer(w, http.StatusOK, k)
}

func (c *crm) write(w http.ResponseWriter, r *http.Request) {
	k := c.contacts[r.PathValue("id")]
	var body struct{ Status string }
	switch {
	case k == nil:
		answer(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return
	case r.Header.Get("If-Match") != k.ETag:
		answer(w, http.StatusPreconditionFailed, map[string]any{"error": "the contact has changed"})
		return
	case json.NewDecoder(r.Body).Decode(&body) != nil || body.Status == "":
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "status is missing"})
		return
	}
	c.writes = append(c.writes, k.ExternalID+": "+k.Status+" → "+body.Status)
	k.version++
	k.Status, k.UpdatedAt, k.UpdatedBy, k.ETag = body.Status, time.Now(), "api:trueup", fmt.Sprintf("%q", fmt.Sprint(k.version))
	answer(w, http.StatusOK, k)
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}
