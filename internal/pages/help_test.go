package pages

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/reason"
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
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, helpPath(status.Conflict), nil)); !strings.Contains(w.Body.String(), "(<code>docs/connectors/http.md</code> shows how") {
		t.Error("what the docs of a tool explain is not said to stand there")
	}
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/help/..%2Fexceptions", nil)); w.Code == http.StatusOK {
		t.Error("another page is shown")
	}
}

func TestHelpListsTheKindsOfExceptions(t *testing.T) {
	w := newWorld(t)
	for _, person := range []*Person{w.person, nil} {
		w.person = person
		for _, path := range []string{"/help", "/help/"} {
			got := w.get(path)
			w.answers(got, 200, "Help")
			for _, kind := range status.Kinds {
				if !strings.Contains(got.text, `<a href="`+helpPath(kind)+`">`+reason.KindNames[kind]+`</a>`) {
					t.Errorf("%s does not list %s", path, kind)
				}
			}
		}
	}
	if got := w.get("/help/nothing"); got.code != http.StatusNotFound || !strings.Contains(got.text, `href="/help"`) {
		t.Errorf("a kind that is not there: %d %s", got.code, got.words())
	}
}
