package killtest

import (
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// History is what went over HTTP at both edges in one round.
type History struct {
	// Careless says that the target takes writes without a version.
	Careless  bool
	Customers []*Customer
	// Effects are the writes and edits that the target saw, in their order.
	Effects []resttest.Effect
	// Holds is what the target holds at the end, by record.
	Holds map[string]string
	// Strange are answers and endings that must not be.
	Strange []Breach
}

// Customer is one customer's life in the source. Its record in the target has
// the same number.
type Customer struct {
	ID, Record string
	Email      string
	Changes    []Change
	Events     []*Event
}

// Change is a state of the source.
type Change struct {
	// Word is the source's word, Want the target's for it.
	Word, Want string
	At         time.Time
}

// Event is a change that the sender tells of.
type Event struct {
	ID   string
	Body string

	mu           sync.Mutex
	posted       int
	acknowledged time.Time // zero: not yet
	lost         bool      // once acknowledged, it was new when it was sent again
}

// post notes that it is sent, and reports whether it was acknowledged before.
func (e *Event) post() (known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.posted++
	return !e.acknowledged.IsZero()
}

func (e *Event) postedOnce() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.posted == 1
}

// acknowledge reports whether it was the first time.
func (e *Event) acknowledge() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.acknowledged.IsZero() {
		return false
	}
	e.acknowledged = time.Now()
	return true
}

func (e *Event) lose() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost = true
}
