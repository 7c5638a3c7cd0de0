package blueprint

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/blueprint/interpreter"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/makecom"
	"github.com/trueup-sync/trueup/internal/connector/registry"
)

const (
	hookID   = "n4bh0rvi1hn5secret"
	hookKey  = "make-key-secret-1"
	eventKey = "event-key-secret-2"
	whsec    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	public   = "https://sync.example.com"
)

// load reads a configuration as a person would write it.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, registry.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// exportOf returns the files of a sync by their names.
func exportOf(t *testing.T, cfg *config.Config, sync string) map[string][]byte {
	t.Helper()
	files, err := Export(cfg, sync)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string][]byte{}
	for _, f := range files {
		byName[f.Name] = f.Body
	}
	return byName
}

// targetText is a sync from any tool to one behind Make, with the most awkward
// word for paused.
const targetText = `
public_url: ` + public + `
connections:
  billing:
    type: http
    base_url: http://127.0.0.1:1
    webhook:
      verify: {scheme: header, name: X-Token, secrets: [hook-token]}
      id: event.id
      customer: event.customer
      status: event.status
    record: {id: record.customer, status: record.status, keys: {email: record.email}}
  tool:
    type: make
    webhook_url: https://hook.eu2.make.com/` + hookID + `
    api_key: ` + hookKey + `
    webhook: {verify: {scheme: header, name: X-Trueup-Key, secrets: [` + eventKey + `]}}
    knows: [changed_at, changed_by, list]
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: tool}
    match: [{source: email, target: email}]
    statuses:
      active: {from: [active], to: Active}
      paused: {from: [paused], to: 'On "hold" \ {pause}'}
    mode: live
    sweep: off
`

const paused = `On "hold" \ {pause}`

// scene is a connection, the scenario that serves it, and the tool behind.
type scene struct {
	*testing.T
	tool     *tool
	account  *interpreter.Account
	scenario *interpreter.Scenario
	conn     connector.Connection
	// now is the clock of both.
	now time.Time
}

func newScene(t *testing.T) *scene {
	s := &scene{T: t, tool: newTool(t), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg := load(t, targetText)
	s.account = interpreter.New(t, map[string]string{"https://tool.example.com": s.tool.url})
	s.account.Now = func() time.Time { return s.now }
	s.scenario = s.account.Import(exportOf(t, cfg, "customer-status")["tool-operations.json"], interpreter.Settings{Hook: hookID, APIKeys: []string{"an older one", hookKey}})
	common := cfg.Connections["tool"]
	common.BaseURL = s.account.URL
	var err error
	s.conn, err = makecom.Open("tool", common, common.Settings.(*makecom.Settings), connector.Deps{
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Now: func() time.Time { return s.now },
		Use: connector.Use{Target: true, Values: []string{"Active", paused}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noErrors fails when the scenario broke.
func (s *scene) noErrors() {
	s.Helper()
	if errs := s.scenario.Errors(); len(errs) > 0 || !s.scenario.On() {
		s.Errorf("the scenario broke: %v", errs)
	}
}

// is fails unless the error is a failure of that kind.
func (s *scene) is(err error, kind connector.FailureKind, effect connector.Effect, says string) {
	s.Helper()
	if err == nil {
		s.Errorf("it succeeds, and should be %s", kind)
		return
	}
	f := connector.FailureOf(err)
	if f.Kind != kind || f.Effect != effect || !strings.Contains(f.Detail, says) {
		s.Errorf("it is %s with effect %s: %s; want %s, %s, %q", f.Kind, f.Effect, f.Detail, kind, effect, says)
	}
}

// reimport replaces the scenario by another file.
func (s *scene) reimport(file []byte) {
	s.Helper()
	s.scenario = s.account.Import(file, interpreter.Settings{Hook: hookID, APIKeys: []string{hookKey}})
}
