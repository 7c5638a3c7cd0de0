package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/plain"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// idle is a service that a set-up has not begun.
type idle struct{}

func (idle) Begin(context.Context) error               { return nil }
func (idle) First(context.Context) (FirstEvent, error) { return FirstEvent{}, nil }
func (idle) Trial(context.Context) (Trial, error)      { return Trial{Making: true}, nil }
func (idle) CompareAgain()                             {}
func (idle) TryOne(context.Context, string) error      { return nil }
func (idle) PutBack(context.Context, string) error     { return nil }
func (idle) Save(context.Context) (string, error)      { return "", nil }

func newSetUpPages(t *testing.T) (*SetUp, *httptest.Server) {
	t.Helper()
	made, err := setup.Open(setup.Options{Path: filepath.Join(t.TempDir(), "trueup.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	s := NewSetUp(SetUpOptions{Setup: made, Service: idle{}})
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return s, server
}

// opened is the browser of who has opened the link of a set-up.
func opened(t *testing.T, s *SetUp, server *httptest.Server) *world {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, server: server, client: &http.Client{Jar: jar}}
	s.session = "session"
	at, err := url.Parse(server.URL)
	w.must(err)
	jar.SetCookies(at, []*http.Cookie{{Name: setUpCookie, Value: s.session}})
	return w
}

// reach has a set-up of two tools with a REST API reach every step.
func reach(t *testing.T) (*SetUp, *world) {
	t.Helper()
	s, server := newSetUpPages(t)
	w := opened(t, s, server)
	w.must(s.setup.SetDirection(setup.DirectionAnswer{Source: "http", Target: "http", Sync: "customer-status"}))
	for _, step := range setup.Steps {
		w.must(s.setup.Finish(step))
	}
	return s, w
}

func TestNoRouteOfASetUpAnswersAStranger(t *testing.T) {
	s, server := newSetUpPages(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, r := range s.table {
		if r.Role == open {
			continue
		}
		path := strings.NewReplacer("{$}", "", "{side}", "source").Replace(r.Path)
		request, err := http.NewRequest(r.Method, server.URL+path, strings.NewReader(url.Values{"key": {formKey()}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		got, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if want := map[string]int{http.MethodGet: http.StatusSeeOther, http.MethodPost: http.StatusUnauthorized}[r.Method]; got.StatusCode != want || r.Method == http.MethodGet && !strings.HasPrefix(got.Header.Get("Location"), "/signin") {
			t.Errorf("%s %s is answered %d to %q", r.Method, r.Path, got.StatusCode, got.Header.Get("Location"))
		}
	}
}

func TestTheCookiesOfThePagesAreSecureButOnThisMachine(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		host, from, proto string
		secure            bool
	}{
		"a browser on this machine":          {"127.0.0.1:8080", "127.0.0.1:5000", "", false},
		"by a proxy with https":              {"sync.example.com", "10.0.0.2:5000", "https", true},
		"by a proxy with https on this host": {"127.0.0.1:8080", "127.0.0.1:5000", "https", true},
	} {
		s, _ := newSetUpPages(t)
		for what, send := range map[string]func(*httptest.ResponseRecorder, *http.Request){
			"what was done": func(out *httptest.ResponseRecorder, r *http.Request) { say(out, r, "Saved.") },
			"what was said": func(out *httptest.ResponseRecorder, r *http.Request) {
				r.AddCookie(&http.Cookie{Name: saidCookie, Value: "U2F2ZWQu"})
				said(out, r)
			},
			"the theme": func(out *httptest.ResponseRecorder, r *http.Request) { w.pages.ServeHTTP(out, r) },
			"the set-up": func(out *httptest.ResponseRecorder, r *http.Request) {
				r.Method = http.MethodGet
				r.URL, _ = url.Parse(s.Link())
				s.ServeHTTP(out, r)
			},
		} {
			r := httptest.NewRequest(http.MethodPost, "/theme", nil)
			r.Host, r.RemoteAddr = c.host, c.from
			if c.proto != "" {
				r.Header.Set("X-Forwarded-Proto", c.proto)
			}
			out := httptest.NewRecorder()
			send(out, r)
			if got := out.Result().Cookies(); len(got) != 1 || got[0].Secure != c.secure {
				t.Errorf("%s, %s: the cookies are %v", name, what, got)
			}
		}
	}
}

// The link works once: where a browser comes over http, it must not be used up for a cookie that
// the browser drops.
func TestTheCookieOfASetUpIsKeptOverHTTP(t *testing.T) {
	for name, c := range map[string]struct{ host, from, proto string }{
		"by the address of this machine":      {"192.0.2.7:8080", "192.0.2.1:5000", ""},
		"by a container's host":               {"localhost:8080", "172.17.0.1:5000", ""},
		"by a proxy of this machine":          {"trueup.lan", "127.0.0.1:5000", "http"},
		"by a proxy that names no such thing": {"sync.example.com", "172.18.0.3:5000", ""},
	} {
		s, _ := newSetUpPages(t)
		r := httptest.NewRequest(http.MethodGet, s.Link(), nil)
		if r.Host, r.RemoteAddr = c.host, c.from; c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		out := httptest.NewRecorder()
		s.ServeHTTP(out, r)
		if got := out.Result().Cookies(); out.Code != http.StatusSeeOther || len(got) != 1 || got[0].Secure {
			t.Errorf("%s: %d, %v", name, out.Code, got)
		}
	}
}

func TestTheFirstStepShowsAFileThatCouldBe(t *testing.T) {
	s, _ := newSetUpPages(t)
	a, err := s.direction(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range a.Data.(stepPage).Lines {
		if strings.Contains(l.Text, `""`) {
			t.Errorf("the file shows %s", l.Text)
		}
	}
}

func TestEachStepOfASetUpCanBeRenderedAndIsPlain(t *testing.T) {
	s, server := newSetUpPages(t)
	for _, side := range []string{"http", "stripe", "gohighlevel", "make"} {
		target := side
		if side == "stripe" {
			target = "gohighlevel"
		}
		if err := s.setup.SetDirection(setup.DirectionAnswer{Source: side, Target: target, SourceName: "billing", TargetName: "crm", Sync: "s", Owner: "dana@example.com"}); err != nil {
			t.Fatal(err)
		}
		if err := s.setup.SetMap(setup.MapAnswer{More: "\"><b>x</b>", Later: true}); err != nil {
			t.Fatal(err)
		}
		for _, step := range setup.Steps {
			if err := s.setup.Finish(step); err != nil {
				t.Fatal(err)
			}
		}
		w := opened(t, s, server)
		for _, step := range setup.Steps {
			got := w.get("/setup/" + string(step))
			if got.code != http.StatusOK && !strings.Contains(got.text, "note bad") || strings.Contains(got.text, "<b>x") || strings.Count(got.text, "<h1>") != 1 {
				t.Errorf("%s of %s is answered %d:\n%s", step, side, got.code, got.words())
			}
			for _, found := range plain.Find(got.words()) {
				t.Errorf("%s of %s: %s", step, side, found)
			}
		}
	}
}

func TestHowAMatchTestEndedIsSaid(t *testing.T) {
	s, _ := newSetUpPages(t)
	for _, c := range []struct {
		name  string
		test  setup.MatchTest
		words []string
		again bool // that a test of all is offered
	}{
		{"the first customers were tested", setup.MatchTest{Done: true, Of: 200}, []string{"200 of your 500 customers were tested"}, true},
		{"all were tested", setup.MatchTest{Done: true, All: true, Of: 500}, []string{"0 of 500 found"}, false},
		{"the target has too many records to test all", setup.MatchTest{Done: true, Cut: true, Of: 200},
			[]string{"CRM has more records than this test can hold, so only the first customers are tested. The step Try one compares all of them."}, false},
		{"a test of all failed", setup.MatchTest{Done: true, All: true, Of: 3, Err: errors.New("crm could not be reached")}, []string{"Not tested", "Crm could not be reached."}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			html, err := s.looks.execute(&visit{zone: time.UTC}, "setup-match", "tested", matchPage{Test: c.test, Customers: 500, ListsSources: true, Target: "CRM"})
			if err != nil {
				t.Fatal(err)
			}
			got := answered{text: string(html)}.words()
			for _, want := range c.words {
				if !strings.Contains(got, want) {
					t.Errorf("it does not say %q:\n%s", want, got)
				}
			}
			if offered := strings.Contains(string(html), `value="all"`); offered != c.again {
				t.Errorf("that a test of all is offered is %v, want %v", offered, c.again)
			}
		})
	}
}

// failing is a service whose comparison has failed.
type failing struct{ idle }

func (failing) Trial(context.Context) (Trial, error) {
	return Trial{Wrong: "crm could not be reached"}, nil
}

// A key in a part that changes by itself would make each look at it a change.
func TestAFailedComparisonThatIsShownStaysAsItIs(t *testing.T) {
	s, _ := newSetUpPages(t)
	for _, step := range setup.Steps {
		if err := s.setup.Finish(step); err != nil {
			t.Fatal(err)
		}
	}
	s.service = failing{}
	r := httptest.NewRequest(http.MethodGet, "/setup/try", nil)
	v := &visit{Request: r, Pages: s.Pages, zone: time.UTC}
	a, err := s.try(v)
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := s.parts(v, a)
	second, err2 := s.parts(v, a)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if first["making"] != second["making"] || !strings.Contains(first["making"], "Compare again") {
		t.Errorf("it is shown as:\n%s\nand then as:\n%s", first["making"], second["making"])
	}
}

func TestTheLastStepNamesTheLimitAsItHoldsForFewCustomers(t *testing.T) {
	s, w := reach(t)
	w.must(s.setup.SetMap(setup.MapAnswer{Means: map[string]status.Status{"canceled": "churned"}, To: map[status.Status]string{"churned": "Churned"}, More: "canceled"}))
	w.says(w.get("/setup/watch"), "Stop if more than 50 customers or 5% of all (at least 5), whichever is fewer, move to Churned within an hour",
		"Stops on its own after 50 customers or 5% of all (at least 5), whichever is fewer, within an hour")
}

func TestANameThatCannotBeIsNamedAtItsFieldBesideTheFileAsItWasChosen(t *testing.T) {
	s, server := newSetUpPages(t)
	w := opened(t, s, server)
	for _, c := range []struct{ name, field, id, want string }{
		{"the sync's", "name", "nm", "The name of the sync needs 1 to 63 of the characters"},
		{"the source's", "source_name", "sn", "The name of the tool that decides needs 1 to 63 of the characters"},
		{"the target's", "target_name", "tn", "The name of the tool that follows needs 1 to 63 of the characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.T = t
			form := map[string]string{"source": "http", "target": "http", "name": "customer-status", c.field: "My name"}
			got := w.post("/setup/direction", "source", "http", "target", "http", "name", form["name"], "source_name", form["source_name"], "target_name", form["target_name"])
			if !regexp.MustCompile(`id="` + c.id + `"[^>]* aria-invalid="true" aria-describedby="` + c.id + `-h"`).MatchString(got.text) {
				t.Error("the field is not marked")
			}
			_, at, _ := strings.Cut(got.text, `id="`+c.id+`-h"`)
			if at, _, _ = strings.Cut(at, "</p>"); !strings.Contains(at, c.want) {
				t.Errorf("the field says %s", at)
			}
			if w.says(got, "type: http"); strings.Contains(got.words(), "type: stripe") || strings.Contains(got.words(), "type: gohighlevel") {
				t.Error("the file shows a tool that was not chosen")
			}
		})
	}
}

func TestAToolThatIsTakenTwiceIsToldApartByWhatItDoes(t *testing.T) {
	s, server := newSetUpPages(t)
	b := browsertest.Open(t)
	b.Do("open the link", chromedp.Navigate(server.URL+s.Link()), chromedp.WaitVisible(chromedp.CSS("#source")))
	for _, c := range []struct{ target, want string }{
		{"gohighlevel", "in HighLevel, after Stripe has changed, the edit stays and you are asked"},
		{"http", "in Any REST API, after Stripe has changed"},
	} {
		b.Do("choose what follows", chooseIn("target", c.target))
		if got := b.Text("dl.dl"); !strings.Contains(got, c.want) {
			t.Errorf("with %s it says %q", c.target, got)
		}
	}
	b.Do("choose the same twice", chooseIn("source", "http"))
	if got := b.Text("dl.dl"); !strings.Contains(got, "in the tool that follows, after the other has changed") || strings.Contains(got, "Any REST API") {
		t.Errorf("with the same tool twice it says %q", got)
	}
}

// chooseIn chooses in a list as a person does.
func chooseIn(id, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; return s.dispatchEvent(new Event("change")); })()`, id, value))(ctx, t)
		return err
	})
}

func TestWhereWebhooksGoIsSaidBeforeAnAddressIsEntered(t *testing.T) {
	_, w := reach(t)
	w.says(w.get("/setup/event"), "with /hooks/billing at its end")
}

func TestARefusedWebhookLeadsToTheSecretThatWasEntered(t *testing.T) {
	for _, c := range []struct {
		refusal status.Refusal
		want    string
	}{
		{status.BadSignature, "2 webhooks were refused: the signature is not valid. Compare the signing secret that you entered at Connect with the tool’s, and the clocks of both machines."},
		{status.Malformed, "2 webhooks were refused: the body cannot be read. Compare it with what you entered at Connect"},
		{status.NoWebhook, "2 webhooks were refused: the connection does not accept webhooks. Add webhook to what you entered at Connect , or stop sending them."},
		{status.TooLarge, "2 webhooks were refused: " + reason.Refusals[status.TooLarge] + "."},
	} {
		t.Run(string(c.refusal), func(t *testing.T) {
			s, w := reach(t)
			s.service = refusing{refused: RefusedWebhook{Refusal: c.refusal, Count: 2}}
			got := w.get("/setup/event")
			w.says(got, c.want)
			if strings.Contains(c.want, "Connect") && !strings.Contains(got.text, `<a href="/setup/connect#source">Connect</a>`) {
				t.Error("nothing leads there")
			}
			if strings.Contains(got.text[strings.Index(got.text, `data-part="first-event"`):], "in trueup.yaml") {
				t.Error("it names a file that is not there yet")
			}
		})
	}
}

// refusing is a service that has refused webhooks.
type refusing struct {
	idle
	refused RefusedWebhook
}

func (r refusing) First(context.Context) (FirstEvent, error) {
	return FirstEvent{Refused: []RefusedWebhook{r.refused}}, nil
}

func TestAnotherRuleIsChosenAndNotPreset(t *testing.T) {
	s, w := reach(t)
	w.must(s.setup.SetMatch([]setup.Rule{{Source: "email", Target: "email", Confidence: 0.9}}, 0.8, false))
	got := w.get("/setup/match")
	for _, id := range []string{"ar", "ar2"} {
		if !regexp.MustCompile(`id="` + id + `"[^>]*><option value="">Choose a key</option>`).MatchString(got.text) {
			t.Errorf("the first choice of %s is one that adds a rule", id)
		}
	}
	w.says(w.post("/setup/match", "do", "add", "source", "", "target", ""), "A rule needs a key of each tool.")
}
