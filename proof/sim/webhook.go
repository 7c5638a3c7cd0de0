package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
)

// webhookSteps are what the network does to webhooks.
var webhookSteps = map[string]happens{
	"webhook lost":    {weight: 4, run: arm, draw: aboutWebhooks},
	"webhook doubled": {weight: 4, run: arm, draw: aboutWebhooks},
	"webhook delayed": {weight: 6, run: arm, draw: aboutWebhooks},
	"webhook hung up": {weight: 3, run: arm, draw: aboutWebhooks},
	"webhook forged": {weight: 2, run: func(w *world, s Step) {
		c := w.source.customers[s.Who]
		e := told{id: "forged", customer: c.id, value: "canceled", version: len(c.versions), at: w.now}
		w.coverage.hit("fault", "forged")
		w.deliver("billing", e, "forged", false)
	}},
	"id used again": {weight: 3, draw: func(r *rand.Rand, _ setting, s *Step) { s.N = r.Int64N(1 << 20) }, run: func(w *world, s Step) {
		c, log := w.source.customers[s.Who], w.source.log
		if len(log) == 0 || c.gone {
			return
		}
		// Of another customer, and stored: who comes first has the id.
		old := log[s.N%int64(len(log))]
		if old.customer == c.id || !w.source.client(old.customer).acked[old.id] {
			return
		}
		w.coverage.hit("fault", "id used again")
		w.sendFrom("billing", told{id: old.id, customer: c.id, value: c.now().value, version: len(c.versions) - 1, at: w.now + w.set.sourceClock, reused: true})
	}},
	"secret rotated": {weight: 2, draw: func(r *rand.Rand, _ setting, s *Step) { s.N = 5000 + r.Int64N(60_000) },
		run: func(w *world, s Step) {
			if len(w.config.secrets) > 1 {
				return // one is under way
			}
			fresh := fmt.Sprintf("secret %d", len(w.secrets))
			w.useSecrets(append(slices.Clone(w.config.secrets), fresh)...)
			w.after(s.N, func() { w.secrets = append(w.secrets, fresh) })
			w.after(2*s.N, func() {
				w.useSecrets(fresh)
			})
			w.coverage.hit("fault", "rotation")
		}},
}

const opWebhook = "webhook"

func aboutWebhooks(r *rand.Rand, _ setting, s *Step) {
	s.Op, s.N = opWebhook, 100+r.Int64N(120_000)
}

// send sends an event of the source, with what the network does to it.
func (w *world) send(e told) { w.sendFrom("billing", e) }

func (w *world) sendFrom(connection string, e told) {
	wait := w.latency()
	if w.calm || connection != "billing" {
		w.after(wait, func() { w.deliver(connection, e, w.secrets[len(w.secrets)-1], true) })
		return
	}
	fault, ok := w.take(opWebhook, "")
	if ok {
		w.coverage.hit("fault", fault.Kind)
		w.note(fault.Kind, e.id, "", fault.N)
	}
	switch fault.Kind {
	case "webhook lost":
		return
	case "webhook doubled":
		w.after(fault.N, func() { w.deliver(connection, e, w.secrets[len(w.secrets)-1], true) })
	case "webhook delayed":
		wait += fault.N
	case "webhook hung up":
		// The sender leaves before the answer, and sends again.
		w.after(wait+fault.N, func() { w.deliver(connection, e, w.secrets[len(w.secrets)-1], true) })
		w.after(wait, func() { w.deliver(connection, e, w.secrets[len(w.secrets)-1], false) })
		return
	}
	w.after(wait, func() { w.deliver(connection, e, w.secrets[len(w.secrets)-1], true) })
}

// deliver posts an event to one of the nodes. A sender that keeps on sends it
// again until somebody says 2xx.
func (w *world) deliver(connection string, e told, secret string, again bool) {
	retry := func() {
		if again {
			// It signs anew, as senders do.
			w.after(2000+w.rng.Int64N(20_000), func() { w.deliver(connection, e, w.secrets[len(w.secrets)-1], true) })
		}
	}
	n := w.nodes[w.rng.IntN(len(w.nodes))]
	if !n.up {
		retry()
		return
	}
	if last, ok := w.facts.delivered[e.customer]; ok && connection == "billing" && last > e.at {
		w.coverage.hit("fault", "webhook reordered")
	}
	w.facts.delivered[e.customer] = max(w.facts.delivered[e.customer], e.at)
	body := []byte(e.payload())
	header := signature.SignStandard(keyOf(secret), e.id, w.clock(), body)
	w.begin(n, false, func(t *task) {
		got := &answer{header: http.Header{}}
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/hooks/" + connection}, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
		called := n.names.connection(connection)
		r.SetPathValue("connection", called)
		n.inbox.ServeHTTP(got, r)
		if t.dead || got.code < 200 || got.code > 299 {
			retry()
			return
		}
		w.note("acknowledged", e.customer, e.id, 0)
		for _, x := range watches {
			if x.acknowledged != nil {
				x.acknowledged(w, called, e, secret)
			}
		}
		if c := w.source.client(e.customer); c != nil && !e.reused {
			c.acked[e.id] = true
		}
	})
}

// keyOf is the key behind the name of a secret.
func keyOf(secret string) []byte { return fmt.Appendf(nil, "%-32s", secret) }

// answer is what a sender keeps of an answer.
type answer struct {
	header http.Header
	code   int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(code int)        { a.code = code }

// receiver is the way in of one connection, as a node's configuration has it.
type receiver struct {
	*node
	source bool
}

// Verify implements connector.Receiver.
func (r receiver) Verify(h http.Header, body []byte, now time.Time) error {
	return r.scheme.Verify(h, body, now)
}

// Signed implements connector.Receiver.
func (receiver) Signed() bool { return true }

// Events implements connector.Receiver.
func (r receiver) Events(_ http.Header, body []byte) ([]connector.Reading, error) {
	e, err := readTold(string(body))
	if err != nil {
		return nil, err
	}
	if r.source && e.customer == "" {
		return nil, errors.New("the event has no customer")
	}
	return []connector.Reading{r.world.event(e)}, nil
}
