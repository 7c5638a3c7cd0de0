package connectortest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Change is what a polled tool lists of one customer.
type Change struct {
	Customer string
	At       time.Time // by the tool's clock
}

const ruleTheirClock = "the tool dates its changes by its own clock, which may be hours behind ours: a position of our clock's making hides every change until then, and nobody is told"

// testPolled polls a tool whose clock is not ours, from the first time on. Its
// answers carry its own clock in the header Date, as HTTP wants it.
func testPolled(t *testing.T, h Harness) {
	ours := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, behind := range map[string]time.Duration{"and ours agree": 0, "is 11 minutes behind ours": 11 * time.Minute,
		"is an hour behind ours": time.Hour, "is a day behind ours": 26 * time.Hour, "is three hours ahead of ours": -3 * time.Hour} {
		for _, before := range []struct {
			name string
			ages []time.Duration // of what it lists the first time
		}{
			{"with nothing in its list", nil},
			{"with a change of a minute ago", []time.Duration{time.Minute}},
			{"with changes of old", []time.Duration{20 * 24 * time.Hour, 50 * time.Hour}},
		} {
			t.Run("the tool's clock "+name+", "+before.name, func(t *testing.T) {
				p := &polled{now: ours, behind: behind}
				for i, age := range before.ages {
					p.changed(fmt.Sprintf("old%d", i), -age)
				}
				c := p.open(t, h)
				cursor := p.ask(t, c, "", nil)
				p.changed("new1", time.Second)
				cursor = p.ask(t, c, cursor, []string{"new1"})
				for i := range 8 { // in a quiet time the position must not run ahead
					p.pass(time.Duration(i) * 10 * time.Minute)
					cursor = p.ask(t, c, cursor, nil)
				}
				p.changed("new2", time.Second)
				p.ask(t, c, cursor, []string{"new2"})
			})
		}
	}
	t.Run("check --live tells by how much the newest change is dated too early", func(t *testing.T) {
		p := &polled{now: ours, behind: 2 * time.Hour}
		p.changed("c1", 0)
		said, err := p.open(t, h).Probe.Probe(t.Context())
		if err != nil || !strings.Contains(strings.Join(said, "; "), "is dated 2026-03-01T10:00:00Z, 2 hours before our clock") ||
			!strings.Contains(strings.Join(said, "; "), "its clock shows 2026-03-01T10:00:00Z and ours 2026-03-01T12:00:00Z") {
			t.Errorf("it says %q, %v\nrule: %s", said, err, ruleTheirClock)
		}
	})
}

// polled is a tool whose clock is behind ours by a time that stays.
type polled struct {
	mu     sync.Mutex
	now    time.Time // ours
	behind time.Duration
	list   []Change
}

func (p *polled) open(t *testing.T, h Harness) connector.Connection {
	h.Now = p.time
	answer := h.Polled(p.changes)
	return open(t, h, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", h.Now().Add(-p.behind).Format(http.TimeFormat))
		answer(w, r)
	}).conn
}

// time is what our clock shows.
func (p *polled) time() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// changes is the list as it is now, in order of time.
func (p *polled) changes() []Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Change{}, p.list...)
}

// changed lets the time pass and a customer change then; of old when after is negative.
func (p *polled) changed(customer string, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, Change{Customer: customer, At: p.now.Add(after - p.behind)})
	p.now = p.now.Add(max(after, 0))
}

func (p *polled) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

// ask polls until there is no more and wants all of these customers among the
// changes. Of others it may be told again.
func (p *polled) ask(t *testing.T, c connector.Connection, cursor string, want []string) (next string) {
	t.Helper()
	found := map[string]bool{}
	for first, more, turns := cursor == "", true, 0; more; turns++ {
		if turns > 100 {
			t.Fatal("it does not end: a quiet time is not to be caught up")
		}
		var readings []connector.Reading
		var err error
		records := 0
		ctx := connector.WithCount(t.Context(), func(n int) { records += n })
		if readings, cursor, more, err = c.Changes.Since(ctx, cursor); err != nil {
			t.Fatal(err)
		}
		if records < len(readings) {
			t.Errorf("%d records were read, and %d changes found\nrule: people are shown how many records a poll has read; connector.Count tells", records, len(readings))
		}
		if placed, ok := c.Changes.(connector.Placed); ok && !more {
			if at := placed.Place(cursor); len(p.changes()) > 0 && at.IsZero() || at.After(p.time()) {
				t.Errorf("the next poll asks for changes from %s on\nrule: people are shown from when on changes are asked for, which never lies ahead", at)
			}
		}
		if first && len(readings) > 0 {
			t.Errorf("asked for the first time it brings %d changes; it begins with what comes", len(readings))
		}
		for _, r := range readings {
			found[r.Event.Customer] = true
		}
	}
	for _, customer := range want {
		if !found[customer] {
			t.Errorf("%s changed, and is not found\nrule: %s", customer, ruleTheirClock)
		}
	}
	return cursor
}
