package contract

import (
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// Sync is one flow and how it stands.
type Sync struct {
	Sync             string          `json:"sync"`
	Source           SyncSide        `json:"source"`
	Target           SyncSide        `json:"target"`
	Mode             string          `json:"mode"`
	Statuses         []status.Status `json:"statuses"`
	WaitingCustomers int             `json:"waiting_customers"`
	WaitingEvents    int             `json:"waiting_events"`
	OldestWaiting    *time.Time      `json:"oldest_waiting"`
	// OpenExceptions counts by kind; a kind without any is not there.
	OpenExceptions map[status.Kind]int `json:"open_exceptions"`
	// Halted is left out unless mass_change has halted the sync.
	Halted *Halt `json:"halted,omitempty"`
}

// Halt is how a halted sync stands.
type Halt struct {
	Since            *time.Time `json:"since"`
	WaitingCustomers int        `json:"waiting_customers"`
}

// Resumed is what resuming a sync came to.
type Resumed struct {
	Sync       string `json:"sync"`
	Changed    bool   `json:"changed"` // false: it was not halted, or that was done already
	LetThrough int    `json:"let_through"`
}

// SyncSide is where a sync reads or writes.
type SyncSide struct {
	Connection string `json:"connection"`
	Field      string `json:"field,omitempty"`
}

// WithCounts adds how the sync stands.
func (s Sync) WithCounts(c store.Counts) Sync {
	s.WaitingCustomers, s.WaitingEvents, s.OldestWaiting, s.OpenExceptions = c.WaitingCustomers, c.WaitingEvents, Stamp(c.OldestWaiting), c.Open
	if s.OpenExceptions == nil {
		s.OpenExceptions = map[status.Kind]int{}
	}
	if !c.Halted.Since.IsZero() {
		s.Halted = &Halt{Since: Stamp(c.Halted.Since), WaitingCustomers: c.Halted.Waiting}
	}
	return s
}
