// Package ghltest is a HighLevel sub-account for tests that run the product
// against real HTTP.
//
// Main types: Account (the server), Contact, Opportunity, Field and Effect (one
// change of a contact). It is stricter than HighLevel: every request is held
// against the published OpenAPI, a token needs the scope that is written there,
// and what the specification leaves open is checked by hand. It has HighLevel's
// ways: a missing contact is a 400, tags become lower case, a dropdown takes
// any text, the search lags behind, and it can misbehave on purpose.
//
// Only tests import it.
package ghltest

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

const (
	// LocationID is the sub-account.
	LocationID = "L0cAt10nAbCdEfGhIjKl"
	// OtherLocation is one that the token is not for.
	OtherLocation = "0tHeRL0cAt10nAbCdEfG"
	// CompanyID is the agency.
	CompanyID = "CoMp4nyAbCdEfGhIjKlM"
	// Token is the private integration token.
	Token = "pit-00000000-1111-4222-8333-444444444444"
	// StatusField is the id of the dropdown Customer Status.
	StatusField = "F1eLdStAtUsAbCdEfGhI"
	// ExternalField is the id of a text field whose key is external_id.
	ExternalField = "F1eLdExTeRnAlAbCdEfG"
	// Pipeline is the id of the pipeline Renewals.
	Pipeline = "P1pEl1nEAbCdEfGhIjKl"
)

// Field is a custom field.
type Field struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Model   string   `json:"model"`
	Key     string   `json:"fieldKey"`
	Type    string   `json:"dataType"`
	Options []string `json:"picklistOptions,omitempty"`
}

// Contact is a contact.
type Contact struct {
	ID, Email, Phone, FirstName, LastName string
	MoreEmails                            []string
	Tags                                  []string
	Values                                map[string]any // by the field's id
	Updated                               time.Time
}

// Opportunity is an opportunity.
type Opportunity struct {
	ID, Contact, Pipeline, Status string
	StatusAt                      time.Time
}

// Effect is one change that a call made.
type Effect struct{ Contact, What string }

// Account is the server. Its methods may be called while it is being used.
type Account struct {
	// URL is the base_url of a connection to it.
	URL string

	t      testing.TB
	spec   *spec
	mux    *http.ServeMux
	server *httptest.Server

	mu            sync.Mutex
	now           func() time.Time
	fields        []Field
	contacts      map[string]*Contact
	opportunities map[string]*Opportunity
	// found is what the search knows, which is older while it lags.
	found    map[string]Contact
	lagging  bool
	scopes   map[string][]string // by token
	company  map[string]bool     // tokens of the agency
	effects  []Effect
	requests []string
	daily    int
	oauth    oauth
	instead  func(w http.ResponseWriter, r *http.Request) bool
	key      signingKey
}

// AllScopes are those that docs/connectors/gohighlevel.md asks for.
var AllScopes = []string{"contacts.readonly", "contacts.write", "locations/customFields.readonly", "opportunities.readonly", "opportunities.write"}

// New starts an account that ends with the test.
func New(t testing.TB) *Account {
	a := &Account{t: t, spec: newSpec(t), now: time.Now, contacts: map[string]*Contact{}, opportunities: map[string]*Opportunity{},
		found: map[string]Contact{}, scopes: map[string][]string{Token: AllScopes}, company: map[string]bool{}, daily: 200000, key: newSigningKey(t)}
	a.fields = []Field{
		{ID: StatusField, Name: "Customer Status", Model: "contact", Key: "contact.customer_status", Type: "SINGLE_OPTIONS", Options: []string{"Active", "Paused", "Churned"}},
		{ID: ExternalField, Name: "External ID", Model: "contact", Key: "contact.external_id", Type: "TEXT"},
		{ID: "F1eLdN0tEsAbCdEfGhIj", Name: "Notes", Model: "contact", Key: "contact.notes", Type: "LARGE_TEXT"},
	}
	a.mux = http.NewServeMux()
	a.mux.HandleFunc("GET /locations/{location}/customFields", a.listFields)
	a.mux.HandleFunc("GET /contacts/{id}", a.readContact)
	a.mux.HandleFunc("PUT /contacts/{id}", a.putContact)
	a.mux.HandleFunc("POST /contacts/{id}/tags", a.addTags)
	a.mux.HandleFunc("DELETE /contacts/{id}/tags", a.removeTags)
	a.mux.HandleFunc("POST /contacts/search", a.search)
	a.mux.HandleFunc("GET /contacts/search/duplicate", a.duplicate)
	a.mux.HandleFunc("GET /opportunities/search", a.searchOpportunities)
	a.mux.HandleFunc("GET /opportunities/pipelines", a.pipelines)
	a.mux.HandleFunc("GET /opportunities/{id}", a.readOpportunity)
	a.mux.HandleFunc("PUT /opportunities/{id}/status", a.putOpportunity)
	a.mux.HandleFunc("POST /oauth/token", a.token)
	a.mux.HandleFunc("POST /oauth/locationToken", a.locationToken)
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	a.URL = a.server.URL
	t.Cleanup(a.server.Close)
	return a
}

// serve checks a request and answers it, or lets Instead do so.
func (a *Account) serve(w http.ResponseWriter, r *http.Request) {
	scope, err := a.spec.check(r)
	a.mu.Lock()
	a.requests = append(a.requests, r.Method+" "+r.URL.Path)
	instead := a.instead
	a.daily--
	h := w.Header()
	h.Set("Date", a.now().UTC().Format(http.TimeFormat))
	h.Set("X-RateLimit-Limit-Daily", "200000")
	h.Set("X-RateLimit-Daily-Remaining", fmt.Sprint(max(a.daily, 0)))
	h.Set("X-RateLimit-Interval-Milliseconds", "10000")
	h.Set("X-RateLimit-Max", "100")
	h.Set("X-RateLimit-Remaining", "99")
	a.mu.Unlock()
	if err != nil {
		a.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if instead != nil && instead(w, r) {
		return
	}
	a.answer(w, r, scope)
}

// answer answers a request as HighLevel does.
func (a *Account) answer(w http.ResponseWriter, r *http.Request, scope string) {
	if r.URL.Path == "/oauth/token" {
		a.mux.ServeHTTP(w, r)
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	scopes, known := a.scopes[token]
	agency := a.company[token]
	a.mu.Unlock()
	switch {
	case r.Header.Get("Version") == "":
		refuse(w, http.StatusUnauthorized, "version header was not found.")
	case !known:
		refuse(w, http.StatusUnauthorized, "Invalid token: access token is invalid")
	case agency != (r.URL.Path == "/oauth/locationToken"):
		refuse(w, http.StatusForbidden, "The token does not have access to this location.")
	case scope != "" && !slices.Contains(scopes, scope):
		refuse(w, http.StatusUnauthorized, "The token is not authorized for this scope.")
	default:
		a.mux.ServeHTTP(w, r)
	}
}

// Instead lets f answer calls; where it returns false the account does.
func (a *Account) Instead(f func(w http.ResponseWriter, r *http.Request) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.instead = f
}

// Really answers a call that Instead was asked about.
func (a *Account) Really(w http.ResponseWriter, r *http.Request) {
	scope, err := a.spec.check(r)
	if err != nil {
		a.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	a.answer(w, r, scope)
}

// Clock replaces the clock that changes are dated by.
func (a *Account) Clock(now func() time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = now
}

// Grant gives the private token other scopes.
func (a *Account) Grant(scopes ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scopes[Token] = scopes
}

// Daily sets how many calls are left of the day's.
func (a *Account) Daily(left int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.daily = left
}

// SetFields replaces the custom fields.
func (a *Account) SetFields(change func([]Field) []Field) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fields = change(a.fields)
}

// Set makes or changes a contact in the account itself.
func (a *Account) Set(c Contact) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Updated.IsZero() {
		c.Updated = a.now()
	}
	if c.Values == nil {
		c.Values = map[string]any{}
	}
	for i, tag := range c.Tags {
		c.Tags[i] = strings.ToLower(tag)
	}
	a.contacts[c.ID] = &c
	a.index(c.ID)
}

// Edit changes a contact as a person in the account does.
func (a *Account) Edit(id string, change func(*Contact)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.contacts[id]
	change(c)
	c.Updated = a.now()
	a.index(id)
}

// Delete removes a contact. The search shows it until it has caught up.
func (a *Account) Delete(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.contacts, id)
	a.index(id)
}

// SetOpportunity makes or changes an opportunity.
func (a *Account) SetOpportunity(o Opportunity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o.StatusAt.IsZero() {
		o.StatusAt = a.now()
	}
	a.opportunities[o.ID] = &o
}

// Lag keeps the search from learning of changes until CatchUp.
func (a *Account) Lag() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lagging = true
}

// CatchUp lets the search learn of every change.
func (a *Account) CatchUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lagging = false
	a.found = map[string]Contact{}
	for id := range a.contacts {
		a.index(id)
	}
}

// index lets the search learn of a change, unless it lags.
func (a *Account) index(id string) {
	if a.lagging {
		return
	}
	delete(a.found, id)
	if c := a.contacts[id]; c != nil {
		a.found[id] = c.copy()
	}
}

func (c *Contact) copy() Contact {
	out := *c
	out.Tags, out.Values = slices.Clone(c.Tags), maps.Clone(c.Values)
	return out
}

// Contact returns a contact as it is now.
func (a *Account) Contact(id string) Contact {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.contacts[id] == nil {
		return Contact{}
	}
	return a.contacts[id].copy()
}

// Status returns a contact's value of the dropdown Customer Status.
func (a *Account) Status(id string) string {
	s, _ := a.Contact(id).Values[StatusField].(string)
	return s
}

// OpportunityStatus returns the status of an opportunity.
func (a *Account) OpportunityStatus(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.opportunities[id].Status
}

// Effects returns the changes that calls made, in their order.
func (a *Account) Effects() []Effect {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.effects)
}

// Requests returns the calls since the last time.
func (a *Account) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.requests
	a.requests = nil
	return all
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}

// refuse answers an error. A 422 has its message in a list.
func refuse(w http.ResponseWriter, code int, message string) {
	var said any = message
	if code == http.StatusUnprocessableEntity {
		said = []string{message}
	}
	reply(w, code, map[string]any{"statusCode": code, "message": said, "error": http.StatusText(code), "traceId": "aaaaaaaa-0000-4000-8000-000000000001"})
}
