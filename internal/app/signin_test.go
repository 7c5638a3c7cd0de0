package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/people/provider/oidctest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// signInYAML is how people sign in: with a provider, for as long as the times say.
func signInYAML(name, issuer, times string) string {
	return fmt.Sprintf("sign_in: {%s, oidc: {name: %s, issuer: %q, client_id: %s, client_secret: %s, roles: {admin: [ops]}}}\n", times, name, issuer, oidctest.ClientID, oidctest.ClientSecret)
}

// browse returns what a browser is shown in the end, and where.
func (l *live) browse(b *http.Client, address string) (at, text string) {
	l.Helper()
	r, err := b.Get(address)
	l.must(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	l.must(err)
	return r.Request.URL.String(), string(body)
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// People sign in as the file says that is in use: with its provider, at its address,
// for its times. One with a fault changes nothing of that, and it is said.
func TestHowPeopleSignInFollowsTheFile(t *testing.T) {
	t.Parallel()
	one, two := oidctest.New(t), oidctest.New(t)
	for name, p := range map[string]*oidctest.Server{"ana": one, "bo": two} {
		p.Person(map[string]any{"sub": name, "email": name + "@example.com", "email_verified": true, "name": "This is " + name, "groups": []string{"ops"}})
	}
	l := newLive(t, storetest.File(t), signInYAML("One", one.URL, "idle: 1h, ends: 2d"))
	text := configText(l.dsn, l.billing.URL, l.crm.URL)
	one.Redirect(l.app.URL() + provider.Back)
	lasts := func(idle, ends time.Duration) {
		t.Helper()
		if i, e := l.app.Door().Lasts(); i != idle || e != ends {
			t.Errorf("a session lasts %s unused and %s at most", i, e)
		}
	}
	says := func(b *http.Client, address, at, want string) {
		t.Helper()
		if got, page := l.browse(b, address); got != at || !strings.Contains(page, want) {
			t.Errorf("at %s, not at %s with %q: %s", got, at, want, page)
		}
	}
	ana := newBrowser(t)
	lasts(time.Hour, 48*time.Hour)
	says(ana, l.app.URL()+"/signin", l.app.URL()+"/signin", "Continue with One")
	says(ana, l.app.URL()+"/signin/oidc?to=/access", l.app.URL()+"/access", "This is ana")

	where, err := url.Parse(l.app.URL())
	l.must(err)
	elsewhere := "http://localhost:" + where.Port()
	two.Redirect(elsewhere + provider.Back)
	l.must(l.reloadFrom(t.Context(), text, "listen: 127.0.0.1:0\n", "listen: 127.0.0.1:0\n"+signInYAML("Two", two.URL, "idle: 30m, ends: 1d, url: "+elsewhere)))
	held := func() {
		t.Helper()
		lasts(30*time.Minute, 24*time.Hour)
		says(newBrowser(t), l.app.URL()+"/signin", l.app.URL()+"/signin", `href="`+elsewhere+`/signin/oidc?to=%2F">Continue with Two`)
		says(newBrowser(t), elsewhere+"/signin/oidc?to=/access", elsewhere+"/access", "This is bo")
	}
	held()
	says(ana, l.app.URL()+"/access", l.app.URL()+"/access", "This is ana") // who is in stays in
	if got := l.app.PagesURL(); got != elsewhere {
		t.Errorf("links lead to %s", got)
	}

	path := filepath.Join(t.TempDir(), "trueup.yaml")
	faulty := text + signInYAML("Three", "http://login.example.com", "idle: 1m")
	l.must(os.WriteFile(path, []byte(faulty), 0o600))
	_, err = config.Load(path, app.Types(), os.LookupEnv)
	if err == nil {
		t.Fatal("the file has no fault")
	}
	l.app.FileRefused(config.HashOf([]byte(faulty)), err)
	held()
	if _, page := l.browse(ana, l.app.URL()+"/readyz"); !strings.Contains(page, "the one on disk has 2 faults") {
		t.Errorf("/readyz says %s", page)
	}
	if _, page := l.browse(ana, l.app.URL()+"/"); !strings.Contains(page, "The changed trueup.yaml is not used") || !strings.Contains(page, "It has 2 faults.") {
		t.Errorf("the home page says nothing of the fault: %s", page)
	}

	l.must(l.reloadFrom(t.Context(), text, "listen: 127.0.0.1:0\n", "listen: 127.0.0.1:0\nsign_in: {idle: 1h}\n"))
	says(newBrowser(t), l.app.URL()+"/signin/oidc", l.app.URL()+"/signin/oidc", "There is no single sign-on here")
	lasts(time.Hour, config.SessionEnds)
}
