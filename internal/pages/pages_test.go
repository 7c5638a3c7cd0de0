package pages

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestEveryAnswerTellsTheBrowserWhatItMayDo(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/nothing", "/help/unmatched", assetNames["trueup.css"]} {
		r, err := w.client.Get(w.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		policy := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if got := r.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security is %q", path, got)
		}
		if got, asset := r.Header.Get("Cache-Control"), strings.HasPrefix(path, "/assets/"); strings.Contains(got, "immutable") != asset || (got == "no-store") == asset {
			t.Errorf("%s: Cache-Control is %q", path, got)
		}
	}
}

func TestWhoIsNotSignedInIsLedToTheDoorAndBack(t *testing.T) {
	w := newWorld(t)
	w.person = nil
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := w.client.Get(w.server.URL + "/?a=b&c=d")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != "/signin?to="+url.QueryEscape("/?a=b&c=d") {
		t.Errorf("%d to %q", r.StatusCode, to)
	}
}

func TestAPageThatIsNotThereStandsBesideTheMenuForWhoIsSignedIn(t *testing.T) {
	w := newWorld(t)
	for _, person := range []*Person{w.person, nil} {
		w.person = person
		if got := w.get("/nothing"); got.code != http.StatusNotFound || !strings.Contains(got.text, "There is no page at this address") || strings.Contains(got.text, `id="nav"`) != (person != nil) {
			t.Errorf("%v: %d %s", person, got.code, got.words())
		}
	}
}

func TestAnAddressElsewhereIsNotFollowed(t *testing.T) {
	for to, want := range map[string]string{"/exceptions?a=b": "/exceptions?a=b", "//evil.example/": "/", "https://evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "": "/", "exceptions": "/"} {
		if got := local(to); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestAnErrorIsShownByItsReferenceOnly(t *testing.T) {
	w := newWorld(t)
	w.pages.Visitor = func(*http.Request) (Person, error) { return Person{}, errBroken }
	got := w.get("/")
	if got.code != http.StatusInternalServerError || strings.Contains(got.text, "db.internal") || !regexp.MustCompile(`e-[0-9a-f]{6}`).MatchString(got.text) {
		t.Errorf("%d %s", got.code, got.words())
	}
}

// counting is a route that counts how often it is done.
func counting(w *world, done *atomic.Int32, role store.Role) route {
	return route{http.MethodPost, "/count", role, func(v *visit) (answer, error) {
		if done.Add(1) == 1 && v.PostFormValue("fail") != "" {
			return answer{}, errBroken
		}
		return answer{To: "/", Said: "Counted <b>once</b>."}, nil
	}}
}

func TestAFormIsDoneOnceHoweverOftenItIsSent(t *testing.T) {
	w := newWorld(t)
	var done atomic.Int32
	w.pages.mux.Handle("POST /count", w.pages.route(counting(w, &done, store.Viewer)))
	key := formKey()
	for range 3 {
		if got := w.post("/count", "key", key); got.code != http.StatusOK || got.at != "/" || !strings.Contains(got.text, "Counted &lt;b&gt;once&lt;/b&gt;.") {
			t.Fatalf("%d at %s: %s", got.code, got.at, got.words())
		}
	}
	if n := done.Load(); n != 1 {
		t.Errorf("it was done %d times", n)
	}
	if got := w.get("/"); strings.Contains(got.text, "Counted") {
		t.Error("what came of it is said twice")
	}
	w.post("/count")
	if n := done.Load(); n != 2 {
		t.Errorf("another form: it was done %d times", n)
	}
	if got := w.post("/count", "key", ""); got.code != http.StatusBadRequest || done.Load() != 2 {
		t.Errorf("without a key: %d", got.code)
	}
}

func TestAFormThatFailedMayBeSentAgain(t *testing.T) {
	w := newWorld(t)
	var done atomic.Int32
	w.pages.mux.Handle("POST /count", w.pages.route(counting(w, &done, store.Viewer)))
	key := formKey()
	if got := w.post("/count", "key", key, "fail", "yes"); got.code != http.StatusInternalServerError || !strings.Contains(got.text, "whether this was done") {
		t.Errorf("%d %s", got.code, got.words())
	}
	if got := w.post("/count", "key", key); got.code != http.StatusOK || done.Load() != 2 {
		t.Errorf("%d, done %d times", got.code, done.Load())
	}
}

// A browser that goes back shows the same form, with the key that it had.
func TestAFormThatComesBackWithSomethingElseInItIsDoneToo(t *testing.T) {
	w := newWorld(t)
	one, two := w.needs(status.Unmatched, "cus_1"), w.needs(status.Unmatched, "cus_2")
	key := formKey()
	for _, x := range []store.Exception{one, two, two} {
		w.says(w.post("/exceptions/act", "key", key, "to", "/exceptions", "id", fmt.Sprint(x.ID), "verb", "acknowledge"), "1 customer is acknowledged.")
		now, err := w.store.Exception(t.Context(), x.ID)
		w.must(err)
		if now.State != status.Acknowledged {
			t.Errorf("%s is %s", x.Customer, now.State)
		}
	}
	w.says(w.post("/exceptions/act", "key", key, "to", "/exceptions", "id", fmt.Sprint(two.ID), "verb", "assign", "owner", "eli@example.com"), "1 customer is assigned.")
}

func TestAFormWhoseActionPanickedMayBeSentAgain(t *testing.T) {
	w := newWorld(t)
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	n := 0
	w.pages.mux.Handle("POST /count", w.pages.route(route{http.MethodPost, "/count", store.Viewer, func(*visit) (answer, error) {
		if n++; n == 1 {
			panic(errBroken)
		}
		return answer{To: "/", Said: "Counted."}, nil
	}}))
	key := formKey()
	if r, err := w.client.PostForm(w.server.URL+"/count", url.Values{"key": {key}}); err == nil {
		r.Body.Close()
		t.Errorf("the action that panics is answered: %s", r.Status)
	}
	w.says(w.post("/count", "key", key), "Counted.")
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/theme", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := w.read(w.client.Do(r)); got.code != http.StatusForbidden || !strings.Contains(got.text, "another site") {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestARoleThatIsMissingIsNamed(t *testing.T) {
	w := newWorld(t)
	var done atomic.Int32
	w.pages.mux.Handle("POST /count", w.pages.route(counting(w, &done, store.Admin)))
	got := w.post("/count")
	if got.code != http.StatusForbidden || done.Load() != 0 || !strings.Contains(got.words(), "Your role is operator") || !strings.Contains(got.words(), "needs the role admin") {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestThePageFollowsTheThemeAndTheZoneOfItsReader(t *testing.T) {
	w := newWorld(t)
	if got := w.get("/"); strings.Contains(got.text, "data-theme=") || !strings.Contains(got.text, "Times are in UTC") {
		t.Errorf("at first: %s", got.words())
	}
	w.post("/theme", "back", "/")
	at, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.client.Jar.SetCookies(at, []*http.Cookie{{Name: zoneCookie, Value: url.QueryEscape("America/Chicago"), Path: "/"}})
	if got := w.get("/"); !strings.Contains(got.text, `data-theme="dark"`) || !regexp.MustCompile(`Times are in Chicago \(C[SD]T\)`).MatchString(got.text) {
		t.Errorf("then: %s", got.words())
	}
}

// The stream sends a part when it has changed, and only then.
func TestALivePageIsToldWhatHasChanged(t *testing.T) {
	w := newWorld(t)
	stream := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(w.get("/").text)
	if stream == nil {
		t.Fatal("the page names no stream")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+strings.ReplaceAll(stream[1], "&amp;", "&"), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() || lines.Text() != ": here" {
		t.Fatalf("it begins with %q", lines.Text())
	}
	if _, _, err := w.store.PauseSync(t.Context(), flow, "Dana", "a test"); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if !strings.Contains(data, "Paused") {
				t.Errorf("it sends %s", data)
			}
			w.pages.Close()
			for lines.Scan() {
			}
			return
		}
	}
	t.Error("it ended without a word")
}

func TestThePageInABrowserChangesByItself(t *testing.T) {
	w := newWorld(t)
	b := browsertest.Open(t)
	b.Do("see it live", chromedp.Navigate(w.server.URL), chromedp.WaitVisible(chromedp.CSS(".mode.live")), chromedp.WaitVisible(`//p[@data-live]//span[text()="Up to date"]`))
	if _, _, err := w.store.PauseSync(t.Context(), flow, "Dana", "a test"); err != nil {
		t.Fatal(err)
	}
	b.Do("see it paused", chromedp.WaitVisible(chromedp.CSS("main .mode.paused")))
	b.Do("switch to dark", chromedp.Click(chromedp.CSS("[data-theme-switch]")), chromedp.WaitReady(chromedp.CSS(`html[data-theme="dark"]`)))
	b.Do("it stays", chromedp.Reload(), chromedp.WaitReady(chromedp.CSS(`html[data-theme="dark"]`)))
}

func TestWhoMayNotDoSomethingIsLedBackToThePageItWasAskedOn(t *testing.T) {
	w := newWorld(t)
	w.person.Role = store.Viewer
	for from, want := range map[string]string{
		"": `href="/">Go to Home`, w.server.URL + "/exceptions?kind=unmatched": `href="/exceptions?kind=unmatched">Go back`, "https://elsewhere.example/exceptions": `href="/">Go to Home`,
		w.server.URL + "//elsewhere.example/": `href="/">Go`, w.server.URL + "/syncs/" + flow + "/pause": `href="/">Go to Home`,
	} {
		r, err := http.NewRequest(http.MethodPost, w.server.URL+"/syncs/"+flow+"/pause", nil)
		w.must(err)
		r.Header.Set("Referer", from)
		answer, err := w.client.Do(r)
		if got := w.read(answer, err); got.code != http.StatusForbidden || !strings.Contains(got.text, want) {
			t.Errorf("from %q, it is answered %d without %q: %s", from, got.code, want, got.words())
		}
	}
}
