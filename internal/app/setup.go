package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/store"
)

// SetUpOptions is what a set-up is started with.
type SetUpOptions struct {
	// Path is the trueup.yaml to be.
	Path    string
	Listen  string
	Version string
	Log     *slog.Logger
}

// SetUp serves the pages by which a person makes a trueup.yaml, and the service that
// comes of it: it runs on what was said so far before the file is written, and watches
// only.
type SetUp struct {
	options  SetUpOptions
	log      *slog.Logger
	setup    *setup.Setup
	entrance *Entrance
	pages    *pages.SetUp
	saved    chan struct{}

	mu    sync.Mutex
	app   *App
	trial *trialRun
	jobs  sync.WaitGroup
	ended context.Context
	end   context.CancelFunc
}

// CanSetUp reports whether an installation is empty, so that a set-up may begin: there
// is no file, and no database beside it that a file has been lost of.
func CanSetUp(path string) bool {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if _, err := os.Lstat(path + setup.DraftSuffix); err == nil {
		return true
	}
	database := setup.DatabaseOf(os.LookupEnv)
	if !filepath.IsAbs(database) {
		database = filepath.Join(filepath.Dir(path), database)
	}
	_, err := os.Lstat(database)
	return errors.Is(err, fs.ErrNotExist)
}

// StartSetUp begins or continues a set-up.
func StartSetUp(ctx context.Context, o SetUpOptions) (*SetUp, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	made, err := setup.Open(setup.Options{Path: o.Path, Listen: o.Listen, Log: o.Log})
	if err != nil {
		return nil, err
	}
	s := &SetUp{options: o, log: o.Log, setup: made, saved: make(chan struct{})}
	s.ended, s.end = context.WithCancel(context.Background())
	s.pages = pages.NewSetUp(pages.SetUpOptions{Setup: made, Service: s, Version: o.Version, Log: o.Log})
	if s.entrance, err = openEntrance(made.Draft().Listen, o.Log); err != nil {
		return nil, err
	}
	s.jobs.Go(func() { made.Resume(s.ended) })
	if made.Draft().Reached(setup.Event) {
		if err := s.Begin(ctx); err != nil { // the pages say so too
			s.log.Warn("the service could not continue on the set-up that was begun", slog.Any("error", err))
		}
	}
	var front http.Handler = s.pages
	s.entrance.front.Store(&front)
	s.entrance.serve()
	return s, nil
}

// URL is the link that lets one person in.
func (s *SetUp) URL() string { return "http://" + s.entrance.listener.Addr().String() + s.pages.Link() }

// Saved is closed when the file is written, and App runs on it.
func (s *SetUp) Saved() <-chan struct{} { return s.saved }

// Failed sends the error that keeps the pages from being served.
func (s *SetUp) Failed() <-chan error { return s.entrance.failed }

// Done ends what belongs to the set-up alone, and returns the service that runs on. It
// is nil when nothing was begun.
func (s *SetUp) Done() *App {
	s.end()
	s.pages.Close()
	s.setup.Close()
	s.jobs.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app
}

// Stop ends everything before the file was written.
func (s *SetUp) Stop(ctx context.Context) error {
	if a := s.Done(); a != nil {
		return a.Stop(ctx)
	}
	return s.entrance.close(ctx)
}

// Begin implements pages.SetUpService.
func (s *SetUp) Begin(ctx context.Context) error {
	cfg, err := s.setup.Config()
	if err != nil {
		return err
	}
	return s.use(ctx, cfg)
}

// use lets the service work on a configuration.
func (s *SetUp) use(ctx context.Context, cfg *config.Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trial != nil && s.trial.rules != cfg.Syncs[s.setup.Draft().Sync].Rules() {
		s.trial.cancel()
		s.trial = nil
	}
	if s.app != nil {
		return s.app.Reload(ctx, cfg)
	}
	a, err := Start(ctx, Options{Config: cfg, Version: s.options.Version, Log: s.log, Entrance: s.entrance})
	if err == nil {
		s.app = a
	}
	return err
}

// service returns what runs, and its configuration.
func (s *SetUp) service() (*App, *config.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app == nil {
		return nil, nil, setup.Problems{{Text: "The service has not started yet. Go back to the step Match and continue from there."}}
	}
	return s.app, s.app.wiring.Load().config, nil
}

// First implements pages.SetUpService.
func (s *SetUp) First(ctx context.Context) (pages.FirstEvent, error) {
	a, _, err := s.service()
	if err != nil {
		return pages.FirstEvent{}, nil // nothing can have come
	}
	d := s.setup.Draft()
	kind, _ := setup.TypeOf(d.Source.Type)
	events, err := a.store.Events(ctx, store.EventFilter{Sync: d.Sync, Connection: d.Source.Name, Sent: kind.Events != "", Limit: 1, Bare: true})
	if err != nil {
		return pages.FirstEvent{}, err
	}
	first := pages.FirstEvent{Late: a.Promises(d.Sync).Late}
	if len(events) > 0 {
		e := events[0]
		first = pages.FirstEvent{Late: first.Late, Arrived: true, Customer: e.Customer, Value: e.Value, At: e.ReceivedAt, Outcome: string(e.Outcome)}
		if c, err := a.store.Customer(ctx, d.Sync, e.Customer); err == nil {
			first.Name, first.Shows = c.Name, c.Observed.Value
			if first.Value == "" {
				first.Value = c.Desired.SourceValue
			}
		}
		return first, nil
	}
	refused, err := a.store.Refused(ctx)
	for _, r := range refused {
		if r.Connection == d.Source.Name {
			first.Refused = append(first.Refused, pages.RefusedWebhook{Refusal: r.Refusal, Count: r.Count})
		}
	}
	return first, err
}

// Save implements pages.SetUpService.
func (s *SetUp) Save(ctx context.Context) (to string, err error) {
	cfg, err := s.setup.Write()
	if err != nil {
		return "", err
	}
	if err := s.use(ctx, cfg); err != nil {
		return "", fmt.Errorf("%s is written, but the service does not run on it yet: %w; start trueup run again", s.options.Path, err)
	}
	a, _, err := s.service()
	if err == nil {
		to, err = a.FirstLink(ctx)
	}
	if err != nil { // trueup run shows one as well
		s.log.Warn("could not make the link for the first account", slog.Any("error", err))
	}
	if link, err := url.Parse(to); err == nil && to != "" {
		to = link.RequestURI()
	}
	s.entrance.front.Store(nil)
	close(s.saved)
	return to, nil
}
