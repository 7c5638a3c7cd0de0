package pages

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// SetUpService is the service that a set-up begins; it is *app.SetUp.
type SetUpService interface {
	// Begin starts the service on what was said so far, or lets it take up what has
	// changed since. It receives webhooks, decides and records, and writes nothing.
	Begin(ctx context.Context) error
	// First is the newest event of the tool that decides.
	First(ctx context.Context) (FirstEvent, error)
	// Trial is what one customer can be tried with.
	Trial(ctx context.Context) (Trial, error)
	// CompareAgain forgets a comparison that has failed, so that the next Trial begins one.
	CompareAgain()
	// TryOne writes one customer of the trial, PutBack puts back what was there.
	TryOne(ctx context.Context, customer string) error
	PutBack(ctx context.Context, customer string) error
	// Save writes trueup.yaml and lets the service continue with it. to is where the
	// person makes an account, "" where there is one.
	Save(ctx context.Context) (to string, err error)
}

// FirstEvent is what has come from the tool that decides.
type FirstEvent struct {
	Arrived               bool
	Customer, Name, Value string
	At                    time.Time
	// Outcome is how it ended, "" while it waits; Shows is what the target holds.
	Outcome, Shows string
	// Refused are how many webhooks were refused in the past hour, by why.
	Refused []RefusedWebhook
	// Late is how late a change can be and what is never noticed, "" while nothing runs.
	Late string
}

// RefusedWebhook counts webhooks that were refused for one reason.
type RefusedWebhook struct {
	Refusal status.Refusal
	Count   int
}

// Why says why, and what to do.
func (r RefusedWebhook) Why() string { return reason.Refusals[r.Refusal] }

// Trial is the comparison of both tools that a customer is chosen from.
type Trial struct {
	// Making says that both tools are being read, Doing how far that is.
	Making bool
	Doing  string
	Wrong  string // why it ended early
	Rows   []TrialRow
	// Tried is the customer who was written, nil for no one.
	Tried *TrialRow
	// What the comparison found, once it has ended.
	Customers, Agree, Differ, Held, NeedPerson int
	// Left are those with a value to ignore, or with none.
	Left   int
	ReadAt time.Time // when it ended
	// SetAside says which records could not be read.
	SetAside []string
	// Unverified says that the target accepts a write and cannot show what it holds.
	Unverified bool
}

// Compared is how many customers have a status that counts.
func (t Trial) Compared() int { return t.Customers - t.Left }

// Share is how many of those agree, nil where there is no one.
func (t Trial) Share() *float64 {
	if t.Compared() <= 0 {
		return nil
	}
	share := float64(t.Agree) / float64(t.Compared())
	return &share
}

// TrialRow is one customer who differs.
type TrialRow struct {
	Customer, Name, Before, After string
	// State is how writing it ended: applied, refused, failed or undone; "" before.
	State, Note string
	At          time.Time
	// Asked says that the comparison left the customer to a person.
	Asked bool
}

// SetUpOptions is what the pages of a set-up are made of.
type SetUpOptions struct {
	Setup   *setup.Setup
	Service SetUpService
	Version string
	Log     *slog.Logger
	Zone    *time.Location
	Pulse   time.Duration
}

// SetUp answers a browser while there is no trueup.yaml. It lets in whoever has opened
// the link that it gives out once.
type SetUp struct {
	*Pages
	setup   *setup.Setup
	service SetUpService

	mu      sync.Mutex
	key     string // of the link; "" once it was opened
	session string
}

// NewSetUp returns the pages of a set-up.
func NewSetUp(o SetUpOptions) *SetUp {
	s := &SetUp{setup: o.Setup, service: o.Service, key: rand.Text()}
	s.Pages = answeringBy(s.routes(), Options{Visitor: s.visitor, Version: o.Version, Log: o.Log, Zone: o.Zone, Pulse: cmp.Or(o.Pulse, time.Second)})
	return s
}

// Link is the path that lets a person in, once.
func (s *SetUp) Link() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "/setup/open?link=" + s.key
}

func (s *SetUp) routes() []route {
	all := []route{
		{http.MethodGet, "/setup/open", open, s.open},
		{http.MethodGet, "/signin", open, s.door},
		{http.MethodGet, "/{$}", store.Admin, s.next},
		{http.MethodGet, "/setup", store.Admin, s.next},
		{http.MethodGet, "/setup/direction", store.Admin, s.direction},
		{http.MethodPost, "/setup/direction", store.Admin, s.setDirection},
		{http.MethodGet, "/setup/connect", store.Admin, s.connect},
		{http.MethodPost, "/setup/connect", store.Admin, s.connected},
		{http.MethodPost, "/setup/connect/{side}", store.Admin, s.setTool},
		{http.MethodGet, "/setup/map", store.Admin, s.mapping},
		{http.MethodPost, "/setup/map", store.Admin, s.setMap},
		{http.MethodPost, "/setup/map/field", store.Admin, s.setField},
		{http.MethodGet, "/setup/match", store.Admin, s.match},
		{http.MethodPost, "/setup/match", store.Admin, s.setMatch},
		{http.MethodGet, "/setup/event", store.Admin, s.event},
		{http.MethodPost, "/setup/event", store.Admin, s.setEvent},
		{http.MethodGet, "/setup/try", store.Admin, s.try},
		{http.MethodPost, "/setup/try", store.Admin, s.tryOne},
		{http.MethodGet, "/setup/watch", store.Admin, s.watch},
		{http.MethodPost, "/setup/watch", store.Admin, s.save},
	}
	return slices.Concat(all, themeRoutes(), liveRoutes())
}

// setUpCookie holds the session of whoever has opened the link.
const setUpCookie = "trueup-setup"

// visitor lets in who has opened the link.
func (s *SetUp) visitor(r *http.Request) (Person, error) {
	c, err := r.Cookie(setUpCookie)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.session == "" || subtle.ConstantTimeCompare([]byte(c.Value), []byte(s.session)) != 1 {
		return Person{}, ErrNobody
	}
	return Person{Name: "Set-up", Email: "set-up", Role: store.Admin}, nil
}

// open answers the link: it works once.
func (s *SetUp) open(v *visit) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" || subtle.ConstantTimeCompare([]byte(v.FormValue("link")), []byte(s.key)) != 1 {
		if c, err := v.Cookie(setUpCookie); err == nil && s.session != "" && c.Value == s.session {
			return answer{To: "/setup"}, nil // the same browser, again
		}
		return answer{}, &Refusal{Status: http.StatusForbidden, Title: "This link does not work",
			Text: "It works once, in one browser. For a new one, stop trueup run and start it again: what you have entered is kept."}
	}
	s.key, s.session = "", rand.Text()
	// The link works once. A browser drops a secure cookie that came over http, so the cookie is
	// secure only where https is seen.
	https := v.TLS != nil || v.Header.Get("X-Forwarded-Proto") == "https"
	http.SetCookie(v.w, &http.Cookie{Name: setUpCookie, Value: s.session, Path: "/", HttpOnly: true, Secure: https, SameSite: http.SameSiteLaxMode}) // #nosec G124 -- it is secure where the browser keeps it
	return answer{To: "/setup"}, nil
}

// door is where those are led who have not opened the link.
func (s *SetUp) door(*visit) (answer, error) {
	return answer{}, &Refusal{Status: http.StatusForbidden, Title: "Trueup is not set up yet",
		Text: "Open the link that trueup run shows where it was started. It works once; start trueup run again for a new one."}
}

// next leads to the first step that is not finished.
func (s *SetUp) next(*visit) (answer, error) {
	return answer{To: "/setup/" + string(s.setup.Draft().Done.Next())}, nil
}

// stepLabels are what the steps are called in the list of steps.
var stepLabels = map[setup.Step]string{setup.Direction: "Direction", setup.Connect: "Connect", setup.Map: "Map", setup.Match: "Match",
	setup.Event: "First event", setup.Try: "Try one", setup.Watch: "Start watching"}

// stepLink is a step in the list of steps.
type stepLink struct {
	Step                setup.Step
	Label               string
	Current, Done, Open bool
}

// stepPage is one page of the set-up.
type stepPage struct {
	Step  setup.Step
	Steps []stepLink
	Lines []setup.Line
	Added int
	Draft setup.Draft
	// Wrong is what is wrong with what was entered.
	Wrong setup.Problems
	Page  any
}

// Number is which step it is.
func (p stepPage) Number() int { return p.Step.Number() }

// Source is the name of the tool that decides.
func (p stepPage) Source() string { return p.Draft.Source.Name }

// Target is the name of the tool that follows.
func (p stepPage) Target() string { return p.Draft.Target.Name }

// Stops names the statuses that the limit on mass changes counts, "" for none.
func (p stepPage) Stops() string {
	var all []string
	for _, one := range p.Draft.Stops() {
		all = append(all, capital(string(one)))
	}
	return strings.Join(all, " or ")
}

// Limit is that limit in words.
func (p stepPage) Limit() string { return config.DefaultMassChange().Limit() }

// page is a step as it is shown.
func (s *SetUp) page(step setup.Step, title string, data any, wrong error) (answer, error) {
	return s.pageOf(s.setup.Draft(), step, title, data, wrong)
}

// pageOf is a step as it is shown for a draft with what the step would add.
func (s *SetUp) pageOf(d setup.Draft, step setup.Step, title string, data any, wrong error) (answer, error) {
	if !d.Reached(step) {
		return answer{To: "/setup/" + string(d.Done.Next())}, nil
	}
	p := stepPage{Step: step, Lines: d.Lines(step), Draft: d, Page: data}
	a := answer{Page: "setup-" + string(step), Title: "Set up: " + title, Frame: wizard}
	if wrong != nil {
		if !errors.As(wrong, &p.Wrong) {
			p.Wrong = setup.Problems{{Text: wrong.Error()}}
		}
		a.Status = http.StatusUnprocessableEntity
	}
	for _, one := range setup.Steps {
		p.Steps = append(p.Steps, stepLink{Step: one, Label: stepLabels[one], Current: one == step, Done: one.Number() <= d.Done.Number() && one != step, Open: d.Reached(one)})
	}
	for _, l := range p.Lines {
		if l.New {
			p.Added++
		}
	}
	a.Data = p
	return a, nil
}

// live adds a part that changes by itself. It stays one after its last change, which
// the stream may begin after.
func (a answer) live(name string, data any, waits bool) answer {
	a.Live, a.Refresh = append(a.Live, part{name, name, data}), waits
	return a
}
