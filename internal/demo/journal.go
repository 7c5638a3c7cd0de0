package demo

import (
	"sync"
	"time"
)

// what is a kind of happening.
type what string

const (
	said    what = "said"    // the script told what it is about to do
	changed what = "changed" // the billing tool's status of a customer changed
	told    what = "told"    // the billing tool began to deliver an event for the first time
	edited  what = "edited"  // a person set a contact's status in the CRM
	written what = "written" // the CRM took a write that came through its API
	refused what = "refused" // the CRM refused a write that came through its API
)

// The hands a happening can come from. What reaches the CRM through its API is
// "api:" and the token's name instead.
const (
	byScript = "script"
	byPage   = "page"
)

// happening is one thing that happened in a sample tool. Record is a customer's
// id for said, changed and told, a contact's id for the others.
type happening struct {
	at       time.Time
	what     what
	record   string
	from, to string
	by       string // the hand; for said, who the sentence is about: billing or person
	// note is the script's sentence, or why a write was refused.
	note string
}

// journal is everything that happened in both tools, in one order. That order,
// and not the clock, is what the final table counts by: two happenings can
// share a millisecond.
type journal struct {
	mu  sync.Mutex
	all []happening
}

func (j *journal) add(h happening) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if h.at.IsZero() {
		h.at = now()
	}
	j.all = append(j.all, h)
}

// since returns what happened after the first n happenings.
func (j *journal) since(n int) []happening {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all[n:len(j.all):len(j.all)]
}

// now is the tools' clock. Milliseconds are as fine as real tools tell time.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
