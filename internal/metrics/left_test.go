package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

func TestWhatLeftTheFileIsServed(t *testing.T) {
	m := New()
	m.WatchLeft(func(context.Context) ([]store.Holding, error) {
		return []store.Holding{{Kind: store.SyncName, Name: "customer-status", Waiting: 68}}, nil
	})
	if text := served(m); !strings.Contains(text, "\n"+`trueup_left_behind{kind="sync",name="customer-status"} 68`) {
		t.Errorf("it is not served: %s", text)
	}
	m = New()
	m.WatchLeft(func(context.Context) ([]store.Holding, error) { return nil, errors.New("broken") })
	if text := served(m); strings.Contains(text, "trueup_left_behind{") {
		t.Errorf("served is: %.200s", text)
	}
	var none *Metrics
	none.WatchLeft(nil)
}
