package app_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
)

const setUpSource = `webhook:
  verify: {scheme: header, name: X-Token, secrets_file: WEBHOOK_SECRET}
  id: event.id
  customer: event.customer
  status: event.status
record: {id: record.id, status: record.status, updated_at: record.updated_at, keys: {email: record.email}}
read: {get: "/records/{id}", record: body}
list: {get: "/records?all=yes&after={cursor}", records: body.records, next: body.next}`

const setUpTarget = `record:
  id: record.id
  status: record.status
  updated_at: record.updated_at
  updated_by: record.updated_by
  keys: {email: record.email, external_id: record.external_id}
humans: "!record.updated_by.startsWith('api:')"
find: {get: "/records?{key}={value}", records: body.records}
read: {get: "/records/{id}", record: body}
write: {put: "/records/{id}", body: {status: "{value}"}, if_match: record.etag}
list: {get: "/records?all=yes&after={cursor}", records: body.records, next: body.next}`

// setUp is an empty installation beside two tools.
type setUp struct {
	*testing.T
	service      *app.SetUp
	path         string
	billing, crm *resttest.Tool
	stopped      bool
}

func newSetUp(t *testing.T) *setUp {
	w := &setUp{T: t, path: filepath.Join(t.TempDir(), "trueup.yaml"), billing: resttest.New(t), crm: resttest.New(t)}
	for i, value := range []string{"active", "active", "past_due", "canceled", "grace"} {
		email := fmt.Sprintf("c%d@example.com", i)
		w.billing.Set(resttest.Record{ID: fmt.Sprintf("cus_%d", i), Email: email, Status: value})
		if i < 4 {
			w.crm.Set(resttest.Record{ID: fmt.Sprintf("rec_%d", i), Email: email, Status: []string{"Active", "Paused", "Active", ""}[i]})
		}
	}
	w.start()
	t.Cleanup(func() {
		if !w.stopped {
			w.stop()
		}
	})
	return w
}

func (w *setUp) start() {
	w.Helper()
	var err error
	if w.service, err = app.StartSetUp(w.Context(), app.SetUpOptions{Path: w.path, Listen: "127.0.0.1:0"}); err != nil {
		w.Fatal(err)
	}
}

func (w *setUp) stop() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := w.service.Stop(ctx); err != nil {
		w.Error(err)
	}
}

// base is the address without the link.
func (w *setUp) base() string { return strings.Split(w.service.URL(), "/setup/")[0] }

// send sends a webhook of the source.
func (w *setUp) send(token, id, customer, value string) int {
	w.Helper()
	r, err := http.NewRequest(http.MethodPost, w.base()+"/hooks/billing", strings.NewReader(fmt.Sprintf(`{"id":%q,"customer":%q,"status":%q}`, id, customer, value)))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("X-Token", token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// plainBrowser is one without a script.
type plainBrowser struct {
	*setUp
	client *http.Client
	at     string
	text   string
	code   int
}

func (w *setUp) plain() *plainBrowser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &plainBrowser{setUp: w, client: &http.Client{Jar: jar}}
}

func (b *plainBrowser) read(r *http.Response, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	b.at, b.text, b.code = r.Request.URL.RequestURI(), string(text), r.StatusCode
}

func (b *plainBrowser) open(path string) {
	b.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base() + path
	}
	b.read(b.client.Get(path))
}

var keyOf = regexp.MustCompile(`name="key" value="([^"]+)"`)

// send fills in the form of an address on the page that is open.
func (b *plainBrowser) fill(action string, pairs ...string) {
	b.Helper()
	form := url.Values{}
	_, rest, found := strings.Cut(b.text, `action="`+action+`"`)
	key := keyOf.FindStringSubmatch(rest)
	if !found || key == nil {
		b.Fatalf("%s has no form to %s:\n%s", b.at, action, b.words())
	}
	form.Set("key", key[1])
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	b.read(b.client.PostForm(b.base()+action, form))
}

var anyTag = regexp.MustCompile(`<[^>]*>`)

func (b *plainBrowser) words() string {
	return html.UnescapeString(strings.Join(strings.Fields(anyTag.ReplaceAllString(b.text, " ")), " "))
}

// sees waits until a page says something, as it is opened again and again.
func (b *plainBrowser) sees(path, text string) {
	b.Helper()
	ticker, late := time.NewTicker(10*time.Millisecond), time.After(30*time.Second)
	defer ticker.Stop()
	for b.open(path); !strings.Contains(b.words(), text); b.open(path) {
		select {
		case <-ticker.C:
		case <-late:
			b.Fatalf("%s never says %q:\n%s", path, text, b.words())
		}
	}
}

func (b *plainBrowser) says(texts ...string) {
	b.Helper()
	for _, text := range texts {
		if !strings.Contains(b.words(), text) {
			b.Fatalf("%s (%d) does not say %q:\n%s", b.at, b.code, text, b.words())
		}
	}
}

// connected fills in the first two steps.
func (b *plainBrowser) connected() {
	b.Helper()
	b.open(b.service.URL())
	b.says("Which tool decides?")
	b.fill("/setup/direction", "source", "http", "target", "http", "name", "customer-status", "owner", "dana@northbeam.example")
	b.says("Connect both tools", "Billing needs its token first")
	b.fill("/setup/connect/source", "base_url", b.billing.URL, "token", resttest.Token, "webhook_secrets", "hook-token", "description", setUpSource)
	b.says("Connected", "CRM needs its token first")
	b.fill("/setup/connect/target", "base_url", b.crm.URL, "token", resttest.Token, "description", setUpTarget)
	b.sees("/setup/connect", "Sees 4 records")
	b.sees("/setup/connect", "Sees 5 records")
}

func TestASetUpWithoutAScript(t *testing.T) {
	w := newSetUp(t)
	b := w.plain()
	if code := w.send("hook-token", "early", "cus_1", "active"); code != http.StatusServiceUnavailable {
		t.Errorf("a webhook before there is a service is answered %d", code)
	}
	b.connected()
	b.fill("/setup/connect")
	b.says("What does each value mean?", "1 value has no meaning.", "the 1 customer who has it", "Proposed: check it")
	b.fill("/setup/map", "value", "grace", "means-0", "", "value", "active", "means-1", "active", "value", "past_due", "means-2", "active", "value", "canceled", "means-3", "churned",
		"to_active", "Active", "to_paused", "Paused", "to_churned", "Churned")
	b.sees("/setup/match", "4 of 5 found")
	b.says("Billing’s email is CRM’s email", "No record found")
	b.fill("/setup/match", "do", "all")
	b.sees("/setup/match", "4 of 5 found")
	b.fill("/setup/match", "do", "continue")
	b.says("Get events from Billing", "Nothing has arrived yet")
	b.fill("/setup/event", "public_url", "https://sync.northbeam.example")
	b.says("https://sync.northbeam.example/hooks/billing")
	if code := w.send("hook-token", "ev_1", "cus_1", "active"); code/100 != 2 {
		t.Fatalf("the first webhook is answered %d", code)
	}
	b.sees("/setup/event", "Your first event is here")
	b.sees("/setup/event", "a change whose webhook never comes")
	b.says("Billing said active about cus_1")
	b.sees("/setup/try", "CRM shows Paused, Billing wants Active")
	if got := w.crm.Written(); len(got) != 0 {
		t.Fatal("it wrote before anyone said so:", got)
	}
	b.fill("/setup/try", "do", "write", "customer", "cus_1")
	b.says("It works.", "CRM showed it,")
	if got := w.crm.Status("rec_1"); got != "Active" {
		t.Fatalf("the CRM shows %q", got)
	}
	b.fill("/setup/try", "do", "back", "customer", "cus_1")
	b.says("Paused is back.")
	b.fill("/setup/try", "do", "write", "customer", "cus_1")
	b.open("/setup/watch")
	b.says("Start watching", "Customers 5", "Save trueup.yaml and start watching")
	if got := w.crm.Written(); len(got) != 3 {
		t.Error("the writes are", got)
	}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.fill("/setup/watch", "limit", "on")
	select {
	case <-w.service.Saved():
	case <-time.After(20 * time.Second):
		t.Fatal("it was not saved:", b.words())
	}
	a := w.service.Done()
	w.stopped = true
	cfg, err := config.Load(w.path, app.Types(), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if !cfg.Syncs["customer-status"].Watches() || cfg.PublicURL != "https://sync.northbeam.example" {
		t.Errorf("the file is %+v", cfg)
	}
	// The same process continues, on the same address, and now as any other service.
	if code := w.send("hook-token", "ev_2", "cus_2", "past_due"); code/100 != 2 {
		t.Errorf("a webhook after the file was saved is answered %d", code)
	}
	b.open("/setup/watch")
	if strings.Contains(b.text, "Start watching") {
		t.Error("the set-up can still be opened")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func TestASetUpIsForWhoHasItsLink(t *testing.T) {
	w := newSetUp(t)
	stranger := w.plain()
	for _, path := range []string{"/", "/setup", "/setup/direction", "/setup/connect", "/setup/watch", "/setup/open?link=guess"} {
		stranger.open(path)
		if stranger.code != http.StatusForbidden || strings.Contains(stranger.text, "<form") {
			t.Errorf("%s is answered %d: %s", path, stranger.code, stranger.words())
		}
	}
	r, err := stranger.client.PostForm(w.base()+"/setup/direction", url.Values{"key": {"0123456789abcdef"}, "source": {"stripe"}})
	stranger.read(r, err)
	if stranger.code != http.StatusUnauthorized {
		t.Errorf("a form of a stranger is answered %d", stranger.code)
	}
	link := w.service.URL()
	b := w.plain()
	b.open(link)
	b.says("Which tool decides?")
	stranger.open(link)
	if stranger.code != http.StatusForbidden {
		t.Errorf("the link works twice: %d", stranger.code)
	}
	b.open(link)
	b.says("Which tool decides?") // the same browser again
	forged, err := http.NewRequest(http.MethodPost, w.base()+"/setup/direction", strings.NewReader("key=0123456789abcdef&source=stripe"))
	if err != nil {
		t.Fatal(err)
	}
	forged.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	forged.Header.Set("Sec-Fetch-Site", "cross-site")
	b.read(b.client.Do(forged))
	if b.code != http.StatusForbidden {
		t.Errorf("a form of another site is answered %d", b.code)
	}
}

func TestHalfASetUpOutlivesTheProcess(t *testing.T) {
	w := newSetUp(t)
	b := w.plain()
	b.connected()
	b.fill("/setup/connect")
	w.stop()
	w.start()
	b = w.plain()
	b.open(w.service.URL())
	b.says("What does each value mean?")
	b.sees("/setup/map", "grace")
	b.open("/setup/event")
	b.says("What does each value mean?") // not reached yet
}

func TestWhatIsEnteredWrongIsShownWhereItWasEntered(t *testing.T) {
	w := newSetUp(t)
	b := w.plain()
	b.open(w.service.URL())
	b.fill("/setup/direction", "source", "http", "target", "http", "name", "My sync")
	b.says("The name of the sync needs 1 to 63 of the characters")
	if b.code != http.StatusUnprocessableEntity || !strings.Contains(b.text, `value="My sync"`) {
		t.Errorf("%d, and what was entered is gone", b.code)
	}
	b.fill("/setup/direction", "source", "http", "target", "http", "name", "customer-status")
	b.fill("/setup/connect/target", "base_url", w.crm.URL, "token", "wrong-token", "description", "record: {id: [<b>")
	b.says("Needs a change")
	if strings.Contains(b.text, "wrong-token") || strings.Contains(b.text, "[<b>") {
		t.Error("a secret or markup is shown")
	}
	b.fill("/setup/connect/source", "base_url", w.billing.URL, "token", resttest.Token, "webhook_secrets", "hook-token", "description", setUpSource)
	w.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<h1>Sign in</h1>")
		return true
	})
	b.fill("/setup/connect/target", "base_url", w.crm.URL, "token", resttest.Token, "description", setUpTarget)
	b.says("It does not answer as expected", "CRM needs a change first")
	b.fill("/setup/connect")
	b.says("Both tools have to answer first.")
}

// shoot sees that everybody can use a step, and takes pictures where TRUEUP_SHOTS names a
// folder for them.
func shoot(b *browsertest.Browser, name string) {
	b.Accessible("set-up " + name)
	dir := os.Getenv("TRUEUP_SHOTS")
	if dir == "" {
		return
	}
	for _, l := range []browsertest.Looks{{Width: 1280, Height: 1000}, {Width: 1280, Height: 1000, Dark: true}, {Width: 390, Height: 800}, {Width: 390, Height: 800, Dark: true}} {
		b.Look(l)
		b.Shot(filepath.Join(dir, fmt.Sprintf("setup-%s-%d-%s.png", name, l.Width, map[bool]string{true: "dark", false: "light"}[l.Dark])))
	}
	b.Look(browsertest.Looks{Width: 1280, Height: 900})
}

func TestASetUpInABrowser(t *testing.T) {
	w := newSetUp(t)
	b := browsertest.Open(t)
	b.Expect("422")
	b.Do("open the link", chromedp.Navigate(w.service.URL()), chromedp.WaitVisible(chromedp.CSS("#source")))
	shoot(b, "1-direction")
	b.Do("choose the tools", chromedp.SetValue(chromedp.CSS("#source"), "http"), chromedp.SetValue(chromedp.CSS("#target"), "http"), chromedp.SetValue(chromedp.CSS("#ow"), "dana@northbeam.example"),
		chromedp.Click(chromedp.CSS(".btn.go")), chromedp.WaitVisible(chromedp.CSS("#source-token")))
	b.Do("connect billing", chromedp.SetValue(chromedp.CSS("#source-base_url"), w.billing.URL), chromedp.SetValue(chromedp.CSS("#source-token"), resttest.Token), chromedp.SetValue(chromedp.CSS("#source-webhook_secrets"), "hook-token"),
		chromedp.SetValue(chromedp.CSS("#source-description"), setUpSource), chromedp.Click(chromedp.CSS("#source .btn.go")), chromedp.WaitVisible(chromedp.CSS("#source .tag.good")))
	b.Do("a wrong address", chromedp.SetValue(chromedp.CSS("#target-base_url"), "crm"), chromedp.SetValue(chromedp.CSS("#target-token"), resttest.Token), chromedp.SetValue(chromedp.CSS("#target-description"), setUpTarget),
		chromedp.Click(chromedp.CSS("#target .btn.go")), chromedp.WaitVisible(chromedp.CSS("#target .tag.bad")))
	shoot(b, "2-connect-bad")
	b.Do("connect the CRM", chromedp.SetValue(chromedp.CSS("#target-base_url"), w.crm.URL), chromedp.Click(chromedp.CSS("#target .btn.go")), chromedp.WaitVisible(chromedp.CSS("#target .tag.good")),
		chromedp.WaitVisible(`//section[@id="target"]//*[contains(text(), "Sees 4 records")]`))
	shoot(b, "2-connect")
	b.Do("go on to the map", chromedp.Click(chromedp.CSS(".step-foot .btn.go")), chromedp.WaitVisible(chromedp.CSS("tr.gap")))
	shoot(b, "3-map")
	b.Do("go on to the match", chromedp.SetValue(chromedp.CSS("#to-churned"), "Churned"), chromedp.Click(chromedp.CSS(".step-foot .btn.go")), chromedp.WaitVisible(`//h2[contains(text(), "4 of 5 found")]`))
	shoot(b, "4-match")
	b.Do("go on to the event", chromedp.Click(chromedp.CSS(".step-foot .btn.go")), chromedp.WaitVisible(chromedp.CSS(".wait")))
	shoot(b, "5-address")
	b.Do("say where Trueup is", chromedp.SetValue(chromedp.CSS("#pu"), w.base()), chromedp.Click(chromedp.CSS("form .btn.go")), chromedp.WaitVisible(chromedp.CSS("#hook")))
	shoot(b, "5-event")
	b.Do("it is live", chromedp.WaitVisible(`//p[@data-live]//span[text()="Up to date"]`))
	if got := b.Text("#hook"); got != w.base()+"/hooks/billing" {
		t.Errorf("the address for webhooks is %q", got)
	}
	if code := w.send("hook-token", "ev_1", "cus_1", "active"); code/100 != 2 {
		t.Fatalf("the webhook is answered %d", code)
	}
	b.Do("it turns green on its own", chromedp.WaitVisible(chromedp.CSS(".wait.got")))
	shoot(b, "5-event-green")
	b.Do("go on to the trial", chromedp.Click(chromedp.CSS(".step-foot .btn.go")), chromedp.WaitReady(chromedp.CSS("h1")))
	b.Do("someone differs", chromedp.WaitVisible(`//*[self::select[@id="c1"] or self::a[@href="/setup/try"][text()="Choose a customer who differs"]]`), chromedp.Navigate(w.base()+"/setup/try?customer=cus_1"), chromedp.WaitVisible(chromedp.CSS("#c1")))
	shoot(b, "6-try")
	b.Do("write one customer", chromedp.Click(chromedp.CSS("button[value=write]")), chromedp.WaitVisible(chromedp.CSS(".note.good")))
	shoot(b, "6-try-done")
	if got := w.crm.Status("rec_1"); got != "Active" {
		t.Fatalf("the CRM shows %q", got)
	}
	b.Do("go on to watching", chromedp.Click(chromedp.CSS(".step-foot .btn.go")), chromedp.WaitVisible(chromedp.CSS("#lim")))
	shoot(b, "7-watch")
	b.Expect("404") // the page to sign in
	b.Do("save the file", chromedp.Click(chromedp.CSS(".step-foot .btn.go")))
	select {
	case <-w.service.Saved():
	case <-time.After(20 * time.Second):
		t.Fatal("it was not saved:", b.Text("body"))
	}
	a := w.service.Done()
	w.stopped = true
	if _, err := os.Stat(w.path); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}
