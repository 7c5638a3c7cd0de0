package ghltest

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

//go:embed testdata/*.json
var files embed.FS

// spec is HighLevel's published OpenAPI, one document for each of its parts.
type spec struct{ parts []routers.Router }

var loadSpec = sync.OnceValues(func() (*spec, error) {
	s := &spec{}
	for _, part := range []string{"contacts", "locations", "opportunities", "oauth"} {
		text, err := files.ReadFile("testdata/" + part + ".json")
		if err != nil {
			return nil, err
		}
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, fmt.Errorf("%s.json: %w", part, err)
		}
		doc.Servers = nil // the account is elsewhere
		for _, scheme := range doc.Components.SecuritySchemes {
			scheme.Value.In, scheme.Value.Name = "", "" // not allowed beside http, and there
		}
		router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation())
		if err != nil {
			return nil, fmt.Errorf("%s.json: %w", part, err)
		}
		s.parts = append(s.parts, router)
	}
	return s, nil
})

func newSpec(t testing.TB) *spec {
	t.Helper()
	s, err := loadSpec()
	if err != nil {
		t.Fatalf("read HighLevel's OpenAPI: %v", err)
	}
	return s
}

// check holds a request against the specification and returns the scope that
// it needs.
func (s *spec) check(r *http.Request) (scope string, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", nil // the caller has gone
	}
	defer func() { r.Body = io.NopCloser(bytes.NewReader(body)) }()
	route, params, err := s.route(r)
	if err != nil {
		return "", err
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return "", fmt.Errorf("the query parameter %s is not in the specification", name)
		}
	}
	probe := r.Clone(r.Context())
	probe.Body = io.NopCloser(bytes.NewReader(body))
	if err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{Request: probe, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}); err != nil {
		return "", err
	}
	if route.Operation.RequestBody == nil && len(body) > 0 {
		return "", fmt.Errorf("a body that the specification does not have")
	}
	return scopeOf(route.Operation), nil
}

func (s *spec) route(r *http.Request) (route *routers.Route, params map[string]string, err error) {
	for _, part := range s.parts {
		if route, params, err = part.FindRoute(r); err == nil {
			return route, params, nil
		}
	}
	return nil, nil, err
}

// scopeOf returns the scope an operation asks for, "" for none.
func scopeOf(o *openapi3.Operation) string {
	if o.Security == nil {
		return ""
	}
	for _, way := range *o.Security {
		for _, name := range []string{"bearer", "Location-Access", "Agency-Access-Only"} {
			if scopes := way[name]; len(scopes) > 0 {
				return slices.Min(scopes)
			}
		}
	}
	return ""
}
