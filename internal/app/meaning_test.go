package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A person gives a value its meaning through the API: the file is edited and read at
// once, and who waited is synced.
func TestAMeaningThatIsSavedIsInUseAndWhoWaitedIsSynced(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	token := l.token(store.Operator)
	ask := func(method, path string, body map[string]string, into any) {
		t.Helper()
		text, err := json.Marshal(body)
		l.must(err)
		req, err := http.NewRequestWithContext(t.Context(), method, l.app.URL()+"/api/v1/syncs/customer-status/map"+path, bytes.NewReader(text))
		l.must(err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		l.must(err)
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
		l.must(json.NewDecoder(resp.Body).Decode(into))
	}
	l.customer(1)
	l.change(1, "evt_1", "on_hold")
	l.until("the value is unknown", func() bool { return len(l.exceptions(status.UnmappedStatus)) == 1 })
	l.quiet()
	var shown contract.MapChange
	ask(http.MethodPost, "/preview", map[string]string{"value": "on_hold", "meaning": "paused"}, &shown)
	if shown.Effect.Customers != 1 || shown.To != "Paused" || len(shown.Lines) == 0 {
		t.Fatalf("%+v", shown)
	}
	var saved contract.MapSaved
	ask(http.MethodPut, "", map[string]string{"value": "on_hold", "meaning": "paused", "digest": shown.Digest, "as": "ana"}, &saved)
	if !saved.Changed || !saved.InUse {
		t.Errorf("%+v", saved)
	}
	l.until("the customer is paused", func() bool { return l.crm.Status("rec_1") == "Paused" })
	l.until("its exception is closed", func() bool { return len(l.exceptions(status.UnmappedStatus)) == 0 })
	history, err := l.db.Actions(t.Context(), l.about(1).ID)
	l.must(err)
	if len(history) == 0 || history[0].Verb != "map" || history[0].Who != "ana via api:bot" {
		t.Errorf("the history is %+v", history)
	}
}
