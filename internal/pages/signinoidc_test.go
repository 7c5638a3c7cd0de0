package pages

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/people/provider/oidctest"
	"github.com/trueup-sync/trueup/internal/store"
)

// sso is a door with an identity provider. Priya, who has a password, is signed out.
type sso struct {
	*world
	provider *oidctest.Server
	rules    config.OIDC
	log      *bytes.Buffer
}

func newSSO(t *testing.T) *sso {
	t.Helper()
	w, _ := newDoor(t)
	w.post("/signout")
	s := &sso{world: w, provider: oidctest.New(t), log: &bytes.Buffer{}}
	s.provider.Redirect(w.server.URL + provider.Back)
	s.rules = config.OIDC{Name: "Okta", Issuer: s.provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, GroupsClaim: "groups",
		Roles: config.Roles{Admin: []string{"admins"}, Operator: []string{"ops"}, Viewer: []string{"everyone"}}}
	with := provider.New(s.rules, &http.Client{Transport: http.DefaultTransport})
	w.pages.Provider = func() (config.OIDC, *provider.Provider) { return s.rules, with }
	w.pages.Address = func() string { return w.server.URL }
	w.pages.Log = slog.New(slog.NewTextHandler(s.log, nil))
	s.is("ana", "everyone", "ops")
	return s
}

// is makes somebody the person at the provider.
func (s *sso) is(name string, groups ...string) {
	s.provider.Person(map[string]any{"sub": name, "email": name + "@example.com", "email_verified": true, "name": "Ana <b>Ruiz</b>", "groups": groups})
}

var reference3 = regexp.MustCompile(`Reference: e-[0-9a-f]{6}`)

// refused signs in and wants a sentence, with a reference that is in the log.
func (s *sso) refused(code int, want string) {
	s.Helper()
	got := s.get("/signin/oidc?to=/access")
	id := strings.TrimPrefix(reference3.FindString(got.words()), "Reference: ")
	if got.code != code || !strings.Contains(got.words(), want) || !strings.Contains(got.text, `role="alert"`) || id == "" || !strings.Contains(s.log.String(), id) {
		s.Errorf("%d %s; the log is %s", got.code, got.words(), s.log)
	}
	if strings.Contains(got.text, "hunter2") || strings.Contains(s.log.String(), "hunter2") || strings.Contains(s.log.String(), "ana@") {
		s.Errorf("a secret is shown: %s; %s", got.words(), s.log)
	}
	if !strings.Contains(got.text, `href="`+s.server.URL+`/signin/oidc?to=%2Faccess"`) {
		s.Errorf("there is no second try: %s", got.text)
	}
	if in := s.get("/access"); !strings.HasPrefix(in.at, "/signin") {
		s.Errorf("somebody is in at %s", in.at)
	}
}

func TestWhoSignsInWithTheProviderIsBackOnThePage(t *testing.T) {
	s := newSSO(t)
	if got := s.get("/signin?to=/access?x=1"); !strings.Contains(got.text, `<a class="btn wide" href="`+s.server.URL+`/signin/oidc?to=%2Faccess%3Fx%3D1">Continue with Okta</a>`) {
		t.Errorf("the page has no way to the provider: %s", got.text)
	}
	got := s.get("/signin/oidc?to=/access?x=1")
	if got.code != http.StatusOK || got.at != "/access?x=1" || !strings.Contains(got.text, "Ana &lt;b&gt;Ruiz&lt;/b&gt;") {
		t.Fatalf("%d at %s: %s", got.code, got.at, got.words())
	}
	p, err := s.store.PersonByEmail(t.Context(), "ana@example.com")
	if got := s.get("/access"); !strings.Contains(got.words(), "Signs in with single sign-on") || !strings.Contains(got.words(), "you have no password here") || strings.Contains(got.text, `action="/access/password"`) {
		t.Errorf("Access does not say how she signs in: %s", got.words())
	}
	if err != nil || p.Role != store.Operator || p.HasPassword || !p.Provided {
		t.Errorf("the person is %+v, %v", p, err)
	}
	if got := s.post("/signin", "email", "ana@example.com", "password", ""); got.code != http.StatusUnauthorized {
		t.Errorf("without a password: %d", got.code)
	}
	s.post("/signout")
	if got := s.get("/signin/oidc?to=https://evil.example/"); got.at != "/" {
		t.Errorf("another site is opened: %s", got.at)
	}
}

func TestWhomTheProviderDoesNotBringInReadsWhy(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<html>hunter2"))
	}
	for name, tt := range map[string]struct {
		prepare func(*sso)
		code    int
		want    string
	}{
		"no group of ours":            {func(s *sso) { s.is("ana", "sales") }, http.StatusForbidden, "None of your groups at Okta can use Trueup. Ask an admin of Trueup which group you need."},
		"an address that is unproven": {func(s *sso) { s.provider.Person(map[string]any{"sub": "1", "email": "a@x.com", "groups": "ops"}) }, http.StatusForbidden, "Okta does not confirm your email address."},
		"somebody else's address":     {func(s *sso) { s.is("priya", "admins") }, http.StatusForbidden, "Someone with your email address is here already."},
		"another nonce":               {func(s *sso) { s.provider.Spoil(func(c map[string]any) { c["nonce"] = "hunter2" }) }, http.StatusUnauthorized, "What Okta sent does not prove who you are."},
		"HTML in place of a token":    {func(s *sso) { s.provider.Instead("/token", page) }, http.StatusBadGateway, "Okta does not answer. Try again in a minute, or sign in with your password."},
		"the provider is down":        {func(s *sso) { s.provider.Close() }, http.StatusBadGateway, "Okta does not answer."},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSSO(t)
			s.world.T = t
			tt.prepare(s)
			s.refused(tt.code, tt.want)
			if got := s.post("/signin", "email", "priya@example.com", "password", password); got.code != http.StatusOK || got.at != "/" {
				t.Errorf("the password does not help: %d at %s", got.code, got.at)
			}
		})
	}
}

func TestASignInOfAnotherBrowserOrOneThatIsOverLetsNobodyIn(t *testing.T) {
	s := newSSO(t)
	s.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == provider.Back {
			return http.ErrUseLastResponse
		}
		return nil
	}
	r, err := s.client.Get(s.server.URL + "/signin/oidc")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	back, err := r.Location()
	if err != nil {
		t.Fatal(err)
	}
	mine := s.client.Jar
	s.client.CheckRedirect = nil
	notIn := func(what string) {
		t.Helper()
		got := s.get(back.RequestURI())
		if got.code != http.StatusBadRequest || !strings.Contains(got.words(), "This sign-in did not begin in this browser, or it took longer than 10 minutes. Begin again below.") {
			t.Errorf("%s: %d %s", what, got.code, got.words())
		}
	}
	if s.client.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	notIn("another browser")
	s.client.Jar = mine
	if got := s.get(back.RequestURI()); got.code != http.StatusOK || got.at != "/" {
		t.Fatalf("the right browser: %d at %s", got.code, got.at)
	}
	s.post("/signout")
	notIn("a second time")
}

func TestAChangedGroupChangesTheRoleAndEndsTheOtherSessions(t *testing.T) {
	s := newSSO(t)
	s.get("/signin/oidc")
	first := s.client.Jar
	second, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.is("ana", "everyone")
	s.client.Jar = second
	if got := s.get("/signin/oidc?to=/access"); got.at != "/access" {
		t.Fatalf("%d at %s", got.code, got.at)
	}
	s.client.Jar = first
	if got := s.get("/signin"); !strings.Contains(got.words(), "Your role has changed Sign in again to continue with it.") {
		t.Errorf("the other browser: %s", got.words())
	}
	s.is("ana", "sales")
	s.refused(http.StatusForbidden, "None of your groups at Okta can use Trueup.")
	s.client.Jar = second
	if got := s.get("/access"); !strings.HasPrefix(got.at, "/signin") {
		t.Errorf("who lost all groups is still in: %s", got.at)
	}
}

func TestAPersonWithAPasswordIsJoinedWhereTheFileSaysSo(t *testing.T) {
	s := newSSO(t)
	s.rules.LinkByEmail, s.rules.TrustEmails = true, true
	s.provider.Person(map[string]any{"sub": "1", "email": "priya@example.com", "groups": "admins"})
	s.refused(http.StatusForbidden, "Someone with your email address is here already.") // trusted, not verified
	s.is("priya", "everyone")
	s.refused(http.StatusForbidden, "Your groups at Okta no longer make you an admin, and no one else is one.")
	s.is("priya", "admins")
	if got := s.get("/signin/oidc?to=/access"); got.at != "/access" {
		t.Fatalf("%d at %s: %s", got.code, got.at, got.words())
	}
	s.post("/signout")
	if got := s.post("/signin", "email", "priya@example.com", "password", password); got.code != http.StatusUnauthorized {
		t.Errorf("the password still works: %d", got.code)
	}
}

func TestWithoutAProviderThereIsNoWayToOne(t *testing.T) {
	w, _ := newDoor(t)
	w.post("/signout")
	if got := w.get("/signin"); strings.Contains(got.text, "Continue with") {
		t.Error("the page has a button")
	}
	for _, path := range []string{"/signin/oidc", provider.Back + "?code=x&state=y"} {
		if got := w.get(path); got.code != http.StatusNotFound || !strings.Contains(got.words(), "There is no single sign-on here") {
			t.Errorf("%s: %d %s", path, got.code, got.words())
		}
	}
}

func TestSigningInWithAProviderInABrowser(t *testing.T) {
	s := newSSO(t)
	s.provider.Ask()
	b := browsertest.Open(t)
	b.Expect("403")
	b.Do("open a page", chromedp.Navigate(s.server.URL+"/access"), chromedp.WaitVisible(chromedp.CSS("#pw")))
	shot(b, "signin-oidc")
	b.Do("continue with the provider", chromedp.Click(`//a[contains(., "Continue with Okta")]`), chromedp.WaitVisible(chromedp.CSS("#yes")))
	s.is("ana", "sales")
	b.Do("sign in there without a group", chromedp.Click(chromedp.CSS("#yes")), chromedp.WaitVisible(`//*[@id="err"][contains(., "None of your groups at Okta can use Trueup.")]`))
	shot(b, "signin-oidc-refused")
	b.Look(browsertest.Looks{Width: 390, Height: 844, Dark: true})
	shot(b, "signin-oidc-refused-dark-390")
	s.is("ana", "ops")
	b.Do("continue again", chromedp.Click(`//a[contains(., "Continue with Okta")]`), chromedp.WaitVisible(chromedp.CSS("#yes")),
		chromedp.Click(chromedp.CSS("#yes")), chromedp.WaitVisible(chromedp.CSS("#people")))
	if at := b.Text("main"); !strings.Contains(at, "Ana <b>Ruiz</b>") {
		t.Errorf("the page is %s", at)
	}
	if people, err := s.pages.Door.List(t.Context(), "", 0); err != nil || len(people) != 2 {
		t.Errorf("the people are %v, %v", people, err)
	}
}
