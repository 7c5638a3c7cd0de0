// Package connectortest is the suite that every connector runs. It holds a
// connector against the contract of package connector with a tool that
// misbehaves in every way we know of, and each failure says which rule is
// broken and why the rule exists.
//
// Main types: Harness (how to open the connector and what to try), Webhook
// (its signed deliveries) and Call (one thing it asks of the tool). Run runs
// the parts that the harness fills in, so a connector that is only a source
// leaves Writes empty.
//
// Invariants: the suite knows no vendor; the tool of each test is a server of
// this process; nothing waits for a fixed time.
//
// It must not import a connector: they import it.
package connectortest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// Harness tells the suite how to use one connector.
type Harness struct {
	// Open opens a connection whose tool is at base. It must hand deps to the
	// connector as they are.
	Open func(t *testing.T, base string, deps connector.Deps) connector.Connection
	// Secrets are the credentials in the settings of Open. None of them may
	// be shown anywhere.
	Secrets []string
	// Now is the clock of the connection; nil means time.Now.
	Now func() time.Time
	// Webhook is nil for a connector that receives nothing.
	Webhook *Webhook
	// Reads are calls that only look: Source.Read, Target.Read, Target.Find,
	// Changes.Since, Probe.
	Reads []Call
	// Writes are calls that change the target.
	Writes []Call
	// Lies are writes to a tool that answers 200 and keeps what it held.
	Lies []Lie
	// Verdicts are answers that mean something else than their status says.
	Verdicts []Verdict
	// Polled is a tool that lists these changes, oldest first, for a connector
	// with Changes; nil for another. It is asked anew for each answer.
	// Its list has several pages when there are more than a hundred.
	Polled func(changes func() []Change) http.HandlerFunc
	// Rows is the name under which a page of Polled has its rows, and Empty answers
	// with a page that has none and, where the tool can say so, is not the last.
	Rows  string
	Empty http.HandlerFunc
}

// Call is one thing a connector asks of its tool.
type Call struct {
	// Name is a few words for the test's name.
	Name string
	// Tool is a tool that works. It must answer the same however often it is
	// asked.
	Tool http.HandlerFunc
	// Do makes the call and returns what it gives, for comparison.
	Do func(ctx context.Context, c connector.Connection) (any, error)
	// Except lists HTTP statuses that this call reads in its own way, "" for
	// no failure: a lookup that answers 404 when nobody was found.
	Except map[int]connector.FailureKind
	// ExceptFor does the same for a call of several requests that do not all
	// read a status alike: by the address, without the host, of the one that is
	// answered badly.
	ExceptFor func(address string) map[int]connector.FailureKind
	// ReadsByPost is set for a read whose API wants POST.
	ReadsByPost bool
}

// Lie is a write to a tool that says it was done, in its usual words, and whose
// record is as it was.
type Lie struct {
	Name   string
	Tool   http.HandlerFunc
	Record status.TargetRecord // as it was read
	Value  string
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	if h.Open == nil {
		t.Fatal("the harness does not say how to open a connection")
	}
	if h.Webhook != nil {
		t.Run("webhook", func(t *testing.T) { testWebhook(t, h) })
	}
	for _, c := range h.Reads {
		t.Run(c.Name, func(t *testing.T) { testCall(t, h, c, false) })
	}
	for _, c := range h.Writes {
		t.Run(c.Name, func(t *testing.T) { testCall(t, h, c, true) })
	}
	if h.Polled != nil {
		t.Run("changes", func(t *testing.T) { testPolled(t, h) })
		t.Run("changes of", func(t *testing.T) { testMisbehaved(t, h) })
	}
	for _, v := range h.Verdicts {
		t.Run(v.Name, func(t *testing.T) { testVerdict(t, h, v) })
	}
	for _, l := range h.Lies {
		t.Run(l.Name, func(t *testing.T) { testLie(t, h, l) })
	}
}

const ruleShown = "a tool may answer 200 and keep the old value: a write is only called done when the tool shows it, so the answer's record is handed on as it is, or none"

// testLie makes a write that has no effect. The connector may say that its
// effect is not known, hand on what the answer shows, or nothing; reading the
// record then has to show what it holds.
func testLie(t *testing.T, h Harness, l Lie) {
	w := open(t, h, l.Tool)
	shown, err := w.conn.Target.Write(t.Context(), l.Record, l.Value)
	w.discreet("the write's", err)
	if f := connector.FailureOf(err); err != nil && f.Effect != connector.EffectUnknown {
		t.Errorf("it fails with effect %s (%v): the tool answered that it was done\nrule: %s", f.Effect, f, ruleUnknown)
	}
	if shown != nil && shown.ID != l.Record.ID {
		t.Errorf("the answer is taken for one about record %q, and %q was written\nrule: %s", shown.ID, l.Record.ID, ruleShown)
	}
	if shown != nil && shown.Value == l.Value {
		t.Errorf("it shows %q, which the record does not hold\nrule: %s", l.Value, ruleShown)
	}
	got, err := w.conn.Target.Read(t.Context(), l.Record.ID)
	if err != nil || got.Value == l.Value {
		t.Errorf("read after the write it gives %+v, %v; it holds %q\nrule: %s", got, err, l.Record.Value, ruleShown)
	}
}

// personal stands in every bad answer. It is what an error text must not hold.
const personal = "anna.canary@example.com"

// world is one opened connection with its tool and everything it showed.
type world struct {
	t        *testing.T
	h        Harness
	conn     connector.Connection
	tool     *httptest.Server
	log      lockedBuffer
	gate     countingGate
	requests atomic.Int64
}

// open starts a tool and a connection to it.
func open(t *testing.T, h Harness, tool http.HandlerFunc) *world {
	t.Helper()
	w := &world{t: t, h: h}
	w.tool = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		tool(rw, r)
	}))
	t.Cleanup(w.tool.Close)
	// net/http repeats a GET by itself when a connection it used before turns
	// out to be closed; with a new one each time every fault is seen.
	transport := &http.Transport{DisableKeepAlives: true}
	w.conn = h.Open(t, w.tool.URL, connector.Deps{
		HTTP: &http.Client{Transport: transport},
		Gate: &w.gate,
		Now:  h.Now,
		Log:  slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return w
}

// do makes a call and checks that nothing it shows gives away a secret, a
// person or the answer of the tool.
func (w *world) do(ctx context.Context, c Call) (any, error) {
	w.t.Helper()
	v, err := c.Do(ctx, w.conn)
	w.discreet("the call's", err)
	return v, err
}

const ruleDiscreet = "errors and log lines are shown, stored and sent around; they hold no credential and no personal data, and neither does the cause an error wraps"

func (w *world) discreet(what string, err error) {
	w.t.Helper()
	shown := map[string]string{"log": w.log.String()}
	for e := err; e != nil; e = errors.Unwrap(e) {
		shown[what+" error"] += e.Error() + "\n"
		if f, ok := e.(*connector.Failure); ok {
			shown[what+" detail"] = f.Detail + " " + f.Code
		}
	}
	for where, text := range shown {
		for _, secret := range append([]string{personal, "anna.canary"}, w.h.Secrets...) {
			if secret != "" && strings.Contains(text, secret) {
				w.t.Errorf("%s holds %q: %s\nrule: %s", where, secret, text, ruleDiscreet)
			}
		}
	}
}

// lockedBuffer collects the log, which several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// countingGate is a rate limit that may be closed.
type countingGate struct {
	waits  atomic.Int64
	closed atomic.Bool
}

func (g *countingGate) Wait(context.Context) error {
	if g.closed.Load() {
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone,
			RetryAfter: time.Second, Detail: "the connection's rate limit is reached"}
	}
	g.waits.Add(1)
	return nil
}
