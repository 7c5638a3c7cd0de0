package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

// wire is a network inside the test's memory, so that a synctest bubble's time
// moves on while everybody on it waits.
type wire struct {
	mu        sync.Mutex
	listeners map[string]*wireListener
}

type wireListener struct {
	addr   *net.TCPAddr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *wireListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *wireListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *wireListener) Addr() net.Addr { return l.addr }

func newWire() *wire { return &wire{listeners: map[string]*wireListener{}} }

func (w *wire) listen() (net.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &wireListener{addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40001 + len(w.listeners)},
		conns: make(chan net.Conn), closed: make(chan struct{})}
	w.listeners[l.addr.String()] = l
	return l, nil
}

func (w *wire) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		w.mu.Lock()
		l := w.listeners[addr]
		w.mu.Unlock()
		if l == nil {
			return nil, fmt.Errorf("nobody listens at %s", addr)
		}
		ours, theirs := net.Pipe()
		select {
		case l.conns <- theirs:
			return ours, nil
		case <-l.closed:
			return nil, fmt.Errorf("connection to %s refused", addr)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}}
}

// follower is a Trueup small enough for a test: it carries each event before it
// answers it, through the same configuration and the same two APIs.
type follower struct {
	config followerConfig
	scheme signature.StandardWebhooks
	client *http.Client
	url    string
	server *http.Server

	mu         sync.Mutex
	seen       map[string]bool
	outcomes   map[status.Outcome]int
	exceptions map[string]Exception
	last       map[string]Last
	stopped    bool
}

type followerConfig struct {
	Connections map[string]struct {
		BaseURL string `yaml:"base_url"`
		Auth    struct{ Bearer string }
		Webhook struct {
			Verify struct{ Secrets []string }
		}
	}
	Syncs map[string]struct {
		Statuses map[string]struct {
			From []string
			To   string
		}
		Ignore []string
	}
}

func newFollower(configYAML string, n network) (*follower, error) {
	f := &follower{client: n.client, seen: map[string]bool{}, outcomes: map[status.Outcome]int{},
		exceptions: map[string]Exception{}, last: map[string]Last{}}
	if err := yaml.Unmarshal([]byte(configYAML), &f.config); err != nil {
		return nil, err
	}
	var err error
	if f.scheme, err = signature.NewStandardWebhooks(f.config.Connections["billing"].Webhook.Verify.Secrets); err != nil {
		return nil, err
	}
	l, err := n.listen()
	if err != nil {
		return nil, err
	}
	f.url = "http://" + l.Addr().String()
	f.server = &http.Server{Handler: http.HandlerFunc(f.hook)}
	go f.server.Serve(l)
	return f, nil
}

func (f *follower) URL() string                           { return f.url }
func (f *follower) Enter(context.Context) (string, error) { return f.url + "/signin/enter?code=x", nil }
func (f *follower) Idle(ctx context.Context) error        { return ctx.Err() }

func (f *follower) Stop(context.Context) error {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.client.CloseIdleConnections()
	return f.server.Close()
}

func (f *follower) Snapshot(context.Context) (Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Snapshot{Outcomes: map[status.Outcome]int{}, Last: map[string]Last{}}
	for k, v := range f.outcomes {
		s.Outcomes[k] = v
	}
	for k, v := range f.last {
		s.Last[k] = v
	}
	for _, x := range f.exceptions {
		s.Exceptions = append(s.Exceptions, x)
	}
	slices.SortFunc(s.Exceptions, func(a, b Exception) int { return cmp.Compare(a.Customer, b.Customer) })
	return s, nil
}

func (f *follower) hook(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != "/hooks/billing" || f.scheme.Verify(r.Header, body, time.Now()) != nil {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	var ev event
	json.Unmarshal(body, &ev)
	fresh := !f.seen[ev.ID] && ev.ID == r.Header.Get("Webhook-Id")
	if fresh {
		f.seen[ev.ID] = true
		outcome, kind := f.carry(ev.Data.ID)
		f.outcomes[outcome]++
		f.last[ev.Data.ID] = Last{Outcome: outcome, At: time.Now()}
		delete(f.exceptions, ev.Data.ID)
		if kind != "" {
			f.exceptions[ev.Data.ID] = Exception{Customer: ev.Data.ID, Kind: kind, Reason: "a reason"}
		}
	}
	w.WriteHeader(http.StatusOK)
	fmt.Fprintf(w, `{"accepted":%d,"duplicates":%d}`, btoi(fresh), btoi(!fresh))
}

func (f *follower) carry(id string) (status.Outcome, status.Kind) {
	var source customer
	f.call("billing", http.MethodGet, "/customers/"+id, nil, "", &source)
	sync := f.config.Syncs["customer-status"]
	if slices.Contains(sync.Ignore, source.Status) {
		return status.Ignored, ""
	}
	desired := ""
	for _, s := range sync.Statuses {
		if slices.Contains(s.From, source.Status) {
			desired = s.To
		}
	}
	if desired == "" {
		return status.Parked, status.UnmappedStatus
	}
	var found struct{ Contacts []contact }
	f.call("crm", http.MethodGet, "/contacts?external_id="+id, nil, "", &found)
	if len(found.Contacts) == 0 {
		f.call("crm", http.MethodGet, "/contacts?email="+url.QueryEscape(source.Email), nil, "", &found)
	}
	switch len(found.Contacts) {
	case 0:
		return status.Parked, status.Unmatched
	case 1:
	default:
		return status.Parked, status.AmbiguousMatch
	}
	target := found.Contacts[0]
	if target.Status == desired {
		return status.AlreadyEqual, ""
	}
	if strings.HasPrefix(target.UpdatedBy, "human:") && !source.UpdatedAt.After(target.UpdatedAt) {
		return status.Held, status.Conflict
	}
	body, _ := json.Marshal(map[string]string{"status": desired})
	if f.call("crm", http.MethodPut, "/contacts/"+target.ID, body, target.ETag, nil) != http.StatusOK {
		return status.Parked, status.WriteFailed
	}
	return status.Applied, ""
}

func (f *follower) call(connection, method, path string, body []byte, etag string, into any) int {
	c := f.config.Connections[connection]
	req, err := http.NewRequest(method, c.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+c.Auth.Bearer)
	req.Header.Set("Content-Type", "application/json")
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if into != nil {
		json.Unmarshal(text, into)
	}
	return resp.StatusCode
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
