package blueprint

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// tool is the tool behind the scenarios: strict about requests.
type tool struct {
	*testing.T
	url     string
	mu      sync.Mutex
	records map[string]map[string]any
	writes  []string
	instead func(w http.ResponseWriter, r *http.Request) bool
}

func newTool(t *testing.T) *tool {
	tl := &tool{T: t, records: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /customers", tl.search)
	mux.HandleFunc("GET /customers/{id}", tl.get)
	mux.HandleFunc("PATCH /customers/{id}", tl.patch)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the tool is asked for %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusTeapot)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tl.mu.Lock()
		instead := tl.instead
		tl.mu.Unlock()
		if instead == nil || !instead(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	tl.url = server.URL
	return tl
}

// set makes or changes a record in the tool itself.
func (tl *tool) set(id string, fields map[string]any) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	record := map[string]any{"id": id, "updated_at": time.Now().UTC().Format(time.RFC3339)}
	for k, v := range fields {
		record[k] = v
	}
	tl.records[id] = record
}

func (tl *tool) status(id string) any {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return tl.records[id]["status"]
}

// written lists the writes that had an effect, as "id: value".
func (tl *tool) written() []string {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return slices.Clone(tl.writes)
}

// misbehave lets f answer calls; where it returns false the tool does.
func (tl *tool) misbehave(f func(w http.ResponseWriter, r *http.Request) bool) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.instead = f
}

func (tl *tool) search(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	found := []any{}
	if q := r.URL.Query(); q.Has("limit") {
		tl.list(w, q)
		return
	}
	for key, values := range r.URL.Query() {
		for _, record := range tl.records {
			if record[key] == values[0] {
				found = append(found, record)
			}
		}
	}
	send(w, http.StatusOK, map[string]any{"records": found})
}

// list answers two records a page; the cursor is the last one's id.
func (tl *tool) list(w http.ResponseWriter, q url.Values) {
	if limit, err := strconv.Atoi(q.Get("limit")); err != nil || limit < 1 || !q.Has("cursor") {
		tl.Errorf("a list is asked for with %v", q)
	}
	page := map[string]any{}
	records := []any{}
	for _, id := range slices.Sorted(maps.Keys(tl.records)) {
		if id <= q.Get("cursor") {
			continue
		}
		if len(records) == 2 {
			page["next"] = records[1].(map[string]any)["id"]
			break
		}
		records = append(records, tl.records[id])
	}
	page["records"] = records
	send(w, http.StatusOK, page)
}

func (tl *tool) get(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	record := tl.records[r.PathValue("id")]
	if record == nil {
		send(w, http.StatusNotFound, map[string]any{"error": `there is no "such" record`})
		return
	}
	send(w, http.StatusOK, record)
}

func (tl *tool) patch(w http.ResponseWriter, r *http.Request) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	record := tl.records[r.PathValue("id")]
	var body map[string]string
	switch {
	case r.Header.Get("Content-Type") != "application/json" || len(r.Header.Values("Content-Type")) != 1:
		send(w, http.StatusUnsupportedMediaType, map[string]any{"error": "the body has no content type"})
		return
	case record == nil:
		send(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return
	case json.NewDecoder(r.Body).Decode(&body) != nil || len(body) != 1 || body["status"] == "":
		send(w, http.StatusUnprocessableEntity, map[string]any{"error": "status is missing"})
		return
	}
	record["status"], record["updated_at"] = body["status"], time.Now().UTC().Format(time.RFC3339)
	tl.writes = append(tl.writes, fmt.Sprintf("%s: %s", r.PathValue("id"), body["status"]))
	send(w, http.StatusOK, record)
}

func send(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}
