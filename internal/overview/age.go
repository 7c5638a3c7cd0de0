package overview

import (
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// How long an exception has been open, to choose by.
const (
	OverADay  = "day"
	OverAWeek = "week"
	IsOverdue = "overdue" // for longer than remind_after of its sync
)

// Ages are all of them.
var Ages = []string{OverADay, OverAWeek, IsOverdue}

// OpenFor narrows a filter to those that have been open for so long; "" is all.
func OpenFor(f store.ExceptionFilter, age string, syncs map[string]config.Sync) store.ExceptionFilter {
	switch age {
	case OverADay:
		f.OpenFor = 24 * time.Hour
	case OverAWeek:
		f.OpenFor = 7 * 24 * time.Hour
	case IsOverdue:
		f.Overdue = map[string]time.Duration{}
		for name, s := range syncs {
			f.Overdue[name] = s.RemindAfter
		}
	}
	return f
}
