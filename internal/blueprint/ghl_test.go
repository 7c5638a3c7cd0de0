package blueprint

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/blueprint/interpreter"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

const highLevelToMakeText = `
listen: 127.0.0.1:0
public_url: ` + public + `
database: %[1]q
connections:
  crm:
    type: gohighlevel
    base_url: %[2]s
    location_id: ` + ghltest.LocationID + `
    token: ` + ghltest.Token + `
    rate_limit: {requests: 1000, per: 1s}
    webhook: {app_id: ` + ghltest.AppID + `, public_keys: [%[4]q]}
  tool:
    type: make
    base_url: %[3]s
    webhook_url: https://hook.eu2.make.com/` + hookID + `
    api_key: ` + hookKey + `
    timeout: 1s
    rate_limit: {requests: 1000, per: 1s}
syncs:
  customer-status:
    source: {connection: crm, field: customer_status}
    target: {connection: tool}
    match: [{source: email, target: email}]
    first_contact: source_wins
    statuses:
      active:  {from: [Active], to: Active}
      paused:  {from: [Paused], to: 'On "hold"'}
      churned: {from: [Churned], to: Gone}
    mode: live
    sweep: off
`

// HighLevel is the source, a tool behind Make is the target, and each of them
// fails once.
func TestHighLevelToMake(t *testing.T) {
	once := func(answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
		var done atomic.Bool
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if done.Swap(true) {
				return false
			}
			answer(w)
			return true
		}
	}
	tests := map[string]func(*ghltest.Account, *tool, *interpreter.Scenario){
		"all is well": func(*ghltest.Account, *tool, *interpreter.Scenario) {},
		"HighLevel hangs up": func(a *ghltest.Account, _ *tool, _ *interpreter.Scenario) {
			a.Instead(once(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }))
		},
		"HighLevel is at its limit": func(a *ghltest.Account, _ *tool, _ *interpreter.Scenario) {
			a.Instead(once(func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
			}))
		},
		"Make queues the write": func(_ *ghltest.Account, _ *tool, s *interpreter.Scenario) {
			s.Instead(firstOf("write", says(200, "text/plain", "Accepted")))
		},
		"Make loses the tool's answer": func(_ *ghltest.Account, _ *tool, s *interpreter.Scenario) {
			s.Instead(func() func(http.ResponseWriter, *http.Request) bool {
				lose := firstOf("write", func(http.ResponseWriter, *http.Request, map[string]any) { s.LoseAnswers(1) })
				return func(w http.ResponseWriter, r *http.Request) bool { lose(w, r); return false }
			}())
		},
		"the tool fails": func(_ *ghltest.Account, tl *tool, _ *interpreter.Scenario) {
			tl.misbehave(once(func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }))
		},
	}
	for engine, dsn := range engines {
		for name, trouble := range tests {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				account := ghltest.New(t)
				l := &live{T: t, tool: newTool(t)}
				l.account = interpreter.New(t, map[string]string{"https://tool.example.com": l.tool.url})
				d := dsn(t)
				s := l.start(d, fmt.Sprintf(highLevelToMakeText, d, account.URL, l.account.URL, account.PublicKey()), "tool-operations.json",
					interpreter.Settings{Hook: hookID, APIKeys: []string{hookKey}})
				l.tool.set("r1", map[string]any{"email": "c1@example.com", "status": ""})
				trouble(account, l.tool, s)
				deliver := func(id, value string) {
					account.Set(ghltest.Contact{ID: "c1", Email: "c1@example.com", FirstName: `Ana "the best"`, Values: map[string]any{ghltest.StatusField: value}})
					l.deliver(account, account.Event("ContactUpdate", id, "c1"))
				}
				deliver("w1", "Paused")
				l.until("the event has ended", l.ended)
				l.retryParked()
				l.until("it is carried", func() bool { return l.baseIs(`On "hold"`) })
				deliver("w1", "Paused") // again
				deliver("w2", "Churned")
				l.until("the next change is carried", func() bool { return l.baseIs("Gone") })
				if diff := cmp.Diff([]string{`r1: On "hold"`, "r1: Gone"}, l.tool.written()); diff != "" {
					t.Errorf("writes that reached the tool: %s", diff)
				}
				if effects := account.Effects(); len(effects) > 0 {
					t.Errorf("the source was written to: %v", effects)
				}
				l.until("no exception is open", func() bool { return len(l.open()) == 0 })
				if errs := s.Errors(); len(errs) > 0 {
					t.Errorf("the scenario broke: %v", errs)
				}
			})
		}
	}
}

// deliver sends a signed webhook.
func (l *live) deliver(account *ghltest.Account, body []byte) {
	l.Helper()
	req, err := http.NewRequestWithContext(l.Context(), http.MethodPost, l.app.URL()+"/hooks/crm", bytes.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	req.Header = account.Sign(body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		l.Fatalf("the webhook is answered %d %s, %v", resp.StatusCode, text, err)
	}
}
