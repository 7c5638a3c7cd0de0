package pages

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const password = "correct horse battery staple"

// newDoor is pages where a person has to sign in, with Priya as the admin and the
// clock of the database.
func newDoor(t *testing.T) (*world, *storetest.Clock) {
	t.Helper()
	w := newWorld(t)
	clock := storetest.NewClock()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.store, w.pages.Store = db, db
	w.pages.Door = &people.Door{Store: db}
	w.pages.Visitor = func(r *http.Request) (Person, error) {
		s, err := SessionOf(w.pages.Door, r)
		if err != nil {
			return Person{}, ErrNobody
		}
		return Person{ID: s.Person.ID, Name: s.Person.Name, Email: s.Person.Email, Role: s.Person.Role}, nil
	}
	code, err := w.pages.Door.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := w.get("/signin/first?code=" + code)
	w.says(got, "Make the first account This link works once, for the next 24 hours. You become the admin.", "12 characters or more, and not easy to guess")
	for _, wrong := range []struct{ name, email, password, want string }{
		{"", "priya@example.com", password, "Write a name"}, {"Priya", "x", password, "Write an email address"},
		{"Priya", "priya@example.com", "short", "Use 12 characters"}, {"Priya", "priya@example.com", "password1234", "easy to guess"},
	} {
		got := w.post("/signin/first", "code", code, "name", wrong.name, "email", wrong.email, "password", wrong.password)
		if got.code != http.StatusUnprocessableEntity || !strings.Contains(got.words(), wrong.want) || strings.Contains(got.text, wrong.password) {
			t.Errorf("%v: %d %s", wrong, got.code, got.words())
		}
	}
	got = w.post("/signin/first", "code", code, "name", "Priya <b>Nair</b>", "email", "priya@example.com", "password", password)
	if got.code != http.StatusOK || got.at != "/" || !strings.Contains(got.text, "Priya &lt;b&gt;Nair&lt;/b&gt;") {
		t.Fatalf("%d at %s: %s", got.code, got.at, got.words())
	}
	if again := w.get("/signin/first?code=" + code); again.code != http.StatusGone || !strings.Contains(again.words(), "This link no longer works") {
		t.Errorf("the link, again: %d %s", again.code, again.words())
	}
	return w, clock
}

func TestSignInAndOut(t *testing.T) {
	w, _ := newDoor(t)
	w.post("/signout")
	if got := w.get("/access?x=1"); got.at != "/signin?to="+url.QueryEscape("/access?x=1") || !strings.Contains(got.words(), "Sign in") {
		t.Fatalf("signed out: %s %s", got.at, got.words())
	}
	for i, want := range []string{"first", "second", "third", "fourth"} {
		got := w.post("/signin", "email", "priya@example.com", "password", "wrong", "to", "/access?x=1")
		if got.code != http.StatusUnauthorized || !strings.Contains(got.words(), "Email or password is wrong. After 5 tries there is a pause of a minute; this was the "+want+".") {
			t.Errorf("try %d: %d %s", i, got.code, got.words())
		}
	}
	got := w.post("/signin", "email", "Priya@Example.com ", "password", password, "to", "/access?x=1")
	if got.code != http.StatusOK || got.at != "/access?x=1" {
		t.Errorf("the right one: %d at %s", got.code, got.at)
	}
	if got := w.get("/signin?to=//evil.example"); got.at != "/" {
		t.Errorf("who is in goes to %s", got.at)
	}
}

func TestWhoSignsInBeforeThereIsAnAccountIsToldHowTheFirstIsMade(t *testing.T) {
	const first = "No one has an account yet. Make the first with the link that trueup run shows in the terminal where it was started, or with the one that trueup people add --name NAME --email ADDRESS --role admin prints on the server."
	forgot := "Ask an admin for a new link"
	w := newWorld(t)
	w.person = nil
	for _, got := range []answered{w.get("/signin"), w.post("/signin", "email", "dana@example.com", "password", password)} {
		if w.says(got, first); strings.Contains(got.words(), forgot) {
			t.Error("it sends the person to an admin, of whom there is none")
		}
	}
	w, _ = newDoor(t)
	w.post("/signout")
	if got := w.get("/signin"); strings.Contains(got.words(), "No one has an account yet") || !strings.Contains(got.words(), forgot) {
		t.Errorf("with an account it says %s", got.words())
	}
}

func TestTooManyTriesWaitAndThenTheRightPasswordWorks(t *testing.T) {
	w, clock := newDoor(t)
	w.post("/signout")
	for i, email := range []string{"nobody@example.com", "priya@example.com"} {
		for range 4 {
			w.post("/signin", "email", email, "password", "wrong")
		}
		if got := w.post("/signin", "email", email, "password", "wrong"); got.code != http.StatusUnauthorized || !strings.Contains(got.words(), "Wait 1 minute before the next try.") {
			t.Errorf("the fifth try of %s: %d %s", email, got.code, got.words())
		}
		r, err := w.client.PostForm(w.server.URL+"/signin", url.Values{"email": {email}, "password": {password}})
		got := w.read(r, err)
		if got.code != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "60" || !strings.Contains(got.words(), "Too many tries. Wait 1 minute, then try again. The password was not checked.") {
			t.Errorf("%d: the right password at once: %d %s", i, got.code, got.words())
		}
	}
	clock.Move(time.Minute)
	if got := w.post("/signin", "email", "priya@example.com", "password", password); got.code != http.StatusOK || got.at != "/" {
		t.Errorf("after the wait: %d at %s %s", got.code, got.at, got.words())
	}
}

// An open page asks for its parts again and again. That is no use of the session.
func TestAPageThatIsLeftOpenDoesNotKeepItsSession(t *testing.T) {
	w, clock := newDoor(t)
	stream := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(w.get("/").text)
	for away := time.Duration(0); away < config.SessionIdle; away += time.Hour {
		r, err := w.client.Get(w.server.URL + html.UnescapeString(stream[1]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Body.Read(make([]byte, 1)); err != nil || r.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("after %s: %s, %v", away, r.Status, err)
		}
		r.Body.Close()
		clock.Move(time.Hour)
	}
	if got := w.get("/access"); !strings.Contains(got.words(), "You were away for 12 hours.") {
		t.Errorf("%d at %s: %s", got.code, got.at, got.words())
	}
}

func TestWhoseSessionHasEndedIsToldWhyAndComesBack(t *testing.T) {
	w, clock := newDoor(t)
	clock.Move(config.SessionIdle)
	got := w.get("/access?x=1")
	if !strings.Contains(got.words(), "You were signed out You were away for 12 hours. Sign in and you are back on the page you left. Nothing was changed.") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/access/password"); got.code != http.StatusUnauthorized || !strings.Contains(got.words(), "Nothing was changed. Sign in") {
		t.Errorf("a form: %d %s", got.code, got.words())
	}
	if got := w.get("/signin?again=1&to=" + url.QueryEscape("/access?x=1")); !strings.Contains(got.text, `value="/access?x=1"`) {
		t.Errorf("the way back is lost: %s", got.text)
	}
	w.post("/signin", "email", "priya@example.com", "password", password)
	if _, err := w.pages.Door.SignOutEverywhere(t.Context(), "priya@example.com", "ops"); err != nil {
		t.Fatal(err)
	}
	if got := w.get("/"); !strings.Contains(got.words(), "signed you out everywhere") {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestAnUnknownLinkSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/signin/first", "/signin/first?code=unknown"} {
		if got := w.get(path); got.code != http.StatusGone || !strings.Contains(got.words(), "Ask an admin for a new one") {
			t.Errorf("%s: %d %s", path, got.code, got.words())
		}
	}
	if got := w.post("/signin/first", "code", "unknown", "password", password); got.code != http.StatusGone {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestALinkLetsInAtOnceOnThisMachineOnly(t *testing.T) {
	w, _ := newDoor(t)
	link := func() string {
		t.Helper()
		code, err := w.pages.Door.NewLink(t.Context(), "priya@example.com", "ops")
		if err != nil {
			t.Fatal(err)
		}
		return people.EnterAt("", code)
	}
	w.post("/signout")
	at := link()
	proxied, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	proxied.Header.Set("X-Forwarded-For", "192.0.2.1")
	r, err := w.client.Do(proxied)
	if got := w.read(r, err); got.code != http.StatusGone {
		t.Errorf("from elsewhere: %d %s", got.code, got.words())
	}
	if got := w.get(at); got.code != http.StatusOK || got.at != "/" {
		t.Errorf("here: %d at %s %s", got.code, got.at, got.words())
	}
	if got := w.get(at); got.at != "/" {
		t.Errorf("here, again: %d at %s", got.code, got.at)
	}
	w.post("/signout")
	if got := w.get(at); got.code != http.StatusGone {
		t.Errorf("it works twice: %d at %s", got.code, got.at)
	}
	// Her password is the one that she had.
	if got := w.post("/signin", "email", "priya@example.com", "password", password); got.at != "/" {
		t.Errorf("%d at %s", got.code, got.at)
	}
}
