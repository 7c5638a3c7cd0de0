package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Limits is what bounds a write. The zero value bounds nothing.
type Limits struct {
	PerCustomer PerCustomer
	// MassChange is nil for a write that does not count towards it.
	MassChange *MassChange
}

// PerCustomer is at most Count writes to one customer in any Within; a Count of
// 0 is no limit.
type PerCustomer struct {
	Count  int
	Within time.Duration
}

// MassChange is at most so many different customers of a sync in any Within:
// Customers, or Percent of all that are known, whichever is fewer. One that is 0
// does not count.
type MassChange struct {
	Customers int
	Percent   float64
	Within    time.Duration
	// Exception is what is opened when the sync is halted.
	Exception func(Halt) NewException
}

// Halt is why a sync was halted.
type Halt struct {
	Moved int // customers that were written in the window
	Most  int // that may be
	// Customers is how many the sync has, 0 without a limit in percent.
	Customers int
}

func (l Limits) none() bool { return l.PerCustomer.Count == 0 && l.MassChange == nil }

// TooManyWritesError means that the customer has been written too often.
// Nothing more is written to it: Work.Writes says so from now on.
type TooManyWritesError struct{ Customer string }

func (e *TooManyWritesError) Error() string {
	return fmt.Sprintf("customer %s was written too often", e.Customer)
}

// HaltedError means that the sync is halted: too many customers have moved. The
// customer waits for Resume.
type HaltedError struct {
	Sync  string
	Since time.Time
}

func (e *HaltedError) Error() string {
	return fmt.Sprintf("%s is halted since %s", e.Sync, e.Since.Format(time.RFC3339))
}

// repeats reports whether a write is the latest one again, whose effect is not
// known: the two are one write, and a target that hangs is no loop.
func (w Writes) repeats(i Intent, open []Intent) bool {
	if len(w.Latest) == 0 {
		return false
	}
	last := w.Latest[len(w.Latest)-1]
	return last.Value == i.Value && slices.ContainsFunc(open, func(o Intent) bool {
		// Or a repeat of it: the first may be too old to arrive.
		return o.ID >= last.Intent && o.RecordID == i.RecordID && o.Value == i.Value && !o.Seen
	})
}

// reached reports whether a limit allows no further write at a time.
func (w Writes) reached(l PerCustomer, now time.Time) bool {
	recent := 0
	for _, done := range w.Latest {
		if done.At.After(now.Add(-l.Within)) {
			recent++
		}
	}
	return l.Count > 0 && recent >= l.Count
}

// and returns the writes with one more, as many of them as a limit needs.
func (w Writes) and(next Write, l PerCustomer) Writes {
	latest := append(slices.Clone(w.Latest), next)
	return Writes{Latest: latest[max(0, len(latest)-max(1, l.Count)):]}
}

// without returns the writes less those that did not leave. When the latest that
// count towards mass_change are among these, counted is true and moved is when
// the customer counted before them.
func (w Writes) without(intents []int64) (left Writes, moved time.Time, counted bool) {
	left.Stopped = w.Stopped
	stays := false // one that counts, later than those checked so far
	for _, done := range slices.Backward(w.Latest) {
		unsent := slices.Contains(intents, done.Intent)
		if !unsent {
			left.Latest = append(left.Latest, done)
		}
		stays = stays || done.Counts && !unsent
		if done.Counts && !stays {
			moved, counted = done.Moved, true
		}
	}
	slices.Reverse(left.Latest)
	return left, moved, counted
}

// jsonOf is a value as a column keeps it, "" for the zero one.
func jsonOf(v interface{ empty() bool }) (string, error) {
	if v.empty() {
		return "", nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", errStore{err}
	}
	return string(text), nil
}

func (w Writes) empty() bool  { return !w.Stopped && len(w.Latest) == 0 }
func (u Reverts) empty() bool { return u.Written.IsZero() && len(u.Times) == 0 }

// fromJSON reads such a column.
func fromJSON(text string, into any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// StopsOf reports whether an exception of a kind stops the writes to a customer.
func StopsOf(kind status.Kind) bool {
	return kind == status.LoopSuspected || kind == status.NeverSticks
}

// startAnew forgets what had stopped a customer, because a person decided that it
// may continue.
func (t *tx) startAnew(sync, customer string, kind status.Kind) error {
	column := map[status.Kind]string{status.LoopSuspected: "writes", status.NeverSticks: "undone"}[kind]
	// An attempt under way does not know of it, and would settle what it had read.
	_, err := t.exec("update customers set "+column+" = '', fence = fence + 1 where sync = $1 and customer = $2 and "+column+" <> ''", sync, customer)
	return err
}
