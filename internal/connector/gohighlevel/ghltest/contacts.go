package ghltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (a *Account) listFields(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.PathValue("location") != LocationID {
		refuse(w, http.StatusForbidden, "The token does not have access to this location.")
		return
	}
	reply(w, http.StatusOK, map[string]any{"customFields": a.fields, "traceId": "t"})
}

// json is the contact as a read by its id shows it: fields without a value are
// left out.
func (c *Contact) json() map[string]any {
	out := map[string]any{"id": c.ID, "locationId": LocationID, "tags": append([]string{}, c.Tags...), "customFields": c.values(),
		"dateAdded": "2026-03-01T09:00:00.000Z", "dateUpdated": c.Updated.UTC().Format("2006-01-02T15:04:05.000Z"),
		"createdBy": map[string]any{"source": "WEB_USER", "channel": "APP", "sourceName": "Sam Staff"}}
	for key, value := range map[string]string{"email": c.Email, "phone": c.Phone, "firstName": c.FirstName, "lastName": c.LastName} {
		if value != "" {
			out[key] = value
		}
	}
	more := []map[string]any{}
	for _, address := range c.MoreEmails {
		more = append(more, map[string]any{"email": address})
	}
	out["additionalEmails"] = more
	return out
}

// has reports whether an address is one of the contact's.
func (c *Contact) has(address string) bool {
	return slices.ContainsFunc(append([]string{c.Email}, c.MoreEmails...), func(a string) bool { return strings.EqualFold(a, address) })
}

func (c *Contact) values() []map[string]any {
	out := []map[string]any{}
	for _, id := range sorted(c.Values) {
		if v := c.Values[id]; v != nil && v != "" {
			out = append(out, map[string]any{"id": id, "value": v})
		}
	}
	return out
}

func sorted(values map[string]any) []string {
	var ids []string
	for id := range values {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// contact returns the contact of a path, after answering that there is none:
// with a 400, in one of HighLevel's two wordings.
func (a *Account) contact(w http.ResponseWriter, r *http.Request) *Contact {
	id := r.PathValue("id")
	c := a.contacts[id]
	if c == nil {
		refuse(w, http.StatusBadRequest, "Contact not found for id:"+id)
	}
	return c
}

func (a *Account) readContact(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.contact(w, r); c != nil {
		reply(w, http.StatusOK, map[string]any{"contact": c.json(), "traceId": "t"})
	}
}

// putContact merges custom fields by their id and takes any text.
func (a *Account) putContact(w http.ResponseWriter, r *http.Request) {
	var body struct {
		CustomFields []struct {
			ID    string `json:"id"`
			Value any    `json:"field_value"`
		} `json:"customFields"`
	}
	if problem := strict(r, &body); problem != "" {
		// HighLevel would take other known keys. This account wants a write to
		// change nothing but custom fields.
		a.t.Errorf("PUT of a contact: %s", problem)
		refuse(w, http.StatusUnprocessableEntity, problem)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.contact(w, r)
	if c == nil {
		return
	}
	if len(body.CustomFields) != 1 {
		a.t.Errorf("PUT changes %d fields", len(body.CustomFields))
	}
	for _, f := range body.CustomFields {
		if !slices.ContainsFunc(a.fields, func(known Field) bool { return known.ID == f.ID }) {
			continue // dropped without a word
		}
		a.effects = append(a.effects, Effect{c.ID, fmt.Sprintf("%v → %v", or(c.Values[f.ID]), f.Value)})
		c.Values[f.ID] = f.Value
	}
	c.Updated = a.now()
	a.index(c.ID)
	reply(w, http.StatusOK, map[string]any{"succeded": true, "contact": c.json(), "traceId": "t"})
}

func or(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// strict reads a body and refuses keys that are not expected.
func strict(r *http.Request, into any) string {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return strings.Replace(err.Error(), "json: unknown field", "property", 1) + " should not exist"
	}
	return ""
}

func (a *Account) addTags(w http.ResponseWriter, r *http.Request) {
	a.changeTags(w, r, http.StatusCreated, func(c *Contact, tag string) {
		if !slices.Contains(c.Tags, tag) {
			c.Tags = append(c.Tags, tag)
			a.effects = append(a.effects, Effect{c.ID, "+" + tag})
		}
	})
}

func (a *Account) removeTags(w http.ResponseWriter, r *http.Request) {
	a.changeTags(w, r, http.StatusOK, func(c *Contact, tag string) {
		if i := slices.Index(c.Tags, tag); i >= 0 {
			c.Tags = slices.Delete(c.Tags, i, i+1)
			a.effects = append(a.effects, Effect{c.ID, "-" + tag})
		}
	})
}

func (a *Account) changeTags(w http.ResponseWriter, r *http.Request, code int, change func(*Contact, string)) {
	var body struct {
		Tags []string `json:"tags"`
	}
	if problem := strict(r, &body); problem != "" {
		refuse(w, http.StatusUnprocessableEntity, problem)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.contact(w, r)
	if c == nil {
		return
	}
	for _, tag := range body.Tags {
		change(c, strings.ToLower(tag))
	}
	c.Updated = a.now()
	a.index(c.ID)
	reply(w, code, map[string]any{"tags": append([]string{}, c.Tags...), "traceId": "t"})
}

func (a *Account) duplicate(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.here(w, q, "locationId") {
		return
	}
	var found any
	for _, c := range a.contacts {
		if q.Has("email") && c.has(q.Get("email")) || !q.Has("email") && q.Has("number") && c.Phone == q.Get("number") {
			found = c.json()
		}
	}
	reply(w, http.StatusOK, map[string]any{"contact": found, "traceId": "t"})
}

// here answers a call for another location.
func (a *Account) here(w http.ResponseWriter, q url.Values, key string) bool {
	if q.Get(key) != LocationID {
		refuse(w, http.StatusForbidden, "The token does not have access to this location.")
		return false
	}
	return true
}

// quoted is a value as JSON, for comparison.
func quoted(v any) string {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}
