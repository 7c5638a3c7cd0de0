package setup

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
)

// noEnv is an environment that sets nothing: a set-up needs none.
func noEnv(string) (string, bool) { return "", false }

func begin(t *testing.T) *Setup {
	t.Helper()
	return at(t, filepath.Join(t.TempDir(), "trueup.yaml"))
}

func at(t *testing.T, path string) *Setup {
	t.Helper()
	s, err := Open(Options{Path: path, Env: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

const (
	stripeKey  = "rk_test_canary-key"
	hookSecret = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAx"
)

// source and target describe the sample tools of the tests.
const source = `webhook:
  verify: {scheme: standard-webhooks, secrets_file: WEBHOOK_SECRET}
  id: event.id
  customer: event.customer
record: {id: record.id, status: record.status, updated_at: record.updated_at, keys: {email: record.email, crm_id: record.external_id}}
read: {get: "/records/{id}", record: body}
list: {get: "/records?all=yes&after={cursor}", records: body.records, next: body.next}`

const target = `record:
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

// world is two tools and a set-up that reads from them.
type world struct {
	*Setup
	t            *testing.T
	billing, crm *resttest.Tool
}

func newWorld(t *testing.T) world {
	w := world{Setup: begin(t), t: t, billing: resttest.New(t), crm: resttest.New(t)}
	for i, value := range []string{"active", "active", "past_due", "canceled", "grace", "active"} {
		email := fmt.Sprintf("c%d@example.com", i)
		w.billing.Set(resttest.Record{ID: fmt.Sprintf("cus_%d", i), Email: email, Status: value})
		if i != 4 {
			w.crm.Set(resttest.Record{ID: fmt.Sprintf("rec_%d", i), Email: email, ExternalID: map[int]string{0: "cus_0"}[i], Status: []string{"Active", "Paused", "VIP"}[i%3]})
		}
	}
	w.crm.Set(resttest.Record{ID: "rec_5b", Email: "c5@example.com", Status: "Churned"})
	w.must(w.SetDirection(DirectionAnswer{Source: "http", Target: "http", Sync: "customer-status", Owner: "dana@northbeam.example"}))
	return w
}

func (w world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) tools() (source, target map[string]string) {
	return map[string]string{"base_url": w.billing.URL, "token": resttest.Token, "webhook_secrets": hookSecret, "description": sourceText},
		map[string]string{"base_url": w.crm.URL, "token": resttest.Token, "description": targetText}
}

const (
	sourceText = source
	targetText = target
)

func (w world) connect() {
	w.t.Helper()
	from, to := w.tools()
	w.must(w.SetTool(Source, from))
	w.must(w.SetTool(Target, to))
	for _, side := range []Side{Source, Target} {
		seen, err := w.Check(context.Background(), side)
		w.must(err)
		if !seen.OK() {
			w.t.Fatalf("%s: %+v", side, seen.Points)
		}
		w.counted(side)
	}
	w.must(w.Finish(Connect))
}

// accepted is what a value means to a person who accepts what is proposed.
func accepted(v Value) status.Status {
	if v.Means == "" {
		return v.Proposed
	}
	return v.Means
}

// counted waits until a side was counted.
func (w world) counted(side Side) Survey {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if v := w.Survey(side); v.Done {
			return v
		} else if time.Now().After(deadline) {
			w.t.Fatalf("%s was not counted: %+v", side, v)
		}
	}
}

func (w world) tested(all bool) MatchTest {
	w.t.Helper()
	w.must(w.TestMatch(all))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if m, _ := w.MatchTest(); m.Done {
			return m
		} else if time.Now().After(deadline) {
			w.t.Fatalf("the match test did not end: %+v", m)
		}
	}
}
