package connectortest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Wire tells the suite how to use a connector that does not speak HTTP. Its tool
// is a real one, behind a wire that breaks.
type Wire struct {
	// Tool is where the tool listens.
	Tool string
	// Open opens a connection to the tool behind address. It must hand deps to the
	// connector as they are.
	Open func(t *testing.T, address string, deps connector.Deps) connector.Connection
	// Secrets are what the tool's records and the settings hold that must not be
	// shown anywhere.
	Secrets []string
	Reads   []WireCall
	Writes  []WireWrite
}

// WireCall is one thing a connector asks of its tool.
type WireCall struct {
	Name string
	Do   func(ctx context.Context, c connector.Connection) (any, error)
}

// WireWrite is a call that changes the target.
type WireWrite struct {
	Name string
	// Reset makes the record what it was before the write.
	Reset func(t *testing.T)
	Do    func(ctx context.Context, c connector.Connection) (any, error)
	// Done reports whether the tool holds what was written, as it can be seen
	// without the connector.
	Done func(t *testing.T) bool
}

const (
	ruleTruth = "a failure without effect is the word that nothing was written: if something was, it is overwritten or written twice"
	ruleCut   = "a wire that breaks is nobody's fault: the call is tried again later"
)

// RunWire runs the suite.
func RunWire(t *testing.T, h Wire) {
	for _, c := range h.Reads {
		t.Run(c.Name, func(t *testing.T) {
			t.Run("the same question gives the same answer", func(t *testing.T) { testRepeated(t, h, c) })
			testWire(t, h, WireWrite{Name: c.Name, Do: c.Do}, false)
		})
	}
	for _, c := range h.Writes {
		t.Run(c.Name, func(t *testing.T) { testWire(t, h, c, true) })
	}
}

func testRepeated(t *testing.T, h Wire, c WireCall) {
	w := openWire(t, h)
	first, err := c.Do(t.Context(), w.conn)
	if err != nil {
		t.Fatalf("the call fails with a tool that works: %v", err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if again, err := c.Do(t.Context(), w.conn); err != nil || !reflect.DeepEqual(again, first) {
				t.Errorf("asked again it gives %+v, %v; before it gave %+v\nrule: %s", again, err, first, ruleRepeatable)
			}
		})
	}
	all.Wait()
}

// testWire makes the call while the wire breaks after each of the messages that it
// sends, before the tool has it and after, and while the tool holds its answer back.
func testWire(t *testing.T, h Wire, c WireWrite, write bool) {
	messages := func() int {
		w := openWire(t, h)
		w.reset(c)
		if _, err := c.Do(t.Context(), w.conn); err != nil {
			t.Fatalf("the call fails with a tool that works: %v", err)
		}
		if write && !c.Done(t) {
			t.Fatal("the call writes nothing")
		}
		return int(w.proxy.sent.Load())
	}()
	for _, fault := range []wireFault{lostBefore, lostAfter, held} {
		t.Run(string(fault), func(t *testing.T) {
			for n := 1; n <= messages; n++ {
				w := openWire(t, h)
				w.reset(c)
				w.proxy.fault, w.proxy.at = fault, int64(n)
				ctx, cancel := context.WithCancel(t.Context())
				w.proxy.met = cancel
				if fault != held {
					w.proxy.met = func() {}
				}
				began := time.Now()
				_, err := c.Do(ctx, w.conn)
				cancel()
				if time.Since(began) > patience {
					t.Errorf("message %d: it goes on after its context has ended\nrule: %s", n, rulePrompt)
				}
				w.judge(c, err, n, write)
			}
		})
	}
	t.Run("nobody listens at the address", func(t *testing.T) {
		w := openWire(t, h)
		w.proxy.close()
		_, err := c.Do(t.Context(), w.conn)
		w.discreet(err)
		if f := failureOf(t, err); f.Kind != connector.Transient || f.Effect == connector.EffectUnknown {
			t.Errorf("got kind %s with effect %s, want transient without effect: nothing was sent", f.Kind, f.Effect)
		}
	})
	t.Run("the rate limit is asked before anything is sent", func(t *testing.T) {
		w := openWire(t, h)
		w.reset(c)
		if _, err := c.Do(t.Context(), w.conn); err != nil {
			t.Fatal(err)
		}
		if w.gate.waits.Load() == 0 {
			t.Errorf("the limit was not asked\nrule: %s", ruleGate)
		}
		w = openWire(t, h) // nothing was sent here yet, not even what has no answer
		w.gate.closed.Store(true)
		_, err := c.Do(t.Context(), w.conn)
		if f := failureOf(t, err); f.Kind != connector.RateLimited || f.Effect == connector.EffectUnknown {
			t.Errorf("over the limit: kind %s with effect %s", f.Kind, f.Effect)
		}
		if w.proxy.sent.Load() != 0 {
			t.Errorf("something was sent over the limit\nrule: %s", ruleGate)
		}
	})
}

// judge compares what a failure claims with what the tool holds.
func (w *wire) judge(c WireWrite, err error, n int, write bool) {
	w.t.Helper()
	w.discreet(err)
	if err == nil { // it tried again by itself on a new wire, with nothing sent before
		if write && !c.Done(w.t) {
			w.t.Errorf("message %d: the call succeeds and the tool holds nothing of it", n)
		}
		return
	}
	f := failureOf(w.t, err)
	if f.Kind != connector.Transient {
		w.t.Errorf("message %d: got kind %s (%v), want transient\nrule: %s", n, f.Kind, f, ruleCut)
	}
	switch {
	case !write && f.Effect == connector.EffectUnknown:
		w.t.Errorf("message %d: a read claims an unknown effect\nrule: %s", n, ruleReadEffect)
	case write && f.Effect == connector.EffectNone && c.Done(w.t):
		w.t.Errorf("message %d: it claims no effect (%v), and it was written\nrule: %s", n, f, ruleTruth)
	}
}

// wire is one opened connection with everything it showed.
type wire struct {
	t     *testing.T
	h     Wire
	conn  connector.Connection
	proxy *proxy
	log   lockedBuffer
	gate  countingGate
}

func openWire(t *testing.T, h Wire) *wire {
	t.Helper()
	w := &wire{t: t, h: h, proxy: newProxy(t, h.Tool)}
	w.conn = h.Open(t, w.proxy.listener.Addr().String(), connector.Deps{Gate: &w.gate,
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	t.Cleanup(w.conn.Closed)
	return w
}

func (w *wire) reset(c WireWrite) {
	if c.Reset != nil {
		c.Reset(w.t)
	}
}

// discreet checks that nothing that was shown gives away a secret or a person.
func (w *wire) discreet(err error) {
	w.t.Helper()
	(&world{t: w.t, h: Harness{Secrets: w.h.Secrets}}).discreet("the call's", err)
	for _, secret := range w.h.Secrets {
		if bytes.Contains([]byte(w.log.String()), []byte(secret)) {
			w.t.Errorf("the log holds %q\nrule: %s", secret, ruleDiscreet)
		}
	}
}

// wireFault is one way in which a wire breaks.
type wireFault string

const (
	lostBefore wireFault = "the wire breaks before the tool has the message"
	lostAfter  wireFault = "the wire breaks before the answer is back"
	held       wireFault = "the context ends while the tool holds its answer back"
)

// proxy stands between a connector and its tool.
type proxy struct {
	listener net.Listener
	tool     string
	sent     atomic.Int64 // messages of the connector
	fault    wireFault
	at       int64 // the message that meets the fault
	met      func()

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, tool string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, tool: tool, met: func() {}}
	t.Cleanup(p.close)
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(near)
		}
	}()
	return p
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

// carry hands messages on, and answers until the fault is met.
func (p *proxy) carry(near net.Conn) {
	far, err := net.Dial("tcp", p.tool)
	if err != nil {
		near.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, near, far)
	p.mu.Unlock()
	defer near.Close()
	defer far.Close()
	var broken, silent atomic.Bool
	go func() {
		defer func() {
			far.Close() // and the tool gives up what was under way
			if !silent.Load() {
				near.Close()
			}
		}()
		buffer := make([]byte, 64<<10)
		for {
			n, err := far.Read(buffer)
			if err != nil || broken.Load() {
				return
			}
			if _, err := near.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := near.Read(buffer)
		if err != nil || broken.Load() {
			return
		}
		if p.sent.Add(1) != p.at {
			if _, err := far.Write(buffer[:n]); err != nil {
				return
			}
			continue
		}
		switch p.fault {
		case lostBefore:
			return
		case lostAfter:
			// With its answer the tool has done what the message says; some have none.
			broken.Store(true)
			if _, err := far.Write(buffer[:n]); err != nil {
				return
			}
		case held:
			silent.Store(true)
			far.Close()
			p.met()
			io.Copy(io.Discard, near) // until the connector gives up
			return
		}
	}
}
