package connector

import (
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// clockSlack is what two clocks may differ by without a word.
const clockSlack = time.Minute

// SayClocks is what a probe says about the times of a tool whose changes are
// polled: its clock, where its answers tell, and the newest time it gives to what
// is named. Zero is for what it does not tell.
func SayClocks(now, clock time.Time, what string, newest time.Time) (said []string) {
	now = now.UTC()
	if off := now.Sub(clock); !clock.IsZero() && off.Abs() > clockSlack {
		said = append(said, fmt.Sprintf("its clock shows %s and ours %s: one of them is wrong", clock.UTC().Format(time.RFC3339), now.Format(time.RFC3339)))
	}
	if !newest.IsZero() {
		side := "before"
		if newest.After(now) {
			side = "after"
		}
		said = append(said, fmt.Sprintf("%s is dated %s, %s %s our clock", what, newest.UTC().Format(time.RFC3339),
			status.Age(now.Sub(newest).Abs()), side))
	}
	return said
}
