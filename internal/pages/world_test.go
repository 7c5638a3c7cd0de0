package pages

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const flow = "customer-status"

// world is served pages over a real database, looked at by one person.
type world struct {
	*testing.T
	store *store.DB
	pages *Pages
	// person is who is signed in, nil for nobody.
	person *Person
	config *config.Config
	server *httptest.Server
	edited bool          // by someone, after Trueup's last write
	shows  status.Status // the target, of a customer who is looked at again
	client *http.Client
	folder string
	path   string // of the database
	file   FileInUse
}

// newWorld is on SQLite, with an operator who is signed in.
func newWorld(t *testing.T) *world {
	t.Helper()
	path := storetest.File(t)
	db, err := store.Open(t.Context(), store.Options{DSN: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{T: t, store: db, path: path, person: &Person{ID: 1, Name: "Dana Reyes", Email: "dana@example.com", Role: store.Operator}}
	w.config = &config.Config{People: map[string]config.Person{"dana@example.com": {Name: "Dana Reyes"}}, Connections: map[string]config.Connection{"billing": {Name: "billing", Type: "http"}, "crm": {Name: "crm", Type: "http"}},
		Syncs: map[string]config.Sync{flow: {Name: flow, Mode: config.ModeLive, Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm"},
			Statuses: map[status.Status]config.StatusMap{"active": {From: []string{"active"}, To: "Active"}, "churned": {From: []string{"canceled"}, To: "Churned"}}}}}
	w.pages = New(Options{Store: db, Service: w, Visitor: w.visitor, Door: &people.Door{Store: db}, Address: func() string { return "https://trueup.example" }, Version: "test", Zone: time.UTC, Pulse: 20 * time.Millisecond})
	w.server = httptest.NewServer(w.pages)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.client = &http.Client{Jar: jar}
	t.Cleanup(func() {
		w.pages.Close()
		w.server.Close()
	})
	return w
}

func (w *world) visitor(*http.Request) (Person, error) {
	if w.person == nil {
		return Person{}, ErrNobody
	}
	return *w.person, nil
}

func (w *world) Syncs() map[string]config.Sync    { return w.config.Syncs }
func (w *world) Owners() map[string]config.Person { return w.config.People }
func (w *world) Status(ctx context.Context) (contract.Status, error) {
	return overview.Status(ctx, w.store, w.config)
}

func (w *world) AskPlan(ctx context.Context, ask store.PlanAsk) (store.PlanJob, error) {
	j := store.PlanJob{Sync: ask.Sync, Kind: store.MakeJob, AskedBy: ask.Who, Customers: ask.Only}
	if ask.Hash != "" {
		plan, err := w.store.Plan(ctx, "", ask.Hash)
		if err == nil {
			err = w.PlanRefusal(ctx, plan, ask)
		}
		if err != nil && len(ask.Only) == 0 {
			return j, err
		}
		j.Sync, j.Kind, j.Plan, j.Hash = plan.Sync, store.ApplyJob, plan.ID, plan.Hash
		if ask.ApproveFirst {
			j.ApprovedBy = ask.Who
		}
	}
	j, _, err := w.store.AskJob(ctx, j, ask.Key)
	return j, err
}

func (w *world) PlanRefusal(_ context.Context, _ store.Sweep, ask store.PlanAsk) error {
	if w.Syncs()[flow].Mode == config.ModeWatch && len(ask.Only) == 0 {
		return &exceptions.RefusedError{Why: "the plan cannot be applied: the sync is in mode: watch and writes nothing", Hint: "try one customer of the plan first"}
	}
	return nil
}

// answered is what a browser was shown.
type answered struct {
	code     int
	at, text string
}

// get asks for a page, and follows where it leads.
func (w *world) get(path string) answered {
	w.Helper()
	r, err := w.client.Get(w.server.URL + path)
	return w.read(r, err)
}

// post sends a form, with a key of its own unless it names one.
func (w *world) post(path string, pairs ...string) answered {
	w.Helper()
	form := url.Values{"key": {formKey()}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "key" {
			form.Set("key", pairs[i+1])
			continue
		}
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := w.client.PostForm(w.server.URL+path, form)
	return w.read(r, err)
}

func (w *world) read(r *http.Response, err error) answered {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answered{r.StatusCode, r.Request.URL.RequestURI(), string(text)}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// words is the text of a page without its tags, for tests of what it says.
func (a answered) words() string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(a.text, " ")), " ")
}

var errBroken = errors.New("user root at db.internal")
