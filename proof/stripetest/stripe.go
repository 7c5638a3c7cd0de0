// Package stripetest is a Stripe account for tests. Every request is checked
// by stripe-mock, which knows Stripe's published specification, and is then
// answered from customers and subscriptions a test has set up; events are
// built from Stripe's published fixtures and signed by Stripe's own library.
//
// Main types: Stripe, made by New.
//
// Invariants: a request that stripe-mock refuses fails the test; the product
// is never asked how it would sign or answer, so that it and this account
// cannot be wrong in the same way.
//
// It is a module of its own, below the product's path so that it may import
// the product's internal packages, because stripe-mock and stripe-go must not
// become dependencies of the product.
package stripetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
	"github.com/stripe/stripe-mock/spec"
)

// Key is an API key the account accepts.
const Key = "rk_test_trueup"

// T is the part of *testing.T that is used.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Stripe is one account. Its methods may be called while it is being read.
type Stripe struct {
	// URL is the base_url of a connection to the account.
	URL string
	// Now is the account's clock; set it before the first call.
	Now func() time.Time

	t    T
	mock *mock

	mu            sync.Mutex
	customers     []record // newest first, as Stripe lists them
	subscriptions []record
	events        []record
	made          int // events made so far
	requests      []string
	instead       func(w http.ResponseWriter, r *http.Request) bool
}

// New starts an account without customers that lives as long as the test.
func New(t T) *Stripe {
	t.Helper()
	m, err := loadMock()
	if err != nil {
		t.Fatalf("start stripe-mock: %v", err)
	}
	s := &Stripe{t: t, mock: m, Now: time.Now}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// Instead lets f answer requests in place of the account, for outages and
// limits; f returns false to let the account answer. Requests are checked by
// stripe-mock in either case. nil ends it.
func (s *Stripe) Instead(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = f
}

// Requests returns method and address of every request so far.
func (s *Stripe) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP implements http.Handler.
func (s *Stripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone away
	}
	verdict := s.mock.check(r, body)
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	instead := s.instead
	s.mu.Unlock()
	if verdict.Code != http.StatusOK {
		s.t.Errorf("stripe-mock refuses %s %s with %d: %s", r.Method, r.URL, verdict.Code, verdict.Body)
		copyAnswer(w, verdict)
		return
	}
	if instead != nil && instead(w, r) {
		return
	}
	if !s.answer(w, r) {
		copyAnswer(w, verdict)
	}
}

func copyAnswer(w http.ResponseWriter, from *httptest.ResponseRecorder) {
	for name, values := range from.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(from.Code)
	_, _ = w.Write(from.Body.Bytes())
}

// mock is stripe-mock with its embedded specification and fixtures. It keeps
// nothing between requests, so that one serves all tests.
type mock struct {
	server   *server.StubServer
	version  string
	fixtures *spec.Fixtures
}

var loadMock = sync.OnceValues(func() (*mock, error) {
	api, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		return nil, err
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		return nil, err
	}
	stub, err := server.NewStubServer(fixtures, api, true, false)
	if err != nil {
		return nil, err
	}
	return &mock{server: stub, version: api.Info.Version, fixtures: fixtures}, nil
})

// check lets stripe-mock answer the request. stripe-mock compares the version
// only when there is one; a request without it would get whatever version the
// account has, so here it is refused.
func (m *mock) check(r *http.Request, body []byte) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	if r.Header.Get("Stripe-Version") == "" {
		answer.Code = http.StatusBadRequest
		answer.Body.WriteString(`{"error":{"type":"invalid_request_error","message":"There is no Stripe-Version header."}}`)
		return answer
	}
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	m.server.HandleRequest(answer, copied)
	return answer
}

// fixture returns a copy of a published example object.
func (m *mock) fixture(name string) (record, error) {
	text, err := json.Marshal(m.fixtures.Resources[spec.ResourceID(name)])
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil || r == nil {
		return nil, fmt.Errorf("stripe-mock has no fixture %s: %v", name, err)
	}
	return r, nil
}
