package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestMessagesAndWhatIsOverdueAreCounted(t *testing.T) {
	m := New()
	m.Notice("group", "posted", 2)
	m.Notice("group", "folded", 0)
	m.WatchOverdue(func(context.Context) (map[string]map[status.Kind]int, error) {
		return map[string]map[status.Kind]int{"customer-status": {status.Conflict: 3}}, nil
	})
	text := served(m)
	for _, line := range []string{
		`trueup_notices_total{result="posted",what="group"} 2`,
		`trueup_overdue_exceptions{kind="conflict",sync="customer-status"} 3`,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("not served: %s", line)
		}
	}
	if strings.Contains(text, `result="folded"`) {
		t.Error("nothing was folded, and it is counted")
	}
}

func TestOverdueThatCannotBeCountedLeavesTheRest(t *testing.T) {
	m := New()
	m.Notice("group", "posted", 1)
	m.WatchOverdue(func(context.Context) (map[string]map[status.Kind]int, error) { return nil, errors.New("broken") })
	if text := served(m); !strings.Contains(text, "trueup_notices_total") {
		t.Errorf("served is: %.200s", text)
	}
	var none *Metrics
	none.Notice("group", "posted", 1)
	none.WatchOverdue(nil)
}
