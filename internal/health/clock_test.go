package health

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTwoClocksAreComparedByWhatTheHeaderCanTell(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(date time.Duration, took time.Duration) Stamp {
		return Stamp{Date: now.Add(date), Sent: now, Received: now.Add(took)}
	}
	tests := map[string]struct {
		stamp  Stamp
		result Result
		says   string
	}{
		"no time in the answers":                 {Stamp{}, Unknown, "cannot tell"},
		"the same second":                        {at(0, 100*time.Millisecond), Pass, "its clock shows 2026-11-20T12:00:00Z, ours 2026-11-20T12:00:00Z; conflict.clock_skew of s allows 2s"},
		"three seconds behind, less a second":    {at(-3*time.Second, 0), Pass, ""},
		"four seconds behind":                    {at(-4*time.Second, 0), Warning, "at least 3s behind ours, more than the 2s that conflict.clock_skew of s allows"},
		"three seconds ahead":                    {at(3*time.Second, 0), Warning, "at least 3s ahead of ours"},
		"an answer that took as long":            {at(3*time.Second, 2*time.Second), Pass, ""},
		"further off than a signature may be":    {at(6*time.Minute, 0), Fault, "signed webhooks are refused from 5m0s on"},
		"further behind than a signature may be": {at(-6*time.Minute, 0), Fault, "behind ours"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ClockOf("billing", tt.stamp, 2*time.Second, "s")
			if got.Result != tt.result || !strings.Contains(got.Sentence(), tt.says) || (got.Remedy != "") != (len(Bad([]Check{got})) > 0) {
				t.Errorf("%s: %s", got.Result, got.Sentence())
			}
		})
	}
}

type answers []http.Header

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	h := (*a)[0]
	*a = (*a)[1:]
	return &http.Response{Header: h}, nil
}

// An answer that a cache kept has the time at which it was made, and one that took
// long says little.
func TestTheQuickestAnswerOfTheToolItselfCounts(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	took := []time.Duration{0, 0, 3 * time.Second, time.Second, 2 * time.Second}
	calls := 0
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	d := &Dates{Now: func() time.Time {
		if calls++; calls%2 == 0 {
			now = now.Add(took[calls/2-1])
		}
		return now
	}, Next: &answers{{}, {"Date": {at(-time.Hour)}, "Age": {"3600"}}, {"Date": {at(0)}}, {"Date": {at(4 * time.Second)}}, {"Date": {at(0)}}}}
	if _, answered := d.Stamp(); answered {
		t.Error("nothing was called yet")
	}
	for range 5 {
		if _, err := d.RoundTrip(&http.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if s, answered := d.Stamp(); !answered || s.Received.Sub(s.Sent) != time.Second || !s.Date.Equal(s.Received) {
		t.Errorf("%+v", s)
	}
}
