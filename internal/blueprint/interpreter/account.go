package interpreter

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Account is a Make account whose webhooks are served on this machine.
type Account struct {
	testing.TB
	// URL is where the webhooks are, in place of https://hook.eu2.make.com.
	URL string
	// Now is Make's clock.
	Now func() time.Time

	server *httptest.Server
	calls  *http.Client
	hosts  map[string]string
	mu     sync.Mutex
	hooks  map[string]*Scenario
	after  sync.WaitGroup // what runs without a caller
}

// New starts an account that ends with the test. Its HTTP modules reach only
// the hosts in hosts.
func New(t testing.TB, hosts map[string]string) *Account {
	a := &Account{TB: t, Now: time.Now, hosts: hosts, hooks: map[string]*Scenario{}}
	transport := &http.Transport{}
	a.calls = &http.Client{Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a.server = httptest.NewServer(http.HandlerFunc(a.receive))
	a.URL = a.server.URL
	t.Cleanup(func() {
		a.server.Close()
		a.after.Wait()
		transport.CloseIdleConnections()
	})
	return a
}

// Settings is what a person enters after the import.
type Settings struct {
	// Hook is the last segment of the webhook's address.
	Hook string
	// APIKeys are the keys of which a caller must send one; without keys, everyone
	// may call.
	APIKeys []string
	// KeyName and KeyValue are the header of HTTP modules with a key.
	KeyName, KeyValue string
	// Edit makes the person's other changes in the file: placeholders.
	Edit func(file []byte) []byte
}

// Import checks a blueprint, makes a scenario from it, and activates it.
func (a *Account) Import(file []byte, s Settings) *Scenario {
	a.Helper()
	if s.Edit != nil {
		file = s.Edit(file)
	}
	if err := Check(file); err != nil {
		a.Fatalf("the blueprint cannot be imported: %v", err)
	}
	b, err := parse(file)
	if err != nil {
		a.Fatal(err)
	}
	sc := &Scenario{account: a, blueprint: b, settings: s, on: true, sequential: *b.Metadata.Scenario.Sequential}
	prepare(b.Flow)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hooks["/"+s.Hook] = sc
	return sc
}

// prepare reads the mappers of all modules.
func prepare(flow []*module) {
	for _, m := range flow {
		_ = json.Unmarshal(m.Mapper, &m.mapped) // Check has already parsed it
		prepare(m.OnError)
		for _, r := range m.Routes {
			prepare(r.Flow)
		}
	}
}

// Delete deletes a scenario's webhook.
func (a *Account) Delete(s *Scenario) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.hooks, "/"+s.settings.Hook)
}

// Scenario is an imported blueprint.
type Scenario struct {
	account   *Account
	blueprint *blueprint
	settings  Settings

	mu         sync.Mutex
	on         bool
	sequential bool
	full       bool
	instead    func(w http.ResponseWriter, r *http.Request) bool
	lose       int // how many more answers of HTTP calls to lose
	queue      []map[string]any
	incomplete []*incomplete
	errors     []error
	runs       int
}

func (s *Scenario) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// SwitchOff deactivates the scenario: requests wait in the queue.
func (s *Scenario) SwitchOff() { s.set(func() { s.on = false }) }

// SwitchOn activates the scenario and processes the queue.
func (s *Scenario) SwitchOn() {
	var waiting []map[string]any
	s.set(func() { s.on, waiting, s.queue = true, s.queue, nil })
	for _, bundle := range waiting {
		s.run(bundle)
	}
}

// On reports whether the scenario is on.
func (s *Scenario) On() (on bool) { s.set(func() { on = s.on }); return on }

// Sequential switches sequential processing.
func (s *Scenario) Sequential(yes bool) { s.set(func() { s.sequential = yes }) }

// Full makes the queue full.
func (s *Scenario) Full(yes bool) { s.set(func() { s.full = yes }) }

// Instead lets f answer webhook requests in Make's place, where it returns
// true. nil removes it.
func (s *Scenario) Instead(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.set(func() { s.instead = f })
}

// LoseAnswers lets the next n HTTP calls reach their server and fail.
func (s *Scenario) LoseAnswers(n int) { s.set(func() { s.lose = n }) }

// Errors are those that no handler caught.
func (s *Scenario) Errors() (all []error) {
	s.set(func() { all = slices.Clone(s.errors) })
	return all
}

// Runs is how often the scenario ran.
func (s *Scenario) Runs() (n int) { s.set(func() { n = s.runs }); return n }

// Waiting is how many incomplete executions are stored.
func (s *Scenario) Waiting() (n int) { s.set(func() { n = len(s.incomplete) }); return n }

// Happen is an event of the tool that triggers the scenario.
func (s *Scenario) Happen(bundle map[string]any) { s.run(bundle) }

// receive answers a webhook request as Make does.
func (a *Account) receive(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	s := a.hooks[r.URL.Path]
	a.mu.Unlock()
	if s == nil {
		say(w, http.StatusGone, "Webhook not found.")
		return
	}
	var instead func(http.ResponseWriter, *http.Request) bool
	s.set(func() { instead = s.instead })
	if instead != nil && instead(w, r) {
		return
	}
	if keys := s.settings.APIKeys; len(keys) > 0 && !slices.Contains(keys, r.Header.Get("x-make-apikey")) {
		say(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	body, err := io.ReadAll(r.Body)
	bundle := map[string]any{}
	if err != nil || json.Unmarshal(body, &bundle) != nil {
		say(w, http.StatusBadRequest, "Bad Request")
		return
	}
	a.enqueue(s, w, bundle)
}

func (a *Account) enqueue(s *Scenario, w http.ResponseWriter, bundle map[string]any) {
	s.mu.Lock()
	on, sequential, full := s.on, s.sequential, s.full
	if !on && !full {
		s.queue = append(s.queue, bundle)
	}
	s.mu.Unlock()
	switch {
	case full:
		say(w, http.StatusBadRequest, "Queue is full")
	case !on:
		say(w, http.StatusOK, "Accepted")
	case sequential:
		say(w, http.StatusOK, "Accepted")
		a.after.Go(func() { s.run(bundle) })
	default:
		answer, failed := s.run(bundle)
		switch {
		case answer != nil:
			answer.write(w)
		case failed:
			say(w, http.StatusInternalServerError, "Scenario failed to complete.")
		default:
			say(w, http.StatusOK, "Accepted")
		}
	}
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	io.WriteString(w, text)
}

// response is what a scenario answers.
type response struct {
	status  int
	headers map[string]string
	body    string
}

func (r *response) write(w http.ResponseWriter) {
	for k, v := range r.headers {
		w.Header().Set(k, v)
	}
	w.WriteHeader(r.status)
	io.WriteString(w, r.body)
}

// run runs the scenario once.
func (s *Scenario) run(bundle map[string]any) (answer *response, failed bool) {
	s.set(func() { s.runs++ })
	e := newExecution(s)
	trigger := s.blueprint.Flow[0]
	e.outputs[trigger.ID] = bundle
	err := e.flow(s.blueprint.Flow[1:])
	if err != nil {
		// An instant trigger: the first error deactivates it.
		s.set(func() { s.on, s.errors = false, append(s.errors, err) })
	}
	return e.answer, err != nil
}

// Retry retries every stored incomplete execution, as Make does after a while,
// and returns the errors that remain.
func (s *Scenario) Retry() error {
	var waiting []*incomplete
	s.set(func() { waiting, s.incomplete = s.incomplete, nil })
	for _, i := range waiting {
		if i.left == 0 {
			return fmt.Errorf("an execution was tried again too often: %w", i.err)
		}
		i.execution.left = i.left - 1
		if err := i.execution.flow(i.flow); err != nil {
			return err
		}
	}
	return nil
}

// BreakHandlers removes every error handler, as a person who tidies up may do.
func (s *Scenario) BreakHandlers() {
	var strip func(flow []*module)
	strip = func(flow []*module) {
		for _, m := range flow {
			m.OnError = nil
			for _, r := range m.Routes {
				strip(r.Flow)
			}
		}
	}
	strip(s.blueprint.Flow)
}
