package pages

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
)

// helpPath is the path of the page about a kind of exception.
func helpPath(kind status.Kind) string { return "/help/" + string(kind) }

func TestEachKindOfExceptionHasItsPage(t *testing.T) {
	h := newWorld(t).pages
	for _, kind := range status.Kinds {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, helpPath(kind), nil))
		text := w.Body.String()
		for _, want := range []string{"Meaning.", "Cause.", "Remedy."} {
			if w.Code != http.StatusOK || !strings.Contains(text, want) {
				t.Errorf("the page about %s is answered %d and does not say %q", kind, w.Code, want)
			}
		}
		for _, link := range regexp.MustCompile(`href="(/help[^"]*)"`).FindAllStringSubmatch(text, -1) {
			to := httptest.NewRecorder()
			if h.ServeHTTP(to, httptest.NewRequest(http.MethodGet, link[1], nil)); to.Code != http.StatusOK {
				t.Errorf("the page about %s links to %s, which is answered %d", kind, link[1], to.Code)
			}
		}
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/help/..%2Fexceptions", nil)); w.Code == http.StatusOK {
		t.Error("another page is shown")
	}
}
