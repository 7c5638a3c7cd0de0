package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

const (
	ruleFailure    = "a caller decides by the kind of failure; an error that is no *connector.Failure says nothing"
	ruleKind       = "what happens to a customer next is decided by the kind: wait, ask a person, drop a link, try again"
	ruleNoEffect   = "the tool said no, so nothing was written; to call that unknown costs a look for nothing"
	ruleUnknown    = "the request may have reached the tool and the answer proves nothing; to call that 'no effect' would leave a write behind that nobody knows of"
	ruleReadEffect = "a read changes nothing, whatever happens to it"
	ruleOnlyReads  = "a source is never written to, and looking at a target must not change it"
	ruleRepeatable = "the same question to an unchanged tool gives the same answer, also to several askers at once"
	rulePrompt     = "a call ends when its context ends: the lease of its customer is about to run out"
	ruleGate       = "the rate limit is shared by all nodes; a call that goes past it takes from the others"
	ruleOrigin     = "credentials and customers' data go to the address of the file and to no other, whatever the tool answers"
	ruleRetryAfter = "the tool said how long to wait; asking earlier makes it worse"
)

// patience is how long a call may take to notice that its context has ended.
const patience = 5 * time.Second

// fault is one way in which a tool answers badly.
type fault struct {
	name   string
	status int // what Except is looked up with; 0 when it is none of its business
	answer http.HandlerFunc
	// read and write are the kinds that are right.
	read, write []connector.FailureKind
	// effect of a write: none or unknown.
	effect connector.Effect
	after  time.Duration
}

func kinds(k ...connector.FailureKind) []connector.FailureKind { return k }

// faults is the table of package rest, written down once more: a connector
// that does not go through that package has to agree with it.
func faults() []fault {
	const none, unknown = connector.EffectNone, connector.EffectUnknown
	table := []fault{
		{status: 301, read: kinds(connector.Misconfigured), write: kinds(connector.Misconfigured), effect: unknown},
		{status: 303, read: kinds(connector.Misconfigured), write: kinds(connector.Misconfigured), effect: unknown},
		{status: 400, read: kinds(connector.Refused), write: kinds(connector.Refused), effect: none},
		{status: 401, read: kinds(connector.Unauthorized), write: kinds(connector.Unauthorized), effect: none},
		{status: 403, read: kinds(connector.Unauthorized), write: kinds(connector.Unauthorized), effect: none},
		{status: 404, read: kinds(connector.Gone), write: kinds(connector.Gone), effect: none},
		{status: 408, read: kinds(connector.Transient), write: kinds(connector.Transient), effect: unknown},
		{status: 409, read: kinds(connector.Transient), write: kinds(connector.Moved), effect: none},
		{status: 410, read: kinds(connector.Gone), write: kinds(connector.Gone), effect: none},
		{status: 412, read: kinds(connector.Refused), write: kinds(connector.Moved), effect: none},
		{status: 422, read: kinds(connector.Refused), write: kinds(connector.Refused), effect: none},
		{status: 429, read: kinds(connector.RateLimited), write: kinds(connector.RateLimited), effect: none, after: 17 * time.Second},
		{status: 500, read: kinds(connector.Transient), write: kinds(connector.Transient), effect: unknown},
		{status: 502, read: kinds(connector.Transient), write: kinds(connector.Transient), effect: unknown},
		{status: 503, read: kinds(connector.Transient), write: kinds(connector.Transient), effect: unknown, after: 17 * time.Second},
	}
	var out []fault
	for _, f := range table {
		json, page := f, f
		json.name = fmt.Sprintf("%d with a JSON body", f.status)
		json.answer = answer(f.status, "application/json", `{"error":{"message":"`+personal+` is not welcome"},"message":"`+personal+`"}`)
		page.name = fmt.Sprintf("%d with a web page", f.status)
		page.answer = answer(f.status, "text/html", "<html>"+personal+"</html>")
		if f.status == http.StatusNotFound || f.status == http.StatusGone {
			// A gateway's, and about no record: Except does not apply.
			page.status, page.effect = 0, unknown
			page.read = kinds(connector.Transient, connector.Misconfigured)
			page.write = page.read
		}
		out = append(out, json, page)
	}
	broken := kinds(connector.Transient, connector.Misconfigured)
	return append(out,
		fault{name: "200 with a web page", answer: answer(200, "text/html", "<!doctype html><p>"+personal),
			read: kinds(connector.Misconfigured), write: kinds(connector.Misconfigured), effect: unknown},
		fault{name: "200 with half of a JSON body", answer: answer(200, "application/json", `{"id":"`+personal),
			read: broken, write: broken, effect: unknown},
		fault{name: "200 that is cut off", answer: cutOff, read: kinds(connector.Transient), write: kinds(connector.Transient), effect: unknown},
		fault{name: "a connection that is closed without an answer", answer: hangUp,
			read: kinds(connector.Transient), write: kinds(connector.Transient), effect: unknown},
	)
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Retry-After", "17")
		if status/100 == 3 {
			w.Header().Set("Location", "/?email="+personal)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func cutOff(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"id":"`+personal)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func hangUp(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

func testCall(t *testing.T, h Harness, c Call, write bool) {
	methods := rehearse(t, h, c, write)
	for i := range methods {
		at := ""
		if len(methods) > 1 {
			at = fmt.Sprintf(", at request %d", i+1)
		}
		for _, f := range faults() {
			t.Run(f.name+at, func(t *testing.T) { meet(t, h, c, f, i, methods, write) })
		}
		t.Run("the context ends"+at, func(t *testing.T) { giveUp(t, h, c, i, methods, write) })
	}
	t.Run("a redirect to another address is not followed", func(t *testing.T) {
		for _, code := range []int{301, 302, 307, 308} {
			elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				t.Errorf("%d: another address was sent a %s request with %d headers\nrule: %s", code, r.Method, len(r.Header), ruleOrigin)
				c.Tool(rw, r)
			}))
			w := open(t, h, func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, elsewhere.URL+r.URL.RequestURI(), code)
			})
			_, err := w.do(t.Context(), c)
			elsewhere.Close()
			if f := failureOf(t, err); f.Kind != connector.Misconfigured {
				t.Errorf("%d: got kind %s (%v), want misconfigured\nrule: %s", code, f.Kind, f, ruleKind)
			}
		}
	})
	t.Run("nobody listens at the address", func(t *testing.T) {
		w := open(t, h, c.Tool)
		w.tool.Close()
		_, err := w.do(t.Context(), c)
		f := failureOf(t, err)
		if f.Kind != connector.Transient || f.Effect == connector.EffectUnknown {
			t.Errorf("got kind %s with effect %s, want transient without effect: nothing was sent", f.Kind, f.Effect)
		}
	})
	t.Run("the rate limit is asked before each request", func(t *testing.T) {
		w := open(t, h, c.Tool)
		if _, err := w.do(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if waits, made := w.gate.waits.Load(), w.requests.Load(); waits < made {
			t.Errorf("%d requests were made and the limit was asked %d times\nrule: %s", made, waits, ruleGate)
		}
		before := w.requests.Load()
		w.gate.closed.Store(true)
		_, err := w.do(t.Context(), c)
		if f := failureOf(t, err); f.Kind != connector.RateLimited || f.Effect == connector.EffectUnknown {
			t.Errorf("over the limit: kind %s with effect %s", f.Kind, f.Effect)
		}
		if w.requests.Load() != before {
			t.Errorf("a request was made over the limit\nrule: %s", ruleGate)
		}
	})
}

// rehearse makes the call with a tool that works and returns the methods of
// the requests it makes.
func rehearse(t *testing.T, h Harness, c Call, write bool) []string {
	t.Helper()
	var mu sync.Mutex
	var methods []string
	w := open(t, h, func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		methods = append(methods, r.Method)
		mu.Unlock()
		c.Tool(rw, r)
	})
	first, err := w.do(t.Context(), c)
	if err != nil {
		t.Fatalf("the call fails with a tool that works: %v", err)
	}
	mu.Lock()
	once := slices.Clone(methods)
	mu.Unlock()
	if len(once) == 0 {
		t.Fatal("the call makes no request; leave it out of the harness")
	}
	if write {
		return once
	}
	for _, m := range once {
		if m != http.MethodGet && m != http.MethodHead && !(m == http.MethodPost && c.ReadsByPost) {
			t.Errorf("the call makes a %s request\nrule: %s", m, ruleOnlyReads)
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			again, err := w.do(t.Context(), c)
			if err != nil || !reflect.DeepEqual(again, first) {
				t.Errorf("asked again it gives %+v, %v; before it gave %+v\nrule: %s", again, err, first, ruleRepeatable)
			}
		})
	}
	all.Wait()
	return once
}

// meet makes the call while request number i meets the fault.
func meet(t *testing.T, h Harness, c Call, f fault, i int, methods []string, write bool) {
	var n atomic.Int64
	var met atomic.Value // the address of the request that meets it
	met.Store("")
	w := open(t, h, func(rw http.ResponseWriter, r *http.Request) {
		if n.Add(1) == int64(i+1) {
			met.Store(r.URL.RequestURI())
			f.answer(rw, r)
			return
		}
		c.Tool(rw, r)
	})
	_, err := w.do(t.Context(), c)
	except := c.Except
	if c.ExceptFor != nil {
		except = c.ExceptFor(met.Load().(string))
	}
	want := f.read
	if write && !isRead(methods[i]) {
		want = f.write
	}
	if kind, own := except[f.status]; own && f.status != 0 {
		if kind == "" {
			if err != nil {
				t.Errorf("got %v, want no failure, as the harness says", err)
			}
			return
		}
		want = kinds(kind)
	}
	got := failureOf(t, err)
	if !slices.Contains(want, got.Kind) {
		t.Errorf("got kind %s (%v), want %v\nrule: %s", got.Kind, got, want, ruleKind)
	}
	checkEffect(t, got, f.effect, i, methods, write)
	if f.after > 0 && got.RetryAfter != f.after {
		t.Errorf("RetryAfter is %v, want %v\nrule: %s", got.RetryAfter, f.after, ruleRetryAfter)
	}
}

// giveUp ends the context while the tool holds request number i.
func giveUp(t *testing.T, h Harness, c Call, i int, methods []string, write bool) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	var n atomic.Int64
	w := open(t, h, func(rw http.ResponseWriter, r *http.Request) {
		if n.Add(1) == int64(i+1) {
			io.Copy(io.Discard, r.Body)
			cancel()
			<-release
			return
		}
		c.Tool(rw, r)
	})
	t.Cleanup(func() { close(release) })
	done := make(chan error, 1)
	go func() {
		_, err := c.Do(ctx, w.conn)
		done <- err
	}()
	select {
	case err := <-done:
		w.discreet("the call's", err)
		got := failureOf(t, err)
		if got.Kind != connector.Transient {
			t.Errorf("got kind %s, want transient", got.Kind)
		}
		checkEffect(t, got, connector.EffectUnknown, i, methods, write)
	case <-time.After(patience):
		t.Errorf("the call goes on %s after its context has ended\nrule: %s", patience, rulePrompt)
	}
}

// checkEffect compares the effect a failure claims with what is known: want is
// for a write that meets the fault itself.
func checkEffect(t *testing.T, got *connector.Failure, want connector.Effect, i int, methods []string, write bool) {
	t.Helper()
	written := false // by an earlier request of the same call
	for _, m := range methods[:i] {
		written = written || !isRead(m)
	}
	switch {
	case !write:
		if got.Effect == connector.EffectUnknown {
			t.Errorf("a read claims an unknown effect\nrule: %s", ruleReadEffect)
		}
	case written:
		if got.Effect != connector.EffectUnknown {
			t.Errorf("an earlier request of the call has written, and the effect is %s\nrule: %s", got.Effect, ruleUnknown)
		}
	case isRead(methods[i]):
		// Both are right: nothing was written, and another look does no harm.
	case want == connector.EffectUnknown && got.Effect != want:
		t.Errorf("the effect is %s (%v)\nrule: %s", got.Effect, got, ruleUnknown)
	case want == connector.EffectNone && got.Effect != want:
		t.Errorf("the effect is %s (%v)\nrule: %s", got.Effect, got, ruleNoEffect)
	}
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func failureOf(t *testing.T, err error) *connector.Failure {
	t.Helper()
	if err == nil {
		t.Fatalf("the call succeeds\nrule: %s", ruleKind)
	}
	var f *connector.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%T is no Failure: %v\nrule: %s", err, err, ruleFailure)
	}
	return f
}
