package store

import (
	"errors"
	"fmt"

	"github.com/trueup-sync/trueup/internal/status"
)

// ErrChanged is what every *ChangedError is.
var ErrChanged = errors.New("it was changed since; look at it again before deciding")

// ChangedError means that a customer stands otherwise by now than the person
// who decides was shown: nothing was changed.
type ChangedError struct {
	What string // what is another, in a sentence
	// Resolved: the exception has been resolved by then.
	Resolved bool
}

func (e *ChangedError) Error() string {
	if e.Resolved {
		return "it is resolved already: " + e.What + "; look at it again before deciding"
	}
	return "it was changed since: " + e.What + "; look at it again before deciding"
}

// Is makes it ErrChanged.
func (e *ChangedError) Is(target error) bool { return target == ErrChanged }

// shown compares what a person was shown with what is known of the customer now.
func (c *Customer) shown(x Exception, a Act) error {
	what := ""
	switch {
	case c.Desired.SourceValue != a.SawSource:
		what = fmt.Sprintf("the source says %q, not %q", c.Desired.SourceValue, a.SawSource)
	case c.Observed.SeenAt.IsZero():
		what = "its record has not been looked at since it was linked"
	case c.Observed.Value != a.Saw:
		what = fmt.Sprintf("the target holds %q, not %q", c.Observed.Value, a.Saw)
	default:
		return nil
	}
	return &ChangedError{What: what, Resolved: x.State == status.Resolved}
}

// rule stores what an owner decided, with what he was shown.
func (t *tx) rule(x Exception, kind RulingKind, a Act) (changed bool, err error) {
	var c Customer
	r := ruling{into: &c.Ruling}
	err = t.query(func(s scanner) error {
		var observed, seen int64
		err := s.Scan(append([]any{&c.Desired.SourceValue, &c.Desired.Value, &c.Observed.Value, &observed, &seen}, r.columns()...)...)
		c.Observed.At, c.Observed.SeenAt = at(observed), at(seen)
		r.finish()
		return err
	}, "select desired_source_value, desired_value, observed_value, observed_at, observed_seen_at, "+rulingColumns+" from customers where sync = $1 and customer = $2", x.Sync, x.Customer)
	if err == nil {
		err = c.shown(x, a)
	}
	if err != nil {
		return false, err
	}
	was := c.Ruling
	if was.Kind == kind && was.Desired == c.Desired.Value && was.Observed == c.Observed.Value && was.RecordAt.Equal(c.Observed.At) && was.Until.Equal(a.Until) {
		return false, nil
	}
	_, err = t.exec(`update customers set ruling = $3, ruling_desired = $4, ruling_observed = $5, ruling_record_at = $6, ruling_until = $7,
    ruling_at = $8, ruling_by = $9 where sync = $1 and customer = $2`,
		x.Sync, x.Customer, string(kind), c.Desired.Value, c.Observed.Value, ms(c.Observed.At), ms(a.Until), ms(t.now), a.Who)
	return true, err
}

// forgetRecord forgets what was decided about a record and what it held: the
// customer has another record now, which no one has read yet.
func (t *tx) forgetRecord(sync, customer string) error {
	_, err := t.exec(`update customers set ruling = '', undone = '', last_write = '', observed_status = '', observed_value = '', observed_at = 0, observed_by = '',
    observed_seen_at = 0 where sync = $1 and customer = $2`, sync, customer)
	return err
}
