package pages

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// walk looks at pages of several installations in one browser, and keeps which routes
// they were of.
type walk struct {
	*testing.T
	browser *browsertest.Browser
	seen    map[string]bool
	taken   int // pictures
}

// at is an installation that is walked through. Who looks is read by live pages too.
type at struct {
	*world
	walk   *walk
	name   string
	looker atomic.Pointer[Person]
}

func (k *walk) installation(name string) *at {
	a := &at{walk: k, world: newWorld(k.T), name: name}
	a.pages.Visitor = func(*http.Request) (Person, error) {
		if p := a.looker.Load(); p != nil {
			return *p, nil
		}
		return Person{}, ErrNobody
	}
	return a.as(store.Admin)
}

func (a *at) as(role store.Role) *at { return a.by("Dana Reyes", role) }

func (a *at) by(name string, role store.Role) *at {
	first, _, _ := strings.Cut(strings.ToLower(name), " ")
	a.looker.Store(&Person{ID: 1, Name: name, Email: first + "@example.com", Role: role})
	return a
}

// look looks at a page. One that is no success is shown without its address, since
// the browser would call it an error.
func (a *at) look(path, says string) {
	a.Helper()
	got := a.get(path)
	if got.code == http.StatusOK {
		a.walk.browser.Do("open "+path, chromedp.Navigate(a.server.URL+path), chromedp.WaitReady(chromedp.CSS("h1")))
	} else {
		a.walk.browser.Show(got.text)
	}
	a.saw(http.MethodGet, path, got, says)
}

// send looks at what a form is answered with.
func (a *at) send(path, says string, pairs ...string) {
	a.Helper()
	got := a.post(path, pairs...)
	a.walk.browser.Show(got.text)
	a.saw(http.MethodPost, path, got, says)
}

func (a *at) saw(method, path string, got answered, says string) {
	a.Helper()
	if !strings.Contains(got.words(), says) {
		a.Errorf("%s (%s) does not say %q: %s", path, a.name, says, got.words())
	}
	_, route := a.pages.mux.Handler(httptest.NewRequest(method, path, nil))
	a.walk.seen[route] = true
	a.walk.browser.Accessible(fmt.Sprintf("%s %s (%s)", method, path, a.name))
	a.walk.pictures(fmt.Sprintf("%s %s %s", a.name, method, path))
}

var strangeInName = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// pictures takes the page in each of its looks where TRUEUP_SHOTS names a folder.
func (k *walk) pictures(name string) {
	if shots == "" {
		return
	}
	k.taken++
	for _, l := range []browsertest.Looks{{Width: 1280, Height: 900}, {Width: 1280, Height: 900, Dark: true}, {Width: 390, Height: 800}, {Width: 390, Height: 800, Dark: true}} {
		k.browser.Look(l)
		k.browser.Shot(filepath.Join(shots, fmt.Sprintf("%03d-%s-%d-%s.png", k.taken, cut(strangeInName.ReplaceAllString(name, "-"), 60), l.Width, map[bool]string{true: "dark", false: "light"}[l.Dark])))
	}
	k.browser.Look(browsertest.Looks{Width: 1280, Height: 900})
}

// rest sends an empty form to each action that was not seen. What it is answered with is
// looked at, unless that is a page that was: one that it led to, or a refusal.
func (a *at) rest(table []route, values *strings.Replacer) {
	a.Helper()
	refused := map[int]bool{}
	for _, r := range table {
		name, path := r.Method+" "+r.Path, values.Replace(r.Path)
		if r.Method != http.MethodPost || a.walk.seen[name] {
			continue
		}
		got := a.post(path)
		_, shown := a.pages.mux.Handler(httptest.NewRequest(http.MethodGet, got.at, nil))
		if a.walk.seen[name] = true; got.code == http.StatusOK && got.at != path && a.walk.seen[shown] || refused[got.code] {
			continue
		}
		refused[got.code] = strings.Contains(got.text, `class="panel void"`)
		a.walk.browser.Show(got.text)
		a.saw(r.Method, path, got, "")
	}
}

// unseen are the routes that show something and were not looked at.
func (k *walk) unseen(table []route) {
	k.Helper()
	for _, r := range table {
		name := r.Method + " " + r.Path
		switch {
		case k.seen[name]:
		case name == "GET /live", strings.HasSuffix(name, ".csv"): // parts of pages, and files
		case name == "GET /setup/open": // leads on
		default:
			k.Errorf("%s was not looked at", name)
		}
	}
}

// Every page of the route tables, in each of its states, is one that people can use who
// see little, see no colors, or see nothing. A new route fails until it is looked at.
func TestEveryPageIsAccessible(t *testing.T) {
	k := &walk{T: t, browser: browsertest.Open(t), seen: map[string]bool{}}
	k.empty()
	k.busy()
	k.plans()
	k.halted()
	k.silent()
	k.watching()
	k.door()
	k.unseen(routes())
	k.setUp()
}

// empty is one where nothing has happened.
func (k *walk) empty() {
	a := k.installation("empty")
	a.look("/", "All clear")
	a.look("/exceptions", "")
	a.look("/customers", "No customers yet")
	a.look("/plans", "No plan was made yet")
	a.look("/activity", "Nobody has changed anything yet")
	a.look("/access", "Who can do what")
	a.look("/syncs/"+flow, "")
	a.look("/nothing", "There is no page at this address")
	a.look("/exceptions/77", "There is no such exception")
	a.pages.Visitor = func(*http.Request) (Person, error) { return Person{}, errBroken }
	a.walk.browser.Show(a.get("/").text)
	a.walk.browser.Accessible("an error that no one foresaw")
	a.walk.pictures("an error that no one foresaw")
}

// busy has an exception of each kind, in each state, and customers.
func (k *walk) busy() {
	a := k.installation("busy")
	a.must(a.store.SetMode(k.Context(), flow, true))
	a.customer("cus_halden", "Halden Optics")
	a.customer("cus_odd", hostileName)
	a.must(a.store.Record(store.By(k.Context(), "ana@example.com via api:bot", store.ByAPI), store.Activity{Sync: flow, Act: reason.Reason{Code: reason.ActPaused}, Why: "importing"}))
	var all []store.Exception
	for _, kind := range status.Kinds {
		customer := "cus_" + string(kind)
		if kind == status.UnreadableEvent || kind == status.MassChange {
			customer = ""
		}
		all = append(all, a.needs(kind, customer))
	}
	more := []store.Exception{a.needs(status.Unmatched, "cus_1"), a.needs(status.Unmatched, "cus_2"), a.needs(status.Unmatched, "cus_3")}
	for i, verb := range []string{"acknowledge", "ignore", "resolve"} {
		a.post(fmt.Sprintf("/exceptions/%d/act", more[i].ID), "verb", verb)
	}
	a.compared(map[string]int{"active": 1512, "grace": 11}, map[string]int{"Active": 1604, "VIP": 4, "": 19})
	conflict, unmapped := a.exception(status.Conflict, "cus_conflict"), a.exception(status.UnmappedStatus, "cus_unmapped_status")
	halden := customerPath(flow, "cus_halden")

	a.look("/", "need a person")
	for _, query := range []string{"", "?state=acknowledged", "?state=resolved", "?state=ignored", "?kind=unmatched&own=1"} {
		a.look("/exceptions"+query, "")
	}
	for _, x := range append(all, more...) {
		a.look(fmt.Sprintf("/exceptions/%d", x.ID), "")
	}
	for _, kind := range status.Kinds {
		a.look(helpPath(kind), "Remedy.")
	}
	a.look("/help", "What each kind of exception means")
	a.look("/help/", "What each kind of exception means")
	a.look("/customers", "Halden Optics")
	a.look("/customers?q=nobody", "No customer with nobody")
	a.look(halden, "Halden Optics")
	a.look(customerPath(flow, "cus_odd"), "")
	a.look(customerPath(flow, "cus_conflict"), "")
	a.look(halden+"/now", "")
	a.look(halden+"/forget", "Forget Halden Optics")
	forgetting := func(all map[[2]string]*erasing) { // live pages look, too
		a.pages.erasings.mu.Lock()
		defer a.pages.erasings.mu.Unlock()
		a.pages.erasings.all = all
	}
	for says, e := range map[string]*erasing{"Looking through": {}, "now called": {pseudonym: "forgotten-x", ended: time.Now()}, "It was cut off": {failed: "e-1", ended: time.Now()}} {
		e.sync, e.customer, e.asker, e.began = flow, "cus_halden", 1, time.Now()
		forgetting(map[[2]string]*erasing{{flow, "cus_halden"}: e})
		a.look(halden+"/forget", says)
	}
	forgetting(nil)
	a.look("/syncs/"+flow, "Billing decides")
	a.look("/syncs/"+flow+"/live", "")
	a.look("/syncs/"+flow+"/watch", "")
	a.look("/activity", "bot")
	a.look("/activity?who=nobody", "Nobody changed anything like this")
	a.send("/access/people", "can sign in with this link", "name", "Marcus Webb", "email", "marcus.webb.of.the.revenue.operations.team@northbeam.example", "role", "viewer")
	a.send("/access/people", "in the list already", "name", "Marcus Webb", "email", "marcus.webb.of.the.revenue.operations.team@northbeam.example", "role", "viewer")
	a.send("/access/tokens", "Copy it now", "name", "dashboard", "role", "viewer")
	a.look("/access", "Marcus Webb")
	a.send(halden+"/pin", "A reason is missing", "reason", "")
	a.send(halden+"/pin", "Pinned", "reason", "disputed")

	a.as(store.Viewer)
	a.look("/", "")
	a.look("/exceptions", "You can look, but not act")
	for _, x := range []store.Exception{all[0], conflict, unmapped} {
		a.look(fmt.Sprintf("/exceptions/%d", x.ID), "needs the role operator")
	}
	a.look(halden, "")
	a.look("/syncs/"+flow, "")
	a.look("/access", "needs the role admin")
	a.look(halden+"/forget", "needs the role admin")

	a.as(store.Admin)
	act := fmt.Sprintf("/exceptions/%d/act", conflict.ID)
	a.send(act, "has changed meanwhile", "verb", "apply", "saw", "Paused", "saw_source", "canceled", "saw_history", "0")
	a.send(fmt.Sprintf("/exceptions/%d/map", unmapped.ID), "trueup.yaml has changed meanwhile", "status", "active", "digest", "d0")
	a.send(act, "stays as it is", "verb", "keep", "saw", "Active", "saw_source", "canceled", "saw_history", "0", "until", "7")
	a.by("Marcus Webb", store.Operator)
	a.send(act, "Dana Reyes was first", "verb", "apply", "saw", "Active", "saw_source", "canceled", "saw_history", "0")
	a.as(store.Admin)
	a.send("/syncs/"+flow+"/pause", "Dana Reyes paused this sync", "reason", "the CRM is being migrated")
	a.look("/", "Paused")
	a.rest(routes(), strings.NewReplacer("{sync}", flow, "{customer}", "cus_halden", "{id}", fmt.Sprint(all[0].ID), "{hash}", theHash, "{name}", "dashboard"))
}

// plans has plans in each state.
func (k *walk) plans() {
	a := k.installation("plans")
	mine, plan := "/syncs/"+flow+"/plans", "/plans/"+theHash
	a.send(mine, "Waiting to begin")
	sweep, err := a.store.BeginSweep(k.Context(), store.Sweep{Sync: flow, Purpose: store.ForPlan, SourceListed: true, TargetListed: true}, time.Minute)
	a.must(err)
	sweep.Phase, sweep.Summary.Sources, sweep.Summary.Targets = store.PhaseTarget, 2000, 1240
	_, err = a.store.SaveSweep(k.Context(), sweep, store.SweepPart{}, time.Minute)
	a.must(err)
	a.look(mine, "Reading CRM: 1,240 records so far")
	a.send(fmt.Sprintf("/jobs/%d/stop", a.jobs()[0].ID), "The comparison was stopped")

	b := k.installation("a plan")
	made := b.planned()
	b.look("/plans", "")
	b.look(plan, "Plan: 16 customers would change")
	b.look(plan+"?q=halden", "")
	b.look(plan+"?q=nobody", "No row of this plan")
	b.send(plan+"/apply", "not the first four characters", "hash", "8c19")
	b.send(plan+"/apply", "approved by Dana Reyes", "hash", "7c19")
	b.look(plan, "A plan of this sync is being written")
	j, ok, err := b.store.TakeJob(k.Context(), b.jobs()[0], time.Minute)
	if err != nil || !ok {
		k.Fatalf("the job cannot be taken: %v", err)
	}
	_, err = b.store.KeepJob(k.Context(), j, store.PlanProgress{Total: 16, Written: 5, Refused: 1}, time.Minute)
	b.must(err)
	b.look(plan+"/apply", "5 of 16 rows written")
	j.Total, j.Written, j.Refused, j.Outcome, j.Plan = 16, 15, 1, store.JobDone, made.ID
	b.must(b.store.EndJob(k.Context(), j))
	b.look(plan+"/apply", "15 of 16 rows written")
	b.look(mine, "15 of 16 written")
	b.as(store.Viewer)
	b.look(plan, "")
}

func (k *walk) halted() {
	a := k.installation("halted")
	a.halt(3)
	a.look("/", "One sync is halted")
	a.look("/syncs/"+flow, "")
	a.look("/exceptions", "")
	a.as(store.Viewer)
	a.look("/", "Resuming needs the role operator")
	a.as(store.Operator)
	a.send("/syncs/"+flow+"/resume", "Nothing was changed", "back", "/")
	a.send("/syncs/"+flow+"/resume", "is resumed", "reason", "it is right", "back", "/")
}

func (k *walk) silent() {
	a := k.installation("silent")
	a.must(a.store.SetMode(k.Context(), flow, true))
	a.needs(status.Unmatched, "cus_1")
	a.needs(status.ConnectionFailed, "")
	_, err := a.store.BeginSilence(k.Context(), flow, time.Now(), 40*time.Minute)
	a.must(err)
	a.look("/", "And 1 customer and 1 sync need a person.")
	a.look("/syncs/"+flow, "")
}

func (k *walk) watching() {
	a := k.installation("watching")
	a.must(a.store.SetMode(k.Context(), flow, false))
	c := a.config.Syncs[flow]
	c.Mode = config.ModeWatch
	a.config.Syncs[flow] = c
	a.look("/syncs/"+flow, "Next step: a plan")
	a.planned()
	a.look("/", "")
	a.look("/syncs/"+flow, "")
	a.look("/syncs/"+flow+"/live", "Ready?")
	a.look("/plans/"+theHash, "it writes only customers whom you choose")
}

// door is where people come in.
func (k *walk) door() {
	a := k.installation("door")
	a.looker.Store(nil)
	code, err := a.pages.Door.First(k.Context())
	a.must(err)
	a.look(people.LinkAt("", code), "Make the first account")
	a.send("/signin/first", "easy to guess", "code", code, "name", "Priya", "email", "priya@example.com", "password", "password1234")
	a.post("/signin/first", "code", code, "name", "Priya", "email", "priya@example.com", "password", password)
	a.look("/signin", "Sign in")
	a.look("/signin?again=1", "")
	_, invited, err := a.pages.Door.Invite(k.Context(), "Marcus Webb", "marcus@example.com", store.Viewer, "priya@example.com")
	a.must(err)
	a.look(people.LinkAt("", invited), "Marcus Webb")
	_, err = a.pages.Door.SignOutEverywhere(k.Context(), "priya@example.com", "ops")
	a.must(err)
	ended := a.get("/signin?to=/exceptions")
	a.says(ended, "You were signed out", "Sign in again")
	a.walk.browser.Show(ended.text)
	a.walk.browser.Accessible("a session that has ended")
	a.walk.pictures("a session that has ended")
	a.look("/signin/first?code=unknown", "Ask an admin for a new one")
	a.look("/signin/enter?code=unknown", "")
	a.send("/access/password", "Nothing was changed. Sign in")
	for range 4 {
		a.post("/signin", "email", "priya@example.com", "password", "wrong")
	}
	a.send("/signin", "Wait 1 minute", "email", "priya@example.com", "password", "wrong")
	a.send("/signin", "Too many tries", "email", "priya@example.com", "password", password)

	s := newSSO(k.T)
	b := &at{walk: k, world: s.world, name: "a provider"}
	b.look("/signin", "Continue with Okta")
	b.look(provider.Back, "Sign in")
	s.provider.Close()
	b.look("/signin/oidc", "Okta does not answer.")
}

// setUp is the seven steps without tools. internal/app looks at them with two.
func (k *walk) setUp() {
	s, server := newSetUpPages(k.T)
	k.must(s.setup.SetDirection(setup.DirectionAnswer{Source: "http", Target: "http", SourceName: "billing", TargetName: "crm", Sync: "s", Owner: "dana@example.com"}))
	jar, err := cookiejar.New(nil)
	k.must(err)
	a := &at{walk: k, name: "set-up", world: &world{T: k.T, pages: s.Pages, server: server, client: &http.Client{Jar: jar}}}
	a.walk.browser.Show(a.get("/").text)
	a.walk.browser.Accessible("the door of a set-up")
	a.walk.pictures("the door of a set-up")
	s.session = "session"
	where, err := url.Parse(server.URL)
	k.must(err)
	k.browser.Do("come in", chromedp.Navigate(server.URL+s.Link()))
	jar.SetCookies(where, []*http.Cookie{{Name: setUpCookie, Value: s.session}})
	k.seen = map[string]bool{}
	a.look("/setup", "")
	for _, step := range setup.Steps {
		a.must(s.setup.Finish(step))
	}
	for _, step := range setup.Steps {
		a.look("/setup/"+string(step), "")
	}
	a.look("/signin", "")
	a.look("/", "")
	a.send("/setup/direction", "The name of the sync needs 1 to 63 of the characters", "source", "http", "target", "http", "name", "My sync")
	a.send("/setup/connect/source", "Needs a change", "base_url", "x")
	a.rest(s.table, strings.NewReplacer("{side}", "target"))
	k.unseen(s.table)
}

func (k *walk) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}
