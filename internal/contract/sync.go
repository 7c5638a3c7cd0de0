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
	return s
}
