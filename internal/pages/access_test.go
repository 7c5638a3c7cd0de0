package pages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

// invited adds a person by the page, and returns the link.
func (w *world) invited(name, email, role string) string {
	w.Helper()
	got := w.post("/access/people", "name", name, "email", email, "role", role)
	link := regexp.MustCompile(`<code id="shown">([^<]*)</code>`).FindStringSubmatch(got.text)
	if got.code != http.StatusOK || link == nil {
		w.Fatalf("%s is not invited: %d %s", name, got.code, got.words())
	}
	return link[1]
}

func TestAnAdminInvitesAPersonAndGivesAnotherRole(t *testing.T) {
	w, _ := newDoor(t)
	link := w.invited("Dana Reyes", "Dana@example.com", "operator")
	if !strings.HasPrefix(link, "https://trueup.example/signin/first?code=") {
		t.Errorf("the link is %s", link)
	}
	if got := w.post("/access/people", "name", "Dana", "email", "dana@example.com", "role", "viewer"); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "dana@example.com is in the list already.") {
		t.Errorf("again: %d %s", got.code, got.words())
	}
	got := w.get("/access")
	for _, want := range []string{"Dana Reyes dana@example.com", "You", "Never"} {
		if !strings.Contains(got.words(), want) {
			t.Errorf("the page does not say %q: %s", want, got.words())
		}
	}
	if strings.Contains(got.text, link) {
		t.Error("the link is shown again")
	}
	roles := func(was, role string) answered {
		return w.post("/access/roles", "who", "dana@example.com", "was", was, "role", role, "who", "priya@example.com", "was", "admin", "role", "admin")
	}
	if got := roles("operator", "viewer"); got.code != http.StatusOK || !strings.Contains(got.words(), "1 role changed. Who it was signs in again.") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := roles("operator", "admin"); got.code != http.StatusConflict || !strings.Contains(got.words(), "You saw operator; it is viewer now. No role was changed.") {
		t.Errorf("a role that has changed meanwhile: %d %s", got.code, got.words())
	}
	if got := roles("viewer", "viewer"); !strings.Contains(got.words(), "No role was changed.") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/access/roles", "who", "priya@example.com", "was", "admin", "role", "viewer"); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "There would be no admin left.") {
		t.Errorf("the only admin: %d %s", got.code, got.words())
	}
	dana, err := w.store.PersonByEmail(t.Context(), "dana@example.com")
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("/access/people/%d", dana.ID)
	if got := w.post(at + "/link"); !strings.Contains(got.words(), "Dana Reyes can sign in with this link, once, within 24 hours.") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post(at + "/signout"); !strings.Contains(got.words(), "Dana Reyes is signed out everywhere (0 sessions).") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post(at + "/remove"); !strings.Contains(got.words(), "Dana Reyes is removed, and signed out.") {
		t.Errorf("%d %s", got.code, got.words())
	}
	for _, act := range []string{"/link", "/signout", "/remove"} {
		if got := w.post(at + act); got.code != http.StatusConflict || !strings.Contains(got.words(), "no longer in the list") {
			t.Errorf("%s of one who was removed: %d %s", act, got.code, got.words())
		}
	}
	done, err := w.store.Activities(t.Context(), store.ActivityFilter{Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, a := range done {
		said = append(said, a.Who+": "+a.Act.Sentence()+" ("+string(a.Way)+")")
	}
	for _, want := range []string{"priya@example.com: Added Dana Reyes with the role operator (page)", "priya@example.com: Changed the role of Dana Reyes: operator → viewer (page)",
		"priya@example.com: Signed Dana Reyes out everywhere (page)", "priya@example.com: Removed Dana Reyes (page)"} {
		if !slices.Contains(said, want) {
			t.Errorf("activity does not say %q: %q", want, said)
		}
	}
}

func TestRolesAreSavedAllTogetherOrNotAtAll(t *testing.T) {
	w, _ := newDoor(t)
	w.invited("Dana Reyes", "dana@example.com", "operator")
	save := func(pairs ...string) answered {
		var form []string
		for i := 0; i < len(pairs); i += 3 {
			form = append(form, "who", pairs[i]+"@example.com", "was", pairs[i+1], "role", pairs[i+2])
		}
		return w.post("/access/roles", form...)
	}
	for name, c := range map[string]struct {
		got  answered
		code int
		says string
	}{
		"one is gone":           {save("dana", "operator", "admin", "gone", "viewer", "operator"), http.StatusConflict, "Nothing was changed."},
		"one was changed":       {save("dana", "operator", "admin", "priya", "viewer", "operator"), http.StatusConflict, "You saw viewer; it is admin now. No role was changed."},
		"no admin would remain": {save("dana", "operator", "viewer", "priya", "admin", "viewer"), http.StatusUnprocessableEntity, "There would be no admin left. Make someone else admin first. No role was changed."},
	} {
		if c.got.code != c.code || !strings.Contains(c.got.words(), c.says) {
			t.Errorf("%s: %d %s", name, c.got.code, c.got.words())
		}
	}
	dana, err := w.store.PersonByEmail(t.Context(), "dana@example.com")
	w.must(err)
	if dana.Role != store.Operator {
		t.Errorf("Dana is %s", dana.Role)
	}
	w.says(save("dana", "operator", "admin"), "1 role changed.")
}

func TestATokenIsShownOnce(t *testing.T) {
	w, _ := newDoor(t)
	got := w.post("/access/tokens", "name", "dashboard", "role", "viewer")
	token := regexp.MustCompile(`tu_[A-Za-z0-9_-]{43}`).FindString(got.text)
	if got.code != http.StatusOK || token == "" || !strings.Contains(got.words(), "dashboard is a token for the role viewer. Copy it now: it is not shown again.") {
		t.Fatalf("%d %s", got.code, got.words())
	}
	if got := w.get("/access"); strings.Contains(got.text, token) || !strings.Contains(got.words(), "dashboard Viewer priya@example.com, ") {
		t.Errorf("%s", got.words())
	}
	if got := w.post("/access/tokens", "name", "dashboard", "role", "admin"); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "Choose another name") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/access/tokens", "name", "a b", "role", "admin"); got.code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/access/tokens/dashboard/revoke"); !strings.Contains(got.words(), "The token dashboard is revoked. It no longer works.") || !strings.Contains(got.words(), "Revoked ") {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestAPasswordIsChangedByWhoKnowsIt(t *testing.T) {
	w, _ := newDoor(t)
	if got := w.post("/access/password", "password", "wrong", "new", "an entirely different sentence"); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "The present password is wrong.") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/access/password", "password", password, "new", "password1234"); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "easy to guess") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/access/password", "password", password, "new", "an entirely different sentence"); got.code != http.StatusOK || !strings.Contains(got.words(), "Your password is changed.") {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestWhoIsNoAdminSeesRolesAndNoAddresses(t *testing.T) {
	w, _ := newDoor(t)
	w.invited("Dana Reyes", "dana@example.com", "operator")
	w.pages.Visitor = w.visitor // the operator Dana
	got := w.get("/access")
	if got.code != http.StatusOK || !strings.Contains(got.words(), "Changing people and tokens needs the role admin.") || !strings.Contains(got.text, "disabled>Save roles") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if strings.Contains(got.text, "priya@example.com") || strings.Contains(got.text, "API tokens") {
		t.Errorf("an operator is shown addresses or tokens: %s", got.text)
	}
}

// TestEveryRouteIsForItsRole asks for each route with each role and without a session:
// a new route without a role is one that everybody reaches.
func TestEveryRouteIsForItsRole(t *testing.T) {
	w := newWorld(t)
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	open := []string{"GET /signin", "POST /signin", "GET /signin/first", "POST /signin/first", "GET /signin/oidc", "GET /signin/oidc/back", "GET /signin/enter", "POST /theme", "GET /help", "GET /help/{$}", "GET /help/{kind}",
		"GET /live"} // it asks for the role of the page that is looked at
	placeholders := regexp.MustCompile(`\{[^}]*\}`)
	for _, r := range routes() {
		name := r.Method + " " + r.Path
		if (r.Role == "") != slices.Contains(open, name) {
			t.Errorf("%s: its role is %q; who reaches it without signing in is a list in this test", name, r.Role)
		}
		if r.Role == "" {
			continue
		}
		reached := false
		r.do = func(*visit) (answer, error) {
			reached = true
			return answer{To: "/"}, nil
		}
		handler := w.pages.route(r)
		for _, role := range append([]store.Role{""}, store.Roles...) {
			w.person, reached = nil, false
			if role != "" {
				w.person = &Person{ID: 1, Name: "Dana Reyes", Email: "dana@example.com", Role: role}
			}
			request := httptest.NewRequest(r.Method, placeholders.ReplaceAllString(r.Path, "x"), strings.NewReader("key="+formKey()))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			got := httptest.NewRecorder()
			handler.ServeHTTP(got, request)
			body := answered{text: got.Body.String()}.words()
			switch {
			case role.Covers(r.Role):
				if !reached || got.Code != http.StatusSeeOther {
					t.Errorf("%s as %s: %d", name, role, got.Code)
				}
			case reached:
				t.Errorf("%s is done for %q, and needs %s", name, role, r.Role)
			case role != "":
				if got.Code != http.StatusForbidden || !strings.Contains(body, "Your role is "+string(role)) || !strings.Contains(body, "needs the role "+string(r.Role)+". Nothing was changed.") {
					t.Errorf("%s as %s: %d %s", name, role, got.Code, body)
				}
			case r.Method == http.MethodGet:
				if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?to=") {
					t.Errorf("%s without a session: %d to %s", name, got.Code, to)
				}
			default:
				if got.Code != http.StatusUnauthorized || !strings.Contains(body, "Nothing was changed. Sign in") {
					t.Errorf("%s without a session: %d %s", name, got.Code, body)
				}
			}
		}
	}
}
