package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// load is customers who change, and the senders that tell of it.
type load struct {
	seed           uint64
	words          int
	people         bool
	source, target *resttest.Tool
	post           func(ctx context.Context, e *Event) bool

	senders, deliveries sync.WaitGroup
	mu                  sync.Mutex
	customers           []*Customer
	waiting             atomic.Int64 // events that are not acknowledged yet
}

const (
	// atOnce is how many customers change at a time; one who has ended makes
	// room for a new one.
	atOnce = 40
	// mostWaiting bounds what senders repeat while nobody answers.
	mostWaiting = 300
)

// start lets customers come and go until changing ends. Deliveries go on until
// each event is acknowledged or ctx, around changing, ends.
func (l *load) start(ctx, changing context.Context) {
	for n := range atOnce {
		rng := rand.New(rand.NewPCG(l.seed, uint64(n)+1))
		l.senders.Go(func() {
			for changing.Err() == nil {
				l.live(ctx, changing, rng)
			}
		})
	}
}

// live is the life of one customer.
func (l *load) live(ctx, changing context.Context, rng *rand.Rand) {
	c := l.newCustomer()
	changes := 1 + rng.IntN(l.words-1)
	edit := -1 // after which change a person edits the record
	switch p := rng.Float64(); {
	case !l.people:
	case p < 0.15:
		edit = changes - 1
	case p < 0.25:
		edit = rng.IntN(changes)
	}
	now := rng.IntN(l.words)
	for n := range changes {
		if changing.Err() != nil {
			return
		}
		l.change(ctx, changing, c, now, rng)
		now = (now + 1 + rng.IntN(l.words-1)) % l.words
		pause(changing, time.Duration(50+rng.IntN(600))*time.Millisecond)
		if n == edit {
			// A word of his own: set back to what it was, his edit could not be
			// told from none by a target whose records have one time.
			l.target.Edit(c.Record, "by hand", "human:ben")
			pause(changing, time.Duration(rng.IntN(1200))*time.Millisecond)
		}
	}
}

func (l *load) newCustomer() *Customer {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.customers) + 1
	c := &Customer{ID: fmt.Sprint("cus_", n), Record: fmt.Sprint("rec_", n), Email: fmt.Sprintf("c%d@example.com", n)}
	l.target.Set(resttest.Record{ID: c.Record, Email: c.Email, UpdatedBy: "human:ben"})
	l.customers = append(l.customers, c)
	return c
}

// change changes the customer in the source and begins to tell of it.
func (l *load) change(ctx, changing context.Context, c *Customer, state int, rng *rand.Rand) {
	at := time.Now()
	l.source.Set(resttest.Record{ID: c.ID, Email: c.Email, Status: word(state), UpdatedAt: at})
	e := &Event{ID: fmt.Sprintf("evt_%s_%d", c.ID, len(c.Changes)+1)}
	e.Body = fmt.Sprintf(`{"id":%q,"customer":%q,"status":%q,"at":%q}`, e.ID, c.ID, word(state), at.UTC().Format(time.RFC3339Nano))
	l.mu.Lock()
	c.Changes = append(c.Changes, Change{Word: word(state), Want: want(state), At: at})
	c.Events = append(c.Events, e)
	l.mu.Unlock()
	l.waiting.Add(1)
	delay, twice := time.Duration(rng.IntN(40))*time.Millisecond, rng.IntN(10) == 0
	l.deliveries.Go(func() {
		defer l.waiting.Add(-1)
		l.deliver(ctx, e, delay)
	})
	if twice {
		l.deliveries.Go(func() { l.deliver(ctx, e, delay) })
	}
	for l.waiting.Load() > mostWaiting && changing.Err() == nil {
		pause(changing, 20*time.Millisecond)
	}
}

// deliver sends an event until it is acknowledged.
func (l *load) deliver(ctx context.Context, e *Event, delay time.Duration) {
	for again := 50 * time.Millisecond; ; again = min(again*2, 400*time.Millisecond) {
		pause(ctx, delay)
		if ctx.Err() != nil || l.post(ctx, e) {
			return
		}
		delay = again
	}
}

// pause waits for a time or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
