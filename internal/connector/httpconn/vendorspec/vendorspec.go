// Package vendorspec holds a fake of a vendor's API against what the vendor itself
// publishes: a request that is not in the description fails the test with what is
// wrong with it, and so does an answer of the fake that the vendor could not give.
//
// Main function: Strict. The descriptions are in specs, cut down to the calls that
// the examples make by the program trim; SOURCES.md says where they come from, under
// which license, and what was added. Only tests import it.
package vendorspec

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

//go:embed specs/*.json
var specs embed.FS

// Spec is the description of one vendor's calls.
type Spec struct{ router routers.Router }

var loaded sync.Map // of func() (*Spec, error), by the vendor

// Load reads the description of a vendor, the name of an example.
func Load(vendor string) (*Spec, error) {
	once, _ := loaded.LoadOrStore(vendor, sync.OnceValues(func() (*Spec, error) {
		text, err := specs.ReadFile("specs/" + vendor + ".json")
		if err != nil {
			return nil, err
		}
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, fmt.Errorf("%s.json: %w", vendor, err)
		}
		router, err := legacy.NewRouter(doc)
		if err != nil {
			return nil, fmt.Errorf("%s.json: %w", vendor, err)
		}
		return &Spec{router}, nil
	}))
	return once.(func() (*Spec, error))()
}

var options = &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}

// Request says what is wrong with a request, and returns what its answer is checked
// by. The body can be read again.
func (s *Spec) Request(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	defer func() { r.Body = io.NopCloser(bytes.NewReader(body)) }()
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		return nil, fmt.Errorf("the vendor has no such call: %w", err)
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return nil, fmt.Errorf("the vendor's call has no parameter %s", name)
		}
	}
	if route.Operation.RequestBody == nil && len(body) > 0 {
		return nil, fmt.Errorf("the vendor's call has no body")
	}
	probe := r.Clone(r.Context())
	probe.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{Request: probe, PathParams: params, Route: route, Options: options}
	return input, openapi3filter.ValidateRequest(r.Context(), input)
}

// Strict lets a fake of a vendor answer only what its description has, to requests
// that it has. What is wrong fails the test; the request is then refused with 400.
func Strict(t testing.TB, vendor string, fake http.Handler) http.Handler {
	t.Helper()
	spec, err := Load(vendor)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		input, err := spec.Request(r)
		if err != nil {
			t.Errorf("%s would refuse %s %s: %v", vendor, r.Method, r.URL.RequestURI(), brief(err))
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer := httptest.NewRecorder()
		fake.ServeHTTP(answer, r)
		if answer.Code >= http.StatusInternalServerError { // a gateway's, which knows no description
			err = nil
		} else if err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: answer.Code,
			Header: answer.Header(), Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())), Options: options}); err != nil {
			t.Errorf("%s would not answer %d to %s %s: %v", vendor, answer.Code, r.Method, r.URL.RequestURI(), brief(err))
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// brief leaves out the schema and the value, which fill a page.
func brief(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\nSchema:")
	return text
}
