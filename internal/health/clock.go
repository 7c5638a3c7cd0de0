package health

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// SignedAge is how old a signed webhook may be: a clock that is further off has
// every one of them refused.
const SignedAge = 5 * time.Minute

// Stamp is one answer's Date, with when the call began and ended by our clock. Its
// zero value is that no answer had one.
type Stamp struct{ Date, Sent, Received time.Time }

// bounds are between which two times the tool's clock is ahead of ours: the
// header has no fractions of a second, and says nothing of when on the way it was
// written.
func (s Stamp) bounds() (least, most time.Duration) {
	return s.Date.Sub(s.Received), s.Date.Add(time.Second).Sub(s.Sent)
}

// off is how far the clocks are apart at least, 0 where they may agree; ahead is
// whether the tool's is the later one.
func (s Stamp) off() (off time.Duration, ahead bool) {
	least, most := s.bounds()
	switch {
	case least > 0:
		return least, true
	case most < 0:
		return -most, false
	}
	return 0, false
}

// ClockOf is the check of a tool's clock against ours. allowed is what
// conflict.clock_skew of a sync allows two clocks to differ by.
func ClockOf(connection string, s Stamp, allowed time.Duration, sync string) Check {
	if s.Date.IsZero() {
		return unknown(Clock, connection, "the tool's answers do not show its time")
	}
	off, ahead := s.off()
	side := "behind"
	if ahead {
		side = "ahead of"
	}
	both := fmt.Sprintf("its clock shows %s, ours %s", s.Date.UTC().Format(time.RFC3339), s.Received.UTC().Format(time.RFC3339))
	const remedy = "set this machine's clock by NTP; if it is right, the tool's clock is wrong: raise conflict.clock_skew"
	switch {
	case off >= SignedAge:
		return fault(Clock, connection, fmt.Sprintf("%s: it is at least %s %s ours, and signed webhooks are refused from %s on", both, short(off), side, SignedAge), remedy)
	case off > allowed:
		return warning(Clock, connection, fmt.Sprintf("%s: it is at least %s %s ours, more than the %s that conflict.clock_skew of %s allows", both, short(off), side, allowed, sync), remedy)
	}
	return pass(Clock, connection, fmt.Sprintf("%s; conflict.clock_skew of %s allows %s", both, sync, allowed))
}

func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Truncate(time.Second).String()
}

// Dates passes calls on and keeps the Date of the answers.
type Dates struct {
	Next http.RoundTripper
	Now  func() time.Time // nil: time.Now

	mu       sync.Mutex
	answered bool
	best     Stamp
}

// RoundTrip implements http.RoundTripper.
func (d *Dates) RoundTrip(r *http.Request) (*http.Response, error) {
	now := d.Now
	if now == nil {
		now = time.Now
	}
	sent := now()
	answer, err := d.Next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	received := now()
	d.mu.Lock()
	d.answered = true
	d.mu.Unlock()
	// What a cache kept has the time at which it was made.
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil && answer.Header.Get("Age") == "" {
		d.keep(Stamp{Date: at, Sent: sent, Received: received})
	}
	return answer, nil
}

// keep keeps the answer that says it most exactly: the one that came soonest.
func (d *Dates) keep(s Stamp) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.best.Date.IsZero() || s.Received.Sub(s.Sent) < d.best.Received.Sub(d.best.Sent) {
		d.best = s
	}
}

// Stamp returns what was seen; answered is false when no call was answered.
func (d *Dates) Stamp() (s Stamp, answered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.best, d.answered
}
