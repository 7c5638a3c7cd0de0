package app

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/ratelimit"
)

func TestSoManyRowsAreAppliedAtOnceAsTheRateLimitsCarry(t *testing.T) {
	t.Parallel()
	s := pipeline.Sync{From: connector.Connection{Name: "billing"}, To: connector.Connection{Name: "crm"}}
	for _, tt := range []struct {
		requests int
		per      time.Duration
		want     int
	}{
		{0, 0, 0}, {100, time.Second, 750}, {10, time.Second, 75}, {60, time.Minute, 7}, {1000, time.Hour, 2}, {1, time.Minute, 1},
	} {
		c := &connections{gates: map[string]*ratelimit.Gate{"crm": ratelimit.New(ratelimit.Options{Connection: "crm", Requests: tt.requests, Per: tt.per}),
			"billing": ratelimit.New(ratelimit.Options{Connection: "billing"})}}
		if got := c.rowsAtOnce(s); got != tt.want {
			t.Errorf("%d requests per %s: %d rows, not %d", tt.requests, tt.per, got, tt.want)
		}
	}
}
