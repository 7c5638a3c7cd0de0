package app_test

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestAnIDThatIsUsedTwiceSwallowsNobodysChange(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	for n := 1; n <= 3; n++ {
		l.customer(n)
	}
	l.change(1, "customer.updated", "paused")
	l.change(2, "customer.updated", "paused") // change wants each to be accepted
	l.change(3, "customer.updated", "paused")
	l.until("the first is carried", func() bool { return l.outcome(1) == status.Applied })
	found, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.UnreadableEvent})
	if err != nil || len(found) != 1 || found[0].Count != 2 || !strings.Contains(found[0].Reason.Sentence(), "event id customer.updated of billing was used before for something else") {
		t.Errorf("the exceptions are %+v, %v", found, err)
	}
}
