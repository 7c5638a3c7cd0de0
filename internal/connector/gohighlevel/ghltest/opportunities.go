package ghltest

import (
	"net/http"
	"slices"
	"time"
)

func (o *Opportunity) json() map[string]any {
	return map[string]any{"id": o.ID, "contactId": o.Contact, "pipelineId": o.Pipeline, "status": o.Status, "name": "A deal",
		"lastStatusChangeAt": o.StatusAt.UTC().Format(time.RFC3339Nano)}
}

func (a *Account) summaries(contact string) []map[string]any {
	out := []map[string]any{}
	for _, o := range a.opportunities {
		if o.Contact == contact {
			out = append(out, map[string]any{"id": o.ID, "pipelineId": o.Pipeline, "status": o.Status})
		}
	}
	slices.SortFunc(out, func(x, y map[string]any) int { return compare(x["id"], y["id"]) })
	return out
}

func compare(x, y any) int {
	if quoted(x) < quoted(y) {
		return -1
	}
	return 1
}

func (a *Account) searchOpportunities(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.here(w, q, "location_id") {
		return
	}
	out := []map[string]any{}
	for _, o := range a.opportunities {
		if (!q.Has("contact_id") || o.Contact == q.Get("contact_id")) && (!q.Has("pipeline_id") || o.Pipeline == q.Get("pipeline_id")) {
			out = append(out, o.json())
		}
	}
	slices.SortFunc(out, func(x, y map[string]any) int { return compare(x["id"], y["id"]) })
	reply(w, http.StatusOK, map[string]any{"opportunities": out, "meta": map[string]any{"total": len(out)}, "traceId": "t"})
}

func (a *Account) pipelines(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.here(w, r.URL.Query(), "locationId") {
		reply(w, http.StatusOK, map[string]any{"pipelines": []map[string]any{{"id": Pipeline, "name": "Renewals", "stages": []any{}}, {"id": "P1pEl1nE2", "name": "Sales", "stages": []any{}}}})
	}
}

func (a *Account) opportunity(w http.ResponseWriter, r *http.Request) *Opportunity {
	o := a.opportunities[r.PathValue("id")]
	if o == nil {
		refuse(w, http.StatusBadRequest, "Opportunity with id "+r.PathValue("id")+" not found")
	}
	return o
}

func (a *Account) readOpportunity(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.opportunity(w, r); o != nil {
		reply(w, http.StatusOK, map[string]any{"opportunity": o.json(), "traceId": "t"})
	}
}

func (a *Account) putOpportunity(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Status string `json:"status"`
	}
	if problem := strict(r, &body); problem != "" {
		refuse(w, http.StatusUnprocessableEntity, problem)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.opportunity(w, r)
	if o == nil {
		return
	}
	a.effects = append(a.effects, Effect{o.Contact, o.Status + " → " + body.Status})
	o.Status, o.StatusAt = body.Status, a.now()
	reply(w, http.StatusOK, map[string]any{"succeded": true})
}
