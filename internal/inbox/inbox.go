// Package inbox receives webhooks: it verifies them, stores their events, and
// answers only then. It also answers the hand-shakes by which tools make sure that
// an address is ours; what could hold an event is never taken for one.
//
// Main types: Inbox (the handler of /hooks/{connection}), Endpoint (how
// one connection's webhooks are read) and Route (a sync they concern).
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. 2xx is answered only after every event of the body is on disk.
//  2. No part of a body with an invalid signature is stored or parsed.
//  3. A signed body that cannot be read is stored as an unreadable event with
//     an exception: if it were refused, the tool would send the same body
//     again.
//  4. Answers and log lines hold no part of a body except event ids.
//
// It must not import the pipeline or a vendor's package.
package inbox

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/store"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 1 << 20

const (
	// storing bounds how long a webhook waits for the database. It continues after
	// the sender has hung up: the sender will retry, and the retry is a duplicate.
	storing = 10 * time.Second
	// comeBack is the Retry-After that senders get while nothing can be stored.
	comeBack = "5"
)

// Store keeps events; it is *store.DB.
type Store interface {
	Receive(ctx context.Context, events []store.NewEvent) (arrived []store.Arrival, err error)
}

// Endpoint is one connection's way in.
type Endpoint struct {
	// Receiver is nil when the connection has no webhooks.
	Receiver connector.Receiver
	Routes   []Route
	// EventsOnly means that the tool has no API to read from: events are the only
	// way to learn a status.
	EventsOnly bool
	// Recipient names the connection that a body is for, "" for this one. That
	// connection verifies the body, as if it had arrived at its own address.
	Recipient func(body []byte) string
	// Name is what the connection is called now, "" where that is how it is addressed.
	Name string
}

// Route is a sync that a connection's events concern.
type Route struct {
	Sync string
	Side store.Side
	// Owner owns the exception about an event that cannot be read, and ClockOwner
	// the one about a wrong clock.
	Owner, ClockOwner string
	// Skew is how far two clocks may differ.
	Skew time.Duration
}

// Options is what an Inbox is made of.
type Options struct {
	Store       Store
	Mutes       MuteStore    // nil counts none
	Refused     RefusedStore // nil counts none
	Connections map[string]Endpoint
	// Now is the clock for checking signatures; nil means time.Now.
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *metrics.Metrics
	// Received is called with the syncs that have new events; it may be nil.
	Received func(syncs ...string)
	// Pinged is called with a connection whose list of changes has something new; it
	// may be nil.
	Pinged func(connection string)
	// PublicURL is where the tools reach this server: what they call, and sign.
	PublicURL string
}

// Inbox answers webhooks. It is safe for concurrent use.
type Inbox struct {
	Options
	draining atomic.Bool
	clocks   clocks
	refusals refusals
}

// New returns an Inbox that accepts events.
func New(o Options) *Inbox {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Received == nil {
		o.Received = func(...string) {}
	}
	if o.Pinged == nil {
		o.Pinged = func(string) {}
	}
	return &Inbox{Options: o}
}

// Drain makes the inbox refuse events from now on, so that senders retry after
// the next start.
func (i *Inbox) Drain() { i.draining.Store(true) }

// ServeHTTP answers one webhook.
func (i *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	name := r.PathValue("connection")
	if secret := r.PathValue("secret"); secret != "" {
		r.Header[connector.PathSecret] = []string{secret}
	} else {
		r.Header.Del(connector.PathSecret)
	}
	r.Header[connector.RequestMethod] = []string{r.Method}
	r.Header[connector.RequestURL] = []string{i.called(r)}
	if r.Method != http.MethodPost {
		i.answerGet(w, r, name)
		return
	}
	a, got := i.receive(w, r, name)
	a.write(w)
	name = cmp.Or(got.recipient, name)
	i.noteRefused(name, a.refusal)
	i.report(name, a, got, time.Since(began))
}

// arrival is what is known of one request, for its log line.
type arrival struct {
	bytes                                     int
	accepted, duplicates, ignored, unreadable int
	ids                                       []string
	err                                       error
	// recipient is the connection that the body was for, when it is not the one in
	// the address.
	recipient string
}

// receive does the work of one webhook and returns its answer.
func (i *Inbox) receive(w http.ResponseWriter, r *http.Request, name string) (answer, arrival) {
	var got arrival
	endpoint, known := i.Connections[name]
	switch {
	case !known:
		return unknownConnection, got
	case endpoint.Receiver == nil:
		return noWebhook, got
	case len(endpoint.Routes) == 0:
		return noSync, got
	case i.draining.Load():
		return stopping, got
	case r.ContentLength > MaxBody:
		return tooLarge, got
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return compressed, got
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	got.bytes = len(body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge, got
	case err != nil:
		got.err = err
		return cutOff, got
	}
	if endpoint.Recipient != nil {
		if other := endpoint.Recipient(body); other != "" && other != name {
			name, got.recipient = other, other
			if endpoint = i.Connections[name]; endpoint.Receiver == nil || len(endpoint.Routes) == 0 {
				return noSync, got
			}
		}
	}
	greeter, greets := endpoint.Receiver.(connector.Greeter)
	if greets && empty(body) {
		if g, ok := greeter.Hello(r.Method, r.Header, r.URL.Query()); ok {
			return greeting(g), got
		}
	}
	if err := endpoint.Receiver.Verify(r.Header, body, i.Now()); err != nil { // invariant 2
		got.err = err
		return badSignature, got
	}
	if greets {
		if g, ok := greeter.Challenge(r.Header, body); ok {
			return i.greet(r.Context(), name, endpoint.Routes, g, &got), got
		}
	}
	if p, ok := endpoint.Receiver.(connector.Pinger); ok && p.Pings() {
		i.Pinged(cmp.Or(endpoint.Name, name))
		return pinged, got
	}
	readings, err := endpoint.Receiver.Events(r.Header, body)
	switch {
	case err != nil && !endpoint.Receiver.Signed():
		got.err = err
		return malformed, got
	case err != nil: // invariant 3
		got.err = err
		readings = []connector.Reading{unreadable(body, err)}
	}
	if err := i.keep(r.Context(), name, endpoint.Routes, readings, &got); err != nil {
		got.err = err
		return unavailable, got
	}
	failpoint.Hit("stored")
	return accepted(got.accepted, got.duplicates), got // invariant 1
}

// keep stores what a sender sent, also when the sender has hung up.
func (i *Inbox) keep(ctx context.Context, name string, routes []Route, readings []connector.Reading, got *arrival) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storing)
	defer cancel()
	return i.store(ctx, name, routes, readings, false, got)
}

// report counts the request and logs what may be logged about it.
func (i *Inbox) report(name string, a answer, got arrival, took time.Duration) {
	label := name
	if a.status == http.StatusNotFound {
		label = "unknown" // a name from the request would make unlimited labels
	}
	if a.status == http.StatusOK {
		i.count(name, got)
	}
	if a.result != "accepted" {
		i.Metrics.Received(label, a.result, 1)
	}
	level := slog.LevelInfo
	if a.status != http.StatusOK || got.unreadable > 0 {
		level = slog.LevelWarn
	}
	if !i.Log.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("connection", label), slog.String("result", a.result), slog.Int("status", a.status),
		slog.Int("accepted", got.accepted), slog.Int("duplicates", got.duplicates), slog.Int("ignored", got.ignored),
		slog.Int("unreadable", got.unreadable), slog.Int("bytes", got.bytes), slog.Duration("took", took)}
	if len(got.ids) > 0 {
		attrs = append(attrs, slog.Any("event_ids", got.ids))
	}
	if got.err != nil {
		attrs = append(attrs, slog.Any("error", got.err))
	}
	i.Log.LogAttrs(context.Background(), level, "event received", attrs...)
}

func (i *Inbox) count(name string, got arrival) {
	i.Metrics.Received(name, "accepted", got.accepted-got.ignored-got.unreadable)
	i.Metrics.Received(name, "ignored", got.ignored)
	i.Metrics.Received(name, "unreadable", got.unreadable)
	i.Metrics.Received(name, "duplicate", got.duplicates)
}
