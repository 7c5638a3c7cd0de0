package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	var broken error
	h := New(Options{
		Hooks:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hook of " + r.PathValue("connection"))) }),
		API:     http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("api " + r.URL.Path)) }),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("numbers")) }),
		Ready:   func(context.Context) error { return broken },
		Pages:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("page " + r.URL.Path)) }),
	})
	file := New(Options{Hooks: http.NotFoundHandler(), API: http.NotFoundHandler(), Metrics: http.NotFoundHandler(), Ready: func(context.Context) error { return nil },
		File: func() string { return "running on the file of before" }})
	answer := httptest.NewRecorder()
	file.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if got := strings.TrimSpace(answer.Body.String()); answer.Code != http.StatusOK || got != `{"ready":true,"configuration":"running on the file of before"}` {
		t.Errorf("with a file that is not used: %d %s", answer.Code, got)
	}
	tests := map[string]struct {
		method, path string
		broken       error
		code         int
		body         string
	}{
		"a webhook":                          {"POST", "/hooks/billing", nil, 200, "hook of billing"},
		"a hand-shake":                       {"GET", "/hooks/billing", nil, 200, "hook of billing"},
		"a hand-shake with a secret":         {"GET", "/hooks/billing/sesame", nil, 200, "hook of billing"},
		"a webhook that is put":              {"PUT", "/hooks/billing", nil, 405, ""},
		"no webhook's name":                  {"GET", "/hooks/", nil, 405, ""},
		"the API":                            {"PUT", "/api/v1/links/a/b", nil, 200, "api /api/v1/links/a/b"},
		"alive":                              {"GET", "/healthz", nil, 200, "ok"},
		"ready":                              {"GET", "/readyz", nil, 200, `{"ready":true}`},
		"not ready, without saying too much": {"GET", "/readyz", errors.New("user root at db.internal"), 503, `{"ready":false,"error":"events cannot be stored and synced now; the log has the cause"}`},
		"alive though the database is not":   {"GET", "/healthz", errors.New("broken"), 200, "ok"},
		"metrics":                            {"GET", "/metrics", nil, 200, "numbers"},
		"the first page":                     {"GET", "/", nil, 200, "page /"},
		"another page":                       {"GET", "/exceptions", nil, 200, "page /exceptions"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			broken = tt.broken
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("the headers are %v", w.Header())
			}
		})
	}
}

func TestTwoAddressesShareWhatOneServes(t *testing.T) {
	o := Options{Hooks: naming("hooks"), API: naming("api"), Metrics: naming("metrics"), Pages: naming("pages"), Slack: naming("slack"), Ready: func(context.Context) error { return nil }}
	for path, want := range map[string]struct{ public, admin string }{
		"POST /hooks/billing":      {"hooks", "pages"},
		"POST /slack/interactions": {"slack", "pages"},
		"GET /api/v1/status":       {"", "api"},
		"GET /metrics":             {"", "metrics"},
		"GET /":                    {"", "pages"},
		"GET /exceptions":          {"", "pages"},
		"GET /healthz":             {"ok\n", "ok\n"},
	} {
		method, at, _ := strings.Cut(path, " ")
		for where, h := range map[string]http.Handler{"public": Public(o), "admin": Admin(o)} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, at, nil))
			expected := want.public
			if where == "admin" {
				expected = want.admin
			}
			if got := w.Body.String(); expected != "" && got != expected || expected == "" && w.Code != http.StatusNotFound {
				t.Errorf("%s at the %s address: %d %q", path, where, w.Code, got)
			}
		}
	}
}

func naming(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(text)) })
}
