package killtest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
)

// calm lets the program end its work, asks for each event whether it is known,
// and stops it in order.
func (r *round) calm() error {
	r.note("calm")
	for slot := range r.nodes {
		if _, err := r.servingAt(slot); err != nil && !errors.Is(err, errOver) {
			return err
		}
	}
	if !r.until(func() bool { return r.load.waiting.Load() == 0 || !r.alive() }) {
		r.odd(breach(6, "%d events are not acknowledged %s after the last kill\n%s", r.load.waiting.Load(), limit, r.logs()))
	}
	if !r.until(func() bool { return r.idle() || !r.alive() }) {
		r.odd(breach(2, "events still wait, or calls fail, %s after the last kill\n%s", limit, r.logs()))
	}
	r.repeatAll()
	if !r.until(func() bool { return r.idle() || !r.alive() }) {
		r.odd(breach(2, "events still wait, or calls fail, after each was sent again\n%s", r.logs()))
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for slot, n := range r.live {
		if n != nil && n.alive() { // else reap tells of it
			r.end(n)
		}
		r.reap(slot)
	}
	return nil
}

// idle reports whether the program shows that no event waits and that no tool
// failed: a customer whose tool was slow is parked, has no event that waits, and
// is tried again. A sync that has nothing to do is not shown.
func (r *round) idle() bool {
	resp, err := r.sender.client.Get(r.address() + "/metrics")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return false
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		waits := name == `trueup_waiting_events{sync="customer-status"}`
		failed := name == `trueup_open_exceptions{kind="connection_failed",sync="customer-status"}` ||
			name == `trueup_open_exceptions{kind="write_failed",sync="customer-status"}`
		if (waits || failed) && value != "0" {
			return false
		}
	}
	return true
}

// logs is what the running programs said last.
func (r *round) logs() string {
	var said []string
	for _, n := range r.live {
		if n != nil {
			said = append(said, n.log.String())
		}
	}
	return strings.Join(said, "\n\n")
}

// repeatAll sends each event again, until one is not acknowledged.
func (r *round) repeatAll() {
	events := make(chan *Event)
	var senders sync.WaitGroup
	var over atomic.Bool
	for range 8 {
		senders.Go(func() {
			for e := range events {
				if !over.Load() && !r.until(func() bool { return r.sender.repeat(r.ctx, e) || !r.alive() }) {
					if over.CompareAndSwap(false, true) {
						r.odd(breach(6, "%s is not acknowledged again\n%s", e.ID, r.logs()))
					}
				}
			}
		})
	}
	for _, c := range r.load.customers {
		for _, e := range c.Events {
			events <- e
		}
	}
	close(events)
	senders.Wait()
}

// judge checks the history and counts what happened.
func (r *round) judge() {
	r.sender.mu.Lock()
	strange := append(r.result.Breaches, r.sender.strange...)
	r.sender.mu.Unlock()
	h := History{Careless: r.careless, Customers: r.load.customers, Effects: r.target.Effects(), Holds: r.target.Statuses(), Strange: strange}
	res := &r.result
	res.Breaches, res.Repeated = h.Check()
	res.Customers = len(h.Customers)
	res.Posted, res.Acknowledged, res.Refused = int(r.sender.posted.Load()), int(r.sender.acknowledged.Load()), int(r.sender.refused.Load())
	res.effects(h.Effects)
	for i, b := range res.Breaches {
		if b.Customer != "" { // one tells what the others would
			res.Breaches[i].What += "\n" + r.explain(b.Customer)
			return
		}
	}
}

// explain is what the program says of a customer, once all have ended.
func (r *round) explain(customer string) string {
	cmd := exec.Command(r.binary, "explain", "customer-status", customer, "-c", r.config()) // #nosec G204 -- our own
	cmd.Env = append(os.Environ(), inDatabase+r.dsns[0])
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("trueup explain: %v\n%s", err, text)
	}
	return string(text)
}
